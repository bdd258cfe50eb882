"""From a change to everything that follows from it: the list of stages, in the order in which they run.

Whoever changes something records it in its own transaction (`changes.queue.record`, or a trigger in
`changes.triggers`), and `changes.models.HEARS` says which stages hear of it. Each stage takes the changes that wait for
it, does its work, and deletes them. What it writes is a change again, of which the stages after it hear. For example:

    usage event (EVENTS, by usage.ingest)
      -> usage: counts it (USAGE), computes usage health       (USAGE_HEALTH, by a trigger on usage_usagehealth)
      -> assessment: assesses the customer                     (ASSESSMENT, by a trigger on assessment_current)
      -> workflows: the customer enters or leaves workflows    (ENROLMENT, by a trigger on workflows_enrolment)
      -> push: the values that differ from what Intercom confirmed go out, by the job "push"
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django_scopes import scopes_disabled

from startdeliver.assessment import services as assessor
from startdeliver.assessment import stage as assessment
from startdeliver.changes import queue
from startdeliver.changes.models import Change, Day, Kind, Stage
from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine.jobs import handler, periodic
from startdeliver.support import health as support
from startdeliver.sync import session
from startdeliver.sync.models import Connection
from startdeliver.sync.push import job as push
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health as usage
from startdeliver.workflows import passes as workflows

log = logging.getLogger(__name__)

STAGES: dict[Stage, Callable[[Organization], object]] = {
    Stage.USAGE: usage.refresh,
    Stage.SUPPORT: support.refresh,
    Stage.FIGURES: support.refresh_figures,
    Stage.ASSESSMENT: assessment.refresh,
    Stage.WORKFLOWS: workflows.refresh,
    Stage.PUSH: push.refresh,
}

# What takes long, or must not run twice at a time, has a job of its own: its kind, and the prefix of its lock.
_JOBS: dict[str, tuple[str, str]] = {
    Stage.MODEL: (assessor.JOB, ""),
    Stage.OUT: (push.CHANGES_JOB, session.LOCK),
}

# A pipeline that finds new changes again and again ends after this time, so that other organizations have their turn.
_LONGEST, _PAUSE = 30.0, 0.5
# A stage that fails so often is left alone until its changes are due again.
_MOST_FAILURES = 3


class StageFailed(Exception):
    """Stages failed; their changes stay and are tried again. The message names the stages and the errors."""


def run(organization: Organization, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Has each stage do one batch of what waits for it. Returns whether there was anything to do.

    A stage that fails does not stop the others. Raises StageFailed at the end.
    """
    busy = False
    failures: dict[Stage, Exception] = {}
    for stage, work in STAGES.items():
        for _ in range(_MOST_FAILURES):
            if stopping() or not queue.waits(organization, stage):
                break
            busy = True
            try:
                work(organization)
                break
            except Exception as error:
                log.exception("The stage %s of organization %s failed", stage, organization.pk)
                failures[stage] = error
    with organization_scope(organization):
        # The next sync takes these; where there will be none they are of no use.
        if not Connection.objects.exclude(workspace="").exists():
            Change.objects.filter(stage=Stage.REMATCH).delete()
    if failures:
        raise StageFailed("; ".join(f"{stage}: {type(error).__name__}: {error}" for stage, error in failures.items()))
    return busy


@handler(queue.JOB)
def run_job(context: jobs.Context) -> None:
    """Runs the stages until nothing waits for them."""
    assert context.organization is not None
    began = time.monotonic()
    while run(context.organization, context.stopping) and time.monotonic() - began < _LONGEST:
        if context.stopping():
            return
        time.sleep(_PAUSE)


@periodic("changes.waiting", 5)
def start_waiting() -> int:
    """Starts the pipeline of every organization for which changes wait; returns how many. One statement when idle.

    Most writers start it themselves; this finds what triggers wrote, and what is to be tried again.
    """
    with scopes_disabled():
        due = Change.objects.exclude(stage=Stage.REMATCH).filter(Q(not_before=None) | Q(not_before__lte=clock.now()))
        waiting = set(due.order_by().values_list("organization", "stage").distinct())
        organizations = Organization.objects.in_bulk({pk for pk, _ in waiting})
        # An organization that was deleted with its users: their triggers wrote after its changes were gone.
        Change.objects.filter(organization__in={pk for pk, _ in waiting} - organizations.keys()).delete()
    starts = {(_JOBS.get(stage, (queue.JOB, "")), pk) for pk, stage in waiting if pk in organizations}
    for kind, lock in {job for job, _ in starts}:
        jobs.enqueue_all(kind, [organizations[pk] for job, pk in starts if job == (kind, lock)], lock=lock)
    return len(starts)


@periodic("changes.time", 60)
def record_time() -> None:
    """Records what time alone changed, of all organizations: new days, tickets that became overdue, and customers whose
    time in a workflow is over.

    Some statements, whatever the number of organizations.
    """
    with scopes_disabled(), transaction.atomic():
        begun = _in_a_new_day()
        changes = [Change(organization=organization, kind=Kind.DAY) for organization in begun]
        if begun:
            days = [Day(organization=one, day=clock.today(one.time_zone), time_zone=one.time_zone) for one in begun]
            columns = ["day", "time_zone"]
            Day.objects.bulk_create(
                days, update_conflicts=True, unique_fields=["organization"], update_fields=columns, batch_size=300
            )
            queue.compact(Stage.REMATCH)
        noted = Change.objects.filter(organization=OuterRef("pk"), kind=Kind.OVERDUE)
        for organization in support.overdue().exclude(Exists(noted)):
            changes.append(Change(organization=organization, kind=Kind.OVERDUE))
        leaving = workflows.due_to_leave()
        for organization in Organization.objects.filter(pk__in=leaving):
            for customer in leaving[organization.pk]:
                changes.append(Change(organization=organization, kind=Kind.LEAVING, customer_id=customer))
        queue.record_all(changes)


def _in_a_new_day() -> list[Organization]:
    zones: dict[date, list[str]] = defaultdict(list)
    for zone in Organization.objects.order_by().values_list("time_zone", flat=True).distinct():
        zones[clock.today(zone)].append(zone)
    known = Day.objects.filter(organization=OuterRef("pk"), time_zone=OuterRef("time_zone"))
    found: list[Organization] = []
    for today, names in zones.items():
        found += Organization.objects.filter(time_zone__in=names).exclude(Exists(known.filter(day=today)))
    return found
