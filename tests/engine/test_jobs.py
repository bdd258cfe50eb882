"""The verbs of the job table, one process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.engine import jobs, registry
from startdeliver.engine.models import Job
from startdeliver.engine.owner import owner_id
from startdeliver.tenancy.models import Organization

pytestmark = pytest.mark.django_db
ELSEWHERE = "elsewhere/boot/1/1"


@pytest.fixture(autouse=True)
def own_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the handlers that a test registers."""
    monkeypatch.setattr(registry, "handlers", {})


def failing(attempts: int = 5) -> None:
    @jobs.handler("work", attempts=attempts)
    def handle(context: jobs.Context) -> None:
        raise ValueError("it broke\nbadly")


def working() -> list[str]:
    seen: list[str] = []

    @jobs.handler("work")
    def handle(context: jobs.Context) -> None:
        seen.append(context.job.key)

    return seen


class TestEnqueue:
    def test_rolls_back_with_the_callers_transaction(self) -> None:
        with transaction.atomic():
            jobs.enqueue("work", "one")
            transaction.set_rollback(True)
        assert not Job.objects.exists()

    def test_the_same_key_is_one_live_job(self) -> None:
        seen = working()
        first = jobs.enqueue("work", "one", {"a": 1})
        assert jobs.enqueue("work", "one", {"a": 2}).pk == first.pk
        jobs.run_inline()
        assert seen == ["one"]
        assert jobs.enqueue("work", "one").pk != first.pk

    def test_a_running_job_keeps_its_key(self) -> None:
        working()
        first = jobs.enqueue("work", "one")
        assert jobs.claim() == first
        assert jobs.enqueue("work", "one").pk == first.pk

    def test_asking_for_an_earlier_start_brings_it_forward(self, frozen_now: object) -> None:
        seen = working()
        jobs.enqueue("work", "one", not_before=clock.now() + timedelta(hours=1))
        assert jobs.run_inline() == []
        jobs.enqueue("work", "one", not_before=clock.now() + timedelta(hours=2))
        jobs.enqueue("work", "one")
        jobs.run_inline()
        assert seen == ["one"]


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

        jobs.enqueue("work", "one", organization=organization)
        (job,) = jobs.run_inline()
        assert names == ["Ours"]
        assert job.status == Job.Status.DONE

    def test_a_kind_without_a_handler_waits(self) -> None:
        jobs.enqueue("unknown", "one")
        assert jobs.run_inline() == []

    def test_progress_is_stored(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            context.progress(done=3, total=10)

        jobs.enqueue("work", "one")
        (job,) = jobs.run_inline()
        assert job.progress == {"done": 3, "total": 10}

    def test_handed_back_work_is_not_a_failed_attempt(self) -> None:
        @jobs.handler("work", attempts=1)
        def handle(context: jobs.Context) -> None:
            raise jobs.HandBack

        jobs.enqueue("work", "one")
        job = jobs.run_inline(limit=1)[0]
        assert (job.status, job.attempts, job.owner) == (Job.Status.QUEUED, 0, "")


class TestFailure:
    def test_is_tried_again_later_and_later_until_the_attempts_are_used_up(self, frozen_now: object) -> None:
        failing(attempts=3)
        jobs.enqueue("work", "one")
        now = clock.now()
        waits = []
        for _ in range(3):
            with clock.frozen(now):
                (job,) = jobs.run_inline()
            waits.append(job.not_before - now)
            now = max(now, job.not_before)
        assert waits[:2] == [timedelta(seconds=10), timedelta(seconds=20)]
        assert job.status == Job.Status.FAILED
        assert job.error == "ValueError: it broke badly"

    def test_waits_are_capped(self) -> None:
        assert jobs.retry_delay(1) == timedelta(seconds=10)
        assert jobs.retry_delay(10_000) == timedelta(minutes=30)

    def test_giving_up_ends_it_at_once(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            raise jobs.GiveUp("The token is dead.")

        jobs.enqueue("work", "one")
        (job,) = jobs.run_inline()
        assert (job.status, job.error) == (Job.Status.FAILED, "The token is dead.")


class TestCancel:
    def test_a_waiting_job_ends_at_once(self) -> None:
        seen = working()
        job = jobs.enqueue("work", "one")
        assert jobs.cancel(job)
        jobs.run_inline()
        job.refresh_from_db()
        assert (seen, job.status) == ([], Job.Status.CANCELLED)
        assert not jobs.cancel(job)

    def test_a_running_job_is_asked_and_ends_as_cancelled(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            jobs.cancel(context.job)
            assert jobs.heartbeat([context.job.pk]) == (set(), {context.job.pk})
            raise jobs.HandBack

        jobs.enqueue("work", "one")
        (job,) = jobs.run_inline()
        assert job.status == Job.Status.CANCELLED

    def test_a_cancelled_job_that_fails_is_not_tried_again(self) -> None:
        @jobs.handler("work")
        def handle(context: jobs.Context) -> None:
            jobs.cancel(context.job)
            raise ValueError

        jobs.enqueue("work", "one")
        (job,) = jobs.run_inline()
        assert job.status == Job.Status.CANCELLED


class TestTakeOver:
    def test_work_of_a_machine_that_is_silent_for_a_minute_is_taken_over(self, frozen_now: object) -> None:
        working()
        job = jobs.enqueue("work", "one")
        jobs.claim(ELSEWHERE)
        with clock.frozen(clock.now() + timedelta(seconds=59)):
            assert jobs.take_over() == 0
        with clock.frozen(clock.now() + timedelta(seconds=61)):
            assert jobs.take_over() == 1
        job.refresh_from_db()
        assert job.status == Job.Status.QUEUED

    def test_a_heartbeat_keeps_it(self, frozen_now: object) -> None:
        working()
        job = jobs.enqueue("work", "one")
        jobs.claim(ELSEWHERE)
        with clock.frozen(clock.now() + timedelta(seconds=50)):
            jobs.heartbeat([job.pk], ELSEWHERE)
        with clock.frozen(clock.now() + timedelta(seconds=61)):
            assert jobs.take_over() == 0

    def test_work_of_a_dead_process_here_is_taken_over_at_once(self) -> None:
        working()
        jobs.enqueue("work", "one")
        machine, _, start = owner_id().rpartition("/")
        jobs.claim(f"{machine}/{int(start) - 1}")
        assert jobs.take_over() == 1

    def test_the_old_owner_cannot_write_any_more(self, frozen_now: object) -> None:
        working()
        job = jobs.enqueue("work", "one")
        jobs.claim(ELSEWHERE)
        with clock.frozen(clock.now() + timedelta(seconds=61)):
            jobs.take_over()
            jobs.claim()
            for write in (
                lambda: jobs.progress(job, {"done": 1}, ELSEWHERE),
                lambda: jobs.complete(job, ELSEWHERE),
                lambda: jobs.fail(job, "late", ELSEWHERE),
                lambda: jobs.hand_back(job, ELSEWHERE),
            ):
                with pytest.raises(jobs.Lost):
                    write()
            assert jobs.heartbeat([job.pk], ELSEWHERE) == ({job.pk}, set())
        job.refresh_from_db()
        assert (job.status, job.owner) == (Job.Status.RUNNING, owner_id())

    def test_a_job_that_kills_its_worker_again_and_again_fails(self, frozen_now: object) -> None:
        working()
        job = jobs.enqueue("work", "one")
        now = clock.now()
        for _ in range(5):
            with clock.frozen(now):
                assert jobs.claim(ELSEWHERE) is not None
            now += timedelta(seconds=61)
            with clock.frozen(now):
                jobs.take_over()
        job.refresh_from_db()
        assert job.status == Job.Status.FAILED

    def test_a_cancelled_job_of_a_dead_process_ends(self, frozen_now: object) -> None:
        working()
        job = jobs.enqueue("work", "one")
        jobs.claim(ELSEWHERE)
        jobs.cancel(job)
        with clock.frozen(clock.now() + timedelta(seconds=61)):
            jobs.take_over()
        job.refresh_from_db()
        assert job.status == Job.Status.CANCELLED


class TestFairness:
    def test_a_big_tenant_cannot_starve_the_others(
        self, organization: Organization, other_organization: Organization
    ) -> None:
        seen = working()
        for number in range(5):
            jobs.enqueue("work", f"big {number}", organization=organization)
        jobs.enqueue("work", "nobody's")
        for number in range(2):
            jobs.enqueue("work", f"small {number}", organization=other_organization)
        jobs.run_inline()
        assert seen == ["big 0", "nobody's", "small 0", "big 1", "small 1", "big 2", "big 3", "big 4"]

    def test_the_one_with_fewer_running_jobs_comes_first(
        self, organization: Organization, other_organization: Organization
    ) -> None:
        working()
        jobs.enqueue("work", "a1", organization=organization)
        jobs.enqueue("work", "a2", organization=organization)
        assert jobs.claim() is not None
        jobs.enqueue("work", "b1", organization=other_organization)
        job = jobs.claim()
        assert job is not None
        assert job.key == "b1"


def test_jobs_that_ended_long_ago_are_forgotten(frozen_now: object) -> None:
    working()
    jobs.enqueue("work", "old")
    jobs.run_inline()
    with clock.frozen(clock.now() + timedelta(days=8)):
        jobs.enqueue("work", "waits")
        assert jobs.prune() == 1
    assert [job.key for job in Job.objects.all()] == ["waits"]
