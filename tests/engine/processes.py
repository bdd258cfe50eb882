"""Real worker processes on the test database, with handlers that tests control through files.

Run as a program, this module is such a worker. Imported, it starts workers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

SOURCE = Path(__file__).resolve().parents[2] / "src"


def database_url() -> str:
    """The address of the database that the running test uses."""
    from django.db import connection

    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    user = quote(found["USER"]) + (":" + quote(found["PASSWORD"]) if found["PASSWORD"] else "")
    return f"postgresql://{user}@{found['HOST']}:{found['PORT'] or 5432}/{found['NAME']}"


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that works on the test database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "startdeliver.project.settings",
        "PYTHONPATH": str(SOURCE),
        **changes,
    }


@contextmanager
def worker(folder: Path, periodic: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A worker process whose handlers write to `folder`; killed at the end if it still runs.

    `periodic`: the seconds between the calls of its only periodic task.
    """
    command = [sys.executable, __file__, str(folder), *([periodic] if periodic else [])]
    process = subprocess.Popen(command, env=environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def known_worker(owner: str, *, silent: float = 0, suspected: float | None = None) -> None:
    """A worker `owner`, whose last heartbeat was `silent` seconds ago and that has been suspected for `suspected`."""
    from django.db import connection

    from startdeliver.common import clock
    from startdeliver.engine.models import Worker

    now = clock.now()
    since = now - timedelta(seconds=silent)
    at = None if suspected is None else now - timedelta(seconds=suspected)
    if not Worker.objects.filter(owner=owner).update(heartbeat_at=since, suspected_at=at):
        number = 0
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT worker_id FROM procrastinate_register_worker_v1()")
                (number,) = cursor.fetchone()
        Worker.objects.create(owner=owner, number=number, heartbeat_at=since, suspected_at=at)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - %s "
                "WHERE id IN (SELECT number FROM engine_worker WHERE owner = %s)",
                [timedelta(seconds=silent), owner],
            )


def make_worker(threads: int = 2) -> Any:
    """A worker of the engine that the tests run on."""
    from django.db import connection

    if connection.vendor == "postgresql":
        from startdeliver.engine.distributed import WorkerProcess

        return WorkerProcess(threads, on_stuck=lambda: None)
    from startdeliver.engine.embedded import Worker

    return Worker(threads)


@contextmanager
def running(threads: int = 2) -> Iterator[Any]:
    """A worker in a thread of this process, stopped and joined at the end."""
    from django.db import connections

    worker = make_worker(threads)

    def body() -> None:
        try:
            worker.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(timeout=30)
        assert not thread.is_alive()


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Waits until `condition()` holds; fails the test with `what` after a time-out."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.02)


def main(folder: Path, periodic: str = "") -> None:
    import django

    django.setup()
    from startdeliver.engine import jobs, registry
    from startdeliver.engine.worker import run_process

    if periodic:
        registry.periodic_tasks.clear()

        @jobs.periodic("test.count", int(periodic))
        def count() -> None:
            with (folder / "calls").open("a") as file:
                file.write(f"{time.time()}\n")

    @jobs.handler("mark")
    def mark(context: jobs.Context) -> None:
        """Records its process id, then waits until the file `go` exists."""
        with (folder / "started").open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not (folder / "go").exists():
            if context.stopping():
                raise jobs.Requeue
            time.sleep(0.02)

    @jobs.handler("step")
    def step(context: jobs.Context) -> None:
        """Takes a moment, then records that it is done."""
        time.sleep(0.1)
        with (folder / "steps").open("a") as file:
            file.write(f"{context.job.id}\n")

    @jobs.handler("deaf")
    def deaf(context: jobs.Context) -> None:
        """Never stops."""
        (folder / "started").touch()
        time.sleep(600)

    (folder / f"ready-{os.getpid()}").touch()
    run_process(threads=2)
    # Like the `worker` command: a job that does not stop must not keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
