"""The engine on SQLite: jobs in the application's own table, done by threads of a few processes on one machine.

A claim is a conditional UPDATE whose row count tells who won; the database lets one running job have a lock.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, close_old_connections, connection, connections, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.utils import Error as DatabaseError

from startdeliver.common import clock
from startdeliver.engine import jobs, registry
from startdeliver.engine.models import Job as JobRow
from startdeliver.engine.models import PeriodicCall, Status
from startdeliver.engine.models import Worker as WorkerRow
from startdeliver.engine.owner import owner_id
from startdeliver.engine.store import Holder, Job, LeaseLost, Outcome

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
_COLUMNS = [
    "id", "kind", "key", "lock", "priority", "organization_id", "payload", "status", "not_before", "attempts",
    "failures", "crashes", "cancel_requested", "owner", "progress", "error", "created_at", "started_at",
]  # fmt: skip


def _job(values: dict[str, Any]) -> Job:
    return Job(**values | {"status": Status(values["status"])})


def _row(job: Job, queue: str) -> JobRow:
    return JobRow(
        kind=job.kind, key=job.key, lock=job.lock, queue=queue, priority=job.priority,
        organization_id=job.organization_id, payload=job.payload, not_before=job.not_before or clock.now(),
    )  # fmt: skip


class Store:
    """The operations of `store.JobStore` on the table `engine_job`."""

    def add(self, job: Job, queue: str) -> int:
        for _ in range(3):
            waiting = JobRow.objects.filter(key=job.key, status=Status.WAITING)
            pk = waiting.values_list("pk", flat=True).first()
            if pk is not None:
                # Also a write when nothing changes: it keeps the job from being claimed before this transaction ends.
                waiting.filter(not_before__gt=job.not_before).update(not_before=job.not_before)
                if waiting.filter(pk=pk).update(
                    priority=max(job.priority, JobRow.objects.values_list("priority", flat=True).get(pk=pk))
                ):
                    return pk
                continue
            try:
                with transaction.atomic():
                    row = _row(job, queue)
                    row.save()
                    return row.pk
            except IntegrityError:
                continue  # Somebody enqueued the same key meanwhile; the next look finds it.
        raise RuntimeError(f"job {job.key!r} could neither be found nor made")

    def add_all(self, jobs: list[Job], queue: str) -> None:
        JobRow.objects.bulk_create([_row(job, queue) for job in jobs], ignore_conflicts=True, batch_size=500)
        now = clock.now()
        for start in range(0, len(jobs), 500):
            keys = [job.key for job in jobs[start : start + 500]]
            JobRow.objects.filter(key__in=keys, status=Status.WAITING, not_before__gt=now).update(not_before=now)

    def backlog(self, lock: str, most: int) -> int:
        return JobRow.objects.filter(lock=lock, status=Status.WAITING)[:most].count()

    def select(
        self,
        *,
        ids: list[int] | None = None,
        keys: list[str] | None = None,
        statuses: list[Status] | None = None,
        limit: int = 100,
    ) -> list[Job]:
        rows = JobRow.objects.order_by("-pk")
        if ids is not None:
            rows = rows.filter(pk__in=ids)
        if keys is not None:
            rows = rows.filter(key__in=keys)
        if statuses is not None:
            rows = rows.filter(status__in=statuses)
        return [_job(values) for values in rows.values(*_COLUMNS)[:limit]]

    def claim(self, owner: str, kinds: list[str], job_id: int | None = None) -> Job | None:
        now = clock.now()
        running = JobRow.objects.filter(status=Status.RUNNING, lock=OuterRef("lock")).exclude(lock="")
        due = JobRow.objects.filter(~Exists(running), status=Status.WAITING, kind__in=kinds)
        due = due.filter(not_before__lte=now) if job_id is None else due.filter(pk=job_id)
        for pk in list(due.order_by("-priority", "pk").values_list("pk", flat=True)[:5]):
            try:
                with transaction.atomic():
                    won = JobRow.objects.filter(pk=pk, status=Status.WAITING).update(
                        status=Status.RUNNING, owner=owner, started_at=now, attempts=F("attempts") + 1,
                        cancel_requested=False, error="",
                    )  # fmt: skip
            except IntegrityError:
                continue  # A job with the same lock was claimed meanwhile.
            if won:
                return self.select(ids=[pk])[0]
        return None

    def hold(self, job: Job) -> None:
        self._write(job, started_at=F("started_at"))

    def progress(self, job: Job, facts: dict[str, Any]) -> None:
        self._write(job, progress=facts)

    def settle(self, job: Job, outcome: Outcome) -> None:
        counts = {"failures": outcome.failures, "crashes": outcome.crashes, "error": outcome.error}
        if outcome.status != Status.WAITING:
            self._write(job, status=outcome.status, finished_at=clock.now(), owner="", **counts)
            return
        # Decided in the statement itself, so that a cancellation in this very moment is not lost.
        state = Case(When(cancel_requested=True, then=Value(Status.CANCELLED)), default=Value(Status.WAITING))
        back = {"status": state, "not_before": outcome.not_before or clock.now(), "owner": "", **counts}
        if outcome.first:
            back["priority"] = jobs.first_in_class(job.priority)
        try:
            with transaction.atomic():
                self._write(job, **back)
        except IntegrityError:
            # The same work was enqueued again while this job ran, so the waiting job covers it.
            self._write(job, status=Status.DONE, finished_at=clock.now(), owner="", **counts)

    def _write(self, job: Job, **values: Any) -> None:
        held = JobRow.objects.filter(pk=job.id, status=Status.RUNNING, owner=job.owner, attempts=job.attempts)
        if not held.update(**values):
            raise LeaseLost(f"job {job.key} is not held under claim {job.attempts} any more")

    def cancel(self, job_id: int) -> bool:
        rows = JobRow.objects.filter(pk=job_id)
        ended = rows.filter(status=Status.WAITING).update(status=Status.CANCELLED, finished_at=clock.now())
        return bool(ended or rows.filter(status=Status.RUNNING).update(cancel_requested=True))

    def retry(self, job_id: int) -> bool:
        ended = JobRow.objects.filter(pk=job_id, status__in=[Status.FAILED, Status.CANCELLED])
        try:
            with transaction.atomic():
                values = {"status": Status.WAITING, "not_before": clock.now(), "failures": 0, "crashes": 0}
                return bool(ended.update(**values, finished_at=None))
        except IntegrityError:
            return True  # The same work waits already.

    def heartbeat(self, owner: str) -> None:
        now = clock.now()
        if not WorkerRow.objects.filter(owner=owner).update(heartbeat_at=now, suspected_at=None):
            WorkerRow.objects.bulk_create([WorkerRow(owner=owner, heartbeat_at=now)], ignore_conflicts=True)

    def held(self) -> list[tuple[Job, Holder]]:
        running = self.select(statuses=[Status.RUNNING], limit=100_000)
        workers = {row.owner: row for row in WorkerRow.objects.all()} if running else {}
        return [(job, _holder(job, workers.get(job.owner))) for job in running]

    def suspect(self, holder: Holder) -> None:
        seen = clock.now()
        WorkerRow.objects.bulk_create(
            [WorkerRow(owner=holder.owner, heartbeat_at=seen - holder.silent)], ignore_conflicts=True
        )
        silent = WorkerRow.objects.filter(owner=holder.owner, heartbeat_at__lte=seen - holder.silent)
        silent.update(suspected_at=seen)

    def living(self, silence: timedelta) -> list[Holder]:
        rows = WorkerRow.objects.filter(heartbeat_at__gt=clock.now() - silence)
        return [Holder(row.owner, clock.now() - row.heartbeat_at, None) for row in rows]

    def leave(self, owner: str) -> None:
        WorkerRow.objects.filter(owner=owner).delete()

    def forget_workers(self) -> None:
        JobRow.objects.filter(status=Status.RUNNING, key__in=self._waiting_keys()).update(status=Status.DONE)
        JobRow.objects.filter(status=Status.RUNNING).update(status=Status.WAITING, owner="")
        WorkerRow.objects.all().delete()
        PeriodicCall.objects.all().delete()

    def _waiting_keys(self) -> list[str]:
        return list(JobRow.objects.filter(status=Status.WAITING).values_list("key", flat=True))

    def prune(self, kept: timedelta) -> int:
        before = clock.now() - kept
        WorkerRow.objects.filter(heartbeat_at__lt=before).delete()
        # Calls of periodic tasks are many and say nothing once they have succeeded.
        calls = Q(kind__startswith=registry.PERIODIC, finished_at__lt=clock.now() - timedelta(minutes=10))
        ended = JobRow.objects.exclude(status__in=[Status.WAITING, Status.RUNNING])
        return ended.filter(calls | Q(finished_at__lt=before)).delete()[0]


def _holder(job: Job, worker: WorkerRow | None) -> Holder:
    now = clock.now()
    seen = max([at for at in (worker.heartbeat_at if worker else None, job.started_at) if at is not None], default=now)
    suspected = worker.suspected_at if worker is not None else None
    return Holder(job.owner, now - seen, None if suspected is None else now - suspected)


class Worker:
    """One worker process: `threads` jobs at a time, quick ones in a thread of their own; periodic tasks; heartbeats.

    `grace` seconds after being told to stop, jobs that have not ended are put back into the queue.
    """

    def __init__(self, threads: int = 2, *, grace: float = 5.0) -> None:
        self.owner = owner_id()
        self._slots = {True: 1, False: threads}
        self._grace = grace
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._mutex = threading.Lock()
        self._running: dict[tuple[int, int], jobs.Context] = {}
        self._orphans: set[tuple[int, int]] = set()
        self._next_look: dict[str, float] = {}

    def stop(self) -> None:
        """Tells the worker to end: it claims nothing more, and its jobs see `Context.stopping()`."""
        self._ending.set()
        self._wake.set()

    def run(self) -> None:
        """Works until `stop()` is called. Errors of the database are waited out."""
        heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        heart.start()
        pause = POLL_SECONDS
        while not self._ending.is_set():
            self._wake.clear()
            try:
                close_old_connections()
                self._enqueue_periodic()
                for quick in (True, False):
                    self._fill(quick)
            except DatabaseError as error:
                pause = min(pause * 2, 10.0)
                log.error("the database does not answer (%s); trying again in %.0f s", jobs.sentence_of(error), pause)
                connection.close()
            else:
                pause = POLL_SECONDS
            self._wake.wait(pause)
        heart.join()
        self._finish()

    def _fill(self, quick: bool) -> None:
        kinds = registry.kinds(quick=quick)
        while not self._ending.is_set() and self._busy(quick) < self._slots[quick]:
            job = jobs.store().claim(self.owner, kinds)
            if job is None:
                return
            context = jobs.Context(job)
            with self._mutex:
                self._running[job.id, job.attempts] = context
            threading.Thread(target=self._do, args=(context,), name=f"job {job.key}", daemon=True).start()

    def _busy(self, quick: bool) -> int:
        with self._mutex:
            return sum(registry.handlers[context.job.kind].quick == quick for context in self._running.values())

    def _do(self, context: jobs.Context) -> None:
        job = context.job
        try:
            close_old_connections()
            jobs.store().settle(job, jobs.execute(context))
        except LeaseLost:
            log.warning("job %s is not held any more; its result was dropped", job.key)
        except DatabaseError as error:
            # The row still says that this process runs the job; `_put_back_orphans` puts it back.
            log.error("the result of job %s could not be stored (%s)", job.key, jobs.sentence_of(error))
        finally:
            with self._mutex:
                self._running.pop((job.id, job.attempts), None)
            connections.close_all()
            self._wake.set()

    def _enqueue_periodic(self) -> None:
        """Enqueues the periodic tasks that are due. A moment in the future is due: then the clock was ahead."""
        for task in list(registry.periodic_tasks.values()):
            if time.monotonic() < self._next_look.get(task.name, 0.0):
                continue
            self._next_look[task.name] = time.monotonic() + min(task.seconds / 5, 5.0)
            now = clock.now()
            PeriodicCall.objects.bulk_create([PeriodicCall(name=task.name)], ignore_conflicts=True)
            due = Q(called_at=None) | Q(called_at__gt=now) | Q(called_at__lte=now - timedelta(seconds=task.seconds))
            with transaction.atomic():
                if PeriodicCall.objects.filter(due, name=task.name).update(called_at=now):
                    jobs.enqueue(registry.PERIODIC + task.name, registry.PERIODIC + task.name)

    def _beat(self) -> None:
        """Every ten seconds sends a heartbeat and recovers what is stalled; tells the jobs once a second that they were
        cancelled or lost."""
        next_beat = 0.0
        try:
            while not self._ending.is_set():
                try:
                    if time.monotonic() >= next_beat:
                        next_beat = time.monotonic() + jobs.HEARTBEAT_SECONDS
                        close_old_connections()
                        jobs.recover_stalled()
                        self._put_back_orphans()
                    self._pass_on()
                except DatabaseError as error:
                    log.error("no heartbeat could be stored (%s)", jobs.sentence_of(error))
                    connection.close()
                self._ending.wait(1.0)
        finally:
            connections.close_all()

    def _pass_on(self) -> None:
        with self._mutex:
            running = dict(self._running)
        if not running:
            return
        going_on = {
            (job.id, job.attempts)
            for job in jobs.store().select(ids=[job_id for job_id, _ in running], limit=len(running))
            if job.owner == self.owner and job.status == Status.RUNNING and not job.cancel_requested
        }
        for claim, context in running.items():
            if claim not in going_on:
                context.stop.set()

    def _put_back_orphans(self) -> None:
        """Puts back jobs that this process holds in the database and does not run: their end could not be stored."""
        with self._mutex:
            running = set(self._running)
        held = [job for job, holder in jobs.store().held() if holder.owner == self.owner]
        orphans = {(job.id, job.attempts): job for job in held if (job.id, job.attempts) not in running}
        for claim in self._orphans & orphans.keys():
            jobs.put_back(orphans[claim], "The database did not answer when the job ended.")
        self._orphans = set(orphans)

    def _finish(self) -> None:
        with self._mutex:
            running = list(self._running.values())
        for context in running:
            context.stop.set()
        deadline = time.monotonic() + self._grace
        while self._running and time.monotonic() < deadline:
            self._wake.wait(0.05)
            self._wake.clear()
        with self._mutex:
            running = list(self._running.values())
        for context in running:
            log.warning("job %s did not stop in time; it goes back into the queue", context.job.key)
            jobs.put_back(context.job)
        jobs.store().leave(self.owner)
