"""What every benchmark needs: a temporary database, a stopwatch, a table and a line of JSON.

A benchmark is a module with `main()`; it runs in a process of its own, because a process has one database.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit


@dataclass
class Figures:
    """The figures of one benchmark on one database."""

    name: str
    database: str
    rows: list[tuple[str, float | int | str, str, str]] = field(default_factory=list)

    def add(self, what: str, value: float | int | str, unit: str = "", claim: str = "") -> None:
        """Add a line: what was measured, the value with its unit, and the claim."""
        self.rows.append((what, value, unit, claim))

    def show(self) -> None:
        """Print a table for people and one line of JSON for programs."""
        # Other processes slow the benchmark down; the load average says by how much.
        load = os.getloadavg()[0]
        print(f"\n{self.name} on {self.database} (load average {load:.1f} on {os.cpu_count()} cores)")
        width = max(len(row[0]) for row in self.rows)
        for what, value, unit, claim in self.rows:
            shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
            print(f"  {what:<{width}}  {shown:>12} {unit:<8} {claim}".rstrip())
        values = {what: value for what, value, _, _ in self.rows}
        answer = {"benchmark": self.name, "database": self.database, "load": load, "figures": values}
        print("JSON " + json.dumps(answer), flush=True)


def arguments(description: str, *extra: Sequence[Any]) -> argparse.Namespace:
    """Return the parsed options: those of every benchmark, and `extra` ones as (flag, {keyword arguments})."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--small", action="store_true", help="a tenth of the size, to try the script itself")
    for flag, options in extra:
        parser.add_argument(flag, **options)
    return parser.parse_args()


@contextmanager
def fresh_database(kind: str, **environment: str) -> Iterator[Path]:
    """Set up Django with a new migrated database. Yield the data directory. Remove both at the end."""
    # Clean up after SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = Path(tempfile.mkdtemp(prefix="startdeliver-bench-"))
    for name in [name for name in os.environ if name.startswith(("STARTDELIVER_", "INTERCOM_"))]:
        del os.environ[name]
    try:
        with _database_url(kind, directory) as url:
            from startdeliver.common.crypto import generate_key

            os.environ.update(
                DATABASE_URL=url,
                STARTDELIVER_DATA_DIR=str(directory),
                STARTDELIVER_SECRET_KEY="benchmarks-only-0123456789-0123456789-0123456789",
                STARTDELIVER_ENCRYPTION_KEYS=generate_key(),
                DJANGO_SETTINGS_MODULE="startdeliver.project.settings",
                **environment,
            )
            import django
            from django.core.management import call_command
            from django.db import connections

            django.setup()
            call_command("migrate", verbosity=0)
            try:
                yield directory
            finally:
                connections.close_all()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _database_url(kind: str, directory: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{directory}/bench.sqlite3"
        return
    import psycopg

    server = os.environ.get("TEST_POSTGRES_URL", "")
    if not server:
        raise SystemExit("TEST_POSTGRES_URL is not set: it names the PostgreSQL server to measure on")
    name = f"startdeliver_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def settle() -> None:
    """Do now what the database's own maintenance does within minutes of a load of this size."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


class Watch:
    """Measures a `with` block: `.seconds` of wall time, and `.cpu` seconds of processor time of this process."""

    seconds = 0.0
    cpu = 0.0

    def __enter__(self) -> Watch:
        self._start, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._start, time.process_time() - self._cpu


def median_and_slowest(call: Any, times: int) -> tuple[float, float]:
    """Call `call` repeatedly. Return the median and the maximum in milliseconds."""
    taken = []
    for _ in range(times):
        with Watch() as watch:
            call()
        taken.append(watch.seconds * 1000)
    taken.sort()
    return taken[len(taken) // 2], taken[-1]


def peak_megabytes() -> float:
    """Return the peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def machine() -> str:
    """Return a line that describes the machine and the versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()}"
