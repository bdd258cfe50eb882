"""Compares the database with this version of the software, and migrates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

_LOCK = 0x53746172744D6967
"""An arbitrary number that names "migrating Startdeliver" among the server's advisory locks."""


@dataclass(frozen=True)
class State:
    """Migrations as "app.name": those that the database lacks, and those that only a newer version has."""

    missing: list[str]
    unknown: list[str]


def state() -> State:
    """Compares the database with the migrations of this version."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    missing = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    known = known_migrations()
    apps = {app for app, _ in known}
    unknown = [f"{app}.{name}" for app, name in applied() if app in apps and (app, name) not in known]
    return State(missing, unknown)


def known_migrations() -> set[tuple[str, str]]:
    """Returns the migrations of this version, as (app, name), including replaced ones."""
    migrations = MigrationLoader(None).disk_migrations
    return {*migrations, *((app, name) for migration in migrations.values() for app, name in migration.replaces)}


def applied() -> list[tuple[str, str]]:
    """Returns the migrations applied to the database, as (app, name), sorted."""
    return sorted(MigrationRecorder(connection).applied_migrations())


def migrate() -> list[str]:
    """Migrates the database to this version and returns the names of the applied migrations."""
    with _alone():
        missing = state().missing
        if missing:
            call_command("migrate", interactive=False, verbosity=0)
    return missing


@contextmanager
def _alone() -> Iterator[None]:
    """Lets one process migrate while others that start together on the same PostgreSQL wait for it."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
