"""Trend and ticket volume: what the pictures are drawn from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from startdeliver.common import clock
from startdeliver.support import charts, health
from startdeliver.support.charts import TrendPoint, VolumePoint
from startdeliver.support.models import SupportSnapshot
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

from .factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")
TODAY = NOW.date()


def test_the_trend_has_gaps_and_ends_with_this_moment(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(8))
    health.recompute(scoped)
    for back, status, reconstructed in ((4, "good", True), (2, "poor", False), (1, None, False), (0, "good", False)):
        SupportSnapshot.objects.create(
            organization=scoped,
            customer=customer,
            day=TODAY - timedelta(days=back),
            status=status,
            open_count=5,
            overdue_count=4,
            reconstructed=reconstructed,
        )
    assert charts.trend(customer, 5) == [
        TrendPoint(date(2026, 10, 29), "good", 5, 4, True),
        TrendPoint(date(2026, 10, 30), None, None, None, False),
        TrendPoint(date(2026, 10, 31), "poor", 5, 4, False),
        TrendPoint(date(2026, 11, 1), None, None, None, False),
        TrendPoint(TODAY, "fair", 1, 1, False),
    ]


def test_the_trend_of_a_customer_without_tickets_is_all_gaps(scoped: Organization) -> None:
    assert {point.status for point in charts.trend(make_customer(), 30)} == {None}


def test_the_trend_ends_on_the_organizations_day(scoped: Organization) -> None:
    scoped.time_zone = "Pacific/Auckland"
    scoped.save()
    customer = make_customer()
    with clock.frozen(datetime(2026, 11, 2, 12, tzinfo=UTC)):
        assert charts.trend(customer, 1)[0].day == date(2026, 11, 3)


def test_volume_by_day(scoped: Organization, other_organization: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, datetime(2026, 11, 1, 0, 0, tzinfo=UTC), resolved=datetime(2026, 11, 2, 1, 0, tzinfo=UTC))
    make_ticket(customer, datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    make_ticket(customer, NOW - days(60), resolved=datetime(2026, 10, 31, 0, 0, tzinfo=UTC))
    # Reopened: it was resolved once, but is not.
    make_ticket(customer, NOW - days(50), resolved_at=NOW - days(1))
    with organization_scope(other_organization):
        make_ticket(make_customer())
    found = charts.ticket_volume(customer, 3)
    assert [(point.start.day, point.created, point.resolved) for point in found] == [(31, 1, 1), (1, 1, 0), (2, 0, 1)]
    assert all(point.start == point.end for point in found)


def test_volume_by_whole_weeks_over_the_clock_change(scoped: Organization) -> None:
    scoped.time_zone = "Europe/Stockholm"
    scoped.save()
    customer = make_customer()
    # Sunday 25 October 2026 has 25 hours and ends at 23:00 UTC.
    make_ticket(customer, datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC))
    make_ticket(customer, datetime(2026, 10, 25, 23, 0, tzinfo=UTC))
    found = charts.ticket_volume(customer, 35)
    assert found[0].start == date(2026, 9, 28)
    assert all(point.start.weekday() == 0 for point in found)
    assert [point for point in found if point.created] == [
        VolumePoint(date(2026, 10, 19), date(2026, 10, 25), 1, 0),
        VolumePoint(date(2026, 10, 26), date(2026, 11, 1), 1, 0),
    ]
    assert found[-1] == VolumePoint(TODAY, TODAY, 0, 0)
