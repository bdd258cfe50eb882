"""The workflow that every organization begins with. A migration gave it to those that were there before."""

from __future__ import annotations

from startdeliver.storage.sql import organization_work
from startdeliver.tenancy.models import Organization
from startdeliver.workflows.models import Leaves, Workflow

AT_RISK = "at_risk"


def make_defaults(organization: Organization) -> None:
    """Gives the organization its At-risk workflow, unless it has one of this key."""
    with organization_work(organization):
        if Workflow.objects.filter(key=AT_RISK).exists():
            return
        Workflow.objects.create(
            organization=organization,
            name="At-risk",
            key=AT_RISK,
            description="Customers who may leave: agree on a next step with each, and keep at it until "
            "things are better.",
            enrol_rule=[
                [{"fact": "assessment", "op": "is", "value": "risk"}],
                [
                    {"fact": "support_health", "op": "is", "value": "poor"},
                    {"fact": "usage_health", "op": "is", "value": "poor"},
                ],
            ],
            leaves=Leaves.NO_LONGER,
            leave_after_days=7,
        )
