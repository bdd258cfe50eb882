"""Support health of all customers in one set-based pass, and what keeps it right while time goes by.

`recompute` counts, `refresh` computes what changed, `refresh_due` the customers whose next ticket has become overdue
since. Everything that shows, lists or answers health calls `refresh_due` first: one index look-up when nothing is due.
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
    """Computes the health of the customers whose tickets changed, moves tickets with their users, and begins a new day.

    What it works on is forgotten only at the end. `early`: also changes that were to be collected for a moment.
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
    """Once per calendar day of the organization: figures of 90 days, the snapshot, and days before the first one."""
    stats(organization)
    snapshot(organization)
    reconstruct(organization)


def refresh_figures(organization: Organization, *, early: bool = False) -> None:
    """Computes the 30- and 90-day figures of the customers whose tickets changed."""
    with taken(organization, Stage.FIGURES, early=early) as batch:
        stats(organization, batch.customers())


def overdue() -> QuerySet[Organization]:
    """The organizations, of all, in which a ticket has become overdue since health was computed: two statements."""
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
    """Makes health right for this second: recomputes the customers of whom a ticket has become overdue since.

    One index look-up when there is none. Gives the number of customers looked at.
    """
    with organization_work(organization):
        due = SupportHealth.objects.filter(next_clock_from__lte=overdue_since(rule(organization)))
        ids = list(due.values_list("customer_id", flat=True))
    recompute(organization, ids)
    return len(ids)


def set_rule(organization: Organization, days: int, poor: int, by: str) -> SupportRule:
    """Saves the rule and computes every customer anew in the same transaction.

    `days` until a ticket is overdue (1 to 3650), `poor`: overdue tickets until Poor (1 to 100,000), `by`: who did it.
    Raises ValidationError, naming the field, for a number outside.
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
    """Takes the present health of every customer as the beginning, after the first import: what it passed through while
    old tickets came in page by page was no change that anybody should be told of."""
    with health_writer(organization):
        SupportHealth.objects.filter(organization=organization).update(previous_status=None, changed_at=clock.now())
