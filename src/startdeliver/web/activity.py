"""The Activity tab of a customer: what happened, from everything that remembers it, the newest first.

Each source gives the newest entries before a moment; they are merged and cut to one page, so the length of the history
costs nothing. A page ends between two moments, never inside one: the next one begins before its last entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.web import formats

SIZE = 30
# What sources give beyond a page, so that entries of one moment are not torn apart.
MARGIN = 20
KINDS = (
    ("", "All"),
    ("health", "Health"),
    ("fields", "Fields"),
    ("people", "Users"),
    ("workflows", "Workflows"),
    ("intercom", "Sent to Intercom"),
)
_TOGETHER = timedelta(minutes=1)


@dataclass(frozen=True)
class Line:
    """One value that changed, in words; an empty text is no value."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `text` is a plain sentence, `by` says who or what did it.

    `health`: the statuses before and after of a health that changed, shown as such. `whole_day`: only the day is known.
    `alike` and `many`: neighbours that are alike become one sentence, `many` with {n} for their number.
    """

    at: datetime
    kind: str
    icon: str
    text: str
    by: str = ""
    lines: tuple[Line, ...] = ()
    link: str = ""
    health: tuple[str | None, str | None] | None = None
    whole_day: bool = False
    alike: str = ""
    many: str = ""
    count: int = 1


@dataclass(frozen=True)
class Day:
    """The entries of one calendar day of the member's time zone."""

    day: date
    title: str
    entries: list[Entry]


@dataclass(frozen=True)
class Timeline:
    """One page. `older`: what the next page is before, empty when there is none."""

    days: list[Day]
    older: str


Source = Callable[[Customer, datetime, int], Sequence[Entry]]


def timeline(customer: Customer, sources: Sequence[Source], before: datetime | None, zone: ZoneInfo) -> Timeline:
    """The page of entries before `before` (None: the newest), in days of the time zone `zone`."""
    # A little ahead, so that what this very request finds computed is in it.
    until = before or clock.now() + timedelta(minutes=5)
    found = [entry for source in sources for entry in source(customer, until, SIZE + MARGIN)]
    found.sort(key=lambda entry: entry.at, reverse=True)
    shown = found[:SIZE]
    while len(shown) < len(found) and found[len(shown)].at == shown[-1].at:
        shown.append(found[len(shown)])
    older = shown[-1].at.isoformat() if len(found) > len(shown) else ""
    today = clock.now().astimezone(zone).date()
    days = [
        Day(day, _title(day, today), _merged(list(entries)))
        for day, entries in groupby(shown, key=lambda entry: entry.at.astimezone(zone).date())
    ]
    return Timeline(days, older)


def moment(text: str) -> datetime | None:
    """The moment in an address; None for anything else."""
    try:
        found = datetime.fromisoformat(text) if len(text) <= 40 else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _title(day: date, today: date) -> str:
    words = {0: "Today", 1: "Yesterday"}.get((today - day).days)
    return f"{words}, {formats.day(day)}" if words else formats.day(day)


def _merged(entries: list[Entry]) -> list[Entry]:
    """Neighbours that are alike and of about the same moment as one: a bulk change is one thing that happened."""
    merged: list[Entry] = []
    for entry in entries:
        last = merged[-1] if merged else None
        if last and entry.alike and last.alike == entry.alike and last.at - entry.at <= _TOGETHER:
            count = last.count + entry.count
            merged[-1] = replace(last, count=count, text=last.many.format(n=formats.plural(count, "user")), lines=())
        else:
            merged.append(entry)
    return merged
