"""Workers as they really run: threads, processes, signals, kill -9; the same behaviour on both engines."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError, connection

from startdeliver.common import clock
from startdeliver.engine import jobs, registry
from startdeliver.engine.jobs import Status
from startdeliver.engine.models import PeriodicCall
from startdeliver.engine.models import Worker as WorkerRow
from startdeliver.engine.owner import owner_id
from tests.engine.processes import running, until, worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the handlers and periodic tasks that a test registers."""
    monkeypatch.setattr(registry, "handlers", {})
    monkeypatch.setattr(registry, "periodic_tasks", {})


def status(job_id: int) -> str:
    job = jobs.get(job_id)
    return job.status if job is not None else "gone"


def ended() -> bool:
    return not jobs.select(jobs.LIVE)


@pytest.mark.usefixtures("own_registry")
class TestInThreads:
    def test_two_workers_do_every_job_once(self) -> None:
        seen: list[str] = []

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            seen.append(context.job.key)

        keys = [f"job {number}" for number in range(30)]
        for key in keys:
            jobs.enqueue("work", key, lock=key)
        with running(), running():
            until(ended, "the end of all jobs")
        assert sorted(seen) == sorted(keys)

    def test_jobs_run_at_the_same_time(self) -> None:
        together = threading.Barrier(2)

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            together.wait(timeout=20)

        for number in range(2):
            jobs.enqueue("work", f"job {number}", lock=f"lock {number}")
        with running(2):
            until(lambda: len(jobs.select([Status.DONE])) == 2, "the end of both")

    def test_a_quick_job_does_not_wait_for_a_long_one(self) -> None:
        done = threading.Event()

        @jobs.handler("long")
        def long(context: jobs.Context) -> None:
            assert done.wait(timeout=20)

        @jobs.handler("quick", quick=True)
        def quick(context: jobs.Context) -> None:
            done.set()

        long_id = jobs.enqueue("long", "long")
        with running(1):
            until(lambda: status(long_id) == Status.RUNNING, "the start")
            jobs.enqueue("quick", "quick")
            until(lambda: status(long_id) == Status.DONE, "the end of the long one")

    def test_a_running_job_notices_that_it_was_cancelled(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            until(context.stopping, "the sign to stop")
            raise jobs.Requeue

        job_id = jobs.enqueue("work", "a")
        with running(1):
            until(lambda: status(job_id) == Status.RUNNING, "the start")
            jobs.cancel(job_id)
            until(lambda: status(job_id) in (Status.CANCELLED, Status.FAILED), "the end as cancelled")

    def test_an_unfinished_job_goes_back_when_the_worker_ends(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            until(context.stopping, "the sign to stop")
            raise jobs.Requeue

        job_id = jobs.enqueue("work", "a")
        with running(1):
            until(lambda: status(job_id) == Status.RUNNING, "the start")
        job = jobs.get(job_id)
        assert job is not None
        assert (job.status, job.failures, job.crashes) == (Status.WAITING, 0, 0)

    def test_a_job_whose_end_could_not_be_stored_is_done_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The database goes away for a moment just when a job ends; the worker lives on."""
        monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.5)
        outages = iter([OperationalError("the server closed the connection"), InterfaceError("connection closed")])
        seen: list[str] = []
        execute = jobs.execute

        def breaking(context: jobs.Context) -> jobs.Outcome:
            outcome = execute(context)
            for error in outages:
                raise error
            return outcome

        monkeypatch.setattr(jobs, "execute", breaking)

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            seen.append(context.job.key)

        job_id = jobs.enqueue("work", "a")
        with running(1):
            until(lambda: status(job_id) == Status.DONE, "the job")
        assert len(seen) == 3

    def test_a_failing_periodic_task_does_not_end_the_worker(self) -> None:
        ran = threading.Event()

        @registry.periodic("test.broken", 10)
        def broken() -> None:
            ran.set()
            raise ValueError("on purpose")

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            assert ran.wait(timeout=25)

        job_id = jobs.enqueue("work", "a")
        with running(1):
            until(lambda: status(job_id) == Status.DONE, "the job after the broken task")

    def test_a_clock_that_was_ahead_and_is_set_right_stops_nothing(self) -> None:
        calls: list[int] = []

        @registry.periodic("test.clock", 10)
        def call() -> None:
            calls.append(1)

        tomorrow = clock.now() + timedelta(days=1)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp) VALUES (%s, %s)",
                    [registry.PERIODIC + "test.clock", int(tomorrow.timestamp())],
                )
        else:
            PeriodicCall.objects.create(name="test.clock", called_at=tomorrow)
        with running(1):
            until(lambda: calls, "the call")


class TestInProcesses:
    def test_the_job_of_a_killed_worker_is_done_by_a_living_one(self, tmp_path: Path) -> None:
        job_id = jobs.enqueue("mark", "a")
        started = tmp_path / "started"
        with worker(tmp_path) as first:
            until(started.exists, "the start in the first worker")
            with worker(tmp_path) as second:
                until((tmp_path / f"ready-{second.pid}").exists, "the start of the second worker")
                first.kill()
                first.wait()
                until(lambda: len(started.read_text().split()) == 2, "the start in the second worker", 60)
                (tmp_path / "go").touch()
                until(lambda: status(job_id) == Status.DONE, "the end")
        assert started.read_text().split() == [str(first.pid), str(second.pid)]
        job = jobs.get(job_id)
        assert job is not None
        assert job.crashes == 1

    def test_a_worker_that_was_killed_in_a_periodic_task_does_not_keep_the_others_from_it(self, tmp_path: Path) -> None:
        lock = registry.PERIODIC + "test.count"
        jobs.enqueue(lock, lock, lock=lock)
        machine, _, start = owner_id().rpartition("/")
        assert jobs.store().claim(f"{machine}/{int(start) - 1}", [lock]) is not None
        with worker(tmp_path, periodic="10"):
            until(lambda: (tmp_path / "calls").exists(), "a call", 60)

    def test_kill_9_at_twenty_random_points_loses_nothing(self, tmp_path: Path) -> None:
        chance = random.Random(7)
        keys = [f"step {number}" for number in range(20)]
        for key in keys:
            jobs.enqueue("step", key, lock=key)
        kills = 0
        with ExitStack() as stack:
            workers = [stack.enter_context(worker(tmp_path)) for _ in range(2)]
            until(lambda: (tmp_path / "steps").exists(), "the first step", 60)
            while kills < 20 and not ended():
                threading.Event().wait(chance.random() * 0.4)
                victim = workers[kills % 2]
                victim.kill()
                victim.wait()
                workers[kills % 2] = stack.enter_context(worker(tmp_path))
                kills += 1
            until(ended, "the end of all jobs", 90)
        done = (tmp_path / "steps").read_text().split()
        failed = [job for job in jobs.select([Status.FAILED]) if job.kind == "step"]
        assert {job.crashes for job in failed} <= {3}, "only a job in which three workers died may fail"
        assert len(set(done)) + len(failed) >= len(keys)

    def test_sigterm_puts_the_work_back_and_ends(self, tmp_path: Path) -> None:
        job_id = jobs.enqueue("mark", "a")
        with worker(tmp_path) as process:
            until((tmp_path / "started").exists, "the start")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        job = jobs.get(job_id)
        assert job is not None
        assert (job.status, job.crashes, job.failures) == (Status.WAITING, 0, 0)
        assert not WorkerRow.objects.exclude(heartbeat_at=None).filter(owner__contains=f"/{process.pid}/").exists()

    def test_a_deaf_job_does_not_keep_the_worker(self, tmp_path: Path) -> None:
        job_id = jobs.enqueue("deaf", "a")
        with worker(tmp_path) as process:
            until((tmp_path / "started").exists, "the start")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        assert status(job_id) == Status.WAITING

    def test_five_workers_call_a_periodic_task_once(self, tmp_path: Path) -> None:
        def known(pid: int) -> Callable[[], bool]:
            return (tmp_path / f"ready-{pid}").exists

        with ExitStack() as stack:
            workers = [stack.enter_context(worker(tmp_path, periodic="10")) for _ in range(5)]
            for process in workers:
                until(known(process.pid), "the worker", 60)
            until(lambda: (tmp_path / "calls").exists(), "a call", 30)
            until(lambda: len((tmp_path / "calls").read_text().split()) >= 2, "another call", 30)
        moments = [float(line) for line in (tmp_path / "calls").read_text().split()]
        # The first call is that of the interval which had begun when the workers started.
        assert len(moments) <= (moments[-1] - moments[0]) / 10 + 2, "each interval has one call"
