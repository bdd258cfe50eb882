"""The engine on PostgreSQL: Procrastinate, whose tables and functions do the queueing, locking and waking up.

`queueing_lock` is a job's key and `lock` its lock. Heartbeats are those of Procrastinate's workers. What Procrastinate
does not keep (counters, progress, the error) is in `JobDetail`.
Source of the functions called here: https://procrastinate.readthedocs.io and its schema, version 3.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import procrastinate
from django.db import IntegrityError, close_old_connections, connection, connections, transaction
from django.db.utils import Error as DatabaseError
from procrastinate.contrib.django.utils import connector_params
from procrastinate.job_context import JobContext
from procrastinate.jobs import Status as JobStatus
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from startdeliver.common import clock
from startdeliver.engine import jobs, registry
from startdeliver.engine.models import JobDetail, Status
from startdeliver.engine.models import Worker as WorkerRow
from startdeliver.engine.owner import owner_id
from startdeliver.engine.store import Holder, Job, LeaseLost, Outcome

log = logging.getLogger(__name__)

_STATUSES = {
    "todo": Status.WAITING,
    "doing": Status.RUNNING,
    "succeeded": Status.DONE,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELLED,
    "aborted": Status.CANCELLED,
}
_ENDED = {Status.DONE: "succeeded", Status.FAILED: "failed", Status.CANCELLED: "aborted"}
_SELECT = """
SELECT j.id, j.task_name, j.queueing_lock, j.lock, j.priority, j.args, j.status::text, j.scheduled_at, j.attempts,
       j.abort_requested, coalesce(w.owner, ''), d.failures, d.crashes, d.progress, d.error, d.started_at,
       coalesce(j.worker_id, 0), now() - p.last_heartbeat, now() - w.suspected_at
  FROM procrastinate_jobs AS j
  LEFT JOIN procrastinate_workers AS p ON p.id = j.worker_id
  LEFT JOIN engine_worker AS w ON w.number = j.worker_id
  LEFT JOIN engine_jobdetail AS d ON d.job_id = j.id
"""
_LONG_SILENCE = timedelta(days=1)
# As procrastinate_fetch_job_v2, except that a job which waits for its next attempt does not hold up others of its lock.
_CLAIM = """
UPDATE procrastinate_jobs SET status = 'doing', worker_id = %(worker)s
 WHERE id = (
    SELECT j.id FROM procrastinate_jobs AS j
     WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
       AND (%(queues)s::text[] IS NULL OR j.queue_name = ANY(%(queues)s::text[]))
       AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs AS o
         WHERE o.lock = j.lock AND o.status IN ('todo', 'doing')
           AND (o.status = 'doing' OR (o.priority, -o.id) > (j.priority, -j.id)
                                      AND (o.scheduled_at IS NULL OR o.scheduled_at <= now())))
     ORDER BY j.priority DESC, j.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
# What waits is read in the order of its index up to the first job that can be claimed, however old the statistics of a
# table are that fills and empties within seconds.
_PLANNER = "-c enable_sort=off -c enable_bitmapscan=off -c enable_seqscan=off"


