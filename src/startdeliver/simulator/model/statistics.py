"""The `statistics` object of a conversation, computed from its messages (OpenAPI 2.16, conversation_statistics)."""

from __future__ import annotations

from statistics import median
from typing import Any

from startdeliver.simulator.model.records import Conversation, Part

CONTACT = frozenset({"user", "lead", "contact"})
ASSIGNMENTS = frozenset({"assignment", "assign_and_reopen", "away_mode_assignment"})
REPLIES = frozenset({"comment", "open", "close", "assignment", "assign_and_reopen", "quick_reply"})


def first_contact_reply_at(conversation: Conversation) -> int | None:
    """Return when the contact first wrote: in the first message, or else in the first reply by a contact."""
    if conversation.source.author.type in CONTACT:
        return conversation.created_at
    return next((p.created_at for p in conversation.parts if p.author.type in CONTACT and _is_reply(p)), None)


def _is_reply(part: Part) -> bool:
    return part.body is not None and part.part_type in REPLIES


def statistics(conversation: Conversation, team_names: dict[int, str]) -> dict[str, Any] | None:
    """Return the object, or None while there is no reply. Durations are seconds, times are unix seconds."""
    parts = conversation.parts
    replies = [p for p in parts if _is_reply(p)]
    if not replies:
        return None
    start = first_contact_reply_at(conversation)
    after = [p for p in parts if start is not None and p.created_at >= start]
    admin = [p for p in after if p.author.type not in CONTACT and _is_reply(p)]
    contact = [p for p in parts if p.author.type in CONTACT and _is_reply(p)]
    closes = [p for p in after if p.part_type == "close"]
    assignments = [p for p in after if p.part_type in ASSIGNMENTS]
    reopens = [p for p in after if p.part_type in ("open", "assign_and_reopen")]
    before_reply = [a for a in assignments if not admin or a.created_at <= admin[0].created_at]
    last_assigned = assignments[-1].created_at if assignments else None
    waits = _waits(start, after)

    def since(at: int | None) -> int | None:
        return None if at is None or start is None else at - start

    first_reply = admin[0].created_at if admin else None
    first_close = closes[0].created_at if closes else None
    last_close = closes[-1].created_at if closes else None
    team = conversation.team_assignee_id
    response = (
        [{"team_id": team, "team_name": team_names.get(team, ""), "response_time": since(first_reply)}]
        if team and first_reply is not None
        else []
    )
    return {
        "type": "conversation_statistics",
        "time_to_assignment": since(before_reply[-1].created_at if before_reply else None),
        "time_to_admin_reply": since(first_reply),
        "time_to_first_close": since(first_close),
        "time_to_last_close": since(last_close),
        "median_time_to_reply": int(median(waits)) if waits else None,
        "first_contact_reply_at": start,
        "first_assignment_at": assignments[0].created_at if assignments else None,
        "first_admin_reply_at": first_reply,
        "first_close_at": first_close,
        "last_assignment_at": last_assigned,
        "last_assignment_admin_reply_at": next(
            (p.created_at for p in admin if last_assigned is not None and p.created_at >= last_assigned), None
        ),
        "last_contact_reply_at": contact[-1].created_at if contact else start,
        "last_admin_reply_at": admin[-1].created_at if admin else None,
        "last_close_at": last_close,
        "last_closed_by_id": closes[-1].author.id if closes else None,
        "count_reopens": len(reopens),
        "count_assignments": len(assignments),
        "count_conversation_parts": len(parts),
        "assigned_team_first_response_time": response,
        "assigned_team_first_response_time_in_office_hours": response,
        "handling_time": None if last_close is None or last_assigned is None else max(0, last_close - last_assigned),
        "adjusted_handling_time": None,
    }


def _waits(start: int | None, parts: list[Part]) -> list[int]:
    """Return the seconds from each first unanswered message of a contact to the reply."""
    waits: list[int] = []
    asked = start
    for part in parts:
        if not _is_reply(part):
            continue
        if part.author.type in CONTACT:
            asked = part.created_at if asked is None else asked
        elif asked is not None:
            waits.append(part.created_at - asked)
            asked = None
    return waits
