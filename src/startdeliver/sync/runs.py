"""Runs: asking for one, doing it once and only once, and what is left behind however it ends.

A run belongs to the process whose owner id it carries. It is claimed by a conditional UPDATE, kept by a heartbeat, and
every page it commits asks whether it is still the owner's, so a process that was taken for dead stops at its next page.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, close_old_connections, connection, connections, transaction
from django.db.models import F, Q
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.common.crypto import DecryptionError
from startdeliver.engine.owner import is_alive, owner_id
from startdeliver.intercom import AuthError, IntercomError, Kind
from startdeliver.intercom.fetcher import FetcherClosed
from startdeliver.sync import session
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.sync.pull.conversations import keep
from startdeliver.sync.pull.preflight import WrongWorkspace
from startdeliver.sync.pull.stages import position, pull
from startdeliver.sync.pull.work import LostRun, Pull
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

log = logging.getLogger(__name__)

EVERY = timedelta(hours=24)
HEARTBEAT = 10.0
SILENCE = timedelta(seconds=60)
# A failure that time may mend is tried again after 15 min, 30 min, 1 h … instead of the next day.
_RETRY_FIRST, _RETRY_LAST = timedelta(minutes=15), timedelta(hours=4)
_LIVE = (SyncRun.Status.QUEUED, SyncRun.Status.RUNNING)

Progress = Callable[[dict[str, Any]], object]


class AlreadyRunning(Exception):
    """The organization's run is under way. `since`: when it began (or was asked for, UTC); `run`: that run."""

    def __init__(self, since: datetime, run: SyncRun) -> None:
        super().__init__(f"already running since {since:%Y-%m-%d %H:%M:%S} UTC")
        self.since = since
        self.run = run


class NotConnected(Exception):
    """There is no connection that could be synced."""


class StopRun(Exception):
    """Raised by `on_progress` to end the run early, such as when the worker stops: it waits and continues later."""


# --------------------------------------------------------------------------------------------------------------- asking


def request_run(organization: Organization, trigger: str, messages: bool = True) -> SyncRun:
    """Asks for a run and gives it. Unless the trigger is CLI (which executes it itself) a worker is told to do it.

    A run whose process died, and for the CLI one that waits for a worker, is given instead of a new one, to be
    continued. Raises AlreadyRunning and NotConnected.
    """
    with organization_scope(organization):
        link = Connection.objects.filter(organization=organization).first()
        if link is None or not link.is_ready:
            raise NotConnected("Intercom is not connected, so nothing can be synced.")
        for _ in range(3):
            live = SyncRun.objects.filter(status__in=_LIVE).first()
            if live is not None:
                waiting = live.status == SyncRun.Status.QUEUED and trigger == SyncRun.Trigger.CLI
                if waiting or is_dead(live):
                    _hand_to_worker(live, trigger)
                    return live
                raise AlreadyRunning(live.started_at or live.created_at, live)
            try:
                with transaction.atomic():
                    run = SyncRun.objects.create(
                        organization=organization, connection=link, trigger=trigger, messages_wanted=messages
                    )
                    _hand_to_worker(run, trigger)
                    return run
            except IntegrityError:
                # Somebody else asked at the same moment: look again, theirs is the live one now.
                continue
    raise RuntimeError("a run could neither be found nor made")


def _hand_to_worker(run: SyncRun, trigger: str) -> None:
    if trigger == SyncRun.Trigger.CLI:
        return
    from startdeliver.engine import jobs

    jobs.enqueue("sync", f"sync:{run.pk}", {"run": run.pk}, run.organization)


def is_dead(run: SyncRun) -> bool:
    """Whether the process that runs it is gone: seen at once on this machine, after a minute of silence elsewhere."""
    if run.status != SyncRun.Status.RUNNING:
        return False
    alive = is_alive(run.owner) if run.owner else False
    if alive is not None:
        return not alive
    return run.heartbeat_at is None or run.heartbeat_at < clock.now() - SILENCE


def due_connections(now: datetime) -> list[Connection]:
    """The connections, of all organizations, whose next run is due."""
    with scopes_disabled():
        ready = Connection.objects.filter(
            status=Connection.Status.AUTHENTICATED, saved_at__isnull=False, next_sync_at__lte=now
        ).exclude(workspace="")
        return list(ready.select_related("organization").order_by("next_sync_at"))


