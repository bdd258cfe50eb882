"""Contacts: reading, the rules of writing, archive and merge (OpenAPI 2.16, Contacts)."""

from __future__ import annotations

import pytest

from startdeliver.simulator import Workspace
from startdeliver.simulator.testing import Handle

from .conftest import NOW, Caller


class TestReading:
    def test_a_contact_has_its_sublists_with_ten_items_at_most(self, workspace: Workspace, call: Caller) -> None:
        companies = [workspace.add_company(f"C{n}", f"c{n}") for n in range(12)]
        contact = workspace.add_contact("Jo", "jo@acme.example", external_id="u1", companies=companies)
        shown = call.get(f"/contacts/{contact.id}").json
        assert (shown["type"], shown["role"], shown["external_id"], shown["email_domain"]) == (
            "contact", "user", "u1", "acme.example",
        )  # fmt: skip
        assert shown["companies"]["has_more"] is True
        assert shown["companies"]["total_count"] == 12
        assert len(shown["companies"]["data"]) == 10
        assert set(shown["companies"]["data"][0]) == {"type", "id", "url"}
        assert shown["workspace_id"] == "sim1work"

    def test_the_companies_of_a_contact_come_whole_in_pages_of_fifty(self, workspace: Workspace, call: Caller) -> None:
        companies = [workspace.add_company(f"C{n}", f"c{n}") for n in range(51)]
        contact = workspace.add_contact("Jo", companies=companies)
        first = call.get(f"/contacts/{contact.id}/companies").json
        assert (len(first["data"]), first["total_count"], first["pages"]["total_pages"]) == (50, 51, 2)
        assert first["data"][0]["company_id"] == "c0"
        rest = call.get(first["pages"]["next"].removeprefix(call.handle.url)).json
        assert [c["company_id"] for c in rest["data"]] == ["c50"]

    def test_owner_id_is_a_string(self, workspace: Workspace, call: Caller) -> None:
        contact = workspace.add_contact("Jo", owner_id=workspace.me.id)
        assert call.get(f"/contacts/{contact.id}").json["owner_id"] == workspace.me.id

    def test_find_by_external_id_finds_users_only(self, workspace: Workspace, call: Caller) -> None:
        user = workspace.add_contact("Jo", external_id="u1")
        workspace.add_contact("Lea", role="lead", external_id="l1")
        assert call.get("/contacts/find_by_external_id/u1").json["id"] == user.id
        assert call.get("/contacts/find_by_external_id/l1").code == "not_found"

    def test_the_list_has_ten_a_page_and_leaves_out_archived_and_merged(
        self, workspace: Workspace, call: Caller
    ) -> None:
        people = [workspace.add_contact(f"P{n}") for n in range(13)]
        lead = workspace.add_contact("Lead", role="lead")
        workspace.archive_contact(people[0].id)
        workspace.merge_contacts(lead.id, people[1].id)
        first = call.get("/contacts").json
        assert (len(first["data"]), first["total_count"], first["pages"]["per_page"]) == (10, 12, 10)
        rest = call.get(f"/contacts?starting_after={first['pages']['next']['starting_after']}").json
        assert len(rest["data"]) == 2
        assert "next" not in rest["pages"]
        seen = {c["id"] for c in first["data"] + rest["data"]}
        assert seen == {p.id for p in people[1:]}

    def test_more_than_150_a_page_is_400(self, call: Caller) -> None:
        assert call.get("/contacts?per_page=151").status == 400


