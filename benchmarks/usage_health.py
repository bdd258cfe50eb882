"""Usage health of 100,000 customers and 5 products: all of it, and only what changed."""

from __future__ import annotations

import random
import time
from datetime import timedelta

from benchmarks.harness import Figures, Watch, arguments, fresh_database, median_and_slowest, settle

CUSTOMERS = 100_000
EVENTS = {"sqlite": 2_000_000, "postgres": 20_000_000}
CLAIM = {"sqlite": "under 20", "postgres": "under 60"}


def main() -> None:
    options = arguments(
        __doc__ or "",
        ("--customers", {"type": int, "default": CUSTOMERS, "help": "three users each"}),
        ("--events", {"type": int, "help": "default: 2 million on SQLite, 20 million on PostgreSQL"}),
    )
    scale = 10 if options.small else 1
    customers, events_count = options.customers // scale, (options.events or EVENTS[options.database]) // scale
    with fresh_database(options.database):
        from benchmarks.usage_data import fill
        from startdeliver.common import clock
        from startdeliver.customers.models import CustomerUser
        from startdeliver.tenancy.scope import organization_scope
        from startdeliver.usage import days, health
        from startdeliver.usage.ingest import Event, store
        from startdeliver.usage.models import UsageDay, UsageEvent, UsageHealth, UsageType

        figures = Figures("usage_health", options.database)
        with Watch() as filling:
            organization = fill(customers=customers, users=3 * customers, events=events_count)
        figures.add("generating (not part of a claim)", filling.seconds, "s")
        with organization_scope(organization):
            figures.add("events", UsageEvent.objects.count())
            figures.add("rows of the rollup", UsageDay.objects.count())
            with Watch() as first:
                health.refresh(organization)
            figures.add("everything, first time", first.seconds, "s", CLAIM[options.database])
            figures.add("customers with usage health", UsageHealth.objects.filter(status__isnull=False).count())
            with Watch() as again:
                health.recompute(organization)
            figures.add("everything, nothing changed", again.seconds, "s", CLAIM[options.database])
            with clock.frozen(clock.now() + timedelta(days=1)), Watch() as day:
                health.refresh(organization)
            figures.add("everything, the day after", day.seconds, "s", CLAIM[options.database])
            health.refresh(organization)
            # In production, days pass while this much is written.
            settle()
            users = list(CustomerUser.objects.values_list("pk", flat=True))
            types = list(UsageType.objects.values_list("pk", flat=True))
            rng = random.Random(7)
            taken = []
            for _ in range(3):
                now = int(time.time() * 1000)
                events = [
                    Event(rng.choice(users), rng.choice(types), now - rng.randrange(days.DAY_MS)) for _ in range(10_000)
                ]
                store(organization, events)
                with Watch() as few:
                    changed = health.refresh(organization)
                taken.append(few.seconds)
            taken.sort()
            figures.add("after 10,000 new events, median", taken[1], "s", "under 2")
            figures.add("after 10,000 new events, slowest", taken[-1], "s", "under 2")
            figures.add("customers of whom they changed something", len(changed))
            median, _ = median_and_slowest(lambda: health.refresh(organization), 20)
            figures.add("nothing new: the look-up", median, "ms")
        figures.show()


if __name__ == "__main__":
    main()