def start_due(now: datetime) -> int:
    """Asks for a run of every connection that is due; gives how many were started."""
    started = 0
    for link in due_connections(now):
        try:
            request_run(link.organization, SyncRun.Trigger.SCHEDULE)
            started += 1
        except (AlreadyRunning, NotConnected):
            continue
    return started


def take_over_dead(now: datetime) -> int:
    """Hands runs whose process died, and runs that nobody has picked up for a minute, to a worker. Gives how many."""
    taken = 0
    with scopes_disabled():
        live = list(SyncRun.objects.filter(status__in=_LIVE).select_related("organization"))
    for run in live:
        stale = run.status == SyncRun.Status.QUEUED and run.created_at < now - SILENCE
        if stale or is_dead(run):
            _hand_to_worker(run, SyncRun.Trigger.SCHEDULE)
            taken += 1
    return taken


# ---------------------------------------------------------------------------------------------------------------- doing


def execute(run: SyncRun, on_progress: Progress | None = None) -> SyncRun:
    """Does the run in this thread, from where it stands, and gives it as it ended.

    Whatever goes wrong with Intercom ends in the run's record, not in an exception. Raises AlreadyRunning when another
    process has it, and StopRun when `on_progress` does: then the run waits to be continued.
    """
    organization = Organization.objects.get(pk=run.organization_id)
    with organization_scope(organization):
        owner = owner_id()
        claimed = _claim(run, owner)
        if claimed is None:
            found = SyncRun.objects.get(pk=run.pk)
            if found.status in _LIVE:
                raise AlreadyRunning(found.started_at or found.created_at, found)
            return found
        _work(organization, claimed, owner, on_progress)
        ended = SyncRun.objects.select_related("connection").get(pk=run.pk)
        if ended.status == SyncRun.Status.SUCCESS and ended.owner == owner:
            from startdeliver.sync.push import runs as pushes

            pushes.follow(ended)
        return ended


def _claim(run: SyncRun, owner: str) -> SyncRun | None:
    found = SyncRun.objects.filter(pk=run.pk).first()
    if found is None:
        return None
    free = Q(status=SyncRun.Status.QUEUED)
    if is_dead(found):
        free |= Q(status=SyncRun.Status.RUNNING, owner=found.owner, heartbeat_at=found.heartbeat_at)
    now = clock.now()
    won = SyncRun.objects.filter(free, pk=run.pk).update(
        status=SyncRun.Status.RUNNING,
        owner=owner,
        heartbeat_at=now,
        attempts=F("attempts") + 1,
        started_at=found.started_at or now,
    )
    return SyncRun.objects.select_related("connection").get(pk=run.pk) if won else None


def _work(organization: Organization, run: SyncRun, owner: str, on_progress: Progress | None) -> None:
    link = run.connection
    work: Pull | None = None
    _spare_memory()
    try:
        with _heartbeat(organization, run, owner) as lost, session.line(link) as fetcher:
            work = Pull(organization, link, fetcher, run=run, owner=owner, on_progress=on_progress, lost=lost)
            _prepare(work)
            pull(work)
            _succeed(work)
    except LostRun:
        log.warning("run %d was taken over by another process; this one stops", run.pk)
    except IntercomError as error:
        log.warning("run %d failed: %r %s", run.pk, error, error.detail)
        code = error.code or ("unauthorized" if isinstance(error, AuthError) else _snake(type(error).__name__))
        _fail(run, owner, work, code, error.sentence, transient=error.kind is not Kind.CONFIG)
    except WrongWorkspace as error:
        _fail(run, owner, work, "wrong_workspace", error.sentence)
    except DecryptionError:
        sentence = (
            "The stored access token cannot be read with the keys in STARTDELIVER_ENCRYPTION_KEYS, so nothing is "
            "synced. Put the old key back, or authenticate again under Apps → Intercom."
        )
        _fail(run, owner, work, "token_unreadable", sentence)
    except (KeyboardInterrupt, SystemExit, StopRun, FetcherClosed):
        _interrupt(run, owner, work)
        raise
    except Exception as error:
        # Without the message: a database's error quotes the row, and that may hold what customers wrote.
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("run %d failed with %s\n%s", run.pk, type(error).__name__, frames)
        sentence = (
            f"The sync met an internal error ({type(error).__name__}) and stopped; what was imported before stays. "
            "It is tried again; if it keeps failing, report it with the run's number."
        )
        _fail(run, owner, work, "internal", sentence, transient=True)


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
    if work.failure:
        _fail(run, work.owner, work, "incomplete", work.failure, transient=True)
        return

    def write() -> None:
        columns = work.columns()
        columns["cursor"] = {"started_at": work.cursor.get("started_at")}
        held = SyncRun.objects.filter(pk=run.pk, owner=work.owner, status=SyncRun.Status.RUNNING)
        done = held.update(**columns, status=SyncRun.Status.SUCCESS, finished_at=now, heartbeat_at=now, error="")
        if not done:
            raise LostRun
        Connection.objects.filter(pk=link.pk).update(
            last_success_at=now,
            problem="",
            problem_code="",
            problem_at=None,
            alerted_at=None,
            next_sync_at=next_slot(link, now),
        )

    with transaction.atomic():
        write()


