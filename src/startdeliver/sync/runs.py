"""Runs of the sync: asking for one, executing it under a job, and recording its result however it ends.

A run is a result: numbers, cursor, outcome. The job that executes it is the lease: each page is committed on condition
that the job is still held, so a process that was taken for dead stops at its next page.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django_scopes import scopes_disabled

from startdeliver import __version__
from startdeliver.common import clock
from startdeliver.common.crypto import DecryptionError
from startdeliver.engine import jobs
from startdeliver.intercom import AuthError, IntercomError, Kind
from startdeliver.intercom.fetcher import FetcherClosed
from startdeliver.support import health
from startdeliver.sync import session
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.sync.pull.conversations import keep
from startdeliver.sync.pull.preflight import WrongWorkspace
from startdeliver.sync.pull.stages import position, pull
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.push import runs as pushes
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

log = logging.getLogger(__name__)

EVERY = timedelta(hours=24)
KIND = "sync"
WORKER_DIED = "worker_died"
# A failure that time may fix is retried after 15 min, 30 min, 1 h … instead of the next day.
_RETRY_FIRST, _RETRY_LAST = timedelta(minutes=15), timedelta(hours=4)
_LIVE = (SyncRun.Status.QUEUED, SyncRun.Status.RUNNING)
_MOST_DEATHS = 3
_SCHEDULED_AT_ONCE = 500

Progress = Callable[[dict[str, Any]], object]


class AlreadyRunning(Exception):
    """The organization's run is under way. `since`: when it began or was asked for (UTC); `run`: that run."""

    def __init__(self, since: datetime, run: SyncRun) -> None:
        super().__init__(f"already running since {since:%Y-%m-%d %H:%M:%S} UTC")
        self.since = since
        self.run = run


class NotConnected(Exception):
    """There is no connection that could be synced."""


# --------------------------------------------------------------------------------------------------------------- asking


def request_run(organization: Organization, trigger: str, messages: bool = True) -> SyncRun:
    """Creates a run for a worker to execute and returns it. Raises AlreadyRunning and NotConnected."""
    with organization_scope(organization), transaction.atomic():
        link = _ready_connection(organization)
        live = _live_run()
        if live is not None:
            if jobs.find(_key(organization)) is None:
                _enqueue(organization, SyncRun.Trigger(live.trigger))
            raise AlreadyRunning(live.started_at or live.created_at, live)
        run = _create(organization, link, trigger, messages)
        _enqueue(organization, SyncRun.Trigger(trigger))
        return run


def run_now(organization: Organization, *, messages: bool = True, on_progress: Progress | None = None) -> SyncRun:
    """Executes a run in this process and returns it as it ended; for the command line.

    A run that waits for a worker, or whose process died, is continued. What goes wrong with Intercom ends in the run's
    record, not in an exception. Raises AlreadyRunning, NotConnected, and KeyboardInterrupt after recording the stop.
    """
    jobs.recover_stalled(_key(organization))
    with organization_scope(organization):
        with transaction.atomic():
            link = _ready_connection(organization)
            run = _live_run() or _create(organization, link, SyncRun.Trigger.CLI, messages)
            if run.attempts >= _MOST_DEATHS:
                SyncRun.objects.filter(pk=run.pk).update(attempts=1)
            job = jobs.claim_here(_enqueue(organization, SyncRun.Trigger.CLI))
            if job is None:
                transaction.set_rollback(True)
        if job is None:
            live = _live_run()
            if live is None:
                raise AlreadyRunning(clock.now(), run)
            raise AlreadyRunning(live.started_at or live.created_at, live)
        jobs.run_claimed(job, on_progress)
        return SyncRun.objects.select_related("connection").get(pk=run.pk)


def _ready_connection(organization: Organization) -> Connection:
    link = Connection.objects.filter(organization=organization).first()
    if link is None or not link.is_ready:
        raise NotConnected("Intercom is not connected, so nothing can be synced.")
    return link


