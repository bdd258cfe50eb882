from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from django.db import connection

from startdeliver.project.cli import main
from tests.project.running import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A new installation on SQLite, without a database yet."""
    return Installation(tmp_path / "here")


@pytest.fixture
def migrated(installation: Installation) -> Installation:
    """A new installation on SQLite whose database is prepared."""
    installation.prepare()
    return installation


@pytest.fixture
def make_installation(tmp_path: Path, transactional_db: None) -> Iterator[Callable[..., Installation]]:
    """Makes new installations with a prepared database of the kind that the suite runs on: make_installation("one").

    With prepared=False the database is empty.
    """
    from startdeliver.common.crypto import generate_key
    from tests.engine.processes import database_url

    databases: list[str] = []

    def make(name: str, *, prepared: bool = True) -> Installation:
        if connection.vendor != "postgresql":
            installation = Installation(tmp_path / name)
            if prepared:
                installation.prepare()
            return installation
        database = f"test_startdeliver_{name}_{uuid4().hex[:8]}"
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{database}"')
        databases.append(database)
        settings = {
            "DATABASE_URL": database_url().rpartition("/")[0] + f"/{database}",
            "STARTDELIVER_SECRET_KEY": "x" * 40,
            "STARTDELIVER_ENCRYPTION_KEYS": generate_key(),
        }
        installation = Installation(tmp_path / name, settings)
        if prepared:
            installation.ok("migrate")
        return installation

    yield make
    with connection.cursor() as cursor:
        for database in databases:
            cursor.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


@pytest.fixture
def startdeliver(db: None) -> Callable[..., Result]:
    """Runs a subcommand in this process, on the test database: startdeliver("org", "list")."""

    def run(*arguments: str, text: str | None = None, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(main, list(arguments), input=text, env=env, prog_name="startdeliver")

    return run
