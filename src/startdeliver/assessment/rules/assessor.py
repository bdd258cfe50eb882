"""The built-in assessor: a pure function from evidence to a verdict, by rules that the full analysis shows.

Not a score. Findings stand in areas (leaving, usage, support, mood, people, contact); what decides is how heavy the
heaviest are, in how many independent areas, whether something speaks for the customer, and how near the renewal is.
"""

from __future__ import annotations

from collections.abc import Sequence

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.rules import instructions
from startdeliver.assessment.rules.finding import Finding, Weight
from startdeliver.assessment.rules.findings import ABSENCE, find
from startdeliver.assessment.rules.summary import action, analysis, short, summary
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.verdict import Statement, Verdict
from startdeliver.common import clock

NEAR = 90


def assess(evidence: Evidence) -> Verdict:
    """The verdict on this evidence. The same evidence always gets the same one."""
    applied = instructions.Applied()
    today = clock.now().date()
    found = instructions.soften(find(evidence), evidence, today, applied)
    status, why, cited = decide(found, evidence)
    held, told = instructions.bounded(status, evidence, applied)
    if told:
        status, why, cited = held, f"An instruction says so ({status.label} by the rules).", told
    status, why, cited = _corrected(status, why, cited, found, evidence)
    return Verdict(
        status,
        tuple(Statement(text, facts) for text, facts in short(summary(status, found, evidence), today.year)),
        tuple(Statement(text, facts) for text, facts in short(action(status, found, evidence), today.year)),
        (*analysis(status, why, cited, found, evidence), *instructions.analysis(evidence, applied)),
        concerns(found),
    )


def concerns(found: Sequence[Finding]) -> tuple[str, ...]:
    """What weighs against the customer, by code and weight: how a later assessment sees whether something is new."""
    return tuple(f"{one.code}:{int(one.weight)}" for one in found if one.weight < 0)


def decide(found: Sequence[Finding], evidence: Evidence) -> tuple[Status, str, tuple[str, ...]]:
    """The status, why in one sentence, and the facts that decided."""
    critical = [one for one in found if one.weight == Weight.CRITICAL]
    serious = {one.area: one for one in reversed(found) if one.weight == Weight.SERIOUS}
    concern = {one.area: one for one in reversed(found) if one.weight == Weight.CONCERN and one.area not in serious}
    good = {one.area: one for one in reversed(found) if one.weight > 0}
    against = _cited([*serious.values(), *concern.values()])
    near = _renewal_near(evidence)
    renewal = ("commercial.renewal",) if near else ()
    # Usage that is good and does not fall: whatever else is wrong, they work with the product.
    holds = ("usage" in good or "growth" in good) and "usage" not in serious and "usage" not in concern
    if critical:
        live = any(fact.value.get("waits") for fact in evidence.starting("churn."))
        if len(critical) == 1 and critical[0].area == "leaving" and holds and len(good) >= 3 and not (serious or live):
            why = "They spoke of leaving, but everything else speaks for them."
            return Status.ATTENTION, why, _cited([*critical, *good.values()])
        return Status.RISK, "One finding alone puts the customer at risk.", _cited(critical)
    if len(serious) >= 2:
        if holds and "leaving" not in serious and not near:
            why = f"There are serious findings ({_areas(serious)}), but the product is well used."
            return Status.ATTENTION, why, _cited([*serious.values(), *good.values()])
        return Status.RISK, f"Serious findings in more than one area: {_areas(serious)}.", _cited([*serious.values()])
    if serious:
        # That nobody logged in says less than use that was measured: alone it is a reason to call, not to give up.
        thin = not concern and all(one.facts == ("login.last",) for one in serious.values())
        if near and not holds and not thin:
            why = f"A serious finding ({_areas(serious)}) while the renewal is near."
            return Status.RISK, why, _cited([*serious.values()]) + renewal
        if len(concern) >= 2 and not good:
            why = f"A serious finding ({_areas(serious)}) with others ({_areas(concern)}), and nothing in their favour."
            return Status.RISK, why, against
        why = f"A serious finding ({_areas(serious)}) in one area."
        return Status.ATTENTION, why, _cited([*serious.values()])
    if concern:
        # Overdue and waited for is more than either; a third finding of the same area adds nothing.
        codes = {one.code: one.area for one in found if one.weight == Weight.CONCERN}
        number = sum(min(2, list(codes.values()).count(area)) for area in concern)
        return _mixed(concern, number, good, near, against, renewal)
    return _unclouded(found, good, evidence, near, renewal)


