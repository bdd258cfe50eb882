"""Short factories of customers with health and assessment, and of workflows."""

from __future__ import annotations

from typing import Any

from startdeliver.assessment.models import Assessment, LatestAssessment
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support.models import SupportHealth
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import current_organization
from startdeliver.usage.models import UsageHealth
from startdeliver.workflows import services
from startdeliver.workflows.models import Enrolment, Workflow

POOR = [[{"fact": "support_health", "op": "is", "value": "poor"}]]


def the_organization() -> Organization:
    organization = current_organization()
    assert organization is not None
    return organization


def make_customer(name: str = "Northwind", **fields: Any) -> Customer:
    """A customer; `support`, `usage` and `assessed` are its health and its assessment's status."""
    given = {part: fields.pop(part, None) for part in ("support", "usage", "assessed")}
    customer = Customer.objects.create(organization=the_organization(), name=name, **fields)
    for part, value in given.items():
        if value is not None:
            change(customer, **{part: value})
    return customer


def change(
    customer: Customer, support: str | None = None, usage: str | None = None, assessed: str | None = None
) -> None:
    """Changes the customer's health or assessment, as the passes do."""
    of = {"organization": customer.organization}
    for model, status in ((SupportHealth, support), (UsageHealth, usage)):
        if status is not None:
            now = {**of, "status": status, "computed_at": clock.now()}
            model.objects.update_or_create(customer=customer, defaults=now)
    if assessed is not None:
        verdict = Assessment.objects.create(**of, customer=customer, status=assessed, evidence_hash="x")
        now = {**of, "assessment": verdict, "status": assessed, "evidence_hash": "x", "assessed_at": clock.now()}
        LatestAssessment.objects.update_or_create(customer=customer, defaults=now)


def make_workflow(name: str = "At-risk", **values: Any) -> Workflow:
    """Creates a workflow that customers enter with support health Poor and leave otherwise, at once."""
    given = {"name": name, "enrol_rule": POOR, "leave_after_days": 0, **values}
    return services.workflow_create(organization=the_organization(), by="ada@acme.test", values=given)


def inside(workflow: Workflow) -> set[str]:
    """The names of the customers who are in the workflow now."""
    return set(
        Enrolment.objects.filter(workflow=workflow, left_at__isnull=True).values_list("customer__name", flat=True)
    )


def stays(customer: Customer) -> list[tuple[str, str, str, str]]:
    """Returns every enrolment of the customer, oldest first: how and why it entered and left."""
    return list(
        Enrolment.objects.filter(customer=customer)
        .order_by("pk")
        .values_list("entered_how", "entered_reason", "left_how", "left_reason")
    )
