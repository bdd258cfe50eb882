"""The `startdeliver` command as other programs see it: a process with its own data directory."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

SOURCE = Path(__file__).resolve().parents[2] / "src"
COMMAND = [sys.executable, "-m", "startdeliver.project.cli"]


@dataclass
class Installation:
    """One installation: a data directory, and settings."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("STARTDELIVER_", "INTERCOM_", "DJANGO_SETTINGS_MODULE", "DATABASE_URL"))
        }
        return {
            **inherited,
            "PYTHONPATH": str(SOURCE),
            "STARTDELIVER_DATA_DIR": str(self.folder / "data"),
            **self.settings,
        }

    @property
    def sqlite(self) -> Path:
        """Its database, unless `settings` say otherwise."""
        return self.folder / "data" / "startdeliver.sqlite3"

    def prepare(self, migrated: Path) -> None:
        """Prepares an SQLite database by a copy, which is faster than `startdeliver migrate`."""
        self.sqlite.parent.mkdir(parents=True)
        shutil.copy(migrated, self.sqlite)

    def organizations(self) -> list[str]:
        """The names of its organizations, read from the database without a process."""
        sql = "SELECT name FROM tenancy_organization ORDER BY name"
        if url := self.settings.get("DATABASE_URL"):
            with psycopg.connect(url) as connection:
                return [name for (name,) in connection.execute(sql)]
        with closing(sqlite3.connect(self.sqlite)) as connection:
            return [name for (name,) in connection.execute(sql)]

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a subcommand to its end, in the installation's directory."""
        self.folder.mkdir(exist_ok=True)
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        """Runs a subcommand that must succeed; returns its standard output."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        """Runs a subcommand that must succeed with --json; returns the document."""
        document = json.loads(self.ok(*arguments, "--json"))
        assert isinstance(document, dict)
        return document

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A subcommand that keeps running; killed at the end if it still does."""
        self.folder.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def until(condition: Callable[[], object], what: str, seconds: float = 180.0) -> None:
    """Waits until `condition()` holds; fails the test with `what` after a time-out."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether something answers 200 at `url`."""
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def descendants(pid: int) -> set[int]:
    """The processes that `pid` started, and those that they started."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1])
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= more
    return found


def alive(pid: int) -> bool:
    """Whether `pid` runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
