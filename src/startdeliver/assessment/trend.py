"""Whether a customer is improving, steady or deteriorating: from the history of its statuses, and of its usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from startdeliver.assessment.statuses import LEVELS, Status, Trend

WINDOW = timedelta(days=42)
# A change shows from _ENTER on and stays until it is below _LEAVE: going to and fro between two neighbouring statuses
# never reaches _ENTER, since the mean then lies between them.
_ENTER, _LEAVE = 0.75, 0.35
Point = tuple[datetime, str]


def trend(points: Sequence[Point], now: datetime, before: str = Trend.STEADY, usage: int = 0) -> Trend:
    """The trend at `now`. `points`: (since when, status) in order of time; `before`: the trend that was shown so far.

    Compares the status of now with the mean over the six weeks before, weighted by time. Where that is steady, `usage`
    (see `usage_course`) decides: use that collapses is a trend on the first day too.
    """
    by_status = _of_statuses(points, now, before)
    if by_status != Trend.STEADY or not usage:
        return by_status
    if usage < 0:
        return Trend.DETERIORATING
    # Growing use is no improvement of a customer who may be lost for another reason.
    return Trend.IMPROVING if points and LEVELS[points[-1][1]] >= LEVELS[Status.NEUTRAL] else Trend.STEADY


def usage_course(facts: Mapping[str, Any]) -> int:
    """1 when usage grew much within four weeks, -1 when it fell much, otherwise 0. `facts`: values by id."""
    active, volume = facts.get("usage.active"), facts.get("usage.volume")
    if not active or active["fresh"]:
        return 0
    here, there = active["recent"], active["before"]
    people = (here - there) / there if there >= _FEW else 0.0
    change = ((volume or {}).get("change") or 0) / 100
    if (there and not here) or min(people, change) <= -_MUCH:
        return -1
    return 1 if max(people, change) >= _MUCH and min(people, change) >= 0 else 0


# By how much usage has to change to be a trend, and from how many people on their number says something.
_MUCH, _FEW = 0.4, 4


def _of_statuses(points: Sequence[Point], now: datetime, before: str) -> Trend:
    past = mean_level(points, now - WINDOW, now)
    # On the first day the second look knows more than the first, for example how messages sound; that is no trend.
    if past is None or len(points) < 2 or now - points[0][0] < timedelta(days=1):
        return Trend.STEADY
    change = LEVELS[points[-1][1]] - past
    if change >= (_LEAVE if before == Trend.IMPROVING else _ENTER):
        return Trend.IMPROVING
    if change <= -(_LEAVE if before == Trend.DETERIORATING else _ENTER):
        return Trend.DETERIORATING
    return Trend.STEADY


def mean_level(points: Sequence[Point], since: datetime, until: datetime) -> float | None:
    """The mean level from `since` to `until`, of the time that is known; None when none is."""
    total, weight = 0.0, 0.0
    for number, (start, status) in enumerate(points):
        end = points[number + 1][0] if number + 1 < len(points) else until
        seconds = (min(end, until) - max(start, since)).total_seconds()
        if seconds > 0:
            total += LEVELS[status] * seconds
            weight += seconds
    if weight:
        return total / weight
    return float(LEVELS[points[-1][1]]) if points else None


def line(points: Sequence[Point], now: datetime, weeks: int = 12) -> list[tuple[datetime, int | None]]:
    """The level at the end of each of the last `weeks` weeks, now last; None before the first assessment."""
    ends = [now - timedelta(weeks=number) for number in reversed(range(weeks))]
    return [(end, next((LEVELS[status] for at, status in reversed(points) if at <= end), None)) for end in ends]