def _live_run() -> SyncRun | None:
    return SyncRun.objects.filter(status__in=_LIVE).select_related("connection").first()


def _create(organization: Organization, link: Connection, trigger: str, messages: bool) -> SyncRun:
    try:
        with transaction.atomic():
            return SyncRun.objects.create(
                organization=organization, connection=link, trigger=trigger, messages_wanted=messages
            )
    except IntegrityError:
        # Somebody else asked at the same moment.
        live = SyncRun.objects.get(status__in=_LIVE)
        raise AlreadyRunning(live.started_at or live.created_at, live) from None


def _key(organization: Organization) -> str:
    return f"{KIND}:{organization.pk}"


def _enqueue(organization: Organization, trigger: SyncRun.Trigger) -> int:
    person = trigger in (SyncRun.Trigger.BUTTON, SyncRun.Trigger.SAVE, SyncRun.Trigger.CLI)
    priority = jobs.Priority.PERSON if person else jobs.Priority.SYNC
    lock = session.lock_of(organization)
    return jobs.enqueue(KIND, _key(organization), {}, organization, lock=lock, priority=priority)


def due_connections(now: datetime) -> QuerySet[Connection]:
    """The connections, of all organizations, whose next run is due and that no run is working on.

    A moment further ahead than any schedule reaches is due too: then the clock was ahead when it was set. A connection
    whose run killed its worker again and again waits for a person or for another version. Call without a tenant scope.
    """
    # As a list, not with EXISTS: with statistics from before so many runs were made, PostgreSQL would read all of them
    # for each connection.
    live = SyncRun.objects.filter(status__in=_LIVE).values("organization")
    too_far = now + EVERY + timedelta(hours=1)
    return (
        Connection.objects.filter(
            Q(next_sync_at__lte=now) | Q(next_sync_at__gt=too_far),
            status=Connection.Status.AUTHENTICATED,
            saved_at__isnull=False,
            paused_at__isnull=True,
        )
        .exclude(workspace="")
        .exclude(organization__in=live)
        .exclude(problem_code=WORKER_DIED, problem_version=__version__)
        .order_by("next_sync_at", "pk")
    )


def start_due(now: datetime) -> int:
    """Asks for a run of every connection that is due; returns how many were started."""
    started = _enqueue_forgotten()
    with scopes_disabled():
        while True:
            with transaction.atomic():
                # Locked, so that a run that ends meanwhile, and moves `next_sync_at`, is seen.
                due = due_connections(now).select_related("organization")
                if connection.features.has_select_for_update_skip_locked:
                    due = due.select_for_update(of=("self",), skip_locked=True)
                links = list(due[:_SCHEDULED_AT_ONCE])
                SyncRun.objects.bulk_create(
                    SyncRun(organization=link.organization, connection=link, trigger=SyncRun.Trigger.SCHEDULE)
                    for link in links
                )
                jobs.enqueue_all(KIND, [link.organization for link in links], lock=session.LOCK)
            started += len(links)
            if len(links) < _SCHEDULED_AT_ONCE:
                return started


def _enqueue_forgotten() -> int:
    """Enqueues a job for live runs that have none, because somebody cancelled it; returns how many."""
    with scopes_disabled():
        live = [run.organization for run in SyncRun.objects.filter(status__in=_LIVE).select_related("organization")]
    known = jobs.live_keys([_key(organization) for organization in live])
    forgotten = [organization for organization in live if _key(organization) not in known]
    jobs.enqueue_all(KIND, forgotten, lock=session.LOCK)
    return len(forgotten)


# ------------------------------------------------------------------------------------------------------------ executing


def _worker_died(context: jobs.Context) -> None:
    """Ends a run that has ended its worker process again and again."""
    run = _live_run()
    if run is None:
        return
    deaths = max(run.attempts, context.job.crashes)
    sentence = (
        f"The sync ended its worker process {deaths} times (out of memory, for example), so it is not begun by itself "
        "any more. What was imported stays. Give the worker more memory, then click Sync now."
    )
    _fail(context, run, None, WORKER_DIED, sentence)


