"""One conversation: its shape, its statistics, what can be done to it (OpenAPI 2.16, Conversations, Tickets)."""

from __future__ import annotations

import pytest

from startdeliver.simulator import Workspace
from startdeliver.simulator.model.records import Attachment, Contact, Conversation
from startdeliver.simulator.testing import Handle

from .conftest import NOW, Caller


@pytest.fixture
def jo(workspace: Workspace) -> Contact:
    return workspace.add_contact("Jo", "jo@acme.example", external_id="u1")


@pytest.fixture
def thread(workspace: Workspace, jo: Contact) -> Conversation:
    company = workspace.add_company("Acme", "cus-1")
    workspace.attach(jo.id, company.id)
    return workspace.add_conversation([jo], "<p>Help</p>", company=company, created_at=NOW - 1000)


class TestShape:
    def test_a_fresh_one(self, call: Caller, thread: Conversation, jo: Contact) -> None:
        shown = call.get(f"/conversations/{thread.id}").json
        assert (shown["state"], shown["open"], shown["read"], shown["priority"]) == ("open", True, False, "none")
        assert (shown["admin_assignee_id"], shown["team_assignee_id"]) == (0, 0)
        assert (shown["statistics"], shown["teammates"], shown["conversation_rating"]) == (None, None, None)
        assert (shown["sla_applied"], shown["ticket"], shown["title"]) == (None, None, None)
        assert shown["waiting_since"] == NOW - 1000
        assert shown["first_contact_reply"] == {"created_at": NOW - 1000, "type": "conversation", "url": None}
        assert shown["contacts"]["contacts"] == [{"type": "contact", "id": jo.id, "external_id": "u1"}]
        assert shown["source"]["body"] == "<p>Help</p>"
        assert shown["source"]["author"] == {"type": "user", "id": jo.id, "name": "Jo", "email": "jo@acme.example"}
        assert shown["company"]["company_id"] == "cus-1"
        assert shown["conversation_parts"]["conversation_parts"] == []

    def test_the_company_is_shown_as_it_is_now(self, workspace: Workspace, call: Caller, thread: Conversation) -> None:
        call.get(f"/conversations/{thread.id}")
        workspace.set_company(str(thread.company_id), name="Renamed")
        assert call.get(f"/conversations/{thread.id}").json["company"]["name"] == "Renamed"

    def test_an_outbound_one_without_a_reply(self, workspace: Workspace, call: Caller, jo: Contact) -> None:
        sent = workspace.add_conversation([jo], "<p>News</p>", outbound=True, state="closed")
        shown = call.get(f"/conversations/{sent.id}").json
        assert (shown["source"]["delivered_as"], shown["source"]["author"]["type"]) == ("admin_initiated", "admin")
        assert (shown["first_contact_reply"], shown["statistics"]) == (None, None)
        workspace.reply(sent.id, "<p>Thanks</p>", by=jo, at=NOW + 5)
        assert call.get(f"/conversations/{sent.id}").json["first_contact_reply"]["created_at"] == NOW + 5

    def test_attachments_and_redaction(self, workspace: Workspace, call: Caller, thread: Conversation) -> None:
        file = Attachment("a.png", "https://files.example/a?signature=x", "image/png", 5, 10, 20)
        workspace.reply(thread.id, "<p>See</p>", attachments=[file])
        part = call.get(f"/conversations/{thread.id}").json["conversation_parts"]["conversation_parts"][0]
        assert (part["attachments"][0]["name"], part["attachments"][0]["width"]) == ("a.png", 10)
        body = {"type": "conversation_part", "conversation_id": thread.id, "conversation_part_id": part["id"]}
        redacted = call.post("/conversations/redact", body).json["conversation_parts"]["conversation_parts"][0]
        assert (redacted["redacted"], redacted["attachments"]) == (True, [])
        assert redacted["body"] == "<p><i>This message was deleted</i></p>"

    def test_plain_text_keeps_links(self, workspace: Workspace, call: Caller, jo: Contact) -> None:
        thread = workspace.add_conversation([jo], '<p>See <a href="https://x.example">here</a> &amp; there</p>')
        workspace.reply(thread.id, "<b>ok</b>")
        shown = call.get(f"/conversations/{thread.id}?display_as=plaintext").json
        assert shown["source"]["body"] == "See here (https://x.example) & there"
        assert shown["conversation_parts"]["conversation_parts"][0]["body"] == "ok"

    def test_fields_that_nobody_documented(self, workspace: Workspace, call: Caller, thread: Conversation) -> None:
        workspace.set_conversation(thread.id, extra={"brand_new": {"a": 1}})
        assert call.get(f"/conversations/{thread.id}").json["brand_new"] == {"a": 1}

    def test_unknown_ones_are_404(self, call: Caller) -> None:
        assert call.get("/conversations/1").json["errors"][0]["message"] == "Resource Not Found"


