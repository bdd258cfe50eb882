"""The daily rollup: events of one user, type and calendar day, counted."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import Max, Min

from startdeliver.tenancy.models import Organization
from startdeliver.usage import days
from startdeliver.usage.models import Touch, UsageEvent, UsageState
from startdeliver.usage.sql import execute, id_list, is_postgres, one_of, organization_work

_COUNT = """
INSERT INTO usage_usageday (organization_id, user_id, usage_type_id, day, count, quantity, last_at)
WITH zone(starts, ends, shift) AS (VALUES {zone})
SELECT e.organization_id, e.user_id, e.usage_type_id, (e.timestamp + z.shift) / {day_ms},
       COUNT(*), SUM(e.quantity), MAX(e.timestamp)
  FROM usage_usageevent AS e JOIN zone AS z ON e.timestamp >= z.starts AND e.timestamp < z.ends
 WHERE e.organization_id = %(org)s{only}
 GROUP BY e.organization_id, e.user_id, e.usage_type_id, (e.timestamp + z.shift) / {day_ms}
"""


def state(organization: Organization) -> UsageState:
    """The organization's state, made on first use."""
    with organization_work(organization):
        found, _ = UsageState.objects.get_or_create(
            organization=organization, defaults={"time_zone": organization.time_zone}
        )
        return found


def writing_zone(organization: Organization) -> str:
    """The time zone whose days the rollup has; until the transaction ends, no other one can change it."""
    found = state(organization)
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SELECT time_zone FROM usage_usagestate WHERE id = %s FOR SHARE", [found.pk])
            return str(cursor.fetchone()[0])
    return found.time_zone


def rebuild(organization: Organization, user_ids: Collection[int] | None = None) -> int:
    """Counts all events anew: of these users, or of all (None) and then in the organization's present time zone.

    Gives the number of rows counted. What depends on them is touched, so the next refresh sees it.
    """
    with organization_work(organization), transaction.atomic():
        current = UsageState.objects.select_for_update().get(pk=state(organization).pk)
        if user_ids is None:
            current.time_zone = organization.time_zone
            current.computed_day = None
            current.save(update_fields=["time_zone", "computed_day"])
        else:
            Touch.objects.bulk_create([Touch(organization=organization, user_id=user) for user in sorted(user_ids)])
        only = "" if user_ids is None else f" AND {one_of('user_id', 'ids')}"
        values = {"org": organization.pk, "ids": id_list(user_ids or [])}
        execute(f"DELETE FROM usage_usageday WHERE organization_id = %(org)s{only}", values)  # noqa: S608
        span = UsageEvent.objects.aggregate(first=Min("timestamp"), last=Max("timestamp"))
        if span["first"] is None:
            return 0
        pieces = days.offsets(current.time_zone, span["first"], span["last"])
        statement = _COUNT.format(zone=", ".join(map(str, pieces)), day_ms=days.DAY_MS, only=only)
        return execute(statement, values)
