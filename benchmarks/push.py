"""Pushing to Intercom: comparing everything when nothing changed, and writing 10,000 companies at Intercom's rate."""

from __future__ import annotations

import time
from typing import NamedTuple

from benchmarks.harness import Figures, Watch, arguments, fresh_database, peak_megabytes, settle
from benchmarks.sync_rate import ALLOWANCE, LATENCY_MS, Windows
from benchmarks.workspace import WORKSPACE, Intercom, simulated_intercom

_SERIES = "WITH RECURSIVE series(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {count})"


def fill(customers: int, users: int) -> object:
    """Create an advanced-tier organization whose customers and users are linked to companies and contacts."""
    from django.db import connection

    from startdeliver.simulator import DEFAULT_TOKEN
    from startdeliver.sync.models import Connection
    from startdeliver.tenancy.scope import organization_scope
    from startdeliver.tenancy.services import organization_create

    organization, _, _ = organization_create(name="Bench", admin_email="admin@bench.test")
    organization.advanced = True
    organization.save()
    now = int(time.time())
    when = "to_timestamp({})" if connection.vendor == "postgresql" else "strftime('%Y-%m-%d %H:%M:%S', {}, 'unixepoch')"
    at, login, org = when.format(now), when.format(f"{now} - (n * 7919) % 2000000"), organization.pk
    series = _SERIES.format(count=customers)
    people = _SERIES.format(count=users)
    statements = [
        "INSERT INTO customers_customer (organization_id, name, external_id, domain, website, plan, industry, tags, "
        "custom, field_sources, created_at, updated_at, updated_by, last_login_at) "
        f"{series} SELECT {org}, 'Customer ' || n, 'c' || n, '', '', 'pro', '', '[]', '{{}}', '{{}}', {at}, {at}, '', "
        f"{login} FROM series",
        "INSERT INTO usage_usagehealth (organization_id, customer_id, status, score, product_count, computed_at) "
        "SELECT organization_id, id, CASE id % 3 WHEN 0 THEN 'good' WHEN 1 THEN 'fair' ELSE 'poor' END, 1, 1, "
        f"{at} FROM customers_customer",
        "INSERT INTO sync_intercomcompany (organization_id, workspace, ref, company_id, name, facts, fingerprint, "
        "customer_id, matched_by, match_note, changed_at, seen_at) "
        f"SELECT organization_id, '{WORKSPACE}', 'co' || id, external_id, name, '{{}}', 'f', id, '', '', {at}, {at} "
        "FROM customers_customer",
        "INSERT INTO customers_customeruser (organization_id, customer_id, name, email, email_key, phone, role, tags, "
        "is_stakeholder, is_non_user, custom, field_sources, created_at, updated_at, updated_by, last_login_at) "
        f"{people} SELECT {org}, (SELECT MIN(id) FROM customers_customer) + n % {customers}, 'User ' || n, "
        "'u' || n || '@x.example', 'u' || n || '@x.example', '', '', '[]', "
        f"{'false' if connection.vendor == 'postgresql' else 0}, {'false' if connection.vendor == 'postgresql' else 0},"
        f" '{{}}', '{{}}', {at}, {at}, '', {login} FROM series",
        "INSERT INTO sync_intercomcontact (organization_id, workspace, ref, external_id, email, email_key, name, role, "
        "company_refs, facts, fingerprint, remote_updated_at, last_seen_at, state, merged_into, user_id, matched_by, "
        "match_note, changed_at, seen_at) "
        f"SELECT organization_id, '{WORKSPACE}', 'p' || id, '', email, email_key, name, 'user', '[]', '{{}}', 'f', 0, "
        f"0, 'active', '', id, '', '', {at}, {at} FROM customers_customeruser",
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    settle()
    with organization_scope(organization):
        link = Connection(
            organization=organization,
            status=Connection.Status.AUTHENTICATED,
            token_kind="token",
            workspace=WORKSPACE,
            saved_at=None,
        )
        link.token = DEFAULT_TOKEN
        from startdeliver.common import clock

        link.saved_at = clock.now()
        link.save()
    return organization


def confirm(organization: object, link: object) -> int:
    """Mark the whole plan as written and confirmed. Return the number of records."""
    from startdeliver.common import clock
    from startdeliver.sync.models import PushField, PushRun
    from startdeliver.sync.push import choices, queue, runs
    from startdeliver.sync.push.plan import Batch, batches

    choices.accept(organization, "bench")
    PushField.objects.filter(ticked=True).update(workspace=WORKSPACE, defined_at=clock.now())
    run = PushRun.objects.create(organization=organization, trigger="cli", status="success")
    number, now = 0, int(time.time())
    for spec in runs.specs(organization, link, accepted_only=True):
        for batch in batches(link, spec):
            settled = list(batch.settled)
            for change in batch.changes:
                values = {key: {"v": value, "at": now} for key, value in change.after.items()}
                settled.append((change.target, values, change.mark, "f"))
            queue.enqueue(run, spec.model, Batch(settled=settled))
            number += len(settled)
    return number


class CompanyRef(NamedTuple):
    """Intercom's id of a company."""

    id: int
    ref: str


def companies(intercom: Intercom, number: int) -> None:
    """Create the customers' companies in the simulated workspace, and store their Intercom ids."""
    from startdeliver.storage import bulk
    from startdeliver.sync.models import IntercomCompany

    rows = list(IntercomCompany.objects.order_by("pk")[:number])
    refs = []
    for row in rows:
        company = intercom.control("POST", "verbs/add_company", {"name": row.name, "company_id": row.company_id})
        refs.append(CompanyRef(row.pk, company["id"]))
    bulk.update(IntercomCompany, rows[0].organization_id, refs)


def main() -> None:
    options = arguments(__doc__ or "", ("--no-writing", {"action": "store_true", "help": "only the comparing"}))
    scale = 10 if options.small else 1
    with (
        simulated_intercom(1, rate_limit=ALLOWANCE, latency_ms=LATENCY_MS) as intercom,
        fresh_database(options.database, INTERCOM_API_URL=intercom.url),
    ):
        from django.db import connection

        from startdeliver.sync.models import Connection, PushField, PushRun
        from startdeliver.sync.push import runs
        from startdeliver.tenancy.scope import organization_scope
        from startdeliver.usage import health as usage

        figures = Figures("push", options.database)
        organization = fill(100_000 // scale, 300_000 // scale)
        with organization_scope(organization):
            link = Connection.objects.get()
            usage.refresh(organization)
            with Watch() as first:
                figures.add("records compared the first time", confirm(organization, link))
            figures.add("comparing them all with an empty record", first.seconds, "s")
            with Watch() as nothing:
                run = runs.execute(organization, PushRun.Trigger.CLI)
            assert (run.status, run.planned) == ("success", 0), run.error
            figures.add("a push with nothing changed", nothing.seconds, "s", "under 10")
            figures.add("its requests", run.requests, "", "0")
            figures.add("peak memory", peak_megabytes(), "MB")
            if not options.no_writing:
                number = 10_000 // scale
                companies(intercom, number)
                for field in PushField.objects.filter(ticked=True):
                    kind = {"last_login": "date"}.get(field.source, "string")
                    body = {"model": field.model, "name": field.name, "data_type": kind}
                    intercom.control("POST", "verbs/define_attribute", body)
                with connection.cursor() as cursor:
                    cursor.execute(
                        "UPDATE usage_usagehealth SET status = CASE status WHEN 'good' THEN 'poor' ELSE 'good' END "
                        "WHERE customer_id < (SELECT MIN(id) FROM customers_customer) + %s",
                        [number],
                    )
                intercom.control("DELETE", "log")
                windows = Windows(intercom)
                windows.start()
                with Watch() as writing:
                    run = runs.execute(organization, PushRun.Trigger.CLI)
                windows.end()
                assert run.status == "success", run.error
                counts = [after - before for before, after in zip(windows.answered, windows.answered[1:], strict=False)]
                busy = [count for count in counts[:-1] if count > ALLOWANCE / 2]
                figures.add("companies written", run.written)
                figures.add("requests", run.requests)
                figures.add("seconds", writing.seconds, "s")
                if busy:
                    figures.add("allowance used, mean", 100 * sum(busy) / len(busy) / ALLOWANCE, "%", "at least 95")
                    figures.add("allowance used, least", 100 * min(busy) / ALLOWANCE, "%")
                figures.add("429 afterwards", windows.refused[-1] - windows.refused[0], "", "0")
        figures.show()


if __name__ == "__main__":
    main()
