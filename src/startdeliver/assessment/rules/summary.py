"""The built-in assessor's sentences: summary, next step and full analysis. They say nothing that is not in a fact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.rules.finding import QUOTED, Finding, Weight, cited
from startdeliver.assessment.statuses import Status
from startdeliver.assessment.wording import MONTHS

Said = tuple[str, tuple[str, ...]]
_BAD, _GOOD = (Status.RISK, Status.ATTENTION), (Status.ENGAGED, Status.THRIVING)
# With any of these nobody wants to be asked for a favour or a signature.
_OPEN = (
    "leaving", "leaving-hint", "legal", "escalation", "blocked", "overdue", "waiting", "mood-bad", "rating-bad",
    "handover", "left",
)  # fmt: skip
# "Usage is Good" says less than how much it grew; the voice of people comes second.
_FAVOUR = {
    "usage-grows": 0, "usage-recovers": 0, "staying": 1, "usage-good": 1, "mood-good": 2, "rating-good": 3,
    "logins-good": 4,
}  # fmt: skip
# Days before a renewal in which nothing can be settled early any more.
_SOON = 21
_CHECK_IN = "Arrange a short check-in and ask what they want to reach this quarter."


def summary(status: str, findings: Sequence[Finding], evidence: Evidence) -> list[Said]:
    """One or two sentences: what drives the status, then what stands beside it."""
    against = [finding for finding in findings if finding.weight < 0]
    favour = _favour(findings)
    contract = _contract(evidence, status)
    if status in _BAD or (against and not favour):
        if any("nobody has answered" in finding.clause for finding in against):
            against = [finding for finding in against if finding.code != "waiting"]
        if not against:
            return _quiet(findings, evidence, contract)
        lead, rest = _distinct(against)[:2], _distinct(against)[2:]
        # A third finding, what is at stake, what speaks for them: of these the first two.
        third = [finding for finding in rest if finding.area == "support" and not _repeats(finding, lead)][:1]
        parts: list[Said] = [(finding.clause, finding.facts) for finding in third]
        if contract:
            parts.append(contract)
        if favour:
            clause = favour[0].clause.split(", though")[0]
            parts.append((f"on the other hand, {clause}", favour[0].facts))
        return [_sentence(lead), *([_join(parts[:2])] if parts else [])]
    if not favour:
        return _quiet(findings, evidence, contract)
    sentences = [_sentence(favour[:2])]
    if against:
        sentences.append((f"Keep an eye on one thing: {against[0].clause}.", against[0].facts))
    elif contract:
        sentences.append(_join([contract]))
    return sentences


def short(sentences: Sequence[Said], year: int) -> list[Said]:
    """The sentences with the dates of this year as people say them: “3 November” instead of “3 November 2026”."""
    pattern = re.compile(rf"(\b\d{{1,2}} (?:{'|'.join(MONTHS)})) {year}\b")
    return [(pattern.sub(r"\1", text), facts) for text, facts in sentences]


def _repeats(finding: Finding, lead: Sequence[Finding]) -> bool:
    """Whether a wait began with the overdue ticket, so that one of them says it."""
    since, both = finding.clause.rsplit("since ", 1)[-1], {"waiting", "overdue"}
    return any({finding.code, other.code} == both and since in other.clause for other in lead)


def _favour(findings: Sequence[Finding]) -> list[Finding]:
    good = sorted((each for each in findings if each.weight > 0), key=lambda each: _FAVOUR.get(each.code, 5))
    if len(good) > 2 and any(finding.code == "usage-grows" for finding in good):
        return [finding for finding in good if finding.code != "usage-good"]
    return good


def _distinct(findings: Sequence[Finding]) -> list[Finding]:
    """The heaviest finding of each area first, then the rest."""
    areas = {finding.area: finding for finding in reversed(findings)}
    first = sorted(areas.values(), key=findings.index)
    # Two findings of one area mostly say the same thing twice; of support they do not.
    return first + [finding for finding in findings if finding not in first and finding.area == "support"]


def _sentence(findings: Sequence[Finding]) -> Said:
    clauses = [finding.clause for finding in findings]
    if len(findings) > 1 and "“" in clauses[0] and findings[1].area == "mood":
        # One voice is enough for a sentence.
        clauses[1] = QUOTED.sub("", clauses[1])
    return _capital(", and ".join(clauses)) + ".", cited(findings)


def _join(parts: Sequence[Said]) -> Said:
    text = "; ".join(clause for clause, _ in parts)
    return _capital(text) + ".", tuple(dict.fromkeys(fact for _, facts in parts for fact in facts))


def _contract(evidence: Evidence, status: str) -> Said | None:
    """The renewal when it is near enough to matter for this status, with what is at stake."""
    renewal, arr = evidence.get("commercial.renewal"), evidence.by_id.get("commercial.arr")
    far = 180 if status == Status.RISK else 120 if status in _BAD else 90
    if renewal is None and arr is not None and status == Status.RISK:
        return f"{arr.text.removeprefix('ARR is ').rstrip('.')} a year is at stake", (arr.id,)
    if renewal is None or not -60 <= renewal["days"] <= far:
        return None
    text = f"the contract {'renews' if renewal['days'] >= 0 else 'was due for renewal'} on {renewal['on']}"
    if arr is None:
        return text, ("commercial.renewal",)
    return f"{text} ({arr.text.replace('ARR is', 'ARR').rstrip('.')})", ("commercial.renewal", arr.id)


def _quiet(findings: Sequence[Finding], evidence: Evidence, contract: Said | None) -> list[Said]:
    notes = [finding for finding in findings if finding.weight == Weight.NOTE]
    # That they announced a quiet time explains the rest.
    notes.sort(key=lambda finding: finding.code != "away")
    beside = contract
    if unread := evidence.by_id.get("tone.unknown"):
        beside = _lower(unread.text).rstrip("."), (unread.id,)
    if notes:
        sentences = [_sentence(_distinct(notes)[:2])]
    elif evidence.get("support.tickets"):
        opened = evidence.by_id["support.open"]
        sentences = [(f"Nothing stands out, for or against: {_lower(opened.text)}", (opened.id,))]
    elif evidence.get("login.last"):
        login = evidence.by_id["login.last"]
        sentences = [(f"Little is known beyond logins: {_lower(login.text)}", (login.id,))]
    else:
        sentences = [("There is no usage, ticket or login to judge by yet.", ())]
    return [*sentences, *([_join([beside])] if beside else [])]


def action(status: str, findings: Sequence[Finding], evidence: Evidence) -> list[Said]:
    """One concrete next step, tied to the heaviest finding that has one."""
    return [_action(status, findings, evidence)]


def _action(status: str, findings: Sequence[Finding], evidence: Evidence) -> Said:
    renewal = evidence.get("commercial.renewal")
    steps = [finding for finding in findings if finding.step]
    notes = [finding for finding in steps if finding.weight == Weight.NOTE]
    good = [finding for finding in findings if finding.weight > 0]
    # Whether nothing is open that would make a favour or an early signature a bold thing to ask for.
    calm = not any(finding.weight < 0 or finding.code in _OPEN for finding in findings)
    if against := [finding for finding in steps if finding.weight < 0]:
        return _step(against[0])
    if status in _BAD and renewal is not None:
        when = "before" if renewal["days"] >= 0 else "now, after"
        text = f"Arrange a talk {when} the renewal on {renewal['on']}: there is no sign of life to judge by."
        return text, ("commercial.renewal",)
    if unread := evidence.by_id.get("tone.unknown"):
        return "Read the newest messages yourself: the built-in reader does not read their language.", (unread.id,)
    if away := [finding for finding in findings if finding.code == "away"]:
        return "Leave them in peace for now, and ask after the quiet time how they want to go on.", away[0].facts
    # What they wrote themselves comes first: an order, a wish, a date.
    if wishes := [finding for finding in good if finding.step]:
        return _step(wishes[0])
    if waiting := [finding for finding in notes if finding.code in ("waiting", "seats-full")]:
        return _step(waiting[0])
    if status != Status.THRIVING and (seats := [finding for finding in notes if finding.code == "seats-empty"]):
        return _step(seats[0])
    if renewal is not None and 0 <= renewal["days"] <= 120:
        return _renew(status, renewal["on"], renewal["days"], calm), ("commercial.renewal",)
    if status == Status.THRIVING and good and calm:
        return "Ask whether they would be a reference, and who else there could use the product.", good[0].facts
    if status in _GOOD and good:
        return _praise(good[0], evidence), good[0].facts
    if notes:
        return _step(notes[0])
    if findings:
        return _CHECK_IN, findings[0].facts
    if evidence.get("support.tickets") or evidence.get("login.last"):
        return _CHECK_IN, ()
    return "Make first contact: find out who uses the product and what they want to reach with it.", ()


def _step(finding: Finding) -> Said:
    return finding.step, finding.step_facts or finding.facts


def _renew(status: str, on: str, days: int, calm: bool) -> str:
    if days <= _SOON:
        return f"Make sure that the renewal on {on} is ready: ask whether anything is missing on their side."
    if status in _GOOD and calm:
        return f"Propose to settle the renewal of {on} now, while all is well."
    return f"Ask, before the renewal on {on}, what they want to have reached by then."


def _praise(good: Finding, evidence: Evidence) -> str:
    """A step for a customer with whom all is well, tied to what is."""
    if good.code == "usage-grows":
        return "Find out what made their use grow, and who else there could gain from it."
    if good.code == "usage-good" and not evidence.get("contact.in"):
        return "Introduce yourself: they use the product well and have not written yet."
    return "Tell them what you see working and ask what they want to reach next."


def analysis(
    status: Status, why: str, facts: tuple[str, ...], findings: Sequence[Finding], evidence: Evidence
) -> Iterator[dict[str, object]]:
    """The verdict's reason, every finding with its weight, then every fact that no finding used."""
    yield {"area": "verdict", "weight": "verdict", "text": f"{status.label}: {why}", "facts": list(facts)}
    said_of_usage = {fact for finding in findings if finding.code == "usage-good" for fact in finding.facts}
    for finding in findings:
        if finding.code == "seats-empty" and {*finding.facts} <= said_of_usage:
            continue
        text = _capital(finding.clause) + "."
        weight = finding.weight.name.lower()
        yield {"area": finding.area, "weight": weight, "text": text, "facts": list(finding.facts)}
    used = set(cited(findings))
    for fact in evidence.facts:
        if fact.id not in used and not fact.id.startswith("instruction."):
            yield {"area": fact.id.split(".")[0], "weight": "fact", "text": fact.text, "facts": [fact.id]}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
