"""Backup and restore: one tar file with the database, the keys if they are stored beside it, and a manifest.

SQLite is copied with its online backup, PostgreSQL with pg_dump's custom format, both while everything runs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection, connections

from startdeliver import __version__
from startdeliver.common import clock
from startdeliver.project import database

FORMAT = 1
KEY_FILES = ("secret.key", "encryption.keys")
_DUMPS = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}


class ArchiveError(Exception):
    """The backup could not be created or used. The message is one sentence."""


@dataclass(frozen=True)
class Manifest:
    """The manifest of an archive."""

    version: str
    created_at: str
    vendor: str
    migrations: list[str]
    organizations: int
    files: dict[str, str]

    @property
    def dump(self) -> str:
        return _DUMPS[self.vendor]

    @property
    def keys(self) -> list[str]:
        return [name for name in KEY_FILES if name in self.files]


def backup(path: Path) -> Manifest:
    """Writes an archive to `path`, readable only by its owner. Raises ArchiveError, and then leaves no file."""
    if not path.parent.is_dir():
        raise ArchiveError(f"The directory {path.parent} does not exist, so nothing was written.")
    with tempfile.TemporaryDirectory(prefix=".startdeliver-backup-", dir=path.parent) as folder:
        work = Path(folder)
        dump = work / _DUMPS[connection.vendor]
        if connection.vendor == "sqlite":
            _copy_sqlite(Path(settings.DATABASES["default"]["NAME"]), dump)
        else:
            _run(["pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={dump}", _conninfo()])
        kept = [settings.CONFIG.data_dir / name for name in KEY_FILES] if connection.vendor == "sqlite" else []
        files = {file.name: file for file in [dump, *kept] if file.is_file()}
        manifest = Manifest(
            version=__version__,
            created_at=clock.now().isoformat(timespec="seconds"),
            vendor=connection.vendor,
            migrations=[f"{app}.{name}" for app, name in database.applied()],
            organizations=_organizations(),
            files={name: _digest(file) for name, file in files.items()},
        )
        part = work / "archive.tar"
        with part.open("xb") as raw, tarfile.open(fileobj=raw, mode="w") as tar:
            # The archive may contain keys.
            os.fchmod(raw.fileno(), 0o600)
            _add_manifest(tar, manifest)
            for name, file in files.items():
                tar.add(file, arcname=name)
        part.replace(path)
    return manifest


@contextmanager
def opened(path: Path) -> Iterator[tuple[Manifest, Path]]:
    """Opens the archive at `path`: its manifest, and a directory with its files, each checked against the manifest.

    Raises ArchiveError if it is not a complete archive.
    """
    with tempfile.TemporaryDirectory(prefix="startdeliver-restore-") as folder:
        try:
            with tarfile.open(path, mode="r:") as tar:
                manifest = _read_manifest(tar)
                for name, digest in manifest.files.items():
                    # Only files that the manifest may name are read, by name: a path in the archive cannot lead
                    # elsewhere.
                    member = tar.extractfile(name)
                    if member is None:
                        raise KeyError(name)
                    with (Path(folder) / name).open("xb") as out:
                        shutil.copyfileobj(member, out)
                    if _digest(Path(folder) / name) != digest:
                        raise ArchiveError(
                            f"{path} is damaged ({name} differs from its check sum); use another backup."
                        )
        except FileNotFoundError as error:
            raise ArchiveError(f"{path} does not exist.") from error
        except (tarfile.TarError, KeyError, ValueError, TypeError, EOFError) as error:
            raise ArchiveError(f"{path} is not a whole Startdeliver backup; nothing was restored.") from error
        yield manifest, Path(folder)


def check(manifest: Manifest) -> None:
    """Raises ArchiveError if this version cannot restore this archive into this database."""
    if manifest.vendor != connection.vendor:
        raise ArchiveError(
            f"This backup is of a {manifest.vendor} database, but DATABASE_URL names {connection.vendor}; "
            "restore it into a database of its own kind."
        )
    ours = database.known_migrations()
    apps = {app for app, _ in ours}
    for name in manifest.migrations:
        app, _, migration = name.partition(".")
        if app in apps and (app, migration) not in ours:
            raise ArchiveError(
                f"This backup was made by a newer version ({manifest.version}) than this one ({__version__}); "
                "install that version first."
            )
    if connection.vendor == "postgresql" and (strange := _strange_tables()):
        raise ArchiveError(
            f"The database holds tables that are not Startdeliver's ({', '.join(strange[:3])}); "
            "restore into a database of its own."
        )


def is_empty() -> bool:
    """Returns whether the database holds no organization, so that nothing can be lost."""
    return _organizations() == 0


def living_workers() -> int:
    """Returns the number of worker processes that work on this database."""
    from startdeliver.engine.jobs import living
    from startdeliver.engine.models import Worker

    return len(living()) if Worker._meta.db_table in connection.introspection.table_names() else 0


def restore(manifest: Manifest, folder: Path, *, keep_syncing: bool = False) -> list[str]:
    """Replaces the database (and with SQLite the keys) by that of the archive, and migrates it to this version.

    Log-ins and leases are not restored. Unless `keep_syncing`, the connections to Intercom are paused. Returns notes
    for the person, one sentence each. Raises ArchiveError and then leaves the database unchanged.
    """
    notes: list[str] = []
    dump = folder / manifest.dump
    connections.close_all()
    if manifest.vendor == "sqlite":
        _check_sqlite(dump)
        _copy_sqlite(dump, Path(settings.DATABASES["default"]["NAME"]))
        for name in manifest.keys:
            notes += _restore_key(folder / name, settings.CONFIG.data_dir / name)
    else:
        _restore_postgres(dump)
    database.migrate()
    return notes + _settle_in(keep_syncing)


def _settle_in(keep_syncing: bool) -> list[str]:
    """Removes the data that belonged to the installation of the backup."""
    from django.contrib.sessions.models import Session
    from django_scopes import scopes_disabled

    from startdeliver.engine import jobs
    from startdeliver.sync.models import Connection

    jobs.forget_workers()
    Session.objects.all().delete()
    with scopes_disabled():
        live = Connection.objects.filter(saved_at__isnull=False)
        if keep_syncing or not live.update(paused_at=clock.now()):
            return []
    return [
        "The connections to Intercom are paused: this copy would sync and push with the same tokens as the "
        "installation that the backup was made of. If that one is gone, run `startdeliver intercom resume ORG` for "
        "each organization, or restore with --keep-syncing."
    ]


def _restore_key(source: Path, target: Path) -> list[str]:
    setting = {"secret.key": "STARTDELIVER_SECRET_KEY", "encryption.keys": "STARTDELIVER_ENCRYPTION_KEYS"}[target.name]
    notes = []
    if os.environ.get(setting):
        notes.append(f"{setting} is set, so it is used and not the key of the backup.")
    if target.exists() and target.read_bytes() != source.read_bytes():
        before = target.with_name(f"{target.name}.before-restore")
        target.replace(before)
        notes.append(f"The key that was in {target.name} is kept in {before.name}.")
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(source.read_bytes())
    return notes


def _copy_sqlite(source: Path, target: Path) -> None:
    # https://www.sqlite.org/backup.html: a consistent copy while others read and write; the target is replaced in one
    # transaction of its own.
    try:
        original, duplicate = sqlite3.connect(source, timeout=30), sqlite3.connect(target, timeout=30)
        try:
            original.backup(duplicate)
            # The copy of a file in write-ahead mode is in that mode too. An archive needs a single file.
            if target.name == _DUMPS["sqlite"]:
                duplicate.execute("PRAGMA journal_mode=DELETE")
        finally:
            original.close()
            duplicate.close()
    except sqlite3.Error as error:
        raise ArchiveError(f"The database {source} could not be copied to {target} ({error}).") from error


def _check_sqlite(path: Path) -> None:
    try:
        database = sqlite3.connect(path)
        try:
            (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            database.close()
    except sqlite3.Error as error:
        raise ArchiveError(f"The database in the backup cannot be read ({error}).") from error
    if verdict != "ok":
        raise ArchiveError(f"The database in the backup is damaged ({verdict}).")


def _restore_postgres(dump: Path) -> None:
    """Drops the tables and restores the dump in one transaction: if it fails, the database is unchanged."""
    script = dump.with_suffix(".sql")
    with script.open("wb") as file:
        for kind, names in (("TABLE", _tables()), ("ROUTINE", _routines()), ("TYPE", _types())):
            if names:
                file.write(f"DROP {kind} IF EXISTS {', '.join(names)} CASCADE;\n".encode())
        connections.close_all()
        file.flush()
        _run(["pg_restore", "--no-owner", "--no-acl", "--file=-", str(dump)], stdout=file)
    psql = ["psql", "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    _run([*psql, f"--file={script}", f"--dbname={_conninfo()}"])


def _tables() -> list[str]:
    return [connection.ops.quote_name(table) for table in connection.introspection.table_names()]


def _routines() -> list[str]:
    """Returns the functions that our triggers call; functions of extensions are kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace "
            "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        )
        return [name for (name,) in cursor.fetchall()]


