"""The port to background work, in one process: the same behaviour on both engines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.engine import jobs, registry
from startdeliver.engine.jobs import Status
from startdeliver.engine.models import Job as JobRow
from startdeliver.engine.models import Worker as WorkerRow
from startdeliver.engine.owner import owner_id
from startdeliver.tenancy.models import Organization
from tests.engine.processes import known_worker

pytestmark = pytest.mark.django_db
ELSEWHERE = "elsewhere/boot/1/1"


@pytest.fixture(autouse=True)
def own_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the handlers that a test registers."""
    monkeypatch.setattr(registry, "handlers", {})


def working() -> list[str]:
    seen: list[str] = []

    @jobs.handler("work")
    def handle(context: jobs.Context) -> None:
        seen.append(context.job.key)

    return seen


def claim(owner: str = "") -> jobs.Job:
    job = jobs.store().claim(owner or owner_id(), registry.kinds())
    assert job is not None
    return job


def move_time(job: jobs.Job, *, silent: float = 0, suspected: float | None = None) -> None:
    """Makes the job's worker silent, and suspected, for so many seconds."""
    known_worker(job.owner, silent=silent, suspected=suspected)
    JobRow.objects.filter(pk=job.id).update(started_at=clock.now() - timedelta(seconds=silent))


def status(job_id: int) -> str:
    job = jobs.get(job_id)
    return job.status if job is not None else "gone"


class TestEnqueue:
    def test_rolls_back_with_the_callers_transaction(self) -> None:
        with transaction.atomic():
            jobs.enqueue("work", "a")
            transaction.set_rollback(True)
        assert jobs.select() == []

    def test_a_key_is_one_waiting_job(self) -> None:
        seen = working()
        first = jobs.enqueue("work", "a", {"n": 1})
        assert jobs.enqueue("work", "a", {"n": 2}) == first
        jobs.run_inline()
        assert seen == ["a"]
        assert jobs.enqueue("work", "a") != first

    def test_while_a_job_runs_its_key_can_be_enqueued_again(self) -> None:
        """What changed after the running job had looked is not forgotten."""
        working()
        first = jobs.enqueue("work", "a")
        assert claim().id == first
        second = jobs.enqueue("work", "a")
        assert second != first
        assert jobs.store().claim(owner_id(), registry.kinds()) is None, "it waits for the lock"
        running = jobs.find("a")
        assert running is not None
        assert (running.id, running.status) == (first, Status.RUNNING)

    def test_an_earlier_start_brings_a_waiting_job_forward(self) -> None:
        seen = working()
        jobs.enqueue("work", "a", not_before=clock.now() + timedelta(hours=1))
        assert jobs.run_inline() == []
        jobs.enqueue("work", "a", not_before=clock.now() + timedelta(hours=2))
        assert jobs.run_inline() == []
        jobs.enqueue("work", "a")
        jobs.run_inline()
        assert seen == ["a"]

    def test_many_at_once_leave_out_what_waits_already(
        self, organization: Organization, other_organization: Organization
    ) -> None:
        seen = working()
        key, other = f"work:{organization.pk}", f"work:{other_organization.pk}"
        jobs.enqueue("work", key, organization=organization, not_before=clock.now() + timedelta(hours=1))
        jobs.enqueue_all("work", [organization, other_organization], lock="both")
        assert {job.lock for job in jobs.select()} == {key, f"both:{other_organization.pk}"}
        jobs.run_inline()
        assert sorted(seen) == [key, other], "the one that waited for later is due now"


class TestOrder:
    def test_ten_thousand_jobs_of_one_organization_do_not_hold_up_another(
        self, organization: Organization, other_organization: Organization
    ) -> None:
        seen = working()
        for number in range(20):
            jobs.enqueue("work", f"big {number}", organization=organization)
        jobs.enqueue("work", "small", organization=other_organization)
        jobs.run_inline(limit=2)
        assert seen == ["big 0", "small"]

    def test_people_come_before_syncs_and_syncs_before_derivations(
        self, organization: Organization, other_organization: Organization
    ) -> None:
        seen = working()
        jobs.enqueue("work", "fill", organization=organization, priority=jobs.Priority.BACKFILL, lock="1")
        jobs.enqueue("work", "derive", organization=organization, lock="2")
        jobs.enqueue("work", "sync", organization=other_organization, priority=jobs.Priority.SYNC, lock="3")
        jobs.enqueue("work", "person", organization=other_organization, priority=jobs.Priority.PERSON, lock="4")
        jobs.run_inline()
        assert seen == ["person", "sync", "derive", "fill"]

    def test_what_was_interrupted_goes_first_in_its_class(self, organization: Organization) -> None:
        seen: list[str] = []
        told = threading.Event()

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            if context.job.key == "late" and not told.is_set():
                told.set()
                raise jobs.Requeue
            seen.append(context.job.key)

        jobs.enqueue("work", "late", lock="0")
        jobs.run_inline(limit=1)
        for number in range(3):
            jobs.enqueue("work", f"early {number}", lock=f"early {number}")
        jobs.enqueue("work", "person", lock="p", priority=jobs.Priority.PERSON)
        jobs.run_inline()
        assert seen == ["person", "late", "early 0", "early 1", "early 2"]

    def test_one_job_with_a_lock_runs_at_a_time(self) -> None:
        working()
        jobs.enqueue("work", "a", lock="same")
        jobs.enqueue("work", "b", lock="same")
        assert claim().key == "a"
        assert jobs.store().claim(owner_id(), registry.kinds()) is None
        waiting = jobs.find("b")
        assert waiting is not None
        assert jobs.claim_here(waiting.id) is None, "nor for the command line"


