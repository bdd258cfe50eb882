"""Last login of users and customers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Organization
from startdeliver.usage import health
from startdeliver.usage.ingest import Event, store
from tests.usage.factories import NOW, make_customer, make_type, make_user

pytestmark = pytest.mark.usefixtures("frozen_now")


def at(days: float, ms: int = 0) -> datetime:
    return NOW - timedelta(days=days) + timedelta(milliseconds=ms)


def ms(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def last(row: Customer | CustomerUser) -> datetime | None:
    row.refresh_from_db()
    return row.last_login_at


def test_the_newest_login_event_goes_before_last_seen_even_when_older(scoped: Organization) -> None:
    login, other = make_type("login", is_login=True), make_type("other")
    user = make_user(make_customer(), last_seen_at=at(1))
    health.refresh(scoped)
    assert last(user) == at(1)
    store(scoped, [Event(user.pk, login.pk, ms(at(5))), Event(user.pk, login.pk, ms(at(9)))])
    store(scoped, [Event(user.pk, other.pk, ms(at(0)))])
    health.refresh(scoped)
    assert last(user) == at(5)


def test_the_newest_of_several_login_types_to_the_millisecond(scoped: Organization) -> None:
    kinds = [make_type("web", is_login=True), make_type("app", is_login=True)]
    user = make_user(make_customer())
    store(scoped, [Event(user.pk, kinds[0].pk, ms(at(2, 1))), Event(user.pk, kinds[1].pk, ms(at(2, 2)))])
    health.refresh(scoped)
    assert last(user) == at(2, 2)
    # Equal as the database compares it too, not only as Python reads it.
    assert CustomerUser.objects.filter(last_login_at=at(2, 2)).exists()


def test_a_customers_is_the_newest_of_its_users_who_are_there(scoped: Organization) -> None:
    customer = make_customer()
    users = [make_user(customer, last_seen_at=at(days)) for days in (3, 2, 1)]
    health.refresh(scoped)
    assert last(customer) == at(1)
    CustomerUser.objects.filter(pk=users[2].pk).update(has_left_at=NOW)
    health.refresh(scoped)
    assert last(customer) == at(2)
    other = make_customer("Contoso")
    CustomerUser.objects.filter(pk=users[1].pk).update(customer=other)
    health.refresh(scoped)
    assert (last(customer), last(other)) == (at(3), at(2))
    users[0].delete()
    health.refresh(scoped)
    assert last(customer) is None


def test_last_seen_moves_on(scoped: Organization) -> None:
    customer = make_customer()
    user = make_user(customer, last_seen_at=at(3))
    health.refresh(scoped)
    CustomerUser.objects.filter(pk=user.pk).update(last_seen_at=at(1))
    health.refresh(scoped)
    assert (last(user), last(customer)) == (at(1), at(1))


def test_a_user_without_customer_has_one_too(scoped: Organization) -> None:
    login = make_type("login", is_login=True)
    user = make_user(None)
    store(scoped, [Event(user.pk, login.pk, ms(at(4)))])
    health.refresh(scoped)
    assert last(user) == at(4)


def test_recompute_of_one_customer_leaves_the_others(scoped: Organization) -> None:
    customers = [make_customer(name) for name in ("A", "B")]
    users = [make_user(customer, last_seen_at=at(1)) for customer in customers]
    health.recompute(scoped, [customers[0].pk])
    assert (last(users[0]), last(customers[0])) == (at(1), at(1))
    assert (last(users[1]), last(customers[1])) == (None, None)
