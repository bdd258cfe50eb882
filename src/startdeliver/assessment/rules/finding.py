"""A finding: what facts mean, and how much."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from startdeliver.assessment.evidence.facts import Evidence


class Weight(IntEnum):
    """How much a finding means by itself. Below NOTE: against the customer's staying; above: for it."""

    CRITICAL = -3
    SERIOUS = -2
    CONCERN = -1
    NOTE = 0
    GOOD = 1


# The area of each code. Of findings of equal weight, the first in this order is named first.
RANKED = {
    "leaving": "leaving", "legal": "trouble", "blocked": "support", "leaving-hint": "leaving", "escalation": "trouble",
    "usage-stopped": "usage", "usage-poor": "usage", "usage-falls": "usage", "left": "people", "handover": "people",
    "rating-fell": "mood", "mood-bad": "mood", "overdue": "support", "rating-bad": "mood", "waiting": "support",
    "quiet": "people", "surge": "support", "topic": "support", "slower": "support", "reopened": "support",
    "silent": "contact", "staying": "commitment", "usage-grows": "growth", "usage-good": "usage", "mood-good": "mood",
    "rating-good": "rating", "logins-good": "logins",
}  # fmt: skip
AREAS = RANKED | {
    "leaving-settled": "leaving", "blocked-before": "support", "faster": "support", "mood-turned": "mood",
    "mood-mixed": "mood", "usage-fair": "usage", "usage-recovers": "growth", "product-poor": "usage",
    "seats-empty": "usage", "seats-full": "growth", "away": "contact",
}  # fmt: skip
# Findings that an announced or usual quiet time explains.
ABSENCE = ("usage-stopped", "usage-falls", "usage-poor", "quiet", "silent", "product-poor")
# The words of a customer behind a clause: (Nadia Haddad: “It fails”).
QUOTED = re.compile(r" \((?:[^“(]*: )?“(.*)”\)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the facts mean. `clause` starts in lower case and has no full stop; `step` is a sentence, which
    rests on `step_facts`, or on `facts` where these are empty."""

    code: str
    weight: Weight
    clause: str
    facts: tuple[str, ...]
    step: str = ""
    step_facts: tuple[str, ...] = ()

    @property
    def area(self) -> str:
        return AREAS[self.code]


def cited(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The ids of the facts of these findings, each once, in order."""
    return tuple(dict.fromkeys(fact for finding in findings for fact in finding.facts))


def days_to_renewal(evidence: Evidence) -> int | None:
    """Days until the renewal, negative after it; None when it is not known."""
    days: int | None = value(evidence, "commercial.renewal").get("days")
    return days


def value(evidence: Evidence, fact_id: str) -> dict[str, Any]:
    """The value of a fact whose value is an object; empty when there is no such fact."""
    return evidence.get(fact_id) or {}