def _mixed(
    concern: dict[str, Finding],
    number: int,
    good: dict[str, Finding],
    near: bool,
    against: tuple[str, ...],
    renewal: tuple[str, ...],
) -> tuple[Status, str, tuple[str, ...]]:
    both = against + _cited(list(good.values()))
    favour = [area for area in good if area not in concern]
    if number >= 3 or (number == 2 and len(favour) < 2):
        return Status.ATTENTION, f"Several smaller findings at once: {_areas(concern)}.", against
    if near and len(favour) < 2:
        why = f"A smaller finding ({_areas(concern)}) matters more while the renewal is near."
        return Status.ATTENTION, why, against + renewal
    if not favour:
        return Status.ATTENTION, f"A finding ({_areas(concern)}) and nothing that outweighs it.", against
    if number == 1 and (len(favour) >= 2 or "usage" in favour):
        return Status.ENGAGED, f"More speaks for them ({_areas(good)}) than against ({_areas(concern)}).", both
    return Status.NEUTRAL, f"What speaks for them ({_areas(good)}) and against ({_areas(concern)}) balances.", both


def _unclouded(
    found: Sequence[Finding], good: dict[str, Finding], evidence: Evidence, near: bool, renewal: tuple[str, ...]
) -> tuple[Status, str, tuple[str, ...]]:
    cited = _cited(list(good.values()))
    voice = [area for area in ("mood", "rating", "commitment") if area in good]
    softly = {one.code: one for one in found if one.weight == Weight.NOTE}
    if not voice and "mood-good" in softly and "rating-good" in softly:
        # One kind message and one good rating are a voice together.
        voice = ["mood"]
        cited = (*cited, *_cited([softly["mood-good"], softly["rating-good"]]))
    if not voice and "growth" in good and "rating-good" in softly:
        # Who grows and gives the best rating needs no second letter.
        voice = ["rating"]
        cited = (*cited, *softly["rating-good"].facts)
    watched = any(one.code in _WATCHED for one in found)
    if away := [one for one in found if one.code in ABSENCE and "away" in softly]:
        why = "They are quiet, as they had announced."
        return Status.NEUTRAL, why, _cited([softly["away"], *away])
    if ("usage" in good or "logins" in good) and not watched and ((voice and "growth" in good) or len(voice) == 2):
        return Status.THRIVING, f"Independent signs all speak for them: {_areas(good)}.", cited
    if good:
        return Status.ENGAGED, f"Nothing weighs against them, and there are good signs: {_areas(good)}.", cited
    days = (evidence.get("commercial.renewal") or {}).get("days")
    if near and "away" not in softly and (any(one.code == "silent" for one in found) or not _is_alive(evidence)):
        words = "is near" if days is None or days >= 0 else "has passed"
        return Status.ATTENTION, f"The renewal {words} and there is no sign of life to judge by.", renewal
    if not found:
        return Status.NEUTRAL, "Too little is known to say more.", ()
    return Status.NEUTRAL, "Nothing stands out, for or against.", _cited(found[:3])


# What keeps a customer from thriving, even where it weighs little.
_WATCHED = (
    "overdue", "rating-bad", "usage-fair", "mood-bad", "leaving-settled", "legal", "escalation", "blocked-before",
    "surge",
)  # fmt: skip


def _is_alive(evidence: Evidence) -> bool:
    """Whether anybody was seen or heard within about a month and a half."""
    heard, seen = evidence.get("contact.in"), evidence.get("login.last")
    return any(one is not None and one["days"] < 45 for one in (heard, seen)) or bool(
        (evidence.get("usage.active") or {}).get("recent")
    )


def _renewal_near(evidence: Evidence) -> bool:
    renewal = evidence.get("commercial.renewal")
    return renewal is not None and -30 <= renewal["days"] <= instructions.near_days(evidence, NEAR)


def _corrected(
    status: Status, why: str, cited: tuple[str, ...], found: Sequence[Finding], evidence: Evidence
) -> tuple[Status, str, tuple[str, ...]]:
    """A member's correction stands while nothing new has come up against the customer since."""
    said = evidence.get("feedback")
    if not said or said["status"] not in Status.values or said["status"] == status:
        return status, why, cited
    if set(concerns(found)) - set(said["concerns"]):
        return (
            status,
            f"{why} A member judged this otherwise, but something new has come up since.",
            (*cited, "feedback"),
        )
    held = Status(said["status"])
    why = f"A member's correction stands, since nothing new has come up ({status.label} by the rules)."
    return held, why, (*cited, "feedback")


def _cited(found: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact for one in found for fact in one.facts))


def _areas(found: dict[str, Finding]) -> str:
    names = {"growth": "growing usage", "rating": "ratings", "leaving": "talk of leaving", "contact": "silence"}
    return ", ".join(names.get(area, area) for area in found)
