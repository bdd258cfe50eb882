"""Whoever changes a customer, a user or a result, in whatever bulk, records it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django_scopes import scopes_disabled

from startdeliver.changes.models import Change, Kind
from startdeliver.changes.triggers import TRIGGERS
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.storage import triggers
from startdeliver.tenancy.models import Organization
from startdeliver.usage.models import UsageHealth


@pytest.fixture
def customers(scoped: Organization) -> list[Customer]:
    return [Customer.objects.create(organization=scoped, name=name) for name in ("Alpha", "Beta")]


@pytest.fixture
def user(scoped: Organization, customers: list[Customer]) -> CustomerUser:
    return CustomerUser.objects.create(organization=scoped, customer=customers[0], email="a@alpha.test")


def taken() -> set[tuple[str, int | None, int | None]]:
    found = set(Change.objects.values_list("kind", "customer_id", "user_id"))
    Change.objects.all().delete()
    return found


def test_a_move_is_a_change_of_both_customers(
    scoped: Organization, customers: list[Customer], user: CustomerUser
) -> None:
    assert taken() == {(Kind.CUSTOMER, one.pk, None) for one in customers} | {(Kind.USER, customers[0].pk, user.pk)}
    CustomerUser.objects.filter(pk=user.pk).update(customer=customers[1])
    assert taken() == {(Kind.USER, one.pk, user.pk) for one in customers}


@pytest.mark.parametrize(
    "change", [{"has_left_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"is_non_user": True}, {"custom": {"seats": 3}}]
)
def test_what_health_depends_on(user: CustomerUser, change: dict[str, object]) -> None:
    taken()
    CustomerUser.objects.filter(pk=user.pk).update(**change)
    assert taken() == {(Kind.USER, user.customer_id, user.pk)}


@pytest.mark.parametrize("column", ["last_seen_at", "updated_at"])
def test_details_are_told_apart_and_other_columns_are_nothing(user: CustomerUser, column: str) -> None:
    taken()
    CustomerUser.objects.filter(pk=user.pk).update(**{column: datetime(2026, 1, 1, tzinfo=UTC)})
    assert taken() == {(Kind.USER_DETAILS, user.customer_id, user.pk)}
    CustomerUser.objects.filter(pk=user.pk).update(last_login_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert taken() == set()


def test_customers(scoped: Organization, customers: list[Customer]) -> None:
    taken()
    Customer.objects.update(arr=100)
    assert taken() == {(Kind.CUSTOMER_DETAILS, one.pk, None) for one in customers}
    Customer.objects.filter(pk=customers[0].pk).update(custom={"seats": 3}, updated_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert taken() == {(Kind.CUSTOMER, customers[0].pk, None)}


def test_a_deleted_user(scoped: Organization, user: CustomerUser) -> None:
    taken()
    was = user.pk
    user.delete()
    assert taken() == {(Kind.USER, user.customer_id, was)}


def test_a_result_is_a_change_when_its_status_is_another(scoped: Organization, customers: list[Customer]) -> None:
    taken()
    UsageHealth.objects.create(organization=scoped, customer=customers[0], status="good", score=2)
    assert taken() == {(Kind.USAGE_HEALTH, customers[0].pk, None)}
    UsageHealth.objects.update(score=1.9)
    assert taken() == set()
    UsageHealth.objects.update(status="fair")
    assert taken() == {(Kind.USAGE_HEALTH, customers[0].pk, None)}


def test_an_organization_can_be_deleted_with_its_users(scoped: Organization, user: CustomerUser) -> None:
    scoped.delete()
    with scopes_disabled():
        assert not CustomerUser.objects.filter(pk=user.pk).exists()


def test_migrations_take_the_triggers_away_and_put_them_back(scoped: Organization, user: CustomerUser) -> None:
    taken()
    triggers.drop("default", TRIGGERS)
    CustomerUser.objects.filter(pk=user.pk).update(is_non_user=True)
    assert taken() == set()
    triggers.create("default", TRIGGERS)
    triggers.create("default", TRIGGERS)
    CustomerUser.objects.filter(pk=user.pk).update(is_non_user=False)
    assert taken() == {(Kind.USER, user.customer_id, user.pk)}
