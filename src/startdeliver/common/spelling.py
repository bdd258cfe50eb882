"""Reads days, times, numbers and yes or no in the notations of different countries.

Unreadable texts raise ValueError with a sentence. Texts longer than `LONGEST` are refused before any pattern is
tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

LONGEST = 60
DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?:[T ,]+\d{1,2}:\d{2}.*)?")
_WORDS = re.compile(r"(?:(\d{1,2})[. ]+([A-Za-z]{3,9})|([A-Za-z]{3,9})[. ]+(\d{1,2})),?[ ]+(\d{4})")
_CLOCK = re.compile(r"[T ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONEY = re.compile(r"^(?:[A-Z]{3}\s*|[€$£¥₹]\s*)|(?:\s*[A-Z]{3}|\s*[€$£¥₹%])$")
_BLANKS = re.compile(r"[\s\u00a0\u202f']")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_YES = {"1", "true", "yes", "y", "x", "on", "ja", "oui", "si", "sí", "wahr", "vrai"}
_NO = {"0", "false", "no", "n", "off", "nein", "non", "-", "falsch", "faux"}


@dataclass(frozen=True)
class Spelling:
    """How the texts of a file are written.

    `day_order`: "dmy" or "mdy", which settles 11/02/2026; empty when unknown. `decimal`: "." or ",", which settles
    1.234 and 1,234. `zone`: the time zone of moments without one.
    """

    day_order: str = ""
    decimal: str = "."
    zone: tzinfo = UTC

    def day(self, text: str) -> date:
        """Returns the day that `text` names: 2026-11-02, 02.11.2026, 11/02/2026, 2 Nov 2026.

        Raises ValueError, also when the day order is needed and unknown.
        """
        given = text.strip()
        if len(given) <= LONGEST:
            if match := _YEAR_FIRST.fullmatch(given):
                return _day(match[1], match[2], match[3], given)
            if match := _YEAR_LAST.fullmatch(given):
                year = match[4] if len(match[4]) == 4 else f"20{match[4]}"
                if _order(match) or int(match[1]) == int(match[3]):
                    day_first = _order(match) != MONTH_FIRST
                elif self.day_order in (DAY_FIRST, MONTH_FIRST):
                    day_first = self.day_order == DAY_FIRST
                else:
                    raise ValueError(
                        "Choose whether the day or the month comes first in this file, and check it again."
                    )
                return _day(year, match[3], match[1], given) if day_first else _day(year, match[1], match[3], given)
            if match := _WORDS.fullmatch(given):
                month = (match[2] or match[3])[:3].lower()
                if month in _MONTHS:
                    return _day(match[5], _MONTHS.index(month) + 1, match[1] or match[4], given)
        raise ValueError(f"“{given[:40]}” is no date. Use one such as 2026-11-02.")

    def number(self, text: str) -> str:
        """Returns the number that `text` is, as plain text ("1234.5"), without a currency sign. Raises ValueError."""
        given = text.strip()
        if len(given) <= LONGEST:
            plain = _BLANKS.sub("", _MONEY.sub("", given).strip()).replace("−", "-")
            mark = _decimal_mark(plain) or self.decimal
            plain = plain.replace("," if mark == "." else ".", "").replace(mark, ".")
            if _NUMBER.fullmatch(plain):
                return plain.lstrip("+")
        raise ValueError(f"“{given[:40]}” is no number. Use one such as 1234.50.")

    def moment(self, text: str) -> datetime:
        """A moment: ISO 8601, seconds or milliseconds since 1970, or a day in a usual form with or without a time.

        Raises ValueError.
        """
        given = text.strip()
        if len(given) > LONGEST:
            raise ValueError(f"“{given[:40]}” is no moment. Use one such as 2026-11-02 13:00.")
        if re.fullmatch(r"\d{9,13}", given):
            return datetime.fromtimestamp(int(given) / (1000 if len(given) > 10 else 1), self.zone)
        try:
            result = datetime.fromisoformat(given)
        except ValueError:
            on = self.day(given)
            clock_part = _CLOCK.search(given)
            hour, minute, second = (int(part or 0) for part in clock_part.groups()) if clock_part else (0, 0, 0)
            if hour > 23 or minute > 59 or second > 59:
                raise ValueError(f"“{given[:40]}” is no time of day.") from None
            result = datetime(on.year, on.month, on.day, hour, minute, second)
        return result if result.tzinfo else result.replace(tzinfo=self.zone)


def order_of(texts: Iterable[str]) -> str:
    """Returns the order of dates such as 11/02/2026 in `texts`: "dmy" or "mdy".

    Returns "ask" when the texts do not show it, and "" when none has this form.
    """
    order = ""
    for text in texts:
        match = _YEAR_LAST.fullmatch(text.strip()[: LONGEST + 1])
        if not match or match[2] == ".":
            continue
        if _order(match):
            return _order(match)
        order = "ask"
    return order


def decimal_of(texts: Iterable[str], separator: str) -> str:
    """Returns the decimal mark of a column: the one that a text shows, else the usual one for the separator."""
    for text in texts:
        if mark := _decimal_mark(re.sub(r"[^\d.,]", "", text[:LONGEST])):
            return mark
    return "," if separator == ";" else "."


def flag(text: str) -> bool:
    """Returns whether the text means yes or no, in the usual words. Raises ValueError."""
    given = text.strip()
    if len(given) <= LONGEST and given.casefold() in _YES | _NO:
        return given.casefold() in _YES
    raise ValueError(f"“{given[:40]}” is neither yes nor no. Use yes, no, true, false, 1 or 0.")


def _order(match: re.Match[str]) -> str:
    """Returns the order that a date with its year last shows by itself; empty when it could be either."""
    if match[2] == "." or int(match[1]) > 12:
        return DAY_FIRST
    return MONTH_FIRST if int(match[3]) > 12 else ""


def _decimal_mark(plain: str) -> str:
    """Returns the decimal mark that a number shows by itself; empty when it has none or could have either."""
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


def _day(year: str, month: str | int, of_month: str, text: str) -> date:
    try:
        result = date(int(year), int(month), int(of_month))
    except ValueError:
        raise ValueError(f"“{text[:40]}” is no day of the calendar.") from None
    if not 1900 <= result.year <= 2999:
        raise ValueError(f"“{text[:40]}” is not between the years 1900 and 2999.")
    return result
