"""The messages and events of a ticket, as the pages show them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from startdeliver.support.models import Thread, Ticket


class Author(msgspec.Struct, frozen=True):
    """Who wrote an entry; `kind` is user, team or bot."""

    kind: str = ""
    id: str = ""
    name: str = ""
    email: str = ""


class File(msgspec.Struct, frozen=True):
    """What is known of an attachment; its content stays in Intercom. `size` in bytes."""

    name: str = ""
    type: str = ""
    size: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One message, internal note or event line. `html` was sanitised when it was stored."""

    id: str = ""
    kind: str = "event"
    type: str = ""
    at: float = 0
    by: Author = Author()
    html: str = ""
    files: list[File] = []
    redacted: bool = False

    @property
    def moment(self) -> datetime:
        """When it was written (UTC)."""
        return datetime.fromtimestamp(self.at, UTC)


_decoder = msgspec.json.Decoder(list[Entry], strict=False)


def thread_entries(ticket: Ticket) -> list[Entry]:
    """The entries in order of time; none while the messages have not been read."""
    thread = Thread.objects.filter(ticket=ticket).only("entries").first()
    return _decoder.decode(thread.entries) if thread else []
