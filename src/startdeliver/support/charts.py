"""The data of the charts: the trend of a customer's support health, and the numbers of created and resolved tickets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support.history import day_start
from startdeliver.support.models import SupportHealth, SupportSnapshot, Ticket

_DAILY_UP_TO = 31


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """Support health of a calendar day; all None if nothing is known (a gap) or there was no ticket."""

    day: date
    status: str | None
    open: int | None
    overdue: int | None
    reconstructed: bool


@dataclass(frozen=True, slots=True)
class VolumePoint:
    """Tickets created and resolved from the calendar day `start` to `end`, both included."""

    start: date
    end: date
    created: int
    resolved: int


def trend(customer: Customer, days: int) -> list[TrendPoint]:
    """Returns the last `days` calendar days of the organization's time zone. Today is last, with the present health."""
    today = clock.today(customer.organization.time_zone)
    first = today - timedelta(days=days - 1)
    points = {
        day: TrendPoint(day, status, opened, overdue, reconstructed)
        for day, status, opened, overdue, reconstructed in SupportSnapshot.objects.filter(
            customer=customer, day__gte=first, day__lt=today, status__isnull=False
        ).values_list("day", "status", "open_count", "overdue_count", "reconstructed")
    }
    live = SupportHealth.objects.filter(customer=customer, status__isnull=False).first()
    if live is not None:
        points[today] = TrendPoint(today, live.status, live.open_count, live.overdue_count, False)
    wanted = [first + timedelta(days=number) for number in range(days)]
    return [points.get(day) or TrendPoint(day, None, None, None, False) for day in wanted]


def ticket_volume(customer: Customer, days: int) -> list[VolumePoint]:
    """Returns tickets created and resolved in the last `days`: by day up to 31 days, otherwise by weeks from Monday.

    Days are those of the organization's time zone.
    """
    time_zone = customer.organization.time_zone
    zone, today = ZoneInfo(time_zone), clock.today(time_zone)
    starts = _starts(today, days)
    bounds = [day_start(day, zone) for day in [*starts, today + timedelta(days=1)]]
    counts = _counts(customer, bounds)
    ends = [day - timedelta(days=1) for day in starts[1:]] + [today]
    return [VolumePoint(s, e, made, done) for s, e, (made, done) in zip(starts, ends, counts, strict=True)]


def _starts(today: date, days: int) -> list[date]:
    first = today - timedelta(days=days - 1)
    step = 1
    if days > _DAILY_UP_TO:
        first -= timedelta(days=first.weekday())
        step = 7
    return [first + timedelta(days=number) for number in range(0, (today - first).days + 1, step)]


def _counts(customer: Customer, bounds: Sequence[datetime]) -> list[tuple[int, int]]:
    created, resolved = [0] * (len(bounds) - 1), [0] * (len(bounds) - 1)
    rows = Ticket.objects.filter(Q(created_at__gte=bounds[0]) | Q(resolved_at__gte=bounds[0]), customer=customer)
    for made, done, status in rows.values_list("created_at", "resolved_at", "status").iterator():
        done = done if status == Ticket.Status.RESOLVED else None
        for counter, moment in ((created, made), (resolved, done)):
            if moment is not None and bounds[0] <= moment < bounds[-1]:
                counter[bisect_right(bounds, moment) - 1] += 1
    return list(zip(created, resolved, strict=True))
