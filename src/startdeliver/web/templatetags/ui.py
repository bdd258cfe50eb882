"""The components that every page is made of. `{% load ui %}`.

Tags without a body: icon, health, ago, exact, stat, field, empty, tabs, sort_head, pagination, confirm, person,
svg_table.
Filters: number, money, duration, day, days_away, initials, plural_of.
Tags with a body: card, dialog.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from startdeliver import __version__
from startdeliver.common import clock
from startdeliver.common.health import css_class, health_label
from startdeliver.web import formats, icons

register = template.Library()
register.filter("number", formats.number)
register.filter("money", formats.money)
register.filter("duration", formats.duration)
register.filter("day", formats.day)
register.filter("days_away", formats.days_away)
register.filter("initials", formats.initials)


@dataclass(frozen=True)
class Tab:
    """One tab: `count` is shown beside the label when given."""

    label: str
    url: str
    current: bool = False
    count: int | None = None


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """Returns an icon of `web.icons`."""
    return icons.icon(name, size)


@register.simple_tag
def health(value: str | None, style: str = "") -> SafeString:
    """Returns health as shape and word; `style` is "", "badge" or "big". `value` is good, fair, poor or empty."""
    classes = f"health health-{css_class(value)}" + (f" health-{style}" if style else "")
    return format_html('<span class="{}">{}{}</span>', classes, icons.health_shape(value), health_label(value))


@register.simple_tag
def health_mark(value: str | None) -> SafeString:
    """Returns only the shape of a health, in its colour. The word must be beside it for screen readers."""
    return format_html('<span class="health health-{}">{}</span>', css_class(value), icons.health_shape(value))


@register.filter
def health_word(value: str | None) -> str:
    """Good, Fair, Poor or No data."""
    return health_label(value)


@register.simple_tag
def ago(at: datetime | None, nothing: str = formats.NOTHING) -> SafeString | str:
    """Returns a relative time; the exact one is its title and is read out by screen readers."""
    if at is None:
        return nothing
    full = formats.exact(at, timezone.get_current_timezone_name())
    return format_html(
        '<time datetime="{}" title="{}">{}<span class="sr-only">, {}</span></time>',
        at.isoformat(),
        full,
        formats.ago(at, clock.now()),
        full,
    )


@register.simple_tag
def exact(at: datetime | None, nothing: str = formats.NOTHING) -> SafeString | str:
    """Returns the moment in full in the member's zone."""
    if at is None:
        return nothing
    full = formats.exact(at, timezone.get_current_timezone_name())
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), full)


@register.filter
def money_round(value: Decimal | None, currency: str) -> str:
    """Money in whole units, for columns."""
    return formats.money(None if value is None else round(value), currency)


@register.filter
def plural_of(count: int, words: str) -> str:
    """`{{ 3|plural_of:"ticket" }}` → "3 tickets"; `"person,people"` names an odd plural."""
    one, _, many = words.partition(",")
    return formats.plural(count, one, many)


@register.inclusion_tag("web/components/stat.html")
def stat(label: str, value: Any, note: str = "", big: bool = False, tone: str = "") -> dict[str, Any]:
    """Returns a number with its name; `tone` is "", "good", "fair" or "poor"."""
    return {"label": label, "value": value, "note": note, "big": big, "tone": tone}


@register.inclusion_tag("web/components/person.html")
def person(name: str, note: str = "", small: bool = True) -> dict[str, Any]:
    """Returns a person's initials and name."""
    return {"name": name, "note": note, "small": small}


