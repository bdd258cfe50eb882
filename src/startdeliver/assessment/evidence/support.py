"""The facts about support, ratings, tones and contact of one customer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from startdeliver.assessment.evidence import messages
from startdeliver.assessment.evidence.facts import Fact
from startdeliver.assessment.evidence.figures import Heard, Raw
from startdeliver.assessment.evidence.messages import SAME_MESSAGE
from startdeliver.assessment.reader.cues import has
from startdeliver.assessment.reader.readings import Spoken
from startdeliver.assessment.wording import (
    count,
    day,
    is_plain,
    iso,
    quotable,
    seconds,
    span,
    step,
    weeks,
    working_days,
)
from startdeliver.common import clock

TOPIC_WORDS = {
    "billing": "billing", "login": "logging in", "bug": "things that do not work", "performance": "speed and outages",
    "data": "their data", "integration": "integrations", "feature": "wishes for features",
    "onboarding": "getting started", "cancel": "cancelling",
}  # fmt: skip
# Working days that even a harmless question should not wait.
LONG_WAIT = 5
_HARMLESS = ("howto", "feature", "onboarding", "account", "other", "integration")
# What a low rating's remark says besides the words for leaving.
_OPTIONS = re.compile(r"\b(?:consider\w*|weigh\w*|review\w*|look\w* at) (?:all )?our options\b", re.IGNORECASE)
_EVEN = ("", "none", "automatic", "staying")
_TEST = re.compile(r"^(?:test|testing|tests|asdf\w*|qwert\w*|foo|ignore)\b.{0,40}$", re.IGNORECASE)
# A worried topic that comes back says more than a busy how-to queue.
_RECURS = 3
# A rating from here on says that all is well again.
_CONTENT = 4
_QUESTIONS, _MANY = ("howto", "onboarding", "account"), 5


def describe(raw: Raw, now: datetime, overdue_days: int) -> Iterator[Fact]:
    """Facts with ids support.*, topic.*, tone.*, quote.*, churn.* and contact.*; none when nothing is stored."""
    if raw.tickets:
        yield from _tickets(raw, now, overdue_days)
        yield from _past(raw)
        yield from _ratings(raw, now)
        yield from _topics(raw)
    yield from _tones(raw, now)
    yield from messages.describe(raw, now)
    yield from _contact(raw, now)


def _link(raw: Raw, show: str = "") -> str:
    return f"/customers/{raw.id}?tab=tickets{show}"


def _tickets(raw: Raw, now: datetime, overdue_days: int) -> Iterator[Fact]:
    yield Fact(
        "support.tickets", {"recent": raw.created_recent, "before": raw.created_before, "all": raw.tickets},
        f"{count(raw.created_recent, 'ticket was', 'tickets were')} opened in the last 30 days, "
        f"{raw.created_before:,} in the 90 days before that.",
        link=_link(raw), key=[step(raw.created_recent), step(raw.created_before)],
    )  # fmt: skip
    words = f"{count(raw.open, 'ticket is', 'tickets are')} open." if raw.open else "No ticket is open."
    key = raw.open if raw.open < 10 else step(raw.open)
    yield Fact("support.open", raw.open, words, link=_link(raw, "&show=open"), key=key)
    if raw.overdue:
        oldest = raw.open_tickets[0]
        yield Fact(
            "support.overdue", raw.overdue,
            f"{count(raw.overdue, 'ticket is', 'tickets are')} overdue (open for more than "
            f"{count(overdue_days, 'day')}), the oldest since {day(oldest.since)}.",
            at=iso(oldest.since), link=f"/tickets/{oldest.id}" if raw.overdue == 1 else _link(raw, "&show=overdue"),
        )  # fmt: skip
    idle = {heard.ticket_id for heard in raw.heard if _is_idle(heard)}
    for ticket in raw.open_tickets[:4]:
        title = " ".join(ticket.title.split()) or "A ticket without a subject"
        since, waits = day(ticket.since), ticket.waiting_since is not None
        yield Fact(
            f"ticket.{ticket.id}",
            {
                "title": title if is_plain(title) else "", "overdue": ticket.overdue, "since": since, "waits": waits,
                "nobody": ticket.id in idle or _TEST.search(ticket.title.strip()) is not None,
            },
            f"“{title[:90]}” has been open since {since}"
            + (" and is overdue." if ticket.overdue else "." if not ticket.snoozed else " and is snoozed."),
            at=iso(ticket.since), link=f"/tickets/{ticket.id}", key=[title, ticket.overdue, waits, ticket.id in idle],
        )  # fmt: skip
    if raw.waiting and raw.waiting_since is not None:
        since, lasted, harmless = day(raw.waiting_since), working_days(raw.waiting_since, now), _is_harmless(raw)
        at = iso(raw.waiting_since)
        yield Fact(
            "support.waiting", {"count": raw.waiting, "since": since, "days": lasted, "harmless": harmless},
            f"The customer waits for an answer in {count(raw.waiting, 'ticket')}, since {since}.",
            at=at, link=_link(raw, "&show=open"), key=[raw.waiting, at, min(lasted // LONG_WAIT, 2), harmless],
        )  # fmt: skip
    if raw.support_status:
        previous, changed = raw.support_previous, raw.support_changed if raw.support_previous else None
        after = f", after {previous.title()} until {day(changed)}" if previous and changed else ""
        yield Fact(
            "support.health", {"status": raw.support_status, "previous": previous},
            f"Support health is {raw.support_status.title()}{after}.", at=iso(changed), link=_link(raw),
        )  # fmt: skip


def _is_idle(heard: Heard) -> bool:
    """Whether nobody stands behind a ticket: everything in it was sent by a machine."""
    spoken = heard.reading.m.values()
    return bool(spoken) and all(message.intent == "automatic" for message in spoken)


def _is_harmless(raw: Raw) -> bool:
    """Whether all tickets in which the customer waits ask about small things, in an even tone."""
    waiting = [heard for heard in raw.heard if heard.waiting_since is not None]
    spoken = [said for heard in waiting for said in heard.reading.m.values()]
    even = all(said.score > -0.35 and said.intent in _EVEN for said in spoken)
    return len(waiting) >= raw.waiting and all(heard.topic in _HARMLESS for heard in waiting) and even


def _past(raw: Raw) -> Iterator[Fact]:
    if raw.resolution and raw.resolution_past and raw.resolution[0] >= 2 and raw.resolution_past[0] >= 3:
        now, past = raw.resolution[1], raw.resolution_past[1]
        yield Fact(
            "support.resolution", {"recent": round(now), "before": round(past)},
            f"Half of the tickets resolved in the last 30 days took {seconds(now)} or less; "
            f"in the year before that it was {seconds(past)}.",
            link=_link(raw, "&show=resolved"), key=[int(now).bit_length(), int(past).bit_length()],
        )  # fmt: skip
    if raw.reopened:
        words = f"{count(raw.reopened, 'ticket')} of the last 90 days had to be reopened."
        yield Fact("support.reopened", raw.reopened, words, link=_link(raw))


def _ratings(raw: Raw, now: datetime) -> Iterator[Fact]:
    if raw.rating_count and raw.rating_mean is not None:
        yield Fact(
            "support.rating", {"mean": round(raw.rating_mean, 1), "count": raw.rating_count},
            f"Support was rated {raw.rating_mean:.1f} out of 5 on average "
            f"({count(raw.rating_count, 'rating')} in 90 days).",
            link=_link(raw), key=[round(raw.rating_mean * 2), step(raw.rating_count)],
        )  # fmt: skip
    if raw.ratings and raw.ratings[0] >= 2:
        number, recent, before = raw.ratings
        yield Fact(
            "support.rating.course", {"recent": round(recent, 1), "before": round(before, 1), "count": number},
            f"Ratings of the last 30 days average {recent:.1f} out of 5; in the year before it was {before:.1f}.",
            link=_link(raw), key=[round(recent * 2), round(before * 2)],
        )  # fmt: skip
    if raw.latest_rating:
        rating, remark, at, ticket = raw.latest_rating
        days = (now - at).days
        leaves = has("leave", remark) or has("rival", remark) or _OPTIONS.search(remark) is not None
        leaving = rating <= 2 and leaves
        yield Fact(
            "support.rating.latest",
            {"rating": rating, "days": days, "on": day(at), "says": quotable(remark), "leaving": leaving},
            f"The latest rating, on {day(at)}, was {rating} out of 5" + (f": “{remark[:160]}”" if remark else "."),
            at=iso(at), link=f"/tickets/{ticket}", quote=remark[:160], key=[rating, iso(at), days >= 30],
        )  # fmt: skip


def _topics(raw: Raw) -> Iterator[Fact]:
    written = f"of the {len(raw.heard)} tickets written to in 90 days"
    asked = sum(heard.topic in _QUESTIONS for heard in raw.heard)
    if asked >= _MANY and asked * 10 >= len(raw.heard) * 6:
        yield Fact(
            "topic.questions", {"count": asked, "of": len(raw.heard)},
            f"{asked} {written} ask how something is done.", link=_link(raw), key=step(asked),
        )  # fmt: skip
    topics = Counter(heard.topic for heard in raw.heard if heard.topic in TOPIC_WORDS)
    for topic, number in topics.most_common(1):
        if number >= _RECURS and number * 2 >= len(raw.heard):
            yield Fact(
                "topic.recurring", {"topic": topic, "count": number, "of": len(raw.heard)},
                f"{number} {written} are about {TOPIC_WORDS[topic]}.", link=_link(raw), key=[topic, step(number)],
            )  # fmt: skip


def _tones(raw: Raw, now: datetime) -> Iterator[Fact]:
    month, quarter = (now - timedelta(days=30)).timestamp(), (now - timedelta(days=90)).timestamp()
    # What a machine sent has no mood and is no sign of life.
    every = [said for said in raw.spoken() if said.at >= quarter and said.intent != "automatic"]
    recent = [said for said in every if said.at >= month]
    if known := [said for said in recent if said.known]:
        content = [heard for heard in raw.heard if not heard.open and (heard.rating or 0) >= _CONTENT]
        calmed = {said.at for heard in content for said in heard.reading.m.values()}
        yield _tone_fact("tone.recent", known, "last 30 days", _link(raw), calmed)
    if before := [said for said in every if said.at < month and said.known]:
        yield _tone_fact("tone.before", before, "60 days before that", _link(raw))
    if unknown := len(recent) - len(known):
        yield Fact(
            "tone.unknown", unknown,
            f"{count(unknown, 'message is', 'messages are')} in a language that the built-in reader does not read.",
            link=_link(raw), key=step(unknown),
        )  # fmt: skip


def _tone_fact(name: str, spoken: list[Spoken], when: str, link: str, calmed: Collection[int] = ()) -> Fact:
    """`calmed`: the times of messages in tickets that ended with a good rating, in which anger is over."""
    bad = [said for said in spoken if said.score <= -0.35]
    good = [said for said in spoken if said.score >= 0.35]
    # How the newest ones sound, counted from the last that sounded negative.
    last = max((said.at for said in bad), default=0)
    since = sum(said.at > last for said in good)
    over = sum(said.at in calmed for said in bad)
    return Fact(
        name, {"messages": len(spoken), "negative": len(bad), "positive": len(good), "since": since, "over": over},
        f"Of {count(len(spoken), 'message')} by the customer in the {when}, {len(bad)} sounded negative and "
        f"{len(good)} positive.",
        link=link, key=[step(len(spoken)), step(len(bad)), step(len(good)), min(since, 2), step(over)],
    )  # fmt: skip


def _contact(raw: Raw, now: datetime) -> Iterator[Fact]:
    wrote = {
        "contact.in": (_last_word(raw), "The customer last wrote"),
        "contact.out": (raw.last_out, "The team last wrote"),
    }
    for name, (moment, who) in wrote.items():
        if moment is not None:
            ago = (now - moment).total_seconds() / 86400
            words = f"{who} on {day(moment)}" + (f", {span(ago)} ago." if ago >= 14 else ".")
            value = {"days": int(ago), "on": day(moment), "span": span(ago)}
            yield Fact(name, value, words, at=iso(moment), link=_link(raw), key=weeks(ago))


def _last_word(raw: Raw) -> datetime | None:
    """When a person there last wrote. An automatic reply counts for nothing, if what it came after is known."""
    automatic = [said.at for said in raw.spoken() if said.intent == "automatic"]
    if raw.last_in is None or not automatic or abs(max(automatic) - raw.last_in.timestamp()) > SAME_MESSAGE:
        return raw.last_in
    return clock.from_unix(max((said.at for said in raw.spoken() if said.intent != "automatic"), default=None))
