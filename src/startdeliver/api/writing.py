"""Bodies of writes: what a caller may set, checked; what is read-only is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from startdeliver.api.entity import Field
from startdeliver.api.errors import ApiError, Conflict, Invalid
from startdeliver.common.values import BadValue, FieldError, Text
from startdeliver.customers.values import TAKEN


def values_of(fields: Mapping[str, Field], body: object, *, complete: bool, defaults: bool = False) -> dict[str, Any]:
    """The writable values of a body, by field name.

    `complete`: required fields must be there. `defaults`: what the body leaves out comes with its default (PUT).
    Raises Invalid.
    """
    if not isinstance(body, dict):
        raise Invalid("The body must be one JSON object.")
    values: dict[str, Any] = {}
    for name, value in body.items():
        field = fields.get(name)
        if field is None:
            # The published client adds such names of its own to what it has read.
            if name.startswith("$"):
                continue
            known = ", ".join(sorted(field.name for field in fields.values() if field.writable))
            raise Invalid(f"There is no field “{name[:40]}” here. Fields that can be set: {known}.", field=name)
        if field.writable:
            values[name] = _value(field, value)
    for field in fields.values():
        if not field.writable or field.name in values:
            continue
        if complete and field.required:
            raise Invalid(f"{field.name} is required.", field=field.name)
        if defaults:
            values[field.name] = field.default
    return values


def for_services(fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by the names that the domain's services use."""
    return {fields[name].service_name: value for name, value in values.items()}


def refused(fields: Mapping[str, Field], error: FieldError) -> ApiError:
    """What a service refused, by the API's names: a conflict when the value is taken, else invalid."""
    names = {field.service_name: name for name, field in fields.items() if field.writable}
    sentences = {names.get(name, name): sentence for name, sentence in error.errors.items()}
    first = next(iter(sentences), None)
    kind = Conflict if all(sentence == TAKEN for sentence in sentences.values()) else Invalid
    return kind(" ".join(sentences.values()), field=first, fields=sentences)


def _value(field: Field, value: object) -> Any:
    if value is None:
        if field.required or not field.nullable:
            raise Invalid(f"{field.name} must not be null.", field=field.name)
        return field.default
    try:
        parsed = field.kind.parse(value)
    except BadValue as error:
        raise Invalid(f"{field.name}: {error}", field=field.name) from error
    if field.required and isinstance(field.kind, Text) and not parsed.strip():
        raise Invalid(f"{field.name} must not be empty.", field=field.name)
    return parsed
