"""Calendar days of an organization's time zone, as numbers: days since 1970-01-01."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from startdeliver.common import clock

EPOCH = date(1970, 1, 1).toordinal()
DAY_MS = 86_400_000
# Offsets of time zones change at quarters of an hour, in all the years that events may have.
_QUARTER_MS = 900_000
_DAY_QUARTERS = 96
# Events older than this are refused; a time in seconds, sent as milliseconds, would be in 1970.
OLDEST_MS = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)


def today(time_zone: str) -> int:
    """The current day in `time_zone`."""
    return number(clock.today(time_zone))


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH


def as_date(day: int) -> date:
    """The calendar day of a number of days since 1970-01-01."""
    return date.fromordinal(day + EPOCH)


def day_of(timestamp: int, time_zone: str) -> int:
    """The day on which `timestamp` (milliseconds since 1970, UTC) falls in `time_zone`."""
    return _day_of_quarter(timestamp // _QUARTER_MS, time_zone)


@lru_cache(maxsize=65_536)
def _day_of_quarter(quarter: int, time_zone: str) -> int:
    return number(datetime.fromtimestamp(quarter * 900, ZoneInfo(time_zone)).date())


def shift_sql(column: str, time_zone: str) -> str:
    """SQL for the milliseconds that local time in `time_zone` is ahead of UTC, at the time in `column`.

    Says the same as `day_of`, without a word about time zones, which SQLite does not know.
    """
    pieces = _offsets(time_zone, OLDEST_MS, int(clock.now().timestamp() * 1000) + 400 * DAY_MS)
    (_, oldest), *later = pieces
    # The newest first: most events are recent, and the first condition that holds ends the search.
    cases = " ".join(f"WHEN {column} >= {since} THEN {offset}" for since, offset in reversed(later))
    return f"CASE {cases} ELSE {oldest} END" if cases else str(oldest)


def _offsets(time_zone: str, first: int, last: int) -> list[tuple[int, int]]:
    """The zone's offsets from `first` to `last`: (since when, offset), all in milliseconds, oldest first."""
    zone = ZoneInfo(time_zone)

    def offset(quarter: int) -> int:
        found = datetime.fromtimestamp(quarter * 900, zone).utcoffset() or timedelta()
        return int(found.total_seconds() * 1000)

    at, end = first // _QUARTER_MS, last // _QUARTER_MS + 1
    current = offset(at)
    pieces = [(at * _QUARTER_MS, current)]
    while at < end:
        after = at + _DAY_QUARTERS
        if offset(after) != current:
            low, high = at, after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == current else (low, middle)
            after, current = high, offset(high)
            pieces.append((after * _QUARTER_MS, current))
        at = after
    return pieces
