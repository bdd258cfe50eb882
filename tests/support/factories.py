"""Short factories of customers and tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support.models import Ticket
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import current_organization

# The time of the fixture `frozen_now`.
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)

_numbers = count(1)


def the_organization() -> Organization:
    organization = current_organization()
    assert organization is not None
    return organization


def make_customer(name: str = "Northwind") -> Customer:
    return Customer.objects.create(organization=the_organization(), name=name)


def make_ticket(customer: Customer | None, opened: datetime | None = None, **fields: Any) -> Ticket:
    """An open ticket whose clock started at `opened` (now when None); `resolved=` closes it at that moment."""
    created = fields.pop("created", None) or opened or clock.now()
    resolved: datetime | None = fields.pop("resolved", None)
    if resolved is not None:
        fields |= {
            "status": Ticket.Status.RESOLVED,
            "resolved_at": resolved,
            "resolution_seconds": int((resolved - created).total_seconds()),
        }
    fields = {
        "organization": the_organization(),
        "workspace": "ws1",
        "external_id": str(next(_numbers)),
        "customer": customer,
        "created_at": created,
        "updated_at": resolved or created,
        "clock_from": opened or created,
        **fields,
    }
    return Ticket.objects.create(**fields)


def days(number: float) -> timedelta:
    return timedelta(days=number)
