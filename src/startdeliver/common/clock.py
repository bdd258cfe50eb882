"""The only source of the current time, so that tests can move it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """The current moment as an aware datetime in UTC."""
    return _source() if _source is not None else datetime.now(UTC)


def today(time_zone: str) -> date:
    """The current calendar day in `time_zone` (an IANA name)."""
    return now().astimezone(ZoneInfo(time_zone)).date()


def from_unix(seconds: float | None) -> datetime | None:
    """An aware UTC datetime for unix `seconds`; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@contextmanager
def frozen(at: datetime | Callable[[], datetime]) -> Iterator[None]:
    """Inside the block, `now()` answers `at` (an aware datetime, or a function that gives one)."""
    global _source
    before = _source
    _source = at if callable(at) else lambda: at
    try:
        yield
    finally:
        _source = before
