"""Tones of the stored messages: computed once per message, kept per ticket."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from html import unescape

import msgspec
from django.db import transaction
from django.db.models import F, Q, QuerySet

from startdeliver.assessment.models import AssessmentState, TicketTone
from startdeliver.assessment.reader import process, tone
from startdeliver.common import clock, html
from startdeliver.storage.sql import organization_work
from startdeliver.support.models import Thread, Ticket
from startdeliver.support.threads import Entry
from startdeliver.tenancy.models import Organization

# Evidence looks at 90 days, for talk of leaving at 180; older messages decide nothing.
DEPTH = timedelta(days=190)
_MESSAGES = 30
_PAGE = 100
_QUOTE = 160
_QUOTES = 3
_WORTH = 0.45
# From here a message counts as speaking of leaving.
LEAVING = 0.5
# Intents whose words are kept to be cited.
TELLING = ("leaving", "hint", "legal", "escalation", "blocked", "handover", "staying", "quiet")


class Spoken(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message by the customer: checksum of its text, unix seconds, tone, churn and intent as in `tone.Tone`."""

    check: int
    at: int
    score: float
    churn: float
    known: bool
    intent: str = ""


class Quote(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A short extract of a message that shows its tone; `entry` is the message's id in the thread, `who` the name of
    its author, empty when it is not known.
    """

    entry: str
    at: int
    score: float
    churn: float
    text: str
    intent: str = ""
    who: str = ""


class Reading(msgspec.Struct):
    """What is stored of one ticket: the newest messages by entry id, and the quotes worth showing."""

    m: dict[str, Spoken] = {}
    q: list[Quote] = []
    source: str = "encoder"


_encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Reading).decode
_entries = msgspec.json.Decoder(list[Entry], strict=False).decode


def due(customer_ids: Iterable[int] | None = None) -> QuerySet[Ticket]:
    """Tickets of the open scope whose messages were read from Intercom since their tones were computed."""
    rows = Ticket.objects.filter(updated_at__gte=clock.now() - DEPTH, customer__isnull=False)
    if customer_ids is not None:
        rows = rows.filter(customer__in=list(customer_ids))
    same = Q(tone__read_at=F("messages_read_at")) | Q(tone__read_at__isnull=True, messages_read_at__isnull=True)
    return rows.exclude(Q(tone__isnull=False) & same)


def outdated() -> QuerySet[Ticket]:
    """Tickets of the open scope that decide something and whose tones an older reader computed."""
    return Ticket.objects.filter(
        updated_at__gte=clock.now() - DEPTH, customer__isnull=False, tone__reader__lt=tone.VERSION
    )


def read_outdated(organization: Organization) -> set[int] | None:
    """Reads one page of what is outdated again, newest tickets first, and returns the ids of the customers whose tones
    changed. None: nothing is outdated, or the reader does not load.
    """
    with organization_work(organization):
        ids = list(outdated().order_by("-updated_at").values_list("pk", flat=True)[:_PAGE])
        return _read(organization, ids) if ids and process.reader.has_encoder() else None


def read_due(
    organization: Organization,
    customer_ids: Iterable[int] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> set[int]:
    """Computes what is due, newest tickets first, and returns the ids of the customers whose tones
    changed.

    Stops early, with what it has, when `stopping()` says so. Each page is a transaction of its own.
    """
    touched: set[int] = set()
    with organization_work(organization):
        ids = list(due(customer_ids).order_by("-updated_at").values_list("pk", flat=True))
        for page in _pages(ids, _PAGE):
            if stopping():
                break
            touched |= _read(organization, page)
    return touched


def _read(organization: Organization, ids: list[int]) -> set[int]:
    tickets = list(
        Ticket.objects.filter(pk__in=ids, customer__isnull=False).only(
            "pk", "customer_id", "title", "preview", "created_at", "messages_read_at"
        )
    )
    threads = dict(Thread.objects.filter(ticket__in=ids).values_list("ticket_id", "entries"))
    before = {row.ticket_id: row for row in TicketTone.objects.filter(ticket__in=ids)}
    work = [_Work(ticket, threads.get(ticket.pk), before.get(ticket.pk)) for ticket in tickets]
    texts = [text for item in work for text in item.texts()]
    tones = iter(process.reader.tones(texts))
    rows, touched = [], set()
    for item in work:
        row = item.row(organization, tones)
        rows.append(row)
        old = before.get(item.ticket.pk)
        if old is None or old.data != row.data or old.topic != row.topic:
            touched.add(item.ticket.customer_id or 0)
    with transaction.atomic():
        if not all(row.reader for row in rows):
            AssessmentState.objects.filter(reader__gt=0).update(reader=0)
        TicketTone.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["ticket"],
            update_fields=["read_at", "topic", "last_at", "data", "reader", "computed_at"],
        )
    return touched


class _Work:
    """One ticket: which texts have to be read, and the row that follows."""

    def __init__(self, ticket: Ticket, entries: str | None, old: TicketTone | None) -> None:
        self.ticket = ticket
        # What an older reader heard is worth nothing beside what this one will hear.
        known = (
            decode(old.data) if old and (old.reader >= tone.VERSION or not process.reader.has_encoder()) else Reading()
        )
        self._known, self._quotes = known.m, {quote.entry: quote for quote in known.q}
        self._topic = old.topic if old and known.m else ""
        self._reader = old.reader if old and known.m else tone.VERSION
        self._said = list(_said(entries, ticket))[-_MESSAGES:]
        self._new = [(key, at, text) for key, at, text, _ in self._said if not self._is_known(key, text)]

    def _is_known(self, key: str, text: str) -> bool:
        spoken = self._known.get(key)
        return spoken is not None and spoken.check == zlib.crc32(text.encode())

    def texts(self) -> list[str]:
        subject = [] if self._topic and not self._new else [f"{self.ticket.title}. {self.ticket.preview}"[:240]]
        return subject + [text for _, _, text in self._new]

    def row(self, organization: Organization, tones: Iterator[tone.Tone]) -> TicketTone:
        topic, source = self._topic, "encoder"
        if not self._topic or self._new:
            first = next(tones)
            topic, source = (first.topic if first.known else ""), first.source
        fresh = {key: next(tones) for key, _, _ in self._new}
        spoken: dict[str, Spoken] = {}
        quotes: list[Quote] = []
        for key, at, text, who in self._said:
            if key in fresh:
                heard = fresh[key]
                spoken[key] = Spoken(zlib.crc32(text.encode()), at, heard.score, heard.churn, heard.known, heard.intent)
                words = _extract(heard.words or text)
                quotes.append(Quote(key, at, heard.score, heard.churn, words, heard.intent, who))
            else:
                spoken[key] = self._known[key]
                if key in self._quotes:
                    quotes.append(self._quotes[key])
        worth = [q for q in quotes if (abs(q.score) >= _WORTH or q.intent in TELLING) and spoken[q.entry].known]
        worth.sort(
            key=lambda quote: (quote.churn + (quote.intent in TELLING), abs(quote.score), quote.at), reverse=True
        )
        kept = worth[:_QUOTES]
        if worth and (latest := max(worth, key=lambda quote: quote.at)) not in kept:
            kept.append(latest)
        if any(said.churn >= LEAVING for said in spoken.values()):
            topic = "cancel"
        newest = max((at for _, at, _, _ in self._said), default=None)
        return TicketTone(
            organization=organization,
            ticket=self.ticket,
            read_at=self.ticket.messages_read_at,
            topic=topic,
            last_at=clock.from_unix(newest),
            data=_encode(Reading(spoken, kept, source)).decode(),
            # Read by a list of words: once more as soon as the reader loads.
            reader=0 if source == "words" else self._reader,
            computed_at=clock.now(),
        )


def _said(entries: str | None, ticket: Ticket) -> Iterator[tuple[str, int, str, str]]:
    """What the customer's people wrote: (entry id, unix seconds, plain text, name of the author), in order."""
    if entries is None:
        # The messages were not read yet; the listing carries the start of the first one.
        if ticket.preview:
            yield "preview", _unix(ticket.created_at), ticket.preview, ""
        return
    for entry in _entries(entries):
        if entry.kind == "message" and entry.by.kind == "user" and not entry.redacted:
            text = lines(entry.html)
            if text:
                yield entry.id, int(entry.at), text, entry.by.name[:80]


def lines(body: str) -> str:
    """The text of sanitised HTML with its lines, at most 2,000 characters, without what it quotes."""
    if "<" in body[3:-4]:
        body = _QUOTED.sub("\n", body[:16_000])
        body = _LINE_END.sub("\n", body)
        body = unescape(_TAG.sub(" ", body))
    else:
        body = html.plain(body)
    return "\n".join(filter(None, (" ".join(line.split()) for line in body.split("\n"))))[:2000]


_QUOTED = re.compile(r"<blockquote[\s\S]*?(?:</blockquote>|$)")
_LINE_END = re.compile(r"<(?:br|/p|/div|/li|/tr|/h\d|hr)[^>]*>")
_TAG = re.compile(r"<[^>]*>")


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())


def _extract(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= _QUOTE else short[: _QUOTE - 1].rsplit(" ", 1)[0] + "…"


def _pages(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
