"""The facts about support, messages and contact of one customer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from startdeliver.assessment.evidence import messages
from startdeliver.assessment.evidence.facts import Fact
from startdeliver.assessment.evidence.figures import Heard, Raw
from startdeliver.assessment.reader.cues import has
from startdeliver.assessment.reader.readings import Spoken
from startdeliver.assessment.wording import (
    count,
    day,
    is_plain,
    quotable,
    seconds,
    span,
    step,
    utc,
    weeks,
    working_days,
)

TOPIC_WORDS = {
    "billing": "billing",
    "login": "logging in",
    "bug": "things that do not work",
    "performance": "speed and outages",
    "data": "their data",
    "integration": "integrations",
    "feature": "wishes for features",
    "onboarding": "getting started",
    "cancel": "cancelling",
}
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
    yield from _contact(raw, now)


def _tickets(raw: Raw, now: datetime, overdue_days: int) -> Iterator[Fact]:
    mine = f"/customers/{raw.id}?tab=tickets"
    yield Fact(
        "support.tickets",
        {"recent": raw.created_recent, "before": raw.created_before, "all": raw.tickets},
        f"{count(raw.created_recent, 'ticket was', 'tickets were')} opened in the last 30 days, "
        f"{raw.created_before:,} in the 90 days before that.",
        link=mine,
        key=[step(raw.created_recent), step(raw.created_before)],
    )
    yield Fact(
        "support.open",
        raw.open,
        f"{count(raw.open, 'ticket is', 'tickets are')} open." if raw.open else "No ticket is open.",
        link=f"{mine}&show=open",
        key=raw.open if raw.open < 10 else step(raw.open),
    )
    if raw.overdue:
        oldest = raw.open_tickets[0]
        yield Fact(
            "support.overdue",
            raw.overdue,
            f"{count(raw.overdue, 'ticket is', 'tickets are')} overdue (open for more than "
            f"{count(overdue_days, 'day')}), the oldest since {day(oldest.since)}.",
            at=oldest.since.date().isoformat(),
            link=f"/tickets/{oldest.id}" if raw.overdue == 1 else f"{mine}&show=overdue",
        )
    listed = {ticket.id for ticket in raw.open_tickets[:4]}
    idle = {one.ticket_id for one in raw.heard if one.ticket_id in listed and _is_idle(one)}
    for ticket in raw.open_tickets[:4]:
        title = " ".join(ticket.title.split()) or "A ticket without a subject"
        yield Fact(
            f"ticket.{ticket.id}",
            {
                "title": title if is_plain(title) else "",
                "overdue": ticket.overdue,
                "since": day(ticket.since),
                "waits": ticket.waiting_since is not None,
                "nobody": ticket.id in idle or _TEST.search(ticket.title.strip()) is not None,
            },
            f"“{title[:90]}” has been open since {day(ticket.since)}"
            + (" and is overdue." if ticket.overdue else "." if not ticket.snoozed else " and is snoozed."),
            at=ticket.since.date().isoformat(),
            link=f"/tickets/{ticket.id}",
            key=[title, ticket.overdue, ticket.waiting_since is not None, ticket.id in idle],
        )
    if raw.waiting and raw.waiting_since is not None:
        lasted = working_days(raw.waiting_since, now)
        yield Fact(
            "support.waiting",
            {
                "count": raw.waiting,
                "since": day(raw.waiting_since),
                "days": lasted,
                "harmless": _is_harmless(raw),
            },
            f"The customer waits for an answer in {count(raw.waiting, 'ticket')}, since {day(raw.waiting_since)}.",
            at=raw.waiting_since.date().isoformat(),
            link=f"{mine}&show=open",
            key=[raw.waiting, raw.waiting_since.date().isoformat(), min(lasted // LONG_WAIT, 2), _is_harmless(raw)],
        )
    if raw.support_status:
        changed = raw.support_changed if raw.support_previous else None
        after = (
            f", after {raw.support_previous.title()} until {day(changed)}" if raw.support_previous and changed else ""
        )
        yield Fact(
            "support.health",
            {"status": raw.support_status, "previous": raw.support_previous},
            f"Support health is {raw.support_status.title()}{after}.",
            at=changed.date().isoformat() if changed else "",
            link=mine,
        )


def _is_idle(heard: Heard) -> bool:
    """Whether nobody stands behind a ticket: everything in it was sent by a machine."""
    said = heard.reading.m.values()
    return bool(said) and all(one.intent == "automatic" for one in said)


def _is_harmless(raw: Raw) -> bool:
    """Whether all tickets in which the customer waits ask about small things, in an even tone."""
    waiting = [one for one in raw.heard if one.waiting_since is not None]
    return len(waiting) >= raw.waiting and all(
        one.topic in _HARMLESS and all(said.score > -0.35 and said.intent in _EVEN for said in one.reading.m.values())
        for one in waiting
    )


def _past(raw: Raw) -> Iterator[Fact]:
    mine = f"/customers/{raw.id}?tab=tickets&show=resolved"
    if raw.resolution and raw.resolution_past and raw.resolution[0] >= 2 and raw.resolution_past[0] >= 3:
        now, past = raw.resolution[1], raw.resolution_past[1]
        yield Fact(
            "support.resolution",
            {"recent": round(now), "before": round(past)},
            f"Half of the tickets resolved in the last 30 days took {seconds(now)} or less; "
            f"in the year before that it was {seconds(past)}.",
            link=mine,
            key=[int(now).bit_length(), int(past).bit_length()],
        )
    if raw.reopened:
        yield Fact(
            "support.reopened",
            raw.reopened,
            f"{count(raw.reopened, 'ticket')} of the last 90 days had to be reopened.",
            link=f"/customers/{raw.id}?tab=tickets",
        )


def _ratings(raw: Raw, now: datetime) -> Iterator[Fact]:
    if raw.rating_count and raw.rating_mean is not None:
        yield Fact(
            "support.rating",
            {"mean": round(raw.rating_mean, 1), "count": raw.rating_count},
            f"Support was rated {raw.rating_mean:.1f} out of 5 on average "
            f"({count(raw.rating_count, 'rating')} in 90 days).",
            link=f"/customers/{raw.id}?tab=tickets",
            key=[round(raw.rating_mean * 2), step(raw.rating_count)],
        )
    if raw.ratings and raw.ratings[0] >= 2:
        number, recent, before = raw.ratings
        yield Fact(
            "support.rating.course",
            {"recent": round(recent, 1), "before": round(before, 1), "count": number},
            f"Ratings of the last 30 days average {recent:.1f} out of 5; in the year before it was {before:.1f}.",
            link=f"/customers/{raw.id}?tab=tickets",
            key=[round(recent * 2), round(before * 2)],
        )
    if raw.latest_rating:
        rating, remark, at, ticket = raw.latest_rating
        yield Fact(
            "support.rating.latest",
            {
                "rating": rating,
                "days": (now - at).days,
                "on": day(at),
                "says": quotable(remark),
                "leaving": rating <= 2
                and (has("leave", remark) or has("rival", remark) or _OPTIONS.search(remark) is not None),
            },
            f"The latest rating, on {day(at)}, was {rating} out of 5" + (f": “{remark[:160]}”" if remark else "."),
            at=at.date().isoformat(),
            link=f"/tickets/{ticket}",
            quote=remark[:160],
            key=[rating, at.date().isoformat(), (now - at).days >= 30],
        )


def _topics(raw: Raw) -> Iterator[Fact]:
    asked = sum(heard.topic in _QUESTIONS for heard in raw.heard)
    if asked >= _MANY and asked * 10 >= len(raw.heard) * 6:
        yield Fact(
            "topic.questions",
            {"count": asked, "of": len(raw.heard)},
            f"{asked} of the {len(raw.heard)} tickets written to in 90 days ask how something is done.",
            link=f"/customers/{raw.id}?tab=tickets",
            key=step(asked),
        )
    topics = Counter(heard.topic for heard in raw.heard if heard.topic in TOPIC_WORDS)
    if not topics:
        return
    topic, number = topics.most_common(1)[0]
    if number >= _RECURS and number * 2 >= len(raw.heard):
        yield Fact(
            "topic.recurring",
            {"topic": topic, "count": number, "of": len(raw.heard)},
            f"{number} of the {len(raw.heard)} tickets written to in 90 days are about {TOPIC_WORDS[topic]}.",
            link=f"/customers/{raw.id}?tab=tickets",
            key=[topic, step(number)],
        )


def _tones(raw: Raw, now: datetime) -> Iterator[Fact]:
    month, quarter = (now - timedelta(days=30)).timestamp(), (now - timedelta(days=90)).timestamp()
    # What a machine sent has no mood and is no sign of life.
    every = [one for one in _messages(raw) if one.at >= quarter and one.intent != "automatic"]
    recent = [spoken for spoken in every if spoken.at >= month]
    known = [spoken for spoken in recent if spoken.known]
    link = f"/customers/{raw.id}?tab=tickets"
    if known:
        calmed = {
            one.at for heard in raw.heard if not heard.open and (heard.rating or 0) >= _CONTENT
            for one in heard.reading.m.values()
        }  # fmt: skip
        yield _tone_fact("tone.recent", known, "last 30 days", link, calmed)
    if before := [spoken for spoken in every if spoken.at < month and spoken.known]:
        yield _tone_fact("tone.before", before, "60 days before that", link)
    if unknown := len(recent) - len(known):
        yield Fact(
            "tone.unknown",
            unknown,
            f"{count(unknown, 'message is', 'messages are')} in a language that the built-in reader does not read.",
            link=link,
            key=step(unknown),
        )
    yield from messages.describe(raw, now)


def _messages(raw: Raw) -> list[Spoken]:
    return [spoken for heard in raw.heard for spoken in heard.reading.m.values()]


def _tone_fact(name: str, spoken: list[Spoken], when: str, link: str, calmed: Collection[int] = ()) -> Fact:
    """`calmed`: the times of messages in tickets that ended with a good rating, in which anger is over."""
    negative = sum(one.score <= -0.35 for one in spoken)
    positive = sum(one.score >= 0.35 for one in spoken)
    # How the newest ones sound, counted from the last that sounded negative.
    last = max((one.at for one in spoken if one.score <= -0.35), default=0)
    since = sum(one.score >= 0.35 and one.at > last for one in spoken)
    over = sum(one.score <= -0.35 and one.at in calmed for one in spoken)
    return Fact(
        name,
        {"messages": len(spoken), "negative": negative, "positive": positive, "since": since, "over": over},
        f"Of {count(len(spoken), 'message')} by the customer in the {when}, {negative} sounded negative and "
        f"{positive} positive.",
        link=link,
        key=[step(len(spoken)), step(negative), step(positive), min(since, 2), step(over)],
    )


def _contact(raw: Raw, now: datetime) -> Iterator[Fact]:
    link = f"/customers/{raw.id}?tab=tickets"
    for name, moment, who in (
        ("contact.in", _last_word(raw), "The customer last wrote"),
        ("contact.out", raw.last_out, "The team last wrote"),
    ):
        if moment is not None:
            ago = (now - moment).total_seconds() / 86400
            words = f", {span(ago)} ago" if ago >= 14 else ""
            yield Fact(
                name,
                {"days": int(ago), "on": day(moment), "span": span(ago)},
                f"{who} on {day(moment)}{words}.",
                at=moment.date().isoformat(),
                link=link,
                key=weeks(ago),
            )


def _last_word(raw: Raw) -> datetime | None:
    """When a person there last wrote. An automatic reply counts for nothing, if what it came after is known."""
    said = _messages(raw)
    automatic = [one.at for one in said if one.intent == "automatic"]
    if raw.last_in is None or not automatic or abs(max(automatic) - raw.last_in.timestamp()) > _SAME_MESSAGE:
        return raw.last_in
    real = max((one.at for one in said if one.intent != "automatic"), default=None)
    return None if real is None else utc(real)


# Seconds between the time of a message and the time that Intercom gives as the contact's last reply.
_SAME_MESSAGE = 120
