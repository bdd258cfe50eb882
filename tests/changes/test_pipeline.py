"""The list of stages: what follows from a change, and what time alone changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_scopes import scopes_disabled

from startdeliver.assessment.models import AssessmentState
from startdeliver.changes import queue
from startdeliver.changes.models import Change, Kind, Stage
from startdeliver.changes.queue import record, taken, waits
from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine.registry import periodic_tasks
from startdeliver.support import health
from startdeliver.support.models import SupportHealth, SupportRule
from startdeliver.sync import pipeline
from startdeliver.sync.models import Connection, PushSettings
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import services as usage
from startdeliver.usage.models import Goal, UsageHealth
from startdeliver.usage.rules import Rule
from tests.conftest import NOW
from tests.support.factories import make_customer, make_ticket
from tests.usage.factories import make_product, make_type, make_user


def settle(organization: Organization) -> None:
    """Runs the pipeline until nothing waits."""
    while pipeline.run(organization):
        pass


def test_a_usage_event_leads_to_health(scoped: Organization) -> None:
    customer = make_customer()
    user, kind = make_user(customer), make_type("login")
    make_product(Rule(Goal.USAGE_COUNT, 1, 2), kind)
    settle(scoped)
    for number in range(2):
        usage.ingest(scoped, [usage.Item(user.email, kind.alias, external_id=str(number))])
    settle(scoped)
    assert UsageHealth.objects.get(customer=customer).status == "good"


def broken(organization: Organization) -> None:
    with taken(organization, Stage.USAGE):
        raise RuntimeError("broken")


def test_a_stage_that_fails_stops_no_other_and_is_tried_again(
    scoped: Organization, frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - timedelta(days=8))
    settle(scoped)
    with monkeypatch.context() as patch:
        patch.setitem(pipeline.STAGES, Stage.USAGE, broken)
        record(scoped, Kind.DAY)
        with pytest.raises(pipeline.StageFailed, match="usage: RuntimeError: broken"):
            settle(scoped)
    assert SupportHealth.objects.get().status == "fair"
    (left,) = Change.objects.filter(stage=Stage.USAGE)
    assert left.kind == Kind.DAY
    with clock.frozen(NOW + timedelta(seconds=9)):
        assert not waits(scoped, Stage.USAGE)
    with clock.frozen(NOW + timedelta(seconds=10)):
        settle(scoped)
    assert not Change.objects.filter(stage=Stage.USAGE).exists()


@pytest.mark.parametrize("stage", list(pipeline.STAGES))
def test_a_process_that_dies_in_any_stage_loses_nothing(
    scoped: Organization, frozen_now: datetime, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    """Dies after the stage's work and before its changes are deleted; the next run does everything."""
    customer = make_customer()
    user, kind = make_user(customer), make_type("login")
    make_product(Rule(Goal.USAGE_COUNT, 1, 2), kind)
    make_ticket(customer, NOW - timedelta(days=8))
    settle(scoped)
    usage.ingest(scoped, [usage.Item(user.email, kind.alias, external_id=str(number)) for number in range(2)])
    record(scoped, Kind.TICKET, [customer.pk])
    queue.hand_out(scoped)

    def dies(batch: object) -> None:
        raise KeyboardInterrupt

    work = pipeline.STAGES[stage]

    def work_and_die(organization: Organization) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("startdeliver.changes.queue.Batch._end", dies)
            work(organization)

    with clock.frozen(NOW + timedelta(minutes=1)):
        with monkeypatch.context() as patch:
            patch.setitem(pipeline.STAGES, stage, work_and_die)
            with pytest.raises(KeyboardInterrupt):
                settle(scoped)
        settle(scoped)
    with clock.frozen(NOW + timedelta(minutes=2)):
        settle(scoped)
    assert UsageHealth.objects.get(customer=customer).status == "good"
    assert SupportHealth.objects.get(customer=customer).status == "fair"
    assert not Change.objects.exclude(stage=Stage.REMATCH).exists()


def test_an_organization_that_uses_nothing_keeps_no_changes(scoped: Organization, frozen_now: datetime) -> None:
    customer = make_customer()
    for number in range(5):
        make_user(customer, f"user{number}@northwind.test")
    record(scoped, Kind.DAY)
    settle(scoped)
    with clock.frozen(NOW + timedelta(minutes=1)):
        settle(scoped)
    assert not Change.objects.exclude(stage=Stage.REMATCH).exists()


# ---------------------------------------------------------------------------------------------------------------- time


def overdue_in(organization: Organization, age: timedelta) -> None:
    with organization_scope(organization):
        make_ticket(make_customer(), NOW - age)
        with clock.frozen(NOW - timedelta(days=1)):
            health.recompute(organization)


def test_an_overdue_ticket_is_found_by_the_rule_of_its_organization(
    organization: Organization, other_organization: Organization, frozen_now: datetime
) -> None:
    overdue_in(organization, timedelta(days=6, hours=23))
    overdue_in(other_organization, timedelta(days=6, hours=23))
    with organization_scope(other_organization):
        SupportRule.objects.create(organization=other_organization, days_until_overdue=6)
    with scopes_disabled():
        assert list(health.overdue()) == [other_organization]
        with clock.frozen(NOW + timedelta(hours=1)):
            assert set(health.overdue()) == {organization, other_organization}


