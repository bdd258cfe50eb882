"""What the facts about usage and people mean."""

from __future__ import annotations

from collections.abc import Iterator

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.rules.finding import Finding, Weight, value
from startdeliver.common.health import is_worse

# So many have a log-in that it is news when hardly anybody uses it.
_MANY_USERS = 10


def find(evidence: Evidence) -> Iterator[Finding]:
    """Findings of the areas usage, growth, logins and people."""
    yield from _course(evidence)
    yield from _health(evidence)
    yield from _logins(evidence)
    yield from _seats(evidence)
    yield from _people(evidence)


def _is_new(evidence: Evidence) -> bool:
    """Whether usage began so recently that there is nothing to compare it with."""
    return bool(value(evidence, "usage.active").get("fresh"))


def _course(evidence: Evidence) -> Iterator[Finding]:
    """Where usage is going: of two comparisons (people, volume) the heavier one speaks."""
    active, volume = evidence.get("usage.active"), value(evidence, "usage.volume")
    facts = tuple(name for name in ("usage.active", "usage.volume") if name in evidence.by_id)
    if not active or active["fresh"]:
        return
    here, there = active["recent"], active["before"]
    if there and not here:
        yield Finding(
            "usage-stopped", Weight.CRITICAL if there >= 2 else Weight.SERIOUS,
            f"nobody has used the product in the last four weeks, after {there:,} active "
            f"{'user' if there == 1 else 'users'} in the four weeks before", facts,
            "Find out today why nobody uses the product any more: call the stakeholder, not the users.",
        )  # fmt: skip
        return
    change = volume.get("change") or 0
    people = (here - there) / there if there else 0.0
    was = "user was" if here == 1 else "users were"
    words = f"{here:,} {was} active in the last four weeks, against {there:,} before"
    if abs(change) >= 20 and (abs(change) > abs(people) * 100 or there < 4):
        words = f"usage is {abs(change)} % {'higher' if change > 0 else 'lower'} than in the four weeks before"
        if change >= 100:
            words = "usage has at least doubled within four weeks"
    worst = min(people if there >= 4 else 0.0, change / 100)
    best = max(people if there >= 3 else 0.0, change / 100)
    if worst <= -0.25:
        step = "Ask the main contact what changed in how they work, and offer a session on what they stopped using."
        weight = Weight.SERIOUS if worst <= -0.5 else Weight.CONCERN
        yield Finding("usage-falls", weight, words, facts, step, facts)
    elif best >= 0.2:
        yield Finding("usage-grows", Weight.GOOD, words, facts)


def _health(evidence: Evidence) -> Iterator[Finding]:
    health = evidence.get("usage.health")
    if not health:
        return
    status, previous = health["status"], health["previous"]
    products = evidence.starting("usage.product.")
    poor = [fact for fact in products if fact.value["status"] == "poor"]
    cited = ("usage.health", *(fact.id for fact in poor))
    step = "Show the users, in a short session, the one thing that would save them the most time"
    step += f", beginning with {poor[0].value['name']}." if poor else "."
    if status == "poor" and _is_new(evidence):
        yield Finding("usage-poor", Weight.NOTE, "usage is still low in their first weeks", cited, step, cited)
    elif status == "poor":
        fell = f", down from {previous.title()}" if previous and previous != "poor" else ""
        yield Finding("usage-poor", Weight.SERIOUS, f"usage is Poor{fell}", cited, step, cited)
    elif status == "fair" and previous == "good":
        yield Finding("usage-falls", Weight.CONCERN, "usage fell from Good to Fair", cited, step)
    elif status == "fair" and previous == "poor":
        yield Finding("usage-recovers", Weight.GOOD, "usage has recovered from Poor to Fair", cited)
    elif status == "fair":
        yield Finding("usage-fair", Weight.NOTE, "usage is Fair", cited, step, cited)
    elif status == "good":
        active, seats = evidence.get("usage.active"), evidence.get("usage.seats")
        words, facts = "usage is Good", cited
        if seats and seats["active"] * 5 <= seats["seats"] and not _is_new(evidence):
            here, facts = seats["active"], (*cited, "usage.seats")
            words += f", though only {here:,} of {seats['seats']:,} seats {'is' if here == 1 else 'are'} in use"
        elif active:
            here, facts = active["recent"], (*cited, "usage.active")
            words += f", with {here:,} active {'user' if here == 1 else 'users'}"
        yield Finding("usage-good", Weight.GOOD, words, facts)
    fallen = [fact for fact in products if is_worse(fact.value["status"], fact.value["previous"])]
    if len(fallen) >= 2 and status != "poor":
        which = f"{fallen[0].value['name']} and {fallen[1].value['name']}"
        step = f"Ask the main contact why {which} are used less, and offer a session on both."
        facts = (fallen[0].id, fallen[1].id)
        yield Finding("usage-falls", Weight.SERIOUS, f"use of {which} has fallen", facts, step)
    elif poor and status != "poor":
        fresh = any(fact.value["previous"] in ("good", "fair") for fact in poor)
        words = f"{poor[0].value['name']} is hardly used"
        yield Finding("product-poor", Weight.CONCERN if fresh else Weight.NOTE, words, (poor[0].id,), step, cited)


def _logins(evidence: Evidence) -> Iterator[Finding]:
    """What logins say where no usage is measured."""
    if evidence.get("usage.active"):
        return
    last, people = evidence.by_id.get("login.last"), evidence.by_id.get("people.active")
    if last is not None and last.value["days"] >= 35:
        code, weight = "usage-falls", Weight.CONCERN
        if last.value["days"] >= 60:
            code, weight = "usage-stopped", Weight.SERIOUS
        words = f"nobody has logged in since {last.value['on']}"
        yield Finding(code, weight, words, (last.id,), f"Find out why {words}: call the main contact.")
    elif people is not None and not evidence.get("usage.health"):
        here, before, users = people.value["recent"], people.value["before"], people.value["users"]
        who = f"{here:,} of {users:,}"
        if here == users:
            who = "both" if users == 2 else f"all {users:,}"
        words = f"{who} users logged in during the last four weeks"
        if users >= 3 and here * 5 <= users and before > here:
            step = "Ask the main contact why most users stay away, and offer a short session."
            yield Finding("usage-falls", Weight.CONCERN, words, (people.id,), step)
        elif users >= 2 and here * 10 >= users * 6:
            # Who logs in may do so because of trouble: a sign of life, not of use.
            yield Finding("logins-good", Weight.GOOD, words, (people.id,))


def _seats(evidence: Evidence) -> Iterator[Finding]:
    """Seats that are paid for, or people who have a log-in, against those who work with the product."""
    if _is_new(evidence):
        return
    active, seats = value(evidence, "usage.active"), value(evidence, "usage.seats")
    health = value(evidence, "usage.health").get("status")
    # Targets that are met weigh more than a number in the contract.
    weight = Weight.NOTE if health == "good" else Weight.CONCERN
    if seats:
        here, bought, facts = seats["active"], seats["seats"], ("usage.seats",)
        words = f"{here:,} of {bought:,} seats {'is' if here == 1 else 'are'} in use"
        if here * 2 <= bought:
            step = (
                f"Find out with the main contact who was to use the {bought:,} seats, and help those people to begin."
            )
            yield Finding("seats-empty", weight if here * 5 <= bought else Weight.NOTE, words, facts, f"{step}.")
        elif here * 10 >= bought * 9 and health in (None, "good"):
            step = f"Talk about more seats: {here:,} of {bought:,} are in use."
            yield Finding("seats-full", Weight.NOTE, words, facts, step)
    elif active and active["users"] >= _MANY_USERS and 0 < active["recent"] * 10 <= active["users"]:
        here, was = active["recent"], "was" if active["recent"] == 1 else "were"
        words = f"only {here:,} of {active['users']:,} users {was} active in the last four weeks"
        step = "Ask the main contact what keeps the others away, and offer them a short session."
        yield Finding("seats-empty", weight, words, ("usage.active",), step)


def _people(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("people.left.")[:1]:
        name, on, who = fact.value["name"], fact.value["on"], fact.value["who"]
        stakeholder = who == "stakeholder"
        yield Finding(
            "left", Weight.SERIOUS if stakeholder else Weight.CONCERN,
            f"{name}, {'a' if stakeholder else 'the'} {who}, has left" if name else f"their {who} has left",
            (fact.id,),
            f"Find out who takes over from {name or 'the person who left'} (gone since {on}) and introduce yourself "
            "this week.",
        )  # fmt: skip
    # A silent stakeholder of a busy customer delegates; a silent champion is a change.
    for fact in evidence.starting("people.quiet.")[:1]:
        name, on, champion = fact.value["name"], fact.value["on"], fact.value["champion"]
        who = name or ("their most active user" if champion else "their stakeholder")
        extra = ", until then the most active user," if champion and name else ""
        weight = Weight.CONCERN if champion or evidence.get("people.stakeholders") == 1 else Weight.NOTE
        if champion and fact.value["stakeholder"]:
            weight = Weight.SERIOUS
        step = f"Write to {who} and ask how things are: there has been no sign since {on}."
        yield Finding("quiet", weight, f"{who}{extra} has been quiet since {on}", (fact.id,), step)
