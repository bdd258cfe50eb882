"""Values of custom fields: what may stand in one, and keeping the typed rows that filters and sort orders look at.

A value is JSON (text, number, true or false, a day as "2027-03-31") in the record's `custom` by alias. Filters and sort
orders of long lists look at CustomerValue and UserValue instead, which `write` keeps alike in the same transaction.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from startdeliver.common.values import BadValue, Boolean, Day, Kind, Number, Text
from startdeliver.customers import fields as definitions
from startdeliver.customers.models import Customer, CustomerUser, CustomerValue, CustomField, UserValue
from startdeliver.storage import bulk
from startdeliver.storage.sql import among, is_postgres

COLUMNS = {
    CustomField.Type.TEXT: "text",
    CustomField.Type.DROPDOWN: "text",
    CustomField.Type.NUMBER: "number",
    CustomField.Type.DATE: "date",
    CustomField.Type.BOOLEAN: "flag",
}
_KINDS: dict[str, Kind] = {
    CustomField.Type.TEXT: Text(500),
    CustomField.Type.NUMBER: Number(),
    CustomField.Type.DATE: Day(),
    CustomField.Type.BOOLEAN: Boolean(),
}
_VALUE_COLUMNS = tuple(dict.fromkeys(COLUMNS.values()))
_CustomerRow = namedtuple("_CustomerRow", ("customer_id", "field_id", *_VALUE_COLUMNS))  # type: ignore[misc]
_UserRow = namedtuple("_UserRow", ("user_id", "field_id", *_VALUE_COLUMNS))  # type: ignore[misc]
_NEAR = 1_000
# So many records are looked up sooner than all values of a field are read.
_SOME = 20_000


class FieldValue(NamedTuple):
    """The value of a custom field on one customer or user; None removes it."""

    record_id: int
    field: CustomField
    value: Any


@dataclass(frozen=True)
class Option(Text):
    """An option of a dropdown, written in any case. A filter may name one that was removed since."""

    options: tuple[str, ...] = ()

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text or text in self.options:
            return text
        for option in self.options:
            if option.casefold() == text.casefold():
                return option
        shown = ", ".join(self.options[:8])
        more = f" and {len(self.options) - 8} more" if len(self.options) > 8 else ""
        raise BadValue(f"Choose one of the options: {shown}{more}.")


def is_alias(name: str) -> bool:
    """Whether `name` looks like the alias of a custom field."""
    return name.startswith(definitions.PREFIX)


def column_of(field: CustomField) -> str:
    """The column of a value row that holds this field's values."""
    return COLUMNS[CustomField.Type(field.type)]


def kind_of(field: CustomField) -> Kind:
    """The kind of value that the field takes."""
    if field.type == CustomField.Type.DROPDOWN:
        return Option(options=tuple(field.options))
    return _KINDS[field.type]


