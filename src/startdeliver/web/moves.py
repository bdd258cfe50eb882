"""What follows when a person gives users to a customer: their tickets without a customer go with them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction

from startdeliver.support import health
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.tenancy.models import Organization


def follow_users(organization: Organization, user_ids: Iterable[int]) -> int:
    """Gives tickets without a customer to the customer of their users; of several customers, to the author's.

    Then computes the health of those customers. Gives the number of tickets. Tickets that have a customer keep it.
    """
    with transaction.atomic():
        waiting = Ticket.objects.filter(customer__isnull=True, participants__user__in=list(user_ids)).distinct()
        authors = dict(waiting.values_list("pk", "author_ref"))
        candidates: dict[int, dict[str, int]] = defaultdict(dict)
        rows = TicketParticipant.objects.filter(ticket__in=list(authors), user__customer__isnull=False)
        for ticket, contact, customer in rows.values_list("ticket_id", "contact_ref", "user__customer_id"):
            candidates[ticket][contact] = customer
        by_customer: dict[int, list[int]] = defaultdict(list)
        for ticket, found in candidates.items():
            chosen = next(iter(found.values())) if len(set(found.values())) == 1 else found.get(authors[ticket])
            if chosen is not None:
                by_customer[chosen].append(ticket)
        for customer, tickets in by_customer.items():
            Ticket.objects.filter(pk__in=tickets, customer__isnull=True).update(customer_id=customer)
    health.recompute(organization, by_customer)
    return sum(len(tickets) for tickets in by_customer.values())
