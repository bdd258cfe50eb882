"""Pages of a list without counting the whole list: one row more than the page is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest

T = TypeVar("T")
SIZE = 50
LAST = 100_000


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page; `count` is the length of the whole list, if known."""

    rows: Sequence[T]
    number: int
    has_next: bool
    size: int = SIZE
    count: int | None = None

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def previous(self) -> int | None:
        # The first page's address has no number.
        return self.number - 1 if self.number > 2 else None

    @property
    def next(self) -> int:
        return self.number + 1

    @property
    def first(self) -> int:
        return (self.number - 1) * self.size + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def page_number(request: HttpRequest) -> int:
    """Returns the page number in the address; 1 for invalid values."""
    text = request.GET.get("page", "")
    return min(LAST, max(1, int(text))) if text.isdecimal() and len(text) < 8 else 1


def paginate(rows: QuerySet[Any], number: int, *, size: int = SIZE, count: int | None = None) -> Page[Any]:
    """Returns the page `number` (from 1) of `rows`; with `count` the page shows the length of the list."""
    start = (number - 1) * size
    shown = list(rows[start : start + size + 1])
    return Page(shown[:size], number, len(shown) > size, size, count)
