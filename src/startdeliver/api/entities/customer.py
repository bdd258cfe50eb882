"""customer: a company that the organization serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from startdeliver.api.entities import common, own
from startdeliver.api.entity import Context, Entity, Field, Row, Writes, register
from startdeliver.api.kinds import ID, Choice, Day, Email, Ids, Integer, Moment, Number, Text, Words
from startdeliver.assessment.statuses import Status
from startdeliver.customers import services
from startdeliver.customers.models import Customer
from startdeliver.workflows.selectors import active_names, enrolled_q

_WORKFLOWS = "workflows that it is in"


def _attach(rows: list[Row], context: Context) -> None:
    found = active_names([row["pk"] for row in rows])
    for row in rows:
        row[_WORKFLOWS] = [pk for pk, _ in found.get(row["pk"], ())]


def _rows(context: Context) -> QuerySet[Any]:
    return Customer.objects.all()


def _count(name: str, column: str, description: str) -> Field:
    return Field(
        name=name,
        kind=Integer(),
        column=f"support_health__{column}",
        description=f"{description} Null: no ticket was ever stored.",
    )


def _create(context: Context, values: Mapping[str, Any]) -> int:
    made = services.customer_create(
        organization=context.organization, by=context.caller.name, values=values, source="api"
    )
    return made.pk


def _update(context: Context, pk: int, values: Mapping[str, Any]) -> None:
    customer = Customer.objects.get(pk=pk)
    services.customer_update(customer=customer, by=context.caller.name, values=values, source="api")


def _archive(context: Context, pk: int) -> None:
    services.customer_archive(customer=Customer.objects.get(pk=pk), by=context.caller.name)


CUSTOMER = register(
    Entity(
        name="customer",
        plural="customers",
        description="A company that the organization serves, with its health.",
        model=Customer,
        rows=_rows,
        hidden=common.ARCHIVED_HIDDEN,
        shown_by=common.ARCHIVED_SHOWN_BY,
        custom=own.fields_for("customer"),
        fresh=common.refresh_health,
        attach=_attach,
        writes=Writes(
            create=_create,
            update=_update,
            remove=_archive,
            remove_means="Archives the customer: it leaves the lists, its users and tickets stay. "
            "Answers the archived record.",
        ),
        fields=(
            common.IDENTITY,
            Field(name="name", kind=Text(255), column="name", writable=True, required=True, nullable=False),
            Field(
                name="externalId",
                kind=Text(255),
                column="external_id",
                writable=True,
                description="The id in your own system; unique. Intercom's company_id is matched with it.",
            ),
            Field(name="domain", kind=Text(255), column="domain", writable=True, default=""),
            Field(name="website", kind=Text(500), column="website", writable=True, default=""),
            Field(name="plan", kind=Text(255), column="plan", writable=True, default=""),
            Field(
                name="size",
                kind=Integer(0, 2**31 - 1),
                column="size",
                writable=True,
                description="Number of employees.",
            ),
            Field(name="industry", kind=Text(255), column="industry", writable=True, default=""),
            Field(name="monthlySpend", kind=Number(), column="monthly_spend", writable=True),
            Field(name="tags", kind=Words(), column="tags", nullable=False, description="Come in from Intercom."),
            Field(
                name="csmId",
                kind=ID,
                column="csm_id",
                stored="csm",
                writable=True,
                description="The member who looks after the customer.",
            ),
            Field(name="csmName", kind=Text(200), column="csm__name"),
            Field(name="csmEmail", kind=Email(), column="csm__email"),
            Field(
                name="arr",
                kind=Number(limit=10**14),
                column="arr",
                writable=True,
                description="Annual recurring revenue in the organization's currency.",
            ),
            Field(name="renewalDate", kind=Day(), column="renewal_date", writable=True),
            Field(
                name="supportHealth",
                kind=common.HEALTH,
                column="support_health__status",
                order=common.health_order("support_health__status"),
                description="Null: no data.",
            ),
            Field(
                name="usageHealth",
                kind=common.HEALTH,
                column="usage_health__status",
                order=common.health_order("usage_health__status"),
                description="Null: no data.",
            ),
            Field(
                name="assessmentStatus",
                kind=Choice(tuple(Status.values)),
                column="assessment__status",
                description="From Strongly Thriving to At Risk, in short; null: not assessed.",
            ),
            Field(
                name="workflowIds",
                kind=Ids(),
                read=lambda row, context: row[_WORKFLOWS],
                narrow=lambda value, context: enrolled_q(value),
                nullable=False,
                description="The workflows that it is in now.",
            ),
            Field(name="lastLoginAt", kind=Moment(), column="last_login_at", description="The newest of its users."),
            _count("ticketCount", "ticket_count", "Stored tickets."),
            _count("openTicketCount", "open_count", "Open tickets."),
            _count("overdueTicketCount", "overdue_count", "Overdue tickets."),
            *common.ARCHIVED,
            *common.STAMPS,
        ),
    )
)
