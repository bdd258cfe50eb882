"""Triggers, dropped before migrations run and created again afterwards.

They are not part of migrations, because SQLite loses them when a later migration rebuilds the table, and refuses to
rename tables that a trigger uses.
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

    `event`: INSERT, UPDATE or DELETE. `columns`: for an UPDATE, at least one of these must have changed. `statements`
    is called with whether the database is PostgreSQL. `declare`: variables of the function on PostgreSQL.
    """

    name: str
    table: str
    event: str
    columns: tuple[str, ...] = ()
    statements: Callable[[bool], Sequence[str]] = lambda _: ()
    declare: str = ""


def differ(columns: Iterable[str], postgres: bool) -> str:
    """SQL that is true when an UPDATE changed one of the columns."""
    return " OR ".join(f"OLD.{name} {'IS DISTINCT FROM' if postgres else 'IS NOT'} NEW.{name}" for name in columns)


def register(app: AppConfig, triggers: Sequence[Trigger], retired: Sequence[Trigger] = ()) -> None:
    """Drops and creates these triggers around migrations, and drops the retired ones. Called in the app's `ready`."""

    def before(using: str, **_: Any) -> None:
        drop(using, [*triggers, *retired])

    def after(using: str, **_: Any) -> None:
        create(using, triggers)

    uid = f"{app.label}.triggers"
    pre_migrate.connect(before, sender=app, weak=False, dispatch_uid=uid)
    post_migrate.connect(after, sender=app, weak=False, dispatch_uid=uid)


def drop(using: str, triggers: Sequence[Trigger]) -> None:
    """Drops the triggers."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for trigger in triggers:
            if trigger.table in tables:
                on_table = f" ON {trigger.table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name}{on_table}")


def create(using: str, triggers: Sequence[Trigger]) -> None:
    """Creates the triggers if all of their tables exist."""
    connection = connections[using]
    if not set(connection.introspection.table_names()) >= {trigger.table for trigger in triggers}:
        return
    drop(using, triggers)
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for trigger in triggers:
            body = "; ".join(trigger.statements(postgres))
            head = f"CREATE TRIGGER {trigger.name} AFTER {trigger.event}"
            if trigger.columns:
                head += f" OF {', '.join(trigger.columns)}"
            head += f" ON {trigger.table} FOR EACH ROW"
            if trigger.columns:
                head += f" WHEN ({differ(trigger.columns, postgres)})"
            if not postgres:
                cursor.execute(f"{head} BEGIN {body}; END")
                continue
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {trigger.name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$body$ {trigger.declare} BEGIN {body}; RETURN NULL; END $body$"
            )
            cursor.execute(f"{head} EXECUTE FUNCTION {trigger.name}()")
