"""The API of data attributes (OpenAPI 2.16, Data Attributes)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator.api.access import Scope
from startdeliver.simulator.api.routing import Call, Routes
from startdeliver.simulator.errors import ApiError, invalid
from startdeliver.simulator.serializers.workspace import data_attribute

routes = Routes()


def _standard(model: str, name: str, label: str, data_type: str, writable: bool) -> dict[str, Any]:
    return {
        "type": "data_attribute",
        "name": name.rpartition(".")[2],
        "full_name": name,
        "label": label,
        "description": "",
        "data_type": data_type,
        "api_writable": writable,
        "ui_writable": False,
        "messenger_writable": True,
        "custom": False,
        "archived": False,
        "model": model,
    }


# model, full name, label, data type, api_writable. Standard attributes have no id.
STANDARD = [
    _standard(*values)
    for values in (
        ("company", "name", "Company name", "string", True),
        ("company", "company_id", "Company ID", "string", False),
        ("company", "last_request_at", "Company last seen", "date", False),
        ("company", "remote_created_at", "Company created at", "date", True),
        ("company", "user_count", "People", "integer", False),
        ("company", "session_count", "Company web sessions", "integer", False),
        ("company", "plan.name", "Plan", "string", False),
        ("company", "monthly_spend", "Monthly Spend", "float", True),
        ("company", "size", "Company size", "integer", True),
        ("company", "industry", "Company industry", "string", True),
        ("company", "website", "Company website", "string", True),
        ("company", "id", "ID", "string", False),
        ("company", "created_at", "Created at", "date", False),
        ("company", "updated_at", "Updated at", "date", False),
        ("company", "plan.id", "Plan ID", "string", False),
        ("company", "app_id", "App ID", "string", False),
        ("contact", "role", "Type", "string", False),
        ("contact", "name", "Name", "string", True),
        ("contact", "owner_id", "Owner", "string", True),
        ("contact", "email", "Email", "string", True),
        ("contact", "phone", "Phone", "string", True),
        ("contact", "external_id", "User ID", "string", True),
        ("contact", "signed_up_at", "Signed up", "date", True),
        ("contact", "last_seen_at", "Last seen", "date", True),
        ("contact", "last_contacted_at", "Last contacted", "date", False),
        ("contact", "last_replied_at", "Last heard from", "date", False),
        ("contact", "created_at", "First seen", "date", False),
        ("contact", "updated_at", "Updated at", "date", False),
        ("contact", "unsubscribed_from_emails", "Unsubscribed from emails", "boolean", True),
        ("contact", "id", "ID", "string", False),
        ("contact", "workspace_id", "Workspace ID", "string", False),
    )
]


@routes.get("/data_attributes", Scope.READ_LIST)
def list_data_attributes(call: Call) -> dict[str, Any]:
    """List standard and custom attributes. model=conversation is refused since 2.16."""
    model = call.query.get("model")
    if model == "conversation" and call.version >= (2, 16):
        raise ApiError(
            422,
            "parameter_invalid",
            "model=conversation is no longer supported. Use GET /conversations/attributes instead",
        )
    if model not in (None, "contact", "company", "conversation"):
        raise invalid("model must be contact or company", field="model")
    include_archived = call.flag("include_archived")
    custom = [
        data_attribute(call.workspace, a)
        for a in call.workspace.attributes.values()
        if model in (None, a.model) and (include_archived or not a.archived)
    ]
    return {"type": "list", "data": [dict(a) for a in STANDARD if model in (None, a["model"])] + custom}


def _options(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise invalid("Options isn't an array")
    labels = [o.get("value") if isinstance(o, dict) else None for o in value]
    if len(labels) < 2 or not all(isinstance(label, str) for label in labels):
        raise invalid("The Data Attribute must have at least two options")
    return [str(label) for label in labels]


@routes.post("/data_attributes", Scope.WRITE_ATTRIBUTES)
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
    return data_attribute(call.workspace, attribute)


@routes.put("/data_attributes/{id}", Scope.WRITE_ATTRIBUTES)
def update_attribute(call: Call) -> dict[str, Any]:
    """Change archived, description, options or messenger_writable. The type and the name never change."""
    attribute = call.workspace.attributes.get(int(call.id)) if call.id.isdecimal() else None
    if attribute is None:
        raise ApiError(404, "field_not_found", "We couldn't find that data attribute to update")
    body = call.json()
    for name in body:
        if name not in ("archived", "description", "options", "messenger_writable"):
            raise invalid(f"{name} cannot be changed", field=name)
    if body.get("archived") and attribute.has_dependants:
        raise ApiError(422, "data_invalid", "The Data Attribute you are trying to archive has a dependant object")
    if "options" in body:
        attribute.options = _options(body["options"])
    if "description" in body:
        attribute.description = str(body["description"] or "")
    attribute.messenger_writable = bool(body.get("messenger_writable", attribute.messenger_writable))
    attribute.archived = bool(body.get("archived", attribute.archived))
    attribute.updated_at = call.workspace.seconds()
    return data_attribute(call.workspace, attribute)