class TestManyParts:
    def test_only_the_500_most_recent_come_but_all_are_counted(
        self, workspace: Workspace, call: Caller, thread: Conversation
    ) -> None:
        for n in range(501):
            workspace.reply(thread.id, f"<p>{n}</p>", at=NOW + n)
        shown = call.get(f"/conversations/{thread.id}").json
        parts = shown["conversation_parts"]["conversation_parts"]
        assert (len(parts), parts[0]["body"], parts[-1]["body"]) == (500, "<p>1</p>", "<p>500</p>")
        assert shown["statistics"]["count_conversation_parts"] == 501


class TestStatistics:
    def test_times_and_counts(self, workspace: Workspace, call: Caller, thread: Conversation, jo: Contact) -> None:
        start, me = thread.created_at, workspace.me.id
        workspace.assign(thread.id, admin_id=me, at=start + 10)
        workspace.reply(thread.id, "<p>1</p>", by=me, at=start + 60)
        workspace.reply(thread.id, "<p>2</p>", by=jo, at=start + 100)
        workspace.reply(thread.id, "<p>3</p>", by=me, at=start + 220)
        workspace.close(thread.id, by=me, at=start + 300)
        workspace.reply(thread.id, "<p>4</p>", by=jo, at=start + 400)
        workspace.close(thread.id, by=me, at=start + 500)
        figures = call.get(f"/conversations/{thread.id}").json["statistics"]
        assert (
            figures
            | {
                "time_to_assignment": 10,
                "time_to_admin_reply": 60,
                "time_to_first_close": 300,
                "time_to_last_close": 500,
                "median_time_to_reply": 90,
                "first_contact_reply_at": start,
                "first_admin_reply_at": start + 60,
                "last_contact_reply_at": start + 400,
                "last_close_at": start + 500,
                "last_closed_by_id": me,
                "count_reopens": 1,
                "count_assignments": 1,
                "count_conversation_parts": 7,
            }
            == figures
        )

    def test_a_contacts_reply_to_a_closed_one_reopens_with_a_part_of_type_open(
        self, workspace: Workspace, call: Caller, thread: Conversation, jo: Contact
    ) -> None:
        workspace.close(thread.id)
        workspace.reply(thread.id, "<p>Still broken</p>", by=jo)
        shown = call.get(f"/conversations/{thread.id}").json
        last = shown["conversation_parts"]["conversation_parts"][-1]
        assert (shown["state"], last["part_type"], last["body"]) == ("open", "open", "<p>Still broken</p>")
        assert shown["waiting_since"] == NOW


