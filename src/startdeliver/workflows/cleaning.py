"""What may stand in a workflow: rules out of forms and JSON, checked, and rules as they were stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from startdeliver.common import values
from startdeliver.common.values import BadValue, Boolean, Choice, Day, FieldError, Integer, Number, Text
from startdeliver.tenancy.models import Organization
from startdeliver.workflows.facts import Fact, catalogue
from startdeliver.workflows.models import Leaves, Workflow
from startdeliver.workflows.rules import IN_DAYS, OPERATORS, Condition, Kind, Programme, Rule

MOST_CONDITIONS = 20
_DAYS: values.Kind = Integer(0, 3650, required=True, message="Enter a number of days from 0 to 3,650.")
_KINDS: dict[Kind, tuple[values.Kind, str]] = {
    Kind.NUMBER: (Number(), "Enter a number."),
    Kind.DATE: (Day(), "Choose a day."),
    Kind.FLAG: (Boolean(), "Choose yes or no."),
    Kind.TEXT: (Text(200), "Enter the text to look for."),
}


class Broken(Exception):
    """A stored rule speaks of something that is no more; the message says what to do."""


def facts_of(organization: Organization) -> dict[str, Fact]:
    """The catalogue by key."""
    return {fact.key: fact for fact in catalogue(organization)}


def rule_of(facts: Mapping[str, Fact], name: str, data: Any) -> Rule:
    """The rule that `data` (JSON, see `rules`) means. Empty groups are ignored. Raises FieldError for `name`."""
    wrong = "Send a list of groups, each a list of conditions with fact, op and value."
    if not isinstance(data, list | tuple) or not all(isinstance(group, list | tuple) for group in data):
        raise FieldError({name: wrong})
    rule, number, sentences = [], 0, []
    for group in data:
        conditions = []
        for condition in group:
            number += 1
            try:
                conditions.append(condition_of(facts, condition))
            except FieldError as error:
                sentences.append(f"Condition {number}: {error}")
        if conditions:
            rule.append(tuple(conditions))
    if number > MOST_CONDITIONS:
        sentences = [f"Use at most {MOST_CONDITIONS} conditions."]
    if sentences:
        raise FieldError({name: " ".join(sentences)})
    return tuple(rule)


def condition_of(facts: Mapping[str, Fact], data: Any) -> Condition:
    """One condition. Raises FieldError with one sentence."""
    if not isinstance(data, Mapping):
        raise FieldError({"value": "Send an object with fact, op and value."})
    fact = facts.get(str(data.get("fact")))
    if fact is None:
        raise FieldError({"fact": "Choose what to look at."})
    op = data.get("op")
    if not isinstance(op, str) or op not in OPERATORS[fact.kind]:
        raise FieldError({"op": f"“{fact.label}” can be compared with {', '.join(OPERATORS[fact.kind])}."})
    if op in ("empty", "set"):
        return Condition(fact.key, op)
    return Condition(fact.key, op, _value(fact, op, data.get("value")))


def _value(fact: Fact, op: str, given: Any) -> Any:
    if op in IN_DAYS:
        kind, missing = _DAYS, ""
    elif fact.kind in (Kind.CHOICE, Kind.ORDERED):
        missing = f"Choose a value for “{fact.label}”."
        kind = Choice(tuple(dict(fact.options)), missing)
    else:
        kind, missing = _KINDS[fact.kind]
    try:
        value = kind.clean(given)
    except BadValue as error:
        raise FieldError({"value": str(error)}) from error
    if value in (None, ""):
        raise FieldError({"value": missing})
    return value


def stored_rule(facts: Mapping[str, Fact], data: Sequence[Sequence[Mapping[str, Any]]]) -> Rule:
    """A rule that was stored. Raises Broken when a field that it speaks of is no more."""
    return tuple(tuple(_stored(facts, condition) for condition in group) for group in data if group)


def _stored(facts: Mapping[str, Fact], data: Mapping[str, Any]) -> Condition:
    fact = facts.get(data["fact"])
    if fact is None or data["op"] not in OPERATORS[fact.kind]:
        raise Broken(
            "A rule speaks of a field that is no longer there, so nobody enters or leaves by it. Change the rule, "
            "or restore the field."
        )
    value = data.get("value")
    if value is not None and data["op"] not in IN_DAYS:
        if fact.kind is Kind.DATE:
            value = date.fromisoformat(value)
        elif fact.kind is Kind.NUMBER:
            value = Decimal(str(value))
    return Condition(data["fact"], data["op"], value)


def programme_of(workflow: Workflow, facts: Mapping[str, Fact]) -> Programme:
    """What of the workflow decides. Raises Broken."""
    return Programme(
        enrol=stored_rule(facts, workflow.enrol_rule),
        leaves=workflow.leaves,
        leave=stored_rule(facts, workflow.leave_rule) if workflow.leaves == Leaves.RULE else (),
        after_days=workflow.leave_after_days,
        hand_leaves_too=workflow.hand_leaves_too,
    )
