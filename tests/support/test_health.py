"""Support health: cases that a person can check by hand, and properties that hold for all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support import health
from startdeliver.support.models import SupportHealth, SupportRule, Ticket
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite, organization_scope

from .factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("tickets", "open_count", "overdue", "expected"),
    [
        (0, 0, 0, None),
        (5, 0, 0, "good"),
        (5, 4, 0, "good"),
        (5, 4, 1, "fair"),
        (5, 4, 2, "fair"),
        (5, 4, 3, "poor"),
        (5, 5, 5, "poor"),
    ],
)
def test_status_with_the_default_rule(tickets: int, open_count: int, overdue: int, expected: str | None) -> None:
    assert health.status_of(open_count, overdue, tickets, SupportRule()) == expected


def test_poor_from_one_leaves_no_fair() -> None:
    assert health.status_of(1, 1, 1, SupportRule(overdue_until_poor=1)) == "poor"


def health_of(customer: Customer) -> SupportHealth:
    return SupportHealth.objects.get(customer=customer)


# Each case: the ages in days of the open tickets, the number of resolved ones, what follows from 7 days and 3 tickets.
CASES = [
    ([], 0, None, 0, 0),
    ([], 3, "good", 0, 0),
    ([0.5, 6.9], 2, "good", 2, 0),
    ([7], 0, "fair", 1, 1),
    ([8, 30], 1, "fair", 2, 2),
    ([8, 30, 7], 0, "poor", 3, 3),
    ([8, 9, 10, 11, 1], 5, "poor", 5, 4),
]


@pytest.mark.parametrize(("ages", "resolved", "status", "opened", "overdue"), CASES)
def test_cases_to_check_by_hand(
    scoped: Organization, ages: list[float], resolved: int, status: str | None, opened: int, overdue: int
) -> None:
    customer = make_customer()
    for age in ages:
        make_ticket(customer, NOW - days(age))
    for _ in range(resolved):
        make_ticket(customer, NOW - days(100), resolved=NOW - days(50))
    health.recompute(scoped)
    found = SupportHealth.objects.filter(customer=customer).first()
    if status is None:
        assert found is None
        return
    assert found is not None
    assert (found.status, found.open_count, found.overdue_count) == (status, opened, overdue)
    assert found.ticket_count == len(ages) + resolved


def test_a_ticket_is_overdue_to_the_second(scoped: Organization) -> None:
    early, exact = make_customer(), make_customer()
    make_ticket(early, NOW - days(7) + SECOND)
    make_ticket(exact, NOW - days(7))
    health.recompute(scoped)
    assert health_of(early).status == "good"
    assert health_of(exact).status == "fair"


def test_the_last_reopening_counts_not_the_creation(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(2), created=NOW - days(40), reopen_count=1)
    health.recompute(scoped)
    assert health_of(customer).status == "good"


def test_a_snoozed_ticket_can_be_overdue(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(8), snoozed=True, snoozed_until=NOW + days(8))
    health.recompute(scoped)
    assert health_of(customer).status == "fair"


def test_without_tickets_again_there_is_no_data(scoped: Organization) -> None:
    customer, other = make_customer(), make_customer()
    ticket = make_ticket(customer, NOW - days(8))
    moved = make_ticket(customer, NOW - days(9))
    health.recompute(scoped)
    ticket.delete()
    moved.customer = other
    moved.save()
    later = NOW + timedelta(minutes=5)
    with clock.frozen(later):
        health.recompute(scoped, [customer.pk, other.pk])
    gone = health_of(customer)
    assert (gone.status, gone.ticket_count, gone.open_count, gone.overdue_count) == (None, 0, 0, 0)
    assert (gone.previous_status, gone.changed_at) == ("fair", later)
    assert gone.next_clock_from is None
    assert health_of(other).status == "fair"


def test_without_tickets_again_while_everyone_else_changes(scoped: Organization) -> None:
    customers = [make_customer() for _ in range(3)]
    tickets = [make_ticket(customer, NOW - days(6)) for customer in customers]
    health.recompute(scoped)
    tickets[0].delete()
    health.set_rule(scoped, days=5, poor=1, by="")
    assert [health_of(customer).status for customer in customers] == [None, "poor", "poor"]
    tickets[1].delete()
    newcomer = make_customer()
    make_ticket(newcomer)
    health.recompute(scoped)
    assert [health_of(customer).status for customer in [*customers, newcomer]] == [None, None, "poor", "good"]


def test_the_change_is_remembered_and_only_a_change(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(6))
    health.recompute(scoped)
    first = health_of(customer)
    assert (first.status, first.previous_status, first.changed_at) == ("good", None, NOW)
    worse, again = NOW + days(1), NOW + days(2)
    with clock.frozen(worse):
        health.recompute(scoped)
    with clock.frozen(again):
        make_ticket(customer, again - days(1))
        health.recompute(scoped)
    found = health_of(customer)
    assert (found.status, found.previous_status, found.changed_at) == ("fair", "good", worse)
    assert found.open_count == 2


def test_nothing_is_written_when_nothing_changed(scoped: Organization) -> None:
    make_ticket(make_customer(), NOW - days(6))
    assert health.recompute(scoped) == 1
    assert health.recompute(scoped) == 0


def test_only_the_customers_named_are_touched(scoped: Organization) -> None:
    one, two = make_customer(), make_customer()
    make_ticket(one)
    make_ticket(two)
    assert health.recompute(scoped, []) == 0
    health.recompute(scoped, [two.pk])
    assert list(SupportHealth.objects.values_list("customer_id", flat=True)) == [two.pk]


def test_the_number_of_statements_does_not_grow(scoped: Organization) -> None:
    for _ in range(20):
        make_ticket(make_customer(), NOW - days(8))
    ids = list(Customer.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as few:
        health.recompute(scoped, ids[:1])
    with CaptureQueriesContext(connection) as many:
        health.recompute(scoped, ids)
    assert len(few) == len(many)


def test_more_customers_than_a_database_takes_parameters(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer)
    assert health.recompute(scoped, range(customer.pk, customer.pk + 300_000)) == 1


def test_unassigned_tickets_are_nobodys_health(scoped: Organization) -> None:
    make_ticket(None, NOW - days(30))
    assert health.recompute(scoped) == 0


def test_changing_the_rule_changes_everyone_at_once(scoped: Organization) -> None:
    one, two = make_customer(), make_customer()
    make_ticket(one, NOW - days(8))
    make_ticket(two, NOW - days(3))
    health.recompute(scoped)
    health.set_rule(scoped, days=2, poor=1, by="admin@acme.test")
    assert {health_of(one).status, health_of(two).status} == {"poor"}
    saved = health.rule(scoped)
    assert (saved.days_until_overdue, saved.overdue_until_poor, saved.updated_by) == (2, 1, "admin@acme.test")
    health.set_rule(scoped, days=9, poor=1, by="admin@acme.test")
    assert {health_of(one).status, health_of(two).status} == {"good"}
    assert SupportRule.objects.count() == 1


@pytest.mark.parametrize(("numbers", "field"), [((0, 3), "days_until_overdue"), ((7, 0), "overdue_until_poor")])
def test_a_rule_that_makes_no_sense_is_refused_whole(
    scoped: Organization, numbers: tuple[int, int], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        health.set_rule(scoped, *numbers, by="")
    assert list(refused.value.message_dict) == [field]
    assert SupportRule.objects.count() == 0


def test_another_organization_is_neither_read_nor_written(
    scoped: Organization, other_organization: Organization
) -> None:
    ours = make_customer()
    make_ticket(ours, NOW - days(8))
    with organization_scope(other_organization):
        theirs = make_customer()
        for _ in range(3):
            make_ticket(theirs, NOW - days(8))
        health.set_rule(other_organization, days=1, poor=1, by="")
    health.recompute(scoped)
    assert health_of(ours).status == "fair"
    with organization_scope(other_organization):
        assert health_of(theirs).status == "poor"
        health.recompute(other_organization, [ours.pk])
    assert health_of(ours).status == "fair"
    with pytest.raises(CrossTenantWrite):
        health.recompute(other_organization)
    with pytest.raises(CrossTenantWrite):
        health.refresh_due(other_organization)


def test_time_alone_makes_health_worse(scoped: Organization) -> None:
    customer, quiet = make_customer(), make_customer()
    for age in (6, 6.5, 5):
        make_ticket(customer, NOW - days(age))
    make_ticket(quiet, NOW - days(1))
    health.recompute(scoped)
    assert health.refresh_due(scoped) == 0
    seen = []
    for after in (0.5, 0.9999, 1, 2):
        with clock.frozen(NOW + days(after)):
            health.refresh_due(scoped)
            assert health.refresh_due(scoped) == 0
            seen.append((health_of(customer).status, health_of(customer).overdue_count))
    assert seen == [("fair", 1), ("fair", 1), ("fair", 2), ("poor", 3)]
    assert health_of(quiet).changed_at == NOW


def test_the_look_up_before_a_page_is_cheap(scoped: Organization) -> None:
    make_ticket(make_customer())
    health.recompute(scoped)
    with CaptureQueriesContext(connection) as queries:
        health.refresh_due(scoped)
    assert len(queries) == 2  # the rule, and the index


rules = st.builds(SupportRule, days_until_overdue=st.integers(1, 15), overdue_until_poor=st.integers(1, 5))
RANK = {"good": 2, "fair": 1, "poor": 0}


@given(rules, st.integers(1, 50), st.data())
def test_more_overdue_never_improves(rule: SupportRule, tickets: int, data: st.DataObject) -> None:
    opened = data.draw(st.integers(0, tickets))
    overdue = data.draw(st.integers(0, opened))
    fewer = data.draw(st.integers(0, overdue))
    more, less = (health.status_of(opened, count, tickets, rule) for count in (overdue, fewer))
    assert more is not None
    assert less is not None
    assert RANK[more] <= RANK[less]


moments = st.integers(-30 * 86_400, 0).map(lambda seconds: NOW + timedelta(seconds=seconds))
facts = st.lists(st.tuples(st.integers(0, 2), st.booleans(), moments), max_size=12)
on_the_database = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def start_over(tickets: list[tuple[int, bool, datetime]]) -> list[Customer]:
    Ticket.objects.all().delete()
    SupportHealth.objects.all().delete()
    Customer.objects.all().delete()
    customers = [make_customer() for _ in range(3)]
    for owner, is_open, moment in tickets:
        make_ticket(customers[owner], moment, resolved=None if is_open else NOW)
    return customers


@on_the_database
@given(facts, st.integers(1, 15), st.integers(1, 4))
def test_the_pass_equals_the_rule(
    scoped: Organization, tickets: list[tuple[int, bool, datetime]], until_overdue: int, until_poor: int
) -> None:
    customers = start_over(tickets)
    current = health.set_rule(scoped, until_overdue, until_poor, by="")
    found = SupportHealth.objects.in_bulk()
    for number, customer in enumerate(customers):
        mine = [(is_open, moment) for owner, is_open, moment in tickets if owner == number]
        clocks = [moment for is_open, moment in mine if is_open]
        overdue = [moment for moment in clocks if moment <= NOW - days(until_overdue)]
        expected = health.status_of(len(clocks), len(overdue), len(mine), current)
        row = found.get(customer.pk)
        if expected is None:
            assert row is None
            continue
        assert row is not None
        assert row.status == expected
        assert (row.ticket_count, row.open_count, row.overdue_count) == (len(mine), len(clocks), len(overdue))
        assert row.oldest_open_at == min(clocks, default=None)
        assert row.next_clock_from == min(set(clocks) - set(overdue), default=None)


@on_the_database
@given(facts, st.lists(st.integers(0, 12 * 86_400), max_size=4).map(sorted))
def test_refreshing_what_is_due_equals_computing_all(
    scoped: Organization, tickets: list[tuple[int, bool, datetime]], steps: list[int]
) -> None:
    start_over(tickets)
    health.recompute(scoped)
    columns = ("customer_id", "status", "open_count", "overdue_count", "next_clock_from", "previous_status")
    for seconds in steps:
        with clock.frozen(NOW + timedelta(seconds=seconds)):
            health.refresh_due(scoped)
            refreshed = set(SupportHealth.objects.values_list(*columns))
            assert health.recompute(scoped) == 0
            assert set(SupportHealth.objects.values_list(*columns)) == refreshed


def test_after_the_first_import_nothing_has_become_worse(scoped: Organization, frozen_now: datetime) -> None:
    customer = make_customer(scoped)
    make_ticket(customer, NOW - days(1))
    health.recompute(scoped)
    make_ticket(customer, NOW - days(30))
    health.recompute(scoped)
    assert SupportHealth.objects.get().previous_status == "good"
    health.settle(scoped)
    row = SupportHealth.objects.get()
    assert row.status == "fair"
    assert row.previous_status is None
    assert row.changed_at == NOW
