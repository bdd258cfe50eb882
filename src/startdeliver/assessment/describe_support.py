"""The facts about support, messages and contact of one customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from startdeliver.assessment.facts import Fact
from startdeliver.assessment.gather import Heard, Raw
from startdeliver.assessment.messages import Quote, Spoken
from startdeliver.assessment.wording import count, day, is_plain, seconds, span, step, utc, weeks

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
# A worried topic that comes back says more than a busy how-to queue.
_RECURS = 3
# From here a message counts as speaking of leaving.
LEAVING = 0.5


def describe(raw: Raw, now: datetime, overdue_days: int) -> Iterator[Fact]:
    """Facts with ids support.*, topic.*, tone.*, quote.*, churn.* and contact.*; none when nothing is stored."""
    if raw.tickets:
        yield from _tickets(raw, overdue_days)
        yield from _past(raw)
        yield from _ratings(raw)
        yield from _topics(raw)
    yield from _tones(raw, now)
    yield from _contact(raw, now)


def _tickets(raw: Raw, overdue_days: int) -> Iterator[Fact]:
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
    for ticket in raw.open_tickets[:4]:
        title = ticket.title or "A ticket without a subject"
        yield Fact(
            f"ticket.{ticket.id}",
            {"title": title if is_plain(title) else "", "overdue": ticket.overdue, "since": day(ticket.since)},
            f"“{title[:90]}” has been open since {day(ticket.since)}"
            + (" and is overdue." if ticket.overdue else "." if not ticket.snoozed else " and is snoozed."),
            at=ticket.since.date().isoformat(),
            link=f"/tickets/{ticket.id}",
            key=[title, ticket.overdue],
        )
    if raw.waiting and raw.waiting_since is not None:
        yield Fact(
            "support.waiting",
            raw.waiting,
            f"The customer waits for an answer in {count(raw.waiting, 'ticket')}, since {day(raw.waiting_since)}.",
            at=raw.waiting_since.date().isoformat(),
            link=f"{mine}&show=open",
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


def _ratings(raw: Raw) -> Iterator[Fact]:
    if raw.rating_count and raw.rating_mean is not None:
        yield Fact(
            "support.rating",
            {"mean": round(raw.rating_mean, 1), "count": raw.rating_count},
            f"Support was rated {raw.rating_mean:.1f} out of 5 on average "
            f"({count(raw.rating_count, 'rating')} in 90 days).",
            link=f"/customers/{raw.id}?tab=tickets",
            key=[round(raw.rating_mean * 2), step(raw.rating_count)],
        )
    if raw.latest_rating:
        rating, remark, at, ticket = raw.latest_rating
        yield Fact(
            "support.rating.latest",
            rating,
            f"The latest rating, on {day(at)}, was {rating} out of 5" + (f": “{remark[:160]}”" if remark else "."),
            at=at.date().isoformat(),
            link=f"/tickets/{ticket}",
            quote=remark[:160],
        )


def _topics(raw: Raw) -> Iterator[Fact]:
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
    every = [spoken for heard in raw.heard for spoken in heard.reading.m.values() if spoken.at >= quarter]
    recent = [spoken for spoken in every if spoken.at >= month]
    known = [spoken for spoken in recent if spoken.known]
    link = f"/customers/{raw.id}?tab=tickets"
    if known:
        yield _tone_fact("tone.recent", known, "last 30 days", link)
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
    yield from _quotes(raw, month, quarter)


def _tone_fact(name: str, spoken: list[Spoken], when: str, link: str) -> Fact:
    negative = sum(one.score <= -0.35 for one in spoken)
    positive = sum(one.score >= 0.35 for one in spoken)
    return Fact(
        name,
        {"messages": len(spoken), "negative": negative, "positive": positive},
        f"Of {count(len(spoken), 'message')} by the customer in the {when}, {negative} sounded negative and "
        f"{positive} positive.",
        link=link,
        key=[step(len(spoken)), step(negative), step(positive)],
    )


def _quotes(raw: Raw, month: float, quarter: float) -> Iterator[Fact]:
    leaving: list[tuple[Heard, Quote]] = []
    bad: list[tuple[Heard, Quote]] = []
    good: list[tuple[Heard, Quote]] = []
    for heard in raw.heard:
        for quote in heard.reading.q:
            if quote.churn >= LEAVING and quote.at >= quarter:
                leaving.append((heard, quote))
            elif quote.score <= -0.45 and quote.at >= month:
                bad.append((heard, quote))
            elif quote.score >= 0.45 and quote.at >= month:
                good.append((heard, quote))
    leaving.sort(key=lambda pair: (-pair[1].at, pair[0].ticket_id))
    bad.sort(key=lambda pair: (pair[1].score, -pair[1].at))
    good.sort(key=lambda pair: (-pair[1].score, -pair[1].at))
    for heard, quote in _one_per_ticket(leaving)[:2]:
        later = [one for one in heard.reading.m.values() if one.at > quote.at and one.known]
        settled = not heard.open and bool(later) and later[-1].score >= 0.35
        yield _quote_fact("churn", heard, quote, "a message spoke of leaving", settled)
    for heard, quote in _one_per_ticket(bad)[:2]:
        yield _quote_fact("quote.negative", heard, quote, "a message sounded negative")
    for heard, quote in good[:1]:
        yield _quote_fact("quote.positive", heard, quote, "a message sounded positive")


def _one_per_ticket(pairs: list[tuple[Heard, Quote]]) -> list[tuple[Heard, Quote]]:
    return list({heard.ticket_id: (heard, quote) for heard, quote in reversed(pairs)}.values())[::-1]


def _quote_fact(name: str, heard: Heard, quote: Quote, what: str, settled: bool = False) -> Fact:
    at = utc(quote.at)
    title = heard.title if is_plain(heard.title) else ""
    return Fact(
        f"{name}.{heard.ticket_id}",
        {"score": quote.score, "churn": quote.churn, "open": heard.open, "title": title, "settled": settled,
         "on": day(at)},
        f"On {day(at)} {what}: “{quote.text}”",
        at=at.date().isoformat(),
        link=f"/tickets/{heard.ticket_id}",
        quote=quote.text,
        key=[quote.entry, heard.open, settled],
    )  # fmt: skip


def _contact(raw: Raw, now: datetime) -> Iterator[Fact]:
    link = f"/customers/{raw.id}?tab=tickets"
    for name, moment, who in (
        ("contact.in", raw.last_in, "The customer last wrote"),
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
