"""The assessment's five statuses and its trend, as shape and word. `{% load assessment %}`."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from startdeliver.assessment.statuses import LEVELS, Status, Trend
from startdeliver.common.health import Health, css_class

register = template.Library()

_TONES: dict[Status, Health | None] = {
    Status.THRIVING: Health.GOOD,
    Status.ENGAGED: Health.GOOD,
    Status.NEUTRAL: None,
    Status.ATTENTION: Health.FAIR,
    Status.RISK: Health.POOR,
}
_TRENDS = {Trend.IMPROVING: "M3 12 8 7l3 3 5-6M12 4h4v4", Trend.STEADY: "M3 10h13M12 6l4 4-4 4"}
_FALLING = "M3 5l5 5 3-3 5 6M12 13h4V9"


@register.simple_tag
def verdict(status: str, style: str = "") -> SafeString:
    """Returns the status as a ladder of five steps, filled up to its level, and its word."""
    known = Status(status)
    steps = format_html_join(
        "",
        '<rect x="{}" y="{}" width="2.4" height="{}" rx=".6" fill="currentColor" opacity="{}"/>',
        ((1 + 3.2 * i, 9 - 1.6 * i, 2 + 1.6 * i, "1" if i <= LEVELS[known] else ".25") for i in range(5)),
    )
    return format_html(
        '<span class="health health-{}{}"><svg class="verdict-shape" viewBox="0 0 17 12" width="17" height="12" '
        'aria-hidden="true">{}</svg>{}</span>',
        css_class(_TONES[known]),
        f" health-{style}" if style else "",
        steps,
        known.label,
    )


@register.simple_tag
def going(trend: str) -> SafeString:
    """Returns the trend as an arrow and its word."""
    known = Trend(trend)
    return format_html(
        '<span class="going"><svg class="icon icon-small" viewBox="0 0 20 16" aria-hidden="true"><path d="{}"/></svg>'
        "{}</span>",
        _TRENDS.get(known, _FALLING),
        known.label,
    )


@register.filter
def side(weight: object) -> str:
    """Either "for", "against" or "note", for the weight of a signal."""
    text = str(weight).lower()
    if text == "good":
        return "for"
    return "against" if text in ("critical", "serious", "concern") else "note"
