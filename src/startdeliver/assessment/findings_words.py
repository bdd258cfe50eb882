"""What it means that messages speak of leaving, of work that stands still, of lawyers, of people who go, of staying."""

from __future__ import annotations

from collections.abc import Iterator

from startdeliver.assessment.facts import Evidence, Fact
from startdeliver.assessment.finding import Finding, Weight

# A renewal this far away was most likely settled since.
_SETTLED_RENEWAL = 270
# Contracts are given notice of in this many days before their end.
_TIME_FOR_NOTICE = 120


def find(evidence: Evidence) -> Iterator[Finding]:
    """Findings of the areas leaving, trouble, people and commitment."""
    yield from _leaving(evidence)
    yield from _legal(evidence)
    yield from _escalation(evidence)
    yield from _blocked(evidence)
    yield from _handover(evidence)
    yield from _staying(evidence)
    yield from _away(evidence)


def place(fact: Fact) -> str:
    """Where a message stands, in words."""
    title = fact.value["title"]
    return f"in “{title}”" if title else "in a ticket"


def _leaving(evidence: Evidence) -> Iterator[Finding]:
    facts = evidence.starting("churn.")
    live = [fact for fact in facts if not fact.value["settled"]]
    if not live:
        for fact in facts[:1]:
            yield Finding(
                "leaving-settled", "leaving", Weight.NOTE,
                f"the talk of leaving on {fact.value['on']} was settled since", (fact.id,),
            )  # fmt: skip
        return
    plain = [fact for fact in live if fact.value["kind"] == "leaving"]
    fact = (plain or live)[0]
    on, where = fact.value["on"], place(fact)
    cited = tuple(dict.fromkeys((fact.id, *(one.id for one in live))))
    if not plain:
        yield Finding(
            "leaving-hint", "leaving", _weight_of_hint(fact, len(live), evidence),
            f"on {on} they asked {where} what may lead to leaving", cited,
            f"Ask the person who wrote {where} on {on} what is behind the question, and show what they get for their "
            "money.", (fact.id,),
        )  # fmt: skip
        return
    yield Finding(
        "leaving", "leaving", _weight_of_leaving(fact, len(live), evidence),
        f"they spoke of leaving on {on} ({where})", cited,
        f"Call the person who wrote about leaving on {on} ({where}) and agree what has to change for them to stay.",
        (fact.id,),
    )  # fmt: skip


def _weight_of_hint(fact: Fact, number: int, evidence: Evidence) -> Weight:
    """A question about the way out weighs most while there is time to take it."""
    left = (evidence.get("commercial.renewal") or {}).get("days")
    sure = number > 1 or fact.value["churn"] >= 0.65
    if sure and left is not None and -30 <= left <= _TIME_FOR_NOTICE:
        return Weight.CRITICAL
    return Weight.SERIOUS if sure else Weight.CONCERN


def _weight_of_leaving(fact: Fact, number: int, evidence: Evidence) -> Weight:
    value = fact.value
    left = (evidence.get("commercial.renewal") or {}).get("days")
    if not value["open"] and value["after"] > 0:
        return Weight.CONCERN
    if value["days"] >= 60 and left is not None and left >= _SETTLED_RENEWAL and value["after"] >= 0:
        return Weight.CONCERN
    if value["days"] >= 120 and number == 1:
        return Weight.SERIOUS
    return Weight.CRITICAL if number > 1 or value["churn"] >= 0.6 else Weight.SERIOUS


def _legal(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("legal.")[:1]:
        calm = not fact.value["open"] and fact.value["after"] > 0
        weight = Weight.NOTE if calm else Weight.CRITICAL if fact.value["open"] else Weight.SERIOUS
        yield Finding(
            "legal", "trouble", weight,
            f"on {fact.value['on']} they spoke of lawyers, claims or withheld payment ({place(fact)})", (fact.id,),
            f"Have your management answer what they claim {place(fact)} (since {fact.value['on']}) before anybody else "
            "writes.", (fact.id,),
        )  # fmt: skip


def _escalation(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("escalation.")[:1]:
        calm = not fact.value["open"] and fact.value["after"] > 0
        weight = Weight.NOTE if calm else Weight.SERIOUS if fact.value["open"] else Weight.CONCERN
        yield Finding(
            "escalation", "trouble", weight,
            f"on {fact.value['on']} they asked for somebody with authority ({place(fact)})", (fact.id,),
            f"Have somebody with authority call them about what they wrote {place(fact)} on {fact.value['on']}.",
            (fact.id,),
        )  # fmt: skip


def _blocked(evidence: Evidence) -> Iterator[Finding]:
    facts = evidence.starting("blocked.")
    live = [fact for fact in facts if fact.value["open"]]
    if live:
        fact = live[0]
        waits = fact.value["days"] >= 2 or evidence.get("support.overdue") or evidence.get("support.waiting")
        yield Finding(
            "blocked", "support", Weight.SERIOUS if waits else Weight.CONCERN,
            f"their work has been standing still since {fact.value['on']} ({place(fact)})", (fact.id,),
            f"Get what stops their work ({place(fact)}, since {fact.value['on']}) to whoever can solve it today, and "
            "call the customer.", (fact.id,),
        )  # fmt: skip
    elif facts:
        fact = facts[0]
        again = len(facts) > 1
        calm = fact.value["after"] > 0
        yield Finding(
            "blocked-before", "support", Weight.CONCERN if again and not calm else Weight.NOTE,
            f"their work stood still on {fact.value['on']}, which is solved", tuple(one.id for one in facts),
            "Tell the customer what was done so that their work does not stand still again.", (fact.id,),
        )  # fmt: skip


def _handover(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("handover.")[:1]:
        left = (evidence.get("commercial.renewal") or {}).get("days")
        near = left is not None and -30 <= left <= 120
        weight = Weight.SERIOUS if near and not fact.value["successor"] else Weight.CONCERN
        yield Finding(
            "handover", "people", weight,
            f"on {fact.value['on']} they wrote that somebody who matters there is leaving ({place(fact)})", (fact.id,),
            "Get to know who takes over before the handover is done, and show them what was agreed so far.",
            (fact.id,),
        )  # fmt: skip


def _staying(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("staying.")[:1]:
        if any(not one.value["settled"] and one.at >= fact.at for one in evidence.starting("churn.")):
            return
        yield Finding(
            "staying", "commitment", Weight.GOOD,
            f"on {fact.value['on']} they wrote of staying or growing ({place(fact)})", (fact.id,),
            f"Answer what they wrote {place(fact)} on {fact.value['on']} with a concrete offer.", (fact.id,),
        )  # fmt: skip


def _away(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("away.")[:1]:
        yield Finding(
            "away", "contact", Weight.NOTE, f"on {fact.value['on']} they announced a quiet time ({place(fact)})",
            (fact.id,),
        )  # fmt: skip
