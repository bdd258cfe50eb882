"""Bodies for Intercom's search endpoints: filters, groups, sorting, and the questions that the sync asks.

Source: OpenAPI 2.16, /conversations/search and /contacts/search: at most two levels of groups and fifteen filters a
group; moments are unix seconds (milliseconds silently find nothing); only the long sort names are valid from 2.16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Query = dict[str, Any]
Operator = Literal["=", "!=", "IN", "NIN", ">", "<", ">=", "<=", "~", "!~", "^", "$"]
DAY = 86_400
MAX_FILTERS = 15

ASCENDING: Mapping[str, str] = {"field": "updated_at", "order": "ascending"}
DESCENDING: Mapping[str, str] = {"field": "updated_at", "order": "descending"}


def where(field: str, operator: Operator, value: Any) -> Query:
    """One filter. Raises ValueError for a moment in milliseconds, which Intercom would answer with an empty list."""
    if field.endswith(("_at", "_since", "_until")) and isinstance(value, (int, float)) and abs(value) > 100_000_000_000:
        raise ValueError(f"{field}: Intercom wants unix seconds, this looks like milliseconds")
    return {"field": field, "operator": operator, "value": value}


def all_of(*filters: Query) -> Query:
    """Every filter must hold. A single one is returned as it is."""
    return _group("AND", filters)


def any_of(*filters: Query) -> Query:
    """At least one filter must hold. A single one is returned as it is."""
    return _group("OR", filters)


def conversations_changed(since: int | None, until: int | None = None) -> Query:
    """Conversations with ``since`` ≤ updated_at ≤ ``until`` (unix seconds, UTC; both ends included, whatever ``>``
    includes).

    Conversation search is exact to the second. The description words ``>`` as "greater (or equal)" while the server has
    been seen to exclude the bound, so the bound is moved out by one second; the reader filters nothing because an
    overlap is harmless. ``<=`` is avoided for the same reason, although the server takes it. Without ``since``:
    everything up to ``until``.
    """
    filters = [where("updated_at", ">", (since if since is not None else 1) - 1)]
    if until is not None:
        filters.append(where("updated_at", "<", until + 1))
    return all_of(*filters)


def conversations_open(until: int | None = None) -> Query:
    """Conversations that are not closed, for the reconcile of those whose change did not move updated_at."""
    filters = [where("open", "=", True)]
    if until is not None:
        filters.append(where("updated_at", "<", until + 1))
    return all_of(*filters)


def contacts_changed(watermark: int) -> Query:
    """Contacts that may have changed since ``watermark`` (unix seconds), right under both meanings of a moment in
    contact search.

    Up to 2.16 the value is cut to its day in the workspace's time zone and ``>`` means "from the next day"; from 2.17
    it is exact. Two days earlier covers the day, its cut and every time zone; the reader stops at the watermark
    (client.contacts_changed).
    """
    return where("updated_at", ">", max(watermark - 2 * DAY, 0))


def attribute_equals(name: str, value: str | int | float | bool) -> Query:
    """Contacts whose custom attribute has a value, for counting (POST /contacts/search → total_count)."""
    return where(f"custom_attributes.{name}", "=", value)


def body(
    query: Query, *, per_page: int, cursor: str | None = None, sort: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The request body.

    ``cursor`` is left out when None: Intercom rejects ``starting_after: null`` (singer-io/tap-intercom#7).
    """
    pagination: dict[str, Any] = {"per_page": per_page}
    if cursor:
        pagination["starting_after"] = cursor
    result: dict[str, Any] = {"query": query, "pagination": pagination}
    if sort:
        if sort.get("order") not in ("ascending", "descending"):
            raise ValueError("sort order must be 'ascending' or 'descending'")
        result["sort"] = dict(sort)
    return result


def _group(operator: str, filters: Sequence[Query]) -> Query:
    if not filters:
        raise ValueError("a group needs at least one filter")
    if len(filters) == 1:
        return filters[0]
    if len(filters) > MAX_FILTERS:
        raise ValueError(f"Intercom takes at most {MAX_FILTERS} filters in a group")
    if any(_depth(item) > 1 for item in filters):
        raise ValueError("Intercom takes at most two levels of groups")
    return {"operator": operator, "value": list(filters)}


def _depth(query: Query) -> int:
    inner = query.get("value")
    if "field" in query or not isinstance(inner, list):
        return 0
    return 1 + max((_depth(item) for item in inner), default=0)
