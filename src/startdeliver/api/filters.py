"""Filters and sort orders as conditions for the database. Unknown names, operators and wrong types are 400."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import F, Q, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce, Lower
from django.db.models.lookups import In

from startdeliver.api.entity import Context, Entity, Field
from startdeliver.api.errors import Invalid
from startdeliver.api.lookups import HasWord, Like
from startdeliver.api.query import ListQuery, unknown_field
from startdeliver.common.values import ID, BadValue, Choice, Email, Ids, Kind, Text, Words

_COMPARISONS: Final = ("gt", "gte", "lt", "lte")
_OPERATORS: Final = (*_COMPARISONS, "eq", "ne")
_MAX_ANY_OF: Final = 5_000
#: Of values that each need a condition of their own; SQLite refuses expressions deeper than 1,000.
_MAX_SINGLES: Final = 100
_MAX_CONDITIONS: Final = 50
_MAX_WILDCARDS: Final = 6
_NOTHING: Final = Q(pk__in=[])


def condition(entity: Entity, query: ListQuery, context: Context) -> Q:
    """The condition that a list request asks for, with what the entity hides by default. Raises Invalid."""
    fields = entity.fields_for(context)
    if len(query.filter) + len(query.plain) > _MAX_CONDITIONS:
        raise Invalid(f"A filter takes at most {_MAX_CONDITIONS} fields.", field="filter")
    whole = Q()
    for name, wanted in query.filter.items():
        whole &= _one(_field(name, fields), wanted, context)
    for name, operator, texts in query.plain:
        field = _field(name, fields)
        values = [_from_text(field, text) for text in texts]
        wanted = values if len(values) > 1 else values[0]
        whole &= _one(field, wanted if operator is None else {operator: wanted}, context)
    named = {*query.filter, *(name for name, _, _ in query.plain)}
    if entity.hidden is not None and not named & entity.hidden.shown_by:
        whole &= ~entity.hidden.condition
    return whole


def arranging(entity: Entity, query: ListQuery, context: Context) -> tuple[Field, bool] | None:
    """The field that sorts the list by itself, and whether descending; None when the database's own order is wanted."""
    names = [text for text in query.sort if text.removeprefix("-") != "id"]
    field = entity.fields_for(context).get(names[0].removeprefix("-")) if len(names) == 1 else None
    if field is None or field.arrange is None or query.sort[0] != names[0]:
        return None
    return field, names[0].startswith("-")


def ordering(entity: Entity, query: ListQuery, context: Context) -> list[OrderBy]:
    """What to sort by; the id comes last, so that pages never overlap. Raises Invalid."""
    fields = entity.fields_for(context)
    orders: list[OrderBy] = []
    for text in query.sort:
        name = text.removeprefix("-")
        field = fields.get(name)
        if field is None or not field.sortable:
            sortable = {field.name: field for field in fields.values() if field.sortable}
            raise unknown_field(name, sortable, "sort")
        by = field.order or F(str(field.column))
        last = {"nulls_last": True} if field.nullable else {}
        orders.append(by.desc(**last) if text.startswith("-") else by.asc(**last))
    if not any(text.removeprefix("-") == "id" for text in query.sort):
        orders.append(F("pk").asc())
    return orders


def _field(name: str, fields: Mapping[str, Field]) -> Field:
    field = fields.get(name)
    if field is None or not field.filterable:
        raise unknown_field(name, {field.name: field for field in fields.values() if field.filterable}, "filter")
    return field


def _from_text(field: Field, text: str) -> object:
    if text == "null" and field.nullable and not isinstance(field.kind, Text):
        return None
    return field.kind.from_text(text)


def _one(field: Field, wanted: object, context: Context) -> Q:
    if isinstance(wanted, dict):
        if not wanted:
            raise Invalid(f"The filter of {field.name} names no operator.", field=field.name)
        whole = Q()
        for operator, value in wanted.items():
            whole &= _operator(field, operator, value, context)
        return whole
    if isinstance(wanted, list):
        return _any_of(field, wanted, context, wildcards=True)
    return _equal(field, wanted, context, wildcards=True)


