"""Formats numbers, money, durations and times for people. Pure functions, no HTML."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"}
NOTHING = "–"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def number(value: float | Decimal | None, places: int = 0) -> str:
    """1234.5 → "1,234" or, with one place, "1,234.5"; a dash for None."""
    return NOTHING if value is None else f"{value:,.{places}f}"


def money(value: Decimal | float | None, currency: str) -> str:
    """Returns an amount in `currency` (ISO 4217), without cents when there are none; a dash for None."""
    if value is None:
        return NOTHING
    amount = Decimal(value)
    text = f"{abs(amount):,.2f}"
    text = text.removesuffix(".00")
    sign = "−" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency.upper())
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{currency.upper()}\N{NO-BREAK SPACE}{text}"


def duration(seconds: float | None) -> str:
    """At most two units: "45 s", "12 min", "3 h 20 min", "2 d 4 h"; a dash for None."""
    if seconds is None:
        return NOTHING
    seconds = max(0, round(seconds))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        hours, minutes = divmod(seconds // _MINUTE, 60)
        return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"
    days, hours = divmod(seconds // _HOUR, 24)
    return f"{days} d {hours} h" if hours and days < 10 else f"{days:,} d"


def ago(at: datetime, now: datetime) -> str:
    """How long before (or after) `now`: "just now", "5 min ago", "in 3 days"."""
    seconds = (now - at).total_seconds()
    length = abs(seconds)
    if length < 45:
        return "just now"
    if length < 45 * _MINUTE:
        text = f"{max(1, round(length / _MINUTE))} min"
    elif length < 22 * _HOUR:
        text = f"{max(1, round(length / _HOUR))} h"
    elif length < 45 * _DAY:
        text = _count(length / _DAY, "day")
    elif length < 548 * _DAY:
        text = _count(length / (30.44 * _DAY), "month")
    else:
        text = _count(length / (365.25 * _DAY), "year")
    return f"{text} ago" if seconds > 0 else f"in {text}"


def exact(at: datetime, zone: str | ZoneInfo) -> str:
    """Returns the moment in full, with its zone: "Mon 2 Nov 2026, 13:05 CET"."""
    local = at.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"


def day(value: date | None) -> str:
    """Returns a calendar day: "2 Nov 2026"; a dash for None."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def intercom_date(value: float) -> str:
    """Formats a date of Intercom (unix seconds): a day if it is midnight UTC, else a moment in UTC."""
    at = datetime.fromtimestamp(value, UTC)
    return day(at.date()) if at.hour == at.minute == 0 else f"{at.day} {at:%b %Y, %H:%M} UTC"


def is_intercom_date(name: str, value: object) -> bool:
    """Returns whether an attribute's value is a date: Intercom requires names ending in _at, and unix seconds.

    Numbers that would be days before 1973 are probably counts, so they are not dates.
    """
    return name.endswith("_at") and isinstance(value, int) and 100_000_000 <= abs(value) < 100_000_000_000


def days_away(value: date, today: date) -> str:
    """How far a calendar day is: "today", "in 12 days", "3 months ago"."""
    days = (value - today).days
    if days == 0:
        return "today"
    length = abs(days)
    text = _count(length, "day") if length < 60 else _count(length / 30.44, "month")
    return f"in {text}" if days > 0 else f"{text} ago"


def plural(count: int, one: str, many: str = "") -> str:
    """1 → "1 ticket", 1234 → "1,234 tickets"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def initials(name: str) -> str:
    """At most two letters that stand for a person: "Ada Lovelace" → "AL", "ada@x.test" → "A"."""
    words = [word for word in name.split("@")[0].replace(".", " ").replace("_", " ").split() if word[0].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[0] for word in words]
    return "".join(letters).upper() or "?"


def _count(value: float, unit: str) -> str:
    whole = max(1, round(value))
    return f"{whole} {unit}" if whole == 1 else f"{whole:,} {unit}s"
