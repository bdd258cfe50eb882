"""The searchable fields of conversations, contacts and tickets: their types, and how to read them from a record.

The lists are those of API 2.16 (searchConversations, SearchContacts, searchTickets).
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any

from startdeliver.simulator.model.records import Contact, Conversation
from startdeliver.simulator.model.statistics import statistics
from startdeliver.simulator.search.query import Field

_TAGS = re.compile(r"<[^>]*>")

STRING, INTEGER, DATE, BOOLEAN = Field("string"), Field("integer"), Field("date"), Field("boolean")

_STATISTICS_TIMES = (
    "first_contact_reply_at first_assignment_at first_admin_reply_at first_close_at last_assignment_at "
    "last_assignment_admin_reply_at last_contact_reply_at last_admin_reply_at last_close_at"
).split()
_STATISTICS_NUMBERS = (
    "time_to_assignment time_to_admin_reply time_to_first_close time_to_last_close median_time_to_reply "
    "count_reopens count_assignments count_conversation_parts"
).split()

_RATING_ATTRIBUTES = {
    "requested_at": "created_at",
    "replied_at": "created_at",
    "score": "rating",
    "remark": "remark",
    "contact_id": "contact_id",
    "admin_d": "admin_id",
}

CONVERSATION_FIELDS: dict[str, Field] = {
    "id": STRING,
    "created_at": DATE,
    "updated_at": DATE,
    "source.type": STRING,
    "source.id": STRING,
    "source.delivered_as": STRING,
    "source.subject": STRING,
    "source.body": Field("string", words=True),
    "source.url": STRING,
    **{f"source.author.{n}": STRING for n in ("id", "type", "name", "email")},
    "contact_ids": STRING,
    "teammate_ids": STRING,
    "admin_assignee_id": INTEGER,
    "team_assignee_id": INTEGER,
    "channel_initiated": STRING,
    "open": BOOLEAN,
    "read": BOOLEAN,
    "state": STRING,
    "waiting_since": DATE,
    "snoozed_until": DATE,
    "tag_ids": STRING,
    "priority": STRING,
    **{f"statistics.{n}": DATE for n in _STATISTICS_TIMES},
    **{f"statistics.{n}": INTEGER for n in _STATISTICS_NUMBERS},
    "statistics.last_closed_by_id": STRING,
    "conversation_rating.requested_at": DATE,
    "conversation_rating.replied_at": DATE,
    "conversation_rating.score": INTEGER,
    "conversation_rating.remark": STRING,
    "conversation_rating.contact_id": STRING,
    "conversation_rating.admin_d": STRING,  # Spelled so in the list of fields.
    "ai_agent_participated": BOOLEAN,
    "ai_agent.resolution_state": STRING,
    "ai_agent.last_answer_type": STRING,
    "ai_agent.rating_remark": STRING,
    "ai_agent.source_type": STRING,
    "ai_agent.source_title": STRING,
    "ai_agent.rating": INTEGER,
}

TICKET_FIELDS: dict[str, Field] = {
    **dict.fromkeys(
        ("id", "title", "description", "category", "ticket_type_id", "contact_ids", "teammate_ids"), STRING
    ),
    **dict.fromkeys(("admin_assignee_id", "team_assignee_id", "state"), STRING),
    "created_at": DATE,
    "updated_at": DATE,
    "snoozed_until": DATE,
    "open": BOOLEAN,
}

_CONTACT_DATES = (
    "created_at signed_up_at updated_at last_seen_at last_contacted_at last_replied_at last_email_opened_at "
    "last_email_clicked_at ios_last_seen_at android_last_seen_at"
).split()
_CONTACT_STRINGS = (
    "id role name avatar owner_id phone formatted_phone external_id language_override browser browser_language os "
    "location.country location.region location.city ios_app_version ios_device ios_app_device ios_os_version "
    "ios_app_name ios_sdk_version android_app_version android_device android_app_name andoid_sdk_version segment_id"
).split()
CONTACT_FIELDS: dict[str, Field] = {
    **dict.fromkeys(_CONTACT_DATES, DATE),
    **dict.fromkeys(_CONTACT_STRINGS, STRING),
    "email": Field("string", folded=True),
    "email_domain": Field("string", folded=True),
    "unsubscribed_from_emails": BOOLEAN,
    "marked_email_as_spam": BOOLEAN,
    "has_hard_bounced": BOOLEAN,
    "tag_id": Field("string", equality_only=True),
}


def conversation_value(record: Conversation, name: str) -> Any:
    """Return the value that a search on `name` compares, or a list of which any element can match."""
    match name.split(".", 1):
        case ["statistics", figure]:
            figures = statistics(record, {})
            return None if figures is None else figures[figure]
        case ["source", "body"]:
            return _TAGS.sub(" ", record.source.body)
        case ["source", attribute]:
            return attrgetter(attribute)(record.source)
        case ["conversation_rating", attribute]:
            return None if record.rating is None else getattr(record.rating, _RATING_ATTRIBUTES[attribute])
        case ["ai_agent", key]:
            return None if record.ai_agent is None else record.ai_agent.get(key)
        case ["teammate_ids"]:
            return [p.author.id for p in record.parts if p.author.type == "admin"]
        case ["tag_ids"]:
            return [t.tag_id for t in record.tags]
        case ["channel_initiated"]:
            return record.source.type
        case ["ai_agent_participated"]:
            return record.ai_agent is not None
    return getattr(record, name)


def ticket_value(record: Conversation, name: str) -> Any:
    """Return the value that a ticket search on `name` compares. Category values are request, task, tracker."""
    ticket = record.ticket
    assert ticket is not None
    match name:
        case "title" | "description" | "ticket_type_id":
            return getattr(ticket, name)
        case "category":
            return "request"
        case "state":
            return ticket.state
        case "open":
            return ticket.state != "resolved"
        case "admin_assignee_id" | "team_assignee_id":
            return str(getattr(record, name))
        case "teammate_ids":
            return conversation_value(record, name)
    if name.startswith("ticket_attribute."):
        return None
    return getattr(record, name)


def contact_value(record: Contact, name: str) -> Any:
    """Return the value that a contact search on `name` compares."""
    match name:
        case "email_domain":
            return record.email.rpartition("@")[2] if record.email else None
        case "tag_id":
            return record.tag_ids
        case "formatted_phone":
            return record.phone
        case "marked_email_as_spam" | "has_hard_bounced":
            return False
    if name.startswith("custom_attributes."):
        return record.custom_attributes.get(name.removeprefix("custom_attributes."))
    return getattr(record, name, None)
