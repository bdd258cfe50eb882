"""The messages and events of a ticket, as the pages show them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from startdeliver.support.models import Thread, Ticket


class Author(msgspec.Struct, frozen=True, gc=False):
    """Who wrote an entry; `kind` is user, team or bot."""

    kind: str = ""
    id: str = ""
    name: str = ""
    email: str = ""


class File(msgspec.Struct, frozen=True, gc=False):
    """An attachment. Its address in Intercom is signed and expires, so it is not stored. `size` in bytes."""

    name: str = ""
    type: str = ""
    size: int = 0


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One message, internal note or event line. `at` is unix seconds; `html` was sanitised when it was stored."""

    id: str = ""
    kind: str = "event"
    type: str = ""
    at: int = 0
    by: Author = Author()
    html: str = ""
    files: list[File] = []
    redacted: bool = False

    @property
    def moment(self) -> datetime:
        """The time at which it was written (UTC)."""
        return datetime.fromtimestamp(self.at, UTC)


# The JSON text of `Thread.entries`.
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(list[Entry], strict=False).decode


def thread_entries(ticket: Ticket) -> list[Entry]:
    """Returns the entries in order of time; none while the messages have not been read."""
    thread = Thread.objects.filter(ticket=ticket).only("entries").first()
    return decode(thread.entries) if thread else []
