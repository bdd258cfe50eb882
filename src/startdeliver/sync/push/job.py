"""The preview as a worker's job, and the pushes that are tried again."""

from __future__ import annotations

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.sync.push import previews, runs


@jobs.handler(previews.KIND, priority=jobs.Priority.PERSON)
def preview(context: jobs.Context) -> None:
    """Works out the preview that was asked for."""
    if context.organization is not None:
        previews.work(context.organization, context.report)


@jobs.periodic("push.due", 30)
def start_due() -> int:
    """Asks for the pushes that Intercom could not take in full, after their pause."""
    return runs.start_due(clock.now())
