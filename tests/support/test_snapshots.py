"""Daily snapshots, the days before the first one, and whose midnight counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support import health, snapshots
from startdeliver.support.history import TicketDates, day_start, history_of
from startdeliver.support.models import SupportHealth, SupportRule, SupportSnapshot
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

from .factories import NOW, days, make_customer, make_ticket

TODAY = NOW.date()


def kept(customer: Customer) -> list[tuple[date, str | None, int, int, bool]]:
    rows = SupportSnapshot.objects.filter(customer=customer).order_by("day")
    return list(rows.values_list("day", "status", "open_count", "overdue_count", "reconstructed"))


@pytest.fixture
def customer(scoped: Organization, frozen_now: datetime) -> Customer:
    """Has one ticket, overdue since a day."""
    customer = make_customer()
    make_ticket(customer, NOW - days(8))
    health.recompute(scoped)
    return customer


def test_a_snapshot_keeps_the_day(scoped: Organization, customer: Customer) -> None:
    assert health.snapshot(scoped) == 1
    assert kept(customer) == [(TODAY, "fair", 1, 1, False)]


def test_a_second_one_the_same_day_replaces_it(scoped: Organization, customer: Customer) -> None:
    health.snapshot(scoped)
    assert health.snapshot(scoped) == 0
    make_ticket(customer, NOW - days(1))
    health.recompute(scoped)
    assert health.snapshot(scoped) == 1
    assert kept(customer) == [(TODAY, "fair", 2, 1, False)]


def test_other_organizations_have_their_own(
    scoped: Organization, customer: Customer, other_organization: Organization
) -> None:
    with organization_scope(other_organization):
        make_ticket(make_customer())
        health.recompute(other_organization)
    health.snapshot(scoped)
    with organization_scope(other_organization):
        assert SupportSnapshot.objects.count() == 0


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", datetime(2026, 11, 2, 23, 59, 59, tzinfo=UTC), date(2026, 11, 2)),
        ("Europe/Stockholm", datetime(2026, 11, 2, 22, 59, 59, tzinfo=UTC), date(2026, 11, 2)),
        ("Europe/Stockholm", datetime(2026, 11, 2, 23, 0, tzinfo=UTC), date(2026, 11, 3)),
        ("Pacific/Auckland", datetime(2026, 11, 2, 11, 0, tzinfo=UTC), date(2026, 11, 3)),
        ("America/Los_Angeles", datetime(2026, 11, 3, 7, 59, tzinfo=UTC), date(2026, 11, 2)),
    ],
)
def test_the_day_is_the_organizations(
    scoped: Organization, customer: Customer, zone: str, moment: datetime, day: date
) -> None:
    scoped.time_zone = zone
    scoped.save()
    with clock.frozen(moment):
        health.snapshot(scoped)
    assert [row[0] for row in kept(customer)] == [day]


def test_days_are_as_long_as_the_clock_makes_them() -> None:
    stockholm = ZoneInfo("Europe/Stockholm")
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    one = timedelta(days=1)
    assert day_start(spring + one, stockholm) - day_start(spring, stockholm) == timedelta(hours=23)
    assert day_start(autumn + one, stockholm) - day_start(autumn, stockholm) == timedelta(hours=25)
    # Beirut's clocks go from 24:00 to 01:00: the day begins at the skip.
    assert day_start(date(2026, 3, 29), ZoneInfo("Asia/Beirut")) == datetime(2026, 3, 28, 22, tzinfo=UTC)


def test_history_to_check_by_hand() -> None:
    zone = ZoneInfo("UTC")
    wanted = [date(2026, 10, day) for day in range(1, 15)]
    start = datetime(2026, 10, 2, 12, tzinfo=UTC)
    states = history_of(
        [
            TicketDates(start, start, None),
            TicketDates(start, start, start + days(1)),
            TicketDates(start, start + days(3), start + days(4)),
        ],
        wanted,
        zone,
        SupportRule(days_until_overdue=7, overdue_until_poor=1),
    )
    assert [(state.day.day, state.open_count, state.overdue_count, state.status) for state in states] == [
        (2, 2, 0, "good"),
        (3, 1, 0, "good"),
        (4, 1, 0, "good"),
        (5, 2, 0, "good"),
        (6, 1, 0, "good"),
        (7, 1, 0, "good"),
        (8, 1, 0, "good"),
        *[(day, 1, 1, "poor") for day in range(9, 15)],
    ]


def test_history_turns_at_the_zones_midnight_on_a_day_of_25_hours() -> None:
    zone = ZoneInfo("Europe/Stockholm")
    wanted = [date(2026, 10, day) for day in (24, 25, 26)]
    midnight = datetime(2026, 10, 25, 23, tzinfo=UTC)  # begins 26 October, an hour later than the day before
    rule = SupportRule(days_until_overdue=1)
    for moment, first in ((midnight - timedelta(seconds=1), 25), (midnight, 26)):
        states = history_of([TicketDates(moment, moment, None)], wanted, zone, rule)
        assert states[0].day.day == first


moments = st.datetimes(datetime(2026, 9, 1), datetime(2026, 10, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
tickets = st.tuples(moments, moments, st.none() | moments).map(
    lambda dates: TicketDates(min(dates[:2]), max(dates[:2]), dates[2])
)


@settings(max_examples=50, deadline=None)
@given(st.lists(tickets, max_size=8), st.sampled_from(["UTC", "Europe/Stockholm", "America/New_York"]))
def test_history_equals_looking_at_each_midnight(given_tickets: list[TicketDates], name: str) -> None:
    zone, rule = ZoneInfo(name), SupportRule(days_until_overdue=5, overdue_until_poor=2)
    wanted = [date(2026, 9, 20) + timedelta(days=number) for number in range(45)]
    found = {state.day: state for state in history_of(given_tickets, wanted, zone, rule)}
    for day in wanted:
        end = day_start(day + timedelta(days=1), zone)
        existing = [ticket for ticket in given_tickets if ticket.created < end]
        opened = [t for t in existing if t.opened < end and (t.resolved is None or t.resolved >= end)]
        overdue = [t for t in opened if t.opened + timedelta(days=5) < end]
        if not existing:
            assert day not in found
        else:
            state = found[day]
            assert (state.open_count, state.overdue_count) == (len(opened), len(overdue))


def test_days_before_the_first_snapshot_are_worked_out(scoped: Organization, customer: Customer) -> None:
    health.snapshot(scoped)
    assert health.reconstruct(scoped) == 8
    rows = kept(customer)
    assert [row[0] for row in rows] == [TODAY - timedelta(days=back) for back in range(8, -1, -1)]
    assert [row[1] for row in rows] == ["good"] * 7 + ["fair"] * 2
    assert [row[4] for row in rows] == [True] * 8 + [False]


def test_no_more_than_ninety_days(scoped: Organization, frozen_now: datetime) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(400), resolved=NOW - days(380))
    health.recompute(scoped)
    assert health.reconstruct(scoped) == 90
    assert kept(customer)[0] == (TODAY - timedelta(days=90), "good", 0, 0, True)


def test_once_is_enough_and_real_days_stay(scoped: Organization, customer: Customer) -> None:
    with clock.frozen(NOW - days(3)):
        SupportHealth.objects.update(status="poor", overdue_count=77)
        health.snapshot(scoped)
    with clock.frozen(NOW):
        health.recompute(scoped)
        health.snapshot(scoped)
        assert health.reconstruct(scoped) == 5
        assert health.reconstruct(scoped) == 0
        SupportHealth.objects.update(reconstructed_at=None)
        before = kept(customer)
        health.reconstruct(scoped)
        assert kept(customer) == before
    real = [row for row in before if not row[4]]
    # The two days on which nothing ran stay gaps.
    assert [(row[0], row[1], row[3]) for row in real] == [(TODAY - timedelta(days=3), "poor", 77), (TODAY, "fair", 1)]
    assert len(before) == 7


def test_reconstruction_goes_on_where_it_stopped(
    scoped: Organization, frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_CUSTOMERS_AT_ONCE", 1)
    for _ in range(3):
        make_ticket(make_customer(), NOW - days(2))
    health.recompute(scoped)
    insert, calls = snapshots._insert, []

    def dies_at_the_second(*given: object) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        insert(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshots, "_insert", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        health.reconstruct(scoped)
    assert SupportSnapshot.objects.count() == 2
    assert health.reconstruct(scoped) == 4
    assert SupportSnapshot.objects.count() == 6


def test_a_new_day_begins_with_figures_and_a_snapshot(scoped: Organization, customer: Customer) -> None:
    record(scoped, Kind.DAY)
    health.refresh(scoped)
    assert SupportHealth.objects.get().stats_at == NOW
    with clock.frozen(NOW + days(1)):
        health.refresh(scoped)
        assert len([row for row in kept(customer) if not row[4]]) == 1, "nobody said that it is another day"
        record(scoped, Kind.DAY)
        health.refresh(scoped)
    assert [row[0] for row in kept(customer) if not row[4]] == [TODAY, TODAY + timedelta(days=1)]
