"""The rule of support health: two numbers per organization, and the status that results."""

from __future__ import annotations

from datetime import datetime, timedelta

from startdeliver.common import clock
from startdeliver.common.health import Health
from startdeliver.storage.sql import organization_work
from startdeliver.support.models import SupportRule
from startdeliver.tenancy.models import Organization


def status_of(open_count: int, overdue_count: int, ticket_count: int, rule: SupportRule) -> Health | None:
    """Returns Poor from `rule.overdue_until_poor` overdue tickets, Fair from one, else Good; None without tickets."""
    if ticket_count == 0:
        return None
    if overdue_count >= rule.overdue_until_poor:
        return Health.POOR
    return Health.FAIR if overdue_count else Health.GOOD


def overdue_since(rule: SupportRule, now: datetime | None = None) -> datetime:
    """Returns the latest start of the clock with which an open ticket is overdue. Exact seconds, not calendar days."""
    return (now or clock.now()) - timedelta(days=rule.days_until_overdue)


def rule(organization: Organization) -> SupportRule:
    """Returns the organization's rule; the unsaved defaults if it never set one."""
    with organization_work(organization):
        return SupportRule.objects.first() or SupportRule(organization=organization)
