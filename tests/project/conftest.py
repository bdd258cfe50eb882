from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from startdeliver.common.crypto import generate_key
from startdeliver.project.cli import main
from tests import database
from tests.engine.processes import database_url
from tests.project.running import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A new installation on SQLite, without a database yet."""
    return Installation(tmp_path / "here")


@pytest.fixture(scope="session")
def prepared_sqlite(prepared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, whatever the suite runs on."""
    if database.is_sqlite():
        return Path(prepared_database)
    installation = Installation(tmp_path_factory.mktemp("prepared"))
    installation.ok("migrate")
    return installation.sqlite


@pytest.fixture
def migrated_sqlite(installation: Installation, prepared_sqlite: Path) -> Installation:
    """A new installation on SQLite whose database is prepared."""
    installation.prepare(prepared_sqlite)
    return installation


@pytest.fixture
def migrated(make_installation: Callable[..., Installation]) -> Installation:
    """A new installation whose database is prepared."""
    return make_installation("here")


@pytest.fixture
def make_installation(tmp_path: Path, prepared_database: str) -> Iterator[Callable[..., Installation]]:
    """Creates installations with a prepared database of the suite's kind: make_installation("one").

    With prepared=False the database is empty.
    """
    databases: list[str] = []

    def make(name: str, *, prepared: bool = True) -> Installation:
        if database.is_sqlite():
            installation = Installation(tmp_path / name)
            if prepared:
                installation.prepare(Path(prepared_database))
            return installation
        databases.append(f"test_startdeliver_{name}_{uuid4().hex[:8]}")
        database.copy(prepared_database if prepared else "template1", databases[-1])
        settings = {
            "DATABASE_URL": database_url().rpartition("/")[0] + f"/{databases[-1]}",
            "STARTDELIVER_SECRET_KEY": "x" * 40,
            "STARTDELIVER_ENCRYPTION_KEYS": generate_key(),
        }
        return Installation(tmp_path / name, settings)

    yield make
    for name in databases:
        database.drop(name)


@pytest.fixture
def startdeliver(db: None) -> Callable[..., Result]:
    """Runs a subcommand in this process, on the test database: startdeliver("org", "list")."""

    def run(*arguments: str, text: str | None = None, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(main, list(arguments), input=text, env=env, prog_name="startdeliver")

    return run
