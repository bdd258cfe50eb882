"""What the facts mean, one by one: findings of an area with a weight, before anything is weighed against another.

A finding says itself in a clause for the summary and in a next step; both use nothing but its facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.evidence.support import LONG_WAIT, TOPIC_WORDS
from startdeliver.assessment.rules import messages, usage
from startdeliver.assessment.rules.finding import QUOTED, Finding, Weight
from startdeliver.assessment.rules.messages import about


def find(evidence: Evidence) -> list[Finding]:
    """Every finding, heaviest against the customer first, then those in its favour by weight."""
    found = [
        *messages.find(evidence),
        *usage.find(evidence),
        *_support(evidence),
        *_ratings(evidence),
        *_mood(evidence),
        *_silence(evidence),
    ]
    if any(one.code == "usage-stopped" for one in found):
        found = [one for one in found if one.code != "quiet"]
    found = [_once(one, found) for one in _merged(found)]
    if any(one.weight < 0 and one.code != "seats-empty" for one in found):
        # Empty seats have mostly been empty for long: beside a change they add nothing.
        found = [replace(one, weight=Weight.NOTE) if one.code == "seats-empty" else one for one in found]
    if any(one.code == "away" for one in found):
        # They said that they would be quiet, so that it is no news.
        found = [_softer(one) if one.code in ABSENCE else one for one in found]
    order = {code: number for number, code in enumerate(ORDER)}
    return sorted(found, key=lambda one: (one.weight if one.weight < 0 else 10 - one.weight, order.get(one.code, 99)))


def _once(one: Finding, found: Sequence[Finding]) -> Finding:
    """The finding without a quotation that a heavier one has already."""
    quoted = QUOTED.search(one.clause)
    others = [other.clause for other in found if other is not one]
    if one.area != "mood" or quoted is None or not any(quoted[1] in clause for clause in others):
        return one
    return replace(one, clause=QUOTED.sub("", one.clause))


def _merged(found: list[Finding]) -> list[Finding]:
    """Usage said once: how it stands by its targets and where it goes are one sentence, not two that disagree."""
    course = next((one for one in found if one.code in ("usage-falls", "usage-stopped") and one.area == "usage"
                   and "usage.active" in one.facts), None)  # fmt: skip
    stands = next((one for one in found if one.code in ("usage-good", "usage-fair", "usage-poor")), None)
    grows = next((one for one in found if one.code == "usage-grows"), None)
    if course and stands and stands.code != "usage-poor":
        name = "Good" if stands.code == "usage-good" else "Fair"
        course_clause = course.clause.removeprefix("usage is ")
        clause = f"usage is still {name} by its targets, but {course_clause}"
        one = replace(course, clause=clause, facts=tuple(dict.fromkeys((*course.facts, *stands.facts))))
        return [one if other is course else other for other in found if other is not stands]
    if course and stands:
        # Poor, and falling: the status says how bad, the course says how fast.
        clause = f"{stands.clause}, and {course.clause.removeprefix('usage is ')}"
        heavier = min(course, stands, key=lambda one: one.weight)
        facts = tuple(dict.fromkeys((*stands.facts, *course.facts)))
        one = replace(heavier, clause=clause, facts=facts, step=course.step, step_facts=course.step_facts)
        kept = [other for other in found if other is heavier or other not in (course, stands)]
        return [one if other is heavier else other for other in kept]
    if grows and stands and stands.weight <= 0:
        clause = f"{stands.clause}, but {grows.clause.removeprefix('usage is ')}"
        one = replace(stands, clause=clause, facts=tuple(dict.fromkeys((*stands.facts, *grows.facts))))
        return [one if other is stands else other for other in found]
    return found


ABSENCE = ("usage-stopped", "usage-falls", "usage-poor", "quiet", "silent", "product-poor")


def _softer(one: Finding) -> Finding:
    return replace(one, weight=Weight.NOTE, clause=f"{one.clause}, as they had announced", step="")


# Of findings that weigh alike, what a colleague would name first.
ORDER = (
    "leaving",
    "legal",
    "blocked",
    "leaving-hint",
    "escalation",
    "usage-stopped",
    "usage-poor",
    "usage-falls",
    "left",
    "handover",
    "rating-fell",
    "mood-bad",
    "overdue",
    "rating-bad",
    "waiting",
    "quiet",
    "surge",
    "topic",
    "slower",
    "reopened",
    "silent",
    "staying",
    "usage-grows",
    "usage-good",
    "mood-good",
    "rating-good",
    "logins-good",
)


def ticket_words(evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    """The oldest open ticket in words, with its fact; overdue ones first."""
    tickets = evidence.starting("ticket.")
    tickets.sort(key=lambda fact: (bool(fact.value.get("nobody")), not fact.value["overdue"]))
    if not tickets:
        return "", ()
    fact = tickets[0]
    title = fact.value["title"]
    words = f"“{title}”, open since {fact.value['since']}" if title else f"the ticket open since {fact.value['since']}"
    return words, (fact.id,)


def _support(evidence: Evidence) -> Iterator[Finding]:
    overdue, tickets = evidence.get("support.overdue") or 0, evidence.get("support.tickets") or {}
    health = evidence.get("support.health") or {}
    ticket, ticket_facts = ticket_words(evidence)
    if overdue:
        poor = health.get("status") == "poor" or (not health and overdue >= 3)
        # One straggler among many tickets is daily business.
        busy = overdue * 15 <= tickets.get("recent", 0)
        weight = Weight.SERIOUS if poor and not busy else Weight.NOTE if busy else Weight.CONCERN
        mine = [fact for fact in evidence.starting("ticket.") if fact.value["overdue"]]
        nobody = len(mine) == overdue and all(fact.value.get("nobody") for fact in mine)
        if nobody:
            weight = Weight.NOTE
        since = evidence.by_id["support.overdue"].text.rsplit("since ", 1)[1].rstrip(".")
        words = f"1 ticket is overdue, open since {since}"
        if overdue > 1:
            words = f"{overdue:,} tickets are overdue, the oldest open since {since}"
        if nobody:
            words += ", but nobody waits for them" if overdue > 1 else ", but nobody waits for it"
        yield Finding(
            "overdue",
            "support",
            weight,
            words,
            ("support.overdue", *(("support.health",) if health else ())),
            f"Close {ticket}: a machine or a test wrote it."
            if nobody
            else f"Get {ticket}, solved or answered with a date, and tell the customer yourself.",
            ticket_facts,
        )
    waiting = evidence.by_id.get("support.waiting")
    mine = [fact for fact in evidence.starting("ticket.") if fact.value.get("waits")]
    if waiting and not (mine and all(fact.value.get("nobody") for fact in mine)):
        since = waiting.text.rsplit("since ", 1)[1].rstrip(".")
        value = waiting.value if isinstance(waiting.value, dict) else {}
        small = value.get("harmless") and value.get("days", 0) < LONG_WAIT
        titles = [fact for fact in mine if fact.value["title"]]
        which, which_facts = (f"“{titles[0].value['title']}”", (titles[0].id,)) if titles else (ticket, ticket_facts)
        yield Finding(
            "waiting",
            "support",
            _weight_of_waiting(value, bool(small), evidence),
            f"they have been waiting for an answer since {since}",
            ("support.waiting",),
            f"Answer {which}, where they have been waiting since {since}."
            if which
            else f"Answer the customer, who has been waiting since {since}.",
            ("support.waiting", *which_facts),
        )
    usual = tickets.get("before", 0) / 3
    if tickets.get("recent", 0) >= 5 and tickets["recent"] >= 2 * usual and tickets.get("before", 0) >= 1:
        # Who has many questions and works with the product is learning it.
        happy = _is_happy(evidence) or (
            "topic.questions" in evidence.by_id and (evidence.get("usage.health") or {}).get("status") == "good"
        )
        yield Finding(
            "surge",
            "support",
            Weight.NOTE if happy else Weight.CONCERN,
            f"{tickets['recent']:,} tickets came in within 30 days, {tickets['before']:,} in the 90 days before",
            ("support.tickets",),
            "Go through the tickets of the last 30 days with the support lead and look for one common cause.",
            ("support.tickets",),
        )
    yield from _support_course(evidence)


def _weight_of_waiting(value: dict[str, Any], small: bool, evidence: Evidence) -> Weight:
    """Two weeks without an answer to people who are angry is more than a late one."""
    tone = evidence.get("tone.recent") or {}
    angry = tone.get("negative", 0) - tone.get("over", 0) >= 2 and tone.get("negative", 0) > tone.get("positive", 0)
    if value.get("days", 0) >= 2 * LONG_WAIT and angry:
        return Weight.SERIOUS
    return Weight.NOTE if small else Weight.CONCERN


def _support_course(evidence: Evidence) -> Iterator[Finding]:
    fact = evidence.by_id.get("support.resolution")
    if fact:
        recent, before = fact.value["recent"], fact.value["before"]
        if recent >= 2 * before and recent >= 2 * 86400:
            yield Finding(
                "slower", "support", Weight.CONCERN, "their tickets take at least twice as long as they used to",
                (fact.id,), "Ask the support lead why this customer's tickets take longer than before, and say so to "
                "the customer.", (fact.id,),
            )  # fmt: skip
        elif recent * 2 <= before:
            yield Finding(
                "faster", "support", Weight.NOTE, "their tickets are solved much faster than before", (fact.id,)
            )
    if (reopened := evidence.get("support.reopened") or 0) >= 2:
        yield Finding(
            "reopened", "support", Weight.CONCERN, f"{reopened:,} tickets had to be reopened", ("support.reopened",),
            "Check with the support lead that the reopened tickets are solved for good this time.",
            ("support.reopened",),
        )  # fmt: skip
    topic = evidence.by_id.get("topic.recurring")
    if topic:
        name, number, of = topic.value["topic"], topic.value["count"], topic.value["of"]
        heavy = name in ("bug", "performance", "billing", "login", "data", "cancel") and not _is_happy(evidence)
        yield Finding(
            "topic", "support", Weight.CONCERN if heavy else Weight.NOTE,
            f"{number:,} of {of:,} tickets are about {TOPIC_WORDS[name]}", (topic.id,),
            f"Bring the {number:,} tickets about {TOPIC_WORDS[name]} to the product team as one problem, and tell the "
            "customer.", (topic.id,),
        )  # fmt: skip


def _is_happy(evidence: Evidence) -> bool:
    tone, rating = evidence.get("tone.recent") or {}, evidence.get("support.rating") or {}
    kind = tone.get("positive", 0) >= 2 and tone.get("positive", 0) > tone.get("negative", 0)
    return bool(kind or (rating.get("mean", 0) >= 4.2 and tone.get("negative", 0) <= tone.get("positive", 0)))


def _ratings(evidence: Evidence) -> Iterator[Finding]:
    fact = evidence.by_id.get("support.rating")
    if fact is None:
        return
    mean, number = fact.value["mean"], fact.value["count"]
    words = f"support is rated {mean:.1f} out of 5"
    step = "Ask what was behind the low rating and report back what changed because of it."
    latest = evidence.by_id.get("support.rating.latest")
    both = (fact.id, latest.id) if latest else (fact.id,)
    # Assessments of older rules have the bare number.
    last: dict[str, Any] = {"rating": 5, "days": 0, "on": ""}
    if latest and isinstance(latest.value, dict):
        last = latest.value
    if number == 1 and last["on"]:
        words = f"the only rating, on {last['on']}, was {last['rating']} out of 5"
    if last.get("says") and last["rating"] <= 2:
        words += f" (“{last['says']}”)" if number == 1 else f" (the latest, on {last['on']}: “{last['says']}”)"
    if last.get("leaving") and latest:
        said = f": “{last['says']}”" if last.get("says") else ""
        yield Finding(
            "leaving-hint", "leaving", Weight.CRITICAL if last["days"] < 45 else Weight.SERIOUS,
            f"on {last['on']} they rated support {last['rating']} out of 5 and spoke of leaving{said}", (latest.id,),
            f"Call whoever gave the rating of {last['on']} this week and agree what has to change for them to stay.",
            (latest.id,),
        )  # fmt: skip
    course = evidence.by_id.get("support.rating.course")
    if course and course.value["recent"] <= 2.5 and course.value["before"] - course.value["recent"] >= 1.5:
        yield Finding(
            "rating-fell", "mood", Weight.SERIOUS,
            f"ratings fell from {course.value['before']:.1f} to {course.value['recent']:.1f} out of 5",
            (course.id, *both), step, both,
        )  # fmt: skip
    elif mean <= 2.5:
        # One bad day weeks ago is no verdict on the support.
        weight = Weight.SERIOUS if number >= 3 else Weight.CONCERN if number > 1 or last["days"] < 30 else Weight.NOTE
        yield Finding("rating-bad", "mood", weight, words, both, step, both)
    elif mean <= 3.3:
        yield Finding("rating-bad", "mood", Weight.CONCERN, words, both, step, both)
    elif last["rating"] <= 2:
        yield Finding(
            "rating-bad", "mood", Weight.NOTE, f"the latest rating is {last['rating']} out of 5", both, step, both
        )
    elif mean >= 4.4:
        yield Finding("rating-good", "rating", Weight.GOOD if number >= 2 else Weight.NOTE, words, both)


def _mood(evidence: Evidence) -> Iterator[Finding]:
    fact = evidence.by_id.get("tone.recent")
    if fact is None:
        return
    number, bad, good = fact.value["messages"], fact.value["negative"], fact.value["positive"]
    # What ended with a good rating is over.
    quotes = [one for one in evidence.starting("quote.negative.") if not one.value.get("content")]
    over = fact.value.get("over", 0)
    cited = (fact.id, *(one.id for one in quotes))
    step = _mood_step(quotes[0]) if quotes else ""
    of = _share(bad, number, "negative")
    if quotes and (says := quotes[0].value.get("says")):
        who = quotes[0].value.get("by")
        of += f" ({who}: “{says}”)" if who else f" (“{says}”)"
    if over and bad - over <= good:
        yield Finding(
            "mood-turned", "mood", Weight.NOTE,
            f"{_share(bad, number, 'negative')}, but it ended with a good rating", (fact.id,),
        )  # fmt: skip
        return
    bad -= over
    if bad and not quotes:
        # A mood that no sentence shows is too thin to worry anybody.
        yield Finding("mood-mixed", "mood", Weight.NOTE, of, cited)
        return
    rated: dict[str, Any] = evidence.get("support.rating") or {}
    praised = rated.get("count", 0) >= 3 and rated.get("mean", 0) >= 4.4
    # Trouble that ended well: the newest messages are kind and no angry ticket is left open.
    turned = bad and fact.value["since"] >= 1 and not any(one.value["open"] for one in quotes)
    if turned and (fact.value["since"] >= 2 or bad <= 2):
        words = f"{of}, but the newest {'ones sound' if fact.value['since'] > 1 else 'one sounds'} positive"
        yield Finding("mood-turned", "mood", Weight.NOTE, words, cited)
    elif praised and bad > good and not any(one.value["open"] for one in quotes):
        yield Finding("mood-mixed", "mood", Weight.NOTE, of, cited)
    elif bad >= 3 and bad * 2 >= number and bad > 2 * good:
        yield Finding("mood-bad", "mood", Weight.SERIOUS, of, cited, step, cited)
    # Who writes to support has a problem; only from a third on it is a mood.
    elif bad >= 2 and bad > good and bad * 3 >= number:
        yield Finding("mood-bad", "mood", Weight.CONCERN, of, cited, step, cited)
    elif bad == 1 and not good and quotes and quotes[0].value["score"] <= -0.6:
        heavy = quotes[0].value["open"] or number <= 2
        yield Finding("mood-bad", "mood", Weight.CONCERN if heavy else Weight.NOTE, of, cited, step, cited)
    elif bad >= 2 and bad > good:
        yield Finding("mood-mixed", "mood", Weight.NOTE, of, cited, step, cited)
    elif good and good >= 2 * bad:
        quotes = evidence.starting("quote.positive.")
        cited = (fact.id, *(one.id for one in quotes))
        words = _share(good, number, "positive")
        yield Finding(
            "mood-good", "mood", Weight.GOOD if good >= 2 and good * 4 >= number else Weight.NOTE, words, cited
        )


def _share(part: int, number: int, tone: str) -> str:
    if number == 1:
        return f"their latest message sounds {tone}"
    if part == number:
        return f"both recent messages sound {tone}" if number == 2 else f"all {number:,} recent messages sound {tone}"
    return f"{part:,} of {number:,} recent messages {'sounds' if part == 1 else 'sound'} {tone}"


def _mood_step(fact: Fact) -> str:
    """Whom to talk to about what sounded worst."""
    whom = fact.value.get("by") or "the person who wrote"
    if when := fact.value.get("talk"):
        return f"Prepare the talk with {whom} that is agreed for {when}: have an answer to {about(fact)}."
    if fact.value["open"]:
        return f"Answer {whom} on {about(fact)} with a date for the solution."
    return f"Ask {whom} whether {about(fact)} is now as it should be."


def _silence(evidence: Evidence) -> Iterator[Finding]:
    heard = evidence.by_id.get("contact.in")
    used = evidence.get("usage.health") or evidence.get("usage.active") or evidence.get("people.active")
    # Who uses the product without a word is no news for a third of a year.
    if heard is None or heard.value["days"] < (120 if used else 45):
        return
    words = f"nobody there has written since {heard.value['on']}"
    long = heard.value["days"] >= 90
    yield Finding(
        "silent",
        "contact",
        Weight.CONCERN if long and not used else Weight.NOTE,
        words,
        (heard.id,),
        f"Write a personal line to your contact: nobody there has written since {heard.value['on']}.",
        (heard.id,),
    )
