"""The daily rollup: events of one user, type and calendar day, counted."""

from __future__ import annotations

from collections.abc import Collection
from operator import itemgetter

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.storage.sql import execute, fetch, id_list, is_postgres, one_of, organization_work
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days
from startdeliver.usage.models import NewEvent, UsageState
from startdeliver.usage.sql import health_writer, insert, user_ids_of

# Few enough that SQLite's only writer is free again within moments.
_COUNTED_AT_ONCE = 20_000

_TAKE = """
DELETE FROM usage_newevent
 WHERE id IN (SELECT id FROM usage_newevent WHERE organization_id = %(org)s ORDER BY id LIMIT %(most)s)
RETURNING user_id, usage_type_id, timestamp, quantity
"""

_UPSERT = (
    "ON CONFLICT (organization_id, user_id, usage_type_id, day) DO UPDATE SET "
    "count = usage_usageday.count + excluded.count, quantity = usage_usageday.quantity + excluded.quantity, "
    "last_at = {newer}(usage_usageday.last_at, excluded.last_at)"
)

_EMPTY = "DELETE FROM usage_usageday WHERE organization_id = %(org)s{only}"
_FORGET = "DELETE FROM usage_newevent WHERE organization_id = %(org)s{only}"

_COUNT_ALL = """
{forget}INSERT INTO usage_usageday (organization_id, user_id, usage_type_id, day, count, quantity, last_at)
SELECT organization_id, user_id, usage_type_id, day, COUNT(*), SUM(quantity), MAX(timestamp)
  FROM (SELECT e.*, (e.timestamp + {shift}) / {day_ms} AS day FROM usage_usageevent AS e
         WHERE e.organization_id = %(org)s{only}) AS dated
 GROUP BY organization_id, user_id, usage_type_id, day
"""


def state(organization: Organization) -> UsageState:
    """The organization's state, made on first use."""
    with organization_work(organization):
        found, _ = UsageState.objects.get_or_create(
            organization=organization, defaults={"time_zone": organization.time_zone}
        )
        return found


def count_new(organization: Organization) -> int:
    """Adds the events to the rollup that came since it was last called, and records whose rollup changed.

    Gives the number of events looked at. Those of users who were deleted in the meantime are not counted.
    """
    counted = 0
    with organization_work(organization):
        while NewEvent.objects.exists():
            counted += _count_some(organization)
    return counted


def _count_some(organization: Organization) -> int:
    with health_writer(organization):
        taken = fetch(_TAKE, {"org": organization.pk, "most": _COUNTED_AT_ONCE})
        zone = state(organization).time_zone
        known = user_ids_of(organization, {row[0] for row in taken})
        cells: dict[tuple[int, int, int], list[int]] = {}
        for user, usage_type, timestamp, quantity in taken:
            if user in known:
                cell = cells.setdefault((user, usage_type, days.day_of(timestamp, zone)), [0, 0, 0])
                cell[0] += 1
                cell[1] += quantity
                cell[2] = max(cell[2], timestamp)
        insert(
            "usage_usageday (organization_id, user_id, usage_type_id, day, count, quantity, last_at)",
            ("bigint", "bigint", "int", "int", "bigint", "bigint"),
            organization.pk,
            [(*key, *cell) for key, cell in sorted(cells.items(), key=itemgetter(0))],
            _UPSERT.format(newer="greatest" if is_postgres() else "max"),
        )
        record(organization, Kind.USAGE, usage_types={row[:2] for row in taken})
        return len(taken)


def rebuild(organization: Organization, user_ids: Collection[int] | None = None) -> int:
    """Counts all events anew: of these users, or of all (None) and then in the organization's present time zone.

    Gives the number of rows counted. The change is recorded, so the next refresh sees it.
    """
    with health_writer(organization):
        current = state(organization)
        if user_ids is None:
            current.time_zone = organization.time_zone
            current.computed_day = None
            current.save(update_fields=["time_zone", "computed_day"])
        else:
            record(organization, Kind.USER, users=user_ids)
        only = "" if user_ids is None else f" AND {one_of('user_id', 'ids')}"
        values = {"org": organization.pk, "ids": id_list(user_ids or [])}
        execute(_EMPTY.format(only=only), values)
        forget = _FORGET.format(only=only)
        if not is_postgres():
            execute(forget, values)
        statement = _COUNT_ALL.format(
            # In one statement, so that an event which comes in just now is counted either here or later, never twice.
            forget=f"WITH forgotten AS ({forget}) " if is_postgres() else "",
            shift=days.shift_sql("e.timestamp", current.time_zone),
            day_ms=days.DAY_MS,
            only=only,
        )
        return execute(statement, values)
