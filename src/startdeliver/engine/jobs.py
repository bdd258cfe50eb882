"""The port to background work: eight verbs over one table.

A job is claimed by a conditional UPDATE whose row count decides who won, and every later write of its holder carries
the same condition (the owner), so a process that was taken for dead cannot write into a job that another one has by
now.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Max, Min, Q

from startdeliver.common import clock
from startdeliver.engine import registry
from startdeliver.engine.models import Job
from startdeliver.engine.owner import is_alive, owner_id
from startdeliver.engine.registry import handler as handler
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

log = logging.getLogger(__name__)

SILENCE = timedelta(seconds=60)
"""After this long without a heartbeat a process on another machine counts as dead."""
KEPT = timedelta(days=7)
"""How long finished jobs are kept."""
_RETRY_FIRST, _RETRY_CAP = timedelta(seconds=10), timedelta(minutes=30)
_LIVE = (Job.Status.QUEUED, Job.Status.RUNNING)


class Lost(Exception):
    """The job is no longer this process's: it was taken over, or its organization was deleted."""


class HandBack(Exception):
    """Raised by a handler that stops early because `Context.stopping()`: the job goes back into the queue,
    uncounted."""


class GiveUp(Exception):
    """Raised by a handler for a failure that no retry can mend; the message is kept as the job's error."""


@dataclass
class Context:
    """What a handler gets: its job, and the way to say how far it is and to learn that it should stop."""

    job: Job
    owner: str
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def payload(self) -> dict[str, Any]:
        return self.job.payload

    @property
    def organization(self) -> Organization | None:
        return self.job.organization

    def stopping(self) -> bool:
        """Whether to stop soon: the worker is ending, or the job was cancelled or lost. Then raise HandBack, which
        hands an
        unfinished job back, ends a cancelled one, and leaves a lost one alone."""
        return self.stop.is_set()

    def progress(self, **facts: Any) -> None:
        """Stores how far the job is. Raises Lost."""
        progress(self.job, facts, self.owner)


def enqueue(
    kind: str,
    key: str,
    payload: Mapping[str, Any] | None = None,
    organization: Organization | None = None,
    not_before: datetime | None = None,
) -> Job:
    """Puts a job into the queue, within the caller's transaction, and gives it.

    While a job with the same `key` waits or runs, that one is given instead, unchanged except that a waiting one starts
    no later than `not_before` (aware; None: now). So a key names work for which "it will be done" is enough.
    """
    due = not_before or clock.now()
    for _ in range(3):
        live = Job.objects.filter(key=key, status__in=_LIVE).first()
        if live is not None:
            moved = Job.objects.filter(pk=live.pk, status=Job.Status.QUEUED, not_before__gt=due)
            if moved.update(not_before=due):
                live.not_before = due
            return live
        try:
            with transaction.atomic():
                return Job.objects.create(
                    kind=kind, key=key, payload=dict(payload or {}), organization=organization, not_before=due
                )
        except IntegrityError:
            # Somebody enqueued the same key between the look and the insert; the next look finds theirs.
            continue
    raise RuntimeError(f"job {key!r} could neither be found nor made")


def claim(owner: str = "") -> Job | None:
    """Takes the next job that is due, for `owner` (default: this process). None when there is nothing to do.

    Organizations take turns: the one with the fewest running jobs first, among equals the one whose last turn was
    longest ago; within an organization the oldest due job.
    """
    owner = owner or owner_id()
    for organization_id in _turns():
        job = _claim_of(organization_id, owner)
        if job is not None:
            return job
    return None


