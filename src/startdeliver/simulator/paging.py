"""Keyset paging over sorted records, and the page objects of lists.

The cursor is base64 JSON of [sort value in milliseconds, record id, page], as decoded from real answers: rows inserted
behind it do not shift pages, and a record that moves ahead of it is seen again.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from startdeliver.simulator.errors import invalid
from startdeliver.simulator.query import Filter
from startdeliver.simulator.records import INFINITY, Key, Record, Records, span

T = TypeVar("T", bound=Record)
ORDERS = ("ascending", "descending")


@dataclass
class Page:
    """One page of ids, with the total and what the `pages` object needs."""

    ids: list[str]
    total: int
    page: int
    per_page: int
    cursor: str | None

    def pages(self) -> dict[str, Any]:
        """Return the `pages` object; `next` is absent on the last page."""
        result: dict[str, Any] = {"type": "pages", "page": self.page}
        if self.cursor is not None:
            result["next"] = {"page": self.page + 1, "starting_after": self.cursor}
        result["per_page"] = self.per_page
        result["total_pages"] = -(-self.total // self.per_page)
        return result


@dataclass(frozen=True)
class Order:
    field: str = "updated_at"
    descending: bool = True


def encode_cursor(value: int | str | None, record_id: str, page: int) -> str:
    shown = value * 1000 if isinstance(value, int) else value
    return base64.b64encode(json.dumps([shown, record_id, page]).encode()).decode()


def decode_cursor(cursor: Any) -> tuple[Any, str, int]:
    """Return (sort value in seconds or text, id, page). Raise ApiError 400 for anything that is not our cursor."""
    try:
        value, record_id, page = json.loads(base64.b64decode(str(cursor), validate=True))
        if not isinstance(record_id, str) or not isinstance(page, int):
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error) as error:
        raise invalid("starting_after is not a valid cursor", field="starting_after") from error
    return (value // 1000 if isinstance(value, int) else value), record_id, page


def parse_sort(sort: Any, sortable: Callable[[str], bool]) -> Order:
    """Read a search body's `sort`. `asc` and `desc` are refused (2.16: 400 invalid_sort_order)."""
    if sort is None:
        return Order()
    if not isinstance(sort, dict):
        raise invalid("sort must be an object", field="sort")
    order = sort.get("order", "descending")
    if order not in ORDERS:
        raise invalid(f"Invalid sort order '{order}'. Must be one of: ascending, descending", code="invalid_sort_order")
    name = sort.get("field", "updated_at")
    if not isinstance(name, str) or not sortable(name):
        raise invalid(f"'{name}' is not a valid sort field", field="sort")
    return Order(name, order == "descending")


def parse_pagination(pagination: Any, default: int, maximum: int) -> tuple[int, str | None]:
    """Read a search body's `pagination` as (per_page, cursor). A null `starting_after` is refused."""
    if pagination is None:
        return default, None
    if not isinstance(pagination, dict):
        raise invalid("pagination must be an object", field="pagination")
    if "starting_after" in pagination and not isinstance(pagination["starting_after"], str):
        raise invalid("starting_after must be a string", field="starting_after")
    return check_per_page(pagination.get("per_page"), default, maximum), pagination.get("starting_after")


def check_per_page(value: Any, default: int, maximum: int) -> int:
    """Return a page size from a body or a query string. Raise ApiError 400 outside 1..maximum."""
    if value is None or value == "":
        return default
    try:
        size = int(value)
    except (TypeError, ValueError):
        size = 0
    if not 1 <= size <= maximum:
        raise invalid(f"per_page must be between 1 and {maximum}", field="per_page")
    return size


class Searcher(Generic[T]):
    """Answers searches over one kind of record.

    `value(record, field)` reads a searchable field. Ranges on the sorted time alone cost O(log n); everything else is
    scanned once and remembered until a record changes.
    """

    def __init__(self, records: Records[T], value: Callable[[T, str], Any]) -> None:
        self._records = records
        self._value = value
        self._memory: dict[str, tuple[int, list[Any]]] = {}

    def page(self, filter_: Filter, order: Order, per_page: int, cursor: str | None, memory_key: str) -> Page:
        """Return one page. `memory_key` names filter and order; equal keys must mean equal questions."""
        self._records.settle()
        after = None if cursor is None else decode_cursor(cursor)
        number = 1 if after is None else after[2]
        only_sorted_time = filter_.predicate is None and set(filter_.ranges) <= {order.field}
        if order.field in ("updated_at", "created_at") and only_sorted_time:
            index = self._records.updated if order.field == "updated_at" else self._records.created
            start, stop = span(index, *filter_.ranges.get(order.field, (-INFINITY, INFINITY)))
        else:
            index = self._matches(filter_, order, memory_key)
            start, stop = 0, len(index)
        total = stop - start
        if after is not None:
            key = (_rank(after[0], order), after[1])
            if order.descending:
                stop = max(start, min(stop, bisect_left(index, key)))
            else:
                start = min(stop, max(start, bisect_right(index, key)))
        if order.descending:
            chosen = index[max(start, stop - per_page) : stop][::-1]
        else:
            chosen = index[start : min(stop, start + per_page)]
        more = stop - start > len(chosen)
        last = encode_cursor(_unrank(chosen[-1][0]), chosen[-1][1], number + 1) if more else None
        return Page([record_id for _, record_id in chosen], total, number, per_page, last)

    def _matches(self, filter_: Filter, order: Order, memory_key: str) -> list[Any]:
        known = self._memory.get(memory_key)
        if known is not None and known[0] == self._records.version:
            return known[1]
        candidates: list[Key] = self._records.updated
        ranges = dict(filter_.ranges)
        if (bounds := ranges.pop("updated_at", None)) is not None:
            start, stop = span(candidates, *bounds)
            candidates = candidates[start:stop]
        elif (bounds := ranges.pop("created_at", None)) is not None:
            start, stop = span(self._records.created, *bounds)
            candidates = self._records.created[start:stop]
        found = []
        for _, record_id in candidates:
            get = self._getter(record_id)
            if all((v := get(f)) is not None and low <= v <= high for f, (low, high) in ranges.items()) and (
                filter_.predicate is None or filter_.predicate(get)
            ):
                found.append((_rank(get(order.field), order), record_id))
        found.sort()
        if len(self._memory) > 20:
            self._memory.clear()
        self._memory[memory_key] = (self._records.version, found)
        return found

    def _getter(self, record_id: str) -> Callable[[str], Any]:
        lazy = None if self._records.is_stale(record_id) else self._records.lazy(record_id)
        kept: list[T] = []

        def get(name: str) -> Any:
            if lazy is not None and not kept:
                try:
                    return lazy.value(record_id, name)
                except KeyError:
                    pass
            if not kept:
                record = self._records.indexed(record_id)
                assert record is not None
                kept.append(record)
            return self._value(kept[0], name)

        return get


def _rank(value: Any, order: Order) -> Any:
    # Times keep their own type, so that one index serves both; anything else sorts as (present, number, text).
    if order.field in ("updated_at", "created_at"):
        return value
    if value is None:
        return (0, 0, "")
    return (1, value, "") if isinstance(value, int) else (1, 0, str(value))


def _unrank(rank: Any) -> int | str | None:
    if not isinstance(rank, tuple):
        return int(rank)
    present, number, text = rank
    if not present:
        return None
    return str(text) if text else int(number)
