"""Phase two: threads, completeness, redaction, the exact overdue clock, and conversations that cannot be read."""

from __future__ import annotations

import pytest

from startdeliver.simulator.model.records import Attachment, Author
from startdeliver.support.models import Thread
from startdeliver.support.threads import thread_entries
from startdeliver.sync.models import SyncRun

from .story import Story

DAY = 86_400


@pytest.fixture
def asked(story: Story) -> str:
    """A conversation of ten days ago by somebody who is known."""
    story.user("ann@acme.example", story.customer())
    contact = story.workspace.add_contact("Ann", "ann@acme.example")
    at = int(story.workspace.now()) - 10 * DAY
    return story.workspace.add_conversation([contact], "<p>Help</p>", created_at=at).id


def contact_of(story: Story, conversation: str) -> str:
    return story.workspace.conversation(conversation).contact_ids[0]


def test_the_thread_has_messages_notes_and_events_in_order(story: Story, asked: str) -> None:
    now = int(story.workspace.now())
    story.workspace.assign(asked, admin_id=story.workspace.me.id, at=now - 9 * DAY)
    story.workspace.reply(
        asked,
        "<p>Look: <img src='https://files.example/x.png?sig=1'></p>",
        by=story.workspace.me.id,
        at=now - 8 * DAY,
        attachments=[Attachment("log.txt", "https://files.example/log.txt?sig=1", "text/plain", 12)],
    )
    story.workspace.add_note(asked, "<p>Careful</p>", at=now - 7 * DAY)
    story.workspace.reply(asked, "<p>Thanks</p>", by=contact_of(story, asked), at=now - 6 * DAY)
    run = story.sync()
    ticket = story.ticket(asked)
    entries = thread_entries(ticket)
    assert [(entry.kind, entry.by.kind) for entry in entries] == [
        ("message", "user"),
        ("event", "team"),
        ("message", "team"),
        ("note", "team"),
        ("message", "user"),
    ]
    assert entries[0].html == "<p>Help</p>"
    assert f'<a href="{ticket.link}"' in entries[2].html
    assert "sig=1" not in Thread.objects.get(ticket=ticket).entries
    assert [(file.name, file.type, file.size) for file in entries[2].files] == [("log.txt", "text/plain", 12)]
    assert (ticket.part_count, ticket.stored_part_count, ticket.message_count) == (4, 4, 4)
    assert not ticket.incomplete
    assert not ticket.messages_due
    assert run.messages == 4


def test_a_second_run_reads_no_messages_again(story: Story, asked: str) -> None:
    story.sync()
    before = Thread.objects.values_list("entries", flat=True).get()
    story.intercom.log.clear()
    run = story.sync()
    assert run.messages == 0
    assert story.intercom.log.count("GET /conversations/{id}") == 0
    assert Thread.objects.values_list("entries", flat=True).get() == before


def test_without_messages_they_stay_due(story: Story, asked: str) -> None:
    story.sync(messages=False)
    assert story.ticket(asked).messages_due
    assert not Thread.objects.exists()
    story.sync()
    assert not story.ticket(asked).messages_due


def test_overdue_counts_from_the_last_reopening(story: Story, asked: str) -> None:
    now = int(story.workspace.now())
    story.workspace.reply(asked, "<p>Done</p>", by=story.workspace.me.id, at=now - 9 * DAY)
    story.workspace.close(asked, at=now - 8 * DAY)
    story.workspace.reply(asked, "<p>Not done</p>", by=contact_of(story, asked), at=now - 2 * DAY)
    story.sync(messages=False)
    ticket = story.ticket(asked)
    assert int(ticket.clock_from.timestamp()) == now - 8 * DAY, "until the parts are read, the last close"
    assert not ticket.clock_exact
    story.sync()
    ticket.refresh_from_db()
    assert int(ticket.clock_from.timestamp()) == now - 2 * DAY
    assert ticket.clock_exact


def test_waking_from_a_snooze_is_no_reopening(story: Story, asked: str) -> None:
    now = int(story.workspace.now())
    story.workspace.snooze(asked, now - 3 * DAY, at=now - 5 * DAY)
    story.sync()
    ticket = story.ticket(asked)
    assert (ticket.status, ticket.snoozed) == ("open", True)
    story.workspace.reply(asked, "<p>?</p>", by=contact_of(story, asked), at=now - 2 * DAY)
    story.sync()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.snoozed, ticket.snoozed_until) == ("open", False, None)
    assert int(ticket.clock_from.timestamp()) == now - 10 * DAY