def _turns() -> list[int | None]:
    """The organizations that have a job due, in the order of their turn. Jobs of no organization count as one more."""
    due = Job.objects.filter(status=Job.Status.QUEUED, not_before__lte=clock.now(), kind__in=list(registry.handlers))
    oldest = dict(due.order_by().values_list("organization").annotate(Min("not_before")))
    if len(oldest) < 2:
        return list(oldest)
    # The jobs of no organization are one party too, and SQL's IN does not find NULL.
    theirs = Q(organization__in=[pk for pk in oldest if pk is not None]) | Q(organization__isnull=True)
    jobs = Job.objects.filter(theirs).order_by()
    running = dict(jobs.filter(status=Job.Status.RUNNING).values_list("organization").annotate(Count("pk")))
    last = dict(jobs.filter(started_at__isnull=False).values_list("organization").annotate(Max("started_at")))
    never = datetime.min.replace(tzinfo=clock.now().tzinfo)
    return sorted(oldest, key=lambda one: (running.get(one, 0), last.get(one, never), oldest[one]))


def _claim_of(organization_id: int | None, owner: str) -> Job | None:
    now = clock.now()
    due = Job.objects.filter(
        Q(organization__isnull=True) if organization_id is None else Q(organization=organization_id),
        status=Job.Status.QUEUED,
        not_before__lte=now,
        kind__in=list(registry.handlers),
    ).order_by("not_before", "pk")
    # PostgreSQL: workers that claim at the same moment step over each other's rows instead of queueing for one.
    # SQLite has no such thing and needs none; an idle worker must not even open a write transaction there.
    skip_locked = connection.vendor == "postgresql"
    with transaction.atomic() if skip_locked else nullcontext():
        rows = due.select_for_update(skip_locked=True) if skip_locked else due
        for pk in list(rows.values_list("pk", flat=True)[: 1 if skip_locked else 5]):
            won = Job.objects.filter(pk=pk, status=Job.Status.QUEUED).update(
                status=Job.Status.RUNNING,
                owner=owner,
                heartbeat_at=now,
                started_at=now,
                attempts=F("attempts") + 1,
                error="",
            )
            if won:
                return Job.objects.select_related("organization").get(pk=pk)
    return None


def heartbeat(job_ids: list[int], owner: str = "") -> tuple[set[int], set[int]]:
    """Says that `owner` still works on these jobs. Gives the ids that are no longer its own, and those to be
    cancelled."""
    owner = owner or owner_id()
    if not job_ids:
        return set(), set()
    held = Job.objects.filter(pk__in=job_ids, owner=owner, status=Job.Status.RUNNING)
    held.update(heartbeat_at=clock.now())
    rows = dict(held.values_list("pk", "cancel_requested"))
    return set(job_ids) - set(rows), {pk for pk, cancelled in rows.items() if cancelled}


def progress(job: Job, facts: Mapping[str, Any], owner: str = "") -> None:
    """Stores how far `job` is, as plain values. Raises Lost when it is no longer this owner's."""
    _write(job, owner, progress=dict(facts), heartbeat_at=clock.now())


def cancel(job: Job) -> bool:
    """Ends a waiting job at once and asks a running one to stop. False: it had ended already."""
    now = clock.now()
    ended = Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(
        status=Job.Status.CANCELLED, finished_at=now, cancel_requested=True
    )
    return bool(ended or Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING).update(cancel_requested=True))


def complete(job: Job, owner: str = "") -> None:
    """Marks `job` as done. Raises Lost."""
    _write(job, owner, status=Job.Status.DONE, finished_at=clock.now(), released=True)