class TestRun:
    def test_runs_in_the_scope_of_its_organization(
        self, organization: Organization, other_organization: Organization
    ) -> None:
        with scopes_disabled():
            Customer.objects.create(organization=organization, name="Ours")
            Customer.objects.create(organization=other_organization, name="Theirs")
        names: list[str] = []

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            names.extend(Customer.objects.values_list("name", flat=True))

        jobs.enqueue("work", "a", organization=organization)
        (job,) = jobs.run_inline()
        assert names == ["Ours"]
        assert job.status == Status.DONE

    def test_progress_is_stored(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            context.progress(done=3, total=10)

        jobs.enqueue("work", "a")
        (job,) = jobs.run_inline()
        assert job.progress == {"done": 3, "total": 10}

    def test_a_report_is_refused_when_the_job_should_stop(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            context.stop.set()
            context.report({"done": 1})

        job_id = jobs.enqueue("work", "a")
        jobs.run_inline(limit=1)
        assert status(job_id) == Status.WAITING

    def test_requeued_work_is_not_a_failure(self) -> None:
        @jobs.handler("work", attempts=1)
        def handle(context: jobs.Context) -> None:
            raise jobs.Requeue

        job_id = jobs.enqueue("work", "a")
        jobs.run_inline(limit=1)
        job = jobs.get(job_id)
        assert job is not None
        assert (job.status, job.failures) == (Status.WAITING, 0)

    def test_a_job_that_goes_back_joins_the_one_that_waits(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            jobs.enqueue("work", "a")
            raise jobs.Requeue

        first = jobs.enqueue("work", "a")
        jobs.run_inline(limit=1)
        assert status(first) == Status.DONE
        assert len(jobs.select([Status.WAITING])) == 1

    def test_work_of_a_deleted_organization_ends(self, organization: Organization) -> None:
        working()
        jobs.enqueue("work", "a", organization=organization)
        organization.delete()
        assert [job.status for job in jobs.run_inline()] in ([], [Status.CANCELLED])


class TestFailure:
    @staticmethod
    def failing(attempts: int) -> None:
        @jobs.handler("work", attempts=attempts)
        def handle(context: jobs.Context) -> None:
            raise ValueError("it broke\nbadly")

    def test_is_tried_again_later_and_later_until_the_attempts_are_used_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.failing(attempts=3)
        job_id = jobs.enqueue("work", "a")
        waits = []
        for _ in range(3):
            before = clock.now()
            jobs.store().settle(job := jobs.claim_here(job_id) or claim(), jobs.execute(jobs.Context(job)))
            job = jobs.get(job_id) or job
            waits.append((job.not_before or before) - before)
        assert timedelta(seconds=9) < waits[0] < timedelta(seconds=12)
        assert timedelta(seconds=19) < waits[1] < timedelta(seconds=22)
        assert (job.status, job.failures) == (Status.FAILED, 3)
        assert job.error == "ValueError: it broke badly"

    def test_a_job_that_waits_for_its_next_attempt_holds_up_no_other_of_its_lock(self) -> None:
        seen: list[str] = []

        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            if context.job.key == "broken":
                raise ValueError("not yet")
            seen.append(context.job.key)

        jobs.enqueue("work", "broken", lock="same", priority=jobs.Priority.PERSON)
        jobs.enqueue("work", "whole", lock="same")
        jobs.run_inline()
        assert seen == ["whole"]

    def test_waits_are_capped(self) -> None:
        assert jobs.retry_delay(1) == timedelta(seconds=10)
        assert jobs.retry_delay(10_000) == timedelta(minutes=30)

    def test_a_failed_job_is_retried_on_request(self) -> None:
        self.failing(attempts=1)
        job_id = jobs.enqueue("work", "a")
        jobs.run_inline()
        assert status(job_id) == Status.FAILED
        seen = working()
        assert jobs.retry(job_id)
        jobs.run_inline()
        assert seen == ["a"]
        assert status(job_id) == Status.DONE
        assert not jobs.retry(job_id)


class TestCancel:
    def test_a_waiting_job_ends_at_once(self) -> None:
        seen = working()
        job_id = jobs.enqueue("work", "a")
        assert jobs.cancel(job_id)
        jobs.run_inline()
        assert (seen, status(job_id)) == ([], Status.CANCELLED)
        assert not jobs.cancel(job_id)

    @pytest.mark.parametrize("ending", [jobs.Requeue, ValueError])
    def test_a_running_job_is_asked_and_is_not_tried_again(self, ending: type[Exception]) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            jobs.cancel(context.job.id)
            assert context.stopping()
            raise ending

        job_id = jobs.enqueue("work", "a")
        jobs.run_inline(limit=1)
        assert status(job_id) in (Status.CANCELLED, Status.FAILED)


class TestRecovery:
    def held(self, owner: str = ELSEWHERE) -> jobs.Job:
        working()
        jobs.enqueue("work", "a")
        return claim(owner)

    def test_a_silent_worker_elsewhere_is_dead_at_the_second_look(self) -> None:
        job = self.held()
        move_time(job, silent=50)
        assert jobs.recover_stalled() == 0, "the first look only suspects"
        move_time(job, silent=60, suspected=9)
        assert jobs.recover_stalled() == 1
        assert status(job.id) == Status.WAITING

    def test_a_sign_of_life_ends_the_suspicion(self) -> None:
        job = self.held()
        move_time(job, silent=50)
        jobs.recover_stalled()
        jobs.store().heartbeat(job.owner)
        assert jobs.recover_stalled() == 0
        assert WorkerRow.objects.get(owner=job.owner).suspected_at is None

    def test_after_an_outage_of_the_database_nobody_is_dead(self) -> None:
        """Every heartbeat is old then; whoever looks first must not take the others' work."""
        job, own = self.held(), owner_id()
        jobs.store().heartbeat(own)
        move_time(job, silent=3600)
        assert jobs.recover_stalled() == 0
        jobs.store().heartbeat(job.owner)
        assert jobs.recover_stalled() == 0
        assert status(job.id) == Status.RUNNING

    def test_a_dead_process_of_this_machine_is_seen_at_once(self) -> None:
        machine, _, start = owner_id().rpartition("/")
        job = self.held(f"{machine}/{int(start) - 1}")
        assert jobs.recover_stalled() == 1
        assert status(job.id) == Status.WAITING

    def test_the_old_claim_cannot_write_even_when_the_job_comes_back_to_the_same_process(self) -> None:
        old = self.held(owner_id())
        jobs.store().settle(old, jobs.Outcome(Status.WAITING, not_before=clock.now()))
        new = claim(owner_id())
        assert new.id == old.id
        writes: list[Callable[[], None]] = [
            lambda: jobs.store().progress(old, {"done": 1}),
            lambda: jobs.store().hold(old),
            lambda: jobs.store().settle(old, jobs.Outcome(Status.DONE)),
            lambda: jobs.store().settle(old, jobs.Outcome(Status.WAITING, not_before=clock.now())),
        ]
        for write in writes:
            with pytest.raises(jobs.LeaseLost), transaction.atomic():
                write()
        assert status(new.id) == Status.RUNNING
        with transaction.atomic():
            jobs.store().hold(new)

    def test_a_job_that_kills_its_worker_fails_after_three_deaths(self) -> None:
        died: list[int] = []

        @jobs.handler("work", exhausted=lambda context: died.append(context.job.crashes))
        def handle(context: jobs.Context) -> None:
            raise AssertionError("it is not begun again")

        machine, _, start = owner_id().rpartition("/")
        job_id = jobs.enqueue("work", "a")
        for number in range(3):
            job = jobs.store().claim(f"{machine}/{int(start) - 1 - number}", ["work"])
            assert job is not None
            assert jobs.recover_stalled() == 1
        (job,) = jobs.run_inline()
        assert (job.id, job.status, died) == (job_id, Status.FAILED, [3])
        assert "died 3 times" in job.error

    @pytest.mark.skipif("connection.vendor != 'postgresql'")
    def test_a_job_whose_worker_left_without_ending_it_goes_back_and_nobody_died(self) -> None:
        """Procrastinate's worker unregisters at its end, even when the database was away as its job ended."""
        job = self.held()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")
        assert jobs.recover_stalled() == 1
        back = jobs.get(job.id)
        assert back is not None
        assert (back.status, back.crashes) == (Status.WAITING, 0)

    def test_a_cancelled_job_of_a_dead_process_ends(self) -> None:
        machine, _, start = owner_id().rpartition("/")
        job = self.held(f"{machine}/{int(start) - 1}")
        jobs.cancel(job.id)
        jobs.recover_stalled()
        assert status(job.id) == Status.CANCELLED


def test_jobs_that_ended_long_ago_are_deleted() -> None:
    working()
    jobs.enqueue("work", "old")
    jobs.run_inline()
    jobs.enqueue("work", "waits")
    assert jobs.prune() == 0
    long_ago = clock.now() - timedelta(days=8)
    JobRow.objects.filter(status=Status.DONE).update(finished_at=long_ago)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_events SET at = %s", [long_ago])
    assert jobs.prune() == 1
    assert [job.key for job in jobs.select()] == ["waits"]