def _operator(field: Field, operator: str, value: object, context: Context) -> Q:
    if operator not in _OPERATORS:
        raise Invalid(
            f"The filter of {field.name} knows the operators {', '.join(_OPERATORS)}, not this one.", field=field.name
        )
    if operator in _COMPARISONS:
        if field.column is None or not field.kind.ordered:
            raise Invalid(f"{field.name} cannot be compared with {operator}.", field=field.name)
        return _holds(field, Q(**{f"{field.column}__{operator}": _parsed(field, value)}))
    equal = (
        _any_of(field, value, context, wildcards=False)
        if isinstance(value, list)
        else _equal(field, value, context, wildcards=False)
    )
    return equal if operator == "eq" else ~equal


def _any_of(field: Field, values: list[Any], context: Context, *, wildcards: bool) -> Q:
    if len(values) > _MAX_ANY_OF:
        raise Invalid(f"The filter of {field.name} takes at most {_MAX_ANY_OF} values.", field=field.name)
    plain: list[object] = []
    singles: list[object] = []
    for value in values:
        single = value is None or field.narrow is not None or isinstance(field.kind, Words)
        if single or (wildcards and isinstance(value, str) and "*" in value):
            singles.append(value)
        else:
            plain.append(_parsed(field, value))
    if len(singles) > _MAX_SINGLES:
        raise Invalid(f"The filter of {field.name} takes at most {_MAX_SINGLES} such values.", field=field.name)
    whole = _is_one_of(field, plain) if plain else _NOTHING
    for value in singles:
        whole |= _equal(field, value, context, wildcards=wildcards)
    return whole


def _equal(field: Field, value: object, context: Context, *, wildcards: bool) -> Q:
    if isinstance(field.kind, Words) and value is not None:
        return Q(HasWord(str(field.column), _item(field, Text(255), value)))
    if isinstance(field.kind, Ids) and value is not None and field.narrow is not None:
        return field.narrow(_item(field, ID, value), context)
    if value is None:
        return _empty(field, context)
    if field.narrow is not None:
        return field.narrow(_parsed(field, value), context)
    if wildcards and isinstance(field.kind, Text) and isinstance(value, str) and "*" in value:
        text = _parsed(field, value)
        if text.count("*") > _MAX_WILDCARDS:
            raise Invalid(f"The filter of {field.name} takes at most {_MAX_WILDCARDS} wildcards.", field=field.name)
        return _holds(field, Q(Like(str(field.column), text)))
    return _is_one_of(field, [_parsed(field, value)])


def _empty(field: Field, context: Context) -> Q:
    if not field.nullable:
        raise Invalid(f"{field.name} is never null.", field=field.name)
    if field.narrow is not None:
        return field.narrow(None, context)
    if field.within is not None:
        return ~field.within(Q())
    if isinstance(field.kind, Text | Choice):
        # Optional text is stored as an empty string or as null, by field; to the caller both are "not set".
        return Q(**{f"{field.column}__isnull": True}) | Q(**{str(field.column): ""})
    return Q(**{f"{field.column}__isnull": True})


def _parsed(field: Field, value: object) -> Any:
    return _item(field, field.kind, value)


def _item(field: Field, kind: Kind, value: object) -> Any:
    try:
        return kind.wanted(value)
    except BadValue as error:
        raise Invalid(f"{field.name}: {error}", field=field.name) from error


def _is_one_of(field: Field, values: list[Any]) -> Q:
    if field.compare is not None:
        path, form = field.compare
        return Q(**{f"{path}__in": [form(value) for value in values]})
    if isinstance(field.kind, Email):
        # Never null, so that the negation finds the rows without an address.
        address = Coalesce(Lower(F(str(field.column))), Value(""))
        return Q(In(address, [value.lower() for value in values]))
    return _holds(field, Q(**{f"{field.column}__in": values}))


def _holds(field: Field, condition: Q) -> Q:
    """A condition on the field's column as one on the record."""
    return field.within(condition) if field.within is not None else condition
