"""Data attributes, events, audiences, teammates (OpenAPI 2.16, Data Attributes, Data Events, Audiences, Admins)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from startdeliver.simulator import Workspace
from startdeliver.simulator.testing import Handle

from .conftest import NOW, Caller, Reply

DAY = 86_400


def define(call: Caller, name: Any, model: str = "company", data_type: str = "string", **more: Any) -> Reply:
    return call.post("/data_attributes", {"name": name, "model": model, "data_type": data_type, **more})


class TestDefining:
    def test_answers_with_the_definition(self, call: Caller) -> None:
        shown = define(call, "Mithril Shirt", description="Light").json
        assert (
            shown
            | {
                "type": "data_attribute",
                "model": "company",
                "full_name": "custom_attributes.Mithril Shirt",
                "data_type": "string",
                "custom": True,
                "api_writable": True,
                "archived": False,
                "description": "Light",
            }
            == shown
        )
        assert isinstance(shown["id"], int)

    def test_a_name_is_taken_for_both_models(self, call: Caller) -> None:
        define(call, "The One Ring")
        message = define(call, "The One Ring", "contact", "integer").json["errors"][0]["message"]
        assert message == (
            "You already have 'The One Ring' in your company data. "
            "To save this as new people data, use a different name."
        )
        assert define(call, "The One Ring").code == "parameter_invalid"
        assert define(call, "the one ring").status == 200

    @pytest.mark.parametrize(
        "name", ["a.b", "a$b", "!nv@l!d n@me", "a'b", 'a"b', "a[b]", "a{b}", "a|b", "a\\b", "", None]
    )
    def test_some_characters_are_refused(self, call: Caller, name: Any) -> None:
        assert (define(call, name).status, define(call, name).code) == (400, "parameter_invalid")

    def test_types(self, call: Caller) -> None:
        for kind in ("string", "integer", "float", "boolean", "date"):
            assert define(call, f"a {kind}", data_type=kind).json["data_type"] == kind
        assert define(call, "when", data_type="datetime").json["data_type"] == "date"
        assert define(call, "x", data_type="mithril").json["errors"][0]["message"] == "Data Type isn't an option"
        assert define(call, "x", model="conversation").status == 400

    def test_a_list_has_two_options_or_more_and_answers_as_a_string(self, call: Caller) -> None:
        assert define(call, "size", data_type="options", options=[{"value": "S"}]).status == 400
        assert define(call, "size", data_type="options").status == 400
        shown = define(call, "size", data_type="options", options=[{"value": "S"}, {"value": "L"}]).json
        assert (shown["data_type"], shown["options"]) == ("string", ["S", "L"])

    def test_250_active_ones_at_most(self, workspace: Workspace, call: Caller) -> None:
        first = workspace.define_attribute("contact", "a0")
        for n in range(1, 250):
            workspace.define_attribute("company" if n % 2 else "contact", f"a{n}")
        assert define(call, "one more").code == "custom_data_limit_reached"
        assert call.put(f"/data_attributes/{first.id}", {"archived": True}).status == 200
        assert define(call, "one more").status == 200


class TestListing:
    def test_standard_ones_have_no_id_and_custom_ones_do(self, call: Caller) -> None:
        define(call, "health")
        listed = call.get("/data_attributes?model=company").json["data"]
        assert {a["model"] for a in listed} == {"company"}
        assert [a["name"] for a in listed if "id" in a] == ["health"]
        assert "monthly_spend" in [a["full_name"] for a in listed]

    def test_archived_ones_on_request(self, call: Caller) -> None:
        made = define(call, "old").json
        call.put(f"/data_attributes/{made['id']}", {"archived": True})
        assert "old" not in [a["name"] for a in call.get("/data_attributes").json["data"]]
        assert "old" in [a["name"] for a in call.get("/data_attributes?include_archived=true").json["data"]]
        assert define(call, "old").status == 400

    def test_conversations_are_no_model_any_more(self, call: Caller) -> None:
        reply = call.get("/data_attributes?model=conversation")
        assert (reply.status, reply.code) == (422, "parameter_invalid")


class TestChanging:
    def test_type_and_name_stay(self, call: Caller) -> None:
        path = f"/data_attributes/{define(call, 'a').json['id']}"
        assert call.put(path, {"data_type": "integer"}).status == 400
        assert call.put(path, {"name": "b"}).status == 400
        assert call.put(path, {"description": "new"}).json["description"] == "new"
        reply = call.put(path, {"options": {"value": "1-10"}})
        assert (reply.status, reply.json["errors"][0]["message"]) == (400, "Options isn't an array")

    def test_unknown_ones_and_those_in_use(self, workspace: Workspace, call: Caller) -> None:
        assert (call.put("/data_attributes/99", {}).status, call.put("/data_attributes/99", {}).code) == (
            404, "field_not_found",
        )  # fmt: skip
        made = workspace.define_attribute("company", "used")
        made.has_dependants = True
        reply = call.put(f"/data_attributes/{made.id}", {"archived": True})
        assert (reply.status, reply.code) == (422, "data_invalid")


class TestEvents:
    def test_are_listed_per_contact_newest_first_with_an_address_for_the_next_page(
        self, workspace: Workspace, call: Caller
    ) -> None:
        jo = workspace.add_contact("Jo", "jo@x.example", external_id="u1")
        other = workspace.add_contact("Other")
        for n in range(5):
            workspace.add_event(jo.id, f"e{n}", at=NOW - 100 + n)
        workspace.add_event(other.id, "not mine", at=NOW)
        first = call.get("/events?type=user&user_id=u1&per_page=3").json
        assert (first["type"], [e["event_name"] for e in first["events"]]) == ("event.list", ["e4", "e3", "e2"])
        event = first["events"][0]
        assert (event["user_id"], event["intercom_user_id"], event["email"]) == ("u1", jo.id, "jo@x.example")
        second = call.get(first["pages"]["next"].removeprefix(call.handle.url)).json
        assert [e["event_name"] for e in second["events"]] == ["e1", "e0"]
        assert "next" not in second["pages"]
        for query in (f"intercom_user_id={jo.id}", "email=JO@x.example"):
            assert len(call.get(f"/events?type=user&{query}").json["events"]) == 5

    def test_only_ninety_days_are_listed_but_all_are_counted(self, workspace: Workspace, call: Caller) -> None:
        jo = workspace.add_contact(external_id="u1")
        workspace.add_event(jo.id, "login", at=NOW - 91 * DAY)
        workspace.add_event(jo.id, "login", at=NOW - 89 * DAY)
        assert len(call.get("/events?type=user&user_id=u1").json["events"]) == 1
        summary = call.get("/events?type=user&user_id=u1&summary=true").json
        assert summary["type"] == "event.summary"
        expected = {
            "name": "login",
            "first": datetime.fromtimestamp(NOW - 91 * DAY, UTC).isoformat(timespec="milliseconds"),
            "last": datetime.fromtimestamp(NOW - 89 * DAY, UTC).isoformat(timespec="milliseconds"),
            "count": 2,
            "description": "login",
        }
        assert summary["events"] == [expected]

    def test_the_type_and_one_person_are_required(self, call: Caller) -> None:
        assert call.get("/events?user_id=u1").status == 400
        assert call.get("/events?type=user").status == 400
        assert call.get("/events?type=user&user_id=nobody").status == 404

    def test_the_same_event_in_the_same_second_counts_once(self, workspace: Workspace, call: Caller) -> None:
        jo = workspace.add_contact(external_id="u1")
        body = {"event_name": "login", "created_at": NOW, "user_id": "u1", "metadata": {f"k{n}": n for n in range(12)}}
        for _ in range(2):
            reply = call.post("/events", body)
            assert (reply.status, reply.raw) == (202, b"")
        call.post("/events", {**body, "created_at": NOW - 1})
        assert len(workspace.events[jo.id]) == 2
        assert list(workspace.events[jo.id][0].metadata) == [f"k{n}" for n in range(10)]

    def test_leads_need_their_own_id(self, workspace: Workspace, call: Caller) -> None:
        lead = workspace.add_contact(role="lead", email="lea@x.example")
        body = {"event_name": "visit", "created_at": NOW}
        assert call.post("/events", {**body, "email": "lea@x.example"}).status == 404
        assert call.post("/events", {**body, "id": lead.id}).status == 202
        assert call.post("/events", {"event_name": "visit", "id": lead.id}).status == 400
        assert call.post("/events", {**body, "id": lead.id, "metadata": {"a": {"b": 1}}}).status == 400


class TestAudiences:
    BODY = {
        "name": "Poor usage",
        "predicates": [{"attribute": "custom_attributes.x", "type": "string", "comparison": "eq", "value": "Poor"}],
        "role_predicates": [{"attribute": "role", "type": "role", "comparison": "eq", "value": "user"}],
    }

    def test_from_creation_to_deletion(self, call: Caller) -> None:
        created = call.post("/audiences", self.BODY)
        assert created.status == 201
        path = f"/audiences/{created.json['id']}"
        assert call.get(path).json["predicates"] == self.BODY["predicates"]
        assert call.put(path, {"name": "Renamed"}).json["name"] == "Renamed"
        listed = call.get("/audiences").json
        assert (listed["total_count"], listed["per_page"], listed["total_pages"]) == (1, 50, 1)
        assert call.delete(path).status == 204
        assert call.get(path).code == "not_found"

    def test_refusals(self, call: Caller) -> None:
        assert (call.post("/audiences").status, call.post("/audiences").code) == (422, "validation_error")
        assert call.post("/audiences", {**self.BODY, "predicates": [{"attribute": "x"}]}).status == 422
        assert call.get("/audiences?per_page=51").status == 400
        call.version = "2.15"
        assert call.get("/audiences").code == "intercom_version_invalid"


def test_teammates_teams_tags_and_segments(sim: Handle, workspace: Workspace, call: Caller) -> None:
    elin = workspace.add_admin("Elin", "elin@x.example")
    team = workspace.add_team("Billing", [elin])
    workspace.add_tag("vip")
    workspace.add_segment("Active")
    admins = call.get("/admins").json
    assert (admins["type"], [a["name"] for a in admins["admins"]]) == ("admin.list", ["Robin Sand", "Elin"])
    assert call.get(f"/admins/{elin.id}").json["team_ids"] == [int(team.id)]
    assert call.get("/admins/1").status == 404
    assert call.get("/teams").json["teams"][0]["admin_ids"] == [int(elin.id)]
    assert call.get("/tags").json["data"][0]["name"] == "vip"
    assert call.get("/segments").json["segments"][0]["name"] == "Active"
