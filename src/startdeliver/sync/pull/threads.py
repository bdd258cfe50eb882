"""The messages and events of a conversation as entries of a thread. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from startdeliver.common import html
from startdeliver.intercom import wire
from startdeliver.support.threads import Author, Entry, File
from startdeliver.sync.pull.ticket_facts import CONTACT_TYPES, Names, TicketFacts, ticket_facts
from startdeliver.sync.text import moment, number, short

SOURCE_PREFIX = "source-"
# OpenAPI 2.16, GET /conversations/{id}: "we will return the 500 most recent conversation parts".
MOST_PARTS = 500
_OPENING = frozenset({"open", "assign_and_reopen"})
_HAS_TEXT = re.compile(r"(?:^|>)\s*[^<\s]")
_NOBODY = Author("user")


@dataclass(slots=True)
class Delivered:
    """A conversation that was read by its id. `source` is its first message, `parts` the others in order of time.

    `part_count` is what Intercom says, which counts parts that it withholds too; None when it does not say.
    """

    facts: TicketFacts
    source: Entry | None
    parts: list[Entry]
    part_count: int | None
    is_open: bool
    has_statistics: bool


@dataclass(slots=True)
class Reading:
    """What the messages of a conversation tell of its ticket. Times are unix seconds."""

    entries: list[Entry]
    part_count: int
    stored_part_count: int
    message_count: int
    incomplete: bool
    reopened_at: int | None
    last_close_at: int | None
    first_reply_at: int | None
    last_contact_reply_at: int | None
    last_admin_reply_at: int | None


def delivered(conversation: wire.Conversation, names: Names, now: int) -> Delivered:
    """The facts and the sanitised entries of a conversation. `now` (unix seconds) stands in for a missing time."""
    c = conversation
    link = names.link(c.id)
    begun = moment(c.created_at) or moment(c.updated_at) or 0
    said = c.statistics.count_conversation_parts if c.statistics else None
    if said is None and c.conversation_parts is not None:
        said = c.conversation_parts.total_count
    return Delivered(
        facts=ticket_facts(c, names, now),
        source=None if c.source is None else _source(c, c.source, begun, link),
        parts=sorted((_part(part, begun, link) for part in c.parts), key=attrgetter("at")),
        part_count=None if said is None else max(0, number(said) or 0),
        is_open=c.open is not False and c.state != "closed",
        has_statistics=c.statistics is not None,
    )


def reading(conversation: Delivered, stored: Sequence[Entry] = ()) -> Reading:
    """The whole thread. Intercom delivers at most the 500 newest parts (OpenAPI 2.16, /conversations/{id}); of
    `stored`, the entries kept from earlier readings, those before the oldest delivered one stay."""
    parts = conversation.parts
    count = conversation.part_count or 0
    if stored and count > len(parts):
        known = {entry.id for entry in parts}
        oldest = parts[0].at if parts else 0
        kept = [
            entry
            for entry in stored
            if entry.id not in known and not entry.id.startswith(SOURCE_PREFIX) and entry.at <= oldest
        ]
        parts = sorted(kept + parts, key=attrgetter("at"))
    entries = parts if conversation.source is None else [conversation.source, *parts]
    messages = [entry for entry in entries if entry.kind != "event"]
    return Reading(
        entries=entries,
        part_count=max(count, 0 if conversation.part_count is not None else len(parts)),
        stored_part_count=len(parts),
        message_count=len(messages),
        incomplete=count > len(parts),
        reopened_at=_reopened(parts, is_open=conversation.is_open),
        last_close_at=max((entry.at for entry in parts if entry.type == "close"), default=None),
        first_reply_at=_first_reply(messages),
        last_contact_reply_at=max((m.at for m in messages if m.by.kind == "user"), default=None),
        last_admin_reply_at=max((m.at for m in messages if m.by.kind == "team" and m.kind == "message"), default=None),
    )


def _source(c: wire.Conversation, source: wire.Source, at: int, image_link: str) -> Entry:
    redacted = bool(source.redacted)
    body = "" if redacted else html.sanitise(source.body, image_link)
    files = _files(source.attachments)
    kind = "message" if redacted or files or _HAS_TEXT.search(body) else "event"
    name = f"{SOURCE_PREFIX}{short(source.id if source.id is not None else c.id, 120)}"
    return Entry(name, kind, short(source.type, 64), at, _by(source.author), body, files, redacted)


def _part(part: wire.Part, begun: int, image_link: str) -> Entry:
    redacted = bool(part.redacted)
    # A redacted message keeps its place in the thread and loses its text, here too.
    body = html.sanitise(part.body, image_link) if part.body and not redacted else ""
    files = _files(part.attachments) if part.attachments and not redacted else []
    kind = part.part_type or ""
    text = redacted or bool(files) or (bool(body) and _HAS_TEXT.search(body) is not None)
    role = "event" if not text else "note" if kind == "note" else "message"
    at = moment(part.created_at) or moment(part.updated_at) or begun
    return Entry(short(part.id, 128), role, short(kind, 64), at, _by(part.author), body, files, redacted)


def _files(attachments: list[wire.Attachment] | None) -> list[File]:
    if not attachments:
        return []
    return [
        File(short(one.name, 255) or "Attachment", short(one.content_type, 128), max(0, one.filesize or 0))
        for one in attachments
    ]


def _by(author: wire.Author | None) -> Author:
    if author is None:
        return _NOBODY
    kind = author.type or ""
    if kind in CONTACT_TYPES or not kind:
        role = "user"
    elif kind in ("admin", "team") and not author.from_ai_agent:
        role = "team"
    else:
        role = "bot"
    return Author(
        role,
        "" if author.id is None else short(author.id, 128),
        short(author.name, 255) if author.name else "",
        short(author.email, 254) if author.email else "",
    )


def _reopened(entries: Sequence[Entry], *, is_open: bool) -> int | None:
    """When the conversation was last opened again after a close; waking from a snooze is no reopening."""
    closed, at, since = False, None, 0
    for entry in entries:
        if entry.type == "close":
            closed, since = True, entry.at
        elif closed and entry.type in _OPENING:
            closed, at = False, entry.at
    if closed and is_open:
        # Open again without a part that says so: by the contact's next message, or else at the latest known moment.
        replies = (
            entry.at for entry in entries if entry.at >= since and entry.by.kind == "user" and entry.kind == "message"
        )
        return next(replies, since)
    return at


def _first_reply(messages: Sequence[Entry]) -> int | None:
    asked = False
    for entry in messages:
        if entry.by.kind == "user":
            asked = True
        elif asked and entry.by.kind == "team" and entry.kind == "message":
            return entry.at
    return None
