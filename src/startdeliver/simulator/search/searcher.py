"""Keyset paging over sorted records, and the `pages` objects of lists.

The cursor is base64 JSON of [sort value in milliseconds, record id, page], as decoded from real answers. Records that
are inserted behind it do not shift pages, and a record that moves ahead of it is returned again.
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
from startdeliver.simulator.model.store import INFINITY, Key, Record, Store, span
from startdeliver.simulator.search.query import Filter, Grammar

T = TypeVar("T", bound=Record)
ORDERS = ("ascending", "descending")


@dataclass
class Page:
    """One page of ids, with the total and the values of the `pages` object. `cursor` is None on the last page."""

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
    sort_value = value * 1000 if isinstance(value, int) else value
    return base64.b64encode(json.dumps([sort_value, record_id, page]).encode()).decode()


def decode_cursor(cursor: Any) -> tuple[Any, str, int]:
    """Return (sort value in seconds or text, id, page). Raise ApiError 400 for anything else than such a cursor."""
    try:
        value, record_id, page = json.loads(base64.b64decode(str(cursor), validate=True))
        if not isinstance(record_id, str) or not isinstance(page, int):
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error) as error:
        raise invalid("starting_after is not a valid cursor", field="starting_after") from error
    return (value // 1000 if isinstance(value, int) else value), record_id, page


def parse_sort(sort: Any, grammar: Grammar) -> Order:
    """Return a search body's `sort`. Raise ApiError 400, also for `asc` and `desc` (2.16: invalid_sort_order)."""
    if sort is None:
        return Order()
    if not isinstance(sort, dict):
        raise invalid("sort must be an object", field="sort")
    order = sort.get("order", "descending")
    if order not in ORDERS:
        raise invalid(f"Invalid sort order '{order}'. Must be one of: ascending, descending", code="invalid_sort_order")
    name = sort.get("field", "updated_at")
    field = grammar.fields(name) if isinstance(name, str) else None
    if field is None or not field.sortable:
        raise invalid(f"'{name}' is not a valid sort field", field="sort")
    return Order(name, order == "descending")


def parse_pagination(pagination: Any, default: int, maximum: int) -> tuple[int, str | None]:
    """Return a search body's `pagination` as (per_page, cursor). Raise ApiError 400, also for a null cursor."""
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

    `value(record, field)` returns a searchable field. A search on the sorted time alone needs O(log n). For any other
    search, all records are scanned once and the result is cached until a record changes.
    """

    def __init__(self, store: Store[T], value: Callable[[T, str], Any]) -> None:
        self._store = store
        self._value = value
        self._cache: dict[str, tuple[int, list[Any]]] = {}

    def page(self, filter_: Filter, order: Order, per_page: int, cursor: str | None, cache_key: str) -> Page:
        """Return one page. `cache_key` identifies the filter and the order: equal keys must mean equal searches."""
        self._store.settle()
        after = None if cursor is None else decode_cursor(cursor)
        number = 1 if after is None else after[2]
        only_sorted_time = filter_.predicate is None and set(filter_.ranges) <= {order.field}
        if order.field in ("updated_at", "created_at") and only_sorted_time:
            index = self._store.updated if order.field == "updated_at" else self._store.created
            start, stop = span(index, *filter_.ranges.get(order.field, (-INFINITY, INFINITY)))
        else:
            index = self._matches(filter_, order, cache_key)
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

    def _matches(self, filter_: Filter, order: Order, cache_key: str) -> list[Any]:
        cached = self._cache.get(cache_key)
        if cached is not None and cached[0] == self._store.version:
            return cached[1]
        candidates: list[Key] = self._store.updated
        ranges = dict(filter_.ranges)
        for name, index in (("updated_at", self._store.updated), ("created_at", self._store.created)):
            if name in ranges:
                start, stop = span(index, *ranges.pop(name))
                candidates = index[start:stop]
                break
        matches = []
        for _, record_id in candidates:
            get = self._getter(record_id)
            if all((v := get(f)) is not None and low <= v <= high for f, (low, high) in ranges.items()) and (
                filter_.predicate is None or filter_.predicate(get)
            ):
                matches.append((_rank(get(order.field), order), record_id))
        matches.sort()
        if len(self._cache) > 20:
            self._cache.clear()
        self._cache[cache_key] = (self._store.version, matches)
        return matches

    def _getter(self, record_id: str) -> Callable[[str], Any]:
        lazy = None if self._store.is_stale(record_id) else self._store.lazy(record_id)
        record: T | None = None

        def get(name: str) -> Any:
            nonlocal record
            if record is None:
                if lazy is not None:
                    try:
                        return lazy.value(record_id, name)
                    except KeyError:
                        pass
                record = self._store.indexed(record_id)
                assert record is not None
            return self._value(record, name)

        return get


def _rank(value: Any, order: Order) -> Any:
    # Times stay as they are, like the keys of the store. Anything else sorts as (present, number, text).
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
