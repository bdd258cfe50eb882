"""The Support and Feedback tiles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from startdeliver.common import clock
from startdeliver.support import health
from startdeliver.support.tile import feedback, support_tile
from startdeliver.tenancy.models import Organization

from .factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")


@pytest.mark.parametrize(
    ("ages", "why"),
    [
        ([19, 8, 7.5], "3 tickets are overdue, the oldest for 12 days"),
        ([8], "1 ticket is overdue, for 1 day"),
        ([7 + 5.5 / 24, 1], "1 ticket is overdue, for 5 hours"),
        ([7], "1 ticket is overdue, for less than an hour"),
        ([1, 2], "2 tickets are open, none overdue"),
        ([1], "1 ticket is open, not overdue"),
        ([], "No ticket is open"),
    ],
)
def test_why_in_one_line(scoped: Organization, ages: list[float], why: str) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(50), resolved=NOW - days(45))
    for age in ages:
        make_ticket(customer, NOW - days(age))
    health.recompute(scoped)
    assert support_tile(customer).why == why


def test_no_ticket_is_no_data(scoped: Organization) -> None:
    tile = support_tile(make_customer())
    figures = tile.health
    assert (figures.status, tile.why) == (None, "No ticket is stored for this customer")
    assert (
        tile.health.open_count,
        tile.health.overdue_count,
        tile.health.resolved_90,
        tile.health.median_resolution,
    ) == (0, 0, 0, None)


def test_the_tile_is_right_for_this_second(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(7) + timedelta(seconds=30))
    health.recompute(scoped)
    assert support_tile(customer).health.status == "good"
    with clock.frozen(NOW + timedelta(seconds=30)):
        tile = support_tile(customer)
    row = tile.health
    assert (row.status, row.previous_status, row.changed_at) == (
        "fair",
        "good",
        NOW + timedelta(seconds=30),
    )
    assert tile.rule.days_until_overdue == 7


def test_figures_older_than_a_day_are_computed_anew(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(2), resolved=NOW, first_reply_seconds=60)
    health.recompute(scoped)
    row = support_tile(customer).health
    assert (row.resolved_30, row.median_first_reply, row.median_resolution) == (
        1,
        60,
        2 * 86_400,
    )
    with clock.frozen(NOW + days(31)):
        row = support_tile(customer).health
    assert (row.resolved_30, row.resolved_90) == (0, 1)


def test_feedback_of_ninety_days(scoped: Organization) -> None:
    customer, other = make_customer(), make_customer()
    make_ticket(customer, NOW - days(99), rating=1, rated_at=NOW - days(91), rating_remark="long ago")
    praised = make_ticket(customer, NOW - days(20), rating=5, rated_at=NOW - days(9), rating_remark="Quick and kind")
    newest = make_ticket(customer, NOW - days(20), rating=2, rated_at=NOW - days(1))
    make_ticket(other, NOW - days(20), rating=1, rated_at=NOW, rating_remark="somebody else")
    found = feedback(customer)
    assert (found.count, found.mean) == (2, 3.5)
    assert found.latest is not None
    assert (found.latest.rating, found.latest.pk) == (2, newest.pk)
    assert found.remark is not None
    assert (found.remark.rating_remark, found.remark.rating, found.remark.pk) == ("Quick and kind", 5, praised.pk)
    assert found.remark.rated_at == NOW - days(9)


def test_no_feedback(scoped: Organization) -> None:
    found = feedback(make_customer())
    assert (found.count, found.mean, found.latest, found.remark) == (0, None, None, None)
