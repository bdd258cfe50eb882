"""A conversation without its messages, as the facts of a ticket. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from startdeliver.common import html
from startdeliver.intercom import wire
from startdeliver.sync.text import key, moment, number, short

CONTACT_TYPES = frozenset({"user", "lead", "contact", "visitor"})

# The columns that the listing alone decides, in the order of `TicketFacts.values`. Moments are unix
# seconds, tags are JSON text.
LISTED = (
    "link",
    "title",
    "preview",
    "status",
    "snoozed",
    "snoozed_until",
    "priority",
    "channel",
    "assignee_ref",
    "assignee_name",
    "team_ref",
    "team_name",
    "tags",
    "created_at",
    "updated_at",
    "waiting_since",
    "first_reply_at",
    "first_reply_seconds",
    "resolved_at",
    "resolution_seconds",
    "last_contact_reply_at",
    "last_admin_reply_at",
    "reopen_count",
    "rating",
    "rating_remark",
    "rated_at",
    "sla_name",
    "sla_status",
    "author_ref",
    "company_ref",
    "company_external_ref",
)

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


class Ref(NamedTuple):
    """A contact as a conversation names it. `email` and `name` are known for the author only."""

    ref: str
    external_id: str = ""
    email: str = ""
    name: str = ""


class TicketFacts(NamedTuple):
    """One conversation as facts. `values` are the columns LISTED; `fingerprint` changes when any fact does."""

    id: str
    values: tuple[Any, ...]
    contacts: tuple[Ref, ...]
    author_ref: str
    company: wire.Company | None
    is_open: bool
    created_at: int
    updated_at: int
    last_close: int | None
    part_count: int | None
    outbound: bool
    fingerprint: str

    @property
    def title(self) -> str:
        return str(self.values[1])


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
    values = (
        names.link(c.id),
        short(title.strip(), 500),
        short(preview, 300),
        "open" if is_open else "resolved",
        state == "snoozed",
        moment(c.snoozed_until) if state == "snoozed" else None,
        short(c.priority_level, 32),
        short((source.type if source else None) or (c.channel.initial if c.channel else None), 32),
        key(admin, 64),
        short(names.admins.get(admin), 255),
        key(team, 64),
        short(names.teams.get(team), 255),
        _json([short(name, 255) for name in c.tag_names]).decode() if c.tags else "[]",
        created,
        updated,
        moment(c.waiting_since),
        first_reply,
        None if first_reply is None else max(0, first_reply - asked),
        resolved,
        None if resolved is None else max(0, resolved - created),
        moment(statistics.last_contact_reply_at),
        moment(statistics.last_admin_reply_at),
        max(0, number(statistics.count_reopens) or 0),
        score,
        short(rating.remark, 10_000) if rating and score is not None else "",
        (moment(rating.updated_at) or moment(rating.created_at)) if rating and score is not None else None,
        short(sla.sla_name, 255) if sla else "",
        short(sla.sla_status, 32) if sla else "",
        author_ref,
        key(company.id, 128) if company else "",
        key(company.company_id, 255) if company else "",
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
    packed = _pack((values, contacts, part_count, outbound))
    return TicketFacts(
        id=c.id,
        values=values,
        contacts=contacts,
        author_ref=author_ref,
        company=company,
        is_open=is_open,
        created_at=created,
        updated_at=updated,
        last_close=last_close,
        part_count=part_count,
        outbound=outbound,
        fingerprint=blake2b(packed, digest_size=16).hexdigest(),
    )


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
    """From when overdue counts, and whether that is exact: creation or the last reopening (product.md 13.1).

    The last reopening is not in the listing. So what the parts said stays while nothing newer is known, and a later
    close of a conversation that is open again moves the clock to that close until the parts are read.
    """
    if not facts.is_open:
        return (old_clock, old_exact) if old_clock is not None else (facts.created_at, False)
    known = max(facts.created_at, facts.last_close or 0)
    if old_clock is not None and old_exact and old_clock >= known:
        return old_clock, True
    return known, False