def _types() -> list[str]:
    """The types that Procrastinate's tables and functions use; those of tables and extensions go with them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.oid::regtype::text FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid "
            "WHERE t.typnamespace = current_schema()::regnamespace AND (t.typtype = 'e' OR c.relkind = 'c') "
            "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')"
        )
        return [name for (name,) in cursor.fetchall()]


def _conninfo() -> str:
    """Returns the connection as libpq reads it, without the password, which must not appear in a list of processes."""
    from psycopg.conninfo import make_conninfo

    database = settings.DATABASES["default"]
    parts = {
        "host": database["HOST"],
        "port": database["PORT"],
        "user": database["USER"],
        "dbname": database["NAME"],
        **database["OPTIONS"],
    }
    return make_conninfo(**{name: value for name, value in parts.items() if value})


def _run(command: list[str], stdout: IO[bytes] | int = subprocess.DEVNULL) -> None:
    environment = {**os.environ, "PGPASSWORD": settings.DATABASES["default"].get("PASSWORD", "")}
    if not environment["PGPASSWORD"]:
        environment.pop("PGPASSWORD")
    try:
        done = subprocess.run(  # noqa: S603 -- fixed programs of PostgreSQL, no shell
            command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, check=False
        )
    except FileNotFoundError as error:
        raise ArchiveError(
            f"{command[0]} is not installed; it comes with PostgreSQL's client programs (Debian: postgresql-client)."
        ) from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        # Notices come first. Errors come last, or are marked.
        wrong = next((line for line in lines if "ERROR" in line or "error:" in line), " ".join(lines[-2:]))
        said = " ".join(wrong.split())[:300]
        raise ArchiveError(f"{command[0]} failed, and the database is as it was: {said}")


def _organizations() -> int:
    if "tenancy_organization" not in connection.introspection.table_names():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenancy_organization")
        return int(cursor.fetchone()[0])


def _strange_tables() -> list[str]:
    ours = {*connection.introspection.django_table_names(include_views=False), "django_migrations"}
    # Tables of a newer version share our prefixes.
    prefixes = ("procrastinate_", *(f"{name.partition('_')[0]}_" for name in ours))
    tables = connection.introspection.table_names()
    return sorted(name for name in tables if name not in ours and not name.startswith(prefixes))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add_manifest(tar: tarfile.TarFile, manifest: Manifest) -> None:
    document = {
        "format": FORMAT,
        "version": manifest.version,
        "createdAt": manifest.created_at,
        "database": manifest.vendor,
        "migrations": manifest.migrations,
        "organizations": manifest.organizations,
        "files": manifest.files,
    }
    text = json.dumps(document, indent=2).encode()
    entry = tarfile.TarInfo("manifest.json")
    entry.size, entry.mode, entry.mtime = len(text), 0o600, int(clock.now().timestamp())
    tar.addfile(entry, io.BytesIO(text))


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.extractfile("manifest.json")
    if member is None:
        raise KeyError("manifest.json")
    document: dict[str, Any] = json.load(member)
    if document["format"] != FORMAT:
        raise ArchiveError(f"This backup has format {document['format']}, which this version cannot read.")
    files = {str(name): str(digest) for name, digest in document["files"].items()}
    if not set(files) <= {*KEY_FILES, _DUMPS[document["database"]]} or _DUMPS[document["database"]] not in files:
        raise KeyError("files")
    return Manifest(
        version=str(document["version"]),
        created_at=str(document["createdAt"]),
        vendor=document["database"],
        migrations=[str(name) for name in document["migrations"]],
        organizations=int(document["organizations"]),
        files=files,
    )
