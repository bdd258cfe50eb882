"""The API of data events (OpenAPI 2.16, Data Events)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from startdeliver.simulator.api.access import Scope
from startdeliver.simulator.api.routing import Answer, Call, Routes
from startdeliver.simulator.errors import contact_not_found, invalid
from startdeliver.simulator.model.records import Contact
from startdeliver.simulator.search.searcher import check_per_page
from startdeliver.simulator.serializers.workspace import event

MAX_METADATA = 10

routes = Routes()


def _owner(call: Call, body: Mapping[str, Any], id_name: str) -> Contact:
    """Return the contact of an event. `id_name` is the parameter with the Intercom id."""
    workspace = call.workspace
    ids: set[str] = set()
    if body.get(id_name):
        ids = {str(body[id_name])}
    elif body.get("user_id"):
        ids = workspace.contacts_by_external.get(str(body["user_id"]), set())
    elif body.get("email"):
        ids = workspace.contacts_by_email.get(str(body["email"]).lower(), set())
    else:
        raise invalid(f"one of {id_name}, user_id or email is required", code="parameter_not_found")
    for contact_id in sorted(ids):
        contact = workspace.contacts.get(contact_id)
        # Leads are found only by their Intercom id (createDataEvent).
        if contact is not None and contact.active and (contact.role == "user" or body.get(id_name)):
            return contact
    raise contact_not_found()


@routes.post("/events", Scope.WRITE_EVENTS)
def create_event(call: Call) -> Answer:
    body = call.json()
    name, at = body.get("event_name"), body.get("created_at")
    if not isinstance(name, str) or not name:
        raise invalid("event_name is required", field="event_name", code="parameter_not_found")
    if isinstance(at, bool) or not isinstance(at, int):
        raise invalid("created_at is required, in unix seconds", field="created_at", code="parameter_not_found")
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise invalid("metadata must be an object", field="metadata", code="type_mismatch")
    for value in metadata.values():
        is_rich = isinstance(value, dict) and set(value) in ({"url", "value"}, {"amount", "currency"})
        if isinstance(value, list) or (isinstance(value, dict) and not is_rich):
            raise invalid("metadata does not accept nested values", field="metadata")
    owner = _owner(call, body, "id")
    call.workspace.add_event(owner.id, name, at=at, metadata=dict(list(metadata.items())[:MAX_METADATA]))
    return Answer(b"", 202)


@routes.get("/events", Scope.READ_EVENTS)
def list_events(call: Call) -> dict[str, Any]:
    """Return a contact's events of the last 90 days, or with `summary=true` the counts of all events."""
    if call.query.get("type") != "user":
        raise invalid("type must be user", field="type")
    owner = _owner(call, call.query, "intercom_user_id")
    if call.flag("summary"):
        return _summary(call, owner)
    per_page = check_per_page(call.query.get("per_page"), 50, 100)
    events = call.workspace.recent_events(owner.id)
    if before := call.query.get("before"):
        position = next((n for n, e in enumerate(events) if e.id == before), len(events) - 1)
        events = events[position + 1 :]
    pages: dict[str, Any] = {}
    if len(events) > per_page:
        pages["next"] = call.page_url(before=events[per_page - 1].id)
    return {
        "type": "event.list",
        "events": [event(e, owner) for e in events[:per_page]],
        "pages": pages,
        **_owner_fields(owner),
    }


def _summary(call: Call, owner: Contact) -> dict[str, Any]:
    times_by_name: dict[str, list[int]] = {}
    for record in call.workspace.events.get(owner.id, ()):
        times_by_name.setdefault(record.name, []).append(record.created_at)
    events = [
        {"name": name, "first": _iso(min(times)), "last": _iso(max(times)), "count": len(times), "description": name}
        for name, times in sorted(times_by_name.items())
    ]
    return {"type": "event.summary", "events": events, **_owner_fields(owner)}


def _owner_fields(owner: Contact) -> dict[str, Any]:
    return {"email": owner.email, "intercom_user_id": owner.id, "user_id": owner.external_id}


def _iso(seconds: int) -> str:
    """Return a time as text, as in data_event_summary_item."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
