"""GET and PATCH /healthrule/support: the two numbers of Settings → Health rules → Support."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import Router

from startdeliver.api import openapi, routes, writing
from startdeliver.api.entity import Context, Field
from startdeliver.api.errors import Forbidden, Invalid
from startdeliver.common.values import Integer, Moment, Text
from startdeliver.support import health

router = Router()

_FIELDS = {
    field.name: field
    for field in (
        Field(
            name="daysUntilOverdue",
            kind=Integer(1, 3650),
            writable=True,
            nullable=False,
            description="After so many days an unresolved ticket is overdue.",
        ),
        Field(
            name="overdueUntilPoor",
            kind=Integer(1, 100_000),
            writable=True,
            nullable=False,
            description="From so many overdue tickets on, support health is poor.",
        ),
        Field(name="updatedAt", kind=Moment(), description="Null: the defaults, never changed."),
        Field(name="updatedBy", kind=Text(254)),
        Field(name="id", kind=Text(16), nullable=False),
    )
}
_SHOWN = {name: _FIELDS[name].schema() for name in ("daysUntilOverdue", "overdueUntilPoor", "updatedAt", "updatedBy")}
_ANSWER = {"type": "object", "properties": _SHOWN, "required": list(_SHOWN)}
_BODY = {"type": "object", "properties": {name: _SHOWN[name] for name in ("daysUntilOverdue", "overdueUntilPoor")}}


@router.get(
    "/healthrule/support",
    operation_id="healthrule_support_get",
    response={200: None},
    tags=["healthrule"],
    summary="Read the rule for support health",
    openapi_extra={"responses": openapi.responses(_ANSWER)},
)
def read(request: HttpRequest) -> HttpResponse:
    """The numbers that decide when a ticket is overdue and when support health is poor."""
    return routes.answer(request, _rule)


@router.patch(
    "/healthrule/support",
    operation_id="healthrule_support_update",
    response={200: None},
    tags=["healthrule"],
    summary="Change the rule for support health",
    openapi_extra={
        "requestBody": openapi.body(_BODY),
        "responses": openapi.responses(_ANSWER, 400, 403, 413),
    },
)
def change(request: HttpRequest) -> HttpResponse:
    """Changes every ticket and customer at once. Administrators only."""

    def act(context: Context) -> dict[str, Any]:
        if not context.caller.can_administrate:
            raise Forbidden("Only an administrator, or a key with admin access, may change health rules.")
        values = writing.values_of(_FIELDS, routes.body_of(request), complete=False)
        rule = health.rule(context.organization)
        try:
            health.set_rule(
                context.organization,
                values.get("daysUntilOverdue", rule.days_until_overdue),
                values.get("overdueUntilPoor", rule.overdue_until_poor),
                context.caller.name,
            )
        except ValidationError as error:
            raise Invalid(" ".join(error.messages)) from error
        return _rule(context)

    return routes.answer(request, act)


def _rule(context: Context) -> dict[str, Any]:
    rule = health.rule(context.organization)
    return {
        "daysUntilOverdue": rule.days_until_overdue,
        "overdueUntilPoor": rule.overdue_until_poor,
        "updatedAt": rule.updated_at if rule.pk else None,
        "updatedBy": rule.updated_by,
    }
