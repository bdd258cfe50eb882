"""Workers as they really run: threads, processes, signals, kill -9."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError, connections

from startdeliver.common import clock
from startdeliver.engine import jobs, registry, ticks
from startdeliver.engine.models import Job, TickTurn
from startdeliver.engine.models import Worker as WorkerRow
from startdeliver.engine.owner import owner_id
from startdeliver.engine.worker import Worker
from tests.engine.processes import until, worker

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(one: Worker) -> Iterator[Worker]:
    """`one` at work in a thread; told to stop and waited for at the end."""

    def body() -> None:
        try:
            one.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield one
    finally:
        one.stop()
        thread.join()


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the handlers and ticks that a test registers."""
    monkeypatch.setattr(registry, "handlers", {})
    monkeypatch.setattr(registry, "ticks", {})


def status(job: Job) -> str:
    job.refresh_from_db()
    return job.status


@pytest.mark.usefixtures("own_registry")
class TestInThreads:
    def test_two_workers_do_every_job_once(self) -> None:
        seen: list[str] = []

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            seen.append(context.job.key)

        keys = [f"job {number}" for number in range(30)]
        for key in keys:
            jobs.enqueue("work", key)
        with running(Worker(3, owner="elsewhere/one/1/1")), running(Worker(3, owner="elsewhere/two/1/1")):
            until(lambda: not Job.objects.exclude(status=Job.Status.DONE).exists(), "the end of all jobs")
        assert sorted(seen) == sorted(keys)

    def test_jobs_run_at_the_same_time(self) -> None:
        together = threading.Barrier(3)

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            together.wait(timeout=20)

        for number in range(3):
            jobs.enqueue("work", f"job {number}")
        with running(Worker(3)):
            until(lambda: Job.objects.filter(status=Job.Status.DONE).count() == 3, "the end of all three")

    def test_a_running_job_notices_that_it_was_cancelled(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            assert context.stop.wait(timeout=20)
            raise jobs.HandBack

        job = jobs.enqueue("work", "one")
        with running(Worker(1)):
            until(lambda: status(job) == Job.Status.RUNNING, "the start")
            jobs.cancel(job)
            until(lambda: status(job) == Job.Status.CANCELLED, "the end as cancelled")

    def test_an_unfinished_job_goes_back_when_the_worker_ends(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            assert context.stop.wait(timeout=20)
            raise jobs.HandBack

        job = jobs.enqueue("work", "one")
        with running(Worker(1)):
            until(lambda: status(job) == Job.Status.RUNNING, "the start")
        assert (status(job), job.attempts) == (Job.Status.QUEUED, 0)

    def test_a_worker_is_known_while_it_lives(self) -> None:
        with running(Worker(1)) as one:
            until(lambda: WorkerRow.objects.filter(owner=one.owner).exists(), "the first heartbeat")
        assert not WorkerRow.objects.exists()

    def test_a_database_that_does_not_answer_for_a_while_is_waited_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            seen.append(context.job.key)

        failures = iter([OperationalError("the server closed the connection"), InterfaceError("connection closed")])
        claim = jobs.claim

        def sometimes(owner: str = "") -> Job | None:
            for failure in failures:
                raise failure
            return claim(owner)

        monkeypatch.setattr(jobs, "claim", sometimes)
        job = jobs.enqueue("work", "one")
        with running(Worker(1)):
            until(lambda: status(job) == Job.Status.DONE, "the job")
        assert seen == ["one"]

    def test_what_fails_in_a_tick_does_not_end_the_worker(self) -> None:
        ran = threading.Event()

        @registry.tick("test.broken", 3600)
        def broken() -> None:
            ran.set()
            raise ValueError("on purpose")

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            assert ran.wait(timeout=20)

        job = jobs.enqueue("work", "one")
        with running(Worker(1)):
            until(lambda: status(job) == Job.Status.DONE, "the job after the broken tick")


@pytest.mark.usefixtures("own_registry")
class TestTurns:
    tick = registry.Tick("test.turn", 60, lambda: None)

    def test_one_of_two_workers_has_the_turn_of_an_interval(self, frozen_now: object) -> None:
        assert ticks.take_turn(self.tick, "elsewhere/one/1/1")
        ticks.end_turn(self.tick, "elsewhere/one/1/1")
        assert not ticks.take_turn(self.tick, "elsewhere/two/1/1")
        with clock.frozen(clock.now() + timedelta(seconds=60)):
            assert ticks.take_turn(self.tick, "elsewhere/two/1/1")

    def test_nobody_has_it_while_the_other_is_still_at_it(self, frozen_now: object) -> None:
        other = "elsewhere/one/1/1"
        assert ticks.take_turn(self.tick, other)
        with clock.frozen(clock.now() + timedelta(seconds=120)):
            WorkerRow.objects.create(owner=other, heartbeat_at=clock.now())
            assert not ticks.take_turn(self.tick, "elsewhere/two/1/1")
        with clock.frozen(clock.now() + timedelta(seconds=300)):
            assert ticks.take_turn(self.tick, "elsewhere/two/1/1")

    def test_a_turn_whose_end_could_not_be_stored_does_not_end_it_for_good(self, frozen_now: object) -> None:
        assert ticks.take_turn(self.tick, owner_id())
        with clock.frozen(clock.now() + timedelta(seconds=60)):
            assert ticks.take_turn(self.tick, owner_id())

    def test_of_many_at_the_same_moment_one_wins(self) -> None:
        TickTurn.objects.create(name=self.tick.name)
        together, won = threading.Barrier(4), []

        def try_it(number: int) -> None:
            try:
                together.wait(timeout=20)
                if ticks.take_turn(self.tick, f"elsewhere/{number}/1/1"):
                    won.append(number)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=try_it, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1


class TestInProcesses:
    def test_the_job_of_a_killed_worker_is_taken_over_by_a_living_one(self, tmp_path: Path) -> None:
        job = jobs.enqueue("mark", "one")
        started = tmp_path / "started"
        with worker(tmp_path) as first:
            until(started.exists, "the start in the first worker")
            with worker(tmp_path) as second:
                until((tmp_path / f"ready-{second.pid}").exists, "the start of the second worker")
                first.kill()
                first.wait()
                until(lambda: len(started.read_text().split()) == 2, "the start in the second worker")
                (tmp_path / "go").touch()
                until(lambda: status(job) == Job.Status.DONE, "the end")
        assert started.read_text().split() == [str(first.pid), str(second.pid)]
        assert job.attempts == 2

    def test_sigterm_hands_the_work_back_and_ends(self, tmp_path: Path) -> None:
        job = jobs.enqueue("mark", "one")
        with worker(tmp_path) as process:
            until((tmp_path / "started").exists, "the start")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        assert (status(job), job.attempts) == (Job.Status.QUEUED, 0)
        assert not WorkerRow.objects.exists()

    def test_a_deaf_job_does_not_keep_the_worker(self, tmp_path: Path) -> None:
        job = jobs.enqueue("deaf", "one")
        with worker(tmp_path) as process:
            until((tmp_path / "started").exists, "the start")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        assert status(job) == Job.Status.QUEUED

    def test_two_workers_call_a_tick_once_per_interval(self, tmp_path: Path) -> None:
        with worker(tmp_path) as first, worker(tmp_path) as second:
            until(
                lambda: (
                    WorkerRow.objects.filter(owner__contains=f"/{first.pid}/").exists()
                    and WorkerRow.objects.filter(owner__contains=f"/{second.pid}/").exists()
                ),
                "two workers at work",
            )
            # A job done by each proves that both have been through their loop, where ticks are called.
            (tmp_path / "go").touch()
            for number in range(4):
                job = jobs.enqueue("mark", f"job {number}")
            until(lambda: status(job) == Job.Status.DONE, "the jobs")
        assert len((tmp_path / "ticks").read_text().split()) == 1
