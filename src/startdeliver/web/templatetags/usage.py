"""Usage health in a few letters. `{% load usage %}`."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from startdeliver.web import icons

register = template.Library()

_WORDS = {"good": "Good", "fair": "Fair", "poor": "Poor"}


@register.filter
def health_word(status: str | None) -> str:
    """Good, Fair, Poor or No data."""
    return _WORDS.get(status or "", "No data")


@register.simple_tag
def health_mark(status: str | None) -> SafeString:
    """Only the shape of a health, in its colour; the word must stand beside it for screen readers."""
    known = status if status in _WORDS else None
    return format_html('<span class="health health-{}">{}</span>', known or "none", icons.health_shape(known))
