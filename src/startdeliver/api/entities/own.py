"""The organization's own fields on customers and users, as fields of the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from startdeliver.api.entity import Context, Field, Row
from startdeliver.customers import custom
from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import CustomField


def fields_for(entity: str) -> Callable[[Context], Sequence[Field]]:
    """Returns the fields of "customer" or "user" that the caller's organization made, looked up once for a request."""

    def fields(context: Context) -> Sequence[Field]:
        key = f"custom {entity}"
        if key not in context.memo:
            context.memo[key] = [_field(own) for own in fields_of(entity)]
        result: Sequence[Field] = context.memo[key]
        return result

    return fields


def _field(own: CustomField) -> Field:
    return Field(
        name=own.alias,
        kind=custom.kind_of(own),
        column=custom.column_of(own),
        needs=("custom",),
        read=partial(_read, own.alias),
        within=partial(custom.has, own),
        order=custom.order_of(own),
        arrange=lambda rows, descending, start, stop: custom.sorted_ids(rows, own, descending, start, stop),
        stored=own.alias,
        writable=True,
        required=own.required,
        description=own.description,
    )


def _read(alias: str, row: Row, context: Context) -> Any:
    return row["custom"].get(alias)