def _fail(run: SyncRun, owner: str, work: Pull | None, code: str, sentence: str, *, transient: bool = False) -> None:
    """Ends the run as failed; what was committed stays, and the next run continues."""
    now = clock.now()
    link = Connection.objects.get(pk=run.connection_id)
    columns = work.columns() if work is not None else {}
    columns["cursor"] = {"started_at": work.cursor.get("started_at")} if work is not None else {}
    with transaction.atomic():
        committed = SyncRun.objects.values_list("cursor", flat=True).get(pk=run.pk)
        held = SyncRun.objects.filter(pk=run.pk, owner=owner, status=SyncRun.Status.RUNNING)
        if not held.update(
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
        elif link.problem and _is_mended(run, work, link):
            changes |= {"problem": "", "problem_code": "", "problem_at": None}
        Connection.objects.filter(pk=link.pk).exclude(status=Connection.Status.REVOKED).update(**changes)


def _is_mended(run: SyncRun, work: Pull | None, link: Connection) -> bool:
    """Whether this run, which failed for another reason, got past the place where the connection's problem stood."""
    if work is None:
        return False
    met = SyncRun.objects.filter(error_code=link.problem_code, status=SyncRun.Status.FAILED).exclude(pk=run.pk)
    stage = met.order_by("-created_at").values_list("stage", flat=True).first()
    return position(work.stage) > position(stage or "preflight")


def _interrupt(run: SyncRun, owner: str, work: Pull | None) -> None:
    """The process is told to stop: a worker's run waits for the next worker, one of the command line has ended."""
    if run.trigger == SyncRun.Trigger.CLI:
        sentence = "The sync was stopped before its end; what was imported stays, and the next one continues."
        _fail(run, owner, work, "stopped", sentence, transient=True)
        return
    SyncRun.objects.filter(pk=run.pk, owner=owner, status=SyncRun.Status.RUNNING).update(
        status=SyncRun.Status.QUEUED, owner="", heartbeat_at=None
    )


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


@contextmanager
def _heartbeat(organization: Organization, run: SyncRun, owner: str) -> Iterator[threading.Event]:
    """Says every ten seconds, from its own thread, that the run lives. Sets the event when it is no longer ours."""
    ended, lost = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not ended.wait(HEARTBEAT):
                try:
                    close_old_connections()
                    with scopes_disabled():
                        row = SyncRun.objects.filter(pk=run.pk, organization=organization)
                        held = row.filter(owner=owner, status=SyncRun.Status.RUNNING)
                        # A row that is not there at all was deleted with its organization: the next page finds out.
                        if not held.update(heartbeat_at=clock.now()) and row.exists():
                            lost.set()
                            return
                except Exception as error:
                    log.warning("heartbeat of run %d failed: %s", run.pk, type(error).__name__)
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name=f"heartbeat-{run.pk}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join(timeout=5)


__all__ = [
    "AlreadyRunning",
    "NotConnected",
    "StopRun",
    "due_connections",
    "execute",
    "next_slot",
    "owner_id",
    "request_run",
    "start_due",
    "take_over_dead",
]
