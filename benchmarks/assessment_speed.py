"""Speed of assessments: python -m benchmarks.assessment_speed [--database sqlite|postgres] [--small]

Evidence of all customers, the built-in verdicts on ten thousand of them with the tones already stored, and the tones of
messages. 100,000 customers with a million tickets, half a million users and six million days of use (--small: a tenth).
"""

from __future__ import annotations

import time

from benchmarks.harness import Figures, arguments, fresh_database, settle

_USERS = """
INSERT INTO customers_customeruser (organization_id, customer_id, name, email, email_key, phone, role, tags,
    is_stakeholder, is_non_user, last_login_at, custom, field_sources, created_at, updated_at, updated_by)
SELECT c.organization_id, c.id, 'User ' || s.n, '', '', '', 'user', '[]', {stake}, {false}, {login}, '{{}}', '{{}}',
       {now}, {now}, '' FROM customers_customer AS c
  CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS s
"""
_DAYS = """
INSERT INTO usage_usageday (organization_id, user_id, usage_type_id, day, count, quantity, last_at)
SELECT u.organization_id, u.id, {type}, {today} - (u.id * 7 + s.n * 5) % 60, 1, 3, 0
  FROM customers_customeruser AS u CROSS JOIN ({series}) AS s WHERE true
"""
_TONES = """
INSERT INTO assessment_tickettone (ticket_id, organization_id, topic, last_at, data, computed_at)
SELECT t.id, t.organization_id, 'billing', t.updated_at,
       '{{"m":{{"1":[1,' || {unix} || ',-0.6,0.1,true],"2":[1,' || {unix} || ',0.2,0.0,true]}},'
       || '"q":[["1",' || {unix} || ',-0.6,0.1,"This is the second wrong invoice."]],"source":"encoder"}}', {now}
  FROM support_ticket AS t WHERE t.created_at >= {since}
"""


def main() -> None:
    args = arguments(__doc__ or "")
    customers, tickets = (10_000, 100_000) if args.small else (100_000, 1_000_000)
    with fresh_database(args.database):
        from django.db import connection

        from benchmarks.generate import fill
        from startdeliver.assessment import services
        from startdeliver.assessment.evidence.collect import collect
        from startdeliver.assessment.models import LatestAssessment
        from startdeliver.assessment.reader import model
        from startdeliver.customers.models import Customer
        from startdeliver.support import health
        from startdeliver.tenancy.scope import organization_scope
        from startdeliver.usage import days
        from startdeliver.usage.models import UsageState, UsageType

        figures = Figures(f"assessments of {customers:,} customers", args.database)
        organization = fill(customers, tickets)
        postgres = connection.vendor == "postgresql"
        epoch = int(time.time())
        moment = "to_timestamp({})" if postgres else "datetime({}, 'unixepoch')"
        unix = "CAST(EXTRACT(EPOCH FROM t.updated_at) AS bigint)" if postgres else "unixepoch(t.updated_at)"
        with organization_scope(organization):
            kind = UsageType.objects.create(organization=organization, name="Work", alias="work")
            UsageState.objects.get_or_create(organization=organization, defaults={"time_zone": "UTC"})
            with connection.cursor() as cursor:
                logged = moment.format(f"{epoch} - ((c.id * 7 + s.n * 11) %% 60) * 86400")
                common = {"false": "false", "now": moment.format(epoch)}
                cursor.execute(_USERS.format(stake="s.n = 0", login=logged, **common).replace("%%", "%"))
                series = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(12))
                today = days.today("UTC")
                cursor.execute(_DAYS.format(type=kind.pk, today=today, series=series) + " ON CONFLICT DO NOTHING")
                since = moment.format(epoch - 90 * 86400)
                cursor.execute(_TONES.format(unix=unix, since=since, now=common["now"]))
            health.recompute(organization)
            settle()
            ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True))

            start, cpu = time.perf_counter(), time.process_time()
            facts = sum(len(evidence.facts) for evidence in collect(organization, ids))
            figures.add("evidence of all", time.perf_counter() - start, "s", "under 60 for 100,000 on PostgreSQL")
            figures.add("of which this process", time.process_time() - cpu, "CPU s")
            figures.add("facts a customer", facts / customers)

            start = time.perf_counter()
            services.assess_due(organization, ids[:10_000])
            figures.add("10,000 assessed", time.perf_counter() - start, "s", "under 60")
            assert LatestAssessment.objects.count() == 10_000
            start = time.perf_counter()
            services.assess_due(organization, ids[:10_000])
            figures.add("10,000 unchanged", time.perf_counter() - start, "s")

            words = "Hello, when I export report {} the file ends after 300 rows, the second time this month. {}"
            rest = "Could you look at {} soon, since our month-end closing depends on it and my colleagues wait?"
            texts = [words.format(number, rest.format(number)) for number in range(2000)]
            model.tones(["warm"])
            start, cpu = time.perf_counter(), time.process_time()
            model.tones(texts)
            figures.add("tones", len(texts) / (time.process_time() - cpu), "a CPU s", "at least 250")
            figures.add("tones by the clock", len(texts) / (time.perf_counter() - start), "a second")
        figures.show()


if __name__ == "__main__":
    main()