@jobs.handler(KIND, priority=jobs.Priority.SYNC, exhausted=_worker_died)
def execute(context: jobs.Context) -> None:
    """Executes the organization's live run, from where it stands, under the job of `context`.

    Raises Requeue when the job is told to stop: then the run waits to be continued.
    """
    organization = context.organization
    run = _live_run()
    if organization is None or run is None:
        return
    if run.attempts >= _MOST_DEATHS:
        _worker_died(context)
        return
    with transaction.atomic():
        context.hold()
        started = {"status": SyncRun.Status.RUNNING, "attempts": F("attempts") + 1}
        SyncRun.objects.filter(pk=run.pk).update(**started, started_at=run.started_at or clock.now())
    run = SyncRun.objects.select_related("connection").get(pk=run.pk)
    _work(context, organization, run)
    if SyncRun.objects.filter(pk=run.pk, status=SyncRun.Status.SUCCESS).exists():
        pushes.follow(organization, run, context)


def _work(context: jobs.Context, organization: Organization, run: SyncRun) -> None:
    link = run.connection
    work: Pull | None = None
    _spare_memory()
    try:
        with session.line(link) as fetcher:
            work = Pull(organization, link, fetcher, run=run, context=context)
            _prepare(work)
            pull(work)
            _succeed(work)
    except jobs.LeaseLost:
        log.warning("run %d is not held any more; this process stops", run.pk)
        raise
    except IntercomError as error:
        log.warning("run %d failed: %r %s", run.pk, error, error.detail)
        code = error.code or ("unauthorized" if isinstance(error, AuthError) else _snake(type(error).__name__))
        _fail(context, run, work, code, error.sentence, transient=error.kind is not Kind.CONFIG)
    except WrongWorkspace as error:
        _fail(context, run, work, "wrong_workspace", error.sentence)
    except DecryptionError:
        sentence = (
            "The stored access token cannot be read with the keys in STARTDELIVER_ENCRYPTION_KEYS, so nothing is "
            "synced. Put the old key back, or authenticate again under Apps → Intercom."
        )
        _fail(context, run, work, "token_unreadable", sentence)
    except (KeyboardInterrupt, SystemExit, jobs.Requeue, FetcherClosed):
        _interrupt(context, run, work)
        raise
    except Exception as error:
        # Without the message: a database's error quotes the row, and that may hold what customers wrote.
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("run %d failed with %s\n%s", run.pk, type(error).__name__, frames)
        sentence = (
            f"The sync met an internal error ({type(error).__name__}) and stopped; what was imported before stays. "
            "It is tried again; if it keeps failing, report it with the run's number."
        )
        _fail(context, run, work, "internal", sentence, transient=True)


