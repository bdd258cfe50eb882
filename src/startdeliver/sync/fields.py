"""Which side a field's value is taken from: the mapping, the three rules, and the one pure function that decides.

Values that come in are first brought into the form of the field here (`_NORMAL`), so that equal values compare equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from startdeliver.customers.models import Customer, CustomerUser, email_key
from startdeliver.sync import domains
from startdeliver.sync.text import key, moment, short

SOURCE = "intercom"
CUSTOM = "custom_attributes."


class Rule(StrEnum):
    """Who wins when both sides have a value."""

    INTERCOM = "intercom"
    STARTDELIVER = "startdeliver"
    FILL = "fill"


class Action(StrEnum):
    """What to do here, or (SEND) there."""

    KEEP = "keep"
    TAKE = "take"
    CLEAR = "clear"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Decision:
    """`value` is what to store here (TAKE) or to write to Intercom (SEND)."""

    action: Action
    value: Any = None


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One field: `model` customer or user, `name` here, `source` in Intercom (or `custom_attributes.X`), its rule.

    `in_only`: Intercom's API does not take it, so it never goes out.
    """

    model: str
    name: str
    source: str
    rule: Rule
    in_only: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.model}.{self.name}"


DEFAULTS: tuple[FieldMap, ...] = (
    FieldMap("customer", "name", "name", Rule.INTERCOM),
    FieldMap("customer", "external_id", "company_id", Rule.FILL),
    FieldMap("customer", "domain", "domain", Rule.FILL, in_only=True),
    FieldMap("customer", "website", "website", Rule.INTERCOM),
    FieldMap("customer", "plan", "plan", Rule.INTERCOM),
    FieldMap("customer", "size", "size", Rule.INTERCOM),
    FieldMap("customer", "industry", "industry", Rule.INTERCOM),
    FieldMap("customer", "monthly_spend", "monthly_spend", Rule.INTERCOM),
    FieldMap("customer", "tags", "tags", Rule.INTERCOM, in_only=True),
    FieldMap("user", "name", "name", Rule.INTERCOM),
    FieldMap("user", "email", "email", Rule.INTERCOM),
    FieldMap("user", "external_id", "external_id", Rule.FILL),
    FieldMap("user", "phone", "phone", Rule.INTERCOM),
    FieldMap("user", "role", "role", Rule.INTERCOM, in_only=True),
    FieldMap("user", "last_seen_at", "last_seen_at", Rule.INTERCOM, in_only=True),
    FieldMap("user", "tags", "tags", Rule.INTERCOM, in_only=True),
)


def mapping(rules: Mapping[str, Any], model: str) -> list[FieldMap]:
    """The field maps of `model` ("customer" or "user"): the defaults with the changes of `Connection.field_rules`.

    A change that names an unknown rule is ignored; a field that Intercom only gives keeps a rule that takes.
    """
    result = []
    for default in DEFAULTS:
        if default.model != model:
            continue
        change = rules.get(default.full_name)
        if isinstance(change, Mapping):
            source = change.get("from")
            if isinstance(source, str) and source:
                default = replace(default, source=source, in_only=default.in_only or source.startswith(CUSTOM))
            if change.get("rule") in set(Rule):
                default = replace(default, rule=Rule(change["rule"]))
        result.append(default)
    return result


def decide(rule: Rule, here: Any, there: Any, here_source: str, *, in_only: bool = False) -> Decision:
    """What becomes of a field. `here` and `there` are in the field's form; `here_source` is who set `here` last.

    An empty value in Intercom clears only what came from Intercom, never what a person or a program wrote here.
    """
    if _equal(here, there):
        return Decision(Action.KEEP)
    here_empty, there_empty = is_empty(here), is_empty(there)
    if rule is Rule.STARTDELIVER:
        outward = not in_only and not here_empty
        return Decision(Action.SEND, here) if outward else Decision(Action.KEEP)
    if rule is Rule.FILL:
        if here_empty:
            return Decision(Action.TAKE, there)
        return Decision(Action.SEND, here) if there_empty and not in_only else Decision(Action.KEEP)
    if not there_empty:
        return Decision(Action.TAKE, there)
    return Decision(Action.CLEAR) if here_source == SOURCE else Decision(Action.KEEP)


