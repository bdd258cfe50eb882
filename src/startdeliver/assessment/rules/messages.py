"""What it means that messages speak of leaving, of blocked work, of lawyers, of people who leave, or of staying."""

from __future__ import annotations

from collections.abc import Iterator

from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.rules.finding import Finding, Weight, days_to_renewal

# A renewal this far away was most likely settled since.
_SETTLED_RENEWAL = 270
# Contracts are given notice of in this many days before their end.
_TIME_FOR_NOTICE = 120
# Days after which nobody can be called about a sentence as if it were new, and after which one alone weighs little.
_STALE, _LONG_AGO = 30, 120


def find(evidence: Evidence) -> Iterator[Finding]:
    """Findings of the areas leaving, trouble, people and commitment."""
    yield from _leaving(evidence)
    yield from _trouble(evidence)
    yield from _blocked(evidence)
    yield from _handover(evidence)
    yield from _staying(evidence)
    for fact in evidence.starting("away.")[:1]:
        yield Finding("away", Weight.NOTE, f"{_wrote(fact, 'announced a quiet time')}", (fact.id,))


def author(fact: Fact, unknown: str = "they") -> str:
    """Who wrote a message, in words."""
    return fact.value.get("by") or unknown


def about(fact: Fact) -> str:
    """What a talk with the author would be about: the words, or where they stand."""
    says = fact.value.get("says")
    return f"“{says}”" if says else f"what was written {_place(fact)}"


def talk_step(fact: Fact, otherwise: str, whom: str = "") -> str:
    """The step `otherwise`, or the preparation of a talk that is agreed already."""
    when = fact.value.get("talk")
    if not when:
        return otherwise
    whom = whom or author(fact, "them")
    return f"Prepare the talk with {whom} that is agreed for {when}: have an answer to {about(fact)}."


def _place(fact: Fact) -> str:
    title = fact.value["title"]
    return f"in “{title}”" if title else "in a ticket"


def _wrote(fact: Fact, what: str) -> str:
    """When who said what: in the customer's words, or where they stand when they cannot be quoted."""
    says = fact.value.get("says")
    words = f": “{says}”" if says else f" ({_place(fact)})"
    return f"on {fact.value['on']} {author(fact)} {what}{words}"


def _unanswered(fact: Fact) -> str:
    return ", which nobody has answered" if fact.value.get("waits") else ""


def _is_calm(fact: Fact) -> bool:
    """Whether what a message says is over: its ticket ended with a good rating, or kind words came after it."""
    return not fact.value["open"] and (fact.value.get("content", False) or fact.value["after"] > 0)


def _leaving(evidence: Evidence) -> Iterator[Finding]:
    facts = evidence.starting("churn.")
    live = [fact for fact in facts if not fact.value["settled"]]
    if not live:
        for fact in facts[:1]:
            clause = f"the talk of leaving on {fact.value['on']} was settled since"
            yield Finding("leaving-settled", Weight.NOTE, clause, (fact.id,))
        return
    plain = [fact for fact in live if fact.value["kind"] == "leaving"]
    # What waits for an answer comes before what was talked about.
    fact = min(plain or live, key=lambda each: not each.value.get("waits"))
    waits, days, whom = fact.value.get("waits"), fact.value["days"], author(fact, "the person who wrote")
    if plain:
        code, what, weight = "leaving", "spoke of leaving", _weight_of_leaving(fact, len(live), evidence)
        when = "today" if waits or days < 2 else "this week"
        step = f"Call {whom} {when} about {about(fact)} and agree what has to change for them to stay."
        if days >= _STALE and not waits:
            step = f"Ask {whom} whether {about(fact)} still holds, and agree what has to change for them to stay."
    else:
        code, what, weight = (
            "leaving-hint",
            "wrote what may lead to leaving",
            _weight_of_hint(fact, len(live), evidence),
        )
        step = f"Ask {whom} what is behind {about(fact)}, and show what they get for their money."
    cited = tuple(dict.fromkeys((fact.id, *(each.id for each in live))))
    yield Finding(code, weight, _wrote(fact, what) + _unanswered(fact), cited, talk_step(fact, step), (fact.id,))


