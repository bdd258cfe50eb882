"""What the organization's AI instructions change in an assessment by the built-in rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.rules.finding import Finding, Weight
from startdeliver.assessment.statuses import LEVELS, Status

_DROPPED = {
    "rating": ("rating-bad", "rating-good", "rating-fell"),
    "mood": ("mood-bad", "mood-good", "mood-mixed", "mood-turned"),
    "tone": ("mood-bad", "mood-good", "mood-mixed", "mood-turned"),
    "login": ("logins-good",),
    "silence": ("silent", "quiet"),
    "usage": ("usage-stopped", "usage-falls", "usage-poor", "usage-fair", "usage-good", "usage-grows",
              "usage-recovers", "product-poor"),
}  # fmt: skip
_ABSENCE = ("usage-stopped", "usage-falls", "usage-poor", "quiet", "silent", "product-poor")


@dataclass(slots=True)
class Applied:
    """Which instructions made a difference: the fact of each, with what it did."""

    said: list[tuple[str, str]] = field(default_factory=list)

    def note(self, fact: Fact, what: str) -> None:
        self.said.append((fact.id, what))


def near_days(evidence: Evidence, usual: int) -> int:
    """Within how many days a renewal is near."""
    for fact in _rules(evidence, "renewal"):
        return int(fact.value["days"])
    return usual


def soften(found: list[Finding], evidence: Evidence, today: date, applied: Applied) -> list[Finding]:
    """The findings, without those that the instructions leave aside or hold to be normal."""
    for fact in _rules(evidence, "drop"):
        codes = _DROPPED[fact.value["area"]]
        kept = [one for one in found if one.code not in codes]
        if len(kept) < len(found):
            applied.note(fact, "left signs aside")
        found = kept
    for fact in _rules(evidence, "season"):
        if today.month in fact.value["months"] and _belongs(fact.value["group"], evidence):
            found = _normal(found, _ABSENCE, fact, applied)
    for fact in _rules(evidence, "silence"):
        days = fact.value["days"]
        heard = (evidence.get("contact.in") or {}).get("days", 0)
        seen = (evidence.get("login.last") or {}).get("days", 0)
        codes = ("silent",) if heard <= days else ()
        if seen <= days and not (evidence.get("usage.active") or {}).get("before"):
            codes += ("usage-stopped", "usage-falls", "quiet")
        found = _normal(found, codes, fact, applied)
    return found


def _normal(found: list[Finding], codes: tuple[str, ...], fact: Fact, applied: Applied) -> list[Finding]:
    if not any(one.code in codes and one.weight < 0 for one in found):
        return found
    applied.note(fact, "held a quiet time to be normal")
    return [
        replace(one, weight=Weight.NOTE, step="", facts=(*one.facts, fact.id))
        if one.code in codes and one.weight < 0 else one
        for one in found
    ]  # fmt: skip


def bounded(status: Status, evidence: Evidence, applied: Applied) -> tuple[Status, tuple[str, ...]]:
    """The status within what the instructions allow for this customer, and the facts that said so."""
    cited: tuple[str, ...] = ()
    for kind in ("treat", "floor", "ceiling"):
        for fact in _rules(evidence, kind):
            value = fact.value
            field_fact = _field(value["field"], evidence)
            if field_fact is None or str(field_fact.value).casefold() != value["value"].casefold():
                continue
            wanted = Status(value["status"])
            low, high = kind == "floor", kind == "ceiling"
            if (low and LEVELS[status] >= LEVELS[wanted]) or (high and LEVELS[status] <= LEVELS[wanted]):
                continue
            if status != wanted:
                applied.note(fact, f"set {wanted.label} instead of {status.label}")
                status, cited = wanted, (fact.id, field_fact.id)
    return status, cited


def analysis(evidence: Evidence, applied: Applied) -> Iterator[dict[str, object]]:
    """For the full analysis: which instructions made a difference, which did not, and which were not understood."""
    used = {}
    for pk, what in applied.said:
        used[pk] = what
    for fact in evidence.starting("instruction."):
        if fact.id == "instruction.unread":
            text = "Instructions that the built-in assessor does not understand were left aside."
        elif fact.value["kind"] in ("tag", "subject"):
            text = "An instruction left some tickets out of the facts; support health still counts them."
        elif fact.id in used:
            text = f"An instruction was applied: it {used[fact.id]}."
        else:
            text = "An instruction is understood and changed nothing here."
        yield {"area": "instructions", "weight": "note", "text": text, "facts": [fact.id]}


def _rules(evidence: Evidence, kind: str) -> list[Fact]:
    return [fact for fact in evidence.starting("instruction.") if fact.id != "instruction.unread"
            and fact.value["kind"] == kind]  # fmt: skip


def _field(name: str, evidence: Evidence) -> Fact | None:
    """The fact of the customer's field called `name`, its own or one of the organization's."""
    folded = name.casefold().removeprefix("field ")
    for fact in evidence.facts:
        if fact.id == "customer.industry" and folded == "industry":
            return fact
        if fact.id.startswith("field.") and folded in (fact.id[6:].casefold(), _label(fact)):
            return fact
    return None


def _label(fact: Fact) -> str:
    found = re.match(r"The field (.*?) is “", fact.text)
    return found[1].casefold() if found else ""


def _belongs(group: str, evidence: Evidence) -> bool:
    """Whether the customer is of this group: its industry or a field says so. No group: everybody."""
    if not group:
        return True
    folded = group.casefold().rstrip("s")
    values = [
        str(fact.value) for fact in evidence.facts if fact.id == "customer.industry" or fact.id.startswith("field.")
    ]
    return any(folded in value.casefold() for value in values)
