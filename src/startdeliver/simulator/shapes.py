"""Records in the shapes of API 2.16 (the schemas and examples of its OpenAPI description)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator.model import (
    Admin,
    Audience,
    Company,
    Contact,
    ConversationAttribute,
    DataAttribute,
    Event,
    Team,
)
from startdeliver.simulator.naming import words
from startdeliver.simulator.people import PeopleVerbs
from startdeliver.simulator.state import State

MAX_INLINE = 10


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
        "id": record.id,
        "name": record.name,
        "email": record.email,
        "job_title": record.job_title,
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "has_inbox_seat": record.has_inbox_seat,
        "team_ids": record.team_ids,
    }


def team(record: Team) -> dict[str, Any]:
    return {"type": "team", "id": record.id, "name": record.name, "admin_ids": record.admin_ids}


# People


def _inline(contact_id: str, kind: str, ids: list[str], item: str) -> dict[str, Any]:
    """Return a sub-list: at most ten references, with the total and where the rest is."""
    return {
        "type": "list",
        "data": [{"type": item, "id": i, "url": f"/{kind}/{i}"} for i in ids[:MAX_INLINE]],
        "url": f"/contacts/{contact_id}/{kind}",
        "total_count": len(ids),
        "has_more": len(ids) > MAX_INLINE,
    }


_CONTACT_NULLS = words(
    "last_email_opened_at last_email_clicked_at language_override browser browser_version browser_language os "
    "android_app_name android_app_version android_device android_os_version android_sdk_version android_last_seen_at "
    "ios_app_name ios_app_version ios_device ios_os_version ios_sdk_version ios_last_seen_at "
    "utm_campaign utm_content utm_medium utm_source utm_term referrer enabled_push_messaging"
)


def contact(state: State, record: Contact) -> dict[str, Any]:
    subscriptions = {
        "type": "list",
        "data": [],
        "url": f"/contacts/{record.id}/subscriptions",
        "total_count": 0,
        "has_more": False,
    }
    return {
        "type": "contact",
        "id": record.id,
        "workspace_id": state.id_code,
        "external_id": record.external_id,
        "role": record.role,
        "email": record.email,
        "email_domain": record.email.rpartition("@")[2] if record.email else None,
        "phone": record.phone,
        "name": record.name,
        "avatar": {"type": "avatar", "image_url": record.avatar} if record.avatar else None,
        "owner_id": record.owner_id,
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": record.unsubscribed_from_emails,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "signed_up_at": record.signed_up_at,
        "last_seen_at": record.last_seen_at,
        "last_replied_at": record.last_replied_at,
        "last_contacted_at": record.last_contacted_at,
        **dict.fromkeys(_CONTACT_NULLS),
        "location": {
            "type": "location",
            "country": None,
            "region": None,
            "city": None,
            "country_code": None,
            "continent_code": None,
        },
        "custom_attributes": record.custom_attributes,
        "tags": _inline(record.id, "tags", record.tag_ids, "tag"),
        "notes": _inline(record.id, "notes", record.note_ids, "note"),
        "companies": _inline(record.id, "companies", record.company_ids, "company"),
        "opted_out_subscription_types": subscriptions,
        "opted_in_subscription_types": subscriptions,
    }


def contact_reference(record: Contact, **more: Any) -> dict[str, Any]:
    return {"type": "contact", "id": record.id, "external_id": record.external_id, **more}


def company(state: PeopleVerbs, record: Company) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "company",
        "company_id": record.company_id,
        "id": record.id,
        "app_id": state.id_code,
        "name": record.name,
        "remote_created_at": record.remote_created_at,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "monthly_spend": record.monthly_spend,
        "session_count": record.session_count,
        "user_count": state.user_count(record),
        "tags": {
            "type": "tag.list",
            "tags": [{"type": "tag", "id": i, "name": state.tags[i].name} for i in record.tag_ids],
        },
        "segments": {"type": "segment.list", "segments": []},
        "plan": {"type": "plan", "id": plan_id(record.plan), "name": record.plan} if record.plan else {},
        "custom_attributes": record.custom_attributes,
    }
    for name in ("last_request_at", "size", "website", "industry"):
        if (value := getattr(record, name)) is not None:
            shown[name] = value
    return shown


def plan_id(name: str) -> str:
    """Return a stable number for a plan's name."""
    return str(sum(name.encode()) + 1000)


# Attributes, events, audiences


def data_attribute(state: State, record: DataAttribute) -> dict[str, Any]:
    shown: dict[str, Any] = {
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
        shown["options"] = record.options
    return shown


def conversation_attribute(state: State, record: ConversationAttribute) -> dict[str, Any]:
    shown: dict[str, Any] = {
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
        shown["options"] = [
            {"id": f"{record.id}-{n}", "label": label, "archived": False} for n, label in enumerate(record.options)
        ]
    elif record.data_type == "string":
        shown["multiline"] = False
    return shown


def event(record: Event, owner: Contact) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "event",
        "event_name": record.name,
        "created_at": record.created_at,
        "user_id": owner.external_id,
        "id": record.id,
        "intercom_user_id": owner.id,
        "email": owner.email,
    }
    if record.metadata:
        shown["metadata"] = record.metadata
    return shown


def audience(record: Audience) -> dict[str, Any]:
    return {
        "type": "audience",
        "id": record.id,
        "name": record.name,
        "predicates": record.predicates,
        "role_predicates": record.role_predicates,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }
