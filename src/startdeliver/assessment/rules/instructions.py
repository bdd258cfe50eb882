"""What the organization's AI instructions change in an assessment by the built-in rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.rules.finding import ABSENCE, Finding, Weight, value
from startdeliver.assessment.statuses import LEVELS, Status

_MOOD = ("mood-bad", "mood-good", "mood-mixed", "mood-turned")
_DROPPED = {
    "rating": ("rating-bad", "rating-good", "rating-fell"),
    "mood": _MOOD,
    "tone": _MOOD,
    "login": ("logins-good",),
    "silence": ("silent", "quiet"),
    "usage": ("usage-stopped", "usage-falls", "usage-poor", "usage-fair", "usage-good", "usage-grows",
              "usage-recovers", "product-poor"),
}  # fmt: skip


@dataclass(slots=True)
class Applied:
    """What each instruction that made a difference did, by the id of its fact."""

    effects: dict[str, str] = field(default_factory=dict)


def near_days(evidence: Evidence, usual: int) -> int:
    """Within how many days a renewal is near."""
    return next((int(fact.value["days"]) for fact in _rules(evidence, "renewal")), usual)


def soften(findings: list[Finding], evidence: Evidence, today: date, applied: Applied) -> list[Finding]:
    """The findings, without those that the instructions leave aside or hold to be normal."""
    for fact in _rules(evidence, "drop"):
        kept = [finding for finding in findings if finding.code not in _DROPPED[fact.value["area"]]]
        if len(kept) < len(findings):
            applied.effects[fact.id] = "left signs aside"
        findings = kept
    for fact in _rules(evidence, "season"):
        if today.month in fact.value["months"] and _belongs(fact.value["group"], evidence):
            findings = _normal(findings, ABSENCE, fact, applied)
    for fact in _rules(evidence, "silence"):
        days = fact.value["days"]
        codes: tuple[str, ...] = ("silent",) if value(evidence, "contact.in").get("days", 0) <= days else ()
        seen = value(evidence, "login.last").get("days", 0)
        if seen <= days and not value(evidence, "usage.active").get("before"):
            codes += ("usage-stopped", "usage-falls", "quiet")
        findings = _normal(findings, codes, fact, applied)
    return findings


def _normal(findings: list[Finding], codes: tuple[str, ...], fact: Fact, applied: Applied) -> list[Finding]:
    softened = [
        replace(finding, weight=Weight.NOTE, step="", facts=(*finding.facts, fact.id))
        if finding.code in codes and finding.weight < 0 else finding
        for finding in findings
    ]  # fmt: skip
    if softened != findings:
        applied.effects[fact.id] = "held a quiet time to be normal"
    return softened


def bounded(status: Status, evidence: Evidence, applied: Applied) -> tuple[Status, tuple[str, ...]]:
    """The status within what the instructions allow for this customer, and the facts that said so."""
    cited: tuple[str, ...] = ()
    for kind in ("treat", "floor", "ceiling"):
        for fact in _rules(evidence, kind):
            field_fact = _field(fact.value["field"], evidence)
            if field_fact is None or str(field_fact.value).casefold() != fact.value["value"].casefold():
                continue
            wanted = Status(fact.value["status"])
            difference = LEVELS[status] - LEVELS[wanted]
            if (kind == "treat" and difference) or (kind == "floor" and difference < 0) or (
                kind == "ceiling" and difference > 0
            ):  # fmt: skip
                applied.effects[fact.id] = f"set {wanted.label} instead of {status.label}"
                status, cited = wanted, (fact.id, field_fact.id)
    return status, cited


def analysis(evidence: Evidence, applied: Applied) -> Iterator[dict[str, object]]:
    """For the full analysis: which instructions made a difference, which did not, and which were not understood."""
    for fact in evidence.starting("instruction."):
        text = "An instruction is understood and changed nothing here."
        if fact.id == "instruction.unread":
            text = "Instructions that the built-in assessor does not understand were left aside."
        elif fact.value["kind"] in ("tag", "subject"):
            text = "An instruction left some tickets out of the facts; support health still counts them."
        elif fact.id in applied.effects:
            text = f"An instruction was applied: it {applied.effects[fact.id]}."
        yield {"area": "instructions", "weight": "note", "text": text, "facts": [fact.id]}


def _rules(evidence: Evidence, kind: str) -> list[Fact]:
    rules = [fact for fact in evidence.starting("instruction.") if fact.id != "instruction.unread"]
    return [fact for fact in rules if fact.value["kind"] == kind]


def _field(name: str, evidence: Evidence) -> Fact | None:
    """The fact of the customer's field called `name`, its own or one of the organization's."""
    folded = name.casefold().removeprefix("field ")
    for fact in _fields(evidence):
        label = re.match(r"The field (.*?) is “", fact.text)
        alias = fact.id.removeprefix("field.").removeprefix("customer.").casefold()
        if folded in (alias, label[1].casefold() if label else ""):
            return fact
    return None


def _fields(evidence: Evidence) -> list[Fact]:
    return [fact for fact in evidence.facts if fact.id.startswith(("customer.industry", "field."))]


def _belongs(group: str, evidence: Evidence) -> bool:
    """Whether the customer is of this group: its industry or a field says so. No group: everybody."""
    folded = group.casefold().rstrip("s")
    return not group or any(folded in str(fact.value).casefold() for fact in _fields(evidence))
