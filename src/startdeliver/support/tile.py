"""The Support and Feedback tiles of a customer: numbers, and why in one plain line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

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
    """Support health of one customer. Times are UTC, durations seconds; a median of nothing is None."""

    status: str | None
    why: str
    rule: SupportRule
    tickets: int
    open: int
    overdue: int
    resolved_30: int
    resolved_90: int
    median_first_reply: int | None
    median_resolution: int | None
    previous_status: str | None
    changed_at: datetime | None


@dataclass(frozen=True)
class Rating:
    """One conversation rating, 1 to 5, with its remark (may be empty) and its ticket."""

    rating: int
    remark: str
    at: datetime
    ticket_id: int

    @classmethod
    def of(cls, ticket: Ticket) -> Rating:
        """The rating of a ticket that was rated."""
        assert ticket.rating is not None
        assert ticket.rated_at is not None
        return cls(ticket.rating, ticket.rating_remark, ticket.rated_at, ticket.pk)


@dataclass(frozen=True)
class Feedback:
    """Conversation ratings of 90 days: number, mean, the newest one, and the newest one that has a remark."""

    count: int
    mean: float | None
    latest: Rating | None
    remark: Rating | None


def support_tile(customer: Customer) -> SupportTile:
    """Everything that the Support tile shows, right for this second."""
    organization = customer.organization
    refresh_due(organization)
    current = rule(organization)
    found = SupportHealth.objects.filter(customer=customer).first()
    if found is not None and (found.stats_at is None or found.stats_at < clock.now() - _STATS_FRESH):
        stats(organization, [customer.pk])
        found.refresh_from_db()
    row = found or SupportHealth(organization=organization, customer=customer)
    return SupportTile(
        status=row.status,
        why=why(row, current),
        rule=current,
        tickets=row.ticket_count,
        open=row.open_count,
        overdue=row.overdue_count,
        resolved_30=row.resolved_30,
        resolved_90=row.resolved_90,
        median_first_reply=row.median_first_reply,
        median_resolution=row.median_resolution,
        previous_status=row.previous_status,
        changed_at=row.changed_at,
    )


def why(row: SupportHealth, current: SupportRule) -> str:
    """The reason for the status in one line without a full stop."""
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
    """A duration in its largest whole unit: "12 days", "1 hour", "less than an hour"."""
    hours = int(duration.total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    number, unit = (hours, "hour") if hours < 24 else (hours // 24, "day")
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def feedback(customer: Customer) -> Feedback:
    """Mean and latest remark of the customer's conversation ratings of 90 days."""
    rated = Ticket.objects.filter(
        customer=customer, rated_at__gte=clock.now() - timedelta(days=_FEEDBACK_DAYS), rating__isnull=False
    )
    total = rated.aggregate(number=Count("pk"), mean=Avg("rating"))
    newest = rated.order_by("-rated_at", "-id")
    latest, remarked = newest.first(), newest.exclude(rating_remark="").first()
    return Feedback(
        count=total["number"],
        mean=None if total["mean"] is None else float(total["mean"]),
        latest=None if latest is None else Rating.of(latest),
        remark=None if remarked is None else Rating.of(remarked),
    )
