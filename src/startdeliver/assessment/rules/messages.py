"""What it means that messages speak of leaving, of work that stands still, of lawyers, of people who go, of staying."""

from __future__ import annotations

from collections.abc import Iterator

from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.rules.finding import Finding, Weight

# A renewal this far away was most likely settled since.
_SETTLED_RENEWAL = 270
# Contracts are given notice of in this many days before their end.
_TIME_FOR_NOTICE = 120
# Days after which nobody can be called about a sentence as if it were new, and after which one alone weighs little.
_STALE, _LONG_AGO = 30, 120


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


def author(fact: Fact, unknown: str = "they") -> str:
    """Who wrote a message, in words."""
    return fact.value.get("by") or unknown


def words(fact: Fact) -> str:
    """What a message says, in quotation marks with a colon before them; where it stands when it cannot be quoted."""
    says = fact.value.get("says")
    return f": “{says}”" if says else f" ({place(fact)})"


def about(fact: Fact) -> str:
    """What a talk with the author would be about: the words, or where they stand."""
    says = fact.value.get("says")
    return f"“{says}”" if says else f"what was written {place(fact)}"


def is_calm(fact: Fact) -> bool:
    """Whether what a message says is over: its ticket ended with a good rating, or kind words came after it."""
    return not fact.value["open"] and (fact.value.get("content", False) or fact.value["after"] > 0)


def _unanswered(fact: Fact) -> str:
    return ", which nobody has answered" if fact.value.get("waits") else ""


