"""The words of the built-in assessor: summary, next step and full analysis. Nothing is said that is not in a fact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.rules.finding import QUOTED, Finding, Weight
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.wording import MONTHS

Said = tuple[str, tuple[str, ...]]
_BAD = (Status.RISK, Status.ATTENTION)


def summary(status: str, found: Sequence[Finding], evidence: Evidence) -> list[Said]:
    """One or two sentences: what drives the status, then what stands beside it."""
    against = [one for one in found if one.weight < 0]
    favour = _favour(found)
    if status in _BAD or (against and not favour):
        if any("nobody has answered" in one.clause for one in against):
            against = [one for one in against if one.code != "waiting"]
        lead = _distinct(against)[:2]
        if not lead:
            return _quiet(status, found, evidence)
        sentences = [_sentence(lead)]
        # A third finding, what is at stake, what speaks for them: of these the first two.
        more = [one for one in _distinct(against)[2:] if one.area == "support" and not _repeats(one, lead)][:1]
        parts = [(one.clause, one.facts) for one in more]
        if beside := _context(evidence, status):
            parts.append(beside)
        if favour:
            clause = favour[0].clause.split(", though")[0]
            parts.append((f"on the other hand, {clause}", favour[0].facts))
        if parts:
            text = "; ".join(clause for clause, _ in parts[:2])
            sentences.append((_capital(text) + ".", tuple(dict.fromkeys(f for _, facts in parts[:2] for f in facts))))
        return sentences
    if favour:
        sentences = [_sentence(favour[:2])]
        if against:
            sentences.append((f"Keep an eye on one thing: {against[0].clause}.", against[0].facts))
        elif beside := _context(evidence, status):
            sentences.append((_capital(beside[0]) + ".", beside[1]))
        return sentences
    return _quiet(status, found, evidence)


def _repeats(one: Finding, lead: Sequence[Finding]) -> bool:
    """Whether a wait began with the overdue ticket, so that one of them says it."""
    since, both = one.clause.rsplit("since ", 1)[-1], {"waiting", "overdue"}
    return any({one.code, other.code} == both and since in other.clause for other in lead)


def short(said: Sequence[Said], year: int) -> list[Said]:
    """The sentences with the dates of this year as one says them: “3 November” instead of “3 November 2026”."""
    pattern = re.compile(rf"(\b\d{{1,2}} (?:{'|'.join(MONTHS)})) {year}\b")
    return [(pattern.sub(r"\1", text), facts) for text, facts in said]


def _favour(found: Sequence[Finding]) -> list[Finding]:
    good = [one for one in found if one.weight > 0]
    # "Usage is Good" says less than how much it grew; the voice of people comes second.
    order = {
        "usage-grows": 0,
        "usage-recovers": 0,
        "staying": 1,
        "usage-good": 1,
        "mood-good": 2,
        "rating-good": 3,
        "logins-good": 4,
    }
    good.sort(key=lambda one: order.get(one.code, 5))
    areas: list[Finding] = []
    for one in good:
        if one.code == "usage-good" and any(other.code == "usage-grows" for other in areas) and len(good) > 2:
            continue
        areas.append(one)
    return areas


def _distinct(found: Sequence[Finding]) -> list[Finding]:
    """The heaviest finding of each area first, then the rest."""
    areas = {one.area: one for one in reversed(found)}
    first = sorted(areas.values(), key=lambda one: found.index(one))
    # Two findings of one area mostly say the same thing twice; of support they do not.
    return first + [one for one in found if one not in first and one.area == "support"]


def _sentence(found: Sequence[Finding]) -> Said:
    clauses = [one.clause for one in found]
    if len(found) > 1 and "“" in clauses[0] and found[1].area == "mood":
        # One voice is enough for a sentence.
        clauses[1] = QUOTED.sub("", clauses[1])
    text = clauses[0] if len(clauses) == 1 else f"{clauses[0]}, and {clauses[1]}"
    return _capital(text) + ".", tuple(dict.fromkeys(fact for one in found for fact in one.facts))


def _context(evidence: Evidence, status: str) -> tuple[str, tuple[str, ...]] | None:
    """Contract: the renewal when it is near enough to matter for this status, with what is at stake."""
    renewal, arr = evidence.get("commercial.renewal"), evidence.by_id.get("commercial.arr")
    far = 180 if status == Status.RISK else 120 if status in _BAD else 90
    if renewal is None or not -60 <= renewal["days"] <= far:
        if arr is not None and status == Status.RISK and renewal is None:
            return f"{arr.text.removeprefix('ARR is ').rstrip('.')} a year is at stake", (arr.id,)
        return None
    facts: tuple[str, ...] = ("commercial.renewal",)
    text = f"the contract {'renews' if renewal['days'] >= 0 else 'was due for renewal'} on {renewal['on']}"
    if arr is not None:
        text, facts = f"{text} ({arr.text.replace('ARR is', 'ARR').rstrip('.')})", (*facts, arr.id)
    return text, facts


def _quiet(status: str, found: Sequence[Finding], evidence: Evidence) -> list[Said]:
    notes = [one for one in found if one.weight == Weight.NOTE]
    # That they announced a quiet time explains the rest.
    notes.sort(key=lambda one: one.code != "away")
    beside = _context(evidence, status)
    if unread := evidence.by_id.get("tone.unknown"):
        beside = unread.text[0].lower() + unread.text[1:].rstrip("."), (unread.id,)
    if notes:
        sentences = [_sentence(_distinct(notes)[:2])]
    elif evidence.get("support.tickets"):
        opened = evidence.by_id["support.open"]
        sentences = [(f"Nothing stands out, for or against: {opened.text[0].lower()}{opened.text[1:]}", (opened.id,))]
    elif evidence.get("login.last"):
        login = evidence.by_id["login.last"]
        sentences = [(f"Little is known beyond logins: {login.text[0].lower()}{login.text[1:]}", (login.id,))]
    else:
        sentences = [("There is no usage, ticket or login to judge by yet.", ())]
    if beside:
        sentences.append((_capital(beside[0]) + ".", beside[1]))
    return sentences


def action(status: str, found: Sequence[Finding], evidence: Evidence) -> list[Said]:
    """One concrete next step, tied to the heaviest finding that has one."""
    renewal = evidence.get("commercial.renewal")
    near = renewal is not None and 0 <= renewal["days"] <= 120
    notes = [one for one in found if one.weight == Weight.NOTE and one.step]
    for one in found:
        if one.step and one.weight < 0:
            return [(one.step, one.step_facts or one.facts)]
    if status in _BAD and renewal is not None:
        when = "before" if renewal["days"] >= 0 else "now, after"
        return [
            (
                f"Arrange a talk {when} the renewal on {renewal['on']}: there is no sign of life to judge by.",
                ("commercial.renewal",),
            )
        ]
    if unread := evidence.by_id.get("tone.unknown"):
        return [("Read the newest messages yourself: the built-in reader does not read their language.", (unread.id,))]
    if away := next((one for one in found if one.code == "away"), None):
        return [("Leave them in peace for now, and ask after the quiet time how they want to go on.", away.facts)]
    good = [one for one in found if one.weight > 0]
    # What they wrote themselves comes first: an order, a wish, a date.
    for one in good:
        if one.step:
            return [(one.step, one.step_facts or one.facts)]
    if waiting := next((one for one in notes if one.code in ("waiting", "seats-full")), None):
        return [(waiting.step, waiting.step_facts or waiting.facts)]
    if status != Status.THRIVING and (seats := next((one for one in notes if one.code == "seats-empty"), None)):
        return [(seats.step, seats.step_facts)]
    if near and renewal is not None:
        return [(_renew(status, renewal, _is_calm(found)), ("commercial.renewal",))]
    if status == Status.THRIVING and good and _is_calm(found):
        return [("Ask whether they would be a reference, and who else there could use the product.", good[0].facts)]
    if status not in _GOOD or not good:
        for one in notes:
            return [(one.step, one.step_facts or one.facts)]
    if status in _GOOD and good:
        return [(_praise(good[0], evidence), good[0].facts)]
    if not evidence.facts or not found:
        if evidence.get("support.tickets") or evidence.get("login.last"):
            return [("Arrange a short check-in and ask what they want to reach this quarter.", ())]
        return [("Make first contact: find out who uses the product and what they want to reach with it.", ())]
    return [("Arrange a short check-in and ask what they want to reach this quarter.", found[0].facts)]


_GOOD = (Status.ENGAGED, Status.THRIVING)
# With any of these nobody wants to be asked for a favour or a signature.
_OPEN = (
    "leaving", "leaving-hint", "legal", "escalation", "blocked", "overdue", "waiting", "mood-bad", "rating-bad",
    "handover", "left",
)  # fmt: skip


def _is_calm(found: Sequence[Finding]) -> bool:
    """Whether nothing is open that would make a favour or an early signature a bold thing to ask for."""
    return not any(one.weight < 0 or one.code in _OPEN for one in found)


def _renew(status: str, renewal: dict[str, object], calm: bool) -> str:
    on, days = renewal["on"], renewal["days"]
    assert isinstance(days, int)
    if days <= _SOON:
        return f"Make sure that the renewal on {on} is ready: ask whether anything is missing on their side."
    if status in _GOOD and calm:
        return f"Propose to settle the renewal of {on} now, while all is well."
    return f"Ask, before the renewal on {on}, what they want to have reached by then."


# Days before a renewal in which nothing can be settled early any more.
_SOON = 21


def _praise(good: Finding, evidence: Evidence) -> str:
    """A step for a customer with whom all is well, tied to what is."""
    if good.code == "usage-grows":
        return "Find out what made their use grow, and who else there could gain from it."
    if good.code == "usage-good" and not evidence.get("contact.in"):
        return "Introduce yourself: they use the product well and have not written yet."
    return "Tell them what you see working and ask what they want to reach next."


def analysis(
    status: str, why: str, cited: tuple[str, ...], found: Sequence[Finding], evidence: Evidence
) -> Iterator[dict[str, object]]:
    """The verdict's reason, every finding with its weight, then every fact that no finding used."""
    yield {"area": "verdict", "weight": "verdict", "text": f"{Status(status).label}: {why}", "facts": list(cited)}
    used: set[str] = set()
    said_of_usage = {fact for one in found if one.code == "usage-good" for fact in one.facts}
    for one in found:
        used.update(one.facts)
        if one.code == "seats-empty" and {*one.facts} <= said_of_usage:
            continue
        yield {
            "area": one.area,
            "weight": one.weight.name.lower(),
            "text": _capital(one.clause) + ".",
            "facts": list(one.facts),
        }
    for fact in evidence.facts:
        if fact.id not in used and not fact.id.startswith("instruction."):
            yield {"area": fact.id.split(".")[0], "weight": "fact", "text": fact.text, "facts": [fact.id]}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
