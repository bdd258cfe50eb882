"""Contact search: whole days in the workspace's time zone, refusals, cursors (OpenAPI 2.16, SearchContacts)."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from startdeliver.simulator import Clock, Workspace
from startdeliver.simulator.search.query import date_range
from startdeliver.simulator.testing import Handle, run_in_thread

from .conftest import NOW, Caller, Reply, where

PACIFIC = ZoneInfo("America/Los_Angeles")


def names(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.raw
    return [c["name"] for c in reply.json["data"]]


def at(day: int, hour: int, minute: int = 0, month: int = 10) -> int:
    return int(datetime(2026, month, day, hour, minute, tzinfo=PACIFIC).timestamp())


class TestDays:
    """The value is truncated to a day of the workspace's time zone, whatever instant was sent."""

    @pytest.fixture(autouse=True)
    def _people(self, workspace: Workspace) -> None:
        for day, hour, minute in ((19, 23, 59), (20, 0, 0), (20, 23, 59), (21, 0, 0), (21, 12, 0)):
            workspace.add_contact(f"{day} {hour:02}:{minute:02}", updated_at=at(day, hour, minute), created_at=1)

    def test_equals_is_the_whole_day(self, call: Caller) -> None:
        found = names(call.search("contacts", where("updated_at", "=", at(20, 15))))
        assert found == ["20 00:00", "20 23:59"]

    def test_greater_starts_at_the_next_local_midnight(self, call: Caller) -> None:
        for hour in (0, 9, 23):
            found = names(call.search("contacts", where("updated_at", ">", at(20, hour))))
            assert found == ["21 00:00", "21 12:00"]

    def test_lower_ends_before_that_days_midnight(self, call: Caller) -> None:
        assert names(call.search("contacts", where("updated_at", "<", at(20, 15)))) == ["19 23:59"]

    def test_the_same_query_answers_differently_in_another_time_zone(self) -> None:
        with run_in_thread(Workspace(timezone="UTC", now=Clock(NOW))) as handle:
            handle.workspace.add_contact("early", updated_at=at(20, 23, 59))
            call = Caller(handle)
            # 23:59 Pacific on the 20th is the 21st in UTC.
            assert names(call.search("contacts", where("updated_at", "=", at(20, 15)))) == []
            assert names(call.search("contacts", where("updated_at", ">", at(20, 15)))) == ["early"]

    @pytest.mark.parametrize("operator", ["!=", ">=", "<=", "IN", "NIN", "~"])
    def test_other_operators_are_refused_on_dates(self, call: Caller, operator: str) -> None:
        value = [1] if operator in ("IN", "NIN") else at(20, 15)
        assert call.search("contacts", where("updated_at", operator, value)).status == 400

    def test_milliseconds_find_nothing_and_say_nothing(self, call: Caller) -> None:
        assert names(call.search("contacts", where("updated_at", ">", at(20, 15) * 1000))) == []

    def test_a_date_attribute_goes_by_the_day_too(self, workspace: Workspace, call: Caller) -> None:
        workspace.define_attribute("contact", "renews_at", "date")
        workspace.add_contact("due", custom_attributes={"renews_at": at(20, 22)})
        query = where("custom_attributes.renews_at", "=", at(20, 1))
        assert names(call.search("contacts", query)) == ["due"]

    def test_sorting_keeps_full_precision(self, call: Caller) -> None:
        found = names(call.search("contacts", where("updated_at", "=", at(20, 15)), "descending"))
        assert found == ["20 23:59", "20 00:00"]

    def test_days_of_a_clock_change_have_their_true_length(self) -> None:
        low, high = date_range("=", at(1, 12, month=11), "America/Los_Angeles")
        assert high - low + 1 == 25 * 3600
        low, high = date_range("=", at(8, 12, month=3), "America/Los_Angeles")
        assert high - low + 1 == 23 * 3600


class TestFields:
    def test_text_and_membership(self, workspace: Workspace, call: Caller) -> None:
        workspace.add_contact("Ann", "ann@acme.example", external_id="u1", updated_at=1)
        workspace.add_contact("Bob", "bob@other.example", role="lead", updated_at=2)
        tagged = workspace.add_contact("Cyd", "cyd@acme.example", updated_at=3)
        workspace.tag_contact(tagged.id, "vip")
        tag = workspace.add_tag("vip").id
        for query, expected in (
            (where("email", "=", "ANN@acme.example"), ["Ann"]),
            (where("email_domain", "=", "acme.example"), ["Ann", "Cyd"]),
            (where("email", "~", "acme"), ["Ann", "Cyd"]),
            (where("email", "!~", "acme"), ["Bob"]),
            (where("email", "^", "bob"), ["Bob"]),
            (where("email", "$", ".example"), ["Ann", "Bob", "Cyd"]),
            (where("external_id", "IN", ["u1", "u2"]), ["Ann"]),
            (where("external_id", "=", None), ["Bob", "Cyd"]),
            (where("role", "!=", "user"), ["Bob"]),
            (where("name", "NIN", ["Ann", "Bob"]), ["Cyd"]),
            (where("tag_id", "=", tag), ["Cyd"]),
        ):
            found = names(call.search("contacts", query))
            assert sorted(found) == sorted(expected), query

    def test_tags_take_equality_only(self, call: Caller) -> None:
        assert call.search("contacts", where("tag_id", "IN", ["1"])).status == 400

    def test_custom_attributes_are_counted(self, workspace: Workspace, call: Caller) -> None:
        workspace.define_attribute("contact", "usage_health")
        workspace.define_attribute("contact", "logins", "integer")
        for n in range(4):
            workspace.add_contact(custom_attributes={"usage_health": "Poor" if n else "Good", "logins": n})
        query = where("custom_attributes.usage_health", "=", "Poor")
        assert call.search("contacts", query, per_page=1).json["total_count"] == 3
        assert call.search("contacts", where("custom_attributes.logins", ">=", 2)).json["total_count"] == 2

    def test_unknown_fields_are_refused(self, call: Caller) -> None:
        assert call.search("contacts", where("shoe_size", "=", 1)).status == 400
        assert call.search("contacts", where("custom_attributes.none", "=", 1)).status == 400

    def test_values_must_match_the_type(self, call: Caller) -> None:
        assert call.search("contacts", where("created_at", ">", "foobar")).code == "type_mismatch"
        assert call.search("contacts", where("created_at", ">", "1306054154")).status == 200


