"""The messages and events of a conversation as entries of a thread. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from startdeliver.common import html
from startdeliver.intercom import wire
from startdeliver.sync.pull.ticket_facts import CONTACT_TYPES
from startdeliver.sync.text import moment, number, short

SOURCE_PREFIX = "source-"
# OpenAPI 2.16, GET /conversations/{id}: "we will return the 500 most recent conversation parts".
MOST_PARTS = 500
_OPENING = frozenset({"open", "assign_and_reopen"})
_HAS_TEXT = re.compile(r"(?:^|>)\s*[^<\s]")


class By(msgspec.Struct, gc=False):
    """Who wrote an entry: `kind` is user, team or bot."""

    kind: str
    id: str
    name: str
    email: str


class File(msgspec.Struct, gc=False):
    """An attachment. Its address is signed and expires, so it is not kept."""

    name: str
    type: str
    size: int


class Entry(msgspec.Struct, gc=False):
    """One message, note or event; see support.models.Thread. `at` is unix seconds."""

    id: str
    kind: str
    type: str
    at: int
    by: By
    html: str
    files: list[File]
    redacted: bool


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(list[Entry], strict=False).decode


class Reading(NamedTuple):
    """What reading a conversation's messages tells of its ticket. Times are unix seconds."""

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


def reading(conversation: wire.Conversation, image_link: str, stored: Sequence[Entry] = ()) -> Reading:
    """The whole thread of a conversation that was read by its id.

    Intercom delivers at most the 500 newest parts (OpenAPI 2.16, /conversations/{id}); `stored` are the entries kept
    from earlier readings, of which those before the oldest delivered one stay.
    """
    c = conversation
    parts = c.parts
    begun = moment(c.created_at) or moment(c.updated_at) or 0
    fresh = [_part(part, begun, image_link) for part in parts]
    said = c.statistics.count_conversation_parts if c.statistics else None
    if said is None and c.conversation_parts is not None:
        said = c.conversation_parts.total_count
    count = max(0, number(said) or 0)
    if stored and count > len(fresh):
        known = {entry.id for entry in fresh}
        oldest = min((entry.at for entry in fresh), default=0)
        kept = [
            entry
            for entry in stored
            if entry.id not in known and not entry.id.startswith(SOURCE_PREFIX) and entry.at <= oldest
        ]
        fresh = kept + fresh
    fresh.sort(key=_at)
    entries = fresh if c.source is None else [_source(c, c.source, begun, image_link), *fresh]
    messages = [entry for entry in entries if entry.kind != "event"]
    return Reading(
        entries=entries,
        part_count=max(count, 0 if said is not None else len(fresh)),
        stored_part_count=len(fresh),
        message_count=len(messages),
        incomplete=count > len(fresh),
        reopened_at=_reopened(fresh, is_open=c.open is not False and c.state != "closed"),
        last_close_at=max((entry.at for entry in fresh if entry.type == "close"), default=None),
        first_reply_at=_first_reply(messages),
        last_contact_reply_at=max((m.at for m in messages if m.by.kind == "user"), default=None),
        last_admin_reply_at=max((m.at for m in messages if m.by.kind == "team" and m.kind == "message"), default=None),
    )


def _at(entry: Entry) -> int:
    return entry.at


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


def _by(author: wire.Author | None) -> By:
    if author is None:
        return By("user", "", "", "")
    kind = author.type or ""
    if kind in CONTACT_TYPES or not kind:
        role = "user"
    elif kind in ("admin", "team") and not author.from_ai_agent:
        role = "team"
    else:
        role = "bot"
    return By(
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
