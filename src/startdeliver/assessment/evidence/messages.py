"""The facts about what messages are up to: leaving, blocked work, lawyers, people who go, and staying."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from startdeliver.assessment.evidence.facts import Fact
from startdeliver.assessment.evidence.figures import Heard, Raw
from startdeliver.assessment.reader.cues import has
from startdeliver.assessment.reader.readings import LEAVING, Quote, Spoken
from startdeliver.assessment.wording import day, is_plain, iso, quotable

Said = tuple[Heard, Quote]
# By intent: id, days that it is remembered, and what happened.
_INTENTS = {
    "legal": ("legal", 90, "a message spoke of lawyers, claims or withheld payment"),
    "escalation": ("escalation", 45, "a message asked for somebody with authority"),
    "blocked": ("blocked", 30, "a message said that work stands still"),
    "handover": ("handover", 90, "a message said that somebody who matters there is leaving"),
    "staying": ("staying", 90, "a message spoke of staying or growing"),
    "quiet": ("away", 90, "a message announced a quiet time"),
}
_LEAVING_DAYS = 180
# Seconds between the time of a message and what Intercom gives as the last reply, or as the start of the wait.
SAME_MESSAGE = 120
_SUCCESSOR = re.compile(
    r"\b(?:takes? over|taking over|successor|will be your|new contact|replac\w+|please contact|übernimmt|Nachfolger\w*"
    r"|prend la suite|se encargará|neemt het over|subentra|fica responsável|tar över|tager over|tar over)\b",
    re.IGNORECASE,
)

# Work with which people are hurt when it goes wrong.
_SAFETY = re.compile(
    r"\b(?:(?:patient|life|personal|public)[ -]safety|safety (?:issue|risk|incident|problem|hazard)"
    r"|wrong (?:dose|patient)"
    r"|dangerous|life[- ]threatening|(?:could|might|will) (?:be|get) (?:hurt|injured|killed)|Patientensicherheit"
    r"|lebensgefährlich|gefährlich|sécurité des patients|dangereux|peligros[oa]|pericolos[oa]|perigos[oa]|gevaarlijk"
    r"|patientsäkerhet|patientsikkerhe[dt]|farlig[ta]?)\b",
    re.IGNORECASE,
)
# The facts of which it is asked.
_HARMFUL = ("blocked", "quote.negative")
# Who says so can go on working.
_NO_HURRY = re.compile(
    r"\b(?:not (?:that |very |so )?urgent|no (?:hurry|rush)|whenever you (?:can|have time)|nicht dringend|eilt nicht"
    r"|pas urgent|no es urgente|niet dringend|non è urgente|não é urgente|inte bråttom|haster ikke|ikke noget hast)\b",
    re.IGNORECASE,
)
# A talk that is agreed already: "can we speak on Tuesday", "in our call tomorrow".
_TALK = re.compile(
    r"\b(?:call|talk|speak|meeting|meet|QBR|review|demo|kick-?off)\b[^.?!]{0,40}\b"
    r"(?P<when>Monday|Tuesday|Wednesday|Thursday|Friday|tomorrow)\b|\b(?P<before>Monday|Tuesday|Wednesday|Thursday"
    r"|Friday|tomorrow)(?:['’]s)? (?:call|talk|meeting|QBR|review|kick-?off)\b",
    re.IGNORECASE,
)
# A talk that was agreed so many days ago has taken place.
_TALK_DAYS = 7


def describe(raw: Raw, now: datetime) -> Iterator[Fact]:
    """Facts with ids churn.*, legal.*, escalation.*, blocked.*, handover.*, staying.*, away.* and quote.*."""
    quotes = [(heard, quote) for heard in raw.heard for quote in heard.reading.q]
    spoken = [said for said in raw.spoken() if said.known and said.intent != "automatic"]

    def since(days: int) -> list[Said]:
        start = (now - timedelta(days=days)).timestamp()
        return [(heard, quote) for heard, quote in quotes if quote.at >= start]

    leaving = [(heard, quote) for heard, quote in since(_LEAVING_DAYS) if quote.churn >= LEAVING and _is_worded(quote)]
    for heard, quote in _newest_per_ticket(leaving)[:2]:
        yield _leaving(heard, quote, spoken, now)
    for intent, (name, days, what) in _INTENTS.items():
        telling = [(heard, quote) for heard, quote in since(days) if quote.intent == intent]
        if intent == "blocked":
            telling = [(heard, quote) for heard, quote in telling if not _NO_HURRY.search(quote.text)]
        for heard, quote in _newest_per_ticket(telling)[:2]:
            yield _fact(name, heard, quote, what, now, spoken)
    moods = [(heard, quote) for heard, quote in since(30) if quote.churn < LEAVING]
    moods.sort(key=lambda pair: (-abs(pair[1].score), -pair[1].at))
    for heard, quote in _one_per_ticket([pair for pair in moods if pair[1].score <= -0.45])[:2]:
        yield _fact("quote.negative", heard, quote, "a message sounded negative", now, spoken)
    for heard, quote in [pair for pair in moods if pair[1].score >= 0.45][:1]:
        yield _fact("quote.positive", heard, quote, "a message sounded positive", now, spoken)


def _is_worded(quote: Quote) -> bool:
    """Whether a quotation shows what is claimed: it has a word for leaving or for a rival, or leaves no doubt without.

    A claim of leaving beside words that say nothing of it is worse than a missed one.
    """
    # The words of other languages are known less well, so that there less certainty has to do.
    if quote.churn >= (_NO_DOUBT if quote.text.isascii() else _HARDLY_ANY):
        return True
    if quote.intent == "hint" or _WAY_OUT.search(quote.text):
        return True
    return has("leave", quote.text) or has("rival", quote.text) or has("law", quote.text)


# Beside the words that the reader knows: a contract that ends, all data out, a trial of something else.
_WAY_OUT = re.compile(
    r"\b(?:contract|agreement|subscription|licen[cs]e)s? (?:will )?(?:ends?|expires?|runs? out)\b"
    r"|\ball (?:of )?our data\b|\baccounts? (?:will be |be |is |are )?closed\b"
    r"|\bpilot|\btrial\b|\bside by side\b|\bcompar(?:e|es|ing|ison)\b"
    # In the other languages: not going on, the end of the company, all data out.
    r"|\b(?:inte|ikke|icke|niet|nicht|não|no|non|pas)\b.{0,30}\b(?:förläng|förny|fortsätt|forleng|forlæng|forny|fortsett|"
    r"fortsæt|verleng|vernieuw|verläng|erneuer|weiterführ|renov|renouvel|rinnov|prolong|recondui|prorrog|poursuiv)"
    r"|\b(?:förläng|förny|fortsätt|forleng|forlæng|forny|fortsett|fortsæt|verleng|verläng|erneuer)\w*"
    r" (?:\w+ ){0,3}(?:inte|ikke|niet|nicht)\b"
    r"|\binsolven|\bkonkurs|\bfaillite|\bfaillissement|\bquiebra|\bfallimento|\bfalência|\bbankrupt"
    r"|\b(?:alla|alle|all) (?:våra|våre|vores|onze|unsere) (?:data|gegevens|daten)\b|\btoutes nos données\b"
    r"|\btodos (?:nuestros datos|os nossos dados)\b|\btutti i nostri dati\b",
    re.IGNORECASE,
)
# How sure the reader has to be where no word says it.
_NO_DOUBT, _HARDLY_ANY = 0.97, 0.8


def _leaving(heard: Heard, quote: Quote, spoken: list[Spoken], now: datetime) -> Fact:
    """Words of leaving, with what the customer said after them: taken back, settled in the ticket, or content since."""
    later = [said for said in spoken if said.at > quote.at]
    here = [said for said in heard.reading.m.values() if said.at > quote.at and said.known]
    kind, unkind = sum(said.score >= 0.35 for said in later), sum(said.score <= -0.35 for said in later)
    taken_back = any(said.intent == "staying" for said in later) and not any(said.churn >= LEAVING for said in later)
    # Thanks at the end settle a threat that was made in anger; after a calm farewell they are only polite.
    ended_well = (heard.rating or 0) >= 4 or (bool(here) and here[-1].score >= 0.35)
    solved = quote.score <= -0.35 and not heard.open and ended_well
    long_ago = (now.timestamp() - quote.at) / 86400 >= 45 and kind >= 2 and kind > 2 * unkind
    what, kind_of = "a message spoke of leaving", "leaving"
    if quote.intent == "hint":
        what, kind_of = "a message asked what may lead to leaving", "hint"
    more = {"kind": kind_of, "settled": taken_back or solved or long_ago}
    return _fact("churn", heard, quote, what, now, spoken, more)


def _fact(
    name: str, heard: Heard, quote: Quote, what: str, now: datetime, spoken: list[Spoken],
    more: dict[str, object] | None = None,
) -> Fact:  # fmt: skip
    at = datetime.fromtimestamp(quote.at, UTC)
    age = (now - at).days
    later = [said for said in spoken if said.at > quote.at]
    after = sum(said.score >= 0.35 for said in later) - sum(said.score <= -0.35 for said in later)
    value = {
        "score": quote.score,
        "churn": quote.churn,
        "open": heard.open,
        "title": " ".join(heard.title.split()) if is_plain(heard.title) else "",
        "on": day(at),
        "days": age,
        # Kind messages minus unkind ones since.
        "after": after,
        "successor": name == "handover" and bool(_SUCCESSOR.search(quote.text)),
        "by": quote.who if is_plain(quote.who) and len(quote.who) <= 60 else "",
        "says": quotable(quote.text),
        # Whether nobody has answered yet, and whether the ticket ended with a good rating.
        "waits": heard.waiting_since is not None and heard.waiting_since.timestamp() <= quote.at + SAME_MESSAGE,
        "content": not heard.open and (heard.rating or 0) >= 4,
        "safety": name in _HARMFUL and bool(_SAFETY.search(quote.text) or _SAFETY.search(heard.title)),
        "talk": _talk(quote.text) if age <= _TALK_DAYS else "",
        **(more or {}),
    }
    news = [value["waits"], value["content"], value["talk"], value.get("settled")]
    steps = [age >= 2, age >= 14, age >= 45, age >= 90, max(-1, min(after, 1))]
    return Fact(
        f"{name}.{heard.ticket_id}", value, f"On {day(at)} {what}: “{quote.text}”",
        at=iso(at), link=f"/tickets/{heard.ticket_id}", quote=quote.text,
        key=[quote.entry, heard.open, *news, *(steps if not name.startswith("quote") else ())],
    )  # fmt: skip


def _talk(text: str) -> str:
    """The day of a talk that the message says is agreed; empty when it says none."""
    match = _TALK.search(text)
    return (match["when"] or match["before"]) if match else ""


def _newest_per_ticket(pairs: list[Said]) -> list[Said]:
    return _one_per_ticket(sorted(pairs, key=lambda pair: (-pair[1].at, pair[0].ticket_id)))


def _one_per_ticket(pairs: list[Said]) -> list[Said]:
    """The first of each ticket, in order."""
    first: dict[int, Said] = {}
    for heard, quote in pairs:
        first.setdefault(heard.ticket_id, (heard, quote))
    return list(first.values())
