"""The database goes away in the middle of a sync and comes back: the worker goes on by itself."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from startdeliver.simulator.testing import Handle, run_in_thread
from tests.project.running import Installation, until

pytestmark = pytest.mark.django_db(transaction=True)

_ASK = """
import django
django.setup()
from startdeliver.sync import runs
from startdeliver.tenancy.models import Organization
runs.request_run(Organization.objects.get(), "button")
"""


@pytest.fixture
def simulator() -> Iterator[Handle]:
    """A workspace whose conversations take some seconds to list."""
    with run_in_thread() as handle:
        ann = handle.workspace.add_contact("Ann", "ann@acme.example")
        at = int(handle.workspace.now()) - 100_000
        for number in range(900):
            handle.workspace.add_conversation([ann], created_at=at + 60 * number)
        handle.faults.latency("/conversations", 500)
        yield handle


@pytest.fixture
def installation(make_installation: Callable[..., Installation], simulator: Handle) -> Installation:
    """Acme is connected and has never synced. On SQLite a writer waits for a second."""
    made = make_installation("outage")
    made.settings |= {"INTERCOM_API_URL": simulator.url, "INTERCOM_TOKEN": simulator.token}
    if connection.vendor == "sqlite":
        made.settings["DATABASE_URL"] = f"sqlite:///{made.sqlite}?timeout=1"
    made.ok("org", "create", "Acme", "--admin", "a@acme.test")
    made.ok("intercom", "connect", "acme", "--workspace", simulator.workspace.id_code, "--create-contacts")
    return made


def rows(installation: Installation, statement: str) -> list[tuple[Any, ...]]:
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(installation.sqlite, timeout=30)) as database:
            return database.execute(statement).fetchall()
    with psycopg.connect(installation.settings["DATABASE_URL"]) as database:
        return database.execute(statement).fetchall()  # type: ignore[arg-type]


def ask(installation: Installation) -> None:
    """Asks for a sync as the button does."""
    environment = installation.environment | {"DJANGO_SETTINGS_MODULE": "startdeliver.project.settings"}
    subprocess.run([sys.executable, "-c", _ASK], cwd=installation.folder, env=environment, check=True)


def statuses(installation: Installation) -> list[str]:
    return [status for (status,) in rows(installation, "SELECT status FROM sync_syncrun ORDER BY id")]


@contextmanager
def outage(installation: Installation) -> Iterator[None]:
    """Nobody reaches the database (PostgreSQL), or nobody else may write (SQLite), while the block runs."""
    if connection.vendor == "sqlite":
        path = installation.sqlite
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            yield
            writer.execute("ROLLBACK")
        return
    name = installation.settings["DATABASE_URL"].rpartition("/")[2]
    ended = threading.Event()

    def terminate() -> None:
        with psycopg.connect(installation.settings["DATABASE_URL"].rpartition("/")[0] + "/postgres") as admin:
            admin.autocommit = True
            while not ended.is_set():
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                ended.wait(0.2)

    thread = threading.Thread(target=terminate)
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@pytest.mark.parametrize("seconds", [3, 20])
def test_a_run_ends_and_the_organization_syncs_again(installation: Installation, seconds: int) -> None:
    ask(installation)
    with installation.started("worker", "--processes=1") as worker:
        until(lambda: rows(installation, "SELECT 1 FROM sync_syncrun WHERE listed > 0"), "the first page")
        with outage(installation):
            time.sleep(seconds)
        until(lambda: statuses(installation) == ["success"], "the end of the run", 120)
        ask(installation)
        until(lambda: statuses(installation) == ["success", "success"], "another run", 60)
        assert worker.poll() is None
    assert rows(installation, "SELECT count(*) FROM support_ticket") == [(900,)]