def _spare_memory() -> None:
    """A run touches the whole database in passing, so mapping it into memory would only make the process look large."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size = 0")


def _prepare(work: Pull) -> None:
    """What a run must know of those before it: when the last complete one began."""
    run = work.run
    assert run is not None
    before = SyncRun.objects.exclude(pk=run.pk).exclude(status__in=_LIVE).order_by("-created_at")
    complete = before.filter(status=SyncRun.Status.SUCCESS).first()
    if complete is not None:
        work.cursor.setdefault("previous", complete.cursor.get("started_at"))


def _succeed(work: Pull) -> None:
    link, run, now = work.connection, work.run, clock.now()
    assert run is not None
    assert work.context is not None
    if work.failure:
        _fail(work.context, run, work, "incomplete", work.failure, transient=True)
        return
    columns = work.columns() | {"cursor": {"started_at": work.cursor.get("started_at")}}
    with transaction.atomic():
        work.context.hold()
        running = SyncRun.objects.filter(pk=run.pk, status=SyncRun.Status.RUNNING)
        if not running.update(**columns, status=SyncRun.Status.SUCCESS, finished_at=now, error=""):
            raise jobs.LeaseLost
        Connection.objects.filter(pk=link.pk).update(
            last_success_at=now,
            problem="",
            problem_code="",
            problem_at=None,
            alerted_at=None,
            next_sync_at=next_slot(link, now),
        )


def _fail(
    context: jobs.Context, run: SyncRun, work: Pull | None, code: str, sentence: str, *, transient: bool = False
) -> None:
    """Ends the run as failed; what was committed stays, and the next run continues."""
    now = clock.now()
    link = Connection.objects.get(pk=run.connection_id)
    columns = work.columns() if work is not None else {}
    columns["cursor"] = {"started_at": work.cursor.get("started_at")} if work is not None else {}
    with transaction.atomic():
        context.hold()
        committed = SyncRun.objects.values_list("cursor", flat=True).get(pk=run.pk)
        live = SyncRun.objects.filter(pk=run.pk, status__in=_LIVE)
        if not live.update(
            **columns,
            status=SyncRun.Status.FAILED,
            finished_at=now,
            error_code=code[:64],
            error=sentence[:500],
        ):
            return
        keep(link, committed)
        slot = next_slot(link, now)
        changes: dict[str, Any] = {"next_sync_at": min(slot, now + _retry_after(run)) if transient else slot}
        if not transient:
            # Only what a person must mend is a problem of the connection; time mends the rest, or the alarm says so.
            since = link.problem_at if link.problem_code == code[:64] else None
            changes |= {"problem": sentence[:500], "problem_code": code[:64], "problem_at": since or now}
            changes["problem_version"] = __version__
        elif link.problem and _is_mended(run, work, link):
            changes |= {"problem": "", "problem_code": "", "problem_at": None}
        Connection.objects.filter(pk=link.pk).exclude(status=Connection.Status.REVOKED).update(**changes)
    try:
        # The command line may have no worker beside it that would compute the health of what was imported.
        health.refresh(link.organization, early=True)
    except Exception as error:
        log.error("support health after run %d failed with %s", run.pk, type(error).__name__)


def _is_mended(run: SyncRun, work: Pull | None, link: Connection) -> bool:
    """Whether this run, which failed for another reason, got past the place where the connection's problem stood."""
    if work is None:
        return False
    met = SyncRun.objects.filter(error_code=link.problem_code, status=SyncRun.Status.FAILED).exclude(pk=run.pk)
    stage = met.order_by("-created_at").values_list("stage", flat=True).first()
    return position(work.stage) > position(stage or "preflight")


def _interrupt(context: jobs.Context, run: SyncRun, work: Pull | None) -> None:
    """The process is told to stop: a worker's run waits for the next worker, one of the command line has ended."""
    if run.trigger == SyncRun.Trigger.CLI:
        sentence = "The sync was stopped before its end; what was imported stays, and the next one continues."
        _fail(context, run, work, "stopped", sentence, transient=True)
        return
    # A stop in good order does not count among the attempts, which are there to find runs that kill their worker.
    waiting = {"status": SyncRun.Status.QUEUED, "attempts": F("attempts") - 1}
    SyncRun.objects.filter(pk=run.pk, status=SyncRun.Status.RUNNING).update(**waiting)


def _retry_after(run: SyncRun) -> timedelta:
    """Doubles with every failure in a row."""
    statuses = SyncRun.objects.exclude(status__in=_LIVE).order_by("-created_at").values_list("status", flat=True)[:8]
    failures = 0
    for status in statuses:
        if status != SyncRun.Status.FAILED:
            break
        failures += 1
    return min(_RETRY_LAST, _RETRY_FIRST * (1 << max(0, failures - 1)))


def next_slot(link: Connection, now: datetime) -> datetime:
    """The next of the moments 24 hours apart since the first save."""
    first = link.saved_at or now
    return first + EVERY * ((now - first) // EVERY + 1)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
