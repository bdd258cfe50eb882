"""The organizations of this installation as the operator sees them: how many and how much, never what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Model, Q
from django_scopes import scopes_disabled

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.models import Ticket
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy.models import Member, Organization
from startdeliver.usage.models import UsageEvent

MOST = 100_000
"""Counting stops here: the page must answer at once, however much there is."""


@dataclass(frozen=True)
class Size:
    """How many rows of a kind; `number` is MOST at most, and then `is_more`."""

    number: int
    is_more: bool


@dataclass(frozen=True)
class Line:
    """One organization: people, connection and last run, sizes."""

    organization: Organization
    members: int
    connection: Connection | None
    last: SyncRun | None
    customers: Size
    users: Size
    tickets: Size
    events: Size


def lines(organizations: Sequence[Organization]) -> list[Line]:
    """A line for each of a page of organizations."""
    ids = [one.pk for one in organizations]
    with scopes_disabled():
        members = dict(
            Member.objects.filter(organization__in=ids, archived_at__isnull=True)
            .order_by()
            .values_list("organization")
            .annotate(Count("pk"))
        )
        links = {one.organization_id: one for one in Connection.objects.filter(organization__in=ids)}
        return [
            Line(
                one,
                members.get(one.pk, 0),
                links.get(one.pk),
                SyncRun.objects.filter(Q(organization=one), finished_at__isnull=False).order_by("-created_at").first(),
                _size(Customer, one),
                _size(CustomerUser, one),
                _size(Ticket, one),
                _size(UsageEvent, one),
            )
            for one in organizations
        ]


def _size(model: type[Model], organization: Organization) -> Size:
    rows = model._default_manager.filter(organization=organization).order_by().values("pk")
    number = rows[: MOST + 1].count()
    return Size(min(number, MOST), number > MOST)
