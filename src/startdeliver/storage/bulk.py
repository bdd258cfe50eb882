"""Many rows in one statement: upserts and updates past the ORM, for pages of a sync.

Both databases get what suits them: SQLite `executemany` with `ON CONFLICT`, PostgreSQL one `INSERT … SELECT … FROM
unnest(…)`. Every statement carries the organization as a constant and refuses to run in another organization's scope.

Rows are plain tuples in the order of `columns` (column names, without `organization_id`). Moments are unix seconds (int
or None), JSON is text, decimals are text: the database converts, so no Python object is made per value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models

from startdeliver.tenancy.scope import CrossTenantWrite, TenantModel, current_organization

Row = tuple[Any, ...]


def upsert(
    model: type[TenantModel],
    organization_id: int,
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    update: Sequence[str] = (),
) -> None:
    """Inserts `rows`; where a row with the same `key` exists, sets `update` (none: leaves the row alone).

    `key`: the columns of a unique constraint, `organization_id` included where it belongs to it. No two rows may have
    the same key. Raises CrossTenantWrite.
    """
    _guard(model, organization_id)
    if not rows:
        return
    if connection.vendor == "postgresql":
        sql = _pg_upsert(model, tuple(columns), tuple(key), tuple(update))
        with connection.cursor() as cursor:
            cursor.execute(sql, [organization_id, *_turned(rows)])
    else:
        sql = _sqlite_upsert(model, tuple(columns), tuple(key), tuple(update), int(organization_id))
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)


def update(
    model: type[TenantModel], organization_id: int, columns: Sequence[str], rows: Sequence[Row], *, key: str = "id"
) -> None:
    """Sets `columns` of existing rows; each row is its `key` (unique in the organization) followed by the values.

    Raises CrossTenantWrite.
    """
    _guard(model, organization_id)
    if not rows:
        return
    if connection.vendor == "postgresql":
        sql = _pg_update(model, tuple(columns), key)
        with connection.cursor() as cursor:
            cursor.execute(sql, [*_turned(rows), organization_id])
    else:
        sql = _sqlite_update(model, tuple(columns), key, int(organization_id))
        with connection.cursor() as cursor:
            cursor.executemany(sql, [(*row[1:], row[0]) for row in rows])


def _guard(model: type[TenantModel], organization_id: int) -> None:
    organization = current_organization()
    if organization is not None and organization.pk != organization_id:
        raise CrossTenantWrite(f"{model.__name__} of organization {organization_id} outside its scope")


def _turned(rows: Iterable[Row]) -> list[str]:
    """The columns of `rows` as PostgreSQL's array literals. psycopg would write them too, but escapes character by
    character in Python, which for threads costs more than everything else."""
    return [_array(column) for column in zip(*rows, strict=True)]


def _array(values: Iterable[Any]) -> str:
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def _field(model: type[models.Model], column: str) -> models.Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.column == column)


def _q(name: str) -> str:
    return connection.ops.quote_name(name)


# ------------------------------------------------------------------------------------------------------------- SQLite


def _sqlite_value(model: type[models.Model], column: str) -> str:
    # The very text that Django's SQLite backend writes for an aware datetime without microseconds.
    return "datetime(%s, 'unixepoch')" if isinstance(_field(model, column), models.DateTimeField) else "%s"


@lru_cache(maxsize=256)
def _sqlite_upsert(
    model: type[models.Model],
    columns: tuple[str, ...],
    key: tuple[str, ...],
    update: tuple[str, ...],
    organization: int,
) -> str:
    names = ", ".join(_q(column) for column in columns)
    values = ", ".join(_sqlite_value(model, column) for column in columns)
    return (
        f"INSERT INTO {_q(model._meta.db_table)} (organization_id, {names}) VALUES ({organization}, {values})"  # noqa: S608
        + _conflict(key, update)
    )


@lru_cache(maxsize=256)
def _sqlite_update(model: type[models.Model], columns: tuple[str, ...], key: str, organization: int) -> str:
    sets = ", ".join(f"{_q(column)} = {_sqlite_value(model, column)}" for column in columns)
    return f"UPDATE {_q(model._meta.db_table)} SET {sets} WHERE organization_id = {organization} AND {_q(key)} = %s"  # noqa: S608


# --------------------------------------------------------------------------------------------------------- PostgreSQL

_CARRIERS = {
    "DateTimeField": "bigint",
    "JSONField": "text",
    "DecimalField": "text",
    "BooleanField": "boolean",
    "FloatField": "double precision",
    "DateField": "text",
}
_CASTS = {"JSONField": "::jsonb", "DecimalField": "::numeric", "DateField": "::date"}


def _carrier(field: models.Field[Any, Any]) -> str:
    """The type of the array that carries a column's values."""
    kind = field.get_internal_type()
    if kind in _CARRIERS:
        return _CARRIERS[kind]
    return "bigint" if kind in ("ForeignKey", "OneToOneField") or "Integer" in kind or "Auto" in kind else "text"


def _pg_value(field: models.Field[Any, Any], alias: str) -> str:
    kind = field.get_internal_type()
    return f"to_timestamp({alias})" if kind == "DateTimeField" else alias + _CASTS.get(kind, "")


def _source(model: type[models.Model], columns: Sequence[str]) -> tuple[str, list[str]]:
    fields = [_field(model, column) for column in columns]
    arrays = ", ".join(f"%s::{_carrier(field)}[]" for field in fields)
    aliases = [f"c{number}" for number in range(len(fields))]
    values = [_pg_value(field, f"u.{alias}") for field, alias in zip(fields, aliases, strict=True)]
    return f"unnest({arrays}) AS u({', '.join(aliases)})", values


@lru_cache(maxsize=256)
def _pg_upsert(
    model: type[models.Model], columns: tuple[str, ...], key: tuple[str, ...], update: tuple[str, ...]
) -> str:
    source, values = _source(model, columns)
    names = ", ".join(_q(column) for column in columns)
    return (
        f"INSERT INTO {_q(model._meta.db_table)} (organization_id, {names}) "  # noqa: S608
        f"SELECT %s::bigint, {', '.join(values)} FROM {source}" + _conflict(key, update)
    )


@lru_cache(maxsize=256)
def _pg_update(model: type[models.Model], columns: tuple[str, ...], key: str) -> str:
    source, values = _source(model, (key, *columns))
    table = _q(model._meta.db_table)
    sets = ", ".join(f"{_q(column)} = {value}" for column, value in zip(columns, values[1:], strict=True))
    return f"UPDATE {table} SET {sets} FROM {source} WHERE {table}.{_q(key)} = u.c0 AND {table}.organization_id = %s"  # noqa: S608


def _conflict(key: tuple[str, ...], update: tuple[str, ...]) -> str:
    target = ", ".join(_q(column) for column in key)
    if not update:
        return f" ON CONFLICT ({target}) DO NOTHING"
    return f" ON CONFLICT ({target}) DO UPDATE SET " + ", ".join(f"{_q(c)} = excluded.{_q(c)}" for c in update)
