"""Foreign values cut to what the columns hold: lengths, NUL, moments and numbers that no calendar or integer holds."""

from __future__ import annotations

from datetime import datetime

_LATEST = 4_102_444_800  # the year 2100; beyond it a moment is a mistake, and Python's datetime ends in the year 9999
_INT = 2**31 - 1


def short(value: object, limit: int) -> str:
    """`value` as text of at most `limit` characters; empty for None. PostgreSQL cannot store NUL, so that goes."""
    if not value and value != 0:
        return ""
    text = value if isinstance(value, str) else str(value)
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def key(value: object, limit: int) -> str:
    """An id as text; never cut in a way that two could become one: too long is none."""
    if type(value) is str and value.isalnum() and len(value) <= limit:
        return value
    text = short(value, limit + 1).strip()
    return text if len(text) <= limit else ""


def moment(value: int | None) -> int | None:
    """Unix seconds, or None for none, for zero, and for what cannot be a moment."""
    return value if value is not None and 0 < value < _LATEST else None


def number(value: int | None) -> int | None:
    """An integer that the column holds, else None."""
    return value if value is None or -_INT <= value <= _INT else None


def unix(value: datetime | None) -> int | None:
    """A stored moment as unix seconds."""
    return None if value is None else int(value.timestamp())
