"""What a list request asks: read from `?query=<JSON>`, plain parameters, or the body of an overridden POST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpRequest, QueryDict

from startdeliver.api import wire
from startdeliver.api.entity import Field
from startdeliver.api.errors import Invalid

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 100
_MAX_OFFSET: Final = 2**53
_MAX_SORTS: Final = 5
#: Known to the published client, without effect here.
IGNORED: Final = frozenset({"flat", "report", "expand", "history"})
_SUFFIXES: Final = {">": "gte", "<": "lte", "!": "ne"}


@dataclass(frozen=True)
class ListQuery:
    """A list request, its shape checked and its names not yet."""

    filter: Mapping[str, Any] = field(default_factory=dict)
    #: Filters of plain parameters: (name, operator or None, texts).
    plain: tuple[tuple[str, str | None, tuple[str, ...]], ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    sort: tuple[str, ...] = ()


def of_request(request: HttpRequest) -> ListQuery:
    """The list request of a GET. Raises Invalid."""
    parameters = request.GET
    if "query" not in parameters:
        return _of_object({}, parameters)
    try:
        query = wire.decode(parameters["query"])
    except wire.BadJson as error:
        raise Invalid(f"The query parameter is not JSON: {error}.", field="query") from error
    return _of_object(query, parameters)


def of_body(body: object) -> ListQuery:
    """The list request of a POST with `X-HTTP-Method-Override: GET`: its body is {"query": {…}}. Raises Invalid."""
    if not isinstance(body, dict) or "query" not in body:
        raise Invalid('The body of an overridden GET must be {"query": {…}}.', field="query")
    query = body["query"]
    if isinstance(query, str):
        try:
            query = wire.decode(query)
        except wire.BadJson as error:
            raise Invalid(f"The query is not JSON: {error}.", field="query") from error
    return _of_object(query, QueryDict())


def _of_object(query: object, parameters: QueryDict) -> ListQuery:
    if not isinstance(query, dict):
        raise Invalid("The query must be an object with filter, limit, offset and sort.", field="query")
    narrow = query.get("filter")
    if narrow is not None and not isinstance(narrow, dict):
        raise Invalid("The filter must be an object of field names and values.", field="filter")
    unknown = query.keys() - IGNORED - {"filter", "limit", "offset", "sort"}
    if unknown:
        name = min(unknown)
        raise Invalid(
            f"The query knows filter, limit, offset and sort; “{_short(name)}” belongs into filter.", field=name
        )
    plain: list[tuple[str, str | None, tuple[str, ...]]] = []
    settings = dict(query)
    for name, values in parameters.lists():
        if name == "query" or name in IGNORED:
            continue
        texts = [str(value) for value in values]
        if name in ("limit", "offset"):
            settings[name] = texts[-1]
        elif name == "sort":
            settings["sort"] = texts
        elif name and name[-1] in _SUFFIXES:
            plain.append((name[:-1], _SUFFIXES[name[-1]], tuple(texts)))
        else:
            plain.append((name, None, tuple(texts)))
    return ListQuery(
        filter=narrow or {},
        plain=tuple(plain),
        limit=_whole(settings.get("limit"), "limit", DEFAULT_LIMIT, MAX_LIMIT),
        offset=_whole(settings.get("offset"), "offset", 0, _MAX_OFFSET),
        sort=_sort(settings.get("sort")),
    )


def _whole(value: object, name: str, default: int, most: int) -> int:
    if value is None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Invalid(f"{name} must be a whole number from 0 to {most}.", field=name)
    return value


def _sort(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise Invalid("sort must be a field name or a list of them, with - in front for descending.", field="sort")
    parts = tuple(part.strip() for name in names for part in str(name).split(",") if part.strip())
    if len(parts) > _MAX_SORTS:
        raise Invalid(f"sort takes at most {_MAX_SORTS} fields.", field="sort")
    return parts


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:40] + "…"


def unknown_field(name: str, fields: Mapping[str, Field], what: str) -> Invalid:
    """The error for a name that the entity does not have."""
    known = ", ".join(sorted(field.name for field in fields.values()))
    return Invalid(f"“{_short(name)}” is no field to {what} by. Known fields: {known}.", field=name)
