"""Support health on earlier days, computed from the dates of the tickets. Pure functions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from startdeliver.common.health import Health
from startdeliver.support.models import SupportRule
from startdeliver.support.rules import status_of


@dataclass(frozen=True, slots=True)
class TicketDates:
    """The dates of one ticket (aware). `opened`: creation or the last reopening; `resolved` is None while open."""

    created: datetime
    opened: datetime
    resolved: datetime | None


@dataclass(frozen=True, slots=True)
class DayState:
    """Support health of one customer at the end of one calendar day."""

    day: date
    status: Health | None
    open_count: int
    overdue_count: int


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Returns the moment (UTC) at which `day` begins in `zone`; if clocks skip midnight, the moment of the skip."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def history_of(
    tickets: Iterable[TicketDates], days: Sequence[date], zone: ZoneInfo, rule: SupportRule
) -> list[DayState]:
    """Returns the state at the end of each of `days` (ascending) on which at least one ticket existed.

    A reopened ticket counts as open only from its last reopening, because it is not known when it was closed before.
    No overdue ticket is reported that may not have been one.
    """
    ends = [day_start(day + timedelta(days=1), zone) for day in days]
    until_overdue = timedelta(days=rule.days_until_overdue)
    size = len(days) + 1
    existing, opened, overdue = [0] * size, [0] * size, [0] * size
    for ticket in tickets:
        existing[bisect_right(ends, ticket.created)] += 1
        closes = len(days) if ticket.resolved is None else bisect_right(ends, ticket.resolved)
        for counter, starts in ((opened, ticket.opened), (overdue, ticket.opened + until_overdue)):
            begins = bisect_right(ends, starts)
            if begins < closes:
                counter[begins] += 1
                counter[closes] -= 1
    states = zip(days, accumulate(existing), accumulate(opened), accumulate(overdue), strict=False)
    return [DayState(day, status_of(o, late, n, rule), o, late) for day, n, o, late in states if n]
