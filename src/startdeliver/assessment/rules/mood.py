"""What ratings, the tone of messages and silence mean."""

from __future__ import annotations

from collections.abc import Iterator

from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.rules.finding import Finding, Weight, value
from startdeliver.assessment.rules.messages import about, talk_step


def find(evidence: Evidence) -> Iterator[Finding]:
    """Findings of the areas mood, rating and contact, and of leaving as said in a rating."""
    yield from _ratings(evidence)
    yield from _tone(evidence)
    yield from _silence(evidence)


def _ratings(evidence: Evidence) -> Iterator[Finding]:
    fact = evidence.by_id.get("support.rating")
    if fact is None:
        return
    mean, number = fact.value["mean"], fact.value["count"]
    words = f"support is rated {mean:.1f} out of 5"
    step = "Ask what was behind the low rating and report back what changed because of it."
    facts: tuple[str, ...] = (fact.id,)
    rating, days, on, says = 5, 0, "", ""
    if latest := evidence.by_id.get("support.rating.latest"):
        facts = (fact.id, latest.id)
        # Assessments of older rules have the bare number.
        if isinstance(latest.value, dict):
            rating, days, on = latest.value["rating"], latest.value["days"], latest.value["on"]
            says = latest.value.get("says") or ""
            if latest.value.get("leaving"):
                yield Finding(
                    "leaving-hint", Weight.CRITICAL if days < 45 else Weight.SERIOUS,
                    f"on {on} they rated support {rating} out of 5 and spoke of leaving" + (says and f": “{says}”"),
                    (latest.id,),
                    f"Call whoever gave the rating of {on} this week and agree what has to change for them to stay.",
                )  # fmt: skip
    if number == 1 and on:
        words = f"the only rating, on {on}, was {rating} out of 5"
    if says and rating <= 2:
        words += f" (“{says}”)" if number == 1 else f" (the latest, on {on}: “{says}”)"
    course = value(evidence, "support.rating.course")
    if course and course["recent"] <= 2.5 and course["before"] - course["recent"] >= 1.5:
        clause = f"ratings fell from {course['before']:.1f} to {course['recent']:.1f} out of 5"
        yield Finding("rating-fell", Weight.SERIOUS, clause, ("support.rating.course", *facts), step, facts)
    elif mean <= 2.5:
        # One bad day weeks ago is no verdict on the support.
        weight = Weight.SERIOUS if number >= 3 else Weight.CONCERN if number > 1 or days < 30 else Weight.NOTE
        yield Finding("rating-bad", weight, words, facts, step)
    elif mean <= 3.3:
        yield Finding("rating-bad", Weight.CONCERN, words, facts, step)
    elif rating <= 2:
        yield Finding("rating-bad", Weight.NOTE, f"the latest rating is {rating} out of 5", facts, step)
    elif mean >= 4.4:
        yield Finding("rating-good", Weight.GOOD if number >= 2 else Weight.NOTE, words, facts)


def _tone(evidence: Evidence) -> Iterator[Finding]:
    fact = evidence.by_id.get("tone.recent")
    if fact is None:
        return
    number, negative, good = fact.value["messages"], fact.value["negative"], fact.value["positive"]
    over = fact.value.get("over", 0)
    share = _share(negative, number, "negative")
    if over and negative - over <= good:
        yield Finding("mood-turned", Weight.NOTE, f"{share}, but it ended with a good rating", (fact.id,))
        return
    # What ended with a good rating is over.
    bad = negative - over
    quotes = [quote for quote in evidence.starting("quote.negative.") if not quote.value.get("content")]
    facts = (fact.id, *(quote.id for quote in quotes))
    worst = quotes[0].value if quotes else {}
    step = _step(quotes[0]) if quotes else ""
    if says := worst.get("says"):
        share += f" ({worst['by']}: “{says}”)" if worst.get("by") else f" (“{says}”)"
    rating = value(evidence, "support.rating")
    praised = rating.get("count", 0) >= 3 and rating.get("mean", 0) >= 4.4
    is_open = any(quote.value["open"] for quote in quotes)
    since = fact.value["since"]
    if bad and not quotes:
        # A mood that no sentence shows is too thin to worry anybody.
        yield Finding("mood-mixed", Weight.NOTE, share, facts)
    elif bad and not is_open and (since >= 2 or (since and bad <= 2)):
        # Trouble that ended well: the newest messages are kind and no angry ticket is left open.
        clause = f"{share}, but the newest {'ones sound' if since > 1 else 'one sounds'} positive"
        yield Finding("mood-turned", Weight.NOTE, clause, facts)
    elif praised and bad > good and not is_open:
        yield Finding("mood-mixed", Weight.NOTE, share, facts)
    elif bad >= 3 and bad * 2 >= number and bad > 2 * good:
        yield Finding("mood-bad", Weight.SERIOUS, share, facts, step)
    # Who writes to support has a problem; only from a third on it is a mood.
    elif bad >= 2 and bad > good and bad * 3 >= number:
        yield Finding("mood-bad", Weight.CONCERN, share, facts, step)
    elif bad == 1 and not good and worst["score"] <= -0.6:
        weight = Weight.CONCERN if worst["open"] or number <= 2 else Weight.NOTE
        yield Finding("mood-bad", weight, share, facts, step)
    elif bad >= 2 and bad > good:
        yield Finding("mood-mixed", Weight.NOTE, share, facts, step)
    elif good and good >= 2 * bad:
        facts = (fact.id, *(quote.id for quote in evidence.starting("quote.positive.")))
        weight = Weight.GOOD if good >= 2 and good * 4 >= number else Weight.NOTE
        yield Finding("mood-good", weight, _share(good, number, "positive"), facts)


def _share(part: int, number: int, tone: str) -> str:
    if number == 1:
        return f"their latest message sounds {tone}"
    if part == number:
        return f"both recent messages sound {tone}" if number == 2 else f"all {number:,} recent messages sound {tone}"
    return f"{part:,} of {number:,} recent messages {'sounds' if part == 1 else 'sound'} {tone}"


def _step(quote: Fact) -> str:
    """Whom to talk to about what sounded worst."""
    whom = quote.value.get("by") or "the person who wrote"
    step = f"Ask {whom} whether {about(quote)} is now as it should be."
    if quote.value["open"]:
        step = f"Answer {whom} on {about(quote)} with a date for the solution."
    return talk_step(quote, step, whom)


def _silence(evidence: Evidence) -> Iterator[Finding]:
    heard = evidence.by_id.get("contact.in")
    used = evidence.get("usage.health") or evidence.get("usage.active") or evidence.get("people.active")
    # Who uses the product without a word is no news for a third of a year.
    if heard is None or heard.value["days"] < (120 if used else 45):
        return
    words = f"nobody there has written since {heard.value['on']}"
    weight = Weight.CONCERN if heard.value["days"] >= 90 and not used else Weight.NOTE
    yield Finding("silent", weight, words, (heard.id,), f"Write a personal line to your contact: {words}.")
