"""What goes to Intercom of workflows: whether a customer is in the at-risk one, and the names of all it is in.

A contact gets what its customer has; a contact without a customer has neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from startdeliver.sync.push.sources import COMPANY, CONTACT, MAX_TEXT, Source, Value, flag
from startdeliver.workflows.defaults import AT_RISK

_OF_CUSTOMER = (
    "FROM workflows_enrolment AS we JOIN workflows_workflow AS ww ON ww.id = we.workflow_id "
    "WHERE we.organization_id = c.organization_id AND we.customer_id = c.id AND we.left_at IS NULL "
    "AND ww.archived_at IS NULL"
)
_IS_THERE = f"EXISTS (SELECT 1 {_OF_CUSTOMER} AND ww.key = '{AT_RISK}')"
_AT_RISK = f"CASE WHEN c.id IS NULL THEN NULL WHEN {_IS_THERE} THEN 1 ELSE 0 END"
_NAMES_POSTGRES = f"(SELECT string_agg(ww.name, ', ' ORDER BY ww.name) {_OF_CUSTOMER})"
_SORTED = f"SELECT ww.name {_OF_CUSTOMER} ORDER BY ww.name"
_NAMES_SQLITE = f"(SELECT group_concat(wn.name, ', ') FROM ({_SORTED}) AS wn)"  # noqa: S608 -- our own names


def sources() -> Sequence[Source]:
    """For `sources.register`."""
    names = _NAMES_POSTGRES if connection.vendor == "postgresql" else _NAMES_SQLITE
    at_risk = Source(
        COMPANY, "at_risk", "In the at-risk workflow", "boolean", _AT_RISK, flag,
        "Whether the customer is enrolled in the at-risk workflow in Startdeliver.",
    )  # fmt: skip
    active = Source(
        COMPANY, "workflows", "Active workflows", "string", names, short_names,
        "The workflows that the customer is enrolled in now, by name.", own_name="active_workflows",
    )  # fmt: skip
    of_contact = [
        replace(at_risk, model=CONTACT, label="Customer in the at-risk workflow"),
        replace(active, model=CONTACT, label="Customer's active workflows"),
    ]
    return [at_risk, active, *of_contact]


def short_names(value: Any) -> Value:
    """Names joined by commas, whole ones only, as many as Intercom's text holds; empty is none."""
    text = str(value or "")
    if len(text) <= MAX_TEXT:
        return text or None
    return text[: text.rfind(", ", 0, MAX_TEXT - 1)] + ", …"
