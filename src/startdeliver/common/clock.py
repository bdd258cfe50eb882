"""The only source of the current time, so that tests can set it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """Returns the current moment as an aware datetime in UTC."""
    return _source() if _source is not None else datetime.now(UTC)


def today(time_zone: str) -> date:
    """Returns the current calendar day in `time_zone` (an IANA name)."""
    return now().astimezone(ZoneInfo(time_zone)).date()


def from_unix(seconds: float | None) -> datetime | None:
    """Returns an aware UTC datetime for unix `seconds`; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@contextmanager
def frozen(at: datetime | Callable[[], datetime]) -> Iterator[None]:
    """Makes `now()` return `at` inside the block (an aware datetime, or a function that returns one)."""
    global _source
    before = _source
    _source = at if callable(at) else lambda: at
    try:
        yield
    finally:
        _source = before
