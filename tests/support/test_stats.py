"""Medians, history and ratings of 30 and 90 days."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.common import clock
from startdeliver.support import health
from startdeliver.support import stats as stats_module
from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

from .factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")


def test_figures_to_check_by_hand(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(91), resolved=NOW - days(89), first_reply_seconds=1_000_000)
    make_ticket(customer, NOW - days(40), resolved=NOW - days(31), first_reply_seconds=100)
    make_ticket(customer, NOW - days(20), resolved=NOW - days(19), first_reply_seconds=301)
    make_ticket(customer, NOW - days(10), first_reply_seconds=200)
    make_ticket(customer, NOW - days(5), first_reply_seconds=400)
    make_ticket(customer, NOW - days(300), resolved=NOW - days(95), first_reply_seconds=1)
    assert health.stats(scoped) == 1
    found = SupportHealth.objects.get(customer=customer)
    assert (found.resolved_30, found.resolved_90) == (1, 3)
    assert found.median_first_reply == 250  # of 100, 200, 301, 400: the mean of the middle two, rounded down
    assert found.median_resolution == 2 * 86_400  # of 1, 2 and 9 days
    assert (found.status, found.ticket_count) == ("fair", 6)
    assert found.stats_at == NOW


def test_a_reopened_ticket_is_not_resolved(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(2), created=NOW - days(9), resolved_at=NOW - days(3), resolution_seconds=5)
    health.stats(scoped)
    found = SupportHealth.objects.get(customer=customer)
    assert (found.resolved_30, found.median_resolution) == (0, None)


def test_ratings_of_ninety_days(scoped: Organization) -> None:
    customer = make_customer()
    for rating, age in ((5, 1), (4, 89), (1, 91)):
        make_ticket(customer, NOW - days(100), rating=rating, rated_at=NOW - days(age))
    make_ticket(customer, NOW - days(100), rating=None, rated_at=NOW - days(1))
    health.stats(scoped)
    found = SupportHealth.objects.get(customer=customer)
    assert (found.rating_count, found.rating_mean) == (2, 4.5)


def test_what_left_the_period_is_forgotten(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(5), resolved=NOW, first_reply_seconds=9, rating=5, rated_at=NOW)
    health.stats(scoped)
    with clock.frozen(NOW + days(91)):
        health.stats(scoped)
    found = SupportHealth.objects.get(customer=customer)
    figures = (found.resolved_30, found.resolved_90, found.median_first_reply, found.median_resolution)
    assert figures == (0, 0, None, None)
    assert (found.rating_count, found.rating_mean, found.status) == (0, None, "good")


def test_only_the_customers_named(scoped: Organization) -> None:
    one, two = make_customer(), make_customer()
    for customer in (one, two):
        make_ticket(customer, NOW - days(2), resolved=NOW)
    assert health.stats(scoped, [two.pk]) == 1
    assert health.stats(scoped, []) == 0
    assert not SupportHealth.objects.filter(customer=one).exists()
    assert SupportHealth.objects.get(customer=two).resolved_30 == 1


def test_all_are_reached_part_by_part(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats_module, "_TICKETS_AT_ONCE", 3)
    for _ in range(8):
        make_ticket(make_customer(), NOW - days(2), resolved=NOW)
    assert health.stats(scoped) == 8
    assert set(SupportHealth.objects.values_list("resolved_30", flat=True)) == {1}


def test_another_organization_keeps_its_figures(scoped: Organization, other_organization: Organization) -> None:
    with organization_scope(other_organization):
        theirs = make_customer()
        make_ticket(theirs, NOW - days(2), resolved=NOW)
        health.stats(other_organization)
    with clock.frozen(NOW + days(200)):
        make_ticket(make_customer())
        health.stats(scoped)
        health.stats(scoped, [theirs.pk])
    with organization_scope(other_organization):
        found = SupportHealth.objects.get(customer=theirs)
        assert (found.resolved_30, found.stats_at) == (1, NOW)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 2**31 - 1), max_size=9))
def test_the_median_is_the_median(scoped: Organization, seconds: list[int]) -> None:
    Ticket.objects.all().delete()
    customer = make_customer()
    for value in seconds:
        make_ticket(customer, NOW - days(1), first_reply_seconds=value)
    health.stats(scoped, [customer.pk])
    found = SupportHealth.objects.filter(customer=customer).first()
    assert (found and found.median_first_reply) == (int(median(seconds)) if seconds else None)
