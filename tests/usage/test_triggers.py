"""Whoever changes a customer or a user, in whatever bulk, leaves a touch behind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django_scopes import scopes_disabled

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Organization
from startdeliver.usage import triggers
from startdeliver.usage.models import Touch, UsageDay, UsageType


@pytest.fixture
def customers(scoped: Organization) -> list[Customer]:
    return [Customer.objects.create(organization=scoped, name=name) for name in ("Alpha", "Beta")]


@pytest.fixture
def user(scoped: Organization, customers: list[Customer]) -> CustomerUser:
    return CustomerUser.objects.create(organization=scoped, customer=customers[0], email="a@alpha.test")


def taken() -> set[tuple[int | None, int | None, bool]]:
    found = set(Touch.objects.values_list("customer_id", "user_id", "login_only"))
    Touch.objects.all().delete()
    return found


def test_a_move_touches_both_customers(scoped: Organization, customers: list[Customer], user: CustomerUser) -> None:
    taken()
    CustomerUser.objects.filter(pk=user.pk).update(customer=customers[1])
    assert taken() == {(customers[0].pk, user.pk, False), (customers[1].pk, user.pk, False)}


@pytest.mark.parametrize(
    "change", [{"has_left_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"is_non_user": True}, {"custom": {"seats": 3}}]
)
def test_what_health_depends_on_touches(user: CustomerUser, change: dict[str, object]) -> None:
    taken()
    CustomerUser.objects.filter(pk=user.pk).update(**change)
    assert taken() == {(user.customer_id, user.pk, False)}


def test_last_seen_touches_last_login_only_and_other_columns_nothing(user: CustomerUser) -> None:
    taken()
    CustomerUser.objects.filter(pk=user.pk).update(last_seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert taken() == {(user.customer_id, user.pk, True)}
    user.refresh_from_db()
    user.name = "Ada"
    user.save()
    assert taken() == set()


def test_a_deleted_user_takes_its_usage_along(scoped: Organization, user: CustomerUser) -> None:
    kind = UsageType.objects.create(organization=scoped, name="Login", alias="login")
    UsageDay.objects.create(organization=scoped, user=user, usage_type=kind, day=0, count=1, quantity=1, last_at=1)
    taken()
    was = user.pk
    user.delete()
    assert not UsageDay.objects.exists()
    assert taken() == {(user.customer_id, was, False)}


def test_an_organization_can_be_deleted_with_its_users(scoped: Organization, user: CustomerUser) -> None:
    scoped.delete()
    with scopes_disabled():
        assert not CustomerUser.objects.filter(pk=user.pk).exists()


def test_migrations_take_the_triggers_away_and_put_them_back(scoped: Organization, user: CustomerUser) -> None:
    taken()
    triggers.before_migrations("default")
    CustomerUser.objects.filter(pk=user.pk).update(is_non_user=True)
    assert taken() == set()
    triggers.after_migrations("default")
    triggers.after_migrations("default")
    CustomerUser.objects.filter(pk=user.pk).update(is_non_user=False)
    assert taken() == {(user.customer_id, user.pk, False)}
