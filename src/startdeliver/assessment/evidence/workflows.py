"""The facts about the workflows of customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from startdeliver.assessment.evidence.facts import Fact
from startdeliver.common import clock
from startdeliver.workflows.models import Enrolment, How

_LEFT = timedelta(days=90)


def describe(customer_ids: Sequence[int]) -> Mapping[int, Sequence[Fact]]:
    """Facts with ids workflow.*, by customer: the workflows that customers are in, and those left within 90 days."""
    facts: dict[int, list[Fact]] = defaultdict(list)
    rows = Enrolment.objects.filter(customer__in=customer_ids).select_related("workflow")
    opened = rows.filter(left_at__isnull=True)
    ended = rows.filter(left_at__gte=clock.now() - _LEFT)
    stays: set[tuple[int, int]] = set()
    for enrolment in [*opened.order_by("workflow"), *ended.order_by("workflow", "-left_at")]:
        # Of several stays in one workflow the newest says enough.
        if (enrolment.customer_id, enrolment.workflow_id) in stays:
            continue
        stays.add((enrolment.customer_id, enrolment.workflow_id))
        facts[enrolment.customer_id].append(_fact(enrolment))
    return facts


def _fact(enrolment: Enrolment) -> Fact:
    at, word = (enrolment.entered_at, "in") if enrolment.left_at is None else (enrolment.left_at, "left")
    day = f"{at.day} {at:%b %Y}"
    said = (
        f"In the workflow {enrolment.workflow.name} since {day}"
        if word == "in"
        else f"Left the workflow {enrolment.workflow.name} on {day}"
    )
    how = enrolment.entered_how if word == "in" else enrolment.left_how
    by = {How.RULE: "by rule", How.HAND: "by hand", How.API: "by a program"}.get(How(how), "when it was archived")
    return Fact(
        id=f"workflow.{enrolment.workflow_id}.{word}",
        value={"workflow": enrolment.workflow.name, "since" if word == "in" else "left": at.date().isoformat()},
        text=f"{said}, {by}.",
        at=at.date().isoformat(),
        link=f"/workflows/{enrolment.workflow_id}",
    )
