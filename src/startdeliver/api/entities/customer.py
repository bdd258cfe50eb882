"""customer: a company that the organization serves."""

from __future__ import annotations

from startdeliver.api.entities import common, own
from startdeliver.api.entity import Context, Entity, Field, Row, field_of
from startdeliver.common.values import Email, Ids, Integer, Words
from startdeliver.customers import services
from startdeliver.customers.models import Customer
from startdeliver.workflows.selectors import active_names, enrolled_q

_field = field_of(Customer)
_WORKFLOWS = "workflows that it is in"


def _attach(rows: list[Row], context: Context) -> None:
    workflows = active_names([row["pk"] for row in rows])
    for row in rows:
        row[_WORKFLOWS] = [pk for pk, _ in workflows.get(row["pk"], ())]


def _count(name: str, column: str, description: str) -> Field:
    return _field(name, f"support_health__{column}", f"{description} Null: no ticket was ever stored.")


def _health(name: str, column: str) -> Field:
    return _field(name, column, "Null: no data.", kind=common.HEALTH, order=common.health_order(column))


CUSTOMER = Entity(
    name="customer",
    plural="customers",
    description="A company that the organization serves, with its health.",
    model=Customer,
    hidden=common.HIDE_ARCHIVED,
    custom=own.fields_for("customer"),
    fresh=common.refresh_health,
    attach=_attach,
    writes=common.writes(
        Customer,
        "customer",
        services.customer_create,
        services.customer_update,
        administrators=False,
        source="api",
    ),
    removal=common.archive(
        Customer,
        "customer",
        services.customer_archive,
        "Archives the customer: it leaves the lists, its users and tickets stay. Answers the archived record.",
        administrators=False,
    ),
    fields=(
        common.IDENTITY,
        _field("name", writable=True, required=True),
        _field(
            "externalId",
            "",
            "The id in your own system; unique. Intercom's company_id is matched with it.",
            writable=True,
        ),
        _field("domain", writable=True),
        _field("website", writable=True),
        _field("plan", writable=True),
        _field("size", "", "Number of employees.", kind=Integer(0, 2**31 - 1), writable=True),
        _field("industry", writable=True),
        _field("monthlySpend", writable=True),
        _field("tags", "", "Come in from Intercom.", kind=Words()),
        _field("csmId", "", "The member who looks after the customer.", stored="csm", writable=True),
        _field("csmName", "csm__name"),
        _field("csmEmail", "csm__email", kind=Email()),
        _field("arr", "", "Annual recurring revenue in the organization's currency.", writable=True),
        _field("renewalDate", writable=True),
        _health("supportHealth", "support_health__status"),
        _health("usageHealth", "usage_health__status"),
        _field(
            "assessmentStatus",
            "assessment__status",
            "From Strongly Thriving to At Risk, in short; null: not assessed.",
        ),
        Field(
            name="workflowIds",
            kind=Ids(),
            read=lambda row, context: row[_WORKFLOWS],
            narrow=lambda value, context: enrolled_q(value),
            nullable=False,
            description="The workflows that it is in now.",
        ),
        _field("lastLoginAt", "", "The newest of its users."),
        _count("ticketCount", "ticket_count", "Stored tickets."),
        _count("openTicketCount", "open_count", "Open tickets."),
        _count("overdueTicketCount", "overdue_count", "Overdue tickets."),
        *common.ARCHIVED,
        *common.STAMPS,
    ),
)