class TestLimits:
    def test_two_levels_of_nesting(self, call: Caller) -> None:
        leaf = where("role", "=", "user")
        two = {"operator": "AND", "value": [leaf, {"operator": "OR", "value": [leaf, leaf]}]}
        assert call.search("contacts", two).status == 200
        three = {"operator": "AND", "value": [leaf, {"operator": "OR", "value": [two]}]}
        assert call.search("contacts", three).status == 400

    def test_fifteen_filters_a_group(self, call: Caller) -> None:
        leaf = where("role", "=", "user")
        assert call.search("contacts", {"operator": "OR", "value": [leaf] * 15}).status == 200
        assert call.search("contacts", {"operator": "OR", "value": [leaf] * 16}).status == 400

    @pytest.mark.parametrize("order", ["asc", "desc"])
    def test_short_sort_orders_are_refused(self, call: Caller, order: str) -> None:
        reply = call.search("contacts", where("role", "=", "user"), order)
        assert (reply.status, reply.code) == (400, "invalid_sort_order")
        message = f"Invalid sort order '{order}'. Must be one of: ascending, descending"
        assert reply.json["errors"][0]["message"] == message

    def test_a_null_cursor_is_refused(self, call: Caller) -> None:
        assert call.search("contacts", where("role", "=", "user"), starting_after=None).status == 400

    def test_a_query_is_required(self, call: Caller) -> None:
        assert call.post("/contacts/search", {}).status == 400

    def test_page_sizes(self, workspace: Workspace, call: Caller) -> None:
        for _ in range(51):
            workspace.add_contact()
        query = where("role", "=", "user")
        assert len(call.post("/contacts/search", {"query": query}).json["data"]) == 50
        assert call.search("contacts", query, per_page=150).status == 200
        assert call.search("contacts", query, per_page=151).status == 400


class TestCursors:
    def test_a_cursor_is_the_sort_value_in_milliseconds_the_id_and_the_page(
        self, workspace: Workspace, call: Caller
    ) -> None:
        people = [workspace.add_contact(f"P{n}", updated_at=1000 + n) for n in range(3)]
        pages = call.search("contacts", where("role", "=", "user"), per_page=2).json["pages"]
        assert pages["next"]["page"] == 2
        assert json.loads(base64.b64decode(pages["next"]["starting_after"])) == [1_001_000, people[1].id, 2]

    def test_a_broken_cursor_is_400(self, call: Caller) -> None:
        assert call.search("contacts", where("role", "=", "user"), starting_after="!!").status == 400

    @pytest.mark.parametrize("field", ["name", "last_seen_at", "created_at"])
    @pytest.mark.parametrize("order", ["ascending", "descending"])
    def test_paging_sees_everyone_once(self, workspace: Workspace, call: Caller, field: str, order: str) -> None:
        for n in range(11):
            seen = None if n % 3 == 0 else 1000 + n % 4
            workspace.add_contact(f"P{n % 5}", created_at=100 + n // 2, last_seen_at=seen)
        found, cursor = [], {}
        while True:
            page = call.search("contacts", where("role", "=", "user"), order, field, per_page=2, **cursor).json
            found += [c["id"] for c in page["data"]]
            if "next" not in page["pages"]:
                break
            cursor = {"starting_after": page["pages"]["next"]["starting_after"]}
        assert len(found) == len(set(found)) == 11


class TestIndexLag:
    def test_new_and_changed_contacts_come_late(self, sim: Handle, workspace: Workspace, call: Caller) -> None:
        old = workspace.add_contact("Old", updated_at=at(1, 12))
        workspace.index_lag = 60
        workspace.add_contact("New")
        workspace.set_contact(old.id, name="Renamed")
        everyone = where("role", "=", "user")
        assert names(call.search("contacts", everyone)) == ["Old"]
        assert call.get(f"/contacts/{old.id}").json["name"] == "Renamed"
        sim.clock.advance(59)
        assert names(call.search("contacts", everyone)) == ["Old"]
        sim.clock.advance(2)
        assert sorted(names(call.search("contacts", everyone))) == ["New", "Renamed"]

    def test_merged_and_archived_ones_leave_the_search(self, workspace: Workspace, call: Caller) -> None:
        lead, user, gone = (
            workspace.add_contact("L", role="lead"),
            workspace.add_contact("U"),
            workspace.add_contact("A"),
        )
        workspace.merge_contacts(lead.id, user.id)
        workspace.archive_contact(gone.id)
        assert names(call.search("contacts", where("role", "IN", ["user", "lead"]))) == ["U"]
