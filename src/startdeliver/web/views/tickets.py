"""The tickets list across customers, and one ticket with its thread."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from startdeliver.customers.models import Customer
from startdeliver.support import health, listing
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.support.rules import rule
from startdeliver.support.threads import thread_entries
from startdeliver.sync.alerts import alarm_of
from startdeliver.sync.models import Connection
from startdeliver.web.access import is_swap, organization_of
from startdeliver.web.params import choice, customer_of, search_text

DEFAULT_SORT = "-updated"
FOLD_OVER = 30
KEEP_FIRST, KEEP_LAST = 6, 14

_SHOW = {
    "": "All tickets",
    "open": "Open",
    "overdue": "Overdue",
    "resolved": "Resolved",
    "unassigned": "Unassigned",
}


@dataclass(frozen=True)
class Filter:
    """A chip above the list."""

    label: str
    url: str
    current: bool
    count: str


@dataclass(frozen=True)
class Freshness:
    """Why the tickets may be out of date: a sentence for the ticket pages, and whether it is serious."""

    text: str
    serious: bool


def ticket_list(request: HttpRequest) -> HttpResponse:
    """Tickets across customers, with filters, search and sort."""
    organization = organization_of(request)
    health.refresh_due(organization)
    show = choice(request.GET, "show", _SHOW)
    search = search_text(request.GET)
    sort = request.GET.get("sort", DEFAULT_SORT)
    customer = customer_of(request.GET)
    results = listing.tickets_found(search, customer=customer) if search else None
    page = listing.tickets_page(
        show=show, customer=customer, sort=sort, after=request.GET.get("after", ""), found=results
    )
    counts = listing.tickets_counts(customer=customer, found=results)
    context = {
        "rows": page.tickets,
        "next": _address(show, search, sort, customer, page.next) if page.next else "",
        "first": _address(show, search, sort, customer) if request.GET.get("after") else "",
        "filters": [
            Filter(label, _address(key, search, sort, customer), key == show, _count(*counts[key]))
            for key, label in _SHOW.items()
        ],
        "show": show,
        "q": search,
        "sort": sort,
        "customer": customer,
        "any": bool(page.tickets) or Ticket.objects.exists(),
        "connected": Connection.objects.filter(saved_at__isnull=False).exists(),
        "days": rule(organization).days_until_overdue,
        "freshness": freshness(None),
    }
    template = "web/tickets/_list.html" if is_swap(request, "tickets") else "web/tickets/list.html"
    return render(request, template, context)


def ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """One ticket: thread, facts, and a link to Intercom."""
    organization = organization_of(request)
    record = Ticket.objects.select_related("customer", "customer__csm").filter(pk=pk).first()
    if record is None:
        raise Http404("There is no such ticket.")
    entries = thread_entries(record)
    people = TicketParticipant.objects.filter(ticket=record).select_related("user", "user__customer").order_by("pk")
    current = rule(organization)
    everything = request.GET.get("all") == "1" or len(entries) <= FOLD_OVER
    context = {
        "ticket": record,
        "overdue": listing.is_overdue(record, current),
        "days": current.days_until_overdue,
        "people": people,
        "entries": entries if everything else entries[:KEEP_FIRST],
        "later": [] if everything else entries[-KEEP_LAST:],
        "folded": 0 if everything else len(entries) - KEEP_FIRST - KEEP_LAST,
        "missing": max(0, record.part_count - record.stored_part_count),
        "freshness": freshness(record),
        "stars": range(1, 6),
    }
    return render(request, "web/tickets/ticket.html", context)


def freshness(ticket: Ticket | None) -> Freshness | None:
    """Returns the dated note on ticket pages: no longer synced, or not synced for too long."""
    connection = Connection.objects.first()
    if connection is None:
        return None
    if connection.status == Connection.Status.REVOKED or (ticket and ticket.workspace != connection.workspace):
        day = ticket.synced_at if ticket else connection.last_success_at
        since = f" What you see is of {day:%d %b %Y}." if day else ""
        return Freshness(f"Intercom is no longer connected, so tickets are not synced any more.{since}", False)
    alarm = alarm_of(connection)
    if alarm is None:
        return None
    of = f" What you see is of {alarm.fresh_until:%d %b %Y, %H:%M} UTC." if alarm.fresh_until else ""
    return Freshness(f"Tickets may be out of date: the last sync with Intercom did not succeed.{of}", True)


def _count(number: int, more: bool) -> str:
    return f"{number:,}+" if more else f"{number:,}"


def _address(show: str, search: str, sort: str, customer: Customer | None, after: str = "") -> str:
    values = {
        "show": show,
        "q": search,
        "sort": "" if sort == DEFAULT_SORT else sort,
        "customer": str(customer.pk) if customer else "",
        "after": after,
    }
    query = urlencode({key: value for key, value in values.items() if value})
    return f"/tickets?{query}" if query else "/tickets"
