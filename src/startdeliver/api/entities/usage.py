"""usage: events that say "user X did Y at time Z", taken in one by one or in lists, each counted once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, Intake, Removal, Row, register
from startdeliver.api.errors import Invalid, TooLarge
from startdeliver.api.kinds import ID, Integer, Kind, Text, WrongType
from startdeliver.usage.models import UsageEvent
from startdeliver.usage.services import Item, Result, events_delete, ingest

MOST = 1_000
_BAD_ITEM = Result("error", "", "bad_item", "The item is no JSON object.")


class Milliseconds(Kind):
    """A point in time as milliseconds since 1970; in filters also ISO 8601."""

    ordered = True

    def parse(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return value
        if isinstance(value, str) and len(value) <= 40:
            try:
                moment = datetime.fromisoformat(value.strip())
            except ValueError:
                moment = None
            if moment is not None:
                return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        raise WrongType("must be milliseconds since 1970, or a time such as 2026-11-02T12:00:00Z")

    def from_text(self, text: str) -> object:
        return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) <= 16 else text

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"}


def _rows(context: Context) -> QuerySet[Any]:
    return UsageEvent.objects.all()


def _take(context: Context, body: Any) -> tuple[int, Any]:
    """One event (201, or the error of its field) or a list of them (200, with a result for each)."""
    if isinstance(body, dict):
        result = ingest(context.organization, [_item(body)])[0]
        if not result.ok:
            error = Invalid(result.message, field=result.field)
            error.code = result.code
            raise error
        return 201, {"status": result.status}
    if not isinstance(body, list):
        raise Invalid("The body must be one JSON object or a list of them.")
    if len(body) > MOST:
        raise TooLarge(f"A list has at most {MOST:,} events. Send it in parts.")
    places = [place for place, one in enumerate(body) if isinstance(one, dict)]
    results = [_BAD_ITEM] * len(body)
    for place, result in zip(
        places, ingest(context.organization, [_item(body[place]) for place in places]), strict=True
    ):
        results[place] = result
    return 200, {
        "result": [_said(one) for one in results],
        "stored": sum(one.status == "stored" for one in results),
        "duplicates": sum(one.status == "duplicate" for one in results),
        "errors": sum(not one.ok for one in results),
    }


def _item(one: dict[str, Any]) -> Item:
    return Item(
        user=one.get("userId"),
        usage_type=one.get("usageType"),
        timestamp=one.get("timestamp"),
        match_on=one.get("startdeliverUserFieldToMatchOn") or "email",
        external_id=one.get("eventId") or one.get("id") or "",
        quantity=one.get("quantity"),
    )


def _said(result: Result) -> dict[str, Any]:
    if result.ok:
        return {"status": result.status}
    return {"status": result.status, "code": result.code, "field": result.field or None, "message": result.message}


def _delete(context: Context, pk: int) -> None:
    events_delete(organization=context.organization, events=[pk])


def _event_id(row: Row, context: Context) -> str | None:
    return row["external_id"] or None


_ITEM = {
    "type": "object",
    "required": ["userId", "usageType"],
    "properties": {
        "userId": {
            "anyOf": [{"type": "string"}, {"type": "integer"}],
            "description": "The user, by the field of startdeliverUserFieldToMatchOn.",
        },
        "startdeliverUserFieldToMatchOn": {
            "type": "string",
            "default": "email",
            "description": "email, externalId, id, or the alias of a custom field on users.",
        },
        "usageType": {
            "anyOf": [{"type": "string"}, {"type": "integer"}],
            "description": "Alias, name or id of the usage type.",
        },
        "timestamp": {"type": "integer", "description": "Milliseconds since 1970, UTC; without it, now."},
        "eventId": {"type": "string", "maxLength": 255, "description": "Your own id of the event."},
        "quantity": {"type": "integer", "minimum": 1, "default": 1},
    },
}
_RESULT = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string", "enum": ["stored", "duplicate", "error"]},
        "code": {"type": "string", "description": "For example ambiguous_user, unknown_user, unknown_type."},
        "field": {"type": ["string", "null"]},
        "message": {"type": "string"},
    },
}

USAGE = register(
    Entity(
        name="usage",
        plural="usage events",
        description="One event: a user did something of a usage type at a time.",
        model=UsageEvent,
        rows=_rows,
        intake=Intake(
            take=_take,
            body={"oneOf": [_ITEM, {"type": "array", "items": _ITEM, "maxItems": MOST}]},
            one=_RESULT,
            many={
                "type": "object",
                "required": ["result", "stored", "duplicates", "errors"],
                "properties": {
                    "result": {"type": "array", "items": _RESULT},
                    "stored": {"type": "integer"},
                    "duplicates": {"type": "integer"},
                    "errors": {"type": "integer"},
                },
            },
            description="One event, or a list of at most 1,000 with a result for each. An event with the same user, "
            "type, timestamp and eventId is counted once, however often it is sent. What cannot be stored is reported; "
            "the rest is stored.",
        ),
        removal=Removal(
            remove=_delete,
            means="Deletes the event for good; usage health and last login follow within a minute. Answers what it "
            "was. The same event may be sent again.",
        ),
        fields=(
            common.IDENTITY,
            Field(name="userId", kind=ID, column="user_id", nullable=False),
            Field(name="usageTypeId", kind=ID, column="usage_type_id", nullable=False),
            Field(
                name="timestamp",
                kind=Milliseconds(),
                column="timestamp",
                nullable=False,
                description="Milliseconds since 1970, UTC.",
            ),
            Field(
                name="eventId",
                kind=Text(255),
                column="external_id",
                needs=("external_id",),
                read=_event_id,
                description="The sender's own id of the event.",
            ),
            Field(name="quantity", kind=Integer(), column="quantity", nullable=False),
        ),
    )
)
