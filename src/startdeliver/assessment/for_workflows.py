"""What workflows may ask of health and assessment, and what assessments are told of workflows.

`workflows` knows neither of the three packages that compute these; this one knows them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from startdeliver.assessment.facts import Fact as Evidence
from startdeliver.assessment.statuses import Status, Trend
from startdeliver.common import clock
from startdeliver.common.health import Health
from startdeliver.tenancy.models import Organization
from startdeliver.workflows.facts import Fact
from startdeliver.workflows.models import Enrolment, How
from startdeliver.workflows.rules import Kind

_HEALTH = tuple(Health.choices)
_CURRENT = "LEFT JOIN assessment_current AS ac ON ac.customer_id = c.id"
_SUPPORT = "LEFT JOIN support_supporthealth AS sh ON sh.customer_id = c.id"
_USAGE = "LEFT JOIN usage_usagehealth AS uh ON uh.customer_id = c.id"
_LEFT = timedelta(days=90)


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


def evidence(organization: Organization, customer_ids: Sequence[int]) -> Mapping[int, Sequence[Evidence]]:
    """For `assessment.evidence.source`: the workflows that customers are in, and those left within 90 days."""
    found: dict[int, list[Evidence]] = defaultdict(list)
    rows = Enrolment.objects.filter(customer__in=customer_ids).select_related("workflow")
    opened = rows.filter(left_at__isnull=True)
    ended = rows.filter(left_at__gte=clock.now() - _LEFT)
    stays: set[tuple[int, int]] = set()
    for one in [*opened.order_by("workflow"), *ended.order_by("workflow", "-left_at")]:
        # Of several stays in one workflow the newest says enough.
        if (one.customer_id, one.workflow_id) in stays:
            continue
        stays.add((one.customer_id, one.workflow_id))
        found[one.customer_id].append(_evidence(one))
    return found


def _evidence(one: Enrolment) -> Evidence:
    at, word = (one.entered_at, "in") if one.left_at is None else (one.left_at, "left")
    day = f"{at.day} {at:%b %Y}"
    said = (
        f"In the workflow {one.workflow.name} since {day}"
        if word == "in"
        else f"Left the workflow {one.workflow.name} on {day}"
    )
    how = one.entered_how if word == "in" else one.left_how
    by = {How.RULE: "by rule", How.HAND: "by hand", How.API: "by a program"}.get(How(how), "when it was archived")
    return Evidence(
        id=f"workflow.{one.workflow_id}.{word}",
        value={"workflow": one.workflow.name, "since" if word == "in" else "left": at.date().isoformat()},
        text=f"{said}, {by}.",
        at=at.date().isoformat(),
        link=f"/workflows/{one.workflow_id}",
    )
