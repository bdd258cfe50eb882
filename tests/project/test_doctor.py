"""doctor: each thing that can be wrong is a line with what to do."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from django.db import connection

from startdeliver.common import clock
from startdeliver.common.crypto import KeyRing, generate_key, parse_key
from startdeliver.project import checks
from startdeliver.simulator.testing import run_in_thread
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Organization
from tests.engine.processes import known_worker

Run = Callable[..., Result]


def lines(result: Result) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(result.stdout)["checks"]}


@pytest.fixture
def worker(db: None) -> str:
    known_worker(owner := "elsewhere/boot/1/1")
    return owner


@pytest.fixture
def connected(scoped: Organization) -> Connection:
    connection = Connection(organization=scoped, status=Connection.Status.AUTHENTICATED, workspace="sim1work")
    connection.token = "sim-access-token"
    connection.saved_at = connection.last_success_at = clock.now()
    connection.save()
    return connection


def test_all_is_well(startdeliver: Run, worker: str, connected: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    # A server for tests may save itself the trouble.
    monkeypatch.setattr(checks, "_autovacuum", lambda: True)
    done = startdeliver("doctor", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["ok"]
    assert {row["status"] for row in lines(done).values()} == {"ok"}


def test_people_read_lines(startdeliver: Run, organization: Organization) -> None:
    done = startdeliver("doctor")
    assert "warning worker: none is running" in done.stdout
    assert "→ Start `startdeliver worker`" in done.stdout


def test_postgresql_without_its_housekeeping(startdeliver: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_autovacuum", lambda: False)
    found = lines(startdeliver("doctor", "--json"))
    if connection.vendor == "sqlite":
        assert "housekeeping" not in found
    else:
        assert found["housekeeping"]["status"] == "warning"
        assert "autovacuum = on" in found["housekeeping"]["whatToDo"]


@pytest.mark.usefixtures("connected")
class TestWorker:
    def test_none_while_there_is_something_to_sync(self, startdeliver: Run) -> None:
        done = startdeliver("doctor", "--json")
        assert done.exit_code == 1
        assert lines(done)["worker"]["status"] == "failed"

    def test_a_silent_one_does_not_count(self, startdeliver: Run, worker: str) -> None:
        known_worker(worker, silent=61)
        assert lines(startdeliver("doctor", "--json"))["worker"]["status"] == "failed"


@pytest.mark.usefixtures("worker")
class TestConnection:
    def test_a_key_that_is_missing(self, startdeliver: Run, connected: Connection, settings: Any) -> None:
        settings.KEY_RING = KeyRing([parse_key(generate_key())])
        done = startdeliver("doctor", "--json")
        assert done.exit_code == 1
        assert lines(done)["keys"]["status"] == "failed"
        assert "STARTDELIVER_ENCRYPTION_KEYS" in lines(done)["keys"]["whatToDo"]

    def test_no_success_for_long(self, startdeliver: Run, connected: Connection) -> None:
        Connection.objects.update(last_success_at=clock.now() - timedelta(hours=27))
        done = startdeliver("doctor", "--json")
        assert done.exit_code == 0
        assert lines(done)["intercom acme"]["status"] == "warning"

    def test_its_problem_is_told(self, startdeliver: Run, connected: Connection) -> None:
        Connection.objects.update(problem="The token is dead.")
        assert lines(startdeliver("doctor", "--json"))["intercom acme"]["message"] == "The token is dead."

    def test_online_asks_intercom(self, startdeliver: Run, connected: Connection, settings: Any) -> None:
        with run_in_thread() as simulator:
            settings.CONFIG = replace(settings.CONFIG, intercom_api_url=simulator.url)
            connected.workspace = simulator.workspace.id_code
            connected.save()
            done = startdeliver("doctor", "--online", "--json")
            assert "Intercom answers" in lines(done)["intercom acme"]["message"]
            simulator.access.kill_tokens()
            done = startdeliver("doctor", "--online", "--json")
        assert done.exit_code == 1
        assert lines(done)["intercom acme"]["status"] == "failed"

    def test_online_notices_another_workspace(self, startdeliver: Run, connected: Connection, settings: Any) -> None:
        with run_in_thread() as simulator:
            settings.CONFIG = replace(settings.CONFIG, intercom_api_url=simulator.url)
            connected.workspace = "another"
            connected.save()
            message = lines(startdeliver("doctor", "--online", "--json"))["intercom acme"]["message"]
        assert simulator.workspace.id_code in message
        assert "another" in message


@pytest.mark.django_db
class TestMachine:
    @pytest.mark.parametrize(("megabytes", "status"), [(100, "failed"), (1000, "warning"), (9000, "ok")])
    def test_disk(self, startdeliver: Run, monkeypatch: pytest.MonkeyPatch, megabytes: int, status: str) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, megabytes * 1024 * 1024))
        assert lines(startdeliver("doctor", "--json"))["disk"]["status"] == status

    def test_missing_migrations(self, startdeliver: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        from startdeliver.project import database

        monkeypatch.setattr(database, "state", lambda: database.State(["sync.0001_initial"], []))
        done = startdeliver("doctor", "--json")
        assert done.exit_code == 1
        assert "startdeliver migrate" in lines(done)["migrations"]["whatToDo"]

    @pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (10, "warning"), (-40, "failed")])
    def test_clocks_apart(self, seconds: int, status: str) -> None:
        from datetime import UTC, datetime

        theirs = datetime.now(UTC) + timedelta(seconds=seconds)
        assert checks._skew("clock", theirs, "the server").verdict == status

    def test_an_unknown_time_zone(self, startdeliver: Run, organization: Organization) -> None:
        Organization.objects.update(time_zone="Mars/Base")
        assert lines(startdeliver("doctor", "--json"))["organizations"]["status"] == "failed"


def test_an_unreachable_database_is_a_line(startdeliver: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from startdeliver.project import database

    def broken() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(database, "state", broken)
    monkeypatch.setattr("startdeliver.project.console.setup", lambda migrated=True: None)
    done = startdeliver("doctor", "--json")
    assert done.exit_code == 1
    assert lines(done)["database"]["status"] == "failed"
