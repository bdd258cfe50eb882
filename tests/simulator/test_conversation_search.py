"""Conversation search: exact seconds, keyset cursors, records that move, volume (OpenAPI 2.16, searchConversations)."""

from __future__ import annotations

from typing import Any

import pytest

from startdeliver.simulator import Workspace
from startdeliver.simulator.model.records import Contact, Conversation
from startdeliver.simulator.testing import Handle

from .conftest import NOW, Caller, Reply, where


@pytest.fixture
def jo(workspace: Workspace) -> Contact:
    return workspace.add_contact("Jo", "jo@acme.example", external_id="u1")


@pytest.fixture
def five(workspace: Workspace, jo: Contact) -> list[Conversation]:
    """Five conversations, changed one second apart."""
    return [workspace.add_conversation([jo], created_at=NOW - 100, updated_at=NOW - 10 + n) for n in range(5)]


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.raw
    return [c["id"] for c in reply.json["conversations"]]


def walk(call: Caller, query: dict[str, Any], order: str = "ascending", size: int = 2) -> list[str]:
    """Return the ids of all pages, in the order seen."""
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = call.search("conversations", query, order, per_page=size, **cursor)
        seen += ids(page)
        if "next" not in page.json["pages"]:
            return seen
        cursor = {"starting_after": page.json["pages"]["next"]["starting_after"]}


class TestSeconds:
    @pytest.mark.parametrize(
        ("operator", "expected"),
        [(">", [3, 4]), (">=", [2, 3, 4]), ("<", [0, 1]), ("<=", [0, 1, 2]), ("=", [2]), ("!=", [0, 1, 3, 4])],
    )
    def test_every_comparison_is_exact(
        self, call: Caller, five: list[Conversation], operator: str, expected: list[int]
    ) -> None:
        found = ids(call.search("conversations", where("updated_at", operator, NOW - 8)))
        assert found == [five[n].id for n in expected]

    def test_ranges_and_groups(self, call: Caller, five: list[Conversation]) -> None:
        both = {
            "operator": "AND",
            "value": [where("updated_at", ">", NOW - 10), where("updated_at", "<=", NOW - 7)],
        }
        assert ids(call.search("conversations", both)) == [c.id for c in five[1:4]]
        either = {"operator": "OR", "value": [where("updated_at", "=", NOW - 10), where("updated_at", ">", NOW - 7)]}
        assert ids(call.search("conversations", either)) == [five[0].id, five[4].id]
        members = where("updated_at", "IN", [NOW - 10, NOW - 6])
        assert ids(call.search("conversations", members)) == [five[0].id, five[4].id]

    def test_milliseconds_find_nothing(self, call: Caller, five: list[Conversation]) -> None:
        assert ids(call.search("conversations", where("updated_at", ">", (NOW - 100) * 1000))) == []


class TestAnswer:
    def test_shape_and_page_sizes(self, call: Caller, workspace: Workspace, jo: Contact) -> None:
        for _ in range(21):
            workspace.add_conversation([jo])
        listed = call.post("/conversations/search", {"query": where("created_at", ">", 1)}).json
        assert listed["type"] == "conversation.list"
        assert (len(listed["conversations"]), listed["total_count"]) == (20, 21)
        assert listed["pages"] | {"type": "pages", "page": 1, "per_page": 20, "total_pages": 2} == listed["pages"]
        assert call.search("conversations", where("created_at", ">", 1), per_page=151).status == 400

    def test_parts_are_never_included(self, call: Caller, workspace: Workspace, five: list[Conversation]) -> None:
        workspace.reply(five[0].id, "<p>Hi</p>")
        for listed in (
            call.search("conversations", where("id", "=", five[0].id)).json,
            call.get("/conversations").json,
        ):
            for conversation in listed["conversations"]:
                assert "conversation_parts" not in conversation
        found = call.search("conversations", where("id", "=", five[0].id)).json["conversations"][0]
        assert found["statistics"]["count_conversation_parts"] == 1

    @pytest.mark.parametrize("order", ["asc", "desc", ""])
    def test_short_sort_orders_are_refused(self, call: Caller, order: str) -> None:
        assert call.search("conversations", where("id", "=", "1"), order).code == "invalid_sort_order"

    def test_a_null_cursor_is_refused(self, call: Caller) -> None:
        assert call.search("conversations", where("id", "=", "1"), starting_after=None).status == 400

    def test_the_list_walks_everything(self, call: Caller, five: list[Conversation]) -> None:
        first = call.get("/conversations?per_page=3").json
        rest = call.get(f"/conversations?per_page=3&starting_after={first['pages']['next']['starting_after']}").json
        assert {c["id"] for c in first["conversations"] + rest["conversations"]} == {c.id for c in five}


