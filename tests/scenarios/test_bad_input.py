"""What goes wrong on the way: one clear sentence in the run's record, what was committed stays, the next run
continues."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.sync import runs
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.sync.pull import store

from .story import Story

FAILED = SyncRun.Status.FAILED


@pytest.fixture
def listing(story: Story, naps: list[float]) -> list[str]:
    """Four pages of conversations of somebody who is known."""
    story.user("ann@acme.example", story.customer())
    ann = story.workspace.add_contact("Ann", "ann@acme.example")
    at = int(story.workspace.now()) - 100_000
    return [story.workspace.add_conversation([ann], created_at=at + 60 * n).id for n in range(600)]


def test_a_dead_token(story: Story, listing: list[str]) -> None:
    story.sync()
    story.intercom.access.kill_tokens()
    run = story.sync(expect=FAILED)
    assert "no longer accepts the access token" in run.error
    assert story.connection.problem == run.error
    assert story.connection.problem_code == run.error_code
    assert story.tickets() == set(listing)
    assert story.connection.next_sync_at is not None
    assert story.connection.next_sync_at > clock.now() + timedelta(hours=23)


def test_the_wrong_workspace_syncs_nothing(story: Story, listing: list[str]) -> None:
    story.set(workspace="other123")
    run = story.sync(expect=FAILED)
    assert run.error_code == "wrong_workspace"
    assert story.workspace.id_code in run.error
    assert "other123" in run.error
    assert not Ticket.objects.exists()
    assert story.intercom.log.total == 1


def test_a_missing_permission_is_named(story: Story, listing: list[str]) -> None:
    story.intercom.access.drop_scope("Read conversations")
    run = story.sync(expect=FAILED)
    assert "“Read conversations”" in run.error
    assert story.connection.problem == run.error
    story.intercom.access.grant_scope("Read conversations")
    story.sync()
    assert story.connection.problem == ""
    assert story.tickets() == set(listing)


def test_without_the_permission_for_tickets_the_rest_syncs(story: Story, listing: list[str]) -> None:
    story.intercom.access.drop_scope("Read tickets")
    run = story.sync(messages=False)
    assert any("Read tickets" in warning for warning in run.warnings)
    assert story.tickets() == set(listing)


def test_without_the_permission_for_teammates_the_names_are_missing(story: Story, listing: list[str]) -> None:
    story.intercom.access.drop_scope("Read admins")
    run = story.sync(messages=False)
    assert any("names of teammates" in warning for warning in run.warnings)
    assert story.tickets() == set(listing)


def test_the_plan_does_not_include_it(story: Story, listing: list[str]) -> None:
    story.intercom.faults.fail_next("plan", "/conversations/search", times=9)
    run = story.sync(expect=FAILED)
    assert "plan of this workspace" in run.error


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("html", "was a web page instead of data"),
        ("truncated", "broke off before its end"),
        ("cut", "broke off before its end"),
        ("500", "internal error"),
        ("reset", "could not be reached"),
    ],
)
def test_a_broken_answer_keeps_what_was_committed(story: Story, listing: list[str], kind: str, words: str) -> None:
    # The count for the estimate and the first three pages arrive, the fourth page never does.
    story.intercom.faults.fail_next(kind, "/conversations/search", times=99, after=4)
    run = story.sync(expect=FAILED)
    assert words in run.error
    assert len(story.tickets()) == 450
    assert run.imported == 450
    assert SupportHealth.objects.get().ticket_count == 450, "health of what arrived is right at once"
    assert story.connection.problem == "", "time mends it, nobody has to"
    assert story.connection.next_sync_at is not None
    assert story.connection.next_sync_at <= clock.now() + timedelta(minutes=15)
    story.intercom.faults.clear()
    story.intercom.log.clear()
    run = story.sync(messages=False)
    assert story.tickets() == set(listing)
    assert run.listed <= 165, "it continues, and does not begin anew"


@pytest.mark.parametrize("kind", ["html", "truncated", "cut", "500", "502", "503", "reset"])
def test_one_bad_answer_is_tried_again(story: Story, listing: list[str], kind: str) -> None:
    story.intercom.faults.fail_next(kind, "/conversations/search", after=1)
    story.intercom.faults.fail_next(kind, "/contacts*")
    story.sync(messages=False)
    assert story.tickets() == set(listing)


def test_one_unreadable_conversation_in_a_page(story: Story, naps: list[float]) -> None:
    story.user("ann@acme.example", story.customer())
    ann = story.workspace.add_contact("Ann", "ann@acme.example")
    good, bad = (story.workspace.add_conversation([ann]) for _ in range(2))
    story.workspace.set_conversation(bad.id, extra={"created_at": {"not": "a moment"}})
    run = story.sync(messages=False)
    assert story.tickets() == {good.id}
    assert story.skips() == {bad.id: "unreadable"}
    assert run.warnings
    story.workspace.set_conversation(bad.id, touch=False, extra={})
    story.connection.swept_at = None
    story.connection.save()
    story.sync(messages=False)
    assert story.tickets() == {good.id, bad.id}
    assert story.skips() == {}


def test_failures_are_tried_again_ever_more_rarely(story: Story, listing: list[str]) -> None:
    waits = []
    for _ in range(3):
        story.intercom.faults.fail_next("500", "/me", times=9)
        story.sync(expect=FAILED)
        assert story.connection.next_sync_at is not None
        waits.append(round((story.connection.next_sync_at - clock.now()).total_seconds() / 60))
        story.intercom.faults.clear()
    assert waits == [15, 30, 60]


def test_an_internal_error_ends_the_run_without_quoting_rows(
    story: Story, listing: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = "".join(["what a ", "customer wrote"])

    def explode(*_: object, **__: object) -> None:
        raise ValueError(words)

    monkeypatch.setattr("startdeliver.sync.pull.store.bulk.upsert", explode)
    run = story.sync(expect=FAILED)
    assert run.error_code == "internal"
    assert words not in run.error + caplog.text


def test_no_log_line_holds_the_token(story: Story, listing: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        story.sync()
        story.intercom.faults.fail_next("html", "/me", times=9)
        story.sync(expect=FAILED)
    assert story.intercom.token not in caplog.text


def test_a_revoked_connection_is_not_synced(story: Story, listing: list[str]) -> None:
    story.connection.status = Connection.Status.REVOKED
    story.connection.save()
    with pytest.raises(runs.NotConnected):
        story.sync()
    with scopes_disabled():
        assert not runs.due_connections(clock.now() + timedelta(days=2)).exists()


def test_a_page_that_could_not_be_stored_is_not_passed_over(
    story: Story, listing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.write
    pages = 0

    def explode_at_the_second(*arguments: Any, **options: Any) -> None:
        nonlocal pages
        pages += 1
        real(*arguments, **options)
        if pages == 2:
            raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", explode_at_the_second)
        run = story.sync(expect=FAILED)
    assert run.error_code == "internal"
    assert len(story.tickets()) == run.imported == 150
    story.sync(messages=False)
    assert story.tickets() == set(listing)


def test_a_problem_that_is_over_is_not_shown_when_something_else_fails(story: Story, listing: list[str]) -> None:
    story.intercom.access.kill_tokens()
    dead = story.sync(expect=FAILED)
    assert story.connection.problem == dead.error
    story.intercom.faults.fail_next("500", "/me", times=99)
    story.sync(expect=FAILED)
    assert story.connection.problem == dead.error, "nobody knows yet whether it is over"
    story.intercom.faults.clear()
    story.intercom.access.revive_tokens()
    story.intercom.faults.fail_next("500", "/conversations/search", times=99)
    later = story.sync(expect=FAILED)
    assert "internal error" in later.error
    assert (story.connection.problem, story.connection.problem_at) == ("", None), "Intercom took the token"


def test_a_problem_stays_while_a_run_does_not_reach_where_it_stood(story: Story, listing: list[str]) -> None:
    story.intercom.access.drop_scope("Read conversations")
    lacking = story.sync(expect=FAILED)
    story.intercom.faults.fail_next("500", "/contacts*", times=99)
    story.sync(expect=FAILED)
    assert story.connection.problem == lacking.error


def test_another_problem_begins_at_its_own_moment(story: Story, listing: list[str]) -> None:
    story.intercom.access.drop_scope("Read conversations")
    story.sync(expect=FAILED)
    first = story.connection.problem_at
    story.sync(expect=FAILED)
    assert story.connection.problem_at == first
    story.intercom.access.kill_tokens()
    story.sync(expect=FAILED)
    assert first is not None
    assert story.connection.problem_at is not None
    assert story.connection.problem_at > first


def test_a_run_that_is_only_incomplete_ends_the_problem_too(story: Story, listing: list[str]) -> None:
    story.intercom.access.kill_tokens()
    story.sync(expect=FAILED)
    story.intercom.access.revive_tokens()
    story.intercom.faults.fail_next("500", f"/conversations/{listing[0]}", times=99)
    run = story.sync(expect=FAILED)
    assert run.error_code == "incomplete"
    assert story.connection.problem == ""


def test_a_moment_far_ahead_holds_nothing_back(story: Story, naps: list[float]) -> None:
    story.user("ann@acme.example", story.customer())
    ann = story.workspace.add_contact("Ann", "ann@acme.example")
    odd = story.workspace.add_conversation([ann], title="Old")
    later = story.workspace.add_conversation([ann], title="Old")
    story.workspace.set_conversation(odd.id, extra={"updated_at": 4_000_000_000, "created_at": 3_900_000_000})
    story.sync()
    assert story.connection.conversations_until is not None
    assert story.connection.conversations_until <= story.workspace.now()
    story.workspace.set_conversation(odd.id, extra={}, title="New")
    story.workspace.set_conversation(later.id, title="New")
    story.workspace.bulk_touch([odd.id, later.id])
    story.sync(messages=False)
    assert {story.ticket(odd).title, story.ticket(later).title} == {"New"}
    assert story.ticket(odd).created_at.year < 2090
