"""What the raw statements of this app share: dialect, parameters, the tenant's lock.

Every statement names `organization_id` itself, since raw SQL passes by the tenant scope. Parameters are named.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django_scopes import get_scope, scope

from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite

# First key of PostgreSQL's advisory locks of this app; the second is the organization.
_LOCK_CLASS = 73_125


@contextmanager
def organization_work(organization: Organization) -> Iterator[None]:
    """Opens `organization`'s scope; raises CrossTenantWrite inside the open scope of another organization."""
    current = get_scope()
    holder = current.get("organization") if current.get("_enabled", True) else None
    if holder is not None and holder.pk != organization.pk:
        raise CrossTenantWrite(f"workflows of organization {organization.pk} inside the scope of {holder.pk}")
    with scope(organization=organization):
        yield


@contextmanager
def enrolment_writer(organization: Organization) -> Iterator[None]:
    """One transaction in which nobody else enrols or removes customers of this organization.

    On PostgreSQL two passes at once could decide on facts of different moments, so facts are read only after the lock
    is held. SQLite has one writer anyway.
    """
    with organization_work(organization), transaction.atomic():
        if is_postgres():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk % 2**31])
        yield


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def db_time(moment: datetime) -> Any:
    """An aware datetime as the database compares it."""
    return connection.ops.adapt_datetimefield_value(moment)


def one_of(column: str, name: str) -> str:
    """SQL that keeps the rows whose `column` is in the list that `id_list` makes of any number of ids."""
    if is_postgres():
        return f"{column} = ANY(%({name})s::bigint[])"
    # SQLite limits the number of parameters; a JSON list is one.
    return f"{column} IN (SELECT value FROM json_each(%({name})s))"  # noqa: S608


def id_list(ids: Collection[int]) -> Any:
    """A list parameter for `one_of`."""
    return list(ids) if is_postgres() else json.dumps(list(ids))


def fetch(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Runs one statement and gives its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def execute(statement: str, values: Mapping[str, Any]) -> int:
    """Runs one statement and gives the number of rows that it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
