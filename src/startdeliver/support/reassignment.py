"""Gives tickets without a customer to the present customer of their users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db import transaction

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.customers.models import CustomerUser
from startdeliver.storage.sql import among, organization_work
from startdeliver.support.counting import recompute
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.tenancy.models import Organization

_AT_ONCE = 2_000


def reassign_tickets(organization: Organization, customers: Collection[int] | None = None) -> int:
    """Gives tickets without a customer to the customer of their users; with several customers, to the author's.

    Reads the users of these customers (ids; None: of all), and computes the health of customers that get a ticket.
    Returns the number of tickets moved. Tickets with a customer keep it, so a second call changes nothing.
    """
    moved, last = 0, 0
    changed: set[int] = set()
    with organization_work(organization):
        people = TicketParticipant.objects.filter(user__customer__isnull=False)
        if customers is not None:
            people = people.filter(
                user__in=CustomerUser.objects.filter(among("customer_id", customers, "bigint")).values("pk")
            )
        waiting = Ticket.objects.filter(customer__isnull=True, pk__in=people.order_by().values("ticket"))
        while authors := dict(waiting.filter(pk__gt=last).order_by("pk").values_list("pk", "author_ref")[:_AT_ONCE]):
            last = max(authors)
            with transaction.atomic():
                for customer, tickets in _customers_of(authors).items():
                    moved += Ticket.objects.filter(pk__in=tickets, customer__isnull=True).update(customer_id=customer)
                    changed.add(customer)
                    record(organization, Kind.TICKET, [customer])
        recompute(organization, changed)
    return moved


def _customers_of(authors: dict[int, str]) -> dict[int, list[int]]:
    """Returns the tickets of `authors` (ticket: the author's contact) that have one clear customer, by customer."""
    candidates: dict[int, dict[str, int]] = defaultdict(dict)
    rows = TicketParticipant.objects.filter(ticket__in=list(authors), user__customer__isnull=False)
    for ticket, contact, customer in rows.values_list("ticket_id", "contact_ref", "user__customer_id"):
        candidates[ticket][contact] = customer
    by_customer: dict[int, list[int]] = defaultdict(list)
    for ticket, customers in candidates.items():
        chosen = next(iter(customers.values())) if len(set(customers.values())) == 1 else customers.get(authors[ticket])
        if chosen is not None:
            by_customer[chosen].append(ticket)
    return by_customer
