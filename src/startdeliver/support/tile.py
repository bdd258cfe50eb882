"""The Support and Feedback tiles of a customer: numbers, and the reason in one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Avg, Count

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support.health import refresh_due
from startdeliver.support.models import SupportHealth, SupportRule, Ticket
from startdeliver.support.rules import rule
from startdeliver.support.stats import stats

_STATS_FRESH = timedelta(days=1)
_FEEDBACK_DAYS = 90


@dataclass(frozen=True)
class SupportTile:
    """Support health of one customer; an unsaved row if there is none. `why` has no full stop."""

    health: SupportHealth
    why: str
    rule: SupportRule


@dataclass(frozen=True)
class Feedback:
    """Conversation ratings of 90 days: number, mean, the last rated ticket, and the last ticket rated with a remark."""

    count: int
    mean: float | None
    latest: Ticket | None
    remark: Ticket | None


def support_tile(customer: Customer) -> SupportTile:
    """Returns everything that the Support tile shows, up to date."""
    organization = customer.organization
    refresh_due(organization)
    current = rule(organization)
    stored = SupportHealth.objects.filter(customer=customer).first()
    if stored is not None and (stored.stats_at is None or stored.stats_at < clock.now() - _STATS_FRESH):
        stats(organization, [customer.pk])
        stored.refresh_from_db()
    row = stored or SupportHealth(organization=organization, customer=customer)
    return SupportTile(row, why(row, current), current)


def why(row: SupportHealth, current: SupportRule) -> str:
    """Returns the reason for the status in one line without a full stop."""
    if row.status is None:
        return "No ticket is stored for this customer"
    if row.overdue_count and row.oldest_open_at is not None:
        late = length(clock.now() - row.oldest_open_at - timedelta(days=current.days_until_overdue))
        if row.overdue_count == 1:
            return f"1 ticket is overdue, for {late}"
        return f"{row.overdue_count:,} tickets are overdue, the oldest for {late}"
    if row.open_count:
        return (
            "1 ticket is open, not overdue"
            if row.open_count == 1
            else f"{row.open_count:,} tickets are open, none overdue"
        )
    return "No ticket is open"


def length(duration: timedelta) -> str:
    """Returns a duration in its largest whole unit: "12 days", "1 hour", "less than an hour"."""
    hours = int(duration.total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    number, unit = (hours, "hour") if hours < 24 else (hours // 24, "day")
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def feedback(customer: Customer) -> Feedback:
    """Returns mean and latest remark of the customer's conversation ratings of 90 days."""
    rated = Ticket.objects.filter(
        customer=customer, rated_at__gte=clock.now() - timedelta(days=_FEEDBACK_DAYS), rating__isnull=False
    )
    total = rated.aggregate(number=Count("pk"), mean=Avg("rating"))
    newest = rated.order_by("-rated_at", "-id")
    mean = None if total["mean"] is None else float(total["mean"])
    return Feedback(total["number"], mean, newest.first(), newest.exclude(rating_remark="").first())
