"""The test database: migrated once for all workers of pytest-xdist, copied for each, emptied after tests that write."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

#: Tables with rows that migrations write.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
NOTE = "prepared-database"


def is_sqlite() -> bool:
    return connection.vendor == "sqlite"


def prepare(shared: Path) -> str:
    """Returns the name of a migrated database for copies. The first process creates it.

    `shared` is a folder that all processes of this test run use.
    """
    note = shared / NOTE
    with (shared / f"{NOTE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            name = str(shared / "prepared.sqlite3")
            if not is_sqlite():
                name = f"test_{connection.settings_dict['NAME']}_prepared"
                # A killed run left it behind.
                drop(name)
                _administer(f'CREATE DATABASE "{name}"')
            with using(name):
                call_command("migrate", verbosity=0, interactive=False)
            note.write_text(name)
    return note.read_text()


def copy(prepared: str, name: str) -> None:
    """Creates the database `name` as a copy and replaces that of an earlier run."""
    if is_sqlite():
        shutil.copy(prepared, name)
    else:
        drop(name)
        _administer(f'CREATE DATABASE "{name}" TEMPLATE "{prepared}"')
        # A crash of the server may lose what tests committed.
        _administer(f'ALTER DATABASE "{name}" SET synchronous_commit = off')


def drop(name: str) -> None:
    """Deletes the database `name`, if there is one."""
    if is_sqlite():
        for suffix in ("", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)
    else:
        _administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def drop_prepared(shared: Path) -> None:
    """Deletes the database of `prepare`, at the end of the test run."""
    if (shared / NOTE).exists():
        drop((shared / NOTE).read_text())


@contextmanager
def using(name: str) -> Iterator[None]:
    """Makes Django's connections use the database `name`."""
    connection.close()
    before = connection.settings_dict["NAME"]
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = before


def empty() -> None:
    """Deletes the rows of every table except those of `KEPT`.

    Django's flush also takes tables that are empty; on PostgreSQL it truncates them, which creates a file for each.
    """
    # Foreign keys are checked at the end of the transaction.
    with transaction.atomic(), connection.cursor() as cursor:
        # Triggers may write rows when others are deleted.
        while filled := _filled_tables(cursor):
            for table in filled:
                cursor.execute(f'DELETE FROM "{table}"')


def _filled_tables(cursor: Any) -> list[str]:
    cursor.execute(_filled_query())
    # Procrastinate's foreign keys are checked at once, so its periodic_defers go before its jobs.
    return sorted((table for (table,) in cursor.fetchall()), reverse=True)


@cache
def _filled_query() -> str:
    tables = set(connection.introspection.table_names()) - KEPT
    return " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)


def _administer(sql: str) -> None:
    """Runs a statement that creates or drops a PostgreSQL database, without Django's connection."""
    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"],
        port=database["PORT"] or None,
        user=database["USER"],
        password=database["PASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as administration:
        administration.execute(sql)