def fail(job: Job, error: str, owner: str = "", *, retry: bool = True) -> None:
    """Records a failed attempt. It is tried again after 10 s, 20 s, 40 s … at most 30 min, until the attempts of its
    kind
    are used up; `retry=False` ends it now. Raises Lost."""
    limit = registry.handlers[job.kind].attempts if job.kind in registry.handlers else 1
    error = " ".join(error.split())[:500]
    if Job.objects.filter(pk=job.pk, cancel_requested=True).exists():
        _write(job, owner, status=Job.Status.CANCELLED, error=error, finished_at=clock.now(), released=True)
    elif not retry or job.attempts >= limit:
        _write(job, owner, status=Job.Status.FAILED, error=error, finished_at=clock.now(), released=True)
    else:
        due = clock.now() + retry_delay(job.attempts)
        _write(job, owner, status=Job.Status.QUEUED, error=error, not_before=due, released=True)


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after the `attempts`-th failed attempt (from 1)."""
    # The exponent is bounded, since 2**n of a job that failed for days overflows a timedelta before min() sees it.
    return min(_RETRY_CAP, _RETRY_FIRST * (1 << min(max(attempts - 1, 0), 20)))


def hand_back(job: Job, owner: str = "") -> None:
    """Puts an unfinished job back into the queue without counting the attempt; a cancelled one ends. Raises Lost."""
    if Job.objects.filter(pk=job.pk, cancel_requested=True).exists():
        _write(job, owner, status=Job.Status.CANCELLED, finished_at=clock.now(), released=True)
    else:
        _write(job, owner, status=Job.Status.QUEUED, attempts=F("attempts") - 1, not_before=clock.now(), released=True)


def take_over() -> int:
    """Puts the jobs of dead processes back into the queue and gives their number.

    A process of this machine is asked for directly; one elsewhere is dead after a minute without a heartbeat. Looks
    at what is there now, so a look that failed half-way is made good by the next one. A job that has used up its
    attempts fails: one that kills its worker must not do so for ever.
    """
    taken = 0
    silent_since = clock.now() - SILENCE
    verdicts: dict[str, bool | None] = {}
    for job in Job.objects.filter(status=Job.Status.RUNNING):
        alive = verdicts.setdefault(job.owner, is_alive(job.owner))
        if alive is None:
            alive = job.heartbeat_at is not None and job.heartbeat_at > silent_since
        if alive:
            continue
        try:
            if job.cancel_requested:
                _write(job, job.owner, status=Job.Status.CANCELLED, finished_at=clock.now(), released=True)
            elif job.attempts >= max(_attempts(job.kind), 3):
                fail(job, "The worker process ended in the middle of it, again and again.", job.owner, retry=False)
            else:
                _write(job, job.owner, status=Job.Status.QUEUED, not_before=clock.now(), released=True)
        except Lost:
            continue
        taken += 1
        log.warning("took over job %s of %s, whose process is gone", job.key, job.owner)
    return taken


def prune() -> int:
    """Deletes jobs that ended more than a week ago; gives their number."""
    ended = Job.objects.exclude(status__in=_LIVE).filter(finished_at__lt=clock.now() - KEPT)
    return ended.delete()[0]


def run(context: Context) -> None:
    """Does one claimed job in this thread and records how it ended. Raises nothing but what the database raises."""
    job, owner = context.job, context.owner
    try:
        try:
            with organization_scope(job.organization) if job.organization else nullcontext():
                registry.handlers[job.kind].handle(context)
        except HandBack:
            hand_back(job, owner)
        except GiveUp as error:
            fail(job, str(error), owner, retry=False)
        except Lost:
            raise
        except Exception as error:
            log.exception("job %s (attempt %d) failed", job.key, job.attempts)
            fail(job, f"{type(error).__name__}: {error}", owner)
        else:
            complete(job, owner)
    except Lost:
        log.warning("job %s belongs to another process by now; its result here was dropped", job.key)


def run_inline(limit: int = 100) -> list[Job]:
    """Does every job that is due, in this thread, until none is left (at most `limit`), and gives them as they ended.
    For
    tests, and for commands that want the work done before they end."""
    done: list[Job] = []
    while len(done) < limit and (job := claim()) is not None:
        run(Context(job, owner_id()))
        job.refresh_from_db()
        done.append(job)
    return done


def _attempts(kind: str) -> int:
    return registry.handlers[kind].attempts if kind in registry.handlers else 1


def _write(job: Job, owner: str, *, released: bool = False, **values: Any) -> None:
    if released:
        values["owner"] = ""
    held = Job.objects.filter(pk=job.pk, owner=owner or owner_id(), status=Job.Status.RUNNING)
    if not held.update(**values):
        raise Lost(f"job {job.key} is no longer held by this process")