def test_more_than_500_parts(story: Story, asked: str) -> None:
    me = story.workspace.me
    author = Author("admin", me.id, me.name, me.email)
    start = int(story.workspace.now()) - 5 * DAY

    def add(first: int, count: int) -> None:
        parts = [
            story.workspace.part("comment", author, f"<p>{n}</p>", at=start + n) for n in range(first, first + count)
        ]
        story.workspace.set_conversation(
            asked, parts=[*story.workspace.conversation(asked).parts, *parts], at=parts[-1].created_at
        )

    add(0, 490)
    story.sync()
    assert not story.ticket(asked).incomplete
    add(490, 40)
    story.sync()
    ticket = story.ticket(asked)
    assert (ticket.part_count, ticket.stored_part_count, ticket.incomplete) == (530, 530, False)
    assert [entry.html for entry in thread_entries(ticket)[1:]] == [f"<p>{n}</p>" for n in range(530)]
    add(530, 600)
    story.sync()
    ticket.refresh_from_db()
    assert (ticket.part_count, ticket.stored_part_count, ticket.incomplete) == (1130, 1030, True)


def test_a_redacted_message_loses_its_text_here(story: Story, asked: str) -> None:
    story.workspace.reply(asked, "<p>My password is hunter2</p>", by=contact_of(story, asked))
    story.sync()
    assert "hunter2" in Thread.objects.get().entries
    part = story.workspace.conversation(asked).parts[-1]
    story.workspace.redact_part(asked, part.id, at=int(story.workspace.now()) + 1)
    story.sync()
    assert "hunter2" not in Thread.objects.get().entries
    assert thread_entries(story.ticket(asked))[-1].redacted


def test_one_unreadable_conversation_costs_the_others_nothing(story: Story, asked: str) -> None:
    other = story.workspace.add_conversation([contact_of(story, asked)], "<p>Other</p>")
    nonsense = {"type": "conversation", "id": []}
    story.intercom.faults.fail_next("answer", f"/conversations/{asked}", times=20, status=200, body=nonsense)
    run = story.sync(expect=SyncRun.Status.FAILED)
    assert run.error_code == "incomplete"
    assert "The messages of 1 conversation could not be read" in run.error
    assert thread_entries(story.ticket(other))
    assert story.ticket(asked).messages_due
    story.intercom.faults.clear()
    story.sync()
    assert not story.ticket(asked).messages_due


def test_null_statistics_are_worked_out_from_the_messages(story: Story, asked: str) -> None:
    now = int(story.workspace.now())
    story.workspace.reply(asked, "<p>On it</p>", by=story.workspace.me.id, at=now - 9 * DAY)
    story.workspace.close(asked, at=now - 8 * DAY)
    story.workspace.set_conversation(asked, extra={"statistics": None}, at=now - 7 * DAY)
    story.sync()
    ticket = story.ticket(asked)
    assert ticket.first_reply_at is not None
    assert int(ticket.first_reply_at.timestamp()) == now - 9 * DAY
    assert ticket.first_reply_seconds == DAY
    assert ticket.resolved_at is not None
    assert int(ticket.resolved_at.timestamp()) == now - 8 * DAY
    assert ticket.part_count == ticket.stored_part_count == 2


def test_a_conversation_that_is_gone_disappears(story: Story, asked: str) -> None:
    story.sync()
    story.workspace.delete_conversation(asked)
    run = story.sync()
    assert run.deleted == 1
    assert story.tickets() == set()
    assert not Thread.objects.exists()


def test_a_conversation_that_answers_404_is_gone_but_an_intercom_ticket_may_be_hidden(story: Story, asked: str) -> None:
    other = story.workspace.add_conversation([contact_of(story, asked)]).id
    story.workspace.make_ticket(other, title="Printer")
    story.sync()
    missing = {"type": "error.list", "errors": [{"code": "not_found", "message": "Resource Not Found"}]}
    for one in (asked, other):
        story.intercom.faults.fail_next("answer", f"/conversations/{one}", status=404, body=missing)
        story.workspace.touch(one, at=int(story.workspace.now()) + 1)
    run = story.sync()
    assert story.tickets() == {other}
    assert run.deleted == 1
    assert any("Read tickets" in warning for warning in run.warnings)
