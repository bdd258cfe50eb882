"""Values as they stand in Intercom. `{% load push %}`."""

from __future__ import annotations

from typing import Any

from django import template

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.sync.push import standing
from startdeliver.web import formats

register = template.Library()


@register.filter
def shown(value: Any, data_type: str = "string") -> str:
    """Formats a value. Dates are unix seconds in Intercom and are shown in UTC."""
    if value is None or value == "":
        return "no value"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if data_type == "date" and isinstance(value, int | float):
        return formats.intercom_date(value)
    return str(value)


@register.filter
def shown_as(value: Any, name: str) -> str:
    """Does the same as `shown` if only the attribute's name is known, as in the log."""
    return shown(value, "date" if formats.is_intercom_date(name, value) else "string")


_KINDS = {"string": "text", "integer": "number", "float": "number", "boolean": "true or false", "options": "list"}


@register.filter
def kind(data_type: str) -> str:
    """Intercom's data type in words."""
    return _KINDS.get(data_type, data_type)


@register.filter
def plain(key: str) -> str:
    """Returns an attribute's or core field's name without its prefix."""
    return key.removeprefix("core.")


@register.inclusion_tag("web/push/_standing.html")
def push_standing(record: Customer | CustomerUser) -> dict[str, Any]:
    """What Startdeliver has written to Intercom about a customer or user, and since when; empty if nothing is sent."""
    return {"places": standing.places(record)}
