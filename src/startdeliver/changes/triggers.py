"""What the database itself records as changes, whoever makes them and in whatever bulk.

Customers and users are written by the browser, the API, imports and the sync; results by passes over thousands of
customers. A trigger sees all of them, so no writer can forget to tell.
"""

from __future__ import annotations

from startdeliver.changes.models import Kind
from startdeliver.storage.triggers import Trigger, differ

_USER_COLUMNS = ("customer_id", "has_left_at", "archived_at", "is_non_user", "custom")
_USER_DETAILS = ("last_seen_at", "name", "email", "external_id", "phone", "is_stakeholder", "updated_at")
_CUSTOMER_COLUMNS = ("custom", "archived_at")
_CUSTOMER_DETAILS = (
    "name", "external_id", "domain", "website", "plan", "size", "industry", "monthly_spend", "csm_id", "arr",
    "renewal_date", "tags", "updated_at",
)  # fmt: skip

_INSERT = "INSERT INTO changes_change (organization_id, kind, customer_id, user_id)"


def _user_update(postgres: bool) -> list[str]:
    kind = f"CASE WHEN {differ(_USER_COLUMNS, postgres)} THEN '{Kind.USER}' ELSE '{Kind.USER_DETAILS}' END"
    moved = differ(["customer_id"], postgres)
    return [
        f"{_INSERT} VALUES (NEW.organization_id, {kind}, OLD.customer_id, NEW.id)",
        # Both customers: the one that lost the user and the one that has it.
        f"{_INSERT} SELECT NEW.organization_id, '{Kind.USER}', NEW.customer_id, NEW.id WHERE {moved}",
    ]


def _customer_update(postgres: bool) -> list[str]:
    changed = differ(_CUSTOMER_COLUMNS, postgres)
    kind = f"CASE WHEN {changed} THEN '{Kind.CUSTOMER}' ELSE '{Kind.CUSTOMER_DETAILS}' END"
    return [f"{_INSERT} VALUES (NEW.organization_id, {kind}, NEW.id, NULL)"]


def _result(kind: Kind, table: str, *columns: str) -> list[Trigger]:
    """A table that a stage writes, by customer. `columns`: those that matter when a row is updated."""
    statement = f"{_INSERT} VALUES (NEW.organization_id, '{kind}', NEW.customer_id, NULL)"
    return [
        Trigger(f"change_{kind}_insert", table, "INSERT", statements=lambda _: [statement]),
        Trigger(f"change_{kind}_update", table, "UPDATE", columns, lambda _: [statement]),
    ]


TRIGGERS = [
    Trigger(
        "change_user_insert", "customers_customeruser", "INSERT",
        statements=lambda _: [f"{_INSERT} VALUES (NEW.organization_id, '{Kind.USER}', NEW.customer_id, NEW.id)"],
    ),
    Trigger(
        "change_user_update", "customers_customeruser", "UPDATE", _USER_COLUMNS + _USER_DETAILS, _user_update
    ),
    Trigger(
        "change_user_delete", "customers_customeruser", "DELETE",
        statements=lambda _: [f"{_INSERT} VALUES (OLD.organization_id, '{Kind.USER}', OLD.customer_id, OLD.id)"],
    ),
    Trigger(
        "change_customer_insert", "customers_customer", "INSERT",
        statements=lambda _: [f"{_INSERT} VALUES (NEW.organization_id, '{Kind.CUSTOMER}', NEW.id, NULL)"],
    ),
    Trigger(
        "change_customer_update", "customers_customer", "UPDATE", _CUSTOMER_COLUMNS + _CUSTOMER_DETAILS,
        _customer_update,
    ),
    *_result(Kind.USAGE_HEALTH, "usage_usagehealth", "status"),
    *_result(Kind.SUPPORT_HEALTH, "support_supporthealth", "status", "open_count", "overdue_count"),
    *_result(Kind.ASSESSMENT, "assessment_current", "status", "trend"),
    *_result(Kind.ENROLMENT, "workflows_enrolment", "left_at"),
]  # fmt: skip

# Those of earlier versions, which an existing database still has when its migrations begin.
RETIRED = [
    Trigger(f"usage_{entity}_{event}", f"customers_customer{'user' if entity == 'user' else ''}", event.upper())
    for entity, event in (("user", "insert"), ("user", "update"), ("user", "delete"), ("customer", "insert"),
                          ("customer", "update"))
]  # fmt: skip
