"""Intercom's search grammar (OpenAPI 2.16, searchConversations, SearchContacts, searchTickets): parsing and refusals.

A query becomes a `Filter`: closed ranges of time fields, and a predicate for everything else. The predicate is None
when the ranges are the whole query, so that the common "updated since" needs no scan.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from startdeliver.simulator.errors import ApiError, invalid
from startdeliver.simulator.model.store import INFINITY

MAX_NESTING = 2
MAX_FILTERS = 15

Getter = Callable[[str], Any]
Predicate = Callable[[Getter], bool]

_ORDERED = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
_TEXT = frozenset({"~", "!~", "^", "$"})
_SET = frozenset({"=", "!=", "IN", "NIN"})
_OPERATORS = _SET | _TEXT | frozenset(_ORDERED)
_ALLOWED = {"string": _SET | _TEXT, "integer": _SET | frozenset(_ORDERED), "boolean": _SET}
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Field:
    """A searchable field of type `string`, `integer`, `boolean` or `date`.

    With `words`, each word of a text is compared by itself. `folded` compares without regard to case.
    """

    type: str
    words: bool = False
    equality_only: bool = False
    folded: bool = False
    sortable: bool = True


@dataclass(frozen=True)
class Grammar:
    """The searchable fields of one kind of record.

    With a `day_zone`, dates are compared by calendar day in that zone, with =, > and < only (contacts up to 2.16).
    Without, dates are exact to the second and accept every comparison (conversations, tickets).
    """

    fields: Callable[[str], Field | None]
    day_zone: str | None = None


@dataclass
class Filter:
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    predicate: Predicate | None = None


def parse(query: Any, grammar: Grammar) -> Filter:
    """Return the `query` of a search body as a Filter. Raise ApiError 400 for what Intercom refuses."""
    if not isinstance(query, dict):
        raise invalid("query is required", code="parameter_not_found")
    _check_depth(query, 0)
    result = Filter()
    if "field" in query:
        _add(result, query, grammar)
    elif query.get("operator") == "AND":
        for item in _items(query):
            if "field" in item:
                _add(result, item, grammar)
            else:
                _also(result, _compile(item, grammar))
    else:
        result.predicate = _compile(query, grammar)
    return result


def _items(group: dict[str, Any]) -> list[dict[str, Any]]:
    if group.get("operator") not in ("AND", "OR"):
        raise invalid(f"invalid operator '{group.get('operator')}' for a group of filters")
    items = group.get("value")
    if not isinstance(items, list) or not items or not all(isinstance(i, dict) for i in items):
        raise invalid("the value of an AND or OR group must be a non-empty array of filters")
    if len(items) > MAX_FILTERS:
        raise invalid(f"a group of filters can have at most {MAX_FILTERS} filters")
    return items


def _check_depth(node: dict[str, Any], depth: int) -> None:
    if "field" in node:
        return
    if depth >= MAX_NESTING:
        raise invalid(f"filters can be nested at most {MAX_NESTING} levels deep")
    for item in _items(node):
        _check_depth(item, depth + 1)


def _also(result: Filter, predicate: Predicate) -> None:
    first = result.predicate
    result.predicate = predicate if first is None else lambda get: first(get) and predicate(get)


def _add(result: Filter, item: dict[str, Any], grammar: Grammar) -> None:
    name, op, kind, value = _checked(item, grammar)
    if _is_date_range(kind, op, value):
        low, high = date_range(op, value, grammar.day_zone)
        old_low, old_high = result.ranges.get(name, (-INFINITY, INFINITY))
        result.ranges[name] = (max(low, old_low), min(high, old_high))
    else:
        _also(result, _compile(item, grammar))


def _is_date_range(kind: Field, op: str, value: Any) -> bool:
    return kind.type == "date" and value is not None and op in ("=", ">", "<", ">=", "<=")


def _compile(node: dict[str, Any], grammar: Grammar) -> Predicate:
    if "field" in node:
        return _leaf(node, grammar)
    parts = [_compile(item, grammar) for item in _items(node)]
    if node["operator"] == "AND":
        return lambda get: all(p(get) for p in parts)
    return lambda get: any(p(get) for p in parts)


def date_range(op: str, value: int, day_zone: str | None) -> tuple[int, int]:
    """Return the closed range of unix seconds that `op value` means, by calendar day when a zone is given."""
    low = high = value
    if day_zone is not None:
        zone = ZoneInfo(day_zone)
        try:
            day = datetime.fromtimestamp(value, zone).date()
        except (ValueError, OverflowError, OSError):
            # Milliseconds instead of seconds: there is no such day, so nothing matches, without an error.
            return (INFINITY, INFINITY) if op == ">" else (-INFINITY, -INFINITY)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        after = day + timedelta(days=1)
        low = int(midnight.timestamp())
        high = int(datetime(after.year, after.month, after.day, tzinfo=zone).timestamp()) - 1
    return {
        "=": (low, high),
        ">": (high + 1, INFINITY),
        ">=": (low, INFINITY),
        "<": (-INFINITY, low - 1),
        "<=": (-INFINITY, high),
    }[op]


def _checked(item: dict[str, Any], grammar: Grammar) -> tuple[str, str, Field, Any]:
    name, op = item.get("field"), item.get("operator")
    if not isinstance(name, str) or (kind := grammar.fields(name)) is None:
        raise invalid(f"'{name}' is not a valid search field", field=str(name))
    if op not in _OPERATORS:
        raise invalid(f"'{op}' is not a valid operator")
    if kind.equality_only and op not in ("=", "!="):
        raise invalid(f"'{name}' supports only the = and != operators", field=name)
    if kind.type == "date":
        if op in _TEXT or (grammar.day_zone is not None and op not in ("=", ">", "<")):
            raise invalid(f"operator '{op}' is not supported on date field '{name}'", field=name)
    elif op not in _ALLOWED[kind.type]:
        raise invalid(f"operator '{op}' is not supported on {kind.type} field '{name}'", field=name)
    if "value" not in item:
        raise invalid(f"value is missing for '{name}'", field=name, code="parameter_not_found")
    return name, op, kind, _value(item["value"], op, name, kind)


def _value(value: Any, op: str, name: str, kind: Field) -> Any:
    if op in ("IN", "NIN"):
        if not isinstance(value, list):
            raise _mismatch(name, "an array")
        return [_scalar(v, name, kind) for v in value]
    return _scalar(value, name, kind)


def _scalar(value: Any, name: str, kind: Field) -> Any:
    match kind.type, value:
        case (_, None) | ("boolean", bool()):
            return value
        case "date" | "integer", int() | float() if not isinstance(value, bool):
            return int(value)
        case "date" | "integer", str() if re.fullmatch(r"-?\d+", value):
            return int(value)
        case "boolean", "true" | "false":
            return value == "true"
        case "string", bool():
            return "true" if value else "false"
        case "string", int() | float() | str():
            return str(value)
    raise _mismatch(name, f"a {kind.type}")


def _mismatch(name: str, wanted: str) -> ApiError:
    return invalid(f"the value of '{name}' must be {wanted}", field=name, code="type_mismatch")


def _leaf(item: dict[str, Any], grammar: Grammar) -> Predicate:
    name, op, kind, value = _checked(item, grammar)
    if _is_date_range(kind, op, value):
        low, high = date_range(op, value, grammar.day_zone)
        return lambda get: (actual := get(name)) is not None and low <= actual <= high
    if op in _ORDERED:
        compare = _ORDERED[op]
        return lambda get: (actual := get(name)) is not None and value is not None and bool(compare(actual, value))
    if op in ("IN", "NIN"):
        tests = [_equals(name, kind, v) for v in value]
        if op == "IN":
            return lambda get: any(t(get) for t in tests)
        return lambda get: not any(t(get) for t in tests)
    if op in ("=", "!="):
        test = _equals(name, kind, value)
        return test if op == "=" else lambda get: not test(get)
    return _text(name, op, kind, value)


def _texts(actual: Any, words: bool) -> list[str]:
    if actual is None:
        return []
    values = [str(v).lower() for v in (actual if isinstance(actual, list) else [actual])]
    return [w for v in values for w in _WORD.findall(v)] if words else values


def _equals(name: str, kind: Field, value: Any) -> Predicate:
    if (kind.words or kind.folded) and value is not None:
        wanted = str(value).lower()
        return lambda get: wanted in _texts(get(name), kind.words)

    def test(get: Getter) -> bool:
        actual = get(name)
        if isinstance(actual, list):
            return value in actual if value is not None else not actual
        return bool(actual == value)

    return test


def _text(name: str, op: str, kind: Field, value: Any) -> Predicate:
    wanted = str(value or "").lower()
    match: Callable[[str], bool] = {
        "~": lambda text: wanted in text,
        "!~": lambda text: wanted in text,
        "^": lambda text: text.startswith(wanted),
        "$": lambda text: text.endswith(wanted),
    }[op]
    if op == "!~":
        return lambda get: not any(match(t) for t in _texts(get(name), kind.words))
    return lambda get: any(match(t) for t in _texts(get(name), kind.words))
