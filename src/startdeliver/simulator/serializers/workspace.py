"""The workspace, teammates, attributes, events and audiences as the JSON objects of API 2.16 (OpenAPI description)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from startdeliver.simulator.model.records import (
    Admin,
    Audience,
    Contact,
    ConversationAttribute,
    DataAttribute,
    Event,
    Segment,
    Team,
)
from startdeliver.simulator.model.state import State


def me(state: State) -> dict[str, Any]:
    admin = state.me
    return {
        "type": "admin",
        "id": admin.id,
        "email": admin.email,
        "name": admin.name,
        "email_verified": True,
        "app": {
            "type": "app",
            "id_code": state.id_code,
            "name": state.name,
            "created_at": state.created_at,
            "secure": False,
            "identity_verification": False,
            "timezone": state.timezone,
            "region": state.region,
        },
        "avatar": {
            "type": "avatar",
            "image_url": "https://static.intercomassets.com/assets/default-avatars/admins/128.png",
        },
        "has_inbox_seat": admin.has_inbox_seat,
    }


def admin(record: Admin) -> dict[str, Any]:
    return {
        "type": "admin",
        **asdict(record),
        "away_mode_enabled": False,
        "away_mode_reassign": False,
    }


def team(record: Team) -> dict[str, Any]:
    return {"type": "team", **asdict(record)}


def segment(record: Segment) -> dict[str, Any]:
    return {"type": "segment", **asdict(record), "updated_at": record.created_at}


def data_attribute(state: State, record: DataAttribute) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": record.id,
        "type": "data_attribute",
        "name": record.name,
        "full_name": f"custom_attributes.{record.name}",
        "label": record.name,
        "description": record.description,
        "data_type": record.data_type,
        "api_writable": True,
        "ui_writable": False,
        "messenger_writable": record.messenger_writable,
        "custom": True,
        "archived": record.archived,
        "admin_id": state.me.id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "model": record.model,
    }
    if record.options is not None:
        fields["options"] = record.options
    return fields


def conversation_attribute(state: State, record: ConversationAttribute) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": "conversation_attribute",
        "id": record.id,
        "name": record.name,
        "description": "",
        "data_type": record.data_type,
        "required": False,
        "visible_to_team_ids": [],
        "archived": record.archived,
        "created_at": record.created_at,
        "updated_at": record.created_at,
        "admin_id": state.me.id,
    }
    if record.options is not None:
        fields["options"] = [
            {"id": f"{record.id}-{n}", "label": label, "archived": False} for n, label in enumerate(record.options)
        ]
    elif record.data_type == "string":
        fields["multiline"] = False
    return fields


def event(record: Event, owner: Contact) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": "event",
        "event_name": record.name,
        "created_at": record.created_at,
        "user_id": owner.external_id,
        "id": record.id,
        "intercom_user_id": owner.id,
        "email": owner.email,
    }
    if record.metadata:
        fields["metadata"] = record.metadata
    return fields


def audience(record: Audience) -> dict[str, Any]:
    return {"type": "audience", **asdict(record)}
