"""Values of custom fields: what may stand in one, and keeping the typed rows that filters and sort orders look at.

A value is JSON (text, number, true or false, a day as "2027-03-31") in the record's `custom` by alias. Filters and sort
orders of long lists look at CustomerValue and UserValue instead, which `write` keeps alike in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from startdeliver.customers import fields as definitions
from startdeliver.customers import values as clean
from startdeliver.customers.models import Customer, CustomerUser, CustomerValue, CustomField, UserValue
from startdeliver.customers.values import FieldError
from startdeliver.storage import bulk
from startdeliver.storage.sql import among, is_postgres
from startdeliver.tenancy.models import Organization

COLUMNS = {
    CustomField.Type.TEXT: "text",
    CustomField.Type.DROPDOWN: "text",
    CustomField.Type.NUMBER: "number",
    CustomField.Type.DATE: "date",
    CustomField.Type.BOOLEAN: "flag",
}
_VALUE_COLUMNS = tuple(dict.fromkeys(COLUMNS.values()))
_TRUE, _FALSE = {"1", "true", "on", "yes"}, {"0", "false", "off", "no"}
_LIMIT = 10**12
_NEAR = 1_000
# So many records are looked up sooner than all values of a field are read.
_SOME = 20_000


def is_alias(name: str) -> bool:
    """Whether `name` looks like the alias of a custom field."""
    return name.startswith(definitions.PREFIX)


def column_of(field: CustomField) -> str:
    """The column of a value row that holds this field's values."""
    return COLUMNS[CustomField.Type(field.type)]


def value_of(field: CustomField, value: Any) -> str | int | float | bool | None:
    """The JSON value to store for `value`, which is typed or text as a form gives it; None for none. Raises FieldError.

    Does not look at `required`.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    organization = field.organization
    if field.type == CustomField.Type.NUMBER:
        return number(field.alias, value)
    if field.type == CustomField.Type.DATE:
        found = clean.day(organization, field.alias, value)
        return found.isoformat() if found else None
    if field.type == CustomField.Type.BOOLEAN:
        text = str(value).strip().lower()
        if not isinstance(value, bool) and text not in _TRUE | _FALSE:
            raise FieldError({field.alias: "Choose yes or no."})
        return value if isinstance(value, bool) else text in _TRUE
    text = clean.text(500)(organization, field.alias, value)
    if field.type == CustomField.Type.DROPDOWN:
        options = {one.casefold(): one for one in field.options}
        chosen = text if text in field.options else options.get(text.casefold())
        if chosen is None:
            raise FieldError({field.alias: f"Choose one of the options: {_some(field.options)}."})
        return chosen
    return text or None


def number(name: str, value: Any) -> int | float:
    """A number as JSON keeps it: whole ones without a decimal point. Raises FieldError."""
    text = "" if isinstance(value, bool) else re.sub(r"(?<=\d)[,\s\u202f\u00a0'](?=\d{3}\b)", "", str(value).strip())
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise FieldError({name: "Enter a number, such as 12 or 12.5."})
    if not -_LIMIT < found < _LIMIT:
        raise FieldError({name: "Enter a number between minus and plus 1,000,000,000,000."})
    return int(found) if found == found.to_integral_value() else float(found)


def cleaned(
    organization: Organization, entity: str, values: Mapping[str, Any], *, creating: bool, own: Mapping[str, Any] = {}
) -> tuple[dict[str, Any], dict[str, str]]:
    """The custom values among `values`, by alias, and a sentence for each that cannot be stored.

    Aliases that are no active field are passed over. `own` is what the record has: a dropdown keeps an option that was
    taken away since. With `creating` a required field must be there.
    """
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    if not creating and not any(is_alias(name) for name in values):
        return found, errors
    for field in definitions.fields_of(entity):
        if field.alias not in values:
            if creating and field.required:
                errors[field.alias] = needed(field)
            continue
        given = values[field.alias]
        if given is not None and given == own.get(field.alias):
            found[field.alias] = given
            continue
        try:
            found[field.alias] = value_of(field, given)
        except FieldError as error:
            errors |= error.errors
            continue
        if field.required and found[field.alias] is None:
            errors[field.alias] = needed(field)
    return found, errors


def needed(field: CustomField) -> str:
    """What is said when a required field has no value."""
    return f"Enter a value: “{field.name}” is required."


def write(record: Customer | CustomerUser, aliases: Iterable[str]) -> None:
    """Makes the value rows of `record` say what its `custom` says for these aliases. Call it in its transaction."""
    entity = CustomField.Entity.CUSTOMER if isinstance(record, Customer) else CustomField.Entity.USER
    rows = {field.alias: field for field in CustomField.objects.filter(entity=entity, alias__in=list(aliases))}
    write_many(entity, [(record.pk, field, record.custom.get(alias)) for alias, field in rows.items()])


def write_many(entity: str, rows: Sequence[tuple[int, CustomField, Any]]) -> None:
    """Makes the value rows say what `rows` says: (record id, field, JSON value or None), in few statements."""
    if not rows:
        return
    model = CustomerValue if entity == CustomField.Entity.CUSTOMER else UserValue
    record = _record(entity)
    gone: dict[int, list[int]] = {}
    stored: dict[int, dict[tuple[int, int], tuple[Any, ...]]] = {}
    for pk, field, value in rows:
        if value is None:
            gone.setdefault(field.pk, []).append(pk)
        else:
            columns = dict.fromkeys(_VALUE_COLUMNS) | {column_of(field): typed(field, value)}
            of_one = stored.setdefault(field.organization_id, {})
            of_one[pk, field.pk] = (pk, field.pk, *columns.values())
    for field_id, pks in gone.items():
        for start in range(0, len(pks), 500):
            model.objects.filter(field=field_id, **{f"{record}__in": pks[start : start + 500]}).delete()
    key = ("organization_id", f"{record}_id", "field_id")
    with transaction.atomic():
        for organization_id, found in stored.items():
            made = list(found.values())
            for start in range(0, len(made), 10_000):
                part = made[start : start + 10_000]
                bulk.upsert(model, organization_id, (*key[1:], *_VALUE_COLUMNS), part, key=key, update=_VALUE_COLUMNS)


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
        found = [pk for pk in near if pk in kept]
        if len(found) >= stop:
            return found[start:stop]
    everything = _ids(rows.values_list("pk"))
    left = set(everything)
    if len(left) <= _SOME:
        in_order = in_order.filter(among(f"{record}_id", everything, "bigint"))
    found = [pk for pk in _ids(in_order) if pk in left]
    if len(found) < stop:
        left.difference_update(found)
        found += [pk for pk in everything if pk in left]
    return found[start:stop]


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


def _some(options: Sequence[str]) -> str:
    shown = ", ".join(options[:8])
    return f"{shown} and {len(options) - 8} more" if len(options) > 8 else shown