def is_empty(value: Any) -> bool:
    """None, "" and [] are no value; 0 and False are."""
    return value is None or value == "" or value == []


def _equal(here: Any, there: Any) -> bool:
    return bool(here == there) or (is_empty(here) and is_empty(there))


# ------------------------------------------------------------------------------------------------------ to one record


def read(field: FieldMap, facts: Mapping[str, Any]) -> Any:
    """Intercom's value of a field in the form of the field here; None when there is none or it cannot be one."""
    if field.source.startswith(CUSTOM):
        value = (facts.get("custom_attributes") or {}).get(field.source.removeprefix(CUSTOM))
    elif field.source == "domain":
        value = domains.of_website(str(facts.get("website") or ""))
    else:
        value = facts.get(field.source)
    if is_empty(value):
        return None
    return _NORMAL[field.full_name](value)


def normal(field: FieldMap, value: Any) -> Any:
    """A stored value in the form of the field, as `read` gives Intercom's; None for none."""
    return None if is_empty(value) else _NORMAL[field.full_name](value)


def apply(
    record: Customer | CustomerUser,
    fields: list[FieldMap],
    facts: Mapping[str, Any],
    *,
    now: datetime,
    taken: Callable[[str], bool] = lambda _: False,
    new: bool = False,
) -> tuple[list[str], list[str]]:
    """Brings Intercom's `facts` into `record` (unsaved) by the rules. Returns the names of the changed columns, and the
    fields that were left alone because another record has the value (`taken` answers that for external ids).

    `new`: the record is being made from these facts, so every value is taken whatever the rule.
    """
    changed: list[str] = []
    conflicts: list[str] = []
    sources: dict[str, Any] = record.field_sources
    for field in fields:
        here, there = getattr(record, field.name), read(field, facts)
        known = sources.get(field.name)
        rule = Rule.FILL if new else field.rule
        decision = decide(rule, here, there, known.get("source", "") if isinstance(known, dict) else "")
        if decision.action is Action.TAKE:
            if field.name == "external_id" and taken(decision.value):
                conflicts.append(field.name)
                continue
            setattr(record, field.name, decision.value)
        elif decision.action is Action.CLEAR and not (field.name == "name" and isinstance(record, Customer)):
            setattr(record, field.name, _EMPTY.get(field.name, ""))
        else:
            continue
        sources = {**sources, field.name: {"source": SOURCE, "at": now.isoformat(timespec="seconds"), "by": "Intercom"}}
        changed.append(field.name)
    if changed == ["last_seen_at"]:
        # Nobody edited anything: being seen is no change of the record.
        record.field_sources = sources
        changed.append("field_sources")
    elif changed:
        record.field_sources = sources
        record.updated_at = now
        record.updated_by = "Intercom"
        if "email" in changed and isinstance(record, CustomerUser):
            record.email_key = email_key(record.email)
            changed.append("email_key")
        changed += ["field_sources", "updated_at", "updated_by"]
    return changed, conflicts


_EMPTY: dict[str, Any] = {"size": None, "monthly_spend": None, "tags": [], "last_seen_at": None, "external_id": None}


def _text(limit: int) -> Callable[[Any], str]:
    return lambda value: short(value, limit).strip()


def _whole(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < 2**31 else None


def _money(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value)).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    except InvalidOperation:
        return None
    return number if abs(number) < 10**12 else None


def _tags(value: Any) -> list[str]:
    return [short(tag, 255) for tag in value if tag] if isinstance(value, list) else [short(value, 255)]


def _when(value: Any) -> datetime | None:
    seconds = moment(value) if isinstance(value, int) else None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


_NORMAL: dict[str, Callable[[Any], Any]] = {
    "customer.name": _text(255),
    "customer.external_id": lambda value: key(value, 255) or None,
    "customer.domain": _text(255),
    "customer.website": _text(500),
    "customer.plan": _text(255),
    "customer.size": _whole,
    "customer.industry": _text(255),
    "customer.monthly_spend": _money,
    "customer.tags": _tags,
    "user.name": _text(255),
    "user.email": lambda value: key(value, 254),
    "user.external_id": lambda value: key(value, 255) or None,
    "user.phone": _text(64),
    "user.role": _text(64),
    "user.last_seen_at": _when,
    "user.tags": _tags,
}
