"""Dates, numbers and yes-or-no as people write them. Pure functions; what cannot be read raises ValueError with a
sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, tzinfo

DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?:[T ,]+\d{1,2}:\d{2}.*)?")
_WORDS = re.compile(r"(?:(\d{1,2})[. ]+([A-Za-z]{3,9})|([A-Za-z]{3,9})[. ]+(\d{1,2})),?[ ]+(\d{4})")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_TRUE = {"1", "true", "yes", "y", "x", "on", "ja", "oui", "si", "sí", "wahr", "vrai"}
_FALSE = {"0", "false", "no", "n", "off", "nein", "non", "-", "falsch", "faux"}
_MONEY = re.compile(r"^(?:[A-Z]{3}\s*|[€$£¥₹]\s*)|(?:\s*[A-Z]{3}|\s*[€$£¥₹%])$")


def day(text: str, order: str = "") -> date:
    """The day that `text` names: 2026-11-02, 02.11.2026, 11/02/2026 (`order` says which is first), 2 Nov 2026.

    Raises ValueError, also when which number is the month cannot be told and `order` is empty.
    """
    given = text.strip()
    if found := _YEAR_FIRST.fullmatch(given):
        return _day(int(found[1]), int(found[2]), int(found[3]), given)
    if found := _YEAR_LAST.fullmatch(given):
        first, mark, second = int(found[1]), found[2], int(found[3])
        year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
        if mark == "." or first > 12:
            return _day(year, second, first, given)
        if second > 12 or first == second:
            return _day(year, first, second, given)
        if order not in (DAY_FIRST, MONTH_FIRST):
            raise ValueError("Choose whether the day or the month comes first in this file, and check it again.")
        return _day(year, second, first, given) if order == DAY_FIRST else _day(year, first, second, given)
    if found := _WORDS.fullmatch(given):
        month = _MONTHS.get((found[2] or found[3])[:3].lower())
        if month:
            return _day(int(found[5]), month, int(found[1] or found[4]), given)
    raise ValueError(f"“{given[:40]}” is no date. Use one such as 2026-11-02.")


def order_of(texts: Iterable[str]) -> str:
    """Which comes first in dates such as 11/02/2026: "dmy", "mdy", "ask" when the texts do not tell, "" when there are
    none."""
    asked = ""
    for text in texts:
        found = _YEAR_LAST.fullmatch(text.strip())
        if not found or found[2] == ".":
            continue
        if int(found[1]) > 12:
            return DAY_FIRST
        if int(found[3]) > 12:
            return MONTH_FIRST
        asked = "ask"
    return asked


def number(text: str, decimal: str = ".") -> str:
    """The number that `text` is, as plain text ("1234.5"). `decimal` ("." or ",") settles 1.234 and 1,234.

    A currency or percent sign is passed over. Raises ValueError.
    """
    given = text.strip()
    plain = re.sub(r"[\s\u00a0\u202f']", "", _MONEY.sub("", given).strip()).replace("−", "-")
    mark = _decimal_mark(plain) or decimal
    other = "," if mark == "." else "."
    plain = plain.replace(other, "").replace(mark, ".")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", plain):
        raise ValueError(f"“{given[:40]}” is no number. Use one such as 1234.50.")
    return plain.lstrip("+")


def decimal_of(texts: Iterable[str], separator: str) -> str:
    """The decimal mark of a column of numbers: what one of the texts shows, else what goes with the separator."""
    for text in texts:
        plain = re.sub(r"[^\d.,]", "", text)
        if mark := _decimal_mark(plain):
            return mark
    return "," if separator == ";" else "."


def flag(text: str) -> bool:
    """Yes or no in the usual words. Raises ValueError."""
    given = text.strip().casefold()
    if given in _TRUE | _FALSE:
        return given in _TRUE
    raise ValueError(f"“{text.strip()[:40]}” is neither yes nor no. Use yes, no, true, false, 1 or 0.")


def moment(text: str, order: str, zone: tzinfo) -> datetime:
    """A moment: ISO 8601, seconds or milliseconds since 1970, or a day in a usual form with or without a time.

    Without a zone of its own it is in `zone`. Raises ValueError.
    """
    given = text.strip()
    if re.fullmatch(r"\d{9,13}", given):
        return datetime.fromtimestamp(int(given) / (1000 if len(given) > 10 else 1), zone)
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        clock_part = re.search(r"[T ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*$", given)
        on = day(given, order)
        hours = [int(part or 0) for part in clock_part.groups()] if clock_part else [0, 0, 0]
        if hours[0] > 23 or hours[1] > 59 or hours[2] > 59:
            raise ValueError(f"“{given[:40]}” is no time of day.") from None
        found = datetime(on.year, on.month, on.day, hours[0], hours[1], hours[2])
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _decimal_mark(plain: str) -> str:
    """The decimal mark that a number shows by itself; empty when it has none or could have either."""
    points, commas = plain.count("."), plain.count(",")
    if points and commas:
        return "." if plain.rindex(".") > plain.rindex(",") else ","
    if points > 1 or commas > 1:
        return "," if points > 1 else "."
    mark = "." if points else "," if commas else ""
    if not mark:
        return ""
    whole, _, rest = plain.lstrip("+-").partition(mark)
    # 1.234 and 1,234 could be either; 0.234 and 1234.567 could not.
    return "" if len(rest) == 3 and 1 <= len(whole) <= 3 and whole != "0" else mark


def _day(year: int, month: int, of_month: int, text: str) -> date:
    try:
        found = date(year, month, of_month)
    except ValueError:
        raise ValueError(f"“{text[:40]}” is no day of the calendar.") from None
    if not 1900 <= year <= 2999:
        raise ValueError(f"“{text[:40]}” is not between the years 1900 and 2999.")
    return found
