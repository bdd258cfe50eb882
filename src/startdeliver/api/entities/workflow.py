"""workflow and enrolment: programmes that customers are enrolled in, and every stay of a customer in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, Hidden, Removal, Row, Writes, field_of
from startdeliver.common.values import BadValue, Choice, FieldError, Integer, Kind
from startdeliver.customers.models import Customer
from startdeliver.workflows import services
from startdeliver.workflows.models import Enrolment, How, Workflow

_COUNTS = "enrolled customers"
_field, _stay_field = field_of(Workflow), field_of(Enrolment)


@dataclass(frozen=True)
class Rule(Kind):
    """Groups of conditions: the rule holds when all conditions of one group hold."""

    def parse(self, value: object) -> Any:
        if not isinstance(value, list) or not all(isinstance(group, list) for group in value):
            raise BadValue("Send a list of groups, each a list of conditions.")
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


WORKFLOW = Entity(
    name="workflow",
    plural="workflows",
    description="A programme that customers are enrolled in, by hand or by rule, for example At-risk.",
    model=Workflow,
    hidden=common.HIDE_ARCHIVED,
    attach=_attach,
    writes=common.writes(Workflow, "workflow", services.workflow_create, services.workflow_update),
    removal=common.archive(
        Workflow,
        "workflow",
        services.workflow_archive,
        "Archives the workflow: everybody leaves it, its history stays. Answers the archived record.",
    ),
    fields=(
        common.IDENTITY,
        _field("name", writable=True, required=True),
        _field(
            "key",
            "",
            "What programs know it by, such as at_risk; made from the name when it is not given, fixed after creation.",
            nullable=True,
            writable=True,
        ),
        _field("description", writable=True),
        _rule("enrolRule", "enrol_rule", "Who enters by itself; empty: nobody."),
        _field(
            "leaves",
            "",
            "How customers leave by themselves: only by_hand, when enrolRule holds no_longer, or when "
            "leaveRule holds (rule).",
            writable=True,
        ),
        _rule("leaveRule", "leave_rule", "Who leaves by itself, when `leaves` is rule."),
        _field(
            "leaveAfterDays",
            "",
            "For how many days the reason to leave must have held without a break.",
            kind=Integer(0, 365),
            writable=True,
        ),
        _field(
            "handLeavesByRule",
            "hand_leaves_too",
            "Customers who were enrolled by hand leave by rule like the others.",
            writable=True,
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
    stay = Enrolment.objects.select_related("workflow").get(pk=pk)
    if stay.left_at is None:
        services.leave(workflow=stay.workflow, customers=[stay.customer_id], by=context.caller.name, how=How.API)


def _how(name: str, column: str) -> Field:
    description = "hand, api, rule, or end: the customer or the workflow was archived."
    return common.text_or_null(name, column, Choice(tuple(How.values)), description)


ENROLMENT = Entity(
    name="enrolment",
    plural="enrolments",
    description="One stay of a customer in a workflow, kept for ever.",
    model=Enrolment,
    hidden=Hidden(Q(left_at__isnull=False), frozenset({"active", "leftAt", "leftHow"})),
    writes=Writes(create=_enrol, update=_change),
    removal=Removal(
        remove=_remove,
        means="Removes the customer from the workflow; the stay is kept as history. Answers the ended stay. "
        "The rule leaves the customer alone until it has not held for it once.",
    ),
    fields=(
        common.IDENTITY,
        _stay_field("workflowId", stored="workflow", writable=True, required=True),
        _stay_field("workflowKey", "workflow__key", nullable=False),
        _stay_field(
            "customerId",
            "",
            "Who is in the workflow already stays as it is; the open stay is answered.",
            stored="customer",
            writable=True,
            required=True,
        ),
        common.is_set(
            "active",
            "left_at",
            "Ended stays are in a list only when a filter names this field, leftAt or leftHow.",
            when=False,
        ),
        _stay_field("enteredAt"),
        _how("enteredHow", "entered_how"),
        _stay_field("enteredBy"),
        _stay_field(
            "reason",
            "entered_reason",
            "Why it entered; of a rule with the values of then.",
            stored="reason",
            writable=True,
        ),
        _stay_field("leftAt"),
        _how("leftHow", "left_how"),
        _stay_field("leftBy"),
        _stay_field("leftReason"),
    ),
)
