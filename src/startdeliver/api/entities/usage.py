"""usage: events that say "user X did Y at time Z", taken in one by one or in lists, each counted once."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Field as Described
from ninja import Schema
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Intake, Removal, field_of
from startdeliver.api.errors import Invalid, TooLarge
from startdeliver.common.values import BadValue, Kind, Moment, Text
from startdeliver.usage.models import UsageEvent
from startdeliver.usage.services import Item, Result, events_delete, ingest

MOST = 1_000
_BAD_ITEM = Result("error", "", "bad_item", "The item is no JSON object.")


class Milliseconds(Kind):
    """A point in time as milliseconds since 1970; in filters also ISO 8601."""

    ordered = True
    sentence = "Send milliseconds since 1970, or a time such as 2026-11-02T12:00:00Z."

    def parse(self, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return value
        if not isinstance(value, str):
            raise BadValue(self.sentence)
        return int(Moment().parse(value).timestamp() * 1000)

    def from_text(self, text: str) -> object:
        return int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) <= 16 else text

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"}


_field = field_of(UsageEvent)


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
    places = [place for place, item in enumerate(body) if isinstance(item, dict)]
    results = [_BAD_ITEM] * len(body)
    for place, result in zip(
        places, ingest(context.organization, [_item(body[place]) for place in places]), strict=True
    ):
        results[place] = result
    return 200, {
        "result": [_answer(result) for result in results],
        "stored": sum(result.status == "stored" for result in results),
        "duplicates": sum(result.status == "duplicate" for result in results),
        "errors": sum(not result.ok for result in results),
    }


def _item(item: dict[str, Any]) -> Item:
    return Item(
        user=item.get("userId"),
        usage_type=item.get("usageType"),
        timestamp=item.get("timestamp"),
        match_on=item.get("startdeliverUserFieldToMatchOn") or "email",
        external_id=item.get("eventId") or item.get("id") or "",
        quantity=item.get("quantity"),
    )


def _answer(result: Result) -> dict[str, Any]:
    if result.ok:
        return {"status": result.status}
    return {"status": result.status, "code": result.code, "field": result.field or None, "message": result.message}


def _delete(context: Context, pk: int) -> None:
    events_delete(organization=context.organization, events=[pk])


class UsageItem(Schema):
    """One event as a program sends it."""

    model_config = ConfigDict(alias_generator=to_camel)

    user_id: str | int = Described(description="The user, by the field of startdeliverUserFieldToMatchOn.")
    startdeliver_user_field_to_match_on: str = Described(
        "email", description="email, externalId, id, or the alias of a custom field on users."
    )
    usage_type: str | int = Described(description="Alias, name or id of the usage type.")
    timestamp: int | None = Described(None, description="Milliseconds since 1970, UTC; without it, now.")
    event_id: str = Described("", max_length=255, description="Your own id of the event.")
    quantity: int = Described(1, ge=1)


class UsageResult(Schema):
    """What became of one event."""

    status: Literal["stored", "duplicate", "error"]
    code: str = Described("", description="For example ambiguous_user, unknown_user, unknown_type.")
    field: str | None = None
    message: str = ""


class UsageResults(Schema):
    """What became of a list of events."""

    result: list[UsageResult]
    stored: int
    duplicates: int
    errors: int


USAGE = Entity(
    name="usage",
    plural="usage events",
    description="One event: a user did something of a usage type at a time.",
    model=UsageEvent,
    intake=Intake(
        take=_take,
        item=UsageItem,
        most=MOST,
        result=UsageResult,
        results=UsageResults,
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
        _field("userId"),
        _field("usageTypeId"),
        _field("timestamp", "", "Milliseconds since 1970, UTC.", kind=Milliseconds()),
        common.text_or_null("eventId", "external_id", Text(255), "The sender's own id of the event."),
        _field("quantity"),
    ),
)
