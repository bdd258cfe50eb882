"""Real worker processes on the test database, with handlers that tests can steer through files.

Run as a program it is such a worker; imported it starts them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
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
def worker(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process whose handlers leave their marks in `folder`; killed at the end if it still runs."""
    process = subprocess.Popen([sys.executable, __file__, str(folder)], env=environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Waits until `condition()` holds; fails the test with `what` when it does not for so long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.02)


def main(folder: Path) -> None:
    import django

    django.setup()
    from startdeliver.engine import jobs
    from startdeliver.engine.worker import run_process, tick

    @jobs.handler("mark")
    def mark(context: jobs.Context) -> None:
        """Notes its process id, then waits until the file `go` exists."""
        with (folder / "started").open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not (folder / "go").exists():
            if context.stopping():
                raise jobs.HandBack
            time.sleep(0.02)

    @jobs.handler("deaf")
    def deaf(context: jobs.Context) -> None:
        """Never stops."""
        (folder / "started").touch()
        time.sleep(600)

    @tick("test.count", 3600)
    def count() -> None:
        with (folder / "ticks").open("a") as file:
            file.write(f"{os.getpid()}\n")

    (folder / f"ready-{os.getpid()}").touch()
    run_process(threads=2)
    # As the `worker` command does: a deaf job must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