def _talk(fact: Fact, otherwise: str) -> str:
    """The step `otherwise`, or the preparation of a talk that is agreed already."""
    when = fact.value.get("talk")
    if not when:
        return otherwise
    return f"Prepare the talk with {author(fact, 'them')} that is agreed for {when}: have an answer to {about(fact)}."


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
    # What waits for an answer comes before what was talked about.
    fact = min(plain or live, key=lambda one: not one.value.get("waits"))
    on = fact.value["on"]
    cited = tuple(dict.fromkeys((fact.id, *(one.id for one in live))))
    whom = author(fact, "the person who wrote")
    if not plain:
        yield Finding(
            "leaving-hint", "leaving", _weight_of_hint(fact, len(live), evidence),
            f"on {on} {author(fact)} wrote what may lead to leaving{words(fact)}{_unanswered(fact)}", cited,
            _talk(fact, f"Ask {whom} what is behind {about(fact)}, and show what they get for their money."),
            (fact.id,),
        )  # fmt: skip
        return
    when = "today" if fact.value.get("waits") or fact.value["days"] < 2 else "this week"
    step = f"Call {whom} {when} about {about(fact)} and agree what has to change for them to stay."
    if fact.value["days"] >= _STALE and not fact.value.get("waits"):
        step = f"Ask {whom} whether {about(fact)} still holds, and agree what has to change for them to stay."
    yield Finding(
        "leaving", "leaving", _weight_of_leaving(fact, len(live), evidence),
        f"on {on} {author(fact)} spoke of leaving{words(fact)}{_unanswered(fact)}", cited,
        _talk(fact, step),
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
    if value.get("waits"):
        return Weight.CRITICAL
    if not value["open"] and value["after"] > 0 and value["score"] <= -0.35:
        return Weight.CONCERN
    if value["days"] >= 60 and left is not None and left >= _SETTLED_RENEWAL and value["after"] >= 0:
        return Weight.CONCERN
    if value["days"] >= _LONG_AGO and number == 1:
        # Said once, long ago: news only where the contract is about to end.
        return Weight.SERIOUS if left is not None and -30 <= left <= _TIME_FOR_NOTICE else Weight.CONCERN
    return Weight.CRITICAL if number > 1 or value["churn"] >= 0.6 else Weight.SERIOUS


def _legal(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("legal.")[:1]:
        weight = Weight.NOTE if is_calm(fact) else Weight.CRITICAL if fact.value["open"] else Weight.SERIOUS
        yield Finding(
            "legal", "trouble", weight,
            f"on {fact.value['on']} {author(fact)} spoke of lawyers, claims or withheld payment{words(fact)}",
            (fact.id,),
            f"Have your management answer {author(fact, 'them')} about {about(fact)} before anybody else writes.",
            (fact.id,),
        )  # fmt: skip


def _escalation(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("escalation.")[:1]:
        weight = Weight.NOTE if is_calm(fact) else Weight.SERIOUS if fact.value["open"] else Weight.CONCERN
        yield Finding(
            "escalation", "trouble", weight,
            f"on {fact.value['on']} {author(fact)} asked for somebody with authority{words(fact)}{_unanswered(fact)}",
            (fact.id,),
            _talk(fact, f"Have somebody with authority call {author(fact, 'them')} about {about(fact)}."),
            (fact.id,),
        )  # fmt: skip


def _blocked(evidence: Evidence) -> Iterator[Finding]:
    facts = evidence.starting("blocked.")
    live = [fact for fact in facts if fact.value["open"]]
    # Where people can be hurt, what sounds bad is as heavy as work that stands still.
    danger = [fact for fact in (*facts, *evidence.starting("quote.negative."))
              if fact.value.get("safety") and fact.value["open"]]  # fmt: skip
    if danger or live:
        fact = (danger or live)[0]
        waits = fact.value["days"] >= 2 or fact.value.get("waits") or evidence.get("support.overdue")
        what = "people can come to harm" if danger else "their work stands still"
        who = fact.value.get("by")
        wrote = f"{who} wrote on {fact.value['on']}" if who else f"they wrote on {fact.value['on']}"
        says = fact.value.get("says")
        yield Finding(
            "blocked", "support", Weight.SERIOUS if danger or waits else Weight.CONCERN,
            f"{what}: {wrote} “{says}”" if says else f"{what} since {fact.value['on']} ({place(fact)})",
            (fact.id,),
            f"Get what {author(fact)} wrote ({about(fact)}) to whoever can solve it today, and call "
            f"{author(fact, 'the customer')} with a time.",
            (fact.id,),
        )  # fmt: skip
    elif facts:
        fact = facts[0]
        again = len(facts) > 1
        yield Finding(
            "blocked-before", "support", Weight.CONCERN if again and not is_calm(fact) else Weight.NOTE,
            f"their work stood still on {fact.value['on']}, which is solved", tuple(one.id for one in facts),
            f"Tell {author(fact, 'the customer')} what was done so that their work does not stand still again.",
            (fact.id,),
        )  # fmt: skip


def _handover(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("handover.")[:1]:
        left = (evidence.get("commercial.renewal") or {}).get("days")
        near = left is not None and -30 <= left <= 120
        weight = Weight.SERIOUS if near and not fact.value["successor"] else Weight.CONCERN
        yield Finding(
            "handover", "people", weight,
            f"on {fact.value['on']} {author(fact)} wrote that somebody who matters there is leaving{words(fact)}",
            (fact.id,),
            f"Ask {author(fact, 'them')} who takes over, get to know that person before the handover is done, and "
            "show them what was agreed so far.",
            (fact.id,),
        )  # fmt: skip


def _staying(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("staying.")[:1]:
        if any(not one.value["settled"] and one.at >= fact.at for one in evidence.starting("churn.")):
            return
        whom = author(fact, "them")
        step = f"Follow up with {whom} on {about(fact)} and agree the next step."
        if fact.value["days"] >= _STALE:
            step = ""
        if fact.value["open"]:
            step = f"Answer {whom} on {about(fact)} with a concrete offer."
        yield Finding(
            "staying", "commitment", Weight.GOOD,
            f"on {fact.value['on']} {author(fact)} wrote of staying or growing{words(fact)}", (fact.id,),
            _talk(fact, step) if step else "", (fact.id,),
        )  # fmt: skip


def _away(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("away.")[:1]:
        yield Finding(
            "away", "contact", Weight.NOTE, f"on {fact.value['on']} {author(fact)} announced a quiet time{words(fact)}",
            (fact.id,),
        )  # fmt: skip
