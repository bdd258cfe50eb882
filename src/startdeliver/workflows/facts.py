"""What rules can ask of a customer, and where each value is found (SQL over the customer `c`).

Only facts of customers are known here. Packages above register theirs (health, assessment) in `AppConfig.ready`; the
rules themselves get plain values (`rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import CustomField
from startdeliver.tenancy.models import Member, Organization
from startdeliver.workflows.rules import Kind, Terms


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of customers.

    `label`: as it stands in a form; `options`: (value, words), the best first where they have an order. `moment`: a
    DATE whose column is a time, of which the organization's calendar day counts. `money`: a NUMBER in the
    organization's currency. `own`: a field of the organization's own. `join`: LEFT JOIN on `c`, of one row at most.
    """

    key: str
    label: str
    kind: Kind
    sql: str
    join: str = ""
    options: tuple[tuple[str, str], ...] = ()
    moment: bool = False
    money: bool = False
    own: bool = False

    @property
    def terms(self) -> Terms:
        return Terms(self.kind, tuple(value for value, _ in self.options))


Give = Callable[[Organization], Sequence[Fact]]
_registered: list[Give] = []


def register(give: Give) -> None:
    """Adds facts that another package knows; called inside the organization's scope."""
    if give not in _registered:
        _registered.append(give)


def catalogue(organization: Organization) -> list[Fact]:
    """Everything that a rule can ask, in the order in which it is offered. Inside the organization's scope."""
    return [
        *(fact for give in _registered for fact in give(organization)),
        *_standard(organization),
        *map(_own, fields_of("customer")),
    ]


def _standard(organization: Organization) -> list[Fact]:
    members = Member.objects.of(organization).order_by("name", "email", "pk")
    return [
        Fact("arr", "ARR", Kind.NUMBER, "c.arr", money=True),
        Fact("renewal_date", "Renewal date", Kind.DATE, "c.renewal_date"),
        Fact("csm", "CSM", Kind.CHOICE, "c.csm_id", options=tuple((str(one.pk), one.display_name) for one in members)),
        Fact("last_login", "Last login", Kind.DATE, "c.last_login_at", moment=True),
        Fact("created", "Day added", Kind.DATE, "c.created_at", moment=True),
        Fact("plan", "Plan", Kind.TEXT, "c.plan"),
        Fact("industry", "Industry", Kind.TEXT, "c.industry"),
        Fact("size", "Employees", Kind.NUMBER, "c.size"),
        Fact("monthly_spend", "Monthly spend", Kind.NUMBER, "c.monthly_spend", money=True),
    ]


_KINDS = {
    CustomField.Type.TEXT: (Kind.TEXT, "text"),
    CustomField.Type.DROPDOWN: (Kind.CHOICE, "text"),
    CustomField.Type.NUMBER: (Kind.NUMBER, "number"),
    CustomField.Type.DATE: (Kind.DATE, "date"),
    CustomField.Type.BOOLEAN: (Kind.FLAG, "flag"),
}


def _own(field: CustomField) -> Fact:
    kind, column = _KINDS[CustomField.Type(field.type)]
    table = f"v{int(field.pk)}"
    join = (
        f"LEFT JOIN customers_customervalue AS {table} ON {table}.organization_id = c.organization_id "
        f"AND {table}.customer_id = c.id AND {table}.field_id = {int(field.pk)}"
    )
    options = tuple((one, one) for one in field.options) if kind is Kind.CHOICE else ()
    return Fact(field.alias, field.name, kind, f'{table}."{column}"', join, options, own=True)
