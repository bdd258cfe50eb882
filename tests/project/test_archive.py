"""Backup and restore, on the kind of database that the suite runs on: what was there is there again."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from startdeliver.simulator.testing import run_in_thread
from tests.project.running import Installation, answers, free_port, until

Make = Callable[..., Installation]


@pytest.fixture
def source(make_installation: Make) -> Installation:
    """An installation with the organization Acme."""
    installation = make_installation("one")
    installation.ok("org", "create", "Acme", "--admin", "admin@one.test")
    return installation


def test_into_an_empty_installation_and_one_that_was_never_migrated(
    source: Installation, make_installation: Make, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    document = source.json("backup", str(file))
    assert document["organizations"] == 1
    assert file.stat().st_mode & 0o077 == 0

    target = make_installation("two")
    restored = target.json("restore", str(file))
    assert restored["organizations"] == 1
    assert target.organizations() == ["Acme"]
    # The restored database takes new rows: sequences and constraints came along.
    target.ok("org", "create", "Second", "--admin", "second@two.test")
    assert [row["name"] for row in target.json("org", "list")["organizations"]] == ["Acme", "Second"]
    keys = [installation.folder / "data" / "encryption.keys" for installation in (source, target)]
    assert document["keys"] == ("DATABASE_URL" not in source.settings)
    if document["keys"]:
        assert keys[0].read_text() == keys[1].read_text()
        assert keys[1].stat().st_mode & 0o077 == 0

    never_migrated = make_installation("three", prepared=False)
    never_migrated.ok("restore", str(file))
    assert [row["name"] for row in never_migrated.json("org", "list")["organizations"]] == ["Acme"]


def test_what_is_there_is_replaced_only_when_told(source: Installation, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.tar")
    source.ok("backup", file)
    source.ok("org", "create", "Later", "--admin", "later@one.test")
    refused = source.run("restore", file)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert source.organizations() == ["Acme", "Later"]
    source.ok("restore", file, "--yes")
    assert source.organizations() == ["Acme"]


def test_while_the_server_and_the_worker_run_a_backup_is_whole_and_nothing_is_restored(
    source: Installation, make_installation: Make, tmp_path: Path
) -> None:
    file = str(tmp_path / "backup.tar")
    port = free_port()
    with source.started("serve", f"--port={port}"), source.started("worker", "--processes=1"):
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the start of the server")
        until(lambda: "ok      worker" in source.run("doctor").stdout, "the start of the worker")
        source.ok("backup", file)
        refused = source.run("restore", file, "--yes")
    assert refused.returncode == 1
    assert "1 worker at work" in refused.stderr
    target = make_installation("two")
    target.ok("restore", file)
    assert target.organizations() == ["Acme"]


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory, prepared_sqlite: Path) -> Path:
    """The folder of an installation with one organization, on SQLite, and its backup, to be copied."""
    installation = Installation(tmp_path_factory.mktemp("once") / "here")
    installation.prepare(prepared_sqlite)
    installation.ok("org", "create", "Acme", "--admin", "a@one.test")
    installation.ok("backup", "backup.tar")
    return installation.folder


class TestRefusals:
    """What is not a whole backup changes nothing."""

    @pytest.fixture
    def source(self, backed_up: Path, tmp_path: Path) -> Installation:
        return Installation(Path(copytree(backed_up, tmp_path / "here")))

    @pytest.fixture
    def file(self, source: Installation) -> Path:
        """A backup, to be damaged."""
        return source.folder / "backup.tar"

    def refused(self, source: Installation, file: Path, said: str) -> None:
        done = source.run("restore", str(file), "--yes")
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert source.organizations() == ["Acme"]

    def changed(self, file: Path, member: str, text: bytes) -> None:
        """The archive with one member's content replaced."""
        with tarfile.open(file) as tar:
            content = {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}  # type: ignore[union-attr]
        content[member] = text
        with tarfile.open(file, "w") as tar:
            for name, data in content.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))

    def manifest(self, file: Path) -> dict[str, object]:
        with tarfile.open(file) as tar:
            found: dict[str, object] = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
            return found

    def test_a_missing_file(self, source: Installation, tmp_path: Path) -> None:
        self.refused(source, tmp_path / "none.tar", "does not exist")

    def test_another_file(self, source: Installation, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("nonsense")
        self.refused(source, tmp_path / "x", "not a whole Startdeliver backup")

    def test_a_truncated_one(self, source: Installation, file: Path) -> None:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        self.refused(source, file, "not a whole Startdeliver backup")

    def test_a_damaged_one(self, source: Installation, file: Path) -> None:
        self.changed(file, "database.sqlite3", b"SQLite format 3\0 and no more")
        self.refused(source, file, "check sum")

    def test_one_of_a_newer_version(self, source: Installation, file: Path) -> None:
        manifest = self.manifest(file)
        migrations = manifest["migrations"]
        assert isinstance(migrations, list)
        migrations.append("sync.9999_from_the_future")
        self.changed(file, "manifest.json", json.dumps(manifest).encode())
        self.refused(source, file, "newer version")

    def test_one_of_another_kind_of_database(self, source: Installation, file: Path) -> None:
        manifest = self.manifest(file)
        files = manifest["files"]
        assert isinstance(files, dict)
        files["database.dump"] = files.pop("database.sqlite3")
        with tarfile.open(file) as tar:
            dump = tar.extractfile("database.sqlite3").read()  # type: ignore[union-attr]
        self.changed(file, "manifest.json", json.dumps({**manifest, "database": "postgresql"}).encode())
        self.changed(file, "database.dump", dump)
        self.refused(source, file, "postgresql")

    def test_one_that_names_a_path_elsewhere(self, source: Installation, file: Path) -> None:
        manifest = self.manifest(file)
        files = manifest["files"]
        assert isinstance(files, dict)
        files["../../escaped"] = files["secret.key"]
        self.changed(file, "manifest.json", json.dumps(manifest).encode())
        self.refused(source, file, "not a whole Startdeliver backup")

    def test_a_backup_does_not_overwrite_a_file_unless_told(self, source: Installation, tmp_path: Path) -> None:
        file = tmp_path / "backup.tar"
        file.write_text("precious")
        done = source.run("backup", str(file))
        assert done.returncode == 1
        assert file.read_text() == "precious"
        source.ok("backup", str(file), "--force")
        assert tarfile.is_tarfile(file)


_OLD = """
from datetime import timedelta
import django
django.setup()
from django.contrib.sessions.models import Session
from django.db import connection
from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine.models import PeriodicCall
Session.objects.create(session_key="s" * 32, session_data="x", expire_date=clock.now() + timedelta(days=1))
if connection.vendor == "postgresql":
    marks = "procrastinate_periodic_defers (task_name, defer_timestamp)"
    connection.cursor().execute(f"INSERT INTO {marks} VALUES ('x', 1)")
else:
    PeriodicCall.objects.create(name="test", called_at=clock.now())
jobs.enqueue("changes", "held")
assert jobs.store().claim("elsewhere/boot/1/1", ["changes"])
"""
_COUNTS = """
import django, json
django.setup()
from django.contrib.sessions.models import Session
from django.db import connection
from django_scopes import scopes_disabled
from startdeliver.engine import jobs
from startdeliver.engine.models import PeriodicCall, Worker
from startdeliver.sync.models import Connection
marks = PeriodicCall.objects.count()
if connection.vendor == "postgresql":
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_periodic_defers")
        (marks,) = cursor.fetchone()
with scopes_disabled():
    print(json.dumps({
        "sessions": Session.objects.count(), "periodic": marks,
        "workers": Worker.objects.count(),
        "held": [job.status for job in jobs.select() if job.key == "held"],
        "paused": Connection.objects.filter(paused_at__isnull=False).count(),
    }))
"""


class TestTheCopy:
    """A restored database is a copy of an installation that may still run."""

    @staticmethod
    def script(installation: Installation, text: str) -> str:
        environment = installation.environment | {"DJANGO_SETTINGS_MODULE": "startdeliver.project.settings"}
        done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    @pytest.mark.parametrize("keep", [False, True])
    def test_workers_marks_and_log_ins_do_not_travel_and_connections_are_paused(
        self, source: Installation, make_installation: Make, tmp_path: Path, keep: bool
    ) -> None:
        with run_in_thread() as simulator:
            source.settings |= {"INTERCOM_API_URL": simulator.url, "INTERCOM_TOKEN": simulator.token}
            source.ok("intercom", "connect", "acme", "--workspace", simulator.workspace.id_code)
        self.script(source, _OLD)
        file = str(tmp_path / "backup.tar")
        source.ok("backup", file)
        copy = make_installation("two")
        notes = copy.json("restore", file, *(["--keep-syncing"] if keep else []))["notes"]
        found = json.loads(self.script(copy, _COUNTS))
        assert found == {"sessions": 0, "periodic": 0, "workers": 0, "held": ["queued"], "paused": 0 if keep else 1}
        assert any("would sync and push with the same tokens" in note for note in notes) is not keep
        if not keep:
            assert copy.json("intercom", "resume", "acme")["resumed"] is True
            assert json.loads(self.script(copy, _COUNTS))["paused"] == 0
            assert copy.json("intercom", "resume", "acme")["resumed"] is False
