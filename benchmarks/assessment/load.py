"""Stores a scenario as real rows, so that it goes the whole way: threads, tones, statements, facts, verdict."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from html import escape
from itertools import count
from typing import Any

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.models import Thread, Ticket
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days
from startdeliver.usage.models import Product, ProductHealth, UsageDay, UsageHealth, UsageType

_numbers = count(1)
_POINTS = {"good": 2, "fair": 1, "poor": 0}


def store(organization: Organization, scenario: dict[str, Any]) -> Customer:
    """The scenario as a customer with everything that belongs to it."""
    now = clock.now()
    renewal = scenario.get("renewal")
    customer = Customer.objects.create(
        organization=organization,
        name=scenario.get("customer", scenario["name"]),
        industry=scenario.get("industry", ""),
        size=scenario.get("size"),
        arr=scenario.get("arr"),
        renewal_date=None if renewal is None else (now + timedelta(days=renewal)).date(),
        custom=scenario.get("custom", {}),
    )
    for ticket in scenario.get("tickets", []):
        _ticket(organization, customer, ticket, now)
    for user in scenario.get("users", []):
        _user(organization, customer, user, now)
    _products(organization, customer, scenario.get("products", {}), now)
    newest = (
        CustomerUser.objects.filter(customer=customer).exclude(last_login_at=None).order_by("-last_login_at").first()
    )
    if newest is not None:
        Customer.objects.filter(pk=customer.pk).update(last_login_at=newest.last_login_at)
    return customer


def _ticket(organization: Organization, customer: Customer, one: dict[str, Any], now: datetime) -> None:
    def ago(number: float | None) -> datetime | None:
        return None if number is None else now - timedelta(days=number)

    opened, resolved = one["opened"], one.get("resolved")
    said = [one["said"]] if isinstance(one["said"], tuple) else one["said"]
    said = [(opened, said)] if isinstance(said, str) else said
    text = said[0][1] if said else ""
    last = min([day for day, _ in said], default=opened)
    ticket = Ticket.objects.create(
        organization=organization,
        workspace="bench",
        external_id=str(next(_numbers)),
        title=one.get("title", text[:60]),
        preview=text[:300],
        status="resolved" if resolved is not None else "open",
        customer=customer,
        created_at=ago(opened),
        updated_at=ago(min(last, resolved if resolved is not None else last)),
        clock_from=ago(opened),
        waiting_since=ago(one.get("waiting")),
        resolved_at=ago(resolved),
        resolution_seconds=None if resolved is None else int((opened - resolved) * 86400),
        last_contact_reply_at=ago(last) if said else None,
        last_admin_reply_at=ago(one.get("replied", resolved)),
        reopen_count=one.get("reopened", 0),
        rating=one.get("rating"),
        rating_remark=one.get("remark", ""),
        rated_at=ago(resolved) if one.get("rating") else None,
        messages_due=False,
        messages_read_at=now,
    )
    entries = [
        {
            "id": f"{ticket.pk}-{number}",
            "kind": "message",
            "at": int((now - timedelta(days=day)).timestamp()),
            "by": {"kind": "user"},
            "html": words if words.startswith("<") else f"<p>{escape(words)}</p>",
        }
        for number, (day, words) in enumerate(said)
    ]
    Thread.objects.create(organization=organization, ticket=ticket, entries=json.dumps(entries))


def _user(organization: Organization, customer: Customer, one: dict[str, Any], now: datetime) -> None:
    here, there = one["here"], one["there"]
    login = one.get("login", 1 if here else 30 if there else None)
    user = CustomerUser.objects.create(
        organization=organization,
        customer=customer,
        name=one["name"],
        is_stakeholder=one.get("stakeholder", False),
        has_left_at=now - timedelta(days=one["left"]) if "left" in one else None,
        last_login_at=None if login is None else now - timedelta(days=login),
    )
    kind, _ = UsageType.objects.get_or_create(organization=organization, alias="work", defaults={"name": "Work"})
    today = days.today(organization.time_zone)
    used = {today - round(i * 27 / max(here, 1)) for i in range(here)}
    for window in (1, 2):
        used |= {today - 28 * window - round(i * 27 / max(there, 1)) for i in range(there)}
    UsageDay.objects.bulk_create(
        UsageDay(
            organization=organization, user=user, usage_type=kind, day=day, count=3, quantity=3,
            last_at=day * days.DAY_MS,
        )
        for day in used
    )  # fmt: skip


def _products(organization: Organization, customer: Customer, products: dict[str, Any], now: datetime) -> None:
    points = []
    moved: tuple[str, int] | None = None
    for name, given in products.items():
        status, previous, changed = given if isinstance(given, tuple) else (given, None, None)
        product, _ = Product.objects.get_or_create(
            organization=organization,
            name=name,
            defaults={"abbreviation": name[:3], "fair_target": 1, "good_target": 2},
        )
        at = None if changed is None else now - timedelta(days=changed)
        ProductHealth.objects.create(
            organization=organization, customer=customer, product=product, status=status, previous_status=previous,
            changed_at=at,
        )  # fmt: skip
        points.append(_POINTS[status])
        if previous is not None and changed is not None:
            moved = (previous, changed)
    if points:
        mean = sum(points) / len(points)
        status = "good" if mean >= 1.5 else "fair" if mean >= 0.5 else "poor"
        before = moved[0] if moved and moved[0] != status else None
        UsageHealth.objects.create(
            organization=organization, customer=customer, status=status, score=mean, product_count=len(points),
            previous_status=before, changed_at=now - timedelta(days=moved[1]) if before and moved else None,
        )  # fmt: skip
