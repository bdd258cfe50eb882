"""What the rules of workflows may ask of health and assessments.

`workflows` knows none of the three packages that compute these; this one knows them all.
"""

from __future__ import annotations

from startdeliver.assessment.statuses import Status, Trend
from startdeliver.common.health import Health
from startdeliver.tenancy.models import Organization
from startdeliver.workflows.facts import Fact
from startdeliver.workflows.rules import Kind

_HEALTH = tuple(Health.choices)
_CURRENT = "LEFT JOIN assessment_current AS ac ON ac.customer_id = c.id"
_SUPPORT = "LEFT JOIN support_supporthealth AS sh ON sh.customer_id = c.id"
_USAGE = "LEFT JOIN usage_usagehealth AS uh ON uh.customer_id = c.id"


def rule_facts(organization: Organization) -> list[Fact]:
    """For `workflows.facts.register`."""
    return [
        Fact("assessment", "Assessment", Kind.ORDERED, "ac.status", _CURRENT, tuple(Status.choices)),
        Fact("assessment_trend", "Assessment trend", Kind.ORDERED, "ac.trend", _CURRENT, tuple(Trend.choices)),
        Fact("support_health", "Support health", Kind.ORDERED, "sh.status", _SUPPORT, _HEALTH),
        Fact("usage_health", "Usage health", Kind.ORDERED, "uh.status", _USAGE, _HEALTH),
        Fact("open_tickets", "Open tickets", Kind.NUMBER, "sh.open_count", _SUPPORT),
        Fact("overdue_tickets", "Overdue tickets", Kind.NUMBER, "sh.overdue_count", _SUPPORT),
    ]
