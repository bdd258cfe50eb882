"""Support health of 100,000 customers with 1,000,000 tickets: all of it, and only what changed."""

from __future__ import annotations

from benchmarks.harness import Figures, Watch, arguments, fresh_database, median_and_slowest


def main() -> None:
    options = arguments(__doc__ or "")
    scale = 10 if options.small else 1
    with fresh_database(options.database):
        from benchmarks.generate import fill
        from startdeliver.support import health
        from startdeliver.support.models import SupportHealth
        from startdeliver.tenancy.scope import organization_scope

        figures = Figures("health", options.database)
        with Watch() as filling:
            organization = fill(100_000 // scale, 1_000_000 // scale)
        figures.add("generating (not part of a claim)", filling.seconds, "s")
        with organization_scope(organization):
            with Watch() as first:
                written = health.recompute(organization)
            figures.add("customers with tickets", written)
            figures.add("statuses and counts, all, first time", first.seconds, "s", "under 3")
            with Watch() as again:
                health.recompute(organization)
            figures.add("statuses and counts, all, nothing changed", again.seconds, "s", "under 3")
            with Watch() as ruled:
                health.set_rule(organization, days=14, poor=2, by="bench")
            figures.add("a changed rule, all", ruled.seconds, "s", "under 3")
            with Watch() as counted:
                health.stats(organization)
            figures.add("medians and history, all", counted.seconds, "s", "under 20")
            touched = list(SupportHealth.objects.order_by("-customer_id").values_list("customer_id", flat=True)[:150])
            median, slowest = median_and_slowest(lambda: health.recompute(organization, touched), 20)
            figures.add("150 touched customers, statuses, median", median, "ms")
            figures.add("150 touched customers, statuses, slowest", slowest, "ms")
            median, _ = median_and_slowest(lambda: health.stats(organization, touched), 10)
            figures.add("150 touched customers, medians and history", median, "ms")
            health.refresh_due(organization)
            median, _ = median_and_slowest(lambda: health.refresh_due(organization), 20)
            figures.add("nothing due: the look-up before a page", median, "ms")
            with Watch() as day:
                health.snapshot(organization)
            figures.add("daily snapshot, all", day.seconds, "s")
        figures.show()


if __name__ == "__main__":
    main()
