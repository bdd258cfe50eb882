"""What a CSV file can be imported as, and which of its columns is which field.

A target is registered by name; `customers` registers customers and users, a package above it may register more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from startdeliver.common.spelling import Spelling
from startdeliver.common.values import Day, Integer, Kind, Moment, Number, Text
from startdeliver.tenancy.models import Organization

MOST_PROBLEMS = 10_000
_TEXT, _SPELLING = Text(), Spelling()


@dataclass(frozen=True)
class Column:
    """A field that a column of a file can fill.

    `heads`: other names that people give it, with commas between. `group` puts custom fields together in the choice.
    """

    key: str
    label: str
    kind: Kind = _TEXT
    heads: str = ""
    group: str = ""

    @property
    def is_day(self) -> bool:
        """Whether its cells name days, so that it matters whether the day or the month comes first."""
        return isinstance(self.kind, Day | Moment)

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers, so that the decimal mark matters."""
        return isinstance(self.kind, Integer | Number)


@dataclass(frozen=True)
class Line:
    """One row of a file: its number as a spreadsheet shows it, and its text by field."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Problem:
    """Why a row is not imported. `key` is the field, empty for the whole row."""

    row: int
    key: str
    value: str
    sentence: str


@dataclass
class Outcome:
    """What became of rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by the names that `CsvImport` has for them."""
        return {f"{name}_count": getattr(self, name) for name in ("created", "updated", "unchanged", "failed")}

    def add(self, other: Outcome) -> None:
        """Adds what became of other rows."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.failed += other.failed
        self.problems += other.problems[: MOST_PROBLEMS - len(self.problems)]

    def refuse(self, line: Line, problems: Mapping[str, str]) -> None:
        """Counts a row that is not imported, for these reasons by field."""
        self.failed += 1
        for key, sentence in problems.items():
            self.problems.append(Problem(line.number, key, line.cells.get(key, "")[:200], sentence[:300]))


@dataclass(frozen=True)
class Options:
    """How a file's text is to be read, and who imports it."""

    organization: Organization
    by: str
    spelling: Spelling = _SPELLING
    match_on: str = "email"


class Session(Protocol):
    """The import of one file; keeps what it looked up from one set of rows to the next."""

    def take(self, lines: Sequence[Line], write: bool) -> Outcome:
        """Imports a set of rows in the caller's transaction, or (write=False) only says what would become of them."""


@dataclass(frozen=True)
class Target:
    """A kind of file. `needs`: of each group of fields at least one must have a column."""

    name: str
    label: str
    columns: Callable[[], list[Column]]
    start: Callable[[Options], Session]
    needs: tuple[tuple[str, ...], ...] = ()


_registry: dict[str, Target] = {}


def register(target: Target) -> Target:
    """Makes a target known."""
    _registry[target.name] = target
    return target


def targets() -> dict[str, Target]:
    """Every target by name."""
    return dict(_registry)


def guess(heads: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    """Which field each column fills: {column number from 0: field}. A field is given once; unknown heads get none."""
    mapping: dict[str, str] = {}
    for exact in (True, False):
        names: dict[str, str] = {}
        for column in columns:
            for name in (column.key, column.label) if exact else column.heads.split(","):
                if name:
                    names.setdefault(_plain(name), column.key)
        for place, head in enumerate(heads):
            key = names.get(_plain(head))
            if key and key not in mapping.values() and str(place) not in mapping:
                mapping[str(place)] = key
    return mapping


def missing(target: Target, mapping: Mapping[str, str]) -> str:
    """A sentence when `mapping` lacks a field without which no row can be told apart; else empty."""
    chosen = set(mapping.values())
    labels = {column.key: column.label for column in target.columns()}
    for group in target.needs:
        if not chosen & set(group):
            names = [labels[key] for key in group]
            return f"Choose the column for {' or '.join(names)}: without it no row can be imported."
    return ""


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold().replace("ß", "ss")
    return re.sub(r"[^a-z0-9]", "", plain.encode("ascii", "ignore").decode()) or text.strip().casefold()
