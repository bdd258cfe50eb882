"""What the raw statements of usage share beyond `storage.sql`: the lock of its writers, many rows in.

Parameters are named.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db import connection

from startdeliver.storage import sql
from startdeliver.storage.bulk import array
from startdeliver.storage.sql import fetch, id_list, is_postgres, one_of
from startdeliver.tenancy.models import Organization

# First key of PostgreSQL's advisory locks of this app; the second is the organization.
_LOCK_CLASS = 73_122

_ROWS_AT_ONCE = 1_000


def health_writer(organization: Organization) -> AbstractContextManager[None]:
    """One transaction in which nobody else writes this organization's usage health or last logins."""
    return sql.one_writer(organization, _LOCK_CLASS)


def tune() -> None:
    """Adjusts PostgreSQL's settings, for this transaction, to statements over many users."""
    # Compiling a statement takes longer than running it for ten thousand customers. Aggregates over a whole rollup
    # fit into this memory; the default of 4 MB would send them through files.
    sql.tune(jit="off", work_mem="256MB")


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
        values: list[Any] = [organization, *map(array, zip(*rows, strict=True))]
    else:
        one = f"({organization:d}, {', '.join(['%s'] * len(kinds))})"
        statement = _INSERT_VALUES.format(into=into, rows=", ".join([one] * len(rows)), rest=rest)
        values = [value for row in rows for value in row]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []
