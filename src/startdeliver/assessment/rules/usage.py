"""What the facts about usage and people mean."""

from __future__ import annotations

from collections.abc import Iterator

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.rules.finding import Finding, Weight
from startdeliver.common.health import is_worse


def find(evidence: Evidence) -> Iterator[Finding]:
    """Findings of the areas usage and people."""
    yield from _course(evidence)
    yield from _health(evidence)
    yield from _logins(evidence)
    yield from _seats(evidence)
    yield from _people(evidence)


def is_new(evidence: Evidence) -> bool:
    """Whether usage began so recently that there is nothing to compare it with."""
    return bool((evidence.get("usage.active") or {}).get("fresh"))


def _course(evidence: Evidence) -> Iterator[Finding]:
    """Where usage is going: of two comparisons (people, volume) the heavier one speaks."""
    active, volume = evidence.get("usage.active"), evidence.get("usage.volume")
    facts = tuple(name for name in ("usage.active", "usage.volume") if name in evidence.by_id)
    if not active or active["fresh"]:
        return
    here, there = active["recent"], active["before"]
    change = volume["change"] if volume else None
    if there and not here:
        yield Finding(
            "usage-stopped", "usage", Weight.CRITICAL if there >= 2 else Weight.SERIOUS,
            f"nobody has used the product in the last four weeks, after {there:,} active "
            f"{'user' if there == 1 else 'users'} in the four weeks before", facts,
            "Find out today why nobody uses the product any more: call the stakeholder, not the users.",
        )  # fmt: skip
        return
    people = (here - there) / there if there else 0.0
    words = (
        f"{here:,} {'user was' if here == 1 else 'users were'} active in the last four weeks, against {there:,} before"
    )
    if change is not None and (abs(change) > abs(people) * 100 or there < 4) and abs(change) >= 20:
        words = f"usage is {abs(change)} % {'higher' if change > 0 else 'lower'} than in the four weeks before"
        if change >= 100:
            words = "usage has at least doubled within four weeks"
    worst = min(people if there >= 4 else 0.0, (change or 0) / 100)
    best = max(people if there >= 3 else 0.0, (change or 0) / 100)
    step = "Ask the main contact what changed in how they work, and offer a session on what they stopped using."
    if worst <= -0.5:
        yield Finding("usage-falls", "usage", Weight.SERIOUS, words, facts, step, facts)
    elif worst <= -0.25:
        yield Finding("usage-falls", "usage", Weight.CONCERN, words, facts, step, facts)
    elif best >= 0.2:
        yield Finding("usage-grows", "growth", Weight.GOOD, words, facts)


def _health(evidence: Evidence) -> Iterator[Finding]:
    health = evidence.get("usage.health")
    if not health:
        return
    status, previous = health["status"], health["previous"]
    products = evidence.starting("usage.product.")
    poor = [fact for fact in products if fact.value["status"] == "poor"]
    names = [fact.value["name"] for fact in poor]
    cited = ("usage.health", *(fact.id for fact in poor))
    step = "Show the users, in a short session, the one thing that would save them the most time"
    step += f", beginning with {names[0]}." if names else "."
    fell = f", down from {previous.title()}" if previous and previous != "poor" else ""
    if status == "poor":
        weight = Weight.NOTE if is_new(evidence) else Weight.SERIOUS
        words = "usage is still low in their first weeks" if is_new(evidence) else f"usage is Poor{fell}"
        yield Finding("usage-poor", "usage", weight, words, cited, step, cited)
    elif status == "fair" and previous == "good":
        yield Finding("usage-falls", "usage", Weight.CONCERN, "usage fell from Good to Fair", cited, step, cited)
    elif status == "fair" and previous == "poor":
        yield Finding("usage-recovers", "growth", Weight.GOOD, "usage has recovered from Poor to Fair", cited)
    elif status == "fair":
        yield Finding("usage-fair", "usage", Weight.NOTE, "usage is Fair", cited, step, cited)
    elif status == "good":
        active = evidence.get("usage.active")
        words = (
            f"usage is Good, with {active['recent']:,} active {'user' if active['recent'] == 1 else 'users'}"
            if active
            else "usage is Good"
        )
        facts = (*cited, *(("usage.active",) if active else ()))
        seats = evidence.get("usage.seats")
        if seats and seats["active"] * 5 <= seats["seats"] and not is_new(evidence):
            here = seats["active"]
            words = (
                f"usage is Good, though only {here:,} of {seats['seats']:,} seats {'is' if here == 1 else 'are'} in use"
            )
            facts = (*cited, "usage.seats")
        yield Finding("usage-good", "usage", Weight.GOOD, words, facts)
    fallen = [fact for fact in products if is_worse(fact.value["status"], fact.value["previous"])]
    if len(fallen) >= 2 and status != "poor":
        which = f"{fallen[0].value['name']} and {fallen[1].value['name']}"
        yield Finding(
            "usage-falls", "usage", Weight.SERIOUS, f"use of {which} has fallen", tuple(one.id for one in fallen[:2]),
            f"Ask the main contact why {which} are used less, and offer a session on both.",
            tuple(one.id for one in fallen[:2]),
        )  # fmt: skip
    elif poor and status != "poor":
        fresh = any(fact.value["previous"] in ("good", "fair") for fact in poor)
        yield Finding(
            "product-poor", "usage", Weight.CONCERN if fresh else Weight.NOTE,
            f"{names[0]} is hardly used", (poor[0].id,), step, cited,
        )  # fmt: skip


