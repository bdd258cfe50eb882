"""What the tile, the charts and the table show."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Organization
from startdeliver.usage import health, selectors, tab
from startdeliver.usage.models import Basis, Goal, Product, UsageType
from startdeliver.usage.rules import Rule
from tests.usage.factories import (
    NOW,
    TODAY,
    add_usage,
    make_customer,
    make_product,
    make_type,
    make_user,
    the_organization,
)

pytestmark = pytest.mark.usefixtures("frozen_now")


@pytest.fixture
def customer(scoped: Organization) -> Customer:
    """Ada used two types on three days, Bob one type today, Cy is idle, Dan left; a stranger is at another customer."""
    web, app = make_type("web"), make_type("app", is_login=True)
    customer = make_customer()
    ada, bob, _cy, dan = [
        make_user(customer, f"{name}@x.test", name=name, has_left_at=NOW if name == "Dan" else None)
        for name in ("Ada", "Bob", "Cy", "Dan")
    ]
    add_usage(ada, web, {TODAY: 2, TODAY - 3: 1})
    add_usage(ada, app, {TODAY: 1, TODAY - 10: 4})
    add_usage(bob, web, {TODAY: 1})
    add_usage(dan, web, {TODAY: 1})
    add_usage(make_user(make_customer("Stranger")), web, {TODAY: 9})
    return customer


def test_active_users_per_day(customer: Customer) -> None:
    days = selectors.active_users_per_day(customer, 5)
    assert days == [
        (date(2026, 10, 29), 0),
        (date(2026, 10, 30), 1),
        (date(2026, 10, 31), 0),
        (date(2026, 11, 1), 0),
        (date(2026, 11, 2), 3),
    ]


def test_events_per_type_per_day(customer: Customer) -> None:
    web, app = selectors.events_per_type_per_day(customer, 11)
    assert (web.usage_type.alias, web.total, web.days[-1], web.days[7]) == (
        "web", 4, (date(2026, 11, 2), 3), (date(2026, 10, 30), 1),
    )  # fmt: skip
    assert (app.usage_type.alias, app.total, app.days[0]) == ("app", 2, (date(2026, 10, 23), 1))
    assert [each.usage_type.alias for each in selectors.events_per_type_per_day(customer, 1)] == ["web", "app"]


def test_people(customer: Customer) -> None:
    people = tab.people(customer, 7, "-events", 0, 25)
    rows = {row.user.name: row for row in people.rows}
    assert next(iter(rows)) == "Ada"
    ada, cy = rows["Ada"], rows["Cy"]
    assert (ada.active_days, ada.events, ada.other) == (2, 3, 0)
    assert sorted(ada.counts) == [1, 2]
    assert (cy.events, cy.active_days) == (0, 0)
    assert "Stranger" not in rows
    assert (people.count, people.active) == (4, 3)


def test_the_tile(customer: Customer) -> None:
    web = UsageType.objects.get(alias="web")
    make_product(Rule(Goal.USAGE_COUNT, 3, 8), web, position=2, include_in_average=False)
    make_product(Rule(Goal.UNIQUE_DAYS, 1, 2), web, position=1)
    health.refresh(the_organization())
    customer.refresh_from_db()
    tile = selectors.usage_tile(customer)
    # Web: 2 + 1 by Ada, 1 by Bob are 4 uses on 2 days; Dan, who left, does not count.
    assert (tile.status, tile.score) == ("good", 2.0)
    assert [(badge.status, badge.value, badge.in_average) for badge in tile.badges] == [
        ("good", 2.0, True),
        ("fair", 4.0, False),
    ]
    assert tile.badges[0].why == "2 days with usage in the last 35 days. Good from 2, Fair from 1."
    assert (tile.active_users, tile.users) == (2, 3)
    assert tile.last_login_at == datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_badges_of_many_customers_take_few_queries(customer: Customer, django_assert_max_num_queries: object) -> None:
    make_product(Rule(Goal.USAGE_COUNT, 3, 8), make_type())
    ids = [customer.pk, *(make_customer(f"C{n}").pk for n in range(5))]
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        found = selectors.badges(ids)
    assert [[badge.status for badge in found[pk]] for pk in ids] == [[None]] * 6


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule(Goal.USAGE_COUNT, 3, 8), "4 uses in the last 35 days. Good from 8, Fair from 3."),
        (Rule(Goal.USAGE_COUNT, 3, 8, look_back_days=1), "3 uses today. Good from 8, Fair from 3."),
        (
            Rule(Goal.USAGE_COUNT, 3, 0, no_news_is_good_news=True),
            "4 uses in the last 35 days. Good up to 0, Fair up to 3.",
        ),
        (
            Rule(Goal.USAGE_COUNT, 1, 2.5, basis=Basis.PER_USER, percent=80),
            "1 of 3 users at the Good target, 2 at Fair; 80 % needed. Good from 2.5, Fair from 1 in the last 35 days.",
        ),
        (Rule(Goal.DEPENDENT_COUNT, 50, 80), "80 % of App in the last 35 days. Good from 80 %, Fair from 50 %."),
    ],
)
def test_why_in_words(customer: Customer, rule: Rule, text: str) -> None:
    kinds = {kind.alias: kind for kind in UsageType.objects.all()}
    make_product(rule, kinds["web"], dependent_type=kinds["app"] if rule.goal == Goal.DEPENDENT_COUNT else None)
    health.refresh(the_organization())
    assert selectors.usage_tile(customer).badges[0].why == text


def test_why_there_is_no_data(customer: Customer) -> None:
    make_product(Rule(Goal.USAGE_COUNT, 3, 8), make_type())
    health.refresh(the_organization())
    badge = selectors.usage_tile(customer).badges[0]
    assert (badge.status, badge.why) == (None, "No data: nobody has used it. Good from 8, Fair from 3.")


def test_is_configured(scoped: Organization) -> None:
    assert not selectors.is_configured()
    product = make_product(Rule(Goal.USAGE_COUNT, 3, 8))
    assert not selectors.is_configured()
    make_product(Rule(Goal.USAGE_COUNT, 3, 8), make_type())
    assert selectors.is_configured()
    Product.objects.exclude(pk=product.pk).update(archived_at=NOW)
    assert not selectors.is_configured()
