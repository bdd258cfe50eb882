"""The parameters and pages of lists and searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from startdeliver.simulator.api.routing import Call
from startdeliver.simulator.errors import invalid
from startdeliver.simulator.search.query import Filter, Grammar, parse
from startdeliver.simulator.search.searcher import (
    Order,
    check_per_page,
    decode_cursor,
    parse_pagination,
    parse_sort,
)

T = TypeVar("T")
MAX_PAGE = 150
"""The largest per_page of lists and searches with a cursor."""


def page_of(
    call: Call, items: Sequence[T], default: int, maximum: int, **query: Any
) -> tuple[Sequence[T], dict[str, Any]]:
    """Return the items of the page that the call's `page` and `per_page` name, and the `pages` object.

    `query` is added to the query string of the next page's URL.
    """
    page = call.number("page", 1)
    per_page = check_per_page(call.query.get("per_page"), default, maximum)
    more = page * per_page < len(items)
    return items[(page - 1) * per_page : page * per_page], {
        "type": "pages",
        "next": call.page_url(**query, page=page + 1, per_page=per_page) if more else None,
        "page": page,
        "per_page": per_page,
        "total_pages": -(-len(items) // per_page),
    }


def is_descending(call: Call) -> bool:
    """Return the direction of the call's `order`. Raise ApiError 400 unless it is `asc` or `desc` (the default)."""
    order = call.query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise invalid("order must be asc or desc", field="order")
    return order == "desc"


@dataclass(frozen=True)
class Search:
    """The body of a search. `key` is equal for equal queries in equal order."""

    filter: Filter
    order: Order
    per_page: int
    cursor: str | None
    key: str


def parse_search(call: Call, grammar: Grammar, default: int) -> Search:
    """Return the search in the call's body. Raise ApiError 400 for what Intercom refuses."""
    body = call.json()
    filter_ = parse(body.get("query"), grammar)
    order = parse_sort(body.get("sort"), grammar)
    per_page, cursor = parse_pagination(body.get("pagination"), default, MAX_PAGE)
    call.faults.page_asked(call.path, 1 if cursor is None else decode_cursor(cursor)[2])
    key = msgspec.json.encode([body.get("query"), order.field, order.descending]).decode()
    return Search(filter_, order, per_page, cursor, key)
