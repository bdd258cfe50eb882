"""Usage events sent in lists of 1,000, into a database that already has a million."""

from __future__ import annotations

import random
import time

from benchmarks.harness import Figures, Watch, arguments, fresh_database

LIST = 1_000


def main() -> None:
    options = arguments(__doc__ or "")
    scale = 10 if options.small else 1
    with fresh_database(options.database):
        from benchmarks.usage_data import fill
        from startdeliver.tenancy.scope import organization_scope
        from startdeliver.usage import rollup
        from startdeliver.usage.ingest import Item, ingest
        from startdeliver.usage.models import UsageDay, UsageEvent

        figures = Figures("usage_ingest", options.database)
        organization = fill(customers=10_000 // scale, users=30_000 // scale, events=1_000_000 // scale)
        rng = random.Random(7)
        now = int(time.time() * 1000)
        with organization_scope(organization):
            before = UsageEvent.objects.count()
            # A day's events as a program sends them: newest first, users in no order, a few twice.
            lists = [
                [
                    Item(
                        user=f"user{rng.randrange(30_000 // scale) + 1}@customer.example",
                        usage_type=f"type{rng.randrange(10) + 1}",
                        timestamp=now - rng.randrange(86_400_000),
                    )
                    for _ in range(LIST)
                ]
                for _ in range(100 // scale)
            ]
            taken = []
            for items in lists:
                with Watch() as watch:
                    results = ingest(organization, items)
                taken.append(watch.seconds)
                assert all(result.ok for result in results)
            taken.sort()
            figures.add("events a second, lists of 1,000", LIST * len(lists) / sum(taken), "", "at least 20,000")
            figures.add("median of a list", taken[len(taken) // 2] * 1000, "ms")
            figures.add("slowest list", taken[-1] * 1000, "ms")
            figures.add("events stored", UsageEvent.objects.count() - before)
            with Watch() as again:
                for items in lists:
                    ingest(organization, items)
            figures.add("the same lists again, a second", LIST * len(lists) / again.seconds)
            with Watch() as counting:
                rollup.count_new(organization)
            figures.add("counted into the rollup, events a second", LIST * len(lists) / counting.seconds)
            figures.add("rows of the rollup", UsageDay.objects.count())
        figures.show()


if __name__ == "__main__":
    main()
