"""What happens by itself: new events are counted, what changed is computed, and all windows move with the day."""

from __future__ import annotations

import logging

from django_scopes import scopes_disabled

from startdeliver.engine.registry import tick
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days
from startdeliver.usage.health import refresh
from startdeliver.usage.models import NewEvent, Product, Touch, UsageState

logger = logging.getLogger(__name__)


@tick("usage-refresh", 20)
def refresh_all() -> dict[int, set[int]]:
    """Refreshes every organization that has something to refresh; four small look-ups when none has.

    Gives, by organization id, the ids of the customers whose health changed. Needs no open scope.
    """
    changed: dict[int, set[int]] = {}
    for organization in _due():
        try:
            changed[organization.pk] = refresh(organization)
        except Exception:
            logger.exception("Usage health of organization %s could not be refreshed", organization.pk)
    return changed


def _due() -> list[Organization]:
    with scopes_disabled():
        touched = {
            pk for model in (Touch, NewEvent) for pk in model.objects.order_by().values_list("organization").distinct()
        }
        states = {state.organization_id: state for state in UsageState.objects.all()}
        using = set(Product.objects.order_by().values_list("organization_id", flat=True).distinct()) | states.keys()
    due = []
    for organization in Organization.objects.order_by("pk"):
        state = states.get(organization.pk)
        current = (
            state is not None
            and state.time_zone == organization.time_zone
            and state.computed_day == days.today(state.time_zone)
        )
        if (organization.pk,) in touched or (organization.pk in using and not current):
            due.append(organization)
    return due
