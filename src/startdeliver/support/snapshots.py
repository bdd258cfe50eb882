"""Stored history of support health: one row per customer and calendar day of the organization's time zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Min

from startdeliver.common import clock
from startdeliver.storage.sql import differs, execute, is_postgres, organization_work
from startdeliver.support.history import DayState, TicketDates, history_of
from startdeliver.support.models import SupportHealth, SupportSnapshot, Ticket
from startdeliver.support.rules import rule
from startdeliver.support.sql import health_writer
from startdeliver.tenancy.models import Organization

BACKFILL_DAYS = 90
# Few enough that SQLite's only writer is free again quickly.
_CUSTOMERS_AT_ONCE = 500

_SNAPSHOT = """
INSERT INTO support_supportsnapshot (
    organization_id, customer_id, day, status, open_count, overdue_count, reconstructed)
SELECT organization_id, customer_id, {day}, status, open_count, overdue_count, false
  FROM support_supporthealth
 WHERE organization_id = %s
ON CONFLICT (organization_id, customer_id, day) DO UPDATE SET
    status = excluded.status, open_count = excluded.open_count, overdue_count = excluded.overdue_count,
    reconstructed = false
 WHERE {any_differs}
"""

_INSERT_SQLITE = """
INSERT INTO support_supportsnapshot (
    organization_id, customer_id, day, status, open_count, overdue_count, reconstructed)
VALUES (%s, %s, %s, %s, %s, %s, true)
ON CONFLICT (organization_id, customer_id, day) DO NOTHING
"""

_INSERT_POSTGRES = """
INSERT INTO support_supportsnapshot (
    organization_id, customer_id, day, status, open_count, overdue_count, reconstructed)
SELECT %s, given.*, true
  FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::int[], %s::int[]) AS given
ON CONFLICT (organization_id, customer_id, day) DO NOTHING
"""


def snapshot(organization: Organization, day: date | None = None) -> int:
    """Stores today's health of every customer in one statement. A second call on the same day replaces it.

    `day` is a calendar day of the organization's time zone, today when None. Returns the number of rows written.
    """
    day = day or clock.today(organization.time_zone)
    row, new = "support_supportsnapshot.", "excluded."
    columns = ("status", "open_count", "overdue_count", "reconstructed")
    statement = _SNAPSHOT.format(
        day="CAST(%s AS date)" if is_postgres() else "%s",
        any_differs=" OR ".join(differs(row + name, new + name) for name in columns),
    )
    with health_writer(organization):
        return execute(statement, [day.isoformat(), organization.pk])


def reconstruct(organization: Organization) -> int:
    """Fills the days before each customer's first snapshot, up to 90, from the dates of its tickets.

    Runs once per customer, because a reopened ticket loses dates of its past. Existing snapshots are never changed.
    Continues where it stopped after an interruption. Returns the number of days written.
    """
    written = 0
    with organization_work(organization):
        waiting = SupportHealth.objects.filter(reconstructed_at__isnull=True, ticket_count__gt=0)
        ids = list(waiting.order_by("customer_id").values_list("customer_id", flat=True))
    for start in range(0, len(ids), _CUSTOMERS_AT_ONCE):
        with health_writer(organization):
            written += _reconstruct(organization, ids[start : start + _CUSTOMERS_AT_ONCE])
    return written


def _reconstruct(organization: Organization, ids: Sequence[int]) -> int:
    zone = ZoneInfo(organization.time_zone)
    current = rule(organization)
    today = clock.today(organization.time_zone)
    kept = SupportSnapshot.objects.filter(customer_id__in=ids, reconstructed=False)
    firsts = dict(kept.values_list("customer_id").annotate(first=Min("day")))
    rows: list[tuple[int, DayState]] = []
    for customer_id, tickets in _dates(ids).items():
        first = firsts.get(customer_id, today)
        days = [first - timedelta(days=back) for back in range(BACKFILL_DAYS, 0, -1)]
        rows += [(customer_id, state) for state in history_of(tickets, days, zone, current)]
    _insert(organization, rows)
    SupportHealth.objects.filter(customer_id__in=ids).update(reconstructed_at=clock.now())
    return len(rows)


def _dates(ids: Sequence[int]) -> dict[int, list[TicketDates]]:
    """Returns the tickets' dates by customer. A ticket that was resolved on an unknown day never counts as open."""
    dates: dict[int, list[TicketDates]] = defaultdict(list)
    facts = Ticket.objects.filter(customer_id__in=ids).values_list(
        "customer_id", "status", "created_at", "clock_from", "resolved_at", "reopen_count"
    )
    for customer_id, status, created, clock_from, resolved, reopened in facts.iterator():
        opened = clock_from if reopened else created
        until = None if status == Ticket.Status.OPEN else resolved or opened
        dates[customer_id or 0].append(TicketDates(created, max(opened, created), until))
    return dates


def _insert(organization: Organization, rows: Sequence[tuple[int, DayState]]) -> None:
    values = [
        (customer_id, state.day.isoformat(), state.status and str(state.status), state.open_count, state.overdue_count)
        for customer_id, state in rows
    ]
    if not values:
        return
    if is_postgres():
        execute(_INSERT_POSTGRES, [organization.pk, *(list(column) for column in zip(*values, strict=True))])
        return
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT_SQLITE, [(organization.pk, *row) for row in values])