class TestActing:
    def test_close_open_snooze(self, sim: Handle, call: Caller, thread: Conversation) -> None:
        me = sim.workspace.me.id
        path = f"/conversations/{thread.id}/parts"
        closed = call.post(path, {"message_type": "close", "type": "admin", "admin_id": me, "body": "Goodbye"}).json
        assert (closed["state"], closed["open"]) == ("closed", False)
        assert closed["conversation_parts"]["conversation_parts"][-1]["body"] == "<p>Goodbye</p>"
        assert call.post(path, {"message_type": "open", "admin_id": me}).json["state"] == "open"
        body = {"message_type": "snoozed", "admin_id": me, "snoozed_until": NOW + 60}
        snoozed = call.post(path, body).json
        assert (snoozed["state"], snoozed["open"], snoozed["snoozed_until"]) == ("snoozed", True, NOW + 60)
        assert call.post(path, {**body, "snoozed_until": NOW - 1}).status == 400

    def test_assigning_to_people_teams_and_nobody(
        self, workspace: Workspace, call: Caller, thread: Conversation
    ) -> None:
        team, me, path = (
            workspace.add_team("Billing", [workspace.me]),
            workspace.me.id,
            f"/conversations/{thread.id}/parts",
        )
        body = {"message_type": "assignment", "type": "admin", "admin_id": me}
        assert call.post(path, {**body, "assignee_id": me}).json["admin_assignee_id"] == int(me)
        assert call.post(path, {**body, "type": "team", "assignee_id": team.id}).json["team_assignee_id"] == int(
            team.id
        )
        assert call.post(path, {**body, "assignee_id": "0"}).json["admin_assignee_id"] == 0
        assert call.post(path, {**body, "assignee_id": "77"}).code == "admin_not_found"
        workspace.close(thread.id)
        last = call.post(path, {**body, "assignee_id": me}).json["conversation_parts"]["conversation_parts"][-1]
        assert last["part_type"] == "assign_and_reopen"

    def test_replies_and_notes(self, workspace: Workspace, call: Caller, thread: Conversation, jo: Contact) -> None:
        path, me = f"/conversations/{thread.id}/reply", workspace.me.id
        admin = {"type": "admin", "admin_id": me, "body": "1 < 2"}
        shown = call.post(path, {**admin, "message_type": "comment"}).json
        last = shown["conversation_parts"]["conversation_parts"][-1]
        assert (last["part_type"], last["body"], last["author"]["id"]) == ("comment", "<p>1 &lt; 2</p>", me)
        assert shown["waiting_since"] is None
        assert shown["teammates"]["admins"] == [{"type": "admin", "id": me}]
        note = call.post(path, {**admin, "message_type": "note"}).json["conversation_parts"]["conversation_parts"][-1]
        assert note["part_type"] == "note"
        user = {"type": "user", "message_type": "comment", "body": "<p>Hi</p>"}
        for who in ({"intercom_user_id": jo.id}, {"user_id": "u1"}, {"email": "jo@acme.example"}):
            assert call.post(path, {**user, **who}).status == 200
        assert call.post(path, {**user, "user_id": "nobody"}).status == 404
        assert call.post(path, {**admin, "message_type": "comment", "admin_id": "1"}).status == 404
        assert call.post(path, {"type": "admin", "admin_id": me, "message_type": "comment"}).status == 400

    def test_put_changes_title_read_company_and_known_attributes(
        self, workspace: Workspace, call: Caller, thread: Conversation
    ) -> None:
        path, before = f"/conversations/{thread.id}", thread.updated_at
        shown = call.put(path, {"read": True}).json
        assert (shown["read"], shown["updated_at"]) == (True, before)
        assert call.put(path, {"title": "New"}).json["title"] == "New"
        assert call.put(path, {"state": "closed"}).status == 400
        reply = call.put(path, {"custom_attributes": {"issue": "Bug"}})
        assert reply.json["errors"][0]["message"] == "Conversation attribute 'issue' does not exist"
        workspace.define_conversation_attribute("issue")
        assert call.put(path, {"custom_attributes": {"issue": "Bug"}}).json["custom_attributes"] == {"issue": "Bug"}
        workspace.define_conversation_attribute("issue")
        assert call.put(path, {"custom_attributes": {"issue": "x"}}).code == "INVALID_PARAMETER"
        assert [a["name"] for a in call.get("/conversations/attributes").json["data"]] == ["issue", "issue"]

    def test_rating_and_tags(self, workspace: Workspace, call: Caller, thread: Conversation, jo: Contact) -> None:
        workspace.assign(thread.id, admin_id=workspace.me.id)
        workspace.rate(thread.id, 2, "Slow")
        workspace.tag(thread.id, "bug")
        shown = call.get(f"/conversations/{thread.id}").json
        rating = shown["conversation_rating"]
        assert (rating["rating"], rating["remark"], rating["created_at"]) == (2, "Slow", NOW)
        assert rating["contact"] == {"type": "contact", "id": jo.id, "external_id": "u1"}
        assert rating["teammate"] == {"type": "admin", "id": workspace.me.id}
        assert shown["tags"]["tags"][0]["name"] == "bug"


