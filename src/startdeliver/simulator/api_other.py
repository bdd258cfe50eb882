"""The rest of the API: the app itself, teammates, tags, attributes, events, audiences (OpenAPI 2.16)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from startdeliver.simulator import shapes
from startdeliver.simulator.access import (
    READ_ADMINS,
    READ_EVENTS,
    READ_LIST,
    READ_ONE_ADMIN,
    READ_TAGS,
    WRITE_ATTRIBUTES,
    WRITE_EVENTS,
    WRITE_USERS,
)
from startdeliver.simulator.errors import ApiError, contact_not_found, invalid, resource_not_found
from startdeliver.simulator.model import Audience, Contact
from startdeliver.simulator.paging import check_per_page
from startdeliver.simulator.routing import Answer, Call, Routes
from startdeliver.simulator.standard_attributes import STANDARD

MAX_METADATA = 10
MAX_AUDIENCES = 50

routes = Routes()


@routes.get("/me")
def me(call: Call) -> dict[str, Any]:
    return shapes.me(call.workspace)


@routes.post("/auth/uninstall")
def uninstall(call: Call) -> dict[str, Any]:
    """Revoke the token: from now on it answers 401 token_revoked."""
    call.token.dead = "token_revoked"
    return {}


@routes.get("/admins", READ_ADMINS)
def admins(call: Call) -> dict[str, Any]:
    return {"type": "admin.list", "admins": [shapes.admin(a) for a in call.workspace.admins.values()]}


@routes.get("/admins/{id}", READ_ADMINS, READ_ONE_ADMIN)
def one_admin(call: Call) -> dict[str, Any]:
    found = call.workspace.admins.get(call.id)
    if found is None:
        raise ApiError(404, "admin_not_found", "Admin for admin_id not found")
    return shapes.admin(found)


@routes.get("/teams", READ_ADMINS)
def teams(call: Call) -> dict[str, Any]:
    return {"type": "team.list", "teams": [shapes.team(t) for t in call.workspace.teams.values()]}


@routes.get("/teams/{id}", READ_ADMINS)
def one_team(call: Call) -> dict[str, Any]:
    found = call.workspace.teams.get(call.id)
    if found is None:
        raise ApiError(404, "team_not_found", "Team not found")
    return shapes.team(found)


@routes.get("/tags", READ_TAGS)
def tags(call: Call) -> dict[str, Any]:
    return {
        "type": "list",
        "data": [{"type": "tag", "id": t.id, "name": t.name} for t in call.workspace.tags.values()],
    }


@routes.get("/segments", READ_LIST)
def segments(call: Call) -> dict[str, Any]:
    return {
        "type": "segment.list",
        "segments": [
            {
                "type": "segment",
                "id": s.id,
                "name": s.name,
                "created_at": s.created_at,
                "updated_at": s.created_at,
                "person_type": s.person_type,
            }
            for s in call.workspace.segments.values()
        ],
    }


# Data attributes


@routes.get("/data_attributes", READ_LIST)
def data_attributes(call: Call) -> dict[str, Any]:
    """Standard attributes have no id. model=conversation is gone since 2.16."""
    model = call.query.get("model")
    if model == "conversation" and call.version >= (2, 16):
        raise ApiError(
            422,
            "parameter_invalid",
            "model=conversation is no longer supported. Use GET /conversations/attributes instead",
        )
    if model not in (None, "contact", "company", "conversation"):
        raise invalid("model must be contact or company", field="model")
    everything = call.flag("include_archived")
    custom = [
        shapes.data_attribute(call.workspace, a)
        for a in call.workspace.attributes.values()
        if model in (None, a.model) and (everything or not a.archived)
    ]
    return {"type": "list", "data": [dict(a) for a in STANDARD if model in (None, a["model"])] + custom}


def _options(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise invalid("Options isn't an array")
    labels = [o.get("value") if isinstance(o, dict) else None for o in value]
    if len(labels) < 2 or not all(isinstance(label, str) for label in labels):
        raise invalid("The Data Attribute must have at least two options")
    return [str(label) for label in labels]


@routes.post("/data_attributes", WRITE_ATTRIBUTES)
def create_attribute(call: Call) -> dict[str, Any]:
    body = call.json()
    options = _options(body["options"]) if "options" in body and body.get("data_type") == "options" else None
    attribute = call.workspace.define_attribute(
        str(body.get("model")),
        body.get("name", ""),
        str(body.get("data_type")),
        options=options,
        description=str(body.get("description") or ""),
        messenger_writable=bool(body.get("messenger_writable", False)),
    )
    return shapes.data_attribute(call.workspace, attribute)


@routes.put("/data_attributes/{id}", WRITE_ATTRIBUTES)
def update_attribute(call: Call) -> dict[str, Any]:
    """Only archived, description, options and messenger_writable; type and name never change."""
    found = call.workspace.attributes.get(int(call.id)) if call.id.isdecimal() else None
    if found is None:
        raise ApiError(404, "field_not_found", "We couldn't find that data attribute to update")
    body = call.json()
    for name in body:
        if name not in ("archived", "description", "options", "messenger_writable"):
            raise invalid(f"{name} cannot be changed", field=name)
    if body.get("archived") and found.has_dependants:
        raise ApiError(422, "data_invalid", "The Data Attribute you are trying to archive has a dependant object")
    if "options" in body:
        found.options = _options(body["options"])
    if "description" in body:
        found.description = str(body["description"] or "")
    if "messenger_writable" in body:
        found.messenger_writable = bool(body["messenger_writable"])
    if "archived" in body:
        found.archived = bool(body["archived"])
    found.updated_at = call.workspace.seconds()
    return shapes.data_attribute(call.workspace, found)


# Events


def _owner(call: Call, body: dict[str, Any] | Any, id_name: str) -> Contact:
    workspace = call.workspace
    ids: set[str] = set()
    if body.get(id_name):
        ids = {str(body[id_name])}
    elif body.get("user_id"):
        # By external id only users are found: leads need their Intercom id (createDataEvent).
        by_external = workspace.contacts_by_external.get(str(body["user_id"]), set())
        ids = {i for i in by_external if workspace.contact(i).role == "user"}
    elif body.get("email"):
        by_mail = workspace.contacts_by_email.get(str(body["email"]).lower(), set())
        ids = {i for i in by_mail if workspace.contact(i).role == "user"}
    else:
        raise invalid(f"one of {id_name}, user_id or email is required", code="parameter_not_found")
    for contact_id in sorted(ids):
        found = workspace.contacts.get(contact_id)
        if found is not None and found.active:
            return found
    raise contact_not_found()


@routes.post("/events", WRITE_EVENTS)
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
        rich = isinstance(value, dict) and set(value) in ({"url", "value"}, {"amount", "currency"})
        if isinstance(value, list) or (isinstance(value, dict) and not rich):
            raise invalid("metadata does not accept nested values", field="metadata")
    owner = _owner(call, body, "id")
    call.workspace.add_event(owner.id, name, at=at, metadata=dict(list(metadata.items())[:MAX_METADATA]))
    return Answer(b"", 202)


@routes.get("/events", READ_EVENTS)
def list_events(call: Call) -> dict[str, Any]:
    """A contact's events of the last 90 days, or (`summary=true`) the counts of all of them."""
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
        "events": [shapes.event(e, owner) for e in events[:per_page]],
        "pages": pages,
        "email": owner.email,
        "intercom_user_id": owner.id,
        "user_id": owner.external_id,
    }


