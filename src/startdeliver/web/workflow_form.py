"""The form of a workflow: its fields, and rules as rows of fact, comparison and value that a page can edit.

All state is in the posted fields ("enrol-0-fact", "enrol-0-op", …), so the form works without a script. A row gets
its comparisons and its kind of value when the form is shown again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from startdeliver.customers.values import FieldError
from startdeliver.web.forms import ServiceForm, flag, select, text
from startdeliver.workflows.cleaning import MOST_CONDITIONS, condition_of
from startdeliver.workflows.facts import Fact
from startdeliver.workflows.models import Leaves
from startdeliver.workflows.rules import IN_DAYS, OPERATORS, Kind
from startdeliver.workflows.wording import operator_words

# If the number is between words, the form shows words on both sides.
_BEFORE = {"next_days": "is in the next", "last_days": "was in the last", "days_ago": "was at least"}
_LEAVES = {
    Leaves.BY_HAND: "Only when somebody removes them",
    Leaves.NO_LONGER: "When the rule for entering no longer holds",
    Leaves.RULE: "When a rule of its own holds",
}


class WorkflowForm(ServiceForm):
    """The fields of a workflow except its rules. `workflows.services` validates them."""

    name = text("Name", "Such as Onboarding or Win-back.", must=True, autocomplete="off", maxlength=60)
    description = text("Description", "What it is for, and what to do with a customer in it.", rows=2, maxlength=500)
    leaves = select("Customers leave", _LEAVES.items())
    leave_after_days = text(
        "After how many days",
        "The reason to leave must have held for so long without a break. 0: at once.",
        initial="7",
        inputmode="numeric",
    )
    hand_leaves_too = flag(
        "Customers enrolled by hand leave by the rule too", "Otherwise they stay until somebody removes them."
    )


@dataclass
class Row:
    """A condition in the form. `joint`: "and" or "or", which joins it to the previous row."""

    fact: str = ""
    op: str = ""
    value: str = ""
    joint: str = "and"
    error: str = ""
    known: Fact | None = None

    @property
    def operators(self) -> list[tuple[str, str]]:
        if self.known is None:
            return []
        return [(op, _BEFORE.get(op) or operator_words(op, self.known)) for op in OPERATORS[self.known.kind]]

    @property
    def unit(self) -> str:
        """The text after the value."""
        if self.control == "days":
            return "days ago" if self.op == "days_ago" else "days"
        return ""

    @property
    def control(self) -> str:
        """How the value is entered: select, days, date, number, text, or nothing."""
        if self.known is None or self.op in ("empty", "set"):
            return ""
        if self.op in IN_DAYS:
            return "days"
        kinds = {Kind.NUMBER: "number", Kind.DATE: "date", Kind.TEXT: "text"}
        return kinds.get(self.known.kind, "select")

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        if self.known is not None and self.known.kind is Kind.FLAG:
            return (("true", "Yes"), ("false", "No"))
        return self.known.options if self.known else ()

    def settle(self, facts: Mapping[str, Fact]) -> None:
        """Sets what follows from the fact of the row; an invalid comparison or choice is replaced."""
        self.known = facts.get(self.fact)
        if self.known is None:
            # A removed field keeps its name, so that the row can be changed or removed.
            return
        if self.op not in OPERATORS[self.known.kind]:
            self.op, self.value = OPERATORS[self.known.kind][0], ""
        if self.control == "select" and self.value not in dict(self.choices):
            self.value = ""


@dataclass
class RuleForm:
    """A rule as rows. `name`: "enrol" or "leave", the prefix of its posted fields."""

    name: str
    facts: Mapping[str, Fact]
    rows: list[Row] = field(default_factory=list)
    error: str = ""

    @classmethod
    def stored(cls, name: str, facts: Mapping[str, Fact], rule: Sequence[Sequence[Mapping[str, Any]]]) -> RuleForm:
        """Returns the rows of a stored rule."""
        form = cls(name, facts)
        for group in rule:
            for number, condition in enumerate(group):
                value = condition.get("value", "")
                text = str(value).lower() if isinstance(value, bool) else str(value)
                form.rows.append(Row(condition["fact"], condition["op"], text, "and" if number else "or"))
        return form._settled()

    @classmethod
    def posted(cls, name: str, facts: Mapping[str, Fact], data: QueryDict) -> RuleForm:
        """Returns the posted rows, in order."""
        form = cls(name, facts)
        for number in range(MOST_CONDITIONS + 1):
            if f"{name}-{number}-fact" not in data:
                continue
            fact, op, value, joint = (
                data.get(f"{name}-{number}-{part}", "")[:500] for part in ("fact", "op", "value", "joint")
            )
            form.rows.append(Row(fact, op, value, "or" if joint == "or" else "and"))
        return form._settled()

    def add(self) -> None:
        """Adds a blank row."""
        if len(self.rows) <= MOST_CONDITIONS:
            self.rows.append(Row())

    def drop(self, number: int) -> None:
        """Removes a row."""
        if 0 <= number < len(self.rows):
            del self.rows[number]
        self._settled()

    def plain(self) -> list[list[dict[str, Any]]]:
        """Returns the rule for `workflows.services`. Rows without a fact are ignored; "or" begins a group."""
        groups: list[list[dict[str, Any]]] = []
        for row in self.rows:
            if not row.fact:
                continue
            if not groups or row.joint == "or":
                groups.append([])
            groups[-1].append({"fact": row.fact, "op": row.op, "value": row.value})
        return groups

    def check(self) -> bool:
        """Adds a sentence to each invalid row. Returns whether all rows are valid."""
        for row in self.rows:
            try:
                if row.fact:
                    condition_of(self.facts, {"fact": row.fact, "op": row.op, "value": row.value})
            except FieldError as error:
                row.error = str(error)
        return not any(row.error for row in self.rows)

    def _settled(self) -> RuleForm:
        for row in self.rows:
            row.settle(self.facts)
        if not self.rows:
            self.rows.append(Row())
        return self
