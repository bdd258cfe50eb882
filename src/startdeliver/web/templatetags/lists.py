"""Values of custom fields as lists and forms show them. `{% load lists %}`."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from startdeliver.customers.custom import is_alias
from startdeliver.customers.models import CustomField
from startdeliver.usage.models import Product
from startdeliver.web import formats
from startdeliver.web.listing import PRODUCT, WORKFLOW

register = template.Library()


@register.simple_tag
def own_value(record: Any, field: CustomField) -> SafeString | str:
    """Returns the record's value of a custom field in words; a dash for none."""
    text = own_words(record.custom.get(field.alias) if isinstance(record.custom, dict) else None, field)
    return text if text != formats.NOTHING else format_html('<span class="muted">{}</span>', text)


def own_words(value: Any, field: CustomField) -> str:
    """Returns a custom value in words; a dash for none."""
    if value is None:
        return formats.NOTHING
    if field.type == CustomField.Type.BOOLEAN:
        return "Yes" if value else "No"
    if field.type == CustomField.Type.DATE:
        return formats.day(date.fromisoformat(str(value)))
    if field.type == CustomField.Type.NUMBER:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
    return str(value)


@register.filter
def own_filter(params: Any, name: str) -> str:
    """The value of the filter `name` in the address."""
    values = params.get(name) or [""]
    return values if isinstance(values, str) else str(values[0])


@register.filter
def is_own(name: str) -> bool:
    """Returns whether a parameter filters by a custom field, product or workflow, which have inputs in the panel."""
    return is_alias(name) or name.startswith(PRODUCT) or name == WORKFLOW


@register.filter
def product_param(product: Product) -> str:
    """Returns the parameter of a filter by a product's health."""
    return f"{PRODUCT}{product.pk}"