def _summary(call: Call, owner: Contact) -> dict[str, Any]:
    by_name: dict[str, list[int]] = {}
    for event in call.workspace.events.get(owner.id, ()):
        by_name.setdefault(event.name, []).append(event.created_at)
    return {
        "type": "event.summary",
        "email": owner.email,
        "intercom_user_id": owner.id,
        "user_id": owner.external_id,
        "events": [
            {
                "name": name,
                "first": _iso(min(times)),
                "last": _iso(max(times)),
                "count": len(times),
                "description": name,
            }
            for name, times in sorted(by_name.items())
        ],
    }


def _iso(seconds: int) -> str:
    """As data_event_summary_item shows moments: text, not unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


# Audiences


def _audience_fields(body: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if "name" in body:
        if not isinstance(body["name"], str) or not body["name"].strip():
            raise ApiError(422, "validation_error", "Name must not be blank")
        fields["name"] = body["name"]
    for group in ("predicates", "role_predicates"):
        if group in body:
            fields[group] = _predicates(body[group])
    return fields


def _predicates(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(p, dict) for p in value):
        raise ApiError(422, "validation_error", "Predicates must be an array")
    for predicate in value:
        for key in ("attribute", "type", "comparison", "value"):
            if key not in predicate:
                raise ApiError(422, "validation_error", f"Predicate {key} is required")
    return value


@routes.get("/audiences", READ_LIST, since=(2, 16))
def list_audiences(call: Call) -> dict[str, Any]:
    page = call.number("page", 1)
    per_page = check_per_page(call.query.get("per_page"), MAX_AUDIENCES, MAX_AUDIENCES)
    found = list(call.workspace.audiences.values())
    return {
        "type": "list",
        "data": [shapes.audience(a) for a in found[(page - 1) * per_page : page * per_page]],
        "total_count": len(found),
        "page": page,
        "per_page": per_page,
        "total_pages": -(-len(found) // per_page),
    }


@routes.post("/audiences", WRITE_USERS, since=(2, 16))
def create_audience(call: Call) -> Answer:
    body = call.json()
    if "name" not in body:
        raise ApiError(422, "validation_error", "Name is required")
    fields = {"predicates": [], "role_predicates": [], **_audience_fields(body)}
    now = call.workspace.seconds()
    audience = Audience(str(call.workspace.count("audience", 123)), created_at=now, updated_at=now, **fields)
    call.workspace.audiences[audience.id] = audience
    return Answer(shapes.audience(audience), 201)


def _audience(call: Call) -> Audience:
    found = call.workspace.audiences.get(call.id)
    if found is None:
        raise resource_not_found()
    return found


@routes.get("/audiences/{id}", READ_LIST, since=(2, 16))
def get_audience(call: Call) -> dict[str, Any]:
    return shapes.audience(_audience(call))


@routes.put("/audiences/{id}", WRITE_USERS, since=(2, 16))
def update_audience(call: Call) -> dict[str, Any]:
    audience = _audience(call)
    for name, value in _audience_fields(call.json()).items():
        setattr(audience, name, value)
    audience.updated_at = call.workspace.seconds()
    return shapes.audience(audience)


@routes.delete("/audiences/{id}", WRITE_USERS, since=(2, 16))
def delete_audience(call: Call) -> Answer:
    del call.workspace.audiences[_audience(call).id]
    return Answer(b"", 204)
