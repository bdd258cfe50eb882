"""A conversation without its messages, as the facts of a ticket. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from operator import attrgetter
from urllib.parse import quote

import msgspec

from startdeliver.common import html
from startdeliver.intercom import wire
from startdeliver.sync.matching import Ref
from startdeliver.sync.text import key, moment, number, short

CONTACT_TYPES = frozenset({"user", "lead", "contact", "visitor"})

_pack = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Names:
    """What ids of teammates and teams mean, and what a conversation's address in Intercom begins with."""

    prefix: str
    admins: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)

    def link(self, ref: str) -> str:
        """The conversation's address in Intercom."""
        return self.prefix + (ref if ref.isascii() and ref.isalnum() else quote(ref, safe=""))


@dataclass(slots=True, kw_only=True)
class ListedColumns:
    """The columns of a ticket that the listing alone decides. Moments are unix seconds, tags are JSON text.

    The fingerprint is made of them in this order.
    """

    link: str
    title: str
    preview: str
    status: str
    snoozed: bool
    snoozed_until: int | None
    priority: str
    channel: str
    assignee_ref: str
    assignee_name: str
    team_ref: str
    team_name: str
    tags: str
    created_at: int
    updated_at: int
    waiting_since: int | None
    first_reply_at: int | None
    first_reply_seconds: int | None
    resolved_at: int | None
    resolution_seconds: int | None
    last_contact_reply_at: int | None
    last_admin_reply_at: int | None
    reopen_count: int
    rating: int | None
    rating_remark: str
    rated_at: int | None
    sla_name: str
    sla_status: str
    author_ref: str
    company_ref: str
    company_external_ref: str


@dataclass(slots=True, kw_only=True)
class TicketRow(ListedColumns):
    """All columns of a ticket. What the listing does not decide is set when the page is stored."""

    external_id: str
    fingerprint: str = ""
    workspace: str = ""
    part_count: int = 0
    customer_id: int | None = None
    clock_from: int = 0
    clock_exact: bool = False
    messages_due: bool = True
    synced_at: int = 0
    # Only for new tickets.
    stored_part_count: int = 0
    message_count: int = 0
    incomplete: bool = False
    messages_read_at: int | None = None
    ticket_type: str = ""
    ticket_state: str = ""


@dataclass(slots=True)
class TicketFacts:
    """One conversation as the row of a ticket, and what decides whose ticket it is.

    The row's fingerprint changes when any fact does. `part_count` is None when Intercom does not say.
    """

    id: str
    row: TicketRow
    contacts: tuple[Ref, ...]
    company: wire.Company | None
    is_open: bool
    last_close: int | None
    part_count: int | None
    outbound: bool


_listed = attrgetter(*(column.name for column in fields(ListedColumns)))


