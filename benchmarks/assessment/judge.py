"""Runs the scenarios through the real path and compares."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.assessment.load import store
from startdeliver.assessment.evidence.collect import collect
from startdeliver.assessment.llm.citations import problems
from startdeliver.assessment.reader import readings
from startdeliver.assessment.rules.assessor import assess
from startdeliver.assessment.statuses import LEVELS
from startdeliver.support import health
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope


@dataclass
class Result:
    """Counts over all scenarios."""

    scenarios: int = 0
    exact: int = 0
    acceptable: int = 0
    near: int = 0
    to_name: int = 0
    named: int = 0
    unfounded: int = 0


def judge(verbose: bool, scenarios: Sequence[dict[str, Any]]) -> Result:
    """Stores, assesses and compares the scenarios."""
    organization = Organization.objects.create(name="Bench", slug="bench")
    result = Result()
    with organization_scope(organization):
        stored = {store(organization, scenario).pk: scenario for scenario in scenarios}
        health.recompute(organization)
        readings.read_due(organization)
        for evidence in collect(organization, list(stored)):
            scenario, verdict = stored[evidence.customer_id], assess(evidence)
            distance = abs(LEVELS[verdict.status] - LEVELS[scenario["expected"]])
            result.scenarios += 1
            result.exact += distance == 0
            result.acceptable += verdict.status in (scenario["expected"], *scenario["also"])
            result.near += distance <= 1
            cited = {fact for one in verdict.summary for fact in one.facts}
            missing = [name for name in scenario["names"] if not any(fact.startswith(name) for fact in cited)]
            result.to_name += len(scenario["names"])
            result.named += len(scenario["names"]) - len(missing)
            said = [*verdict.summary, *verdict.action]
            wrong = [wrong for one in said for wrong in problems(one.text, one.facts, evidence.by_id)]
            result.unfounded += len(wrong)
            if verbose or distance or missing or wrong:
                mark = "" if not distance else f"  EXPECTED {scenario['expected']}"
                lines = [
                    f"{scenario['name']}: {verdict.status}{mark}",
                    *(f"    {one.text}" for one in verdict.summary),
                    *(f"    → {one.text}" for one in verdict.action),
                    f"    {verdict.analysis[0]['text']}",
                    *(f"    NOT NAMED {name}" for name in missing),
                    *(f"    UNFOUNDED {one}" for one in wrong),
                ]
                sys.stdout.write("\n".join(lines) + "\n")
    return result
