"""Many customers and tickets, computed inside the database, so that every run has the same data."""

from __future__ import annotations

import time

from django.db import connection

from benchmarks.harness import settle
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.services import organization_create

DAY = 86_400
# Tickets are created within this many days, so that most of them are in the 90-day figures.
SPREAD_DAYS = 100

_SERIES = "WITH RECURSIVE series(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {count})"

_CUSTOMERS = (
    """INSERT INTO customers_customer (organization_id, name, external_id, domain, website, plan, industry, tags,
           custom, field_sources, created_at, updated_at, updated_by)
"""
    + _SERIES
    + """
SELECT {org}, 'Customer ' || n, 'c' || n, 'customer' || n || '.example', '', 'pro', '', '[]', '{{}}', '{{}}',
       {now}, {now}, '' FROM series"""
)

# h1 to h4 are four pseudo-random 32-bit numbers for each ticket.
_TICKETS = (
    """INSERT INTO support_ticket (organization_id, workspace, external_id, link, title, preview, status, snoozed,
    priority, channel, customer_id, assignee_ref, assignee_name, team_ref, team_name, tags, created_at, updated_at,
    clock_from,
    clock_exact, first_reply_at, first_reply_seconds, resolved_at, resolution_seconds, reopen_count, rating,
    rating_remark, rated_at, sla_name, sla_status, ticket_type, ticket_state, author_ref, company_ref,
    company_external_ref, part_count, stored_part_count, message_count, incomplete, messages_due, synced_at,
    fingerprint)
"""
    + _SERIES
    + """,
hashed AS (SELECT n, (n * 2654435761) % 4294967296 AS h1, (n * 2246822519) % 4294967296 AS h2,
                  (n * 3266489917) % 4294967296 AS h3, (n * 668265263) % 4294967296 AS h4 FROM series),
dated AS (SELECT hashed.*, {epoch} - h2 % ({days} * 86400) AS made,
                 CASE WHEN h3 % 100 < 4 THEN 0 ELSE 1 END AS done, 60 + h4 % (4 * 86400) AS lasted FROM hashed),
facts AS (SELECT dated.*, CASE WHEN done = 1 AND made + lasted < {epoch} THEN made + lasted END AS closed FROM dated)
SELECT {org}, 'bench', CAST(n AS {text}), 'https://app.intercom.com/a/inbox/bench/inbox/conversation/' || n,
       'Question ' || n || ' about invoices', 'Hello, I have a question about the invoice of last month. Number ' || n,
       CASE WHEN closed IS NULL THEN 'open' ELSE 'resolved' END, {false}, '', 'conversation',
       {first} + (h1 / 2) * (h1 / 2) / 2147483648 * {customers} / 2147483648,
       '1', 'Agent Smith', '', '', '[]', {made}, {updated}, {made}, {true}, {replied}, h4 % 86400, {closed},
       closed - made, 0, CASE WHEN h3 % 10 = 0 THEN 1 + h4 % 5 END, '',
       CASE WHEN h3 % 10 = 0 THEN {closed} END, '', '', '', '', '', '', '', 5, 5, 4, {false}, {false}, {now}, ''
  FROM facts"""
)


def fill(customers: int, tickets: int) -> Organization:
    """Create an organization with customers and tickets. A few customers have very many tickets; about 4 % are open."""
    organization, _, _ = organization_create(name="Bench", admin_email="admin@bench.test")
    postgres = connection.vendor == "postgresql"
    epoch = int(time.time())
    when = "to_timestamp({})" if postgres else "strftime('%%Y-%%m-%%d %%H:%%M:%%S', {}, 'unixepoch')"
    with connection.cursor() as cursor:
        common = {"org": organization.pk, "now": when.format(epoch), "epoch": epoch}
        cursor.execute(_CUSTOMERS.format(count=customers, **common), [])
        cursor.execute("SELECT MIN(id) FROM customers_customer WHERE organization_id = %s", [organization.pk])
        first = cursor.fetchone()[0]
        statement = _TICKETS.format(
            count=tickets,
            customers=customers,
            first=first,
            days=SPREAD_DAYS,
            text="text",
            true="true",
            false="false",
            made=when.format("made"),
            updated=when.format("COALESCE(closed, made + h4 % 86400)").replace("h4 % ", "h4 %% "),
            replied=when.format("made + h4 % 86400").replace("h4 % ", "h4 %% "),
            closed=when.format("closed"),
            **common,
        )
        cursor.execute(statement.replace("%%", "%").replace("%", "%%"), [])
    settle()
    return organization
