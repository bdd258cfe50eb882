"""What pages and the API read of assessments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from startdeliver.assessment.models import Assessment, Assessor, Feedback, LatestAssessment
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.trend import WINDOW, line
from startdeliver.common import clock
from startdeliver.customers.models import Customer


@dataclass(frozen=True)
class Panel:
    """The assessment panel of a profile. `line`: (UTC moment, level 0 to 4 or None) by week, now last.

    `source` says who assessed in a few words; `note` and `problem` are sentences, empty when there is nothing to say.
    """

    assessment: Assessment
    status: str
    summary: str
    action: str
    trend: str
    line: list[tuple[datetime, int | None]]
    source: str
    note: str
    problem: str
    assessed_at: datetime
    feedback: Feedback | None
    first_at: datetime


@dataclass(frozen=True)
class Signal:
    """One line of the full analysis with its facts as stored ({"id", "value", "text", "at", "link", "quote"})."""

    area: str
    weight: str
    text: str
    facts: list[Mapping[str, Any]]


def panel(customer: Customer) -> Panel | None:
    """What the profile shows; None while the customer has not been assessed."""
    current = LatestAssessment.objects.filter(customer=customer).select_related("assessment").first()
    if current is None:
        return None
    assessment = current.assessment
    now = clock.now()
    points = list(
        Assessment.objects.filter(customer=customer, created_at__gte=now - 3 * WINDOW)
        .order_by("created_at", "pk")
        .values_list("created_at", "status")
    )
    return Panel(
        assessment=assessment,
        status=current.status,
        summary=" ".join(said["text"] for said in assessment.summary),
        action=" ".join(said["text"] for said in assessment.action),
        trend=current.trend,
        line=line(points, now),
        source="Built in" if assessment.assessor == Assessor.BUILT_IN else assessment.model_name,
        note=assessment.note,
        problem=current.problem,
        assessed_at=assessment.confirmed_at,
        feedback=Feedback.objects.filter(customer=customer).order_by("-created_at", "-pk").first(),
        first_at=points[0][0] if points else assessment.created_at,
    )


def analysis(assessment: Assessment) -> list[Signal]:
    """The full analysis: the verdict's reason first, then every signal with the facts that it cites."""
    facts = {fact["id"]: fact for fact in assessment.facts}
    return [
        Signal(signal["area"], signal["weight"], signal["text"], [facts[pk] for pk in signal["facts"] if pk in facts])
        for signal in assessment.analysis
    ]


def status_counts(among: QuerySet[Customer] | None = None) -> dict[str, int]:
    """Customers of the open scope by status, best first; statuses without any are 0. `among`: only these customers,
    otherwise all that are not archived."""
    rows = LatestAssessment.objects.filter(customer__archived_at__isnull=True)
    if among is not None:
        rows = LatestAssessment.objects.filter(customer__in=among.order_by().values("pk"))
    counts = dict(rows.values_list("status").annotate(Count("pk")).order_by())
    return {status: counts.get(status, 0) for status in Status.values}


def history(customer: Customer, limit: int = 50) -> list[Assessment]:
    """The customer's assessments, newest first."""
    return list(Assessment.objects.filter(customer=customer).order_by("-created_at", "-pk")[:limit])
