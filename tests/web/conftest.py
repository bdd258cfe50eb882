"""Signed-in clients per role, and a small hub."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support import health
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope


@pytest.fixture
def signed_in() -> Callable[[Member], Client]:
    """A client in which the member is signed in."""

    def make(member: Member) -> Client:
        client = Client()
        client.force_login(member)
        return client

    return make


@pytest.fixture
def main(signed_in: Callable[[Member], Client], csm: Member) -> Client:
    """A CSM's browser."""
    return signed_in(csm)


class Hub:
    """Creates rows of one organization, each inside its scope."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        self.organization = organization
        self.now = now
        self.number = 0

    def customer(self, name: str = "Acorn", **values: object) -> Customer:
        with organization_scope(self.organization):
            return Customer.objects.create(organization=self.organization, name=name, **values)

    def user(self, customer: Customer | None = None, **values: object) -> CustomerUser:
        with organization_scope(self.organization):
            return CustomerUser.objects.create(organization=self.organization, customer=customer, **values)

    def ticket(
        self, customer: Customer | None, *, days: float = 1, user: CustomerUser | None = None, **values: object
    ) -> Ticket:
        """A ticket that was made `days` ago; open unless told otherwise."""
        self.number += 1
        at = self.now - timedelta(days=days)
        defaults = {
            "title": f"Ticket {self.number}",
            "created_at": at,
            "updated_at": at,
            "clock_from": at,
            "external_id": f"c{self.number}",
        }
        with organization_scope(self.organization):
            ticket = Ticket.objects.create(
                organization=self.organization,
                workspace="ws",
                customer=customer,
                **{**defaults, **values},
            )
            if user is not None:
                TicketParticipant.objects.create(
                    organization=self.organization, ticket=ticket, user=user, contact_ref=f"p{user.pk}", match="matched"
                )
        return ticket

    def compute(self) -> None:
        health.recompute(self.organization)


@pytest.fixture
def hub(organization: Organization, frozen_now: datetime) -> Hub:
    return Hub(organization, frozen_now)


@pytest.fixture
def other_hub(other_organization: Organization, frozen_now: datetime) -> Hub:
    return Hub(other_organization, frozen_now)
