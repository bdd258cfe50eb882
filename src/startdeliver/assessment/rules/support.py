"""What the facts about tickets mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.evidence.support import LONG_WAIT, TOPIC_WORDS
from startdeliver.assessment.rules.finding import Finding, Weight, value


def find(evidence: Evidence) -> Iterator[Finding]:
    """Findings of the area support."""
    yield from _overdue(evidence)
    yield from _waiting(evidence)
    yield from _surge(evidence)
    yield from _course(evidence)


def _oldest(evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    """The oldest open ticket in words, with its fact; overdue ones first."""
    tickets = evidence.starting("ticket.")
    if not tickets:
        return "", ()
    fact = min(tickets, key=lambda each: (bool(each.value.get("nobody")), not each.value["overdue"]))
    title, since = fact.value["title"], fact.value["since"]
    return f"“{title}”, open since {since}" if title else f"the ticket open since {since}", (fact.id,)


def _since(evidence: Evidence, fact_id: str) -> str:
    return evidence.by_id[fact_id].text.rsplit("since ", 1)[1].rstrip(".")


def _overdue(evidence: Evidence) -> Iterator[Finding]:
    overdue = evidence.get("support.overdue") or 0
    if not overdue:
        return
    health = value(evidence, "support.health")
    poor = health.get("status") == "poor" or (not health and overdue >= 3)
    # One straggler among many tickets is daily business.
    busy = overdue * 15 <= value(evidence, "support.tickets").get("recent", 0)
    tickets = [fact for fact in evidence.starting("ticket.") if fact.value["overdue"]]
    nobody = len(tickets) == overdue and all(fact.value.get("nobody") for fact in tickets)
    weight = Weight.NOTE if nobody or busy else Weight.SERIOUS if poor else Weight.CONCERN
    words = "1 ticket is overdue," if overdue == 1 else f"{overdue:,} tickets are overdue, the oldest"
    words = f"{words} open since {_since(evidence, 'support.overdue')}"
    if nobody:
        words += ", but nobody waits for them" if overdue > 1 else ", but nobody waits for it"
    ticket, ticket_facts = _oldest(evidence)
    step = f"Get {ticket}, solved or answered with a date, and tell the customer yourself."
    if nobody:
        step = f"Close {ticket}: a machine or a test wrote it."
    facts = ("support.overdue", "support.health") if health else ("support.overdue",)
    yield Finding("overdue", weight, words, facts, step, ticket_facts)


def _waiting(evidence: Evidence) -> Iterator[Finding]:
    waiting = evidence.by_id.get("support.waiting")
    tickets = [fact for fact in evidence.starting("ticket.") if fact.value.get("waits")]
    if not waiting or (tickets and all(fact.value.get("nobody") for fact in tickets)):
        return
    since = _since(evidence, "support.waiting")
    ticket, facts = _oldest(evidence)
    if titled := next((fact for fact in tickets if fact.value["title"]), None):
        ticket, facts = f"“{titled.value['title']}”", (titled.id,)
    step = f"Answer the customer, who has been waiting since {since}."
    if ticket:
        step = f"Answer {ticket}, where they have been waiting since {since}."
    weight = _weight_of_waiting(waiting.value if isinstance(waiting.value, dict) else {}, evidence)
    words = f"they have been waiting for an answer since {since}"
    yield Finding("waiting", weight, words, (waiting.id,), step, (waiting.id, *facts))


def _weight_of_waiting(waiting: dict[str, Any], evidence: Evidence) -> Weight:
    """Two weeks without an answer to people who are angry is more than a late one."""
    tone, days = value(evidence, "tone.recent"), waiting.get("days", 0)
    negative = tone.get("negative", 0)
    if days >= 2 * LONG_WAIT and negative - tone.get("over", 0) >= 2 and negative > tone.get("positive", 0):
        return Weight.SERIOUS
    return Weight.NOTE if waiting.get("harmless") and days < LONG_WAIT else Weight.CONCERN


def _surge(evidence: Evidence) -> Iterator[Finding]:
    tickets = value(evidence, "support.tickets")
    recent, before = tickets.get("recent", 0), tickets.get("before", 0)
    if recent < 5 or recent * 3 < 2 * before or before < 1:
        return
    # Who has many questions and works with the product is learning it.
    learning = "topic.questions" in evidence.by_id and value(evidence, "usage.health").get("status") == "good"
    yield Finding(
        "surge", Weight.NOTE if learning or _is_happy(evidence) else Weight.CONCERN,
        f"{recent:,} tickets came in within 30 days, {before:,} in the 90 days before", ("support.tickets",),
        "Go through the tickets of the last 30 days with the support lead and look for one common cause.",
    )  # fmt: skip


def _course(evidence: Evidence) -> Iterator[Finding]:
    if fact := evidence.by_id.get("support.resolution"):
        recent, before = fact.value["recent"], fact.value["before"]
        if recent >= 2 * before and recent >= 2 * 86400:
            yield Finding(
                "slower", Weight.CONCERN, "their tickets take at least twice as long as they used to", (fact.id,),
                "Ask the support lead why this customer's tickets take longer than before, and say so to the customer.",
            )  # fmt: skip
        elif recent * 2 <= before:
            yield Finding("faster", Weight.NOTE, "their tickets are solved much faster than before", (fact.id,))
    if (reopened := evidence.get("support.reopened") or 0) >= 2:
        step = "Check with the support lead that the reopened tickets are solved for good this time."
        words = f"{reopened:,} tickets had to be reopened"
        yield Finding("reopened", Weight.CONCERN, words, ("support.reopened",), step)
    if topic := evidence.by_id.get("topic.recurring"):
        name, number = topic.value["topic"], topic.value["count"]
        heavy = name in ("bug", "performance", "billing", "login", "data", "cancel") and not _is_happy(evidence)
        about = f"about {TOPIC_WORDS[name]}"
        yield Finding(
            "topic", Weight.CONCERN if heavy else Weight.NOTE,
            f"{number:,} of {topic.value['of']:,} tickets are {about}", (topic.id,),
            f"Bring the {number:,} tickets {about} to the product team as one problem, and tell the customer.",
        )  # fmt: skip


def _is_happy(evidence: Evidence) -> bool:
    tone = value(evidence, "tone.recent")
    negative, positive = tone.get("negative", 0), tone.get("positive", 0)
    rated_well = value(evidence, "support.rating").get("mean", 0) >= 4.2
    return bool((positive >= 2 and positive > negative) or (rated_well and negative <= positive))
