"""Many organizations on PostgreSQL: all due at once with real worker processes, with and without `kill -9`; and what
scheduling, claiming, recovering and an idle worker cost with 10,000 organizations."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.harness import Figures, Watch, arguments, fresh_database
from benchmarks.workspace import WORKSPACE, simulated_intercom

CONVERSATIONS = 60


def make_organizations(number: int, *, due: bool) -> None:
    """Connected organizations, each with a customer and a user of the simulated workspace."""
    from datetime import timedelta

    from django_scopes import scopes_disabled

    from startdeliver.changes.models import Day
    from startdeliver.common import clock
    from startdeliver.simulator import DEFAULT_TOKEN
    from startdeliver.sync.models import Connection
    from startdeliver.tenancy.models import Organization

    now = clock.now()
    first = Organization.objects.count()
    made = Organization.objects.bulk_create(
        [Organization(name=f"Org {first + n}", slug=f"org-{first + n}") for n in range(number)], batch_size=1000
    )
    with scopes_disabled():
        rows = []
        for organization in made:
            link = Connection(
                organization=organization,
                status=Connection.Status.AUTHENTICATED,
                workspace=WORKSPACE,
                create_contacts=True,
                create_customers=True,
                saved_at=now - timedelta(hours=1),
                next_sync_at=now if due else now + timedelta(hours=20),
            )
            link.token = DEFAULT_TOKEN
            rows.append(link)
        Connection.objects.bulk_create(rows, batch_size=1000)
        # The day has begun already, so that no organization has more to do than its sync.
        today = clock.today("UTC")
        Day.objects.bulk_create(
            [Day(organization=organization, day=today, time_zone=organization.time_zone) for organization in made],
            batch_size=1000,
        )


class Workers:
    """Worker processes, each with one long job at a time."""

    def __init__(self, number: int) -> None:
        self.processes = [self._start() for _ in range(number)]
        self.peaks: dict[int, int] = {}

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "startdeliver.project.cli", "worker", "--processes=1", "--threads=1"]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def note_memory(self) -> None:
        for process in self.processes:
            try:
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            except OSError:
                continue
            peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
            self.peaks[process.pid] = max([self.peaks.get(process.pid, 0), *peak])

    def kill_one(self) -> None:
        index = random.randrange(len(self.processes))
        self.processes[index].send_signal(signal.SIGKILL)
        self.processes[index].wait()
        self.processes[index] = self._start()

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


def all_due(workers_number: int, kills: int, most_seconds: float) -> dict[str, Any]:
    """Waits until every organization has synced; returns the figures."""
    from django.db import connection
    from django_scopes import scopes_disabled

    from startdeliver.sync.models import SyncRun
    from startdeliver.tenancy.models import Organization

    total = Organization.objects.count()
    workers = Workers(workers_number)
    peak_connections, killed, began = 0, 0, time.monotonic()
    with scopes_disabled():
        while time.monotonic() - began < most_seconds:
            done = SyncRun.objects.filter(status=SyncRun.Status.SUCCESS).count()
            if done >= total:
                break
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
                peak_connections = max(peak_connections, cursor.fetchone()[0])
            workers.note_memory()
            if killed < kills and done > total * killed / (kills + 1):
                workers.kill_one()
                killed += 1
            time.sleep(0.5)
        seconds = time.monotonic() - began
        workers.note_memory()
        workers.end()
        rows = SyncRun.objects.all()
        waits = sorted((run.started_at - run.created_at).total_seconds() for run in rows if run.started_at)
        per = SyncRun.objects.values_list("organization", flat=True)
        return {
            "complete": rows.filter(status=SyncRun.Status.SUCCESS).count(),
            "twice": len(per) - len(set(per)),
            "seconds": seconds,
            "median wait": statistics.median(waits) if waits else 0.0,
            "longest wait": waits[-1] if waits else 0.0,
            "connections": peak_connections,
            "memory": max(workers.peaks.values(), default=0) // 1024,
            "kills": killed,
            "continued": rows.filter(attempts__gt=1).count(),
        }


def scheduling(figures: Figures, number: int) -> None:
    """What the engine itself costs: no organization's work is done."""
    from django.db import connection

    from startdeliver.common import clock
    from startdeliver.engine import jobs
    from startdeliver.engine.owner import owner_id
    from startdeliver.sync import runs
    from startdeliver.sync.models import Connection

    make_organizations(number, due=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "startdeliver.project.cli", "worker", "--processes=1"], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(15)
        with connection.cursor() as cursor:
            cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
            before = cursor.fetchone()[0]
        ticks, began = _ticks(process.pid), time.monotonic()
        time.sleep(60)
        seconds = time.monotonic() - began
        used = (_ticks(process.pid) - ticks) / os.sysconf("SC_CLK_TCK")
        with connection.cursor() as cursor:
            cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
            commits = (cursor.fetchone()[0] - before) / seconds
        figures.add("idle worker, of a core", 100 * used / seconds, "%", "under 2")
        figures.add("idle worker, transactions", commits, "/s")
        memory = Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]
        figures.add("idle worker, memory", int(memory) // 1024, "MB", "under 120")
    finally:
        process.terminate()
        process.wait()
    from django_scopes import scopes_disabled

    with scopes_disabled():
        Connection.objects.update(next_sync_at=clock.now())
    with Watch() as watch:
        started = runs.start_due(clock.now())
    figures.add("organizations scheduled", started)
    figures.add("scheduling them", watch.seconds, "s", "10")
    figures.add("claims", asyncio.run(_claims(300)), "/s", "at least 100")
    # What a dead machine leaves behind.
    for _ in range(16):
        assert jobs.store().claim(owner_id(), ["sync"]) is not None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE engine_worker SET owner = replace(owner, %s, '/1/')", [f"/{os.getpid()}/"])
    with Watch() as watch:
        recovered = jobs.recover_stalled()
    figures.add("stalled jobs recovered", recovered)
    figures.add("recovering them", watch.seconds, "s", "0.5")


async def _claims(number: int) -> float:
    """Claims jobs as workers do. Returns how many a second."""
    import procrastinate

    from startdeliver.engine.distributed import FencedJobManager, connection_parameters

    connector = procrastinate.PsycopgConnector(kwargs=connection_parameters(), min_size=1)
    await connector.open_async()
    manager = FencedJobManager(connector, set())
    worker = await manager.register_worker()
    with Watch() as watch:
        for _ in range(number):
            assert await manager.fetch_job(["work"], worker) is not None
    await connector.close_async()
    return number / watch.seconds


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    options = arguments(
        __doc__ or "",
        ("--organizations", {"type": int, "default": 300, "help": "due at once, 60 conversations each"}),
        ("--workers", {"type": int, "default": 4, "help": "worker processes"}),
        ("--kills", {"type": int, "default": 0, "help": "how often a worker is killed"}),
        ("--scheduling", {"action": "store_true", "help": "10,000 organizations of which nothing is worked on"}),
        ("--most-seconds", {"type": float, "default": 900, "help": "give up after so long"}),
    )
    part = 10 if options.small else 1
    with ExitStack() as stack:
        if options.scheduling:
            stack.enter_context(fresh_database("postgres"))
            figures = Figures("scale, scheduling", "postgres")
            scheduling(figures, 10_000 // part)
            figures.show()
            return
        intercom = stack.enter_context(simulated_intercom(CONVERSATIONS))
        stack.enter_context(fresh_database("postgres", INTERCOM_API_URL=intercom.url))
        make_organizations(options.organizations // part, due=True)
        found = all_due(options.workers, options.kills, options.most_seconds)
    kills = f", {found['kills']} kills" if options.kills else ""
    figures = Figures(f"scale, {options.workers} workers{kills}", "postgres")
    figures.add("organizations complete", found["complete"], "", f"all {options.organizations // part}")
    figures.add("synced twice", found["twice"], "", "0")
    figures.add("seconds until all were complete", found["seconds"], "s")
    figures.add("wait for a worker, median", found["median wait"], "s")
    figures.add("wait for a worker, longest", found["longest wait"], "s")
    figures.add("connections to the database, peak", found["connections"])
    figures.add("memory of a worker, peak", found["memory"], "MB")
    figures.add("runs that another process continued", found["continued"])
    figures.show()


if __name__ == "__main__":
    main()