def _renews_soon(evidence: Evidence) -> bool:
    left = days_to_renewal(evidence)
    return left is not None and -30 <= left <= _TIME_FOR_NOTICE


def _weight_of_hint(fact: Fact, number: int, evidence: Evidence) -> Weight:
    """A question about the way out weighs most while there is time to take it."""
    if number == 1 and fact.value["churn"] < 0.65:
        return Weight.CONCERN
    return Weight.CRITICAL if _renews_soon(evidence) else Weight.SERIOUS


def _weight_of_leaving(fact: Fact, number: int, evidence: Evidence) -> Weight:
    said, left = fact.value, days_to_renewal(evidence)
    if said.get("waits"):
        return Weight.CRITICAL
    if not said["open"] and said["after"] > 0 and said["score"] <= -0.35:
        return Weight.CONCERN
    if said["days"] >= 60 and left is not None and left >= _SETTLED_RENEWAL and said["after"] >= 0:
        return Weight.CONCERN
    if said["days"] >= _LONG_AGO and number == 1:
        # Said once, long ago: news only where the contract is about to end.
        return Weight.SERIOUS if _renews_soon(evidence) else Weight.CONCERN
    return Weight.CRITICAL if number > 1 or said["churn"] >= 0.6 else Weight.SERIOUS


def _trouble(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("legal.")[:1]:
        weight = Weight.NOTE if _is_calm(fact) else Weight.CRITICAL if fact.value["open"] else Weight.SERIOUS
        yield Finding(
            "legal", weight, _wrote(fact, "spoke of lawyers, claims or withheld payment"), (fact.id,),
            f"Have your management answer {author(fact, 'them')} about {about(fact)} before anybody else writes.",
        )  # fmt: skip
    for fact in evidence.starting("escalation.")[:1]:
        weight = Weight.NOTE if _is_calm(fact) else Weight.SERIOUS if fact.value["open"] else Weight.CONCERN
        step = f"Have somebody with authority call {author(fact, 'them')} about {about(fact)}."
        clause = _wrote(fact, "asked for somebody with authority") + _unanswered(fact)
        yield Finding("escalation", weight, clause, (fact.id,), talk_step(fact, step))


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
        on, says = fact.value["on"], fact.value.get("says")
        clause = f"{what}: {author(fact)} wrote on {on} “{says}”" if says else f"{what} since {on} ({_place(fact)})"
        yield Finding(
            "blocked", Weight.SERIOUS if danger or waits else Weight.CONCERN, clause, (fact.id,),
            f"Get what {author(fact)} wrote ({about(fact)}) to whoever can solve it today, and call "
            f"{author(fact, 'the customer')} with a time.",
        )  # fmt: skip
    elif facts:
        fact = facts[0]
        yield Finding(
            "blocked-before", Weight.CONCERN if len(facts) > 1 and not _is_calm(fact) else Weight.NOTE,
            f"their work stood still on {fact.value['on']}, which is solved", tuple(each.id for each in facts),
            f"Tell {author(fact, 'the customer')} what was done so that their work does not stand still again.",
            (fact.id,),
        )  # fmt: skip


def _handover(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("handover.")[:1]:
        yield Finding(
            "handover", Weight.SERIOUS if _renews_soon(evidence) and not fact.value["successor"] else Weight.CONCERN,
            _wrote(fact, "wrote that somebody who matters there is leaving"), (fact.id,),
            f"Ask {author(fact, 'them')} who takes over, get to know that person before the handover is done, and "
            "show them what was agreed so far.",
        )  # fmt: skip


def _staying(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("staying.")[:1]:
        if any(not churn.value["settled"] and churn.at >= fact.at for churn in evidence.starting("churn.")):
            return
        whom, step = author(fact, "them"), ""
        if fact.value["open"]:
            step = f"Answer {whom} on {about(fact)} with a concrete offer."
        elif fact.value["days"] < _STALE:
            step = f"Follow up with {whom} on {about(fact)} and agree the next step."
        clause = _wrote(fact, "wrote of staying or growing")
        yield Finding("staying", Weight.GOOD, clause, (fact.id,), talk_step(fact, step) if step else "")
