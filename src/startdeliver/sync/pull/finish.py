"""The end of a run: health, figures and trend of what changed, and what the next run needs to know."""

from __future__ import annotations

from startdeliver.common import clock, statistics
from startdeliver.support import health
from startdeliver.sync.pull.work import Pull
from startdeliver.usage import health as usage

# After so many new rows the query planner looks at the tables again.
_GROWN = 200


def run(pull: Pull) -> None:
    # What the pipeline has not come to yet is done here, so that a complete sync has its results.
    usage.refresh(pull.organization)
    health.refresh(pull.organization, early=True)
    health.refresh_figures(pull.organization, early=True)
    if pull.connection.last_success_at is None:
        health.settle(pull.organization)
        # The trend begins with what the tickets' dates tell of the time before.
        health.reconstruct(pull.organization)
    health.snapshot(pull.organization)
    if pull.counts.imported + pull.counts.users_created + pull.counts.customers_created > _GROWN:
        statistics.refresh()


def close_sweep(pull: Pull) -> None:
    """All sweeps of the day are done."""

    def write() -> None:
        pull.connection.swept_at = clock.now()
        pull.connection.save(update_fields=["swept_at"])

    pull.commit(write)
