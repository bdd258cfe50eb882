"""The workflows of the demo's customers: At-risk by rule and by hand, and one of the organization's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def seed_workflows(organization: Any, by: str, customers: Mapping[str, Any]) -> None:
    """Creates Onboarding, whose rule uses the field "Live since", and enrols one customer in At-risk by hand.

    Others enter At-risk by rule, once the worker has computed health and assessments.
    """
    from startdeliver.customers.fields import alias_of
    from startdeliver.workflows import passes
    from startdeliver.workflows.defaults import AT_RISK
    from startdeliver.workflows.models import Leaves, Workflow
    from startdeliver.workflows.services import enrol, workflow_create

    workflow_create(
        organization=organization,
        by=by,
        values={
            "name": "Onboarding",
            "description": "The first half year: a call every two weeks, and training for everybody who needs it.",
            "enrol_rule": [[{"fact": alias_of("Live since"), "op": "last_days", "value": 180}]],
            "leaves": Leaves.NO_LONGER,
            "leave_after_days": 0,
        },
    )
    at_risk = Workflow.objects.get(key=AT_RISK)
    chosen = sorted(customers.values(), key=lambda customer: customer.name)[:1]
    enrol(
        workflow=at_risk,
        customers=[customer.pk for customer in chosen],
        by=by,
        reason="Their champion leaves at the end of the month; she said so on the phone.",
    )
    passes.refresh(organization)
