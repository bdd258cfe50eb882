"""Rules as pure functions over plain facts: whether a rule holds, and what a pass does with one customer.

A rule is a list of groups; it holds when all conditions of one group hold. An empty rule never holds. As JSON:
[[{"fact": "support_health", "op": "is", "value": "poor"}, …], …].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from startdeliver.workflows.models import Leaves


class Kind(StrEnum):
    """What a fact's values are. A value that is not known is None, of every kind."""

    CHOICE = "choice"
    ORDERED = "ordered"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"
    FLAG = "flag"


_ANY = ("empty", "set")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CHOICE: ("is", "is_not", *_ANY),
    Kind.ORDERED: ("is", "is_not", "or_worse", "or_better", *_ANY),
    Kind.NUMBER: ("at_least", "at_most", "is", *_ANY),
    Kind.DATE: ("next_days", "last_days", "days_ago", "on_or_before", "on_or_after", *_ANY),
    Kind.TEXT: ("contains", "is", *_ANY),
    Kind.FLAG: ("is", *_ANY),
}
IN_DAYS = ("next_days", "last_days", "days_ago")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule must know of a fact: its kind, and of choices the values, the best first where they have an order."""

    kind: Kind
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing asked of one fact. `value` is None for "empty" and "set", days for IN_DAYS, else of the fact's kind."""

    fact: str
    op: str
    value: Any = None

    def plain(self) -> dict[str, Any]:
        """As JSON stores it."""
        value = self.value
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, Decimal):
            value = int(value) if value == value.to_integral_value() else float(value)
        return {"fact": self.fact, "op": self.op} | ({} if value is None else {"value": value})


Group = tuple[Condition, ...]
Rule = tuple[Group, ...]


def names(rule: Rule) -> set[str]:
    """The facts that the rule speaks of."""
    return {one.fact for group in rule for one in group}


def holds(condition: Condition, terms: Terms, value: Any, today: date) -> bool:
    """Whether `condition` is true of `value`. What is not known is neither at least nor at most anything."""
    if condition.op in _ANY:
        return (value is None) == (condition.op == "empty")
    if value is None:
        return condition.op == "is_not"
    return bool(_CHECKS[condition.op](terms, value, condition.value, today))


def matching(rule: Iterable[Group], terms: Mapping[str, Terms], facts: Mapping[str, Any], today: date) -> Group | None:
    """The first group of which every condition holds; None when the rule does not hold."""
    for group in rule:
        if group and all(holds(one, terms[one.fact], facts.get(one.fact), today) for one in group):
            return group
    return None


def _is(terms: Terms, value: Any, wanted: Any, today: date) -> bool:
    if terms.kind is Kind.TEXT:
        return str(value).casefold() == str(wanted).casefold()
    return bool(value == wanted)


def _worse(terms: Terms, value: Any, wanted: Any, today: date) -> bool:
    return {value, wanted} <= {*terms.options} and terms.options.index(value) >= terms.options.index(wanted)


def _better(terms: Terms, value: Any, wanted: Any, today: date) -> bool:
    return {value, wanted} <= {*terms.options} and terms.options.index(value) <= terms.options.index(wanted)


_CHECKS: dict[str, Any] = {
    "is": _is,
    "is_not": lambda terms, value, wanted, today: not _is(terms, value, wanted, today),
    "or_worse": _worse,
    "or_better": _better,
    "at_least": lambda terms, value, wanted, today: value >= wanted,
    "at_most": lambda terms, value, wanted, today: value <= wanted,
    "contains": lambda terms, value, wanted, today: str(wanted).casefold() in str(value).casefold(),
    "next_days": lambda terms, value, wanted, today: 0 <= (value - today).days <= wanted,
    "last_days": lambda terms, value, wanted, today: 0 <= (today - value).days <= wanted,
    "days_ago": lambda terms, value, wanted, today: (today - value).days >= wanted,
    "on_or_before": lambda terms, value, wanted, today: value <= wanted,
    "on_or_after": lambda terms, value, wanted, today: value >= wanted,
}


@dataclass(frozen=True, slots=True)
class Programme:
    """What of a workflow decides about a customer."""

    enrol: Rule = ()
    leaves: str = Leaves.NO_LONGER
    leave: Rule = ()
    after_days: int = 0
    hand_leaves_too: bool = False

    @property
    def facts(self) -> set[str]:
        return names(self.enrol) | (names(self.leave) if self.leaves == Leaves.RULE else set())


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a customer stands in a workflow. `by_rule`: an open enrolment that a rule made."""

    enrolled: bool = False
    by_rule: bool = False
    leaving_since: datetime | None = None
    hold_off: bool = False


class Step(StrEnum):
    """What a pass does with one customer in one workflow."""

    NOTHING = "nothing"
    ENTER = "enter"
    LEAVE = "leave"
    ARCHIVED = "archived"  # leaves, because the customer was archived
    BEGIN = "begin"  # there is a reason to leave from now on
    STAY = "stay"  # there is no longer one
    RELEASE = "release"  # the rule has not held once since somebody removed the customer


@dataclass(frozen=True, slots=True)
class Decision:
    """A step, and the group of conditions that it rests on (None: that the rule for entering does not hold)."""

    step: Step
    because: Group | None = field(default=None)


_NOTHING = Decision(Step.NOTHING)


def decide(
    programme: Programme,
    standing: Standing,
    terms: Mapping[str, Terms],
    facts: Mapping[str, Any],
    now: datetime,
    today: date,
    archived: bool = False,
) -> Decision:
    """What the rules want done with one customer now. Done and asked again at once, it is nothing."""
    if archived:
        return Decision(Step.ARCHIVED) if standing.enrolled else _NOTHING
    enter = matching(programme.enrol, terms, facts, today)
    leave: Group | None = None
    if programme.leaves == Leaves.RULE:
        leave = matching(programme.leave, terms, facts, today)
    if not standing.enrolled:
        if standing.hold_off:
            return Decision(Step.RELEASE) if enter is None else _NOTHING
        # Who would have to leave does not enter.
        return Decision(Step.ENTER, enter) if enter is not None and leave is None else _NOTHING
    reason = leave is not None
    if programme.leaves == Leaves.NO_LONGER:
        reason = enter is None and bool(programme.enrol)
    if not (standing.by_rule or programme.hand_leaves_too) or not reason:
        return Decision(Step.STAY) if standing.leaving_since is not None else _NOTHING
    since = standing.leaving_since
    if since is None and programme.after_days:
        return Decision(Step.BEGIN)
    if since is None or since + timedelta(days=programme.after_days) <= now:
        return Decision(Step.LEAVE, leave)
    return _NOTHING


def plain(rule: Sequence[Sequence[Condition]]) -> list[list[dict[str, Any]]]:
    """The rule as JSON stores it."""
    return [[one.plain() for one in group] for group in rule]
