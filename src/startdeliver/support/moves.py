"""What follows when users are given to a customer, by whatever way: their tickets without a customer go with them at
once.
"""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction
from django.db.models import QuerySet

from startdeliver.customers import moves
from startdeliver.customers.models import CustomerUser
from startdeliver.support import health
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.tenancy.models import Organization

_AT_ONCE = 2_000


@moves.register
def follow_users(organization: Organization, users: QuerySet[CustomerUser]) -> int:
    """Gives tickets without a customer to the customer of their users; of several customers, to the author's.

    Then computes the health of those customers. Gives the number of tickets. Tickets that have a customer keep it.
    """
    moved, last = 0, 0
    touched: set[int] = set()
    waiting = Ticket.objects.filter(customer__isnull=True, participants__user__in=users.order_by().values("pk"))
    while True:
        batch = waiting.filter(pk__gt=last).order_by("pk").values_list("pk", "author_ref").distinct()
        authors = dict(batch[:_AT_ONCE])
        if not authors:
            break
        last = max(authors)
        with transaction.atomic():
            for customer, tickets in _customers_of(authors).items():
                moved += Ticket.objects.filter(pk__in=tickets, customer__isnull=True).update(customer_id=customer)
                touched.add(customer)
    if touched:
        health.recompute(organization, touched)
    return moved


def _customers_of(authors: dict[int, str]) -> dict[int, list[int]]:
    """The tickets of `authors` (ticket: the author's contact) that have one clear customer, by customer."""
    candidates: dict[int, dict[str, int]] = defaultdict(dict)
    rows = TicketParticipant.objects.filter(ticket__in=list(authors), user__customer__isnull=False)
    for ticket, contact, customer in rows.values_list("ticket_id", "contact_ref", "user__customer_id"):
        candidates[ticket][contact] = customer
    by_customer: dict[int, list[int]] = defaultdict(list)
    for ticket, found in candidates.items():
        chosen = next(iter(found.values())) if len(set(found.values())) == 1 else found.get(authors[ticket])
        if chosen is not None:
            by_customer[chosen].append(ticket)
    return by_customer
