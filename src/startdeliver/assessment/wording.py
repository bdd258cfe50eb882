"""Numbers, dates and durations as a colleague would say them; and coarse steps, so that a day's passing is no news."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

# Text that talks to a machine rather than to a person is never repeated in a summary, only in the analysis.
_TO_MACHINE = re.compile(
    r"ignore|instruction|prompt|system:|assistant|you are|mark us|mark this|status|thriving|at risk|override|disregard"
    r"|<|\{|```|json|ignorier|anweisung|ignorez|instrucc|istruzion|instruç|negeer|指示|指令|忽略|無視|инструкц|игнорир"
    r"|talimat|تعليمات|지시|http"
)
# The calendar module's names ask the locale each time.
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def day(moment: datetime | date) -> str:
    """ "12 October 2026" """
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def iso(moment: datetime | date | None) -> str:
    """ "2026-10-12"; empty without a moment."""
    return moment.isoformat()[:10] if moment else ""


def count(number: int, one: str, many: str = "") -> str:
    """ "1 ticket", "1,200 tickets" """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(days: float) -> str:
    """A duration in its natural unit: "5 days", "3 weeks", "4 months"."""
    whole = int(days)
    if whole < 14:
        return count(max(whole, 1), "day")
    if whole < 70:
        return count(whole // 7, "week")
    return count(whole // 30, "month")


def seconds(number: float) -> str:
    """A duration in seconds as a person says it: "40 minutes", "5 hours", "3 days"."""
    if number < 90 * 60:
        return count(max(round(number / 60), 1), "minute")
    if number < 36 * 3600:
        return count(round(number / 3600), "hour")
    return count(round(number / 86400), "day")


def money(amount: float, currency: str) -> str:
    """ "EUR 48,000" """
    return f"{currency} {amount:,.0f}"


def step(number: float) -> int:
    """The number in steps that grow with it, for hashes: 0, 1, 2, 3, 4, then by about a quarter each."""
    whole = int(number)
    if whole <= 4:
        return whole
    size = 1 << max(whole.bit_length() - 3, 0)
    return whole // size * size


def weeks(days: float) -> int:
    """Whole weeks up to eight, then in steps of four: how silence and age are counted in hashes."""
    whole = int(days // 7)
    return whole if whole <= 8 else min(whole // 4 * 4, 52)


def working_days_ago(moment: datetime, days: int) -> datetime:
    """The moment so many working days earlier. Saturdays and Sundays (in the zone of `moment`) are none."""
    while days:
        moment -= timedelta(days=1)
        days -= moment.weekday() < 5
    return moment


def working_days(since: datetime, until: datetime) -> int:
    """Whole working days between two moments; Saturdays and Sundays are none."""
    days, weekday = max((until - since).days, 0), since.weekday()
    return sum((weekday + number) % 7 < 5 for number in range(min(days, 400)))


def is_plain(text: str) -> bool:
    """Whether a title, name or remark can be repeated in a sentence: short, and not addressed to a machine."""
    return bool(text.strip()) and len(text) <= 90 and _TO_MACHINE.search(text.casefold()) is None


def quotable(text: str) -> str:
    """The first sentences of a customer's words, short enough to be repeated in a summary, without the last stop;
    empty when they talk to a machine or cannot be quoted.
    """
    if _TO_MACHINE.search(text.casefold()) or any(mark in text for mark in '“”"@'):
        return ""
    short = text.strip()
    if len(short) > _QUOTED:
        ends = [found.end() for found in _STOP.finditer(short[:_QUOTED])]
        short = short[: ends[-1]] if ends and ends[-1] >= _QUOTED // 3 else short[:_QUOTED].rsplit(" ", 1)[0] + "…"
    return short.rstrip(" .,;:") if not short.endswith("…") else short


_QUOTED = 130
_STOP = re.compile(r"[.!?](?=\s)|[。！？]")


def words(*lines: str) -> frozenset[str]:
    """The words of these lines."""
    return frozenset(word for line in lines for word in line.split())
