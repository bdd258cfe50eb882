"""The API of conversations and tickets (OpenAPI 2.16, Conversations and Tickets)."""

from __future__ import annotations

import html
import re
from dataclasses import asdict
from typing import Any

import msgspec

from startdeliver.simulator.api.access import Scope
from startdeliver.simulator.api.listing import MAX_PAGE, is_descending, page_of, parse_search
from startdeliver.simulator.api.routing import Call, Routes
from startdeliver.simulator.errors import ApiError, contact_not_found, invalid, resource_not_found
from startdeliver.simulator.model.records import Contact, Conversation
from startdeliver.simulator.search.fields import CONVERSATION_FIELDS, TICKET_FIELDS
from startdeliver.simulator.search.query import Field, Filter, Grammar
from startdeliver.simulator.search.searcher import Order, Page, check_per_page
from startdeliver.simulator.serializers import conversations
from startdeliver.simulator.serializers.workspace import conversation_attribute

LISTED, MAX_DELETED = 20, 60
_ANCHOR = re.compile(r'<a\b[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

routes = Routes()
_grammar = Grammar(CONVERSATION_FIELDS.get)


def _ticket_field(name: str) -> Field | None:
    return Field("string", sortable=False) if name.startswith("ticket_attribute.") else TICKET_FIELDS.get(name)


def _hide_tickets(call: Call, filter_: Filter) -> Filter:
    """Leave out conversations that are tickets, unless the app may read tickets (since August 2024)."""
    if Scope.READ_TICKETS in call.token.scopes or not call.workspace.ticket_types:
        return filter_
    hidden, inner = call.workspace.tickets, filter_.predicate
    return Filter(filter_.ranges, lambda get: get("id") not in hidden and (inner is None or inner(get)))


def _conversation_page(call: Call, page: Page) -> dict[str, Any]:
    return {
        "type": "conversation.list",
        "pages": page.pages(),
        "total_count": page.total,
        "conversations": [call.workspace.search_json(i) for i in page.ids],
    }


@routes.get("/conversations", Scope.READ_CONVERSATIONS)
def list_conversations(call: Call) -> dict[str, Any]:
    per_page = check_per_page(call.query.get("per_page"), LISTED, MAX_PAGE)
    tickets = Scope.READ_TICKETS in call.token.scopes
    page = call.workspace.conversation_search.page(
        _hide_tickets(call, Filter()), Order(), per_page, call.query.get("starting_after"), f"list {tickets}"
    )
    return _conversation_page(call, page)


@routes.post("/conversations/search", Scope.READ_CONVERSATIONS)
def search_conversations(call: Call) -> dict[str, Any]:
    search = parse_search(call, _grammar, LISTED)
    page = call.workspace.conversation_search.page(
        _hide_tickets(call, search.filter),
        search.order,
        search.per_page,
        search.cursor,
        f"{search.key} {Scope.READ_TICKETS in call.token.scopes}",
    )
    return _conversation_page(call, page)


def _conversation(call: Call) -> Conversation:
    record = call.workspace.conversations.get(call.id)
    if record is None:
        raise resource_not_found()
    return record


def _answer(call: Call, conversation_id: str) -> bytes:
    encoded = call.workspace.conversation_json(conversation_id)
    if encoded is None:
        raise resource_not_found()
    if call.query.get("display_as") != "plaintext":
        return encoded
    conversation = msgspec.json.decode(encoded)
    conversation["source"]["subject"] = _plain_text(conversation["source"]["subject"])
    conversation["source"]["body"] = _plain_text(conversation["source"]["body"])
    for part in conversation["conversation_parts"]["conversation_parts"]:
        part["body"] = _plain_text(part["body"])
    return msgspec.json.encode(conversation)


def _plain_text(text: str | None) -> str | None:
    """Return HTML as text. Links become `label (url)`."""
    if text is None:
        return None
    return html.unescape(_TAG.sub("", _ANCHOR.sub(r"\2 (\1)", text))).strip()


@routes.get("/conversations/{id}", Scope.READ_CONVERSATIONS)
def get_conversation(call: Call) -> bytes:
    return _answer(call, call.id)


@routes.get("/conversations/deleted", Scope.READ_CONVERSATIONS, since=(2, 16))
def deleted_conversations(call: Call) -> dict[str, Any]:
    descending = is_descending(call)
    deleted = sorted(call.workspace.deleted_conversations, key=lambda d: (d.deleted_at, d.id), reverse=descending)
    chosen, pages = page_of(call, deleted, LISTED, MAX_DELETED, order="desc" if descending else "asc")
    return {
        "type": "conversations.list",
        "total_count": len(deleted),
        "pages": pages,
        "conversations": [{"type": "conversation", **asdict(d)} for d in chosen],
    }


@routes.get("/conversations/attributes", Scope.READ_CONVERSATIONS, since=(2, 16))
def conversation_attributes(call: Call) -> dict[str, Any]:
    include_archived = call.flag("include_archived")
    return {
        "type": "list",
        "data": [
            conversation_attribute(call.workspace, a)
            for a in call.workspace.conversation_attributes.values()
            if include_archived or not a.archived
        ],
    }


@routes.put("/conversations/{id}", Scope.WRITE_CONVERSATIONS)
def update_conversation(call: Call) -> bytes:
    workspace, record, body = call.workspace, _conversation(call), call.json()
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name not in ("read", "title", "custom_attributes", "company_id"):
            raise invalid(f"{name} is not a writable parameter", field=name)
        values[name] = value
    if values.get("company_id") is not None:
        workspace.live_company(str(values["company_id"]))
    attributes = values.get("custom_attributes") or {}
    names = [a.name for a in workspace.conversation_attributes.values() if not a.archived]
    for name in attributes:
        if name not in names:
            raise invalid(f"Conversation attribute '{name}' does not exist", field=name)
        if names.count(name) > 1:
            raise invalid(f"There are several conversation attributes named '{name}'", code="INVALID_PARAMETER")
    workspace.set_conversation(record.id, touch=set(values) != {"read"}, **values)
    bot = workspace.bot_author()
    for _ in attributes:
        workspace.append_part(record.id, workspace.part("conversation_attribute_updated_by_admin", bot))
    return _answer(call, record.id)


@routes.delete("/conversations/{id}", Scope.WRITE_CONVERSATIONS)
def delete_conversation(call: Call) -> dict[str, Any]:
    record = _conversation(call)
    retain = call.query.get("retain_metrics", "true").lower() != "false"
    if not retain:
        call.need(Scope.DELETE_METRICS)
    call.workspace.delete_conversation(record.id, retain_metrics=retain)
    return {"id": record.id, "object": "conversation", "deleted": True}


# Acting on a conversation


def _admin(call: Call, body: dict[str, Any]) -> str:
    """Return the id of the admin who acts."""
    admin_id = str(body.get("admin_id", ""))
    if not admin_id:
        raise invalid("admin_id is required", field="admin_id", code="parameter_not_found")
    if admin_id not in call.workspace.admins:
        raise ApiError(404, "admin_not_found", "Admin not found")
    return admin_id


def _writer(call: Call, body: dict[str, Any]) -> Contact:
    """Return the contact of a reply, found by intercom_user_id, user_id (external id) or email."""
    workspace = call.workspace
    if body.get("intercom_user_id"):
        return workspace.live_contact(str(body["intercom_user_id"]))
    contact_ids: set[str] = set()
    if body.get("user_id"):
        contact_ids = workspace.contacts_by_external.get(str(body["user_id"]), set())
    elif body.get("email"):
        contact_ids = workspace.contacts_by_email.get(str(body["email"]).lower(), set())
    for contact_id in sorted(contact_ids):
        if (contact := workspace.contact(contact_id)).active:
            return contact
    raise contact_not_found()


def _html(text: Any) -> str:
    text = str(text or "")
    return text if text.lstrip().startswith("<") else f"<p>{html.escape(text, quote=False)}</p>"


@routes.post("/conversations/{id}/reply", Scope.WRITE_CONVERSATIONS)
def reply(call: Call) -> bytes:
    """Reply as an admin (comment or note) or on behalf of a contact. A body that is not HTML becomes a paragraph."""
    workspace, record, body = call.workspace, _conversation(call), call.json()
    kind, by = body.get("message_type"), body.get("type")
    if kind not in ("comment", "note", "quick_reply") or by not in ("admin", "user"):
        raise invalid("message_type must be comment or note, and type admin or user")
    if not body.get("body") and not body.get("attachment_urls") and not body.get("attachment_files"):
        raise invalid("body is required", field="body", code="parameter_not_found")
    writer_id = _writer(call, body).id if by == "user" else _admin(call, body)
    if kind == "note" and by == "admin":
        workspace.add_note(record.id, _html(body.get("body")), by=writer_id)
    else:
        workspace.reply(record.id, _html(body.get("body")), by=writer_id)
    return _answer(call, record.id)


@routes.post("/conversations/{id}/parts", Scope.WRITE_CONVERSATIONS)
def manage(call: Call) -> bytes:
    """Close, open, snooze or assign a conversation (manageConversation)."""
    workspace, record, body = call.workspace, _conversation(call), call.json()
    kind = body.get("message_type")
    if kind not in ("close", "open", "snoozed", "assignment"):
        raise invalid(f"message_type '{kind}' must be close, open, snoozed or assignment", field="message_type")
    admin_id = _admin(call, body)
    text = _html(body["body"]) if body.get("body") else None
    if kind == "close":
        workspace.close(record.id, by=admin_id, body=text)
    elif kind == "open":
        workspace.reopen(record.id, by=admin_id)
    elif kind == "snoozed":
        until = body.get("snoozed_until")
        if isinstance(until, bool) or not isinstance(until, int) or until <= workspace.seconds():
            raise invalid("snoozed_until must be a unix timestamp in the future", field="snoozed_until")
        workspace.snooze(record.id, until, by=admin_id)
    else:
        _assign(call, record.id, admin_id, body, text)
    return _answer(call, record.id)


def _assign(call: Call, conversation_id: str, admin_id: str, body: dict[str, Any], text: str | None) -> None:
    workspace, target = call.workspace, str(body.get("assignee_id", ""))
    if not target:
        raise invalid("assignee_id is required", field="assignee_id", code="parameter_not_found")
    if target in workspace.teams:
        workspace.assign(conversation_id, team_id=target, by=admin_id, body=text)
    elif target == "0" or target in workspace.admins:
        workspace.assign(conversation_id, admin_id=target, by=admin_id, body=text)
    else:
        kind = "team" if body.get("type") == "team" else "admin"
        raise ApiError(404, f"{kind}_not_found", f"{kind.capitalize()} not found")


@routes.post("/conversations/redact", Scope.WRITE_CONVERSATIONS)
def redact(call: Call) -> bytes:
    workspace, body = call.workspace, call.json()
    record = workspace.conversations.get(str(body.get("conversation_id")))
    missing = ApiError(404, "conversation_part_or_message_not_found", "Conversation part or message not found")
    refused = invalid("This part cannot be redacted", code="conversation_part_not_redactable")
    if record is None:
        raise missing
    if body.get("type") == "source":
        if str(body.get("source_id")) != record.source.id:
            raise missing
        if record.source.author.type not in ("user", "lead"):
            raise refused
        workspace.redact_part(record.id, record.source.id)
    else:
        part = next((p for p in record.parts if p.id == str(body.get("conversation_part_id"))), None)
        if part is None:
            raise missing
        if part.body is None:
            raise refused
        workspace.redact_part(record.id, part.id)
    return _answer(call, record.id)


# Tickets


@routes.post("/tickets/search", Scope.READ_TICKETS)
def search_tickets(call: Call) -> dict[str, Any]:
    workspace = call.workspace
    search = parse_search(call, Grammar(_ticket_field), LISTED)
    page = workspace.search_tickets(search.filter, search.order, search.per_page, search.cursor)
    return {
        "type": "ticket.list",
        "pages": page.pages(),
        "total_count": page.total,
        "tickets": [conversations.ticket(workspace, workspace.conversation(i)) for i in page.ids],
    }


@routes.get("/tickets/{id}", Scope.READ_TICKETS)
def get_ticket(call: Call) -> dict[str, Any]:
    record = call.workspace.conversations.get(call.id)
    if record is None or record.ticket is None:
        raise ApiError(404, "ticket_not_found", "Resource Not Found")
    return conversations.ticket(call.workspace, record)
