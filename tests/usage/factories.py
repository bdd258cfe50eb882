"""Short factories of products, people and their usage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import current_organization
from startdeliver.usage import days, rules
from startdeliver.usage.models import Goal, Product, ProductUsageType, UsageDay, UsageType
from startdeliver.usage.rules import Rule, Verdict

# What the fixture `frozen_now` answers, and its day.
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TODAY = days.number(NOW.date())

_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """A user: quantities by day (days since 1970) of the product's types and of the dependent type, and what it is."""

    usage: Mapping[int, int] = field(default_factory=dict)
    dependent: Mapping[int, int] = field(default_factory=dict)
    number: float | None = None
    gone: bool = False
    non_user: bool = False

    def measured(self, rule: Rule, today: int) -> rules.Person:
        """What the rule is told of the user."""
        window = rules.window(today, rule.look_back_days)
        return rules.Person(
            days=sum(1 << (day - window.start) for day in self.usage if day in window),
            quantity=sum(n for day, n in self.usage.items() if day in window),
            dependent=sum(n for day, n in self.dependent.items() if day in window),
            has_used=any(day <= today for day in self.usage),
            number=self.number,
            non_user=self.non_user,
        )


def judge(rule: Rule, people: Iterable[Person], today: int, number: float | None = None) -> Verdict:
    """The rule's verdict on a customer with these users."""
    return rules.judge(rule, [person.measured(rule, today) for person in people if not person.gone], number)


def the_organization() -> Organization:
    organization = current_organization()
    assert organization is not None
    return organization


def make_customer(name: str = "Northwind", **fields: Any) -> Customer:
    return Customer.objects.create(organization=the_organization(), name=name, **fields)


def make_user(customer: Customer | None = None, email: str = "", **fields: Any) -> CustomerUser:
    email = email or f"user{next(_numbers)}@customer.test"
    return CustomerUser.objects.create(organization=the_organization(), customer=customer, email=email, **fields)


def make_type(alias: str = "", **fields: Any) -> UsageType:
    alias = alias or f"type{next(_numbers)}"
    return UsageType.objects.create(organization=the_organization(), name=alias.title(), alias=alias, **fields)


def make_product(rule: Rule, *types: UsageType, **fields: Any) -> Product:
    """A product that is measured by `rule` over `types`."""
    product = Product.objects.create(
        organization=the_organization(),
        name=f"Product {next(_numbers)}",
        abbreviation="PRO",
        look_back_days=rule.look_back_days,
        goal=rule.goal,
        basis=rule.basis,
        percent=rule.percent,
        fair_target=str(rule.fair),
        good_target=str(rule.good),
        only_users_with_product=rule.only_users_with_product,
        no_news_is_good_news=rule.no_news_is_good_news,
        **fields,
    )
    for usage_type in types:
        ProductUsageType.objects.create(organization=the_organization(), product=product, usage_type=usage_type)
    return product


def add_usage(user: CustomerUser, usage_type: UsageType, quantities: Mapping[int, int]) -> None:
    """Rows of the rollup: quantity by day, each as one event at noon."""
    UsageDay.objects.bulk_create(
        UsageDay(
            organization=the_organization(),
            user=user,
            usage_type=usage_type,
            day=day,
            count=1,
            quantity=quantity,
            last_at=day * days.DAY_MS + days.DAY_MS // 2,
        )
        for day, quantity in quantities.items()
    )


def build(rule: Rule, people: Sequence[Person], number: float | None = None) -> tuple[Customer, Product]:
    """Stores a product measured by `rule`, and a customer with these people and that number in its field."""
    own, other = make_type(), make_type()
    field = {"field_alias": "customfieldSeats"} if rule.goal == Goal.FIELD_VALUE else {}
    dependent = {"dependent_type": other} if rule.goal == Goal.DEPENDENT_COUNT else {}
    product = make_product(rule, own, **field, **dependent)
    return add_people(own, other, people, number), product


def add_people(own: UsageType, other: UsageType, people: Sequence[Person], number: float | None = None) -> Customer:
    """Stores a customer with these people: what they used as type `own`, what is compared with it as `other`."""
    customer = make_customer(custom={} if number is None else {"customfieldSeats": number})
    for person in people:
        user = make_user(
            customer,
            has_left_at=clock.now() if person.gone else None,
            is_non_user=person.non_user,
            custom={} if person.number is None else {"customfieldSeats": person.number},
        )
        add_usage(user, own, person.usage)
        add_usage(user, other, person.dependent)
    return customer
