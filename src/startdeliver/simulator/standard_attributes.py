"""The standard data attributes that GET /data_attributes lists beside the custom ones; they have no id."""

from __future__ import annotations

from typing import Any


def _attribute(model: str, name: str, label: str, data_type: str = "string", writable: bool = False) -> dict[str, Any]:
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


STANDARD: tuple[dict[str, Any], ...] = (
    _attribute("company", "name", "Company name", writable=True),
    _attribute("company", "company_id", "Company ID"),
    _attribute("company", "last_request_at", "Company last seen", "date"),
    _attribute("company", "remote_created_at", "Company created at", "date", writable=True),
    _attribute("company", "user_count", "People", "integer"),
    _attribute("company", "session_count", "Company web sessions", "integer"),
    _attribute("company", "plan.name", "Plan"),
    _attribute("company", "monthly_spend", "Monthly Spend", "float", writable=True),
    _attribute("company", "size", "Company size", "integer", writable=True),
    _attribute("company", "industry", "Company industry", writable=True),
    _attribute("company", "website", "Company website", writable=True),
    _attribute("company", "id", "ID"),
    _attribute("company", "created_at", "Created at", "date"),
    _attribute("company", "updated_at", "Updated at", "date"),
    _attribute("company", "plan.id", "Plan ID"),
    _attribute("company", "app_id", "App ID"),
    _attribute("contact", "role", "Type"),
    _attribute("contact", "name", "Name", writable=True),
    _attribute("contact", "owner_id", "Owner", writable=True),
    _attribute("contact", "email", "Email", writable=True),
    _attribute("contact", "phone", "Phone", writable=True),
    _attribute("contact", "external_id", "User ID", writable=True),
    _attribute("contact", "signed_up_at", "Signed up", "date", writable=True),
    _attribute("contact", "last_seen_at", "Last seen", "date", writable=True),
    _attribute("contact", "last_contacted_at", "Last contacted", "date"),
    _attribute("contact", "last_replied_at", "Last heard from", "date"),
    _attribute("contact", "created_at", "First seen", "date"),
    _attribute("contact", "updated_at", "Updated at", "date"),
    _attribute("contact", "unsubscribed_from_emails", "Unsubscribed from emails", "boolean", writable=True),
    _attribute("contact", "id", "ID"),
    _attribute("contact", "workspace_id", "Workspace ID"),
)
