"""Shared by the raw SQL statements of all apps: dialect, parameters, the lock of one writer per tenant.

Every statement names `organization_id` itself, because raw SQL bypasses the tenant scope.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django_scopes import get_scope, scope

from startdeliver.storage.bulk import array
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite

Values = Sequence[Any] | Mapping[str, Any]


@contextmanager
def organization_work(organization: Organization) -> Iterator[None]:
    """Opens `organization`'s scope; raises CrossTenantWrite inside the open scope of another organization."""
    current = get_scope()
    holder = current.get("organization") if current.get("_enabled", True) else None
    if holder is not None and holder.pk != organization.pk:
        raise CrossTenantWrite(f"work for organization {organization.pk} inside the scope of {holder.pk}")
    with scope(organization=organization):
        yield


@contextmanager
def one_writer(organization: Organization, lock: int) -> Iterator[None]:
    """One transaction in which no other process writes the data that `lock` protects in this organization.

    On PostgreSQL a statement that waited for a row would write what it had counted before the wait. Counting therefore
    starts after the lock is taken. SQLite has one writer anyway.
    """
    with organization_work(organization), transaction.atomic():
        if is_postgres():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [lock, organization.pk % 2**31])
        yield


def tune(**settings: str) -> None:
    """Sets PostgreSQL's parameters until the transaction ends. Does nothing on SQLite."""
    if is_postgres():
        with connection.cursor() as cursor:
            calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
            cursor.execute(f"SELECT {calls}", [part for one in settings.items() for part in one])


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def db_time(moment: datetime) -> Any:
    """Returns an aware datetime as the database compares it."""
    return connection.ops.adapt_datetimefield_value(moment)


def epoch(column: str) -> str:
    """SQL that returns a moment as whole unix seconds."""
    return (
        f"FLOOR(EXTRACT(EPOCH FROM {column}))::bigint"
        if is_postgres()
        else f"CAST(strftime('%%s', {column}) AS INTEGER)"
    )


def differs(left: str, right: str) -> str:
    """SQL that is true when two values differ; null counts as a value."""
    return f"{left} {'IS DISTINCT FROM' if is_postgres() else 'IS NOT'} {right}"


def one_of(column: str, name: str = "", kind: str = "bigint") -> str:
    """SQL that keeps the rows whose `column` is in the list that `id_list` makes of any number of ids.

    `name` is the name of the parameter; empty: the next positional one.
    """
    parameter = f"%({name})s" if name else "%s"
    if is_postgres():
        # The list has the column's type. PostgreSQL hashes it only then; otherwise it searches the list for each row.
        return f"{column} = ANY({parameter}::{kind}[])"
    # SQLite limits the number of parameters; a JSON list is one.
    return f"{column} IN (SELECT value FROM json_each({parameter}))"  # noqa: S608


def id_list(ids: Collection[Any]) -> Any:
    """Returns a list parameter for `one_of`."""
    return array(ids) if is_postgres() else json.dumps(list(ids))


def among(column: str, values: Collection[Any], kind: str = "text") -> RawSQL:
    """Returns a condition for `filter`: the column (of the only table) has one of any number of values."""
    return RawSQL(one_of(column, kind=kind), [id_list(values)], output_field=BooleanField())  # noqa: S611


def literals(ids: Collection[int]) -> str:
    """Returns a few ids, written into the statement: the planner sees them, which it needs to choose an index."""
    return "(" + ", ".join(str(int(number)) for number in sorted(ids)) + ")"


def fetch(statement: str, values: Values) -> list[tuple[Any, ...]]:
    """Runs one statement and returns its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def execute(statement: str, values: Values) -> int:
    """Runs one statement and returns the number of rows that it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