def ticket_facts(conversation: wire.Conversation, names: Names, now: int) -> TicketFacts:
    """The facts of a conversation. `now` (unix seconds) stands in for a missing time."""
    c = conversation
    source, statistics = c.source, c.statistics or _NO_STATISTICS
    author = source.author if source else None
    author_type = (author.type if author else None) or ""
    by_contact = author_type in CONTACT_TYPES
    author_ref = key(author.id, 128) if author is not None and by_contact else ""
    state = c.state or ""
    is_open = state in ("open", "snoozed") if state in _STATES else c.open is not False
    updated = _by_now(c.updated_at, now) or _by_now(c.created_at, now) or now
    created = _by_now(c.created_at, now) or updated
    last_close = moment(statistics.last_close_at)
    resolved = None if is_open else last_close or updated
    first_reply = moment(statistics.first_admin_reply_at)
    asked = moment(statistics.first_contact_reply_at) or created
    body = html.sanitise(source.body) if source and source.body else ""
    preview = html.plain(body, 300)
    subject = source.subject if source else None
    if subject and ("<" in subject or "&" in subject):
        subject = html.plain(html.sanitise(subject))
    title = c.title or subject or preview[:120]
    admin, team = c.admin_id or "", c.team_id or ""
    rating, sla, company = c.conversation_rating, c.sla_applied, c.company
    score = rating.rating if rating and rating.rating is not None and 1 <= rating.rating <= 5 else None
    row = TicketRow(
        external_id=c.id,
        link=names.link(c.id),
        title=short(title.strip(), 500),
        preview=short(preview, 300),
        status="open" if is_open else "resolved",
        snoozed=state == "snoozed",
        snoozed_until=moment(c.snoozed_until) if state == "snoozed" else None,
        priority=short(c.priority_level, 32),
        channel=short((source.type if source else None) or (c.channel.initial if c.channel else None), 32),
        assignee_ref=key(admin, 64) if admin else "",
        assignee_name=short(names.admins.get(admin), 255) if admin else "",
        team_ref=key(team, 64) if team else "",
        team_name=short(names.teams.get(team), 255) if team else "",
        tags=_json([short(name, 255) for name in c.tag_names]).decode() if c.tags else "[]",
        created_at=created,
        updated_at=updated,
        waiting_since=moment(c.waiting_since),
        first_reply_at=first_reply,
        first_reply_seconds=None if first_reply is None else max(0, first_reply - asked),
        resolved_at=resolved,
        resolution_seconds=None if resolved is None else max(0, resolved - created),
        last_contact_reply_at=moment(statistics.last_contact_reply_at),
        last_admin_reply_at=moment(statistics.last_admin_reply_at),
        reopen_count=max(0, number(statistics.count_reopens) or 0),
        rating=score,
        rating_remark=short(rating.remark, 10_000) if rating and score is not None else "",
        rated_at=(moment(rating.updated_at) or moment(rating.created_at)) if rating and score is not None else None,
        sla_name=short(sla.sla_name, 255) if sla else "",
        sla_status=short(sla.sla_status, 32) if sla else "",
        author_ref=author_ref,
        company_ref=key(company.id, 128) if company else "",
        company_external_ref=key(company.company_id, 255) if company else "",
    )
    contacts = _contacts(c, author, author_ref)
    part_count = number(statistics.count_conversation_parts)
    # Intercom delivers `statistics: null` while nobody has replied, so first_contact_reply is asked too.
    outbound = (
        not by_contact
        and source is not None
        and source.delivered_as != "customer_initiated"
        and bool(author_type or source.delivered_as)
        and c.first_contact_reply is None
        and statistics.first_contact_reply_at is None
        and statistics.last_contact_reply_at is None
        and c.ticket is None
    )
    packed = _pack((_listed(row), contacts, part_count, outbound))
    row.fingerprint = blake2b(packed, digest_size=16).hexdigest()
    return TicketFacts(c.id, row, contacts, company, is_open, last_close, part_count, outbound)


def _by_now(value: int | None, now: int) -> int | None:
    """A moment that can have been; what lies ahead by more than clocks differ would hold back every later change."""
    found = moment(value)
    return found if found is not None and found <= now + _AHEAD else None


_AHEAD = 366 * 86_400
_STATES = frozenset({"open", "closed", "snoozed"})
_NO_STATISTICS = wire.Statistics()


def _contacts(c: wire.Conversation, author: wire.Author | None, author_ref: str) -> tuple[Ref, ...]:
    found: dict[str, Ref] = {}
    for contact in c.contact_refs:
        ref = key(contact.id, 128)
        if not ref or ref in found:
            continue
        external = key(contact.external_id, 255)
        if ref == author_ref and author is not None:
            found[ref] = Ref(ref, external, key(author.email, 254), short(author.name, 255))
        else:
            found[ref] = Ref(ref, external)
    if not found and author_ref and author is not None:
        found[author_ref] = Ref(author_ref, "", key(author.email, 254), short(author.name, 255))
    return tuple(found.values())


def overdue_clock(facts: TicketFacts, old_clock: int | None, old_exact: bool) -> tuple[int, bool]:
    """From when overdue counts, and whether that is exact: creation or the last reopening.

    The last reopening is not in the listing. So what the parts said stays while nothing newer is known, and a later
    close of a conversation that is open again moves the clock to that close until the parts are read.
    """
    created = facts.row.created_at
    if not facts.is_open:
        return (old_clock, old_exact) if old_clock is not None else (created, False)
    known = max(created, facts.last_close or 0)
    if old_clock is not None and old_exact and old_clock >= known:
        return old_clock, True
    return known, False