@register.inclusion_tag("web/components/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """Returns a form field with label, help and error, wired for screen readers."""
    widget = bound.field.widget
    kind = getattr(widget, "input_type", "textarea")
    attrs: dict[str, Any] = {}
    if kind != "checkbox":
        attrs["class"] = kind if kind in ("select", "textarea") else "input"
    described = []
    if bound.help_text:
        described.append(f"{bound.id_for_label}-help")
    if bound.errors:
        described.append(f"{bound.id_for_label}-error")
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return {"bound": bound, "kind": kind, "control": bound.as_widget(attrs=attrs)}


@register.inclusion_tag("web/components/empty.html")
def empty(
    icon_name: str, title: str, text: str = "", url: str = "", label: str = "", more_url: str = "", more_label: str = ""
) -> dict[str, Any]:
    """Returns an empty state: what will be here, why it is useful, and the button that adds it."""
    return {
        "icon_name": icon_name,
        "title": title,
        "text": text,
        "url": url,
        "label": label,
        "more_url": more_url,
        "more_label": more_label,
    }


@register.inclusion_tag("web/components/tabs.html")
def tabs(items: Sequence[Tab], label: str, target: str = "") -> dict[str, Any]:
    """Tabs as links; with `target` (an element's id) htmx swaps that element in place and keeps the address."""
    return {"items": items, "label": label, "target": target}


@register.inclusion_tag("web/components/chips.html")
def chips(items: Sequence[Tab], label: str, target: str = "") -> dict[str, Any]:
    """Filters as a row of chips; with `target` htmx swaps that element in place."""
    return {"items": items, "label": label, "target": target}


@register.inclusion_tag("web/components/facts.html", takes_context=True)
def facts(context: Context, items: Sequence[Any], tight: bool = False) -> dict[str, Any]:
    """Fields of a record (`web.provenance.Fact`) with the origin and time of each value."""
    return {"facts": items, "tight": tight, "organization": context.get("organization")}


@register.inclusion_tag("web/components/attributes.html")
def attributes(items: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Names and values, read only."""
    return {"attributes": items}


@register.filter
def anchored(link: str) -> str:
    """Returns a link to a tab that scrolls to the tab, because its content is often below the fold."""
    return f"{link}#tab" if "tab=" in link and "#" not in link else link


@register.inclusion_tag("web/components/customer_picker.html")
def customer_picker(label: str, picker_id: str) -> dict[str, Any]:
    """Returns a search for one customer in a form; the choice is sent as `customer`."""
    return {"label": label, "picker_id": picker_id}


@register.inclusion_tag("web/components/sort_head.html", takes_context=True)
def sort_head(
    context: Context, key: str, label: str, target: str, cls: str = "", first: str = "asc", title: str = ""
) -> dict[str, Any]:
    """The header of a sortable column. The context's `sort` is "name" or "-name"; `first` the first click's order."""
    sort = str(context.get("sort") or "")
    current = sort.lstrip("-") == key
    descending = sort.startswith("-")
    start = f"-{key}" if first == "desc" else key
    return {
        "request": context["request"],
        "key": key,
        "label": label,
        "title": title,
        "cls": cls,
        "target": target,
        "aria": ("descending" if descending else "ascending") if current else "none",
        "next": (key if descending else f"-{key}") if current else start,
    }


@register.inclusion_tag("web/components/pagination.html", takes_context=True)
def pagination(context: Context, page: Any, target: str, what: str = "row") -> dict[str, Any]:
    """Previous and next for a `web.paging.Page`; the list swaps inside the element `target`."""
    return {"request": context["request"], "page": page, "target": target, "what": what}


@register.inclusion_tag("web/components/confirm.html", takes_context=True)
def confirm(
    context: Context,
    dialog_id: str,
    title: str,
    text: str,
    url: str,
    label: str,
    danger: bool = False,
    next_url: str = "",
) -> dict[str, Any]:
    """Returns a dialog that asks before a POST to `url`; a button with data-dialog="dialog_id" opens it."""
    return {
        "csrf_token": context.get("csrf_token"),
        "dialog_id": dialog_id,
        "title": title,
        "text": text,
        "url": url,
        "label": label,
        "danger": danger,
        "next_url": next_url,
    }


@register.simple_block_tag
def card(content: str, title: str = "", cls: str = "", level: int = 2) -> SafeString:
    """Returns a surface with an optional title."""
    head = (
        format_html('<div class="card-head"><h{} class="card-title">{}</h{}></div>', level, title, level)
        if title
        else ""
    )
    return format_html('<section class="card {}">{}<div class="card-body">{}</div></section>', cls, head, content)


@register.simple_block_tag
def dialog(content: str, dialog_id: str, title: str) -> SafeString:
    """Returns a dialog; a button with data-dialog="dialog_id" opens it, one with data-close closes it."""
    return format_html(
        '<dialog class="dialog" id="{0}" aria-labelledby="{0}-title"><div class="dialog-body">'
        '<h2 class="dialog-title" id="{0}-title">{1}</h2>{2}</div></dialog>',
        dialog_id,
        title,
        content,
    )


@register.simple_tag
def svg_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> SafeString:
    """Returns the table of a chart, collapsed."""
    head = format_html_join("", '<th scope="col">{}</th>', ((text,) for text in heads))
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        ((row[0], format_html_join("", "<td>{}</td>", ((cell,) for cell in row[1:]))) for row in rows),
    )
    return format_html(
        '<details class="chart-data"><summary>Show as a table<span class="sr-only">: {0}</span></summary>'
        '<div tabindex="0" role="region" aria-label="{0}"><table><thead><tr>{1}</tr></thead><tbody>{2}</tbody></table>'
        "</div></details>",
        caption,
        head,
        body,
    )


@register.simple_tag
def htmx_config() -> SafeString:
    """htmx's settings for the Content-Security-Policy. Nothing is stored in the browser."""
    return mark_safe(
        '<meta name="htmx-config" content=\'{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,'
        '"historyCacheSize":0,"scrollIntoViewOnBoost":false,"defaultSettleDelay":0}\'>'
    )


@register.simple_tag
def asset(path: str) -> str:
    """Returns the address of a static file with the version, so that caches do not hide a new release."""
    return f"{settings.STATIC_URL}{path}?v={__version__}"
