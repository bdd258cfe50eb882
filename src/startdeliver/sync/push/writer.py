"""One write: the body that Intercom takes, and what becomes of each of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from startdeliver.intercom import (
    Conflict,
    Gone,
    IntercomClient,
    IntercomError,
    Invalid,
    Kind,
    NotFound,
    wire,
)
from startdeliver.sync.models import PushItem
from startdeliver.sync.push.plan import CORE, Values
from startdeliver.sync.push.queue import Item
from startdeliver.sync.push.sources import COMPANY

Reason = PushItem.Reason
_IDENTITY = (f"{CORE}email", f"{CORE}external_id")


@dataclass(slots=True)
class Done:
    """How a write ended. `sent`: what Intercom took (attribute or core key → value). `answer`: the record as Intercom
    has it now. `refused`: {key: sentence}. `merged_into`: the contact that took the place of this one."""

    item: Item
    sent: Values = field(default_factory=dict)
    answer: wire.Company | wire.Contact | None = None
    refused: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    sentence: str = ""
    merged_into: str = ""
    error: IntercomError | None = None


async def write(client: IntercomClient, item: Item, types: Mapping[str, str], ref: str = "") -> Done:
    """Writes one record. What Intercom refuses of it is left out and named, the rest is written all the same.

    `types`: data types by attribute name. `ref`: another contact than the item's own (a merge's survivor). Raises
    IntercomError only for what concerns every write: a dead token, a missing permission, the plan.
    """
    result = Done(item)
    left = dict(item.after)
    empty_text = False
    while left:
        body = body_of(left, types, item.role, empty_text=empty_text)
        try:
            if item.model == COMPANY:
                result.answer = await client.update_company(ref or item.ref, body)
            else:
                result.answer = await client.update_contact(ref or item.ref, body)
        except Conflict as error:
            clashing = [key for key in _IDENTITY if key in left]
            sentence = _conflict(error)
            if not clashing:
                return _failed(result, error, Reason.CONFLICT, sentence)
            for key in clashing:
                result.refused[key] = sentence
                del left[key]
            result.reason, result.sentence = Reason.CONFLICT, sentence
        except Invalid as error:
            if not empty_text and None in (left.get(key) for key in left):
                # Whether null clears a number or a date is not documented (spec, open questions); "" clears text.
                empty_text = True
                continue
            key = _blamed(error, left)
            if not key and left:
                return await _one_by_one(client, replace(item, after=left), types, ref, result)
            sentence = _refusal(error, key)
            result.refused[key] = sentence
            result.reason, result.sentence = Reason.REFUSED, sentence
            del left[key]
        except Gone as error:
            if not error.merged_into:
                return _failed(result, error, Reason.GONE, "This contact was merged in Intercom, so it gets no values.")
            result.merged_into = error.merged_into
            return result
        except NotFound as error:
            what = "company is deleted" if item.model == COMPANY else "contact is archived or deleted"
            return _failed(
                result, error, Reason.GONE, f"This {what} in Intercom, so nothing was written. The next sync notes it."
            )
        except IntercomError as error:
            if error.kind is Kind.CONFIG:
                raise
            return _failed(result, error, Reason.TRANSIENT, error.sentence)
        else:
            result.sent = left
            return result
    return result


async def _one_by_one(client: IntercomClient, item: Item, types: Mapping[str, str], ref: str, result: Done) -> Done:
    """Intercom does not say which of several values it refuses: each is sent for itself, so that one that it does not
    like keeps no other from its place."""
    for key, value in item.after.items():
        one = await write(client, replace(item, after={key: value}), types, ref)
        if one.merged_into or (one.reason and not one.refused):
            # It is about the record: what was sent before stands.
            result.reason, result.sentence, result.error = one.reason, one.sentence, one.error
            result.merged_into = "" if result.sent else one.merged_into
            result.refused |= {left: one.sentence for left in item.after if left not in result.sent}
            return result
        result.sent |= one.sent
        result.refused |= one.refused
        result.answer = one.answer or result.answer
        if one.reason:
            result.reason, result.sentence = one.reason, one.sentence
    return result


def body_of(values: Values, types: Mapping[str, str], role: str, *, empty_text: bool = False) -> dict[str, Any]:
    """The request: core fields beside `custom_attributes`. A cleared text is "", which is documented to clear; others
    are null, except on leads, where null has been refused (intercom-node#215)."""
    body: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for key, value in values.items():
        if key.startswith(CORE):
            body[key.removeprefix(CORE)] = value
        elif value is None:
            text = empty_text or role == "lead" or types.get(key) in ("string", "options", None)
            custom[key] = "" if text else None
        else:
            custom[key] = value
    if custom:
        body["custom_attributes"] = custom
    return body


def _failed(result: Done, error: IntercomError, reason: str, sentence: str) -> Done:
    result.error, result.reason, result.sentence = error, reason, sentence
    return result


def _blamed(error: Invalid, left: Values) -> str:
    """Which of the values Intercom complains about: the parameter it names, else one named in its message; "" when it
    names none."""
    named = (error.field or "").removeprefix("custom_attributes.")
    for key in left:
        if key.removeprefix(CORE) == named:
            return key
    for key in left:
        if f"'{key.removeprefix(CORE)}'" in error.sentence:
            return key
    return next(iter(left)) if len(left) == 1 else ""


def _refusal(error: Invalid, key: str) -> str:
    return f"Intercom refused {key.removeprefix(CORE)}: {error.sentence}"[:500]


def _conflict(error: Conflict) -> str:
    archived = "An archived contact" if error.archived else "Another contact"
    which = f" ({error.existing_id})" if error.existing_id else ""
    return (
        f"{archived} in Intercom{which} has this e-mail address or external ID already, so it was not written here. "
        "Merge the two in Intercom, or correct the value."
    )
