"""The port to background work: what callers and handlers use, whichever engine runs the jobs.

A job is the only thing that is leased. Whoever claims one holds it under its id and the number of the claim
(`attempts`); every write that depends on holding it says so in the same transaction (`Context.hold`). A process that
was wrongly taken for dead therefore cannot write any more, not even when the job comes back to that same process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import close_old_connections, connection, connections, transaction
from django.db.utils import Error as DatabaseError

from startdeliver.common import clock
from startdeliver.engine import registry
from startdeliver.engine.models import Status as Status
from startdeliver.engine.owner import is_alive, owner_id
from startdeliver.engine.registry import Priority as Priority
from startdeliver.engine.registry import handler as handler
from startdeliver.engine.registry import periodic as periodic
from startdeliver.engine.store import Holder, JobStore
from startdeliver.engine.store import Job as Job
from startdeliver.engine.store import LeaseLost as LeaseLost
from startdeliver.engine.store import Outcome as Outcome
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

log = logging.getLogger(__name__)

LIVE = [Status.WAITING, Status.RUNNING]
HEARTBEAT_SECONDS = 10.0
SILENCE = timedelta(seconds=35)
"""After this long without a heartbeat a process on another machine is suspected to be dead."""
SECOND_LOOK = timedelta(seconds=8)
"""It counts as dead when it is still silent this much later."""
MOST_CRASHES = 3
"""A job in which its process died this often fails instead of being started again."""
KEPT = timedelta(days=7)
"""How long finished jobs are kept."""
_RETRY_FIRST, _RETRY_CAP = timedelta(seconds=10), timedelta(minutes=30)
CLASS_SIZE = 1_000_000
"""Jobs of one priority differ by less than this in the number they are ordered by."""
_MOST_BACKLOG = 1_000
_REPORT_SECONDS = 1.0


class Requeue(Exception):
    """Raised by a handler that stops early because of `Context.stopping()`: the job goes back into the queue."""


@dataclass
class Context:
    """What a handler gets: its job, and the ways to report progress, to keep the job and to learn that it must stop."""

    job: Job
    stop: threading.Event = field(default_factory=threading.Event)
    cancelled: Callable[[], bool] = lambda: False
    organization: Organization | None = None
    on_progress: Callable[[dict[str, Any]], object] | None = None
    reported_at: float = float("-inf")

    @property
    def payload(self) -> dict[str, Any]:
        return self.job.payload

    @property
    def is_last_attempt(self) -> bool:
        """Whether the job fails for good when its handler raises now."""
        return self.job.failures + 1 >= registry.handlers[self.job.kind].attempts

    def stopping(self) -> bool:
        """Whether to stop soon, because the worker ends or the job was cancelled or lost. Then raise Requeue, which
        puts an unfinished job back and ends a cancelled one."""
        return self.stop.is_set() or self.cancelled()

    def progress(self, **facts: Any) -> None:
        """Stores how far the job is, as plain values. Raises LeaseLost."""
        store().progress(self.job, facts)

    def report(self, facts: dict[str, Any]) -> None:
        """Shows how far the job is, and stores it once a second. Raises Requeue when the job should stop."""
        if self.on_progress is not None:
            self.on_progress(facts)
        if self.stopping():
            raise Requeue
        if time.monotonic() - self.reported_at >= _REPORT_SECONDS:
            self.reported_at = time.monotonic()
            self.progress(**facts)

    def hold(self) -> None:
        """Keeps the job until the open transaction ends, so that what it writes is written by the job's only holder.
        Raises LeaseLost."""
        store().hold(self.job)


@cache
def _store_of(vendor: str) -> JobStore:
    if vendor == "postgresql":
        from startdeliver.engine import distributed

        return distributed.Store()
    from startdeliver.engine import embedded

    return embedded.Store()


def store() -> JobStore:
    """The engine of the configured database."""
    return _store_of(connection.vendor)


# ------------------------------------------------------------------------------------------------------------ enqueuing


def enqueue(
    kind: str,
    key: str,
    payload: Mapping[str, Any] | None = None,
    organization: Organization | None = None,
    not_before: datetime | None = None,
    *,
    lock: str = "",
    priority: Priority | None = None,
) -> int:
    """Puts a job into the queue, in the caller's transaction, and returns its id.

    While a job with the same `key` waits, that one's id is returned; it starts no later than `not_before` (aware; None:
    now) and only after this transaction ends, so it sees everything that the caller wrote. A job with the same key that
    runs already does not count. Of the jobs with one `lock` (default: kind and organization) one runs at a time.
    """
    handler = registry.handlers.get(kind)
    owner_pk = organization.pk if organization is not None else None
    lock = lock or f"{kind}:{owner_pk}"
    # The more jobs of an organization wait, the later the next one comes, so that it holds up nobody else.
    waiting = store().backlog(lock, _MOST_BACKLOG)
    rank = priority if priority is not None else handler.priority if handler else Priority.DERIVATION
    job = Job(
        id=0,
        kind=kind,
        key=key,
        lock=lock,
        priority=rank * CLASS_SIZE - waiting,
        organization_id=owner_pk,
        payload=dict(payload or {}),
        not_before=not_before or clock.now(),
    )
    return store().add(job, "quick" if handler is not None and handler.quick else "work")


def enqueue_all(
    kind: str, organizations: Iterable[Organization], payload: Mapping[str, Any] | None = None, *, lock: str = ""
) -> None:
    """Enqueues a job, due now, for each of these organizations, in some statements for all.

    The key of each is the kind and the organization, its lock `lock` (default: the kind) and the organization. One that
    waits already with that key becomes due now.
    """
    handler = registry.handlers.get(kind)
    rank = handler.priority if handler else Priority.DERIVATION
    made = [
        Job(
            id=0,
            kind=kind,
            key=f"{kind}:{organization.pk}",
            lock=f"{lock or kind}:{organization.pk}",
            priority=rank * CLASS_SIZE,
            organization_id=organization.pk,
            payload=dict(payload or {}),
            not_before=clock.now(),
        )
        for organization in organizations
    ]
    if made:
        store().add_all(made, "quick" if handler is not None and handler.quick else "work")


def find(key: str, *, live: bool = True) -> Job | None:
    """Returns the newest job with this key that waits or runs (with `live=False`: of any state), or None.

    A running job comes before one that waits for its turn.
    """
    jobs = store().select(keys=[key], statuses=LIVE if live else None, limit=10)
    return next((job for job in jobs if job.status == Status.RUNNING), jobs[0] if jobs else None)


def get(job_id: int) -> Job | None:
    """Returns the job with this id, or None when it is gone."""
    jobs = store().select(ids=[job_id])
    return jobs[0] if jobs else None


def live_keys(keys: list[str]) -> set[str]:
    """Returns those of `keys` for which a job waits or runs."""
    return {job.key for job in store().select(keys=keys, statuses=LIVE, limit=2 * len(keys))} if keys else set()


def select(statuses: list[Status] | None = None, limit: int = 100) -> list[Job]:
    """Returns the newest jobs in these states (None: any)."""
    return store().select(statuses=statuses, limit=limit)


def cancel(job_id: int) -> bool:
    """Ends a waiting job at once and asks a running one to stop. Returns False when it had ended already."""
    return store().cancel(job_id)


def retry(job_id: int) -> bool:
    """Puts a failed or cancelled job back into the queue. Returns False when it is in another state."""
    return store().retry(job_id)


def prune() -> int:
    """Deletes jobs that ended more than a week ago; returns their number."""
    return store().prune(KEPT)


# -------------------------------------------------------------------------------------------------------------- running


def execute(context: Context) -> Outcome:
    """Runs the handler of a claimed job in this thread and returns how it ended; stores nothing about the job itself.

    A handler that raises is tried again after 10 s, 20 s, 40 s … at most 30 min, until the attempts of its kind are
    used up. Raises LeaseLost.
    """
    job, handler = context.job, registry.handlers[context.job.kind]
    if job.organization_id is not None:
        context.organization = Organization.objects.filter(pk=job.organization_id).first()
        if context.organization is None:
            return Outcome(Status.CANCELLED, "The organization does not exist any more.")
    scope = organization_scope(context.organization) if context.organization else nullcontext()
    try:
        with scope:
            if job.crashes < MOST_CRASHES:
                handler.handle(context)
                return Outcome(Status.DONE, failures=job.failures, crashes=job.crashes)
            if handler.exhausted is not None:
                handler.exhausted(context)
        return Outcome(Status.FAILED, f"The worker process died {job.crashes} times in this job.", crashes=job.crashes)
    except Requeue:
        if context.cancelled():
            return Outcome(Status.CANCELLED, failures=job.failures, crashes=job.crashes)
        return Outcome(Status.WAITING, not_before=clock.now(), failures=job.failures, crashes=job.crashes, first=True)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("job %s (failure %d) failed", job.key, job.failures + 1)
        sentence = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        failures = job.failures + 1
        if context.cancelled():
            return Outcome(Status.CANCELLED, sentence, failures=failures, crashes=job.crashes)
        if failures >= handler.attempts:
            return Outcome(Status.FAILED, sentence, failures=failures, crashes=job.crashes)
        due = clock.now() + retry_delay(failures)
        return Outcome(Status.WAITING, sentence, due, failures=failures, crashes=job.crashes)


def retry_delay(failures: int) -> timedelta:
    """How long to wait after the `failures`-th failure (from 1)."""
    # The exponent is bounded, since 2**n of a job that failed for days overflows a timedelta before min() sees it.
    return min(_RETRY_CAP, _RETRY_FIRST * (1 << min(max(failures - 1, 0), 20)))


def run_inline(limit: int = 100) -> list[Job]:
    """Runs every due job in this thread, at most `limit`, and returns them as they ended; for tests and commands."""
    done: list[int] = []
    while len(done) < limit and (job := store().claim(owner_id(), registry.kinds())) is not None:
        _run(job, threading.Event())
        done.append(job.id)
    ended = {job.id: job for job in store().select(ids=done, limit=max(len(done), 1))}
    return [ended[job_id] for job_id in done if job_id in ended]


def claim_here(job_id: int) -> Job | None:
    """Claims a waiting job for this process; for the command line.

    In the transaction in which the job was enqueued, no worker can be first. Returns None when a running job has its
    lock, or it does not wait.
    """
    return store().claim(owner_id(), registry.kinds(), job_id)


def run_claimed(job: Job, on_progress: Callable[[dict[str, Any]], object] | None = None) -> Job | None:
    """Runs a job that `claim_here` returned, in this thread, and returns it as it ended.

    A person asked for it, so it is begun however many processes have died in it.
    """
    with _leased(job):
        _run(replace(job, crashes=0), threading.Event(), on_progress)
    return get(job.id)


def _run(job: Job, stop: threading.Event, on_progress: Callable[[dict[str, Any]], object] | None = None) -> None:
    asked_at, found = float("-inf"), False

    def cancelled() -> bool:
        nonlocal asked_at, found
        if time.monotonic() - asked_at >= _REPORT_SECONDS:
            asked_at = time.monotonic()
            current = get(job.id)
            found = current is not None and current.cancel_requested
        return found

    try:
        try:
            outcome = execute(Context(job, stop, cancelled, on_progress=on_progress))
        except BaseException:
            # KeyboardInterrupt and SystemExit: the handler has recorded what it did, and nobody else goes on with it.
            store().settle(job, Outcome(Status.CANCELLED, "The process was told to stop."))
            raise
        store().settle(job, outcome)
    except LeaseLost:
        log.warning("job %s is not held any more; its result was dropped", job.key)


@contextmanager
def _leased(job: Job) -> Iterator[None]:
    """Sends heartbeats for this process while the block runs."""
    ended = threading.Event()

    def beat() -> None:
        try:
            while not ended.wait(HEARTBEAT_SECONDS):
                try:
                    close_old_connections()
                    store().heartbeat(owner_id())
                except DatabaseError as error:
                    log.warning("no heartbeat could be stored (%s)", type(error).__name__)
                    connection.close()
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name=f"heartbeat of job {job.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)


# ------------------------------------------------------------------------------------------------------------- recovery


def first_in_class(priority: int) -> int:
    """Returns the number that puts a job before all others of its priority."""
    return -(-priority // CLASS_SIZE) * CLASS_SIZE + 1


def put_back(job: Job, error: str = "") -> None:
    """Puts a job that this process holds back into the queue, before all others of its priority. Neither a failure nor
    a crash is counted. Does nothing when the job is not held any more."""
    try:
        store().settle(job, Outcome(Status.WAITING, error, clock.now(), job.failures, job.crashes, first=True))
    except LeaseLost:
        pass


def sentence_of(error: Exception) -> str:
    """Returns the error's text on one line, for the log."""
    return " ".join(str(error).split())


