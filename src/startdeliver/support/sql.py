"""What the raw statements of this app share: dialect, parameters, the tenant's lock.

Every statement names `organization_id` itself, since raw SQL passes by the tenant scope.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django_scopes import get_scope, scope
from django_scopes.exceptions import ScopeError

from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite, current_organization

# First key of PostgreSQL's advisory locks of this app; the second is the organization.
_LOCK_CLASS = 73_121

# One pass over a million tickets groups in memory with this, and spills to disk with the usual 4 MB; compiling its
# expressions takes longer than it saves. Both hold until the end of the transaction.
_BEGIN_POSTGRES = (
    "SELECT pg_advisory_xact_lock(%s, %s), set_config('work_mem', '64MB', true), set_config('jit', 'off', true)"
)


@contextmanager
def organization_work(organization: Organization) -> Iterator[None]:
    """Opens `organization`'s scope; raises CrossTenantWrite inside the open scope of another organization."""
    current = get_scope()
    holder = current.get("organization") if current.get("_enabled", True) else None
    if holder is not None and holder.pk != organization.pk:
        raise CrossTenantWrite(f"support health of organization {organization.pk} inside the scope of {holder.pk}")
    with scope(organization=organization):
        yield


@contextmanager
def health_writer(organization: Organization) -> Iterator[None]:
    """One transaction in which nobody else writes this organization's health.

    On PostgreSQL a statement that waited for a row would write what it had counted before the wait, so counting starts
    only after the lock is held. SQLite has one writer anyway.
    """
    with organization_work(organization), transaction.atomic():
        if is_postgres():
            with connection.cursor() as cursor:
                cursor.execute(_BEGIN_POSTGRES, [_LOCK_CLASS, organization.pk % 2**31])
        yield


def required_organization() -> Organization:
    """The organization of the open scope; raises ScopeError when there is none or scopes are switched off."""
    organization = current_organization()
    if organization is None:
        raise ScopeError("this needs one organization's scope")
    return organization


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def db_time(moment: datetime) -> Any:
    """An aware datetime as the database compares it."""
    return connection.ops.adapt_datetimefield_value(moment)


def differs(left: str, right: str) -> str:
    """SQL that is true when two values differ, null being a value."""
    return f"{left} {'IS DISTINCT FROM' if is_postgres() else 'IS NOT'} {right}"


def of_customers(organization: Organization, customer_ids: Sequence[int] | None) -> tuple[str, list[Any]]:
    """SQL and parameters that keep the rows of `organization`, and of these customers only unless None."""
    if customer_ids is None:
        return "organization_id = %s", [organization.pk]
    ids = list(customer_ids)
    if is_postgres():
        return "organization_id = %s AND customer_id = ANY(%s)", [organization.pk, ids]
    # SQLite limits the number of parameters; a JSON list is one.
    return "organization_id = %s AND customer_id IN (SELECT value FROM json_each(%s))", [
        organization.pk,
        json.dumps(ids),
    ]


def execute(statement: str, values: Sequence[Any]) -> int:
    """Runs one statement and gives the number of rows that it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
