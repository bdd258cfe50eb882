"""The form of a workflow: its fields, and rules as rows of fact, comparison and value that a page can edit.

Everything is in the posted fields ("enrol-0-fact", "enrol-0-op", …), so the form works without a script: a row gets
its comparisons and its kind of value when the form comes back.
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

# Where the number stands between the words, the form has them on both sides of it.
_BEFORE = {"next_days": "is in the next", "last_days": "was in the last", "days_ago": "was at least"}
_LEAVES = {
    Leaves.BY_HAND: "Only when somebody removes them",
    Leaves.NO_LONGER: "When the rule for entering no longer holds",
    Leaves.RULE: "When a rule of its own holds",
}


class WorkflowForm(ServiceForm):
    """What of a workflow is no rule; `workflows.services` knows what may stand in it."""

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
    """One condition as the form shows it. `joint`: "and" or "or", how it joins the row before."""

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
        """What stands after the value."""
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
        """Gives the row what follows from its fact; a comparison or choice that does not fit is replaced."""
        self.known = facts.get(self.fact)
        if self.known is None:
            # A field that went is named by what it was, so that the row can be changed or taken away.
            return
        if self.op not in OPERATORS[self.known.kind]:
            self.op, self.value = OPERATORS[self.known.kind][0], ""
        if self.control == "select" and self.value not in dict(self.choices):
            self.value = ""


@dataclass
class RuleForm:
    """A rule as rows. `name`: "enrol" or "leave", with which its posted fields begin."""

    name: str
    facts: Mapping[str, Fact]
    rows: list[Row] = field(default_factory=list)
    error: str = ""

    @classmethod
    def stored(cls, name: str, facts: Mapping[str, Fact], rule: Sequence[Sequence[Mapping[str, Any]]]) -> RuleForm:
        """Returns the rows of a rule as it is stored."""
        form = cls(name, facts)
        for group in rule:
            for number, one in enumerate(group):
                value = one.get("value", "")
                text = str(value).lower() if isinstance(value, bool) else str(value)
                form.rows.append(Row(one["fact"], one["op"], text, "and" if number else "or"))
        return form._settled()

    @classmethod
    def posted(cls, name: str, facts: Mapping[str, Fact], data: QueryDict) -> RuleForm:
        """Returns the rows as they were sent, in order."""
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
        """One more row, blank."""
        if len(self.rows) <= MOST_CONDITIONS:
            self.rows.append(Row())

    def drop(self, number: int) -> None:
        """Takes a row away."""
        if 0 <= number < len(self.rows):
            del self.rows[number]
        self._settled()

    def plain(self) -> list[list[dict[str, Any]]]:
        """The rule as `workflows.services` takes it: rows without a fact are passed over, "or" begins a group."""
        groups: list[list[dict[str, Any]]] = []
        for row in self.rows:
            if not row.fact:
                continue
            if not groups or row.joint == "or":
                groups.append([])
            groups[-1].append({"fact": row.fact, "op": row.op, "value": row.value})
        return groups

    def check(self) -> bool:
        """Puts a sentence at each row that cannot be; gives whether there is none."""
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
