"""What the raw statements of this app share: dialect, parameters, the tenant's lock.

Every statement names `organization_id` itself, since raw SQL passes by the tenant scope. Parameters are named.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django_scopes import get_scope, scope

from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite

# First key of PostgreSQL's advisory locks of this app; the second is the organization.
_LOCK_CLASS = 73_122

_ROWS_AT_ONCE = 1_000


@contextmanager
def organization_work(organization: Organization) -> Iterator[None]:
    """Opens `organization`'s scope; raises CrossTenantWrite inside the open scope of another organization."""
    current = get_scope()
    holder = current.get("organization") if current.get("_enabled", True) else None
    if holder is not None and holder.pk != organization.pk:
        raise CrossTenantWrite(f"usage of organization {organization.pk} inside the scope of {holder.pk}")
    with scope(organization=organization):
        yield


@contextmanager
def health_writer(organization: Organization) -> Iterator[None]:
    """One transaction in which nobody else writes this organization's usage health or last logins.

    On PostgreSQL a pass that counted before another one and writes after it would bring back old numbers, so counting
    starts only after the lock is held. SQLite has one writer anyway.
    """
    with organization_work(organization), transaction.atomic():
        if is_postgres():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk % 2**31])
        yield


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def tune(everything: bool) -> None:
    """Tells PostgreSQL, for this transaction, what the pass is like: many look-ups, or all of the rollup."""
    if not is_postgres():
        return
    with connection.cursor() as cursor:
        # Compiling a statement takes longer than running it for ten thousand customers.
        cursor.execute("SET LOCAL jit = off")
        if everything:
            # Aggregates over a whole rollup; the default of 4 MB would send them through files.
            cursor.execute("SET LOCAL work_mem = '256MB'")


def db_time(moment: datetime) -> Any:
    """An aware datetime as the database compares it."""
    return connection.ops.adapt_datetimefield_value(moment)


def differs(left: str, right: str) -> str:
    """SQL that is true when two values differ, null being a value."""
    return f"{left} {'IS DISTINCT FROM' if is_postgres() else 'IS NOT'} {right}"


def one_of(column: str, name: str, kind: str = "bigint") -> str:
    """SQL that keeps the rows whose `column` is in the list that `id_list` makes of any number of ids."""
    if is_postgres():
        # Of the column's own type: only then PostgreSQL hashes the list instead of searching it for each row.
        return f"{column} = ANY(%({name})s::{kind}[])"
    # SQLite limits the number of parameters; a JSON list is one.
    return f"{column} IN (SELECT value FROM json_each(%({name})s))"  # noqa: S608


def id_list(ids: Collection[Any]) -> Any:
    """A list parameter for `one_of`."""
    return list(ids) if is_postgres() else json.dumps(list(ids))


def literals(ids: Collection[int]) -> str:
    """A few ids, written into the statement: the planner sees them, which it needs to choose an index."""
    return "(" + ", ".join(str(int(number)) for number in sorted(ids)) + ")"


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


def user_ids_of(organization: Organization, ids: Collection[int]) -> set[int]:
    """Those of `ids` that are users of the organization."""
    values = {"org": organization.pk, "ids": id_list(ids)}
    return {row[0] for row in fetch(_USER_IDS.format(one_of("id", "ids")), values)}


_USER_IDS = "SELECT id FROM customers_customeruser WHERE organization_id = %(org)s AND {}"

_INSERT_ARRAYS = "INSERT INTO {into} SELECT %s, given.* FROM unnest({arrays}) AS given {rest}"
_INSERT_VALUES = "INSERT INTO {into} VALUES {rows} {rest}"


def insert(
    into: str, kinds: Sequence[str], organization: int, rows: Sequence[Sequence[Any]], rest: str = ""
) -> list[tuple[Any, ...]]:
    """Inserts `rows`, each preceded by the organization, and gives what `rest` of the statement returns.

    `into` names the table and its columns, `kinds` the types of all columns but the organization.
    """
    returned: list[tuple[Any, ...]] = []
    # Parameters are limited on SQLite: one for each value. On PostgreSQL there is one for each column.
    at_once = max(len(rows), 1) if is_postgres() else _ROWS_AT_ONCE
    for start in range(0, len(rows), at_once):
        returned += _insert_some(into, kinds, organization, rows[start : start + at_once], rest)
    return returned


def _insert_some(
    into: str, kinds: Sequence[str], organization: int, rows: Sequence[Sequence[Any]], rest: str
) -> list[tuple[Any, ...]]:
    if is_postgres():
        arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
        statement = _INSERT_ARRAYS.format(into=into, arrays=arrays, rest=rest)
        values: list[Any] = [organization, *([*column] for column in zip(*rows, strict=True))]
    else:
        one = f"({organization:d}, {', '.join(['%s'] * len(kinds))})"
        statement = _INSERT_VALUES.format(into=into, rows=", ".join([one] * len(rows)), rest=rest)
        values = [value for row in rows for value in row]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []
