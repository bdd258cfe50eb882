"""Recording, handing out and taking: nothing is lost, whatever dies and however late it commits."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection, transaction

from startdeliver.changes import queue
from startdeliver.changes.models import HEARS, Change, Kind, Stage
from startdeliver.changes.queue import record, taken, waits
from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.engine import jobs
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.conftest import NOW


def customers_for(organization: Organization, stage: Stage, *kinds: Kind) -> set[int] | None:
    with taken(organization, stage, early=True) as batch:
        return batch.customers(*kinds)


def test_each_stage_gets_what_it_hears_of_once(scoped: Organization) -> None:
    record(scoped, Kind.SUPPORT_HEALTH, [1, 2, 2])
    record(scoped, Kind.SUPPORT_HEALTH, [2])
    for stage, hears in HEARS.items():
        assert customers_for(scoped, stage) == ({1, 2} if Kind.SUPPORT_HEALTH in hears else set()), stage
        assert customers_for(scoped, stage) == set(), "what was taken is gone"
    assert not Change.objects.exists()


def test_a_user_stands_for_its_customer_but_usage_knows_both(scoped: Organization) -> None:
    acorn = Customer.objects.create(organization=scoped, name="Acorn")
    user = CustomerUser.objects.create(organization=scoped, customer=acorn, email="a@acorn.test")
    Change.objects.all().delete()
    record(scoped, Kind.USAGE, usage_types=[(user.pk, 7)])
    with taken(scoped, Stage.USAGE) as batch:
        assert batch.changes == [queue.Facts(Kind.USAGE, acorn.pk, user.pk, 7)]
    assert customers_for(scoped, Stage.WORKFLOWS) == {acorn.pk}


def test_nothing_named_is_everybody_and_so_are_very_many(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    record(scoped, Kind.DAY)
    assert customers_for(scoped, Stage.WORKFLOWS) is None
    monkeypatch.setattr(queue, "_MANY", 3)
    record(scoped, Kind.TICKET, range(1, 5))
    assert customers_for(scoped, Stage.SUPPORT, Kind.TICKET) is None


def test_what_dies_is_found_again_and_waits_longer_each_time(scoped: Organization, frozen_now: object) -> None:
    record(scoped, Kind.OVERDUE)
    for waited in (10, 20, 40):
        with pytest.raises(RuntimeError), taken(scoped, Stage.SUPPORT):
            raise RuntimeError("broken")
        assert not waits(scoped, Stage.SUPPORT)
        (left,) = Change.objects.filter(stage=Stage.SUPPORT)
        assert left.not_before == NOW + timedelta(seconds=waited)
        left.not_before = None
        left.save()
    assert waits(scoped, Stage.SUPPORT)


def test_a_killed_process_leaves_everything(scoped: Organization) -> None:
    record(scoped, Kind.OVERDUE)
    with pytest.raises(KeyboardInterrupt), taken(scoped, Stage.SUPPORT):
        raise KeyboardInterrupt
    assert waits(scoped, Stage.SUPPORT)


def test_one_that_always_fails_holds_up_nobody_else(scoped: Organization) -> None:
    """Batches become smaller until it is alone."""
    poison, computed, failures = 77, set(), 0
    record(scoped, Kind.SUPPORT_HEALTH, range(1, 101))
    for hour in range(8):
        with clock.frozen(NOW + timedelta(hours=hour)):
            while waits(scoped, Stage.PUSH):
                try:
                    with taken(scoped, Stage.PUSH, most=1_000) as batch:
                        found = batch.customers()
                        assert found is not None
                        if poison in found:
                            raise RuntimeError("broken")
                        computed |= found
                except RuntimeError:
                    failures += 1
    assert computed == set(range(1, 101)) - {poison}
    assert failures == 8
    assert [one.customer_id for one in Change.objects.filter(stage=Stage.PUSH)] == [poison]


def test_new_changes_do_not_wait_for_those_that_fail(scoped: Organization) -> None:
    record(scoped, Kind.SUPPORT_HEALTH, [1])
    with pytest.raises(RuntimeError), taken(scoped, Stage.PUSH):
        raise RuntimeError("broken")
    record(scoped, Kind.SUPPORT_HEALTH, [2])
    with taken(scoped, Stage.PUSH) as batch:
        assert batch.customers() == {2}


def test_what_is_kept_comes_again_after_its_time(scoped: Organization) -> None:
    with clock.frozen(NOW):
        record(scoped, Kind.SUPPORT_HEALTH, [1])
        with taken(scoped, Stage.PUSH) as batch:
            batch.keep(20)
        assert not waits(scoped, Stage.PUSH)
    with clock.frozen(NOW + timedelta(seconds=20)):
        assert customers_for(scoped, Stage.PUSH) == {1}


def test_what_was_rolled_back_did_not_change(scoped: Organization) -> None:
    with transaction.atomic():
        record(scoped, Kind.OVERDUE)
        transaction.set_rollback(True)
    assert not Change.objects.exists()


def test_changes_of_others_are_not_taken(organization: Organization, other_organization: Organization) -> None:
    record(organization, Kind.SUPPORT_HEALTH, [1])
    record(other_organization, Kind.SUPPORT_HEALTH, [2])
    assert customers_for(organization, Stage.PUSH) == {1}
    assert customers_for(other_organization, Stage.PUSH) == {2}


def test_of_equal_rows_for_a_slow_stage_the_newest_stays(scoped: Organization) -> None:
    for _ in range(3):
        record(scoped, Kind.CUSTOMER, [1, 2])
        queue.hand_out(scoped)
    newest = set(Change.objects.filter(stage=Stage.REMATCH).order_by("-pk").values_list("pk", flat=True)[:2])
    queue.compact(Stage.REMATCH)
    assert set(Change.objects.filter(stage=Stage.REMATCH).values_list("pk", flat=True)) == newest


@pytest.mark.django_db(transaction=True)
def test_many_changes_start_the_pipeline_once_and_only_when_they_are_committed() -> None:
    organization = Organization.objects.create(name="Acme", slug="acme")
    with transaction.atomic():
        for _ in range(3):
            record(organization, Kind.OVERDUE)
        assert jobs.select() == []
    assert [job.key for job in jobs.select()] == [f"changes:{organization.pk}"]


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_committed_late_is_taken_late() -> None:
    """Its row is older than those that were taken and deleted meanwhile."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer: nothing is committed late")
    organization = Organization.objects.create(name="Acme", slug="acme")
    written, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                record(organization, Kind.SUPPORT_HEALTH, [1])
                written.set()
                go_on.wait(10)
        finally:
            close_old_connections()
            connection.close()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    assert written.wait(10)
    record(organization, Kind.SUPPORT_HEALTH, [2])
    with organization_scope(organization):
        assert customers_for(organization, Stage.PUSH) == {2}
        go_on.set()
        writer.join(10)
        assert customers_for(organization, Stage.PUSH) == {1}
