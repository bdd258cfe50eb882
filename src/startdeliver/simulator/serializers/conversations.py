"""Conversations and tickets as the JSON objects of API 2.16 (its OpenAPI description)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator.model.people import People
from startdeliver.simulator.model.records import Attachment, Author, Conversation, Part, Rating
from startdeliver.simulator.model.state import State
from startdeliver.simulator.model.statistics import first_contact_reply_at, statistics

MAX_PARTS = 500
TICKET_STATES = {
    "submitted": ("8353", "Submitted", "Submitted"),
    "in_progress": ("8354", "In progress", "In progress"),
    "waiting_on_customer": ("8355", "Waiting on customer", "Waiting on you"),
    "resolved": ("8356", "Resolved", "Resolved"),
}


def author(record: Author) -> dict[str, Any]:
    return {"type": record.type, "id": record.id, "name": record.name, "email": record.email}


def attachment(record: Attachment) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": "upload",
        "name": record.name,
        "url": record.url,
        "content_type": record.content_type,
        "filesize": record.filesize,
    }
    if record.width is not None:
        fields |= {"width": record.width, "height": record.height}
    return fields


def part(record: Part) -> dict[str, Any]:
    assigned = record.assigned_to
    return {
        "type": "conversation_part",
        "id": record.id,
        "part_type": record.part_type,
        "body": record.body,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "notified_at": record.notified_at,
        "assigned_to": {"type": assigned[0], "id": assigned[1]} if assigned else None,
        "author": author(record.author),
        "attachments": [attachment(a) for a in record.attachments],
        "external_id": record.external_id,
        "redacted": record.redacted,
        "metadata": {},
        "email_message_metadata": None,
        "state": record.state,
        "tags": [],
        "event_details": record.event_details,
        "app_package_code": None,
    }


def _contacts(state: State, record: Conversation) -> list[dict[str, Any]]:
    contacts = []
    for contact_id in record.contact_ids:
        contact = state.contacts.get(contact_id)
        contacts.append({"type": "contact", "id": contact_id, "external_id": contact.external_id if contact else None})
    return contacts


def _rating(record: Rating, contacts: list[dict[str, Any]]) -> dict[str, Any]:
    unknown = {"type": "contact", "id": record.contact_id, "external_id": None}
    return {
        "rating": record.rating,
        "remark": record.remark,
        "created_at": record.created_at,
        "updated_at": record.created_at,
        "contact": next((c for c in contacts if c["id"] == record.contact_id), unknown),
        "teammate": {"type": record.teammate_type, "id": record.admin_id},
    }


def conversation(state: People, record: Conversation, *, with_parts: bool, company_json: Any = None) -> dict[str, Any]:
    """Return a conversation. Lists and search never contain its parts; a single one contains the 500 most recent.

    `company_json` is its company, ready to encode.
    """
    source = record.source
    first_reply = first_contact_reply_at(record)
    teammates = list(dict.fromkeys(p.author.id for p in record.parts if p.author.type == "admin"))
    contacts = _contacts(state, record)
    fields: dict[str, Any] = {
        "type": "conversation",
        "id": record.id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "waiting_since": record.waiting_since,
        "snoozed_until": record.snoozed_until,
        "source": {
            "type": source.type,
            "id": source.id,
            "delivered_as": source.delivered_as,
            "subject": source.subject,
            "body": source.body,
            "author": author(source.author),
            "attachments": [attachment(a) for a in source.attachments],
            "url": source.url,
            "redacted": source.redacted,
        },
        "contacts": {"type": "contact.list", "contacts": contacts},
        "first_contact_reply": None
        if first_reply is None
        else {"created_at": first_reply, "type": source.type, "url": None},
        "admin_assignee_id": record.admin_assignee_id,
        "team_assignee_id": record.team_assignee_id,
        "company": company_json,
        "open": record.open,
        "state": record.state,
        "read": record.read,
        "tags": {
            "type": "tag.list",
            "tags": [
                {
                    "type": "tag",
                    "id": t.tag_id,
                    "name": state.tags[t.tag_id].name,
                    "applied_at": t.applied_at,
                    "applied_by": {"type": "admin", "id": t.applied_by},
                }
                for t in record.tags
            ],
        },
        "priority": record.priority,
        "sla_applied": {"type": "conversation_sla_summary", "sla_name": record.sla[0], "sla_status": record.sla[1]}
        if record.sla
        else None,
        "statistics": statistics(record, {int(t.id): t.name for t in state.teams.values()}),
        "conversation_rating": _rating(record.rating, contacts) if record.rating else None,
        "teammates": {"type": "admin.list", "admins": [{"type": "admin", "id": i} for i in teammates]}
        if teammates
        else None,
        "title": record.title,
        "custom_attributes": record.custom_attributes,
        "topics": {},
        "ticket": None
        if record.ticket is None
        else {"type": "ticket", "id": record.id, "ticket_id": record.ticket.number, "title": record.ticket.title},
        "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": False},
        "ai_agent": record.ai_agent,
        "ai_agent_participated": record.ai_agent is not None,
        "channel": {"initial": source.type, "current": source.type},
    }
    if with_parts:
        # The description does not say what total_count is beyond 500. Here it counts the parts of this answer,
        # while statistics.count_conversation_parts counts all parts.
        recent = [part(p) for p in record.parts[-MAX_PARTS:]]
        fields["conversation_parts"] = {
            "type": "conversation_part.list",
            "conversation_parts": recent,
            "total_count": len(recent),
        }
    fields.update(record.extra)
    return fields


def _ticket_state(name: str) -> dict[str, Any]:
    state_id, internal, external = TICKET_STATES[name]
    return {
        "type": "ticket_state",
        "id": state_id,
        "category": name,
        "internal_label": internal,
        "external_label": external,
    }


def _ticket_part(record: Part) -> dict[str, Any]:
    fields = {**part(record), "type": "ticket_part"}
    del fields["app_package_code"]
    return fields


def ticket(state: State, record: Conversation) -> dict[str, Any]:
    """Return the Ticket of a conversation that is one."""
    details = record.ticket
    assert details is not None
    parts = [_ticket_part(p) for p in record.parts[-MAX_PARTS:]]
    previous = TICKET_STATES[details.previous_state][0] if details.previous_state else None
    return {
        "type": "ticket",
        "id": record.id,
        "ticket_id": details.number,
        "ticket_attributes": {"_default_title_": details.title, "_default_description_": details.description or None},
        "ticket_state": _ticket_state(details.state),
        "ticket_type": {
            "type": "ticket_type",
            "id": details.ticket_type_id,
            "name": state.ticket_types[details.ticket_type_id],
            "description": "",
            "icon": "🎟️",
            "workspace_id": state.id_code,
            "archived": False,
            "created_at": state.created_at,
            "updated_at": state.created_at,
            "is_internal": False,
            "ticket_type_attributes": {"type": "list", "data": []},
            "category": "Customer",
        },
        "contacts": {"type": "contact.list", "contacts": _contacts(state, record)},
        "admin_assignee_id": record.admin_assignee_id,
        "team_assignee_id": record.team_assignee_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "ticket_parts": {"type": "ticket_part.list", "ticket_parts": parts, "total_count": len(parts)},
        "open": details.state != "resolved",
        **({} if record.snoozed_until is None else {"snoozed_until": record.snoozed_until}),
        "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": False},
        "category": "Customer",
        "is_shared": details.is_shared,
        "previous_ticket_state_id": previous,
    }
