"""A text is found in any case and as it is written, never as a pattern."""

from __future__ import annotations

import pytest

from startdeliver.customers.models import Customer
from startdeliver.storage.text import contains
from startdeliver.tenancy.models import Organization

NAMES = ["Acme Rocket", "100% Wolle", "100 Wolle", "snake_case", "snakeXcase", "Øre Æble", "O'Brien \\ Sons", "Straße"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme", ["Acme Rocket"]),
        ("ROCK", ["Acme Rocket"]),
        ("0%", ["100% Wolle"]),
        ("e_c", ["snake_case"]),
        ("o'b", ["O'Brien \\ Sons"]),
        ("\\", ["O'Brien \\ Sons"]),
        ("Ør", ["Øre Æble"]),
        ("øre", ["Øre Æble"]),
        ("STRA", ["Straße"]),
        ("straß", ["Straße"]),
        ("zebra", []),
    ],
)
def test_finds(scoped: Organization, text: str, found: list[str]) -> None:
    Customer.objects.bulk_create(Customer(organization=scoped, name=name) for name in NAMES)
    Customer.objects.create(organization=scoped, name="domain only", domain="acme.example")
    in_name = Customer.objects.filter(contains(text, ("name",))).order_by("pk")
    assert [one.name for one in in_name] == found
    in_either = Customer.objects.filter(contains(text, ("name", "domain"))).count()
    assert in_either == len(found) + (text == "acme")


def test_finds_in_another_table(scoped: Organization) -> None:
    from startdeliver.customers.models import CustomerUser

    acme = Customer.objects.create(organization=scoped, name="Acme")
    user = CustomerUser.objects.create(organization=scoped, name="Ada", customer=acme)
    CustomerUser.objects.create(organization=scoped, name="nobody's")
    assert list(CustomerUser.objects.filter(contains("ACM", ("name", "customer__name")))) == [user]
