"""What pages, the API and other packages read of workflows. Inside the organization's scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.workflows.models import Enrolment, Workflow

RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Row:
    """A workflow of the list: who is in it now, and how many entered and left within 30 days."""

    workflow: Workflow
    enrolled: int
    entered: int
    left: int


def rows(*, archived: bool = False) -> list[Row]:
    """Workflows with their counts, by name. Three counts whatever their number."""
    since = clock.now() - RECENT
    everything = Workflow.objects.filter(archived_at__isnull=not archived)
    enrolled = _counts(Enrolment.objects.filter(left_at__isnull=True))
    entered = _counts(Enrolment.objects.filter(entered_at__gte=since))
    left = _counts(Enrolment.objects.filter(left_at__gte=since))
    return [
        Row(one, enrolled.get(one.pk, 0), entered.get(one.pk, 0), left.get(one.pk, 0))
        for one in sorted(everything, key=lambda one: (one.name.casefold(), one.pk))
    ]


def row(workflow: Workflow) -> Row:
    """One workflow with its counts."""
    since = clock.now() - RECENT
    of = Enrolment.objects.filter(workflow=workflow)
    return Row(
        workflow,
        of.filter(left_at__isnull=True).count(),
        of.filter(entered_at__gte=since).count(),
        of.filter(left_at__gte=since).count(),
    )


def live() -> list[Workflow]:
    """The workflows that are not archived, by name."""
    return sorted(Workflow.objects.filter(archived_at__isnull=True), key=lambda one: (one.name.casefold(), one.pk))


def enrolled(workflow: Workflow) -> QuerySet[Enrolment]:
    """The open enrolments, newest first."""
    return Enrolment.objects.filter(workflow=workflow, left_at__isnull=True).order_by("-entered_at", "-pk")


def history(workflow: Workflow) -> QuerySet[Enrolment]:
    """Every enrolment there ever was, the one with the newest event first."""
    return Enrolment.objects.filter(workflow=workflow).order_by(Coalesce(F("left_at"), F("entered_at")).desc(), "-pk")


def of_customer(customer: Customer) -> list[Enrolment]:
    """Every enrolment of the customer, open ones first, then the newest."""
    found = Enrolment.objects.filter(customer=customer).select_related("workflow")
    return sorted(found, key=lambda one: (one.left_at is not None, -one.entered_at.timestamp(), -one.pk))


def active_names(customer_ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """By customer, the (id, name) of the workflows that it is in now, by name."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    open_ones = Enrolment.objects.filter(customer__in=customer_ids, left_at__isnull=True)
    for customer, pk, name in open_ones.values_list("customer_id", "workflow_id", "workflow__name"):
        found[customer].append((pk, name))
    return {customer: sorted(pairs, key=lambda pair: pair[1].casefold()) for customer, pairs in found.items()}


def enrolled_q(workflow_id: int) -> Q:
    """The condition on customers that they are in this workflow now, for `CustomerFilters.fields`."""
    return Q(pk__in=Enrolment.objects.filter(workflow=workflow_id, left_at__isnull=True).values("customer"))


def _counts(of: QuerySet[Enrolment]) -> dict[int, int]:
    return dict(of.order_by().values_list("workflow").annotate(Count("pk")))
