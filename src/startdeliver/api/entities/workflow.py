"""workflow and enrolment: programmes that customers are enrolled in, and every stay of a customer in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entities.field import require_administrator
from startdeliver.api.entity import Context, Entity, Field, Row, Writes, register
from startdeliver.api.kinds import ID, Boolean, Choice, Integer, Kind, Moment, Text, WrongType
from startdeliver.customers.models import Customer
from startdeliver.customers.services import FieldError
from startdeliver.workflows import services
from startdeliver.workflows.models import Enrolment, How, Leaves, Workflow

_COUNTS = "enrolled customers"


@dataclass(frozen=True)
class Rule(Kind):
    """Groups of conditions: the rule holds when all conditions of one group hold."""

    def parse(self, value: object) -> Any:
        if not isinstance(value, list) or not all(isinstance(group, list) for group in value):
            raise WrongType("must be a list of groups, each a list of conditions")
        return value

    def schema(self) -> dict[str, Any]:
        condition = {
            "type": "object",
            "required": ["fact", "op"],
            "properties": {
                "fact": {
                    "type": "string",
                    "description": "assessment, assessment_trend, support_health, usage_health, open_tickets, "
                    "overdue_tickets, arr, renewal_date, csm, last_login, created, plan, industry, size, "
                    "monthly_spend, or the alias of a custom field.",
                },
                "op": {
                    "type": "string",
                    "description": "By the kind of fact: is, is_not, or_worse, or_better, at_least, at_most, contains, "
                    "next_days, last_days, days_ago, on_or_before, on_or_after, empty, set.",
                },
                "value": {"description": "What to compare with; not for empty and set."},
            },
        }
        return {"type": "array", "items": {"type": "array", "items": condition}}


def _rows(context: Context) -> QuerySet[Any]:
    return Workflow.objects.all()


def _create(context: Context, values: Mapping[str, Any]) -> int:
    require_administrator(context)
    return services.workflow_create(organization=context.organization, by=context.caller.name, values=values).pk


def _update(context: Context, pk: int, values: Mapping[str, Any]) -> None:
    require_administrator(context)
    services.workflow_update(workflow=Workflow.objects.get(pk=pk), by=context.caller.name, values=values)


def _archive(context: Context, pk: int) -> None:
    require_administrator(context)
    services.workflow_archive(workflow=Workflow.objects.get(pk=pk), by=context.caller.name)


def _attach(rows: list[Row], context: Context) -> None:
    opened = Enrolment.objects.filter(workflow__in=[row["pk"] for row in rows], left_at__isnull=True)
    counts = dict(opened.order_by().values_list("workflow").annotate(Count("pk")))
    for row in rows:
        row[_COUNTS] = counts.get(row["pk"], 0)


def _rule(name: str, column: str, description: str) -> Field:
    return Field(
        name=name,
        kind=Rule(),
        needs=(column,),
        read=lambda row, context: row[column],
        stored=column,
        writable=True,
        nullable=False,
        default=[],
        description=description,
    )


WORKFLOW = register(
    Entity(
        name="workflow",
        plural="workflows",
        description="A programme that customers are enrolled in, by hand or by rule, for example At-risk.",
        model=Workflow,
        rows=_rows,
        hidden=common.ARCHIVED_HIDDEN,
        shown_by=common.ARCHIVED_SHOWN_BY,
        attach=_attach,
        writes=Writes(
            create=_create,
            update=_update,
            remove=_archive,
            remove_means="Archives the workflow: everybody leaves it, its history stays. Answers the archived record.",
        ),
        fields=(
            common.IDENTITY,
            Field(name="name", kind=Text(60), column="name", writable=True, required=True, nullable=False),
            Field(
                name="key",
                kind=Text(60),
                column="key",
                writable=True,
                default="",
                description="What programs know it by, such as at_risk; made from the name when it is not given, "
                "fixed after creation.",
            ),
            Field(name="description", kind=Text(500), column="description", writable=True, default=""),
            _rule("enrolRule", "enrol_rule", "Who enters by itself; empty: nobody."),
            Field(
                name="leaves",
                kind=Choice(tuple(Leaves.values)),
                column="leaves",
                writable=True,
                nullable=False,
                default=Leaves.NO_LONGER.value,
                description="How customers leave by themselves: only by_hand, when enrolRule holds no_longer, or when "
                "leaveRule holds (rule).",
            ),
            _rule("leaveRule", "leave_rule", "Who leaves by itself, when `leaves` is rule."),
            Field(
                name="leaveAfterDays",
                kind=Integer(0, 365),
                column="leave_after_days",
                writable=True,
                nullable=False,
                default=7,
                description="For how many days the reason to leave must have held without a break.",
            ),
            Field(
                name="handLeavesByRule",
                kind=Boolean(),
                column="hand_leaves_too",
                writable=True,
                nullable=False,
                default=False,
                description="Customers who were enrolled by hand leave by rule like the others.",
            ),
            Field(
                name="enrolledCount",
                kind=Integer(),
                read=lambda row, context: row[_COUNTS],
                nullable=False,
                description="Customers who are in it now.",
            ),
            *common.ARCHIVED,
            *common.STAMPS,
        ),
    )
)


def _enrolment_rows(context: Context) -> QuerySet[Any]:
    return Enrolment.objects.all()


def _enrol(context: Context, values: Mapping[str, Any]) -> int:
    workflow = Workflow.objects.filter(pk=values["workflow"]).first()
    if workflow is None:
        raise FieldError({"workflow": "There is no such workflow."})
    customer = Customer.objects.filter(pk=values["customer"], archived_at__isnull=True).first()
    if customer is None:
        raise FieldError({"customer": "There is no such customer, or it is archived."})
    services.enrol(
        workflow=workflow,
        customers=[customer.pk],
        by=context.caller.name,
        reason=values.get("reason") or "",
        how=How.API,
    )
    return Enrolment.objects.get(workflow=workflow, customer=customer, left_at__isnull=True).pk


def _change(context: Context, pk: int, values: Mapping[str, Any]) -> None:
    raise FieldError(dict.fromkeys(values, "Enrolments are history: delete this one and make another."))


def _remove(context: Context, pk: int) -> None:
    one = Enrolment.objects.select_related("workflow").get(pk=pk)
    if one.left_at is None:
        services.leave(workflow=one.workflow, customers=[one.customer_id], by=context.caller.name, how=How.API)


def _how(name: str, column: str) -> Field:
    return Field(
        name=name,
        kind=Choice(tuple(How.values)),
        column=column,
        needs=(column,),
        read=common.text_or_null(column),
        description="hand, api, rule, or end: the customer or the workflow was archived.",
    )


ENROLMENT = register(
    Entity(
        name="enrolment",
        plural="enrolments",
        description="One stay of a customer in a workflow, kept for ever.",
        model=Enrolment,
        rows=_enrolment_rows,
        hidden=Q(left_at__isnull=False),
        shown_by=frozenset({"active", "leftAt", "leftHow"}),
        writes=Writes(
            create=_enrol,
            update=_change,
            remove=_remove,
            remove_means="Removes the customer from the workflow; the stay is kept as history. Answers the ended stay. "
            "The rule leaves the customer alone until it has not held for it once.",
        ),
        fields=(
            common.IDENTITY,
            Field(
                name="workflowId",
                kind=ID,
                column="workflow_id",
                stored="workflow",
                writable=True,
                required=True,
                nullable=False,
            ),
            Field(name="workflowKey", kind=Text(60), column="workflow__key", nullable=False),
            Field(
                name="customerId",
                kind=ID,
                column="customer_id",
                stored="customer",
                writable=True,
                required=True,
                nullable=False,
                description="Who is in the workflow already stays as it is; the open stay is answered.",
            ),
            Field(
                name="active",
                kind=Boolean(),
                needs=("left_at",),
                read=lambda row, context: row["left_at"] is None,
                narrow=lambda value, context: Q(left_at__isnull=value),
                nullable=False,
                description="Ended stays are in a list only when a filter names this field, leftAt or leftHow.",
            ),
            Field(name="enteredAt", kind=Moment(), column="entered_at", nullable=False),
            _how("enteredHow", "entered_how"),
            Field(name="enteredBy", kind=Text(254), column="entered_by"),
            Field(
                name="reason",
                kind=Text(500),
                column="entered_reason",
                stored="reason",
                writable=True,
                default="",
                description="Why it entered; of a rule with the values of then.",
            ),
            Field(name="leftAt", kind=Moment(), column="left_at"),
            _how("leftHow", "left_how"),
            Field(name="leftBy", kind=Text(254), column="left_by"),
            Field(name="leftReason", kind=Text(500), column="left_reason"),
        ),
    )
)