def recover_stalled(key: str = "") -> int:
    """Puts the jobs of dead processes (with `key`: only that one) back into the queue and returns their number.

    Every process does so every ten seconds. It is no periodic task: those are jobs, so one that died in it would keep
    all others from it.
    A process of this machine is asked for directly. One elsewhere is dead when it has sent no heartbeat for a while
    and is still silent at a second look. This process sends its own heartbeat first: after an outage of the database
    everybody looks silent, and whoever comes back first must not find itself or the others dead. A recovered job goes
    before all others of its priority; one whose process died three times in it fails.
    """
    own = owner_id()
    store().heartbeat(own)
    held = [(job, holder) for job, holder in store().held() if holder.owner != own and key in ("", job.key)]
    dead = {holder for holder in {holder for _, holder in held} if _is_dead(holder)}
    recovered = 0
    with transaction.atomic():
        for job, holder in held:
            if holder not in dead:
                continue
            # Without an owner, its worker left in good order, and only the end of the job could not be stored.
            crashes = job.crashes + (holder.owner != "")
            cancelled = Outcome(Status.CANCELLED, failures=job.failures, crashes=crashes)
            back = Outcome(Status.WAITING, job.error, clock.now(), job.failures, crashes, first=True)
            try:
                store().settle(job, cancelled if job.cancel_requested else back)
            except LeaseLost:
                continue
            recovered += 1
            log.warning("recovered job %s of %s, whose process is gone", job.key, holder.owner)
    return recovered


def _is_dead(holder: Holder) -> bool:
    if holder.owner and is_alive(holder.owner) is False:
        return True
    if holder.silent < SILENCE:
        return False
    if holder.suspected is None:
        store().suspect(holder)
        return False
    return holder.suspected >= SECOND_LOOK


def forget_workers() -> None:
    """Puts every running job back and forgets all workers; for a database that was restored from a backup."""
    store().forget_workers()


def living() -> list[Holder]:
    """Returns the workers that are at work, on this machine or another."""
    return [holder for holder in store().living(SILENCE) if is_alive(holder.owner) is not False]


@periodic("engine.prune", 3600)
def prune_jobs() -> None:
    """Deletes jobs that ended long ago."""
    prune()
