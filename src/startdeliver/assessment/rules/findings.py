"""Every finding about a customer, before findings are weighed against each other."""

from __future__ import annotations

from dataclasses import replace

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.rules import messages, mood, support, usage
from startdeliver.assessment.rules.finding import ABSENCE, QUOTED, RANKED, Finding, Weight, cited


def find(evidence: Evidence) -> list[Finding]:
    """Every finding, heaviest against the customer first, then those in its favour by weight."""
    findings = [*messages.find(evidence), *usage.find(evidence), *support.find(evidence), *mood.find(evidence)]
    if any(finding.code == "usage-stopped" for finding in findings):
        findings = [finding for finding in findings if finding.code != "quiet"]
    findings = _merge_usage(findings)
    findings = [_without_repeated_quote(finding, findings) for finding in findings]
    if any(finding.weight < 0 and finding.code != "seats-empty" for finding in findings):
        # Empty seats have mostly been empty for long: beside a change they add nothing.
        findings = [replace(finding, weight=Weight.NOTE) if finding.code == "seats-empty" else finding
                    for finding in findings]  # fmt: skip
    if any(finding.code == "away" for finding in findings):
        # They said that they would be quiet, so that it is no news.
        findings = [
            replace(finding, weight=Weight.NOTE, clause=f"{finding.clause}, as they had announced", step="")
            if finding.code in ABSENCE else finding
            for finding in findings
        ]  # fmt: skip
    rank = {code: number for number, code in enumerate(RANKED)}
    return sorted(findings, key=lambda each: (each.weight if each.weight < 0 else 10 - each.weight,
                                              rank.get(each.code, 99)))  # fmt: skip


def _without_repeated_quote(finding: Finding, findings: list[Finding]) -> Finding:
    """The finding without a quotation that a heavier one has already."""
    quoted = QUOTED.search(finding.clause)
    others = [other.clause for other in findings if other is not finding]
    if finding.area != "mood" or quoted is None or not any(quoted[1] in clause for clause in others):
        return finding
    return replace(finding, clause=QUOTED.sub("", finding.clause))


def _merge_usage(findings: list[Finding]) -> list[Finding]:
    """Joins how usage stands by its targets with where it goes: one sentence, not two that disagree."""
    moving = [each for each in findings if "usage.active" in each.facts]
    course = next((each for each in moving if each.code in ("usage-falls", "usage-stopped")), None)
    level = next((each for each in findings if each.code in ("usage-good", "usage-fair", "usage-poor")), None)
    growth = next((each for each in findings if each.code == "usage-grows"), None)
    dropped: Finding | None
    if level and course and level.code != "usage-poor":
        kept, dropped = course, level
        name = "Good" if level.code == "usage-good" else "Fair"
        clause = f"usage is still {name} by its targets, but {course.clause.removeprefix('usage is ')}"
        merged = replace(course, clause=clause, facts=cited([course, level]))
    elif level and course:
        # Poor, and falling: the status says how bad, the course says how fast.
        kept, dropped = (course, level) if course.weight <= level.weight else (level, course)
        clause = f"{level.clause}, and {course.clause.removeprefix('usage is ')}"
        facts = cited([level, course])
        merged = replace(kept, clause=clause, facts=facts, step=course.step, step_facts=course.step_facts)
    elif level and growth and level.weight <= 0:
        kept, dropped = level, None
        clause = f"{level.clause}, but {growth.clause.removeprefix('usage is ')}"
        merged = replace(level, clause=clause, facts=cited([level, growth]))
    else:
        return findings
    return [merged if each is kept else each for each in findings if each is not dropped]
