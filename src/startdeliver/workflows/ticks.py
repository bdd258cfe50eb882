"""What happens by itself: rules are applied to what changed, and once a day to everybody."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.engine.registry import tick
from startdeliver.storage.sql import organization_work
from startdeliver.tenancy.models import Organization
from startdeliver.workflows import facts, passes
from startdeliver.workflows.models import Enrolment, Workflow, WorkflowState
from startdeliver.workflows.passes import Outcome

logger = logging.getLogger(__name__)

# A transaction that ends late carries times from before the last look.
_OVERLAP = timedelta(seconds=60)


@tick("workflows.look", 20)
def look_everywhere() -> None:
    """Applies the rules of every organization that has a workflow; one that fails does not stop the others."""
    with scopes_disabled():
        using = set(Workflow.objects.filter(archived_at__isnull=True).values_list("organization_id", flat=True))
    for organization in Organization.objects.filter(pk__in=using).order_by("pk"):
        try:
            look(organization)
        except Exception:
            logger.exception("The workflow rules of organization %s could not be applied", organization.pk)


def look(organization: Organization) -> Outcome:
    """Applies the rules to the customers of whom something changed since the last look, or whose time has come.

    To everybody once per calendar day of the organization, and where a rule was changed. What a look that died did not
    reach, the next one does.
    """
    now = clock.now()
    today = clock.today(organization.time_zone)
    with organization_work(organization):
        live = list(Workflow.objects.filter(archived_at__isnull=True).order_by("pk"))
        if not live:
            return Outcome()
        state, _ = WorkflowState.objects.get_or_create(organization=organization)
        everything = state.looked_at is None or state.swept_day != today
        full = [one for one in live if everything or one.swept_at is None]
        rest = [one for one in live if one not in full]
        total = Outcome()
        if full:
            total = passes.apply(organization, full)
            # A rule that was changed during the pass is applied again.
            for one in full:
                Workflow.objects.filter(pk=one.pk, updated_at=one.updated_at).update(swept_at=now)
        if rest and state.looked_at is not None:
            ids = facts.changed(state.looked_at - _OVERLAP) | _due(now)
            if ids:
                more = passes.apply(organization, rest, ids)
                total = Outcome(total.entered + more.entered, total.left + more.left, total.broken | more.broken)
        # Applied to everybody as soon as the field is back.
        Workflow.objects.filter(pk__in=total.broken).update(swept_at=None)
        WorkflowState.objects.filter(pk=state.pk).update(looked_at=now, swept_day=today)
        return total


def _due(now: datetime) -> set[int]:
    """Customers who have had a reason to leave for long enough."""
    waiting = Enrolment.objects.filter(left_at__isnull=True, leaving_since__isnull=False)
    rows = waiting.values_list("customer_id", "leaving_since", "workflow__leave_after_days")
    return {pk for pk, since, days in rows if since and since + timedelta(days=days) <= now}