class TestFields:
    def test_the_documented_ones(self, call: Caller, workspace: Workspace, jo: Contact) -> None:
        thread = workspace.add_conversation([jo], "<p>I need support</p>", subject="Hello", channel="email")
        workspace.add_conversation([jo], "<p>Other</p>", state="closed")
        me = workspace.me.id
        workspace.assign(thread.id, admin_id=me)
        workspace.reply(thread.id, "<p>Yes</p>")
        workspace.tag(thread.id, "bug")
        workspace.rate(thread.id, 4, "Nice")
        workspace.snooze(thread.id, NOW + 500)
        workspace.set_conversation(thread.id, priority="high", read=True)
        for query in (
            where("id", "IN", [thread.id]),
            where("open", "=", True),
            where("state", "=", "snoozed"),
            where("read", "=", True),
            where("priority", "=", "high"),
            where("source.type", "=", "email"),
            where("source.subject", "^", "hel"),
            where("source.body", "=", "support"),
            where("source.body", "~", "support"),
            where("tag_ids", "=", workspace.add_tag("bug").id),
            where("teammate_ids", "=", me),
            where("admin_assignee_id", "=", int(me)),
            where("snoozed_until", ">", NOW),
            where("statistics.count_conversation_parts", ">", 2),
            where("statistics.last_admin_reply_at", ">=", NOW),
            where("conversation_rating.score", "=", 4),
            where("conversation_rating.remark", "~", "nice"),
        ):
            assert ids(call.search("conversations", query)) == [thread.id], query
        assert len(ids(call.search("conversations", where("contact_ids", "=", jo.id)))) == 2
        assert len(ids(call.search("conversations", where("source.author.email", "=", "jo@acme.example")))) == 2
        assert ids(call.search("conversations", where("source.body", "=", "need support"))) == []
        assert call.search("conversations", where("updated", "=", 1)).status == 400
        assert call.search("conversations", where("state", ">", "a")).status == 400
        assert call.search("conversations", where("open", "=", "maybe")).code == "type_mismatch"

    def test_unassigned_is_zero(self, call: Caller, five: list[Conversation]) -> None:
        assert len(ids(call.search("conversations", where("admin_assignee_id", "=", 0)))) == 5


class TestMoving:
    everything = where("updated_at", ">", 1)

    def test_ascending_sees_a_moved_record_again_and_misses_none(
        self, sim: Handle, call: Caller, five: list[Conversation]
    ) -> None:
        sim.faults.before_page("/conversations/search", 2, lambda: sim.workspace.touch(five[0].id, NOW))
        seen = walk(call, self.everything)
        assert seen == [c.id for c in five] + [five[0].id]

    def test_descending_misses_a_moved_record(self, sim: Handle, call: Caller, five: list[Conversation]) -> None:
        sim.faults.before_page("/conversations/search", 2, lambda: sim.workspace.touch(five[0].id, NOW))
        assert five[0].id not in walk(call, self.everything, "descending")

    def test_inserts_do_not_shift_pages(self, sim: Handle, call: Caller, five: list[Conversation], jo: Contact) -> None:
        sim.faults.before_page(
            "/conversations/search", 2, lambda: sim.workspace.add_conversation([jo], updated_at=NOW - 1000)
        )
        assert walk(call, self.everything) == [c.id for c in five]

    def test_many_records_in_one_second_are_all_seen_once(
        self, workspace: Workspace, call: Caller, jo: Contact
    ) -> None:
        made = [workspace.add_conversation([jo]).id for _ in range(25)]
        assert workspace.bulk_touch(made, NOW - 5) == 25
        for order in ("ascending", "descending"):
            assert sorted(walk(call, self.everything, order, size=4)) == sorted(made)
        assert sorted(walk(call, where("updated_at", "=", NOW - 5), size=4)) == sorted(made)

    def test_a_scan_over_other_fields_pages_alike(self, workspace: Workspace, call: Caller, jo: Contact) -> None:
        made = [workspace.add_conversation([jo], updated_at=NOW - n % 3) for n in range(9)]
        workspace.close(made[0].id)
        found = walk(call, where("open", "=", True))
        assert sorted(found) == sorted(c.id for c in made[1:])


