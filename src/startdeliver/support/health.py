"""Computes support health of all customers in one set-based pass, and keeps it correct as time passes.

`recompute` counts, `refresh` computes what changed, and `refresh_due` the customers whose next ticket has become
overdue since. All code that shows, lists or returns health calls `refresh_due` first. It takes one index look-up when
nothing is due.
"""

from __future__ import annotations

from django.db.models import Case, DateTimeField, Exists, OuterRef, QuerySet, Subquery, Value, When
from django_scopes import scopes_disabled

from startdeliver.changes.models import Kind, Stage
from startdeliver.changes.queue import taken
from startdeliver.common import clock
from startdeliver.storage.sql import organization_work
from startdeliver.support.counting import recompute
from startdeliver.support.models import SupportHealth, SupportRule
from startdeliver.support.reassignment import reassign_tickets
from startdeliver.support.rules import overdue_since, rule, status_of
from startdeliver.support.snapshots import reconstruct, snapshot
from startdeliver.support.sql import health_writer
from startdeliver.support.stats import stats
from startdeliver.tenancy.models import Organization

__all__ = ["recompute", "reconstruct", "refresh_due", "rule", "set_rule", "settle", "snapshot", "stats", "status_of"]


def refresh(organization: Organization, *, early: bool = False) -> None:
    """Computes the health of customers whose tickets changed, moves tickets with their users, and starts a new day.

    The changes are deleted at the end. `early`: also takes changes that are still being collected.
    """
    with taken(organization, Stage.SUPPORT, early=early) as batch:
        if batch.has(Kind.USER):
            reassign_tickets(organization, batch.customers(Kind.USER))
        if batch.has(Kind.OVERDUE):
            refresh_due(organization)
        recompute(organization, batch.customers(Kind.TICKET))
        if batch.has(Kind.DAY):
            begin_day(organization)


def begin_day(organization: Organization) -> None:
    """Computes once per calendar day: 90-day figures, the snapshot, and days before the first snapshot."""
    stats(organization)
    snapshot(organization)
    reconstruct(organization)


def refresh_figures(organization: Organization, *, early: bool = False) -> None:
    """Computes the 30- and 90-day figures of the customers whose tickets changed."""
    with taken(organization, Stage.FIGURES, early=early) as batch:
        stats(organization, batch.customers())


def overdue() -> QuerySet[Organization]:
    """Returns all organizations in which a ticket has become overdue since health was computed, in two statements."""
    with scopes_disabled():
        rules = SupportRule.objects.filter(organization=OuterRef("pk")).values("days_until_overdue")
        cutoffs = [
            When(days=days, then=Value(overdue_since(SupportRule(days_until_overdue=days))))
            for days in SupportRule.objects.order_by().values_list("days_until_overdue", flat=True).distinct()
        ]
        default = Value(overdue_since(SupportRule()))
        late = SupportHealth.objects.filter(organization=OuterRef("pk"), next_clock_from__lte=OuterRef("cutoff"))
        organizations = Organization.objects.annotate(days=Subquery(rules))
        cutoff = Case(*cutoffs, default=default, output_field=DateTimeField())
        return organizations.annotate(cutoff=cutoff).filter(Exists(late))


def refresh_due(organization: Organization) -> int:
    """Recomputes the customers with a ticket that has become overdue since health was computed.

    Takes one index look-up when there is none. Returns the number of customers recomputed.
    """
    with organization_work(organization):
        due = SupportHealth.objects.filter(next_clock_from__lte=overdue_since(rule(organization)))
        ids = list(due.values_list("customer_id", flat=True))
    recompute(organization, ids)
    return len(ids)


def set_rule(organization: Organization, days: int, poor: int, by: str) -> SupportRule:
    """Saves the rule and recomputes every customer in the same transaction.

    `days` until a ticket is overdue (1 to 3650), `poor`: overdue tickets until Poor (1 to 100,000), `by`: who did it.
    Raises ValidationError with the field for a number outside these limits.
    """
    with health_writer(organization):
        changed = rule(organization)
        changed.days_until_overdue = days
        changed.overdue_until_poor = poor
        changed.updated_at = clock.now()
        changed.updated_by = by
        changed.full_clean(exclude=["organization"])
        changed.save()
        recompute(organization)
        return changed


def settle(organization: Organization) -> None:
    """Clears the last change of every customer's health after the first import.

    While old tickets were imported page by page, health changed in ways that must not be reported as changes.
    """
    with health_writer(organization):
        SupportHealth.objects.filter(organization=organization).update(previous_status=None, changed_at=clock.now())