class TestGone:
    def test_an_archived_contact_is_404_everywhere_until_unarchived(self, workspace: Workspace, call: Caller) -> None:
        contact = workspace.add_contact("Jo", external_id="u1")
        assert call.post(f"/contacts/{contact.id}/archive").json == {
            "type": "contact",
            "id": contact.id,
            "external_id": "u1",
            "archived": True,
        }
        reply = call.get(f"/contacts/{contact.id}")
        assert (reply.status, reply.json["errors"][0]["message"]) == (404, "User Not Found")
        assert call.put(f"/contacts/{contact.id}", {"name": "x"}).status == 404
        assert call.get("/contacts/find_by_external_id/u1").status == 404
        call.post(f"/contacts/{contact.id}/unarchive")
        assert call.get(f"/contacts/{contact.id}").status == 200

    def test_a_merged_contact_is_410_with_a_link_to_the_survivor(self, workspace: Workspace, call: Caller) -> None:
        lead = workspace.add_contact("Lea", role="lead")
        middle = workspace.add_contact("Mid")
        last = workspace.add_contact("Last")
        workspace.merge_contacts(lead.id, middle.id)
        workspace.merge_contacts(middle.id, last.id)
        for reply in (call.get(f"/contacts/{lead.id}"), call.put(f"/contacts/{lead.id}", {"name": "x"})):
            assert (reply.status, reply.code) == (410, "contact_merged")
            assert reply.headers["Link"] == f'</contacts/{last.id}>; rel="canonical"'

    def test_before_216_a_merged_contact_was_404(self, workspace: Workspace, call: Caller) -> None:
        lead, user = workspace.add_contact(role="lead"), workspace.add_contact()
        workspace.merge_contacts(lead.id, user.id)
        call.version = "2.15"
        assert call.get(f"/contacts/{lead.id}").status == 404

    def test_conversations_follow_the_survivor(self, workspace: Workspace, call: Caller) -> None:
        lead = workspace.add_contact("Lea", role="lead", email="lea@x.example")
        user = workspace.add_contact("Lea", "lea@x.example", external_id="u1")
        thread = workspace.add_conversation([lead])
        before = call.get(f"/conversations/{thread.id}").json
        call.post("/contacts/merge", {"from": lead.id, "into": user.id})
        after = call.get(f"/conversations/{thread.id}").json
        assert after["contacts"]["contacts"] == [{"type": "contact", "id": user.id, "external_id": "u1"}]
        assert after["updated_at"] == before["updated_at"]

    def test_merging_needs_a_lead_a_user_and_a_duplicate(self, workspace: Workspace, call: Caller) -> None:
        lead = workspace.add_contact("Lea", "lea@x.example", role="lead")
        user = workspace.add_contact("Max", "max@x.example")
        assert call.post("/contacts/merge", {"from": user.id, "into": lead.id}).code == "invalid_merge"
        assert call.post("/contacts/merge", {"from": lead.id, "into": user.id}).code == "invalid_merge"
        body = {"from": lead.id, "into": user.id, "skip_duplicate_validation": True}
        assert call.post("/contacts/merge", body).json["id"] == user.id
        history = call.get(f"/contacts/{user.id}/merge_history").json["data"]
        assert [h["source_contact_id"] for h in history] == [lead.id]

    def test_a_deleted_contact_is_gone(self, workspace: Workspace, call: Caller) -> None:
        contact = workspace.add_contact("Jo")
        assert call.delete(f"/contacts/{contact.id}").json["deleted"] is True
        assert call.get(f"/contacts/{contact.id}").status == 404


class TestCreating:
    def test_needs_email_external_id_or_role(self, call: Caller) -> None:
        assert call.post("/contacts", {"name": "Nobody"}).status == 400
        assert call.post("/contacts", {"role": "lead"}).json["role"] == "lead"

    def test_is_not_an_upsert(self, workspace: Workspace, call: Caller) -> None:
        known = workspace.add_contact("Jo", "jo@x.example", external_id="u1")
        for body in ({"external_id": "u1"}, {"email": "JO@x.example", "external_id": "other"}):
            reply = call.post("/contacts", body)
            assert (reply.status, reply.code) == (409, "conflict")
            message = f"A contact matching those details already exists with id={known.id}"
            assert reply.json["errors"][0]["message"] == message

    def test_an_archived_one_conflicts_with_a_message_of_its_own(self, workspace: Workspace, call: Caller) -> None:
        known = workspace.add_contact("Jo", "jo@x.example")
        workspace.archive_contact(known.id)
        message = call.post("/contacts", {"email": "jo@x.example"}).json["errors"][0]["message"]
        assert message == f"An archived contact matching those details already exists with id={known.id}"

    def test_leads_may_share_an_email(self, workspace: Workspace, call: Caller) -> None:
        workspace.add_contact("Jo", "jo@x.example")
        assert call.post("/contacts", {"role": "lead", "email": "jo@x.example"}).status == 200

    def test_an_owner_must_be_a_teammate(self, call: Caller) -> None:
        reply = call.post("/contacts", {"email": "a@x.example", "owner_id": "1"})
        assert (reply.status, reply.code) == (400, "parameter_invalid")


