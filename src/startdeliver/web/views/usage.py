"""Usage on the pages of a customer and of a user: the tile, the tab with its charts, and a user's own usage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString

from startdeliver.common.health import Health, health_label
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.usage import selectors, tab
from startdeliver.usage.models import Product, UsageDay
from startdeliver.web import charts, formats
from startdeliver.web.paging import Page, page_number
from startdeliver.web.templatetags.ui import Tab

WINDOWS = (35, 90, 365)
_PAGE = 25
_CHARTS = 6


@dataclass(frozen=True)
class TypeChart:
    """One usage type's small chart."""

    name: str
    total: int
    unit: str
    svg: SafeString


def tile_context(customer: Customer) -> dict[str, Any]:
    """Returns the context of the Usage tile."""
    tile = selectors.usage_tile(customer)
    daily = [float(count) for _, count in selectors.active_users_per_day(customer, WINDOWS[0])]
    line = charts.sparkline(daily, title=f"Active users per day, {WINDOWS[0]} days") if any(daily) else ""
    return {"usage": tile, "usage_why": _why(tile), "usage_line": line, "usage_products": bool(tile.badges)}


def tab_context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Returns the Usage tab for the window and order in the address: ?tab=usage&days=90&sort=-login&page=2."""
    text = request.GET.get("days", "")
    days = int(text) if text in {str(item) for item in WINDOWS} else WINDOWS[0]
    sort = request.GET.get("sort", "")[:40] or "-events"
    cards = tab.product_cards(customer)
    context: dict[str, Any] = {
        "cards": cards,
        "days": days,
        "sort": sort,
        "windows": _windows(request, customer, days),
        "has_usage": UsageDay.objects.filter(
            user__organization=customer.organization_id, user__customer=customer
        ).exists(),
        "has_products": bool(cards),
    }
    if not context["has_usage"]:
        return context
    active = selectors.active_users_per_day(customer, days)
    number = page_number(request)
    start = (number - 1) * _PAGE
    people = tab.people(customer, days, sort, start, start + _PAGE)
    return context | {
        "summary": tab.summary(customer, people, active),
        "active_svg": charts.trend_line(
            [charts.Series("Active users", [charts.Point(day, float(count)) for day, count in active], area=True)],
            title=f"Active users per day, {days} days",
            unit="users",
            height=152,
        ),
        "active_heads": ("Day", "Active users"),
        "active_rows": [(formats.day(day), f"{count:,}") for day, count in reversed(active)],
        **_types(customer, days),
        "people": people,
        "page": Page(people.rows, number, start + _PAGE < people.count, _PAGE, people.count),
        "type_heads": [(f"type-{item.pk}", item.name) for item in people.types],
    }


def user_context(user: CustomerUser) -> dict[str, Any]:
    """Returns the usage for a user's page."""
    rows, active = tab.user_usage(user, WINDOWS[0])
    reached = tab.reached([user], user.organization)[user.pk] if user.customer_id else []
    return {
        "usage_days": WINDOWS[0],
        "usage_rows": rows,
        "usage_active": active,
        "usage_events": sum(row[1] for row in rows),
        "usage_reached": reached,
        "usage_measured": selectors.is_configured(),
    }


def attach(rows: Iterable[Customer], products: Sequence[Product]) -> None:
    """Sets the `badges` of every customer of a page of the list, one for each of the `products`; one query."""
    customers = list(rows)
    badges = selectors.badges([row.pk for row in customers], products)
    for row in customers:
        row.badges = badges[row.pk]  # type: ignore[attr-defined]


def _why(tile: selectors.Tile) -> str:
    """Returns the reason for the overall status in one sentence."""
    if not tile.badges:
        return ""
    counted = [item for item in tile.badges if item.in_average and item.status]
    if tile.status is None or tile.score is None or not counted:
        if any(item.in_average for item in tile.badges):
            return "No product has data yet."
        return "No product is included in the average."
    if len(counted) == 1:
        return f"{counted[0].name} is {health_label(counted[0].status)}."
    numbers = {status: sum(item.status == status for item in counted) for status in Health}
    parts = [f"{number} {status.label}" for status, number in numbers.items() if number]
    if len(parts) == 1:
        return f"All {len(counted)} products are {health_label(tile.status)}."
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Of {len(counted)} products {listed}; their mean is {health_label(tile.status)}."


def _windows(request: HttpRequest, customer: Customer, days: int) -> list[Tab]:
    order = request.GET.get("sort", "")[:40]
    more = f"&sort={order}" if order.removeprefix("-").replace("-", "").isalnum() else ""
    url = f"/customers/{customer.pk}?tab=usage"
    labels = {35: "35 days", 90: "90 days", 365: "1 year"}
    return [Tab(labels[item], f"{url}&days={item}{more}", item == days) for item in WINDOWS]


def _types(customer: Customer, days: int) -> dict[str, Any]:
    found = selectors.events_per_type_per_day(customer, days)
    small = [
        TypeChart(
            item.usage_type.name,
            item.total,
            item.usage_type.unit,
            charts.trend_line(
                [charts.Series(item.usage_type.name, _points(item.days), area=True)],
                title=f"{item.usage_type.name}: events per day, {days} days",
                unit="events",
                height=104,
            ),
        )
        for item in found[:_CHARTS]
    ]
    return {
        "type_charts": small,
        "type_rest": found[_CHARTS:],
        "type_names": ("Day", *(item.usage_type.name for item in found)),
        "type_rows": [
            (formats.day(day), *(f"{item.days[index][1]:,}" for item in found))
            for index, (day, _) in reversed(list(enumerate(found[0].days)))
        ]
        if found
        else [],
    }


def _points(values: Sequence[tuple[date, int]]) -> list[charts.Point]:
    return [charts.Point(day, float(count)) for day, count in values]
