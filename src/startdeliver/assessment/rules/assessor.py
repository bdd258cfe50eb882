"""The built-in assessor: a pure function from evidence to a verdict, by rules that the full analysis shows.

Not a score. Findings belong to areas (leaving, usage, support, mood, people, contact). What decides is how heavy the
heaviest are, in how many independent areas, whether something speaks for the customer, and how near the renewal is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.rules import instructions
from startdeliver.assessment.rules.finding import ABSENCE, Finding, Weight, cited, days_to_renewal, value
from startdeliver.assessment.rules.findings import find
from startdeliver.assessment.rules.summary import action, analysis, short, summary
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.verdict import Statement, Verdict
from startdeliver.common import clock

# Days within which a renewal is near, unless an instruction says otherwise.
_NEAR = 90
# What keeps a customer from thriving, even where it weighs little.
_WATCHED = {
    "overdue", "rating-bad", "usage-fair", "mood-bad", "leaving-settled", "legal", "escalation", "blocked-before",
    "surge",
}  # fmt: skip


class Decision(NamedTuple):
    """The status, why in one sentence, and the ids of the facts that decided."""

    status: Status
    why: str
    facts: tuple[str, ...]


def assess(evidence: Evidence) -> Verdict:
    """The verdict on this evidence. The same evidence always gets the same one."""
    applied = instructions.Applied()
    today = clock.now().date()
    findings = instructions.soften(find(evidence), evidence, today, applied)
    decision = _decide(findings, evidence)
    status, facts = instructions.bounded(decision.status, evidence, applied)
    if facts:
        decision = Decision(status, f"An instruction says so ({decision.status.label} by the rules).", facts)
    decision = _corrected(decision, findings, evidence)
    return Verdict(
        decision.status,
        tuple(Statement(*said) for said in short(summary(decision.status, findings, evidence), today.year)),
        tuple(Statement(*said) for said in short(action(decision.status, findings, evidence), today.year)),
        (*analysis(*decision, findings, evidence), *instructions.analysis(evidence, applied)),
        concerns(findings),
    )


def concerns(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What weighs against the customer, by code and weight: how a later assessment sees whether something is new."""
    return tuple(f"{finding.code}:{int(finding.weight)}" for finding in findings if finding.weight < 0)


def _by_area(findings: Iterable[Finding]) -> dict[str, Finding]:
    """The first finding of each area; the area of the last finding first."""
    return {finding.area: finding for finding in reversed([*findings])}


def _decide(findings: Sequence[Finding], evidence: Evidence) -> Decision:
    critical = [finding for finding in findings if finding.weight == Weight.CRITICAL]
    serious = _by_area(finding for finding in findings if finding.weight == Weight.SERIOUS)
    concern = _by_area(
        finding for finding in findings if finding.weight == Weight.CONCERN and finding.area not in serious
    )
    good = _by_area(finding for finding in findings if finding.weight > 0)
    days = days_to_renewal(evidence)
    near = days is not None and -30 <= days <= instructions.near_days(evidence, _NEAR)
    renewal = ("commercial.renewal",) if near else ()
    # Usage that is good and does not fall: whatever else is wrong, they work with the product.
    holds = ("usage" in good or "growth" in good) and "usage" not in serious and "usage" not in concern
    if critical:
        live = any(fact.value.get("waits") for fact in evidence.starting("churn."))
        if len(critical) == 1 and critical[0].area == "leaving" and holds and len(good) >= 3 and not (serious or live):
            why = "They spoke of leaving, but everything else speaks for them."
            return Decision(Status.ATTENTION, why, cited([*critical, *good.values()]))
        return Decision(Status.RISK, "One finding alone puts the customer at risk.", cited(critical))
    if len(serious) >= 2:
        if holds and "leaving" not in serious and not near:
            why = f"There are serious findings ({_areas(serious)}), but the product is well used."
            return Decision(Status.ATTENTION, why, cited([*serious.values(), *good.values()]))
        why = f"Serious findings in more than one area: {_areas(serious)}."
        return Decision(Status.RISK, why, cited([*serious.values()]))
    if serious:
        facts = cited([*serious.values()])
        # That nobody logged in says less than use that was measured: alone it is a reason to call, not to give up.
        thin = not concern and facts == ("login.last",)
        if near and not holds and not thin:
            why = f"A serious finding ({_areas(serious)}) while the renewal is near."
            return Decision(Status.RISK, why, facts + renewal)
        if len(concern) >= 2 and not good:
            why = f"A serious finding ({_areas(serious)}) with others ({_areas(concern)}), and nothing in their favour."
            return Decision(Status.RISK, why, cited([*serious.values(), *concern.values()]))
        return Decision(Status.ATTENTION, f"A serious finding ({_areas(serious)}) in one area.", facts)
    if concern:
        return _decide_mixed(findings, concern, good, renewal)
    return _decide_unclouded(findings, good, evidence, near)