class TestUpdating:
    def test_is_partial_and_moves_updated_at(self, sim: Handle, workspace: Workspace, call: Caller) -> None:
        workspace.define_attribute("contact", "plan_name")
        contact = workspace.add_contact("Jo", "jo@x.example", custom_attributes={"plan_name": "old"}, phone="1")
        sim.clock.advance(30)
        shown = call.put(f"/contacts/{contact.id}", {"name": "Joe", "custom_attributes": {"plan_name": "new"}}).json
        assert (shown["name"], shown["phone"], shown["custom_attributes"]) == ("Joe", "1", {"plan_name": "new"})
        assert shown["updated_at"] == NOW + 30

    def test_a_fetched_contact_sent_back_is_refused(self, workspace: Workspace, call: Caller) -> None:
        contact = workspace.add_contact("Jo")
        fetched = call.get(f"/contacts/{contact.id}").json
        assert call.put(f"/contacts/{contact.id}", fetched).status == 400

    def test_custom_attributes_merge_key_by_key(self, workspace: Workspace, call: Caller) -> None:
        for name in ("a", "b"):
            workspace.define_attribute("contact", name)
        contact = workspace.add_contact(custom_attributes={"a": "1", "b": "2"})
        shown = call.put(f"/contacts/{contact.id}", {"custom_attributes": {"a": "3"}}).json
        assert shown["custom_attributes"] == {"a": "3", "b": "2"}

    def test_an_undefined_attribute_is_refused_and_nothing_is_written(self, workspace: Workspace, call: Caller) -> None:
        contact = workspace.add_contact("Jo")
        reply = call.put(f"/contacts/{contact.id}", {"name": "Joe", "custom_attributes": {"nope": 1}})
        assert reply.status == 400
        assert workspace.contact(contact.id).name == "Jo"

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("string", 5),
            ("string", "x" * 256),
            ("string", ["a"]),
            ("string", {"a": 1}),
            ("integer", "5"),
            ("integer", 5.5),
            ("boolean", 1),
            ("date", "2026-01-01"),
        ],
    )
    def test_values_must_fit_their_type(self, workspace: Workspace, call: Caller, kind: str, value: object) -> None:
        workspace.define_attribute("contact", "thing", kind)
        contact = workspace.add_contact("Jo")
        assert call.put(f"/contacts/{contact.id}", {"custom_attributes": {"thing": value}}).status == 400

    @pytest.mark.parametrize(("kind", "value"), [("string", "x"), ("integer", 5), ("date", NOW), ("float", 1.5)])
    def test_an_empty_string_clears_any_type(
        self, workspace: Workspace, call: Caller, kind: str, value: object
    ) -> None:
        workspace.define_attribute("contact", "thing", kind)
        contact = workspace.add_contact(custom_attributes={"thing": value})
        shown = call.put(f"/contacts/{contact.id}", {"custom_attributes": {"thing": ""}}).json
        assert shown["custom_attributes"] == {"thing": None}

    def test_null_clears_for_users_and_is_refused_for_leads(self, workspace: Workspace, call: Caller) -> None:
        workspace.define_attribute("contact", "thing")
        user = workspace.add_contact(custom_attributes={"thing": "x"})
        lead = workspace.add_contact(role="lead", custom_attributes={"thing": "x"})
        assert call.put(f"/contacts/{user.id}", {"custom_attributes": {"thing": None}}).status == 200
        assert call.put(f"/contacts/{lead.id}", {"custom_attributes": {"thing": None}}).status == 400

    def test_taking_another_users_external_id_conflicts(self, workspace: Workspace, call: Caller) -> None:
        workspace.add_contact(external_id="u1")
        contact = workspace.add_contact(external_id="u2")
        assert call.put(f"/contacts/{contact.id}", {"external_id": "u1"}).status == 409
        assert call.put(f"/contacts/{contact.id}", {"external_id": "u2"}).status == 200


class TestCompaniesOfAContact:
    def test_attach_takes_intercoms_id_not_ours(self, workspace: Workspace, call: Caller) -> None:
        contact, company = workspace.add_contact(), workspace.add_company("Acme", "cus-1")
        path = f"/contacts/{contact.id}/companies"
        assert call.post(path, {"id": "cus-1"}).code == "company_not_found"
        assert call.post(path).code == "parameter_not_found"
        assert call.post(path, {"id": company.id}).json["user_count"] == 1
        assert call.delete(f"{path}/{company.id}").json["user_count"] == 0

    def test_a_thousand_at_most(self, workspace: Workspace, call: Caller) -> None:
        contact = workspace.add_contact()
        for n in range(1000):
            workspace.attach(contact.id, workspace.add_company(f"C{n}").id)
        one_more = workspace.add_company("One more")
        reply = call.post(f"/contacts/{contact.id}/companies", {"id": one_more.id})
        assert (reply.status, reply.code) == (400, "contact_company_limit_exceeded")


def test_notes_and_tags_have_their_own_lists(workspace: Workspace, call: Caller) -> None:
    contact = workspace.add_contact()
    workspace.add_contact_note(contact.id, "<p>Likes tea</p>")
    workspace.tag_contact(contact.id, "vip")
    assert call.get(f"/contacts/{contact.id}/notes").json["data"][0]["body"] == "<p>Likes tea</p>"
    assert call.get(f"/contacts/{contact.id}/tags").json["data"][0]["name"] == "vip"
