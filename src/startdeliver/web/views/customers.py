"""The customers list, and actions on several customers at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from startdeliver.common import clock
from startdeliver.common.health import FILTERS, health_label, is_worse
from startdeliver.customers import lists, selectors, services
from startdeliver.customers.models import Customer, CustomerUser, SavedList
from startdeliver.support import health
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Member, Organization
from startdeliver.web import formats
from startdeliver.web.access import is_swap, member_of, organization_of
from startdeliver.web.listing import COLUMNS, Asked, address, asked, own_column
from startdeliver.web.paging import SIZE, Page, page_number
from startdeliver.web.params import back, picked, row_of, search_text
from startdeliver.web.templatetags.ui import Tab
from startdeliver.web.views import usage, workflows
from startdeliver.web.views.assessment import attach, strip_counts
from startdeliver.web.views.lists import list_address
from startdeliver.workflows import selectors as selectors_of_workflows

_RECENT = timedelta(days=30)
_STRIP = (("", "Support: all"), *FILTERS)


@dataclass(frozen=True)
class StripItem:
    """One count above the list; a click filters by it."""

    health: str
    label: str
    count: int
    url: str
    current: bool


def customer_list(request: HttpRequest) -> HttpResponse:
    """All customers: strip of counts, filters and sorting; those that got worse most recently come first."""
    organization, member = organization_of(request), member_of(request)
    health.refresh_due(organization)
    now = asked(request.GET, member)
    saved = lists.list_for(member, now.list_id) if now.list_id else None
    if saved is not None and set(request.GET) == {"list"}:
        return redirect(list_address(saved))
    filters, search = selectors.narrowed(now.filters, now.search)
    counts = selectors.health_counts(filters, search)
    total = sum(counts.values())
    shown = counts.get(now.filters.health, total)
    page = _page(now, filters, search, page_number(request), shown)
    if any(column.key == "workflows" for column in now.columns):
        workflows.attach(page.rows)
    members, former = selectors.csms()
    context = {
        "page": page,
        "asked": now,
        "sort": now.sort,
        "search": now.search,
        "archived_next": None if now.filters.archived else "1",
        "members": members,
        "former": former,
        "strip": _strip(request, counts, total, now.filters.health),
        "verdicts": [
            StripItem(
                status, label, number, now.address(("assessment", "page"), assessment=status), now.verdict == status
            )
            for status, label, number in strip_counts(_but_for_verdict(now, filters, search))
        ],
        "today": clock.today(organization.time_zone),
        "usages": FILTERS,
        "workflows": selectors_of_workflows.live(),
        "unassigned": CustomerUser.objects.filter(customer__isnull=True, archived_at__isnull=True).count(),
        **_lists(now, saved, member),
    }
    if not page.rows and not now.narrowed:
        context |= _first_start(organization)
    template = "web/customers/_list.html" if is_swap(request, "list") else "web/customers/list.html"
    return render(request, template, context)


def assign(request: HttpRequest) -> HttpResponse:
    """Gives the selected customers to one CSM (or to nobody)."""
    organization, member = organization_of(request), member_of(request)
    ids = picked(request)
    chosen = request.POST.get("to", "")
    csm = row_of(Member.objects.of(organization), chosen)
    if not ids:
        messages.error(request, "No customer was selected, so nothing was changed. Tick one or more first.")
    elif chosen != "none" and csm is None:
        messages.error(request, "No CSM was chosen, so nothing was changed. Choose one beside the button.")
    else:
        services.customer_assign(customers=ids, csm=csm, by=member.email)
        whose = f"{csm.display_name} is now the CSM of" if csm else "Nobody is now the CSM of"
        messages.success(request, f"{whose} {formats.plural(len(ids), 'customer')}.")
    return redirect(back(request, "/customers", "/customers", "/users"))


def pick(request: HttpRequest) -> HttpResponse:
    """Customers that match the typed text, as a fragment for the picker of a form."""
    text = search_text(request.GET, "customer_search")
    matches = selectors.search_customers(text, 8) if text else []
    matches = [customer for customer in matches if customer.archived_at is None]
    return render(request, "web/customers/_pick.html", {"found": matches, "text": text})


def _page(now: Asked, filters: selectors.CustomerFilters, search: str, number: int, count: int) -> Page[Customer]:
    start = (number - 1) * SIZE
    rows = selectors.customers_page(filters, now.sort, search, start=start, stop=start + SIZE + 1)
    recent = clock.now() - _RECENT
    for row in rows:
        row.was = _was(row, recent)  # type: ignore[attr-defined]
    attach(rows[:SIZE])
    usage.attach(rows[:SIZE], now.products)
    return Page(rows[:SIZE], number, len(rows) > SIZE, SIZE, count)


def _was(customer: Any, recent: datetime) -> str:
    """Returns the health before it got worse, if that was recent; else empty."""
    now = customer.health
    if now is None or now.status is None or now.changed_at is None or now.changed_at < recent:
        return ""
    return health_label(now.previous_status) if is_worse(now.status, now.previous_status) else ""


def _lists(now: Asked, saved: SavedList | None, member: Member) -> dict[str, Any]:
    """Returns the tabs above the list, and the actions for the open saved list."""
    mine = address({"csm": ["me"]}, [], selectors.DEFAULT_SORT)
    is_mine = saved is None and now.csm_text == "me"
    tabs = [Tab("All customers", "/customers", saved is None and not is_mine), Tab("My portfolio", mine, is_mine)]
    tabs += [Tab(one.name, list_address(one), saved == one) for one in lists.lists_of(member)]
    changed = saved is not None and (saved.asks, saved.columns, saved.sort) != (now.params, now.keys, now.sort)
    shown = {column.key for column in now.columns}
    return {
        "list_tabs": tabs,
        "products_shown": "products" in shown,
        "saved": saved,
        "saved_changed": changed,
        "saved_mine": saved is not None and lists.may_change(member, saved),
        "saved_url": f"/customers/lists/{saved.pk}" if saved else "",
        "query": now.address(path=""),
        "workflow_url": now.address(path="/workflows/bulk", without=["list", "columns", "sort"]),
        "export_url": now.address(path="/customers/export", without=["list"]),
        "own_chips": [(one, now.address(without=one.values)) for one in now.own],
        "column_choices": [(one, one.key in shown) for one in [*COLUMNS, *map(own_column, now.fields)]],
    }


def _but_for_verdict(now: Asked, filters: selectors.CustomerFilters, search: str) -> QuerySet[Customer] | None:
    """Returns the customers of the list with any assessment; None if these are all customers.

    `filters` and `search` are those of the list; the search has already been run.
    """
    if now.verdict:
        others = tuple(one for one in now.filters.fields if one != Q(assessment__status=now.verdict))
        filters, search = replace(now.filters, fields=others), now.search
    return selectors.matching(filters, search) if search or filters != selectors.CustomerFilters() else None


def _strip(request: HttpRequest, counts: dict[str, int], total: int, current: str) -> list[StripItem]:
    kept = {key: value for key, value in request.GET.items() if key not in ("health", "page") and value}
    items = []
    for key, label in _STRIP:
        query = urlencode({**kept, **({"health": key} if key else {})})
        url = f"/customers?{query}" if query else "/customers"
        is_current = key == current or (not key and current not in counts)
        items.append(StripItem(key, label, counts[key] if key else total, url, is_current))
    return items


def _first_start(organization: Organization) -> dict[str, object]:
    connection = Connection.objects.filter(organization=organization).first()
    return {"first_start": True, "connected": bool(connection and connection.is_ready)}