def test_health_moves_with_time_alone(organization: Organization, frozen_now: datetime) -> None:
    overdue_in(organization, timedelta(days=6, hours=23))
    pipeline.record_time()
    settle(organization)
    with clock.frozen(NOW + timedelta(hours=1)):
        for _ in range(2):
            pipeline.record_time()
        with scopes_disabled():
            assert Change.objects.filter(kind=Kind.OVERDUE).count() == 1
        settle(organization)
        with organization_scope(organization):
            assert SupportHealth.objects.get().status == "fair"
        pipeline.record_time()
    with scopes_disabled():
        assert not Change.objects.filter(kind=Kind.OVERDUE).exists()


def days_recorded() -> int:
    with scopes_disabled():
        found = Change.objects.filter(kind=Kind.DAY, stage=Stage.NEW).count()
        Change.objects.filter(kind=Kind.DAY).delete()
    return found


def test_a_day_begins_once_and_where_the_organization_is(organization: Organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(time_zone="Europe/Stockholm")
    midnight = datetime.fromisoformat("2026-11-02T23:00:00+00:00")
    counts = []
    for moment in (NOW, NOW, midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=23)):
        with clock.frozen(moment):
            pipeline.record_time()
        counts.append(days_recorded())
    assert counts == [1, 0, 0, 1, 0]
    Organization.objects.filter(pk=organization.pk).update(time_zone="UTC")
    with clock.frozen(midnight + timedelta(hours=12)):
        pipeline.record_time()
    assert days_recorded() == 1, "the days of another time zone are other days"


def test_idle_organizations_cost_a_fixed_number_of_statements(db: None, frozen_now: datetime) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            pipeline.start_waiting()
            pipeline.record_time()
        return len(captured)

    def add(count: int) -> None:
        for _ in range(count):
            number = Organization.objects.count()
            Organization.objects.create(name=f"Idle {number}", slug=f"idle-{number}")
        pipeline.record_time()
        with scopes_disabled():
            Change.objects.all().delete()

    add(1)
    few = statements()
    add(20)
    assert statements() == few <= 8


def test_many_organizations_cost_as_many_statements_as_few(db: None, frozen_now: datetime) -> None:
    """Everything is due in all of them: a sync, a push, an alert, a new day, changes, tones of an older reader."""

    def statements(number: int) -> list[int]:
        for organization in [Organization.objects.create(name=f"{n}", slug=f"o{number}-{n}") for n in range(number)]:
            due = {"organization": organization, "saved_at": NOW - timedelta(days=9), "next_sync_at": NOW}
            with organization_scope(organization):
                Connection.objects.create(status="authenticated", workspace="w", **due)
                PushSettings.objects.create(organization=organization, retry_at=NOW)
                AssessmentState.objects.create(organization=organization, reader=0)
                make_customer()
        counts = []
        for name, least in (
            ("changes.waiting", number),
            ("changes.time", 0),
            ("sync.due", number),
            ("sync.alerts", number),
            ("push.due", number),
            ("assessment.reader", 0),
        ):
            with CaptureQueriesContext(connection) as captured:
                done = periodic_tasks[name].call()
            assert done is None or done >= least, f"{name} did {done} of {number}"
            counts.append(len(captured))
        return counts

    statements(1)  # What is due and what is under way already are looked for in statements of their own.
    few = statements(2)
    assert statements(12) == few


def test_what_waits_starts_the_pipeline(
    organization: Organization, other_organization: Organization, frozen_now: datetime
) -> None:
    with organization_scope(organization):
        make_customer()
        Change.objects.filter(stage=Stage.NEW).update(stage=Stage.WORKFLOWS)
    with organization_scope(other_organization):
        make_customer()
        Change.objects.filter(stage=Stage.NEW).update(stage=Stage.REMATCH)
    assert pipeline.start_waiting() == 1
    assert [job.organization_id for job in jobs.select()] == [organization.pk]
    with scopes_disabled():
        Change.objects.update(not_before=NOW + timedelta(seconds=10))
    assert pipeline.start_waiting() == 0


def test_changes_of_a_deleted_organization_are_forgotten(scoped: Organization) -> None:
    make_user(make_customer())
    scoped.delete()
    pipeline.start_waiting()
    with scopes_disabled():
        assert not Change.objects.exists()


def test_the_job_goes_on_until_nothing_waits(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_PAUSE", 0)
    rounds: list[int] = []

    def again(organization: Organization) -> None:
        with taken(organization, Stage.USAGE):
            rounds.append(1)
        if len(rounds) < 3:
            record(organization, Kind.DAY)

    monkeypatch.setattr(pipeline, "STAGES", {Stage.USAGE: again})
    record(scoped, Kind.DAY)
    jobs.enqueue("changes", f"changes:{scoped.pk}", organization=scoped)
    (job,) = jobs.run_inline()
    assert (job.status, len(rounds)) == (jobs.Status.DONE, 3)


def test_it_is_looked_often_enough() -> None:
    """A change that a trigger wrote is taken within seconds, and a ticket is overdue within a minute."""
    assert periodic_tasks["changes.waiting"].seconds <= 5
    assert periodic_tasks["changes.time"].seconds <= 60
