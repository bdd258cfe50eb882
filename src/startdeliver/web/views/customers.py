"""The customers list, and what is done to several customers at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from startdeliver.common import clock
from startdeliver.customers import selectors, services
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support import health
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Member, Organization
from startdeliver.web import formats
from startdeliver.web.access import is_swap, member_of, organization_of, writers_only
from startdeliver.web.paging import SIZE, Page, page_number

_RECENT = timedelta(days=30)
_RANK = {"good": 0, "fair": 1, "poor": 2}
_STRIP = (("", "All"), ("poor", "Poor"), ("fair", "Fair"), ("good", "Good"), ("none", "No data"))


@dataclass(frozen=True)
class StripItem:
    """One count above the list; a click filters by it."""

    health: str
    label: str
    count: int
    url: str
    current: bool


@require_safe
def customer_list(request: HttpRequest) -> HttpResponse:
    """All customers: strip of counts, filters, sort, and what got worse most recently first."""
    organization, member = organization_of(request), member_of(request)
    health.refresh_due(organization)
    search = request.GET.get("q", "").strip()[:200]
    sort = request.GET.get("sort", selectors.DEFAULT_SORT)
    csm_text = request.GET.get("csm", "")
    filters = selectors.CustomerFilters(
        health=request.GET.get("health", ""), csm=_csm(csm_text, member), archived=request.GET.get("archived") == "1"
    )
    counts = selectors.health_counts(filters, search)
    total = sum(counts.values())
    shown = counts.get(filters.health, total)
    page = _page(filters, sort, search, page_number(request), shown)
    members = list(Member.objects.of(organization).order_by("name", "email"))
    narrowed = bool(search or filters.csm is not None or filters.archived or filters.health)
    context = {
        "page": page,
        "sort": sort,
        "search": search,
        "filters": filters,
        "csm_text": csm_text,
        "is_mine": filters.csm == member.pk,
        "mine_next": None if filters.csm == member.pk else "me",
        "archived_next": None if filters.archived else "1",
        "members": members,
        "strip": _strip(request, counts, total, filters.health),
        "narrowed": narrowed,
        "today": clock.today(organization.time_zone),
        "unassigned": CustomerUser.objects.filter(customer__isnull=True, archived_at__isnull=True).count(),
    }
    if not page.rows and not narrowed:
        context |= _first_start(organization)
    template = "web/customers/_list.html" if is_swap(request, "list") else "web/customers/list.html"
    return render(request, template, context)


@require_POST
@writers_only
def assign(request: HttpRequest) -> HttpResponse:
    """Gives the selected customers to one CSM (or to nobody)."""
    organization, member = organization_of(request), member_of(request)
    ids = [int(text) for text in request.POST.getlist("pick") if text.isdecimal()][:1000]
    chosen = request.POST.get("to", "")
    csm = Member.objects.of(organization).filter(pk=int(chosen)).first() if chosen.isdecimal() else None
    if not ids:
        messages.error(request, "No customer was selected, so nothing was changed. Tick one or more first.")
    elif chosen != "none" and csm is None:
        messages.error(request, "No CSM was chosen, so nothing was changed. Choose one beside the button.")
    else:
        services.customer_assign(customers=ids, csm=csm, by=member.email)
        whose = f"{csm.display_name} is now the CSM of" if csm else "Nobody is now the CSM of"
        messages.success(request, f"{whose} {formats.plural(len(ids), 'customer')}.")
    return redirect(_back(request, "/customers"))


@require_safe
def pick(request: HttpRequest) -> HttpResponse:
    """Customers to choose from, for the picker of a form: a fragment that follows what is typed."""
    text = request.GET.get("customer_search", "").strip()[:200]
    found = selectors.search_customers(text, 8) if text else []
    found = [customer for customer in found if customer.archived_at is None]
    return render(request, "web/customers/_pick.html", {"found": found, "text": text})


def _page(filters: selectors.CustomerFilters, sort: str, search: str, number: int, count: int) -> Page[Customer]:
    start = (number - 1) * SIZE
    rows = selectors.customers_page(filters, sort, search, start=start, stop=start + SIZE + 1)
    recent = clock.now() - _RECENT
    for row in rows:
        row.was = _was(row, recent)  # type: ignore[attr-defined]
    return Page(rows[:SIZE], number, len(rows) > SIZE, SIZE, count)


def _was(customer: Any, recent: datetime) -> str:
    """What the health was before it got worse, when that was not long ago; else empty."""
    now = customer.health
    if now is None or now.status is None or now.changed_at is None or now.changed_at < recent:
        return ""
    worse = _RANK[now.status] > _RANK.get(now.previous_status, 9)
    return now.get_previous_status_display() if worse else ""


def _csm(text: str, member: Member) -> int | None:
    if text == "me":
        return member.pk
    if text == "none":
        return 0
    return int(text) if text.isdecimal() and len(text) < 18 and int(text) else None


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


def _back(request: HttpRequest, fallback: str) -> str:
    target = request.POST.get("next", "")
    return target if target.startswith(("/customers", "/users")) else fallback
