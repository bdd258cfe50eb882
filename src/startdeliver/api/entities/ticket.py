"""ticket: one support conversation. Read only; a single answer carries the thread."""

from __future__ import annotations

import html
import re
from typing import Any

import nh3
from django.db.models import Exists, OuterRef, Q

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, Object, Row, field_of
from startdeliver.common.values import Boolean, Ids, Words
from startdeliver.support.listing import overdue_q
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.support.threads import Entry, thread_entries

_field = field_of(Ticket)
_LINE_ENDS = re.compile(r"<br\s*/?>|</(?:p|div|li|h[1-6]|tr|blockquote|pre)>", re.IGNORECASE)
_MANY_LINES = re.compile(r"\n{3,}")


def _overdue(row: Row, context: Context) -> bool:
    return bool(row["status"] == Ticket.Status.OPEN and row["clock_from"] <= common.overdue_cutoff(context))


def _narrow_overdue(value: bool, context: Context) -> Q:
    overdue = overdue_q(context.organization)
    return overdue if value else ~overdue


def _narrow_user(value: int, context: Context) -> Q:
    return Q(Exists(TicketParticipant.objects.filter(ticket=OuterRef("pk"), user_id=value)))


def _attach_users(rows: list[Row], context: Context) -> None:
    users: dict[int, list[int]] = {row["pk"]: [] for row in rows}
    linked = TicketParticipant.objects.filter(ticket_id__in=users, user__isnull=False)
    for ticket_id, user_id in linked.order_by("pk").values_list("ticket_id", "user_id"):
        if user_id not in users[ticket_id]:
            users[ticket_id].append(user_id)
    for row in rows:
        row["user_ids"] = users[row["pk"]]


def plain_text(markup: str) -> str:
    """The text of sanitised HTML, a line for each block."""
    text = html.unescape(nh3.clean(_LINE_ENDS.sub("\n", markup), tags=set()))
    return _MANY_LINES.sub("\n\n", "\n".join(line.strip() for line in text.splitlines())).strip()


def message(entry: Entry) -> dict[str, Any]:
    """One entry of a thread as the API answers it."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "type": entry.type,
        "createdAt": entry.moment,
        "author": {"kind": entry.by.kind, "id": entry.by.id, "name": entry.by.name, "email": entry.by.email},
        "html": entry.html,
        "text": plain_text(entry.html),
        "attachments": [{"name": file.name, "type": file.type, "size": file.size} for file in entry.files],
        "redacted": entry.redacted,
    }


def _detail(pk: int, context: Context) -> dict[str, Any]:
    return {"messages": [message(entry) for entry in thread_entries(Ticket(pk=pk))]}


_MESSAGES = Object(
    many=True,
    properties={
        "id": {"type": "string"},
        "kind": {"type": "string", "description": "message, note (internal) or event"},
        "type": {"type": "string", "description": "Intercom's part type"},
        "createdAt": {"type": "string", "format": "date-time"},
        "author": {"type": "object", "description": "kind (user, team or bot), id, name, email"},
        "html": {"type": "string", "description": "sanitised"},
        "text": {"type": "string"},
        "attachments": {"type": "array", "items": {"type": "object"}},
        "redacted": {"type": "boolean"},
    },
)

TICKET = Entity(
    name="ticket",
    plural="tickets",
    description="One support conversation with its state; a single answer has its messages too.",
    model=Ticket,
    attach=_attach_users,
    detail=_detail,
    fields=(
        common.IDENTITY,
        _field("externalId", "", "Intercom's conversation id."),
        _field("workspace"),
        _field("link", "", "The conversation in Intercom."),
        _field("title"),
        _field("preview"),
        _field("status"),
        _field("snoozed"),
        _field("snoozedUntil"),
        Field(
            name="overdue",
            kind=Boolean(),
            needs=("status", "clock_from"),
            read=_overdue,
            narrow=_narrow_overdue,
            nullable=False,
            description="Open for longer than the rule for support health allows.",
        ),
        _field("priority"),
        _field("channel"),
        _field("customerId", "", "Null: unassigned."),
        Field(
            name="userIds",
            kind=Ids(),
            read=lambda row, context: row["user_ids"],
            narrow=_narrow_user,
            nullable=False,
            description="The matched users in the conversation.",
        ),
        _field("assigneeId", "assignee_ref", "Intercom's admin id."),
        _field("assigneeName"),
        _field("teamId", "team_ref"),
        _field("teamName"),
        _field("tags", kind=Words()),
        _field("messageCount", "", "Stored messages, the first one included."),
        _field("partCount", "", "Parts that Intercom says it has."),
        _field("storedPartCount"),
        _field("incomplete", "", "Intercom withholds parts of it (over 500)."),
        _field("reopenCount"),
        _field("rating", "", "1 to 5."),
        _field("ratingRemark"),
        _field("ratedAt"),
        _field("slaName"),
        _field("slaStatus"),
        _field("ticketType", "", "Of Intercom's own Ticket."),
        _field("ticketState"),
        _field("createdAt"),
        _field("updatedAt"),
        _field("waitingSince"),
        _field("firstReplyAt"),
        _field("firstReplySeconds"),
        _field("resolvedAt"),
        _field("resolutionSeconds"),
        _field("syncedAt"),
        Field(name="messages", kind=_MESSAGES, in_list=False, nullable=False, description="Single answers only."),
    ),
)
