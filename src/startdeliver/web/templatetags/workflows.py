"""Workflows on other pages. `{% load workflows %}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from startdeliver.customers.models import Customer
from startdeliver.workflows import selectors
from startdeliver.workflows.models import Enrolment, How

register = template.Library()

_HOW = {How.RULE: "By rule", How.HAND: "By hand", How.API: "By a program"}


@register.inclusion_tag("web/workflows/_chips.html")
def workflow_chips(customer: Customer) -> dict[str, Any]:
    """Returns the workflows that the customer is in now, each a link to it."""
    return {"pairs": selectors.active_names([customer.pk]).get(customer.pk, [])}


@register.inclusion_tag("web/workflows/_chips.html")
def workflow_marks(pairs: Sequence[tuple[int, str]] | None) -> dict[str, Any]:
    """Returns the same, for pairs of (id, name) that a list has read for all its rows."""
    return {"pairs": pairs or (), "dash": True}


@register.filter
def entered_by(enrolment: Enrolment) -> str:
    """Returns who enrolled the customer: "By rule", or a person."""
    return (
        enrolment.entered_by
        if enrolment.entered_how == How.HAND and enrolment.entered_by
        else _who(enrolment.entered_how, enrolment.entered_by)
    )


@register.filter
def left_by(enrolment: Enrolment) -> str:
    """Returns who removed the customer, in the same way."""
    return (
        enrolment.left_by
        if enrolment.left_how == How.HAND and enrolment.left_by
        else _who(enrolment.left_how, enrolment.left_by)
    )


def _who(how: str, by: str) -> str:
    said = _HOW.get(How(how), "") if how in How.values else ""
    return f"{said} ({by})" if said and by else said or by or "–"