def json_value(value: Any) -> str | int | float | bool | None:
    """A cleaned value as JSON keeps it: whole numbers without a decimal point, days as text, "" as None."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    plain: str | int | float | bool | None = value
    return None if plain == "" else plain


def value_of(field: CustomField, value: Any) -> str | int | float | bool | None:
    """The JSON value to store for `value`, which is typed or text as a form gives it; None for none.

    Does not look at `required`. Raises BadValue.
    """
    return json_value(kind_of(field).clean(value))


def cleaned(
    entity: str, values: Mapping[str, Any], *, creating: bool, own: Mapping[str, Any] = {}
) -> tuple[dict[str, Any], dict[str, str]]:
    """The custom values among `values`, by alias, and a sentence for each that cannot be stored.

    Aliases that are no active field are ignored. `own` is what the record has: a dropdown keeps an option that was
    removed since. With `creating` a required field must be there.
    """
    result: dict[str, Any] = {}
    errors: dict[str, str] = {}
    if not creating and not any(is_alias(name) for name in values):
        return result, errors
    for field in definitions.fields_of(entity):
        alias = field.alias
        if alias in values:
            given = values[alias]
            try:
                result[alias] = given if given is not None and given == own.get(alias) else value_of(field, given)
            except BadValue as error:
                errors[alias] = str(error)
                continue
        if field.required and (creating or alias in values) and result.get(alias) is None:
            errors[alias] = needed(field)
    return result, errors


def needed(field: CustomField) -> str:
    """What is said when a required field has no value."""
    return f"Enter a value: “{field.name}” is required."


def write(record: Customer | CustomerUser, aliases: Iterable[str]) -> None:
    """Makes the value rows of `record` equal to its `custom` for these aliases. Call it in its transaction."""
    entity = CustomField.Entity.CUSTOMER if isinstance(record, Customer) else CustomField.Entity.USER
    fields = CustomField.objects.filter(entity=entity, alias__in=list(aliases))
    write_many(entity, [FieldValue(record.pk, field, record.custom.get(field.alias)) for field in fields])


def write_many(entity: str, values: Iterable[tuple[int, CustomField, Any]]) -> None:
    """Makes the value rows equal to these `FieldValue`s (JSON values), in few statements."""
    model = CustomerValue if entity == CustomField.Entity.CUSTOMER else UserValue
    record = _record(entity)
    removed: dict[int, list[int]] = {}
    row_type: Any = _CustomerRow if entity == CustomField.Entity.CUSTOMER else _UserRow
    stored: dict[int, dict[tuple[int, int], Any]] = {}
    for pk, field, value in values:
        if value is None:
            removed.setdefault(field.pk, []).append(pk)
        else:
            columns = dict.fromkeys(_VALUE_COLUMNS) | {column_of(field): typed(field, value)}
            stored.setdefault(field.organization_id, {})[pk, field.pk] = row_type(pk, field.pk, *columns.values())
    for field_id, pks in removed.items():
        for start in range(0, len(pks), 500):
            model.objects.filter(field=field_id, **{f"{record}__in": pks[start : start + 500]}).delete()
    key = ("organization_id", f"{record}_id", "field_id")
    with transaction.atomic():
        for organization_id, by_key in stored.items():
            rows = list(by_key.values())
            for start in range(0, len(rows), 10_000):
                part = rows[start : start + 10_000]
                bulk.upsert(model, organization_id, part, key=key, update=_VALUE_COLUMNS)


def typed(field: CustomField, value: Any) -> Any:
    """The JSON value as its column wants it."""
    return float(value) if field.type == CustomField.Type.NUMBER else value


def has(field: CustomField, condition: Q) -> Q:
    """The condition on a customer or user that it has a value of this field for which `condition` holds.

    `condition` speaks of the columns of a value row; an empty one asks only that there is a value.
    """
    rows = _model(field).objects.filter(condition, field=field.pk)
    if is_postgres():
        # "Without" then is a join; of NOT IN, PostgreSQL makes a list of all who have one.
        return Q(Exists(rows.filter(**{_record(field.entity): OuterRef("pk")})))
    return Q(pk__in=rows.values(_record(field.entity)))


def order_of(field: CustomField) -> Subquery:
    """What to sort customers or users by to sort them by this field and others; by itself `sorted_ids` is faster."""
    rows = _model(field).objects.filter(**{"field": field.pk, _record(field.entity): OuterRef("pk")})
    return Subquery(rows.values(column_of(field)))


def sorted_ids(rows: QuerySet[Any], field: CustomField, descending: bool, start: int, stop: int) -> list[int]:
    """The ids of `rows` (customers or users) from `start` up to `stop`, sorted by this field.

    Records without a value come last, in the order that `rows` has. The index of the values is read in its own order:
    to look up the value of each of 100,000 records and to sort them costs several times as much.
    """
    column, record = column_of(field), _record(field.entity)
    way = "-" if descending else ""
    valued = _model(field).objects.filter(**{"field": field.pk, f"{column}__isnull": False})
    in_order = valued.order_by(f"{way}{column}", f"{way}{record}").values_list(f"{record}_id")
    if stop <= _NEAR:
        # Most pages that people look at are near the start: a few values more than needed are enough for them.
        near = _ids(in_order[: stop * 4])
        kept = set(_ids(rows.order_by().filter(pk__in=near).values_list("pk")))
        ids = [pk for pk in near if pk in kept]
        if len(ids) >= stop:
            return ids[start:stop]
    everything = _ids(rows.values_list("pk"))
    left = set(everything)
    if len(left) <= _SOME:
        in_order = in_order.filter(among(f"{record}_id", everything, "bigint"))
    ids = [pk for pk in _ids(in_order) if pk in left]
    if len(ids) < stop:
        left.difference_update(ids)
        ids += [pk for pk in everything if pk in left]
    return ids[start:stop]


def _ids(rows: QuerySet[Any, Any]) -> list[int]:
    """The only column of `rows`, without an object for each."""
    try:
        statement, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [row[0] for row in cursor.fetchall()]


def _model(field: CustomField) -> type[CustomerValue] | type[UserValue]:
    return CustomerValue if field.entity == CustomField.Entity.CUSTOMER else UserValue


def _record(entity: str) -> str:
    return "customer" if entity == CustomField.Entity.CUSTOMER else "user"