def _decide_mixed(
    findings: Sequence[Finding], concern: dict[str, Finding], good: dict[str, Finding], renewal: tuple[str, ...]
) -> Decision:
    """`renewal`: the fact of the renewal if it is near."""
    # Overdue and waited for is more than either; a third finding of the same area adds nothing.
    codes = {finding.code: finding.area for finding in findings if finding.weight == Weight.CONCERN}
    number = sum(min(2, [*codes.values()].count(area)) for area in concern)
    favour = [area for area in good if area not in concern]
    against = cited([*concern.values()])
    if number >= 3 or (number == 2 and len(favour) < 2):
        return Decision(Status.ATTENTION, f"Several smaller findings at once: {_areas(concern)}.", against)
    if renewal and len(favour) < 2:
        why = f"A smaller finding ({_areas(concern)}) matters more while the renewal is near."
        return Decision(Status.ATTENTION, why, against + renewal)
    if not favour:
        return Decision(Status.ATTENTION, f"A finding ({_areas(concern)}) and nothing that outweighs it.", against)
    both = against + cited([*good.values()])
    if number == 1 and (len(favour) >= 2 or "usage" in favour):
        return Decision(
            Status.ENGAGED, f"More speaks for them ({_areas(good)}) than against ({_areas(concern)}).", both
        )
    return Decision(
        Status.NEUTRAL, f"What speaks for them ({_areas(good)}) and against ({_areas(concern)}) balances.", both
    )


def _decide_unclouded(
    findings: Sequence[Finding], good: dict[str, Finding], evidence: Evidence, near: bool
) -> Decision:
    facts = cited([*good.values()])
    voice = [area for area in ("mood", "rating", "commitment") if area in good]
    notes = {finding.code: finding for finding in findings if finding.weight == Weight.NOTE}
    if not voice and "mood-good" in notes and "rating-good" in notes:
        # One kind message and one good rating are a voice together.
        voice = ["mood"]
        facts = (*facts, *cited([notes["mood-good"], notes["rating-good"]]))
    if not voice and "growth" in good and "rating-good" in notes:
        # Who grows and gives the best rating needs no second message.
        voice = ["rating"]
        facts = (*facts, *notes["rating-good"].facts)
    codes = {finding.code for finding in findings}
    away = [finding for finding in findings if finding.code in ABSENCE]
    if away and "away" in notes:
        return Decision(Status.NEUTRAL, "They are quiet, as they had announced.", cited([notes["away"], *away]))
    strong = (voice and "growth" in good) or len(voice) == 2
    if strong and ("usage" in good or "logins" in good) and not codes & _WATCHED:
        return Decision(Status.THRIVING, f"Independent signs all speak for them: {_areas(good)}.", facts)
    if good:
        why = f"Nothing weighs against them, and there are good signs: {_areas(good)}."
        return Decision(Status.ENGAGED, why, facts)
    if near and "away" not in notes and ("silent" in codes or not _is_alive(evidence)):
        words = "is near" if (days_to_renewal(evidence) or 0) >= 0 else "has passed"
        why = f"The renewal {words} and there is no sign of life to judge by."
        return Decision(Status.ATTENTION, why, ("commercial.renewal",))
    if not findings:
        return Decision(Status.NEUTRAL, "Too little is known to say more.", ())
    return Decision(Status.NEUTRAL, "Nothing stands out, for or against.", cited([*findings[:3]]))


def _is_alive(evidence: Evidence) -> bool:
    """Whether anybody was seen or heard within about a month and a half."""
    if value(evidence, "usage.active").get("recent"):
        return True
    return any(value(evidence, fact).get("days", 45) < 45 for fact in ("contact.in", "login.last"))


def _corrected(decision: Decision, findings: Sequence[Finding], evidence: Evidence) -> Decision:
    """A member's correction stands while nothing new has come up against the customer since."""
    status, why, facts = decision
    said = evidence.get("feedback")
    if not said or said["status"] not in Status.values or said["status"] == status:
        return decision
    if set(concerns(findings)) - set(said["concerns"]):
        why = f"{why} A member judged this otherwise, but something new has come up since."
        return Decision(status, why, (*facts, "feedback"))
    why = f"A member's correction stands, since nothing new has come up ({status.label} by the rules)."
    return Decision(Status(said["status"]), why, (*facts, "feedback"))


def _areas(findings: dict[str, Finding]) -> str:
    names = {"growth": "growing usage", "rating": "ratings", "leaving": "talk of leaving", "contact": "silence"}
    return ", ".join(names.get(area, area) for area in findings)
