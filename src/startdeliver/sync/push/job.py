"""The preview as a worker's job, pushes of what changed, and the pushes that are tried again."""

from __future__ import annotations

from startdeliver.changes.models import Stage
from startdeliver.changes.queue import taken
from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.sync import session
from startdeliver.sync.models import PushRun
from startdeliver.sync.push import previews, runs
from startdeliver.sync.push.plan import Only, targets
from startdeliver.tenancy.models import Organization

CHANGES_JOB = runs.KIND + ".changes"


def refresh(organization: Organization) -> None:
    """The stage of the pipeline: has the values of the records that changed go out, where they differ from what
    Intercom confirmed and something goes out by itself."""
    with taken(organization, Stage.PUSH) as batch:
        try:
            link = runs.ready_connection(organization)
        except runs.NotReady:
            return
        only = Only(batch.customers(), batch.users())
        if any(targets(link, spec, only) for spec in runs.specs(organization, link, accepted_only=True)):
            batch.move(Stage.OUT)
            start(organization)


def start(organization: Organization) -> None:
    """Has a worker push what the pipeline found, once no sync and no other push of the organization runs."""
    jobs.enqueue_all(CHANGES_JOB, [organization], lock=session.LOCK)


@jobs.handler(CHANGES_JOB)
def push_changes(context: jobs.Context) -> None:
    """Pushes the values of the records that the pipeline found."""
    assert context.organization is not None
    with taken(context.organization, Stage.OUT) as batch:
        if batch.ids:
            try:
                runs.execute(context, PushRun.Trigger.CHANGE, Only(batch.customers(), batch.users()))
            except runs.NotReady:
                return


@jobs.handler(previews.KIND, priority=jobs.Priority.PERSON)
def preview(context: jobs.Context) -> None:
    """Works out the preview that was asked for."""
    if context.organization is not None:
        previews.work(context.organization, context.report)


@jobs.periodic("push.due", 30)
def start_due() -> int:
    """Asks for the pushes that Intercom could not take in full, after their pause."""
    return runs.start_due(clock.now())