def _fetch(statement: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def _job(row: tuple[Any, ...]) -> Job:
    arguments = json.loads(row[5]) if isinstance(row[5], str) else row[5]
    progress = json.loads(row[13]) if isinstance(row[13], str) else row[13]
    return Job(
        id=row[0],
        kind=row[1],
        key=row[2] or "",
        lock=row[3] or "",
        priority=row[4],
        organization_id=arguments.get("organization"),
        payload=arguments.get("payload") or {},
        status=_STATUSES[row[6]],
        not_before=row[7],
        attempts=row[8],
        cancel_requested=row[9],
        owner=row[10],
        failures=row[11] or 0,
        crashes=row[12] or 0,
        progress=progress or {},
        error=row[14] or "",
        started_at=row[15],
    )


class Store:
    """The operations of `store.JobStore` on Procrastinate's tables, on Django's connection."""

    def add(self, job: Job, queue: str) -> int:
        due = _scheduled(job.not_before)
        for _ in range(3):
            # The shared row lock keeps workers from claiming the job before this transaction ends; others may share it.
            waiting = _fetch(
                "SELECT id, scheduled_at, priority FROM procrastinate_jobs "
                "WHERE queueing_lock = %s AND status = 'todo' FOR SHARE",
                [job.key],
            )
            if waiting:
                pk, scheduled_at, priority = waiting[0]
                sooner = scheduled_at is not None and (due is None or due < scheduled_at)
                if sooner or job.priority > priority:
                    _fetch(
                        "UPDATE procrastinate_jobs SET scheduled_at = %s, priority = %s WHERE id = %s",
                        [due if sooner else scheduled_at, max(priority, job.priority), pk],
                    )
                return int(pk)
            try:
                with transaction.atomic():
                    return self._insert(job, queue, due)
            except IntegrityError:
                continue  # Somebody enqueued the same key meanwhile; the next look finds it.
        raise RuntimeError(f"job {job.key!r} could neither be found nor made")

    def _insert(self, job: Job, queue: str, due: datetime | None) -> int:
        arguments = {"organization": job.organization_id, "payload": job.payload}
        rows = _fetch(
            "SELECT unnest(procrastinate_defer_jobs_v1("
            "ARRAY[ROW(%s, %s, %s, %s, %s, %s::jsonb, %s)]::procrastinate_job_to_defer_v1[]))",
            [queue, job.kind, job.priority, job.lock or None, job.key, json.dumps(arguments), due],
        )
        return int(rows[0][0])

    def add_all(self, jobs: list[Job], queue: str) -> None:
        _fetch(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args) "
            "SELECT %s, new.* FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[], %s::jsonb[]) AS new "
            "ON CONFLICT (queueing_lock) WHERE status = 'todo' "
            "DO UPDATE SET scheduled_at = NULL WHERE procrastinate_jobs.scheduled_at IS NOT NULL",
            [
                queue,
                [job.kind for job in jobs],
                [job.priority for job in jobs],
                [job.lock or None for job in jobs],
                [job.key for job in jobs],
                [json.dumps({"organization": job.organization_id, "payload": job.payload}) for job in jobs],
            ],
        )

    def backlog(self, lock: str, most: int) -> int:
        waiting = "SELECT 1 FROM procrastinate_jobs WHERE lock = %s AND status = 'todo' LIMIT %s"
        return int(_fetch(f"SELECT count(*) FROM ({waiting}) AS waiting", [lock, most])[0][0])  # noqa: S608

    def select(
        self,
        *,
        ids: list[int] | None = None,
        keys: list[str] | None = None,
        statuses: list[Status] | None = None,
        limit: int = 100,
    ) -> list[Job]:
        names = None if statuses is None else [name for name, status in _STATUSES.items() if status in statuses]
        conditions = [
            ("j.status = ANY(%(names)s::procrastinate_job_status[])", names),
            ("j.id = ANY(%(ids)s::bigint[])", ids),
            ("j.queueing_lock = ANY(%(keys)s::text[])", keys),
        ]
        where = " AND ".join(["true", *(condition for condition, values in conditions if values is not None)])
        rows = _fetch(
            f"{_SELECT} WHERE {where} ORDER BY j.id DESC LIMIT %(limit)s",
            {"names": names, "ids": ids, "keys": keys, "limit": limit},
        )
        return [_job(row) for row in rows]

    def claim(self, owner: str, kinds: list[str], job_id: int | None = None) -> Job | None:
        """For this process's own use (the command line and tests); worker processes are Procrastinate's."""
        one = (
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %(worker)s "
            "WHERE id = %(id)s AND status = 'todo' RETURNING id"
        )
        try:
            with transaction.atomic():
                values = {"worker": self._number(owner), "queues": None, "id": job_id}
                rows = _fetch(_CLAIM if job_id is None else one, values)
                if not rows:
                    return None
                _keep(rows[0][0], started_at=clock.now())
        except IntegrityError:
            return None  # A running job has the lock.
        return self.select(ids=[rows[0][0]])[0]

    def _number(self, owner: str) -> int:
        """The id of this process among Procrastinate's workers."""
        known = WorkerRow.objects.filter(owner=owner).order_by("-number").values_list("number", flat=True).first()
        if known and _fetch("SELECT 1 FROM procrastinate_workers WHERE id = %s", [known]):
            return int(known)
        number = int(_fetch("SELECT worker_id FROM procrastinate_register_worker_v1()")[0][0])
        WorkerRow.objects.create(owner=owner, number=number)
        return number

    def hold(self, job: Job, lock: str = "FOR SHARE") -> None:
        held = _fetch(
            "SELECT 1 FROM procrastinate_jobs AS j LEFT JOIN engine_worker AS w ON w.number = j.worker_id "  # noqa: S608
            "WHERE j.id = %s AND j.status = 'doing' AND j.attempts = %s AND coalesce(w.owner, '') = %s "
            f"{lock} OF j",
            [job.id, job.attempts, job.owner],
        )
        if not held:
            raise LeaseLost(f"job {job.key} is not held under claim {job.attempts} any more")

    def progress(self, job: Job, facts: dict[str, Any]) -> None:
        with transaction.atomic():
            self.hold(job)
            JobDetail.objects.filter(job_id=job.id).update(progress=facts)

    def settle(self, job: Job, outcome: Outcome) -> None:
        with transaction.atomic():
            # A shared lock would have two who settle the job at once wait for each other.
            self.hold(job, "FOR UPDATE")
            keep_counts(job, outcome)
            if outcome.status != Status.WAITING:
                _fetch("SELECT procrastinate_finish_job_v1(%s, %s, false)", [job.id, _ENDED[outcome.status]])
                return
            priority = jobs.first_in_class(job.priority) if outcome.first else None
            try:
                with transaction.atomic():
                    _fetch(
                        "SELECT procrastinate_retry_job_v2(%s, %s, %s, NULL, NULL)",
                        [job.id, _scheduled(outcome.not_before), priority],
                    )
            except IntegrityError:
                # The same work was enqueued again while this job ran, so the waiting job covers it.
                _fetch("SELECT procrastinate_finish_job_v1(%s, 'succeeded', false)", [job.id])

    def cancel(self, job_id: int) -> bool:
        return _fetch("SELECT procrastinate_cancel_job_v1(%s, true, false)", [job_id])[0][0] is not None

    def retry(self, job_id: int) -> bool:
        try:
            with transaction.atomic():
                back = _fetch(
                    "UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = NULL, attempts = attempts + 1, "
                    "abort_requested = false WHERE id = %s AND status IN ('failed', 'aborted', 'cancelled') "
                    "RETURNING id",
                    [job_id],
                )
        except IntegrityError:
            return True  # The same work waits already.
        JobDetail.objects.filter(job_id=job_id).update(failures=0, crashes=0, error="")
        return bool(back)

    def heartbeat(self, owner: str) -> None:
        _fetch(
            "UPDATE procrastinate_workers SET last_heartbeat = now() "
            "WHERE id IN (SELECT number FROM engine_worker WHERE owner = %s)",
            [owner],
        )
        WorkerRow.objects.filter(owner=owner).update(heartbeat_at=clock.now(), suspected_at=None)

    def held(self) -> list[tuple[Job, Holder]]:
        held = []
        for row in _fetch(_SELECT + "WHERE j.status = 'doing' ORDER BY j.id"):
            owner, number, silent, suspected = row[10], row[16], row[17], row[18]
            if silent is None:
                # Procrastinate's worker has left, although the end of its job could not be stored.
                silent = suspected = _LONG_SILENCE
            held.append((_job(row), Holder(owner, silent, suspected, number)))
        return held

    def suspect(self, holder: Holder) -> None:
        _fetch(
            "UPDATE engine_worker SET suspected_at = now() WHERE number = %s AND NOT EXISTS ("
            "SELECT 1 FROM procrastinate_workers WHERE id = %s AND last_heartbeat > now() - %s)",
            [holder.number, holder.number, jobs.SILENCE],
        )

    def living(self, silence: timedelta) -> list[Holder]:
        rows = _fetch(
            "SELECT w.owner, min(now() - p.last_heartbeat) FROM procrastinate_workers AS p "
            "JOIN engine_worker AS w ON w.number = p.id WHERE p.last_heartbeat > now() - %s GROUP BY w.owner",
            [silence],
        )
        return [Holder(owner, silent, None) for owner, silent in rows]

    def leave(self, owner: str) -> None:
        numbers = list(WorkerRow.objects.filter(owner=owner).values_list("number", flat=True))
        _fetch("DELETE FROM procrastinate_workers WHERE id = ANY(%s)", [numbers])
        WorkerRow.objects.filter(owner=owner).delete()

    def forget_workers(self) -> None:
        _fetch("DELETE FROM procrastinate_periodic_defers")
        _fetch(
            "UPDATE procrastinate_jobs AS j SET status = 'succeeded' WHERE status = 'doing' AND EXISTS ("
            "SELECT 1 FROM procrastinate_jobs AS w WHERE w.queueing_lock = j.queueing_lock AND w.status = 'todo')"
        )
        _fetch("UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1 WHERE status = 'doing'")
        _fetch("DELETE FROM procrastinate_workers")
        WorkerRow.objects.all().delete()

    def prune(self, kept: timedelta) -> int:
        gone = _fetch(
            "WITH ended AS (DELETE FROM procrastinate_jobs AS j WHERE j.status NOT IN ('todo', 'doing') AND NOT EXISTS "
            "(SELECT 1 FROM procrastinate_events AS e WHERE e.job_id = j.id AND e.at > now() - %s) RETURNING j.id) "
            "SELECT count(*) FROM ended",
            [kept],
        )
        _fetch("DELETE FROM engine_jobdetail WHERE job_id NOT IN (SELECT id FROM procrastinate_jobs)")
        _fetch("SELECT procrastinate_prune_stalled_workers_v1(%s)", [_LONG_SILENCE.total_seconds()])
        _fetch("DELETE FROM engine_worker WHERE number NOT IN (SELECT id FROM procrastinate_workers)")
        return int(gone[0][0])


