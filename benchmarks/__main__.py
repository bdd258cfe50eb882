"""`python -m benchmarks [--full] [NAME …]`: run benchmarks one after the other and print one table of all figures.

Without `--full` the ones that take a few minutes in all, on SQLite; with it every one, on PostgreSQL too when
TEST_POSTGRES_URL is set. Names choose some of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness import machine

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Benchmark:
    """A script with its arguments. `quick` are the arguments in the quick set, or None for the full set only."""

    module: str
    full: list[str] = field(default_factory=list)
    quick: list[str] | None = field(default_factory=list)
    databases: tuple[str, ...] = ("sqlite", "postgres")


BENCHMARKS = (
    Benchmark("health"),
    Benchmark("sync_speed"),
    Benchmark("sync_speed", ["--messages"], ["--messages"]),
    Benchmark("sync_rate", ["--conversations", "20000"], ["--conversations", "6000"], ("sqlite",)),
    Benchmark("sync_unchanged"),
    Benchmark("sync_memory", quick=["--small"], databases=("sqlite",)),
    Benchmark("pages"),
    Benchmark("api_lists", quick=["--small"]),
    Benchmark("usage_health", quick=["--small"]),
    Benchmark("usage_ingest", quick=["--small"]),
    Benchmark("push", quick=["--small"]),
    Benchmark("change_latency", quick=["--small"]),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every claim at its full size")
    parser.add_argument("names", nargs="*", help="only these, such as health or sync_speed")
    options = parser.parse_args()
    unknown = set(options.names) - {benchmark.module for benchmark in BENCHMARKS}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    postgres = bool(os.environ.get("TEST_POSTGRES_URL"))
    print(machine())
    found: list[dict[str, object]] = []
    failed: list[str] = []
    for benchmark in BENCHMARKS:
        arguments = benchmark.full if options.full else benchmark.quick
        if arguments is None or (options.names and benchmark.module not in options.names):
            continue
        for database in benchmark.databases:
            if database == "postgres" and not (options.full and postgres):
                continue
            command = [sys.executable, "-m", f"benchmarks.{benchmark.module}", "--database", database, *arguments]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            for line in done.stdout.splitlines():
                if line.startswith("JSON "):
                    found.append(json.loads(line.removeprefix("JSON ")))
                else:
                    print(line, flush=True)
            if done.returncode:
                failed.append(f"{benchmark.module} on {database}")
    if options.full and not postgres:
        print("\nPostgreSQL was not measured: TEST_POSTGRES_URL is not set.")
    OUT.mkdir(exist_ok=True)
    written = OUT / f"{time.strftime('%Y-%m-%d-%H%M')}.json"
    written.write_text(json.dumps({"machine": machine(), "results": found}, indent=1) + "\n")
    print(
        f"\nAll figures as JSON: {written.relative_to(Path.cwd()) if written.is_relative_to(Path.cwd()) else written}"
    )
    for name in failed:
        print(f"FAILED: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
