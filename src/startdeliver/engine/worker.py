"""The worker process: claims jobs and does them in threads, calls what is due at intervals, and ends in order."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from django.db import close_old_connections, connection, connections
from django.db.utils import Error as DatabaseError

from startdeliver.common import clock
from startdeliver.engine import jobs, registry, ticks
from startdeliver.engine.models import Job
from startdeliver.engine.models import Worker as WorkerRow
from startdeliver.engine.owner import is_alive, owner_id
from startdeliver.engine.registry import tick as tick

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
POLL_SECONDS = 0.5


class Worker:
    """Works until it is told to stop.

    `threads` jobs run at a time; ticks have threads of their own, so a long job delays neither them nor the heartbeat.
    `grace` seconds after being told to stop, jobs that have not ended are handed back to the queue.
    """

    def __init__(self, threads: int = 4, *, grace: float = 5.0, owner: str = "") -> None:
        self.owner = owner or owner_id()
        self._limit = threads
        self._grace = grace
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[int, jobs.Context] = {}
        self._ticking: set[str] = set()
        self._look_at: dict[str, float] = {}

    def stop(self) -> None:
        """Tells the worker to end: no more jobs are claimed, and those that run see `Context.stopping()`."""
        self._ending.set()
        self._wake.set()

    def run(self) -> None:
        """Works until `stop()` is called. Database errors are waited out."""
        heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        heart.start()
        pause = POLL_SECONDS
        self._start()
        while not self._ending.is_set():
            self._wake.clear()
            try:
                close_old_connections()
                self._call_due()
                self._fill()
            except DatabaseError as error:
                pause = min(pause * 2, 10.0)
                log.error("the database does not answer (%s); trying again in %.0f s", _sentence(error), pause)
                connection.close()
            else:
                pause = POLL_SECONDS
            self._wake.wait(pause)
        heart.join()
        self._finish()

    def _start(self) -> None:
        """What a worker that replaces a dead one should not have to wait for its turn for."""
        try:
            jobs.take_over()
        except DatabaseError as error:
            log.error("the database does not answer (%s)", _sentence(error))
            connection.close()

    def _fill(self) -> None:
        while not self._ending.is_set() and len(self._running) < self._limit:
            job = jobs.claim(self.owner)
            if job is None:
                return
            context = jobs.Context(job, self.owner)
            with self._lock:
                self._running[job.pk] = context
            _thread(f"job {job.key}", lambda one=context: self._do(one))  # type: ignore[misc]

    def _do(self, context: jobs.Context) -> None:
        try:
            jobs.run(context)
        except DatabaseError as error:
            # How it ended could not be written. The row still says that this process runs it, so it is put right below.
            log.error("the result of job %s could not be stored (%s)", context.job.key, _sentence(error))
            self._release_later(context)
        finally:
            with self._lock:
                self._running.pop(context.job.pk, None)
            self._wake.set()

    def _release_later(self, context: jobs.Context) -> None:
        """Goes on trying to give back a job whose end could not be stored, while the process lives: nobody else
        would, since
        its owner is alive."""
        while not self._ending.is_set():
            connection.close()
            try:
                jobs.fail(context.job, "The database did not answer when the job ended.", self.owner)
            except jobs.Lost:
                return
            except DatabaseError:
                self._ending.wait(5.0)
            else:
                return

    def _call_due(self) -> None:
        for one in list(registry.ticks.values()):
            if self._ending.is_set() or one.name in self._ticking:
                continue
            if time.monotonic() < self._look_at.get(one.name, 0.0):
                continue
            # An idle worker looks into the database five times per interval, not twice a second.
            self._look_at[one.name] = time.monotonic() + min(one.every / 5, 5.0)
            if not ticks.take_turn(one, self.owner):
                continue
            with self._lock:
                self._ticking.add(one.name)
            _thread(f"tick {one.name}", lambda due=one: self._call(due))  # type: ignore[misc]

    def _call(self, due: registry.Tick) -> None:
        try:
            due.call()
        except Exception:
            log.exception("%s failed; it comes again in %.0f s", due.name, due.every)
        finally:
            try:
                ticks.end_turn(due, self.owner)
            except DatabaseError:
                log.exception("the end of %s could not be stored", due.name)
            with self._lock:
                self._ticking.discard(due.name)

    def _beat(self) -> None:
        """Says every ten seconds that this process lives, and passes on to the jobs that they were cancelled or
        lost."""
        next_at = 0.0
        try:
            while not self._ending.is_set():
                if time.monotonic() >= next_at:
                    next_at = time.monotonic() + HEARTBEAT_SECONDS
                    try:
                        self._say_alive()
                    except DatabaseError as error:
                        log.error("no heartbeat could be stored (%s)", _sentence(error))
                        connection.close()
                try:
                    self._pass_on()
                except DatabaseError:
                    connection.close()
                self._ending.wait(1.0)
        finally:
            connections.close_all()

    def _say_alive(self) -> None:
        close_old_connections()
        now = clock.now()
        if not WorkerRow.objects.filter(owner=self.owner).update(heartbeat_at=now):
            WorkerRow.objects.bulk_create([WorkerRow(owner=self.owner, heartbeat_at=now)], ignore_conflicts=True)
        with self._lock:
            held = list(self._running)
        jobs.heartbeat(held, self.owner)

    def _pass_on(self) -> None:
        with self._lock:
            held = dict(self._running)
        if not held:
            return
        mine = Job.objects.filter(pk__in=held, owner=self.owner, status=Job.Status.RUNNING)
        going_on = set(mine.filter(cancel_requested=False).values_list("pk", flat=True))
        for pk, context in held.items():
            if pk not in going_on:
                context.stop.set()

    def _finish(self) -> None:
        with self._lock:
            left = dict(self._running)
        for context in left.values():
            context.stop.set()
        deadline = time.monotonic() + self._grace
        while (self._running or self._ticking) and time.monotonic() < deadline:
            self._wake.wait(0.05)
            self._wake.clear()
        with self._lock:
            left = dict(self._running)
        for context in left.values():
            log.warning("job %s did not stop in time; it goes back into the queue", context.job.key)
            try:
                jobs.hand_back(context.job, self.owner)
            except jobs.Lost:
                continue
        for name in list(self._ticking):
            ticks.end_turn(registry.ticks[name], self.owner)
        WorkerRow.objects.filter(owner=self.owner).delete()


def run_process(threads: int = 4) -> None:
    """Runs a worker as this process until SIGTERM or SIGINT; returns when all is handed back.

    The caller should end the process at once: a job that ignored `stopping()` still runs in a thread.
    """
    worker = Worker(threads)

    def end(signum: int, frame: FrameType | None) -> None:
        if worker._ending.is_set():
            # Told twice: the person does not want to wait.
            os._exit(128 + signum)
        worker.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    log.info("worker %s started with %d threads", worker.owner, threads)
    worker.run()
    log.info("worker %s ended", worker.owner)


def living() -> list[WorkerRow]:
    """The workers that are at work, on this machine or another."""
    since = clock.now() - jobs.SILENCE
    rows = []
    for row in WorkerRow.objects.all():
        alive = is_alive(row.owner)
        if alive or (alive is None and row.heartbeat_at > since):
            rows.append(row)
    return rows


def _thread(name: str, target: Callable[[], None]) -> None:
    def body() -> None:
        close_old_connections()
        try:
            target()
        finally:
            # The thread ends here, and with it the only user of its connection.
            connections.close_all()

    threading.Thread(target=body, name=name, daemon=True).start()


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())


@tick("engine.take_over", 10)
def take_over_dead_jobs() -> None:
    """Jobs of dead processes go back into the queue."""
    jobs.take_over()


@tick("engine.prune", 3600)
def prune() -> None:
    """Forgets jobs that ended long ago, and workers that went away without a word."""
    jobs.prune()
    WorkerRow.objects.filter(heartbeat_at__lt=clock.now() - jobs.KEPT).delete()
