"""Triggers, taken away before migrations run and put back afterwards.

They are no migrations: SQLite loses them when a later migration rebuilds the table, and refuses to rename tables that a
trigger speaks of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


@dataclass(frozen=True)
class Trigger:
    """Statements that the database runs after each row of `table` is written.

    `event`: INSERT, UPDATE or DELETE. `columns`: of an UPDATE, those of which one must have changed. `statements` gets
    whether the database is PostgreSQL. `declare`: variables of the function on PostgreSQL.
    """

    name: str
    table: str
    event: str
    columns: tuple[str, ...] = ()
    statements: Callable[[bool], Sequence[str]] = lambda _: ()
    declare: str = ""


def differ(columns: Iterable[str], postgres: bool) -> str:
    """SQL that is true when one of the columns is another one after an UPDATE than before."""
    return " OR ".join(f"OLD.{name} {'IS DISTINCT FROM' if postgres else 'IS NOT'} NEW.{name}" for name in columns)


def register(app: AppConfig, triggers: Sequence[Trigger], retired: Sequence[Trigger] = ()) -> None:
    """Keeps these triggers in place around migrations, and drops the retired ones. Called in the app's `ready`."""

    def before(using: str, **_: Any) -> None:
        drop(using, [*triggers, *retired])

    def after(using: str, **_: Any) -> None:
        create(using, triggers)

    uid = f"{app.label}.triggers"
    pre_migrate.connect(before, sender=app, weak=False, dispatch_uid=uid)
    post_migrate.connect(after, sender=app, weak=False, dispatch_uid=uid)


def drop(using: str, triggers: Sequence[Trigger]) -> None:
    """Takes the triggers away."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for one in triggers:
            if one.table in tables:
                on_table = f" ON {one.table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {one.name}{on_table}")


def create(using: str, triggers: Sequence[Trigger]) -> None:
    """Puts the triggers in place, once the tables of all of them are there."""
    connection = connections[using]
    if not set(connection.introspection.table_names()) >= {one.table for one in triggers}:
        return
    drop(using, triggers)
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for one in triggers:
            body = "; ".join(one.statements(postgres))
            head = f"CREATE TRIGGER {one.name} AFTER {one.event}"
            if one.columns:
                head += f" OF {', '.join(one.columns)}"
            head += f" ON {one.table} FOR EACH ROW"
            if one.columns:
                head += f" WHEN ({differ(one.columns, postgres)})"
            if not postgres:
                cursor.execute(f"{head} BEGIN {body}; END")
                continue
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {one.name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$body$ {one.declare} BEGIN {body}; RETURN NULL; END $body$"
            )
            cursor.execute(f"{head} EXECUTE FUNCTION {one.name}()")
