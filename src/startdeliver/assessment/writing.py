"""The words of the built-in assessor: summary, next step and full analysis. Nothing is said that is not in a fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from startdeliver.assessment.facts import Evidence
from startdeliver.assessment.finding import Finding, Weight
from startdeliver.assessment.statuses import Status

Said = tuple[str, tuple[str, ...]]
_BAD = (Status.RISK, Status.ATTENTION)


def summary(status: str, found: Sequence[Finding], evidence: Evidence) -> list[Said]:
    """One or two sentences: what drives the status, then what stands beside it."""
    against = [one for one in found if one.weight < 0]
    favour = _favour(found)
    if status in _BAD or (against and not favour):
        lead = _distinct(against)[:2]
        if not lead:
            return _quiet(found, evidence)
        sentences = [_sentence(lead)]
        beside = _context(evidence, urgent=True)
        if favour:
            clause = f"on the other hand, {favour[0].clause}"
            if beside:
                clause, facts = f"{beside[0]}; {clause}", (*beside[1], *favour[0].facts)
            else:
                facts = favour[0].facts
            sentences.append((_capital(clause) + ".", facts))
        elif beside:
            sentences.append((_capital(beside[0]) + ".", beside[1]))
        return sentences
    if favour:
        sentences = [_sentence(favour[:2])]
        if against:
            sentences.append((f"Keep an eye on one thing: {against[0].clause}.", against[0].facts))
        elif beside := _context(evidence, urgent=False):
            sentences.append((_capital(beside[0]) + ".", beside[1]))
        elif opened := evidence.by_id.get("support.open"):
            sentences.append((opened.text, (opened.id,)))
        return sentences
    return _quiet(found, evidence)


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
    text = clauses[0] if len(clauses) == 1 else f"{clauses[0]}, and {clauses[1]}"
    return _capital(text) + ".", tuple(dict.fromkeys(fact for one in found for fact in one.facts))


def _context(evidence: Evidence, urgent: bool) -> tuple[str, tuple[str, ...]] | None:
    """Contract: the renewal when it is within half a year, with what is at stake."""
    renewal, arr = evidence.get("commercial.renewal"), evidence.by_id.get("commercial.arr")
    if renewal is None or not -60 <= renewal["days"] <= (180 if urgent else 120):
        if arr is not None and urgent:
            return f"{arr.text.removeprefix('ARR is ').rstrip('.')} a year is at stake", (arr.id,)
        return None
    facts: tuple[str, ...] = ("commercial.renewal",)
    text = f"the contract {'renews' if renewal['days'] >= 0 else 'was due for renewal'} on {renewal['on']}"
    if arr is not None:
        text, facts = f"{text} ({arr.text.replace('ARR is', 'ARR').rstrip('.')})", (*facts, arr.id)
    return text, facts


def _quiet(found: Sequence[Finding], evidence: Evidence) -> list[Said]:
    notes = [one for one in found if one.weight == Weight.NOTE]
    beside = _context(evidence, urgent=False)
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
    if near and renewal is not None:
        return [(f"Settle the renewal of {renewal['on']} early, while all is well.", ("commercial.renewal",))]
    good = [one for one in found if one.weight > 0]
    if status == Status.THRIVING:
        return [("Ask whether they would be a reference, and who else there could use the product.", good[0].facts)]
    for one in found:
        if one.step:
            return [(one.step, one.step_facts or one.facts)]
    if status == Status.ENGAGED and good:
        return [("Tell them what you see working and ask what they want to reach next.", good[0].facts)]
    if not evidence.facts or not found:
        if evidence.get("support.tickets") or evidence.get("login.last"):
            return [("Arrange a short check-in and ask what they want to reach this quarter.", ())]
        return [("Make first contact: find out who uses the product and what they want to reach with it.", ())]
    return [("Arrange a short check-in and ask what they want to reach this quarter.", found[0].facts)]


def analysis(
    status: str, why: str, cited: tuple[str, ...], found: Sequence[Finding], evidence: Evidence
) -> Iterator[dict[str, object]]:
    """The verdict's reason, every finding with its weight, then every fact that no finding used."""
    yield {"area": "verdict", "weight": "verdict", "text": f"{Status(status).label}: {why}", "facts": list(cited)}
    used: set[str] = set()
    for one in found:
        used.update(one.facts)
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