class TestIndexLag:
    def test_a_changed_record_appears_late_and_looks_old_until_then(
        self, sim: Handle, workspace: Workspace, call: Caller, five: list[Conversation], jo: Contact
    ) -> None:
        workspace.index_lag = 30
        workspace.close(five[0].id)
        new = workspace.add_conversation([jo])
        recent = where("updated_at", ">=", NOW)
        assert ids(call.search("conversations", recent)) == []
        old = call.search("conversations", where("id", "=", five[0].id)).json["conversations"][0]
        assert (old["state"], old["updated_at"]) == ("open", NOW - 10)
        assert call.get(f"/conversations/{five[0].id}").json["state"] == "closed"
        sim.clock.advance(31)
        assert sorted(ids(call.search("conversations", recent))) == sorted([five[0].id, new.id])


class TestBulk:
    def test_volume_is_made_on_demand_and_is_always_the_same(self, workspace: Workspace, call: Caller) -> None:
        workspace.add_bulk(3000, parts=3, body_bytes=200)
        first = call.search("conversations", where("updated_at", ">", 1), per_page=150).json
        assert first["total_count"] == 3000
        one = first["conversations"][0]
        whole = call.get(f"/conversations/{one['id']}").json
        assert call.get(f"/conversations/{one['id']}").json == whole
        parts = whole.pop("conversation_parts")
        assert whole == one
        assert parts["total_count"] == 3 == whole["statistics"]["count_conversation_parts"]
        assert len(parts["conversation_parts"][0]["body"]) == 200
        assert whole["company"]["company_id"].startswith("bulk-co-")

    @pytest.mark.parametrize("parts", [0, 1, 5])
    def test_the_quick_encoding_equals_the_ordinary_one(self, workspace: Workspace, parts: int) -> None:
        """Ten states and people in turn: a record that is kept (and so encoded the ordinary way) has the same JSON."""
        people = workspace.add_bulk(10, contacts=3, parts=parts)
        workspace.set_contact(people[0].id, external_id='quo"ted')
        workspace.add_bulk(10, contacts=3, companies=0, parts=parts)
        ids = [i for _, i in workspace.conversations.updated]
        quick = [(bytes(workspace.search_json(i)), workspace.conversation_json(i)) for i in ids]
        for conversation_id in ids:
            workspace.conversations.edit(conversation_id)
        assert [(bytes(workspace.search_json(i)), workspace.conversation_json(i)) for i in ids] == quick

    def test_pages_through_volume_miss_nothing(self, workspace: Workspace, call: Caller) -> None:
        workspace.add_bulk(1000, span=100)
        seen = walk(call, where("updated_at", ">", 1), size=150)
        assert len(seen) == len(set(seen)) == 1000

    def test_a_generated_conversation_can_be_changed(self, sim: Handle, workspace: Workspace, call: Caller) -> None:
        workspace.add_bulk(10)
        last = workspace.conversations.updated[0][1]
        workspace.reply(last, "<p>News</p>", at=NOW)
        assert ids(call.search("conversations", where("updated_at", ">=", NOW))) == [last]
        assert call.get(f"/conversations/{last}").json["conversation_parts"]["total_count"] == 6
        workspace.delete_conversation(last)
        assert call.get(f"/conversations/{last}").status == 404
        assert call.search("conversations", where("updated_at", ">", 1)).json["total_count"] == 9

    def test_searching_other_fields_reads_volume_too(self, workspace: Workspace, call: Caller) -> None:
        workspace.add_bulk(100)
        assert call.search("conversations", where("open", "=", True)).json["total_count"] == 30
        assert call.search("conversations", where("source.subject", "=", "Login loop")).json["total_count"] > 0