def _scheduled(at: datetime | None) -> datetime | None:
    """The moment as Procrastinate stores it; None: at once."""
    return None if at is None or at <= clock.now() else at


def _keep(job_id: int, **facts: Any) -> None:
    """Stores what Procrastinate does not keep of a job."""
    JobDetail.objects.bulk_create(
        [JobDetail(job_id=job_id, **facts)], update_conflicts=True, unique_fields=["job_id"], update_fields=[*facts]
    )


def keep_counts(job: Job, outcome: Outcome) -> None:
    """Stores the counters and the error of how a job ended."""
    _keep(job.id, failures=outcome.failures, crashes=outcome.crashes, error=outcome.error)


# ----------------------------------------------------------------------------------------------------- worker processes


class _PutBack(Exception):
    """Tells Procrastinate that the job goes back into the queue."""

    def __init__(self, at: datetime | None, priority: int | None) -> None:
        super().__init__("goes back into the queue")
        self.at, self.priority = at, priority


class _Failed(Exception):
    """Tells Procrastinate that the job failed for good; the error was stored and logged."""


class _Strategy(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: procrastinate.jobs.Job) -> RetryDecision | None:
        if isinstance(exception, _PutBack):
            return RetryDecision(retry_at=exception.at, priority=exception.priority)
        return None