class TestDeleting:
    def test_deleted_ones_are_listed_newest_first(
        self, sim: Handle, workspace: Workspace, call: Caller, jo: Contact
    ) -> None:
        threads = [workspace.add_conversation([jo]) for _ in range(3)]
        for n, one in enumerate(threads):
            sim.clock.advance(1)
            reply = call.delete(f"/conversations/{one.id}" + ("?retain_metrics=false" if n == 0 else ""))
            assert reply.json == {"id": one.id, "object": "conversation", "deleted": True}
            assert call.get(f"/conversations/{one.id}").status == 404
        first = call.get("/conversations/deleted?per_page=2").json
        assert first["type"] == "conversations.list"
        assert [c["id"] for c in first["conversations"]] == [threads[2].id, threads[1].id]
        assert (first["total_count"], first["pages"]["total_pages"]) == (3, 2)
        second = call.get(first["pages"]["next"].removeprefix(call.handle.url)).json
        assert second["conversations"] == [
            {"type": "conversation", "id": threads[0].id, "metrics_retained": False, "deleted_at": NOW + 1}
        ]
        assert second["pages"]["next"] is None
        oldest = call.get("/conversations/deleted?order=asc").json["conversations"][0]
        assert oldest["id"] == threads[0].id

    def test_sixty_a_page_at_most(self, call: Caller) -> None:
        assert call.get("/conversations/deleted?per_page=61").status == 400

    def test_losing_the_metrics_needs_its_own_scope(self, sim: Handle, call: Caller, thread: Conversation) -> None:
        sim.access.drop_scope("Delete conversations and metrics")
        assert call.delete(f"/conversations/{thread.id}?retain_metrics=false").status == 403
        assert call.delete(f"/conversations/{thread.id}").status == 200


class TestTickets:
    def test_a_ticket_shares_the_id_of_its_conversation(
        self, workspace: Workspace, call: Caller, thread: Conversation
    ) -> None:
        workspace.make_ticket(thread.id, title="Broken export", state="in_progress")
        shown = call.get(f"/tickets/{thread.id}").json
        assert (shown["type"], shown["id"], shown["ticket_id"]) == ("ticket", thread.id, "1")
        assert (shown["ticket_state"]["category"], shown["ticket_type"]["name"]) == ("in_progress", "Bug Report")
        assert shown["ticket_attributes"]["_default_title_"] == "Broken export"
        assert call.get(f"/conversations/{thread.id}").json["ticket"]["id"] == thread.id

    def test_search(self, workspace: Workspace, call: Caller, thread: Conversation, jo: Contact) -> None:
        workspace.add_conversation([jo])
        workspace.make_ticket(thread.id, title="Broken")
        query = {"field": "created_at", "operator": ">", "value": 1}
        listed = call.post("/tickets/search", {"query": query}).json
        assert (listed["type"], [t["id"] for t in listed["tickets"]]) == ("ticket.list", [thread.id])
        query = {"field": "category", "operator": "=", "value": "task"}
        assert call.post("/tickets/search", {"query": query}).json["total_count"] == 0
        assert call.get(f"/tickets/{workspace.add_conversation([jo]).id}").status == 404

    def test_without_the_scope_conversations_that_are_tickets_are_hidden(
        self, sim: Handle, workspace: Workspace, call: Caller, thread: Conversation, jo: Contact
    ) -> None:
        other = workspace.add_conversation([jo])
        workspace.make_ticket(thread.id, title="Broken")
        everything = {"field": "created_at", "operator": ">", "value": 1}
        assert call.search("conversations", everything).json["total_count"] == 2
        sim.access.drop_scope("Read tickets")
        found = call.search("conversations", everything).json
        assert [c["id"] for c in found["conversations"]] == [other.id]
        assert call.get("/conversations").json["total_count"] == 1
