"""A conversation as the facts of a ticket."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from startdeliver.intercom import wire
from startdeliver.sync.pull.ticket_facts import Names, TicketFacts, overdue_clock, ticket_facts

NAMES = Names("https://app.intercom.com/a/inbox/w/inbox/conversation/", {"7": "Robin"}, {"8": "Tier 2"})


def conversation(**changes: Any) -> wire.Conversation:
    facts: dict[str, Any] = {
        "id": "1",
        "created_at": 1_000,
        "updated_at": 2_000,
        "state": "open",
        "open": True,
        "source": {
            "type": "email",
            "delivered_as": "customer_initiated",
            "subject": "<p>Sub&amp;ject</p>",
            "body": "<p>Hello <b>you</b></p>",
            "author": {"type": "user", "id": "c1", "name": "Ann", "email": "ann@x"},
        },
        "contacts": {"contacts": [{"id": "c1", "external_id": "e1"}, {"id": "c2"}]},
        "statistics": {"count_conversation_parts": 3},
    }
    return msgspec.convert(facts | changes, wire.Conversation)


def facts(**changes: Any) -> dict[str, Any]:
    return asdict(ticket_facts(conversation(**changes), NAMES, 9).row)


@pytest.mark.parametrize(
    ("state", "is_open", "status", "snoozed"),
    [
        ("open", True, "open", False),
        ("closed", False, "resolved", False),
        ("snoozed", True, "open", True),
        ("pondering", True, "open", False),
        ("pondering", False, "resolved", False),
        (None, None, "open", False),
    ],
)
def test_status(state: str | None, is_open: bool | None, status: str, snoozed: bool) -> None:
    found = facts(state=state, open=is_open)
    assert (found["status"], found["snoozed"]) == (status, snoozed)
    assert (found["resolved_at"] is None) == (status == "open")


def test_resolved_is_the_last_close_else_the_last_change() -> None:
    assert facts(state="closed", statistics={"last_close_at": 1_500})["resolved_at"] == 1_500
    assert facts(state="closed", statistics=None)["resolved_at"] == 2_000
    assert facts(state="closed", statistics=None)["resolution_seconds"] == 1_000


def test_times_of_replies() -> None:
    found = facts(statistics={"first_admin_reply_at": 1_700, "first_contact_reply_at": 1_200})
    assert (found["first_reply_at"], found["first_reply_seconds"]) == (1_700, 500)


def test_title_is_the_subject_else_the_beginning() -> None:
    assert facts()["title"] == "Sub&ject"
    assert facts(title=" Named ")["title"] == "Named"
    assert facts(source={"body": "<p>Only a body</p>"})["title"] == "Only a body"
    assert facts(source=None)["title"] == ""


@pytest.mark.parametrize("nobody", [0, "0", None, ""])
def test_unassigned_in_every_version(nobody: Any) -> None:
    found = facts(admin_assignee_id=nobody, team_assignee_id=nobody)
    assert (found["assignee_ref"], found["assignee_name"], found["team_ref"]) == ("", "", "")


def test_names_of_assignees() -> None:
    found = facts(admin_assignee_id=7, team_assignee_id="8")
    assert (found["assignee_name"], found["team_name"]) == ("Robin", "Tier 2")
    assert facts(admin_assignee_id=9)["assignee_name"] == ""


def test_a_rating_that_was_only_asked_for_is_none() -> None:
    assert facts(conversation_rating={"rating": None, "remark": "x", "created_at": 5})["rated_at"] is None
    found = facts(conversation_rating={"rating": 4, "remark": "Good", "created_at": 5, "updated_at": 6})
    assert (found["rating"], found["rating_remark"], found["rated_at"]) == (4, "Good", 6)
    assert facts(conversation_rating={"rating": 9})["rating"] is None


def test_contacts_and_what_is_known_of_the_author() -> None:
    one = ticket_facts(conversation(), NAMES, 9)
    assert [tuple(ref) for ref in one.contacts] == [("c1", "e1", "ann@x", "Ann"), ("c2", "", "", "")]
    assert one.row.author_ref == "c1"
    nobody = ticket_facts(conversation(contacts=None), NAMES, 9)
    assert [ref.ref for ref in nobody.contacts] == ["c1"], "the author takes part in any case"


ADMIN = {"type": "admin", "id": "7"}


@pytest.mark.parametrize(
    ("changes", "outbound"),
    [
        ({}, False),
        ({"source": {"delivered_as": "admin_initiated", "author": ADMIN}}, True),
        ({"source": {"delivered_as": "campaigns_initiated", "author": {"type": "bot", "id": "1"}}}, True),
        ({"source": {"delivered_as": "automated"}}, True),
        ({"source": {"delivered_as": "customer_initiated", "author": ADMIN}}, False),
        ({"source": {"author": {"type": "", "id": ""}}}, False),
        (
            {"source": {"delivered_as": "admin_initiated", "author": ADMIN}, "first_contact_reply": {"created_at": 5}},
            False,
        ),
        (
            {
                "source": {"delivered_as": "admin_initiated", "author": ADMIN},
                "statistics": {"last_contact_reply_at": 5},
            },
            False,
        ),
        ({"source": {"delivered_as": "admin_initiated", "author": ADMIN}, "ticket": {"id": "1"}}, False),
        ({"source": None}, False),
    ],
)
def test_outbound_without_an_answer(changes: dict[str, Any], outbound: bool) -> None:
    assert ticket_facts(conversation(**changes), NAMES, 9).outbound is outbound


@given(st.sampled_from(["title", "state", "priority", "read", "updated_at", "waiting_since"]), st.integers(3, 9))
def test_the_fingerprint_changes_with_the_facts_and_only_with_them(name: str, number: int) -> None:
    before = ticket_facts(conversation(), NAMES, 9)
    change: Any = {"title": "x", "state": "closed", "priority": "high", "read": True}.get(name, number * 1000)
    after = ticket_facts(conversation(**{name: change}), NAMES, 9)
    assert (before.row.fingerprint == after.row.fingerprint) == (name == "read")
    again = ticket_facts(conversation(**{name: change}), NAMES, 77)
    assert again.row.fingerprint == after.row.fingerprint, "when it is read says nothing"


def test_overdue_counts_from_the_newest_known_of_creation_and_close() -> None:
    def one(**changes: Any) -> TicketFacts:
        return ticket_facts(conversation(**changes), NAMES, 9)

    reopened = one(statistics={"last_close_at": 1_500})
    assert overdue_clock(one(), None, False) == (1_000, False)
    assert overdue_clock(reopened, None, False) == (1_500, False)
    assert overdue_clock(reopened, 1_800, True) == (1_800, True), "the parts knew better"
    assert overdue_clock(reopened, 1_200, True) == (1_500, False), "it was closed again since"
    assert overdue_clock(one(state="closed", open=False), 1_800, True) == (1_800, True)


def test_an_empty_conversation_is_no_failure() -> None:
    one = ticket_facts(wire.Conversation(id="1"), Names("x/"), 1_234)
    assert (one.row.created_at, one.row.updated_at, one.contacts) == (1_234, 1_234, ())
    assert one.row.link == "x/1"
    assert ticket_facts(wire.Conversation(id="a/b c"), replace(NAMES, prefix="x/"), 1).row.link == "x/a%2Fb%20c"
