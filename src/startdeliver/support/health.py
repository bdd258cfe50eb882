"""Support health of all customers in one set-based pass, and what keeps it right while time goes by.

`recompute` counts, `refresh_due` finds the customers whose next ticket has become overdue since. Everything that shows,
lists or answers health calls `refresh_due` first: one index look-up when nothing is due.
"""

from __future__ import annotations

from startdeliver.common import clock
from startdeliver.storage.sql import organization_work
from startdeliver.support.counting import recompute
from startdeliver.support.models import SupportHealth, SupportRule
from startdeliver.support.rules import overdue_since, rule, status_of
from startdeliver.support.snapshots import reconstruct, snapshot
from startdeliver.support.sql import health_writer
from startdeliver.support.stats import stats
from startdeliver.tenancy.models import Organization

__all__ = ["recompute", "reconstruct", "refresh_due", "rule", "set_rule", "settle", "snapshot", "stats", "status_of"]


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
