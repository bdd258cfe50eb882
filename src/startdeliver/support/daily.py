"""What happens by itself as time goes by: health each minute, figures and snapshot once per calendar day."""

from __future__ import annotations

import logging

from django_scopes import scopes_disabled

from startdeliver.common import clock, statistics
from startdeliver.engine.registry import tick
from startdeliver.storage.sql import organization_work
from startdeliver.support.counting import recompute
from startdeliver.support.health import refresh_due
from startdeliver.support.models import SupportDay
from startdeliver.support.snapshots import reconstruct, snapshot
from startdeliver.support.sql import health_writer
from startdeliver.support.stats import stats
from startdeliver.tenancy.models import Organization

logger = logging.getLogger(__name__)


def daily_pass(organization: Organization) -> bool:
    """Once per calendar day of the organization's time zone: snapshot, days before the first one, 90-day figures.

    Gives whether it was done now; one look-up when it was done before. Safe to call from several processes.
    """
    today = clock.today(organization.time_zone)
    with organization_work(organization):
        if SupportDay.objects.filter(day__gte=today).exists():
            return False
    with health_writer(organization):
        if SupportDay.objects.filter(day__gte=today).exists():
            return False
        recompute(organization)
        snapshot(organization, today)
        SupportDay.objects.update_or_create(organization=organization, defaults={"day": today, "taken_at": clock.now()})
    reconstruct(organization)
    stats(organization)
    return True


@tick("support-health-due", 60)
def refresh_all() -> None:
    """Health that moved by time alone, of every organization."""
    for organization in _organizations():
        try:
            refresh_due(organization)
        except Exception:
            logger.exception("Support health of organization %s could not be refreshed", organization.pk)


@tick("query-statistics", 6 * 3600)
def look_at_tables() -> None:
    """SQLite's query planner learns how large the tables have become."""
    statistics.refresh()


@tick("support-daily", 300)
def daily_all() -> None:
    """The daily pass of every organization whose calendar day has changed."""
    for organization in _organizations():
        try:
            daily_pass(organization)
        except Exception:
            logger.exception("The daily pass of organization %s failed", organization.pk)


def _organizations() -> list[Organization]:
    with scopes_disabled():
        return list(Organization.objects.order_by("pk"))
