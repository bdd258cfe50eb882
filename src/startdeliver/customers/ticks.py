"""What happens by itself: activity that is older than two years is forgotten, and SQLite learns of its tables."""

from __future__ import annotations

from datetime import timedelta

from django_scopes import scopes_disabled

from startdeliver.common import clock, statistics
from startdeliver.customers.models import Activity
from startdeliver.engine.jobs import periodic

KEPT = timedelta(days=730)
# Few enough that SQLite's only writer is free again within moments.
_AT_ONCE = 5_000


@periodic("activity-forget", 3600)
def forget_old() -> int:
    """Deletes activity of all organizations that is older than `KEPT`; gives how many rows. Needs no open scope."""
    before = clock.now() - KEPT
    forgotten = 0
    with scopes_disabled():
        while True:
            # Rows are appended in about the order of time, so the oldest are found without reading the others.
            oldest = dict(Activity.objects.order_by("pk").values_list("pk", "at")[:_AT_ONCE])
            old = [pk for pk, at in oldest.items() if at < before]
            for start in range(0, len(old), 500):
                Activity.objects.filter(pk__in=old[start : start + 500]).delete()
            forgotten += len(old)
            if len(old) < _AT_ONCE:
                return forgotten


@periodic("query-statistics", 6 * 3600)
def look_at_tables() -> None:
    """SQLite's query planner learns how large the tables have become."""
    statistics.refresh()