def _logins(evidence: Evidence) -> Iterator[Finding]:
    """What logins say where no usage is measured."""
    if evidence.get("usage.active"):
        return
    last, people = evidence.by_id.get("login.last"), evidence.by_id.get("people.active")
    if last is not None and last.value["days"] >= 35:
        days = last.value["days"]
        yield Finding(
            "usage-stopped" if days >= 60 else "usage-falls", "usage",
            Weight.SERIOUS if days >= 60 else Weight.CONCERN,
            f"nobody has logged in since {last.value['on']}", (last.id,),
            f"Find out why nobody has logged in since {last.value['on']}: call the main contact.", (last.id,),
        )  # fmt: skip
    elif people is not None and not evidence.get("usage.health"):
        here, before, users = people.value["recent"], people.value["before"], people.value["users"]
        who = f"{here:,} of {users:,}"
        if here == users:
            who = "both" if users == 2 else f"all {users:,}"
        words = f"{who} users logged in during the last four weeks"
        if users >= 3 and here * 5 <= users and before > here:
            yield Finding(
                "usage-falls", "usage", Weight.CONCERN, words, (people.id,),
                "Ask the main contact why most users stay away, and offer a short session.", (people.id,),
            )  # fmt: skip
        elif users >= 2 and here * 10 >= users * 6:
            # Who logs in may do so because of trouble: a sign of life, not of use.
            yield Finding("logins-good", "logins", Weight.GOOD, words, (people.id,))


def _seats(evidence: Evidence) -> Iterator[Finding]:
    """Seats that are paid for, or people who have a log-in, against those who work with the product."""
    fact = evidence.by_id.get("usage.seats")
    active = evidence.get("usage.active")
    if is_new(evidence):
        return
    if fact is not None:
        seats, here = fact.value["seats"], fact.value["active"]
        words = f"{here:,} of {seats:,} seats {'is' if here == 1 else 'are'} in use"
        step = f"Find out with the main contact who was to use the {seats:,} seats, and help those people to begin."
        if here * 5 <= seats:
            # Targets that are met weigh more than a number in the contract.
            weight = Weight.NOTE if _is_healthy(evidence) else Weight.CONCERN
            yield Finding("seats-empty", "usage", weight, words, (fact.id,), step, (fact.id,))
        elif here * 2 <= seats:
            yield Finding("seats-empty", "usage", Weight.NOTE, words, (fact.id,), step, (fact.id,))
        elif here * 10 >= seats * 9 and (evidence.get("usage.health") or {}).get("status") in (None, "good"):
            yield Finding(
                "seats-full", "growth", Weight.NOTE, words, (fact.id,),
                f"Talk about more seats: {here:,} of {seats:,} are in use.", (fact.id,),
            )  # fmt: skip
        return
    if active and active["users"] >= _MANY_USERS and 0 < active["recent"] * 10 <= active["users"]:
        here, users = active["recent"], active["users"]
        yield Finding(
            "seats-empty", "usage", Weight.NOTE if _is_healthy(evidence) else Weight.CONCERN,
            f"only {here:,} of {users:,} users {'was' if here == 1 else 'were'} active in the last four weeks",
            ("usage.active",),
            "Ask the main contact what keeps the others away, and offer them a short session.", ("usage.active",),
        )  # fmt: skip


def _is_healthy(evidence: Evidence) -> bool:
    return (evidence.get("usage.health") or {}).get("status") == "good"


# So many have a log-in that it is news when hardly anybody uses it.
_MANY_USERS = 10


def _people(evidence: Evidence) -> Iterator[Finding]:
    for fact in evidence.starting("people.left.")[:1]:
        name, on = fact.value["name"], fact.value["on"]
        who = fact.value["who"]
        yield Finding(
            "left", "people", Weight.SERIOUS if fact.value["who"] == "stakeholder" else Weight.CONCERN,
            f"{name}, {'a ' if who == 'stakeholder' else 'the '}{who}, has left" if name else f"their {who} has left",
            (fact.id,),
            f"Find out who takes over from {name or 'the person who left'} (gone since {on}) and introduce yourself "
            "this week.", (fact.id,),
        )  # fmt: skip
    quiet = evidence.starting("people.quiet.")
    # A silent stakeholder of a busy customer delegates; a silent champion is a change.
    for fact in quiet[:1]:
        name, on, champion = fact.value["name"], fact.value["on"], fact.value["champion"]
        who = name or ("their most active user" if champion else "their stakeholder")
        extra = ", until then the most active user," if champion and name else ""
        yield Finding(
            "quiet", "people",
            Weight.SERIOUS if champion and fact.value["stakeholder"]
            else Weight.CONCERN if champion or evidence.get("people.stakeholders") == 1 else Weight.NOTE,
            f"{who}{extra} has been quiet since {on}", (fact.id,),
            f"Write to {who} and ask how things are: there has been no sign since {on}.", (fact.id,),
        )  # fmt: skip
