"""Contacts and companies as the JSON objects of API 2.16 (the schemas and examples of its OpenAPI description)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator.model.people import People
from startdeliver.simulator.model.records import Company, Contact, Tag
from startdeliver.simulator.model.state import State

MAX_INLINE = 10


def _inline(contact_id: str, kind: str, ids: list[str], item: str) -> dict[str, Any]:
    """Return a list of at most ten references, with the total and the URL of the whole list."""
    return {
        "type": "list",
        "data": [{"type": item, "id": i, "url": f"/{kind}/{i}"} for i in ids[:MAX_INLINE]],
        "url": f"/contacts/{contact_id}/{kind}",
        "total_count": len(ids),
        "has_more": len(ids) > MAX_INLINE,
    }


_LOCATION_NULLS = ("country", "region", "city", "country_code", "continent_code")
_CONTACT_NULLS = (
    "last_email_opened_at last_email_clicked_at language_override browser browser_version browser_language os "
    "android_app_name android_app_version android_device android_os_version android_sdk_version android_last_seen_at "
    "ios_app_name ios_app_version ios_device ios_os_version ios_sdk_version ios_last_seen_at "
    "utm_campaign utm_content utm_medium utm_source utm_term referrer enabled_push_messaging"
).split()


def contact(state: State, record: Contact) -> dict[str, Any]:
    subscriptions = _inline(record.id, "subscriptions", [], "subscription")
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
        "location": {"type": "location", **dict.fromkeys(_LOCATION_NULLS)},
        "custom_attributes": record.custom_attributes,
        "tags": _inline(record.id, "tags", record.tag_ids, "tag"),
        "notes": _inline(record.id, "notes", record.note_ids, "note"),
        "companies": _inline(record.id, "companies", record.company_ids, "company"),
        "opted_out_subscription_types": subscriptions,
        "opted_in_subscription_types": subscriptions,
    }


def tag(record: Tag) -> dict[str, Any]:
    return {"type": "tag", "id": record.id, "name": record.name}


def contact_reference(record: Contact, **more: Any) -> dict[str, Any]:
    return {"type": "contact", "id": record.id, "external_id": record.external_id, **more}


def company(state: People, record: Company) -> dict[str, Any]:
    fields: dict[str, Any] = {
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
        "tags": {"type": "tag.list", "tags": [tag(state.tags[i]) for i in record.tag_ids]},
        "segments": {"type": "segment.list", "segments": []},
        "plan": {"type": "plan", "id": _plan_id(record.plan), "name": record.plan} if record.plan else {},
        "custom_attributes": record.custom_attributes,
    }
    for name in ("last_request_at", "size", "website", "industry"):
        if (value := getattr(record, name)) is not None:
            fields[name] = value
    return fields


def _plan_id(name: str) -> str:
    """Return a stable id for the name of a plan."""
    return str(sum(name.encode()) + 1000)
