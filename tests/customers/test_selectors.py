"""Reading customers and users: what the list's head, its counts and the search promise."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from startdeliver.common import clock
from startdeliver.customers import selectors
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.customers.selectors import CustomerFilters
from startdeliver.support.models import SupportHealth
from startdeliver.tenancy.models import Organization


@pytest.fixture
def many(scoped: Organization) -> list[Customer]:
    """Sixty customers with every kind of past."""
    chance = random.Random(4)
    rows = [
        Customer(organization=scoped, name=f"C{number:02}", arr=chance.choice([None, 5, 9])) for number in range(60)
    ]
    for row in rows:
        row.archived_at = clock.now() if chance.random() < 0.1 else None
        row.save()
        if chance.random() < 0.8:
            status = chance.choice(["good", "fair", "poor", None])
            SupportHealth.objects.create(
                organization=scoped,
                customer=row,
                status=status,
                previous_status=chance.choice([None, "good", "fair", "poor"]),
                changed_at=clock.now() - timedelta(days=chance.randrange(40)),
                overdue_count={"poor": 5, "fair": 1}.get(status or "", 0),
            )
    return rows


@pytest.mark.parametrize("health", ["", "good", "fair", "poor", "none"])
@pytest.mark.parametrize("size", [7, 50])
def test_the_short_cut_to_the_head_of_the_list_agrees_with_the_whole_order(
    many: list[Customer], health: str, size: int
) -> None:
    filters = CustomerFilters(health=health)
    whole = list(selectors.customers_list(filters).values_list("pk", flat=True))
    paged = [
        row.pk
        for start in range(0, len(whole), size)
        for row in selectors.customers_page(filters, start=start, stop=start + size)
    ]
    assert paged == whole


def test_counts_agree_with_the_lists_whichever_way_they_are_counted(many: list[Customer]) -> None:
    for filters in (CustomerFilters(), CustomerFilters(csm=0), CustomerFilters(archived=True)):
        counts = selectors.health_counts(filters)
        for health, number in counts.items():
            narrowed = CustomerFilters(health=health, csm=filters.csm, archived=filters.archived)
            assert selectors.customers_list(narrowed).count() == number
        assert sum(counts.values()) == selectors.customers_list(filters).count()


def test_every_sort_gives_every_customer_once(many: list[Customer]) -> None:
    alive = {row.pk for row in many if row.archived_at is None}
    for sort in selectors.SORTS:
        for way in ("", "-"):
            found = list(selectors.customers_list(sort=way + sort).values_list("pk", flat=True))
            assert len(found) == len(alive)
            assert set(found) == alive


def test_archived_and_departed_users_are_not_counted_as_users(scoped: Organization) -> None:
    customer = Customer.objects.create(organization=scoped, name="Acorn")
    states = [
        {},
        {"is_stakeholder": True},
        {"is_non_user": True},
        {"has_left_at": clock.now()},
        {"archived_at": clock.now()},
    ]
    for number, state in enumerate(states):
        CustomerUser.objects.create(organization=scoped, customer=customer, name=f"U{number}", **state)
    assert selectors.user_view_counts(customer) == {"stakeholders": 1, "all": 3, "non-users": 1, "has-left": 2}
    for view, number in selectors.user_view_counts(customer).items():
        assert selectors.users_of(customer, view).count() == number


def test_search_puts_names_that_begin_with_it_first_and_archived_ones_last(scoped: Organization) -> None:
    for name, archived in (("The Acorn", None), ("Acorn Old", clock.now()), ("Acorn", None)):
        Customer.objects.create(organization=scoped, name=name, archived_at=archived)
    found, _ = selectors.search("acorn")
    assert [row.name for row in found] == ["Acorn", "The Acorn", "Acorn Old"]
    assert selectors.search("  ") == ([], [])


@pytest.mark.parametrize("few", [0, 500])
@pytest.mark.parametrize("search", ["", "c1", "C2 1", "nobody"])
def test_a_search_made_once_shows_what_searching_each_time_does(
    many: list[Customer], monkeypatch: pytest.MonkeyPatch, few: int, search: str
) -> None:
    monkeypatch.setattr(selectors, "_FEW", few)
    for filters in (CustomerFilters(), CustomerFilters(health="poor"), CustomerFilters(archived=True)):
        again = selectors.narrowed(filters, search)
        assert selectors.customer_ids(again[0], search=again[1]) == selectors.customer_ids(filters, search=search)
        assert selectors.health_counts(*again) == selectors.health_counts(filters, search)
