"""ticket: one support conversation. Read only; a single answer carries the thread."""

from __future__ import annotations

import html
import re
from typing import Any

import nh3
from django.db.models import Exists, OuterRef, Q, QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, Row, register
from startdeliver.api.kinds import ID, Boolean, Choice, Ids, Integer, Moment, Object, Text, Words
from startdeliver.support.listing import overdue_q
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.support.threads import Entry, thread_entries

_LINE_ENDS = re.compile(r"<br\s*/?>|</(?:p|div|li|h[1-6]|tr|blockquote|pre)>", re.IGNORECASE)
_MANY_LINES = re.compile(r"\n{3,}")


def _rows(context: Context) -> QuerySet[Any]:
    return Ticket.objects.all()


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
    shape="array",
    properties=(
        ("id", {"type": "string"}),
        ("kind", {"type": "string", "description": "message, note (internal) or event"}),
        ("type", {"type": "string", "description": "Intercom's part type"}),
        ("createdAt", {"type": "string", "format": "date-time"}),
        ("author", {"type": "object", "description": "kind (user, team or bot), id, name, email"}),
        ("html", {"type": "string", "description": "sanitised"}),
        ("text", {"type": "string"}),
        ("attachments", {"type": "array", "items": {"type": "object"}}),
        ("redacted", {"type": "boolean"}),
    ),
)

TICKET = register(
    Entity(
        name="ticket",
        plural="tickets",
        description="One support conversation with its state; a single answer has its messages too.",
        model=Ticket,
        rows=_rows,
        attach=_attach_users,
        detail=_detail,
        fields=(
            common.IDENTITY,
            Field(
                name="externalId",
                kind=Text(128),
                column="external_id",
                nullable=False,
                description="Intercom's conversation id.",
            ),
            Field(name="workspace", kind=Text(64), column="workspace", nullable=False),
            Field(name="link", kind=Text(500), column="link", description="The conversation in Intercom."),
            Field(name="title", kind=Text(500), column="title"),
            Field(name="preview", kind=Text(300), column="preview"),
            Field(name="status", kind=Choice(tuple(Ticket.Status.values)), column="status", nullable=False),
            Field(name="snoozed", kind=Boolean(), column="snoozed", nullable=False),
            Field(name="snoozedUntil", kind=Moment(), column="snoozed_until"),
            Field(
                name="overdue",
                kind=Boolean(),
                needs=("status", "clock_from"),
                read=_overdue,
                narrow=_narrow_overdue,
                nullable=False,
                description="Open for longer than the rule for support health allows.",
            ),
            Field(name="priority", kind=Text(32), column="priority"),
            Field(name="channel", kind=Text(32), column="channel"),
            Field(name="customerId", kind=ID, column="customer_id", description="Null: unassigned."),
            Field(
                name="userIds",
                kind=Ids(),
                needs=(),
                read=lambda row, context: row["user_ids"],
                narrow=_narrow_user,
                nullable=False,
                description="The matched users in the conversation.",
            ),
            Field(name="assigneeId", kind=Text(64), column="assignee_ref", description="Intercom's admin id."),
            Field(name="assigneeName", kind=Text(255), column="assignee_name"),
            Field(name="teamId", kind=Text(64), column="team_ref"),
            Field(name="teamName", kind=Text(255), column="team_name"),
            Field(name="tags", kind=Words(), column="tags", nullable=False),
            Field(
                name="messageCount",
                kind=Integer(),
                column="message_count",
                nullable=False,
                description="Stored messages, the first one included.",
            ),
            Field(
                name="partCount",
                kind=Integer(),
                column="part_count",
                nullable=False,
                description="Parts that Intercom says it has.",
            ),
            Field(name="storedPartCount", kind=Integer(), column="stored_part_count", nullable=False),
            Field(
                name="incomplete",
                kind=Boolean(),
                column="incomplete",
                nullable=False,
                description="Intercom withholds parts of it (over 500).",
            ),
            Field(name="reopenCount", kind=Integer(), column="reopen_count", nullable=False),
            Field(name="rating", kind=Integer(), column="rating", description="1 to 5."),
            Field(name="ratingRemark", kind=Text(), column="rating_remark"),
            Field(name="ratedAt", kind=Moment(), column="rated_at"),
            Field(name="slaName", kind=Text(255), column="sla_name"),
            Field(name="slaStatus", kind=Text(32), column="sla_status"),
            Field(name="ticketType", kind=Text(255), column="ticket_type", description="Of Intercom's own Ticket."),
            Field(name="ticketState", kind=Text(255), column="ticket_state"),
            Field(name="createdAt", kind=Moment(), column="created_at", nullable=False),
            Field(name="updatedAt", kind=Moment(), column="updated_at", nullable=False),
            Field(name="waitingSince", kind=Moment(), column="waiting_since"),
            Field(name="firstReplyAt", kind=Moment(), column="first_reply_at"),
            Field(name="firstReplySeconds", kind=Integer(), column="first_reply_seconds"),
            Field(name="resolvedAt", kind=Moment(), column="resolved_at"),
            Field(name="resolutionSeconds", kind=Integer(), column="resolution_seconds"),
            Field(name="syncedAt", kind=Moment(), column="synced_at", nullable=False),
            Field(name="messages", kind=_MESSAGES, in_list=False, nullable=False, description="Single answers only."),
        ),
    )
)
