"""Backup and restore, on the kind of database that the suite runs on: what was there is there again."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from tests.project.running import Installation, free_port, until

Make = Callable[..., Installation]


def prepared(make: Make, name: str, organization: str) -> Installation:
    installation = make(name)
    installation.ok("org", "create", organization, "--admin", f"admin@{name}.test")
    return installation


def names(installation: Installation) -> list[str]:
    return [row["name"] for row in installation.json("org", "list")["organizations"]]


def test_into_an_empty_installation(make_installation: Make, tmp_path: Path) -> None:
    source = prepared(make_installation, "one", "Acme")
    file = tmp_path / "backup.tar"
    document = source.json("backup", str(file))
    assert document["organizations"] == 1
    assert file.stat().st_mode & 0o077 == 0

    target = make_installation("two")
    restored = target.json("restore", str(file))
    assert restored["organizations"] == 1
    assert names(target) == ["Acme"]
    # The restored database takes new rows: sequences and constraints came along.
    target.ok("org", "create", "Second", "--admin", "second@two.test")
    assert names(target) == ["Acme", "Second"]
    keys = [installation.folder / "data" / "encryption.keys" for installation in (source, target)]
    assert document["keys"] == (source.settings == {})
    if document["keys"]:
        assert keys[0].read_text() == keys[1].read_text()
        assert keys[1].stat().st_mode & 0o077 == 0


def test_an_installation_that_was_never_migrated(make_installation: Make, tmp_path: Path) -> None:
    source = prepared(make_installation, "one", "Acme")
    source.ok("backup", str(tmp_path / "backup.tar"))
    target = make_installation("two", prepared=False)
    target.ok("restore", str(tmp_path / "backup.tar"))
    assert names(target) == ["Acme"]


def test_what_is_there_is_replaced_only_when_told(make_installation: Make, tmp_path: Path) -> None:
    source = prepared(make_installation, "one", "Acme")
    file = str(tmp_path / "backup.tar")
    source.ok("backup", file)
    source.ok("org", "create", "Later", "--admin", "later@one.test")
    refused = source.run("restore", file)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert names(source) == ["Acme", "Later"]
    source.ok("restore", file, "--yes")
    assert names(source) == ["Acme"]


def test_not_while_a_worker_is_at_work(make_installation: Make, tmp_path: Path) -> None:
    source = prepared(make_installation, "one", "Acme")
    file = str(tmp_path / "backup.tar")
    source.ok("backup", file)
    with source.started("worker", "--processes=1"):
        until(lambda: "ok      worker" in source.run("doctor").stdout, "the start of the worker")
        refused = source.run("restore", file, "--yes")
    assert refused.returncode == 1
    assert "1 worker at work" in refused.stderr


def test_a_backup_is_whole_while_the_server_and_the_worker_run(make_installation: Make, tmp_path: Path) -> None:
    source = prepared(make_installation, "one", "Acme")
    with source.started("up", f"--port={free_port()}"):
        until(lambda: "ok      worker" in source.run("doctor").stdout, "the start of the worker")
        source.ok("backup", str(tmp_path / "backup.tar"))
    target = make_installation("two")
    target.ok("restore", str(tmp_path / "backup.tar"))
    assert names(target) == ["Acme"]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation with one organization, on SQLite, to be copied."""
    installation = Installation(tmp_path_factory.mktemp("once") / "here")
    installation.prepare()
    installation.ok("org", "create", "Acme", "--admin", "a@one.test")
    return installation.folder


class TestRefusals:
    """What is not a whole backup changes nothing."""

    @pytest.fixture
    def source(self, made_once: Path, tmp_path: Path) -> Installation:
        return Installation(Path(copytree(made_once, tmp_path / "here")))

    def refused(self, source: Installation, file: Path, said: str) -> None:
        done = source.run("restore", str(file), "--yes")
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert names(source) == ["Acme"]

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

    def test_a_truncated_one(self, source: Installation, tmp_path: Path) -> None:
        file = tmp_path / "backup.tar"
        source.ok("backup", str(file))
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        self.refused(source, file, "not a whole Startdeliver backup")

    def test_a_damaged_one(self, source: Installation, tmp_path: Path) -> None:
        file = tmp_path / "backup.tar"
        source.ok("backup", str(file))
        self.changed(file, "database.sqlite3", b"SQLite format 3\0 and no more")
        self.refused(source, file, "check sum")

    def test_one_of_a_newer_version(self, source: Installation, tmp_path: Path) -> None:
        file = tmp_path / "backup.tar"
        source.ok("backup", str(file))
        manifest = self.manifest(file)
        migrations = manifest["migrations"]
        assert isinstance(migrations, list)
        migrations.append("sync.9999_from_the_future")
        self.changed(file, "manifest.json", json.dumps(manifest).encode())
        self.refused(source, file, "newer version")

    def test_one_of_another_kind_of_database(self, source: Installation, tmp_path: Path) -> None:
        file = tmp_path / "backup.tar"
        source.ok("backup", str(file))
        manifest = self.manifest(file)
        files = manifest["files"]
        assert isinstance(files, dict)
        files["database.dump"] = files.pop("database.sqlite3")
        with tarfile.open(file) as tar:
            dump = tar.extractfile("database.sqlite3").read()  # type: ignore[union-attr]
        self.changed(file, "manifest.json", json.dumps({**manifest, "database": "postgresql"}).encode())
        self.changed(file, "database.dump", dump)
        self.refused(source, file, "postgresql")

    def test_one_that_names_a_path_elsewhere(self, source: Installation, tmp_path: Path) -> None:
        file = tmp_path / "backup.tar"
        source.ok("backup", str(file))
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
