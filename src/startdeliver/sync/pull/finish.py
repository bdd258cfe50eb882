"""The end of a run: health, medians and trend of what was touched, and what the next run needs to know."""

from __future__ import annotations

from startdeliver.assessment import work as assessment
from startdeliver.common import clock, statistics
from startdeliver.support import health
from startdeliver.sync.pull.work import Pull
from startdeliver.usage import health as usage

# Beyond this many customers one pass over all is cheaper than naming them.
_MANY = 20_000
# After so many new rows the query planner looks at the tables again.
_GROWN = 200


def run(pull: Pull) -> None:
    pull.refresh_health(at_once=True)
    everyone = pull.cursor.get("recount") or len(pull.touched) > _MANY
    customers = None if everyone else pull.touched
    if everyone:
        # The run was taken over, or the one before it failed: what that one had touched is not known here.
        health.recompute(pull.organization)
    if everyone or pull.touched:
        health.stats(pull.organization, customers)
    if pull.connection.last_success_at is None:
        health.settle(pull.organization)
        # The trend begins with what the tickets' dates tell of the time before.
        health.reconstruct(pull.organization)
    health.snapshot(pull.organization)
    if pull.counts.users_created or pull.counts.users_updated:
        # Last seen came in with the contacts, and is the last login of those without usage events.
        usage.refresh(pull.organization)
    if pull.counts.imported + pull.counts.users_created + pull.counts.customers_created > _GROWN:
        statistics.refresh()
    if everyone or pull.touched:
        assessment.after_sync(pull.organization, customers)


def close_sweep(pull: Pull) -> None:
    """All sweeps of the day are done."""

    def write() -> None:
        pull.connection.swept_at = clock.now()
        pull.connection.save(update_fields=["swept_at"])

    pull.commit(write)
