"""Threads: order, kinds, reopenings, the 500 newest parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from startdeliver.intercom import wire
from startdeliver.support.threads import Entry, decode, encode
from startdeliver.sync.pull import threads
from startdeliver.sync.pull.ticket_facts import Names


def conversation(
    *parts: tuple[str, int, str], state: str = "open", count: int | None = None, **more: Any
) -> wire.Conversation:
    """A conversation of `user` whose parts are (type, second, author type); comments have a text."""
    listed = [
        wire.Part(
            id=f"p{at}",
            part_type=kind,
            created_at=at,
            author=wire.Author(type=who, id="1"),
            body=f"<p>{kind}</p>" if kind in ("comment", "note") else None,
        )
        for kind, at, who in parts
    ]
    return wire.Conversation(
        id="1",
        created_at=1,
        updated_at=99,
        state=state,
        open=state != "closed",
        source=wire.Source(id="s", type="conversation", body="<p>Hi</p>", author=wire.Author(type="user", id="c")),
        statistics=wire.Statistics(count_conversation_parts=count if count is not None else len(listed)),
        conversation_parts=wire.Parts(conversation_parts=listed),
        **more,
    )


def reading(one: wire.Conversation, stored: Sequence[Entry] = ()) -> threads.Reading:
    return threads.reading(threads.delivered(one, Names(""), 99), stored)


@pytest.mark.parametrize(
    ("parts", "reopened"),
    [
        ([("comment", 2, "admin")], None),
        ([("close", 2, "admin"), ("open", 3, "user")], 3),
        ([("close", 2, "admin"), ("open", 3, "user"), ("close", 4, "admin"), ("assign_and_reopen", 5, "admin")], 5),
        ([("snoozed", 2, "admin"), ("open", 3, "user")], None),
        ([("close", 2, "admin"), ("comment", 4, "user")], 4),
        ([("close", 2, "admin"), ("assignment", 4, "admin")], 2),
    ],
)
def test_the_last_reopening(parts: list[tuple[str, int, str]], reopened: int | None) -> None:
    assert reading(conversation(*parts)).reopened_at == reopened


def test_a_closed_conversation_was_not_opened_again_by_silence() -> None:
    read = reading(conversation(("open", 2, "user"), ("close", 3, "admin"), state="closed"))
    assert read.reopened_at is None
    assert read.last_close_at == 3


def test_entries_are_in_order_of_time_with_the_source_first() -> None:
    read = reading(conversation(("comment", 5, "admin"), ("note", 3, "admin"), ("comment", 4, "user")))
    assert [entry.at for entry in read.entries] == [1, 3, 4, 5]
    assert [entry.kind for entry in read.entries] == ["message", "note", "message", "message"]
    assert read.first_reply_at == 5
    assert read.last_contact_reply_at == 4


@pytest.mark.parametrize(
    ("author", "kind"),
    [("admin", "team"), ("team", "team"), ("bot", "bot"), ("lead", "user"), ("", "user"), ("workflow", "bot")],
)
def test_who_wrote_it(author: str, kind: str) -> None:
    assert reading(conversation(("comment", 2, author))).entries[1].by.kind == kind


def test_an_ai_agent_is_a_bot() -> None:
    one = conversation(("comment", 2, "admin"))
    part = one.parts[0]
    assert part.author is not None
    part.author.from_ai_agent = True
    assert reading(one).entries[1].by.kind == "bot"


def test_a_part_with_only_a_file_is_a_message_and_an_empty_one_an_event() -> None:
    one = conversation(("assignment", 2, "admin"), ("assignment", 3, "admin"), ("comment", 4, "admin"))
    one.parts[0].attachments = [wire.Attachment(name="a.pdf", content_type="application/pdf", filesize=-4)]
    one.parts[2].body = "<p> </p>"
    read = reading(one)
    assert [entry.kind for entry in read.entries[1:]] == ["message", "event", "event"]
    assert read.entries[1].files[0].size == 0


def test_stored_parts_before_the_delivered_ones_stay() -> None:
    before = reading(conversation(*[("comment", n, "user") for n in range(2, 8)])).entries
    read = reading(conversation(*[("comment", n, "user") for n in range(6, 10)], count=8), before)
    assert [entry.at for entry in read.entries] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert (read.stored_part_count, read.incomplete) == (8, False)
    whole = reading(conversation(*[("comment", n, "user") for n in range(6, 10)], count=4), before)
    assert [entry.at for entry in whole.entries] == [1, 6, 7, 8, 9], "all were delivered: what is missing is gone"
    cut = reading(conversation(("comment", 9, "user"), count=4))
    assert cut.incomplete


def test_without_statistics_the_parts_count() -> None:
    one = conversation(("comment", 2, "user"))
    one.statistics = None
    read = reading(one)
    assert (read.part_count, read.stored_part_count, read.incomplete) == (1, 1, False)


def test_entries_survive_being_stored() -> None:
    read = reading(conversation(("comment", 2, "user")))
    assert decode(encode(read.entries).decode()) == read.entries
