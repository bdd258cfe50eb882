"""Rules and reasons in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from startdeliver.workflows.facts import Fact
from startdeliver.workflows.rules import IN_DAYS, Condition, Group, Kind, Rule

OPERATOR_WORDS: Mapping[str, str] = {
    "is": "is",
    "is_not": "is not",
    "or_worse": "is … or worse",
    "or_better": "is … or better",
    "at_least": "is at least",
    "at_most": "is at most",
    "contains": "contains",
    "next_days": "is in the next … days",
    "last_days": "was in the last … days",
    "days_ago": "was … or more days ago",
    "on_or_before": "is on or before",
    "on_or_after": "is on or after",
    "empty": "is empty",
    "set": "is filled in",
}
_LONGEST = 500


def operator_words(op: str, fact: Fact) -> str:
    """The operator as a form offers it."""
    if fact.kind is Kind.ORDERED and op in ("empty", "set"):
        return "has no data" if op == "empty" else "has data"
    return OPERATOR_WORDS[op]


class Wording:
    """Says what rules ask and what was found. `facts`: by key; `currency`: ISO 4217, of amounts of money."""

    def __init__(self, facts: Mapping[str, Fact], currency: str) -> None:
        self.facts, self.currency = facts, currency

    def rule(self, rule: Rule) -> str:
        """The whole rule as one sentence; empty for an empty rule."""
        groups = [" and ".join(map(self.condition, group)) for group in rule if group]
        joint = "; or " if any(len(group) > 1 for group in rule) else " or "
        return _sentence(joint.join(groups))

    def condition(self, one: Condition) -> str:
        """One condition as a clause: "support health is Poor"."""
        fact = self.facts[one.fact]
        words = operator_words(one.op, fact)
        if one.op not in ("empty", "set"):
            value = _days(one.value) if one.op in IN_DAYS else self.value(fact, one.value)
            words = (
                words.replace("… days", value).replace("… or more days", f"{one.value:,} or more days")
                if (one.op in IN_DAYS)
                else (words.replace("…", value) if "…" in words else f"{words} {value}")
            )
        return f"{self.label(fact)} {words}"

    def because(self, group: Group, values: Mapping[str, Any]) -> str:
        """What held, with the values of now: "Support health is Poor and ARR is 48,000 EUR (at least 40,000 EUR)."."""
        return _sentence(" and ".join(self._found(one, values.get(one.fact)) for one in group))

    def now(self, keys: Iterable[str], values: Mapping[str, Any]) -> str:
        """The values of these facts: "assessment is Neutral, usage health has no data"."""
        return ", ".join(self._is(self.facts[key], values.get(key)) for key in keys if key in self.facts)

    def label(self, fact: Fact) -> str:
        """The fact's name within a sentence."""
        if fact.own:
            return f"“{fact.label}”"
        return fact.label if fact.label[1:2].isupper() else fact.label[:1].lower() + fact.label[1:]

    def value(self, fact: Fact, value: Any) -> str:
        """A value as people read it."""
        if fact.kind in (Kind.CHOICE, Kind.ORDERED):
            return dict(fact.options).get(
                str(value), "somebody who is no longer a member" if fact.key == "csm" else str(value)
            )
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, date):
            return f"{value.day} {value:%b %Y}"
        if isinstance(value, Decimal | int | float):
            return _number(value) + (f" {self.currency}" if fact.money else "")
        return f"“{value}”"

    def _is(self, fact: Fact, value: Any) -> str:
        if value is None:
            return f"{self.label(fact)} {operator_words('empty', fact)}"
        return f"{self.label(fact)} is {self.value(fact, value)}"

    def _found(self, one: Condition, value: Any) -> str:
        fact = self.facts[one.fact]
        said = self._is(fact, value)
        exact = one.op in ("empty", "is") or (one.op in ("or_worse", "or_better") and value == one.value)
        asked = self.condition(one).removeprefix(self.label(fact)).strip()
        return said if exact else f"{said} ({asked.removeprefix('is ').removeprefix('was ')})"


def _number(value: Decimal | int | float) -> str:
    number = Decimal(str(value))
    return f"{int(number):,}" if number == number.to_integral_value() else f"{number:,}"


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days:,} days"


def _sentence(text: str) -> str:
    if not text:
        return ""
    text = text[:1].upper() + text[1:] + "."
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