_HELD = (
    "WITH held AS (SELECT id FROM procrastinate_jobs WHERE id = %(id)s AND status = 'doing' "
    "AND attempts = %(attempts)s AND worker_id = %(worker)s FOR UPDATE) SELECT "
)


class FencedJobManager(JobManager):
    """Claims by `_CLAIM`, and ends a job only under the claim that ran it; Procrastinate itself would end whatever has
    the job's id. `numbers`: the workers that it registered, which are then known to be this process's."""

    def __init__(self, connector: procrastinate.PsycopgConnector, numbers: set[int]) -> None:
        super().__init__(connector)
        self.numbers = numbers

    async def register_worker(self) -> int:
        number = await super().register_worker()
        await self.connector.execute_query_async(
            "INSERT INTO engine_worker (owner, number, started_at, heartbeat_at) "
            "VALUES (%(owner)s, %(number)s, now(), now())",
            owner=owner_id(),
            number=number,
        )
        self.numbers.add(number)
        return number

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> procrastinate.jobs.Job | None:
        try:
            rows = await self.connector.execute_query_all_async(_CLAIM, queues=queues, worker=worker_id)
        except procrastinate.exceptions.UniqueViolation:
            return None  # A job with the same lock was claimed meanwhile.
        return procrastinate.jobs.Job.from_row(rows[0]) if rows else None

    async def finish_job(self, job: procrastinate.jobs.Job, status: JobStatus, delete_job: bool) -> None:
        await self._end(
            job, "procrastinate_finish_job_v1(id, %(status)s, %(delete)s)", status=status.value, delete=delete_job
        )

    async def retry_job(
        self,
        job: procrastinate.jobs.Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        again = "procrastinate_retry_job_v2(id, %(at)s, %(priority)s, NULL, NULL)"
        try:
            await self._end(job, again, at=retry_at, priority=priority)
        except procrastinate.exceptions.ConnectorException as error:
            if not isinstance(error, procrastinate.exceptions.UniqueViolation):
                raise
            # The same work was enqueued again while this job ran, so the waiting job covers it.
            await self.finish_job(job, JobStatus.SUCCEEDED, False)

    async def _end(self, job: procrastinate.jobs.Job, call: str, **values: Any) -> None:
        await self.connector.execute_query_async(
            _HELD + call + " FROM held", id=job.id, attempts=job.attempts, worker=job.worker_id, **values
        )


class WorkerProcess:
    """This process's Procrastinate workers ("lanes").

    The first lane is woken by notifications; the others only look every few seconds, so that a second long job comes
    into this process only when no other process is free. Quick jobs have a lane of their own.
    """

    def __init__(
        self, threads: int = 2, *, grace: float = 5.0, on_stuck: Callable[[], None] = lambda: os._exit(0)
    ) -> None:
        self.owner = owner_id()
        self._threads = threads
        self._on_stuck = on_stuck
        self._grace = grace
        self._ending = threading.Event()
        self._numbers: set[int] = set()
        self._running: set[int] = set()
        self._orphans: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lanes: list[asyncio.Task[None]] = []

    def stop(self) -> None:
        """Tells the process to end: nothing more is claimed, and jobs see `Context.stopping()`. Callable from signal
        handlers and other threads."""
        self._ending.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        for lane in self._lanes:
            lane.cancel()

    def run(self) -> None:
        """Works until `stop` is called. Errors of the database are waited out."""
        heart = threading.Thread(target=self._watch, name="watch", daemon=True)
        heart.start()
        ender = threading.Thread(target=self._end_in_time, name="end in time", daemon=True)
        ender.start()
        asyncio.run(self._run())
        self._put_back_all()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._ending.is_set():
            connector = procrastinate.PsycopgConnector(
                kwargs=connection_parameters(), min_size=1, max_size=self._threads + 3, timeout=10.0
            )
            try:
                quick, work = self._app(connector, quick=True), self._app(connector, quick=False)
                async with quick.open_async():
                    lanes = [
                        self._lane(quick, ["quick"], 2, notified=True),
                        self._lane(work, ["work"], 1, notified=True),
                    ]
                    lanes += [self._lane(work, ["work"], 1, notified=False) for _ in range(self._threads - 1)]
                    self._lanes = [asyncio.create_task(lane) for lane in lanes]
                    if self._ending.is_set():
                        return
                    await asyncio.wait(self._lanes, return_when=asyncio.FIRST_COMPLETED)
                    self._cancel()
                    await asyncio.gather(*self._lanes, return_exceptions=True)
            except Exception as error:
                log.error("the database does not answer (%s); trying again", jobs.sentence_of(error))
            if not self._ending.is_set():
                await asyncio.sleep(1.0)

    async def _lane(self, app: procrastinate.App, queues: list[str], concurrency: int, *, notified: bool) -> None:
        await app.run_worker_async(
            queues=queues,
            concurrency=concurrency,
            listen_notify=notified,
            fetch_job_polling_interval=5.0,
            abort_job_polling_interval=2.0,
            update_heartbeat_interval=jobs.HEARTBEAT_SECONDS,
            # Dead workers are found by `jobs.recover_stalled`, which looks twice.
            stalled_worker_timeout=_LONG_SILENCE.total_seconds(),
            install_signal_handlers=False,
            # Periodic tasks end in this lane several times a minute.
            delete_jobs="successful" if queues == ["quick"] else "never",
        )

    def _app(self, connector: procrastinate.PsycopgConnector, *, quick: bool) -> procrastinate.App:
        app = procrastinate.App(connector=connector)
        app.job_manager = FencedJobManager(connector, self._numbers)
        for kind in registry.kinds(quick=quick):
            task = app.task(name=kind, pass_context=True, retry=_Strategy())(self._perform)
            if (called := registry.periodic_tasks.get(kind.removeprefix(registry.PERIODIC))) is not None:
                app.periodic(cron=_cron(called.seconds), queue="quick", lock=kind, queueing_lock=kind)(task)
        return app

    def _perform(
        self,
        context: JobContext,
        organization: int | None = None,
        payload: dict[str, Any] | None = None,
        timestamp: int | None = None,
    ) -> None:
        """Runs one job in a thread of Procrastinate's."""
        found = context.job
        assert found.id is not None
        assert found.worker_id is not None
        self._running.add(found.id)
        try:
            close_old_connections()
            _keep(found.id, started_at=clock.now())
            job = jobs.store().select(ids=[found.id])[0]
            outcome = jobs.execute(jobs.Context(job, self._ending, context.should_abort))
            with transaction.atomic():
                jobs.store().hold(job)
                keep_counts(job, outcome)
        except LeaseLost:
            log.warning("job %s is not held any more; its result is dropped", found.id)
            return
        except DatabaseError as error:
            log.error("the result of job %s could not be stored (%s)", found.id, jobs.sentence_of(error))
            raise _PutBack(None, None) from None
        finally:
            self._running.discard(found.id)
            connections.close_all()
        if outcome.status == Status.WAITING:
            raise _PutBack(_scheduled(outcome.not_before), jobs.first_in_class(job.priority) if outcome.first else None)
        if outcome.status == Status.FAILED:
            raise _Failed(outcome.error)
        if outcome.status == Status.CANCELLED:
            raise procrastinate.exceptions.JobAborted

    # ------------------------------------------------------------------------------------------------- looking after it

    def _watch(self) -> None:
        """Sends heartbeats and recovers what is stalled, at once and then every ten seconds.

        Starts the lanes again when the clock was set back: Procrastinate's periodic tasks would wait until it has
        caught up."""
        offset = time.time() - time.monotonic()
        while not self._ending.is_set():
            stepped = offset - (time.time() - time.monotonic())
            offset -= stepped
            if stepped > 5 and self._loop is not None:
                log.warning("the clock was set back by %.0f s; the workers start again", stepped)
                self._loop.call_soon_threadsafe(self._cancel)
            try:
                jobs.recover_stalled()
                self._put_back_orphans()
            except DatabaseError as error:
                log.error("the database does not answer (%s)", jobs.sentence_of(error))
            finally:
                connections.close_all()
            self._ending.wait(jobs.HEARTBEAT_SECONDS)

    def _put_back_orphans(self) -> None:
        """A job that this process holds in the database without running it is put back when it is seen twice."""
        held = {job.id: job for job, holder in jobs.store().held() if holder.number in self._numbers}
        orphans = {job_id for job_id in held if job_id not in self._running}
        for job_id in orphans & self._orphans:
            jobs.put_back(held[job_id], held[job_id].error)
        self._orphans = orphans

    def _put_back_all(self) -> None:
        """At the end of the process: what is still held goes back into the queue, and the worker rows go."""
        try:
            for job, holder in jobs.store().held():
                if holder.number in self._numbers:
                    log.warning("job %s did not stop in time; it goes back into the queue", job.key)
                    jobs.put_back(job, job.error)
            jobs.store().leave(self.owner)
        except DatabaseError as error:
            log.error("the database does not answer (%s)", jobs.sentence_of(error))

    def _end_in_time(self) -> None:
        """Ends the process when its jobs do not stop within the grace period: threads cannot be ended."""
        self._ending.wait()
        time.sleep(self._grace)
        if self._running:
            self._put_back_all()
            self._on_stuck()


def connection_parameters() -> dict[str, Any]:
    """How Procrastinate's own connections are made."""
    parameters = connector_params()
    return {**parameters, "options": f"{parameters.get('options', '')} {_PLANNER}".strip()}


def _cron(seconds: int) -> str:
    """The cron expression for "every so many seconds"; seconds are Procrastinate's sixth field."""
    if seconds < 60:
        return f"* * * * * */{seconds}"
    if seconds < 3600:
        return f"*/{seconds // 60} * * * *"
    return f"17 */{seconds // 3600} * * *" if seconds > 3600 else "17 * * * *"
