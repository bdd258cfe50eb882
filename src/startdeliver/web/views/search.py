"""The search box: customers, users and tickets, as a short list under the box or as a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from startdeliver.customers import selectors
from startdeliver.support import health
from startdeliver.support.listing import tickets_list
from startdeliver.support.models import Ticket
from startdeliver.web.access import is_swap, organization_of
from startdeliver.web.params import search_text


def search(request: HttpRequest) -> HttpResponse:
    """/search?q=: all results, grouped. Under the box (htmx), the first few of each group."""
    text = search_text(request.GET)
    quick = is_swap(request, "search-panel")
    limit = 4 if quick else 25
    health.refresh_due(organization_of(request))
    customers, users = selectors.search(text, limit)
    tickets: list[Ticket] = list(tickets_list(search=text)[:limit]) if text else []
    context = {
        "search_text": text,
        "customers": customers,
        "users": users,
        "tickets": tickets,
        "limit": limit,
        "found": bool(customers or users or tickets),
    }
    return render(request, "web/search/_panel.html" if quick else "web/search/page.html", context)
