"""Support health: cases that a person can check by hand, and properties that hold for all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from startdeliver.support import health
from startdeliver.support.models import SupportHealth, SupportRule
from startdeliver.tenancy.models import Organization

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


def test_a_ticket_is_overdue_to_the_second(scoped: Organization) -> None:
    early, exact = make_customer(), make_customer()
    make_ticket(early, NOW - days(7) + SECOND)
    make_ticket(exact, NOW - days(7))
    health.recompute(scoped)
    assert SupportHealth.objects.get(customer=early).status == "good"
    assert SupportHealth.objects.get(customer=exact).status == "fair"
