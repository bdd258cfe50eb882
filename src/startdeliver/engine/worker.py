"""The worker process of the engine that the database calls for."""

from __future__ import annotations

import logging
import os
import signal
from types import FrameType
from typing import Protocol

from django.db import connection

from startdeliver.engine.owner import owner_id

log = logging.getLogger(__name__)


class Runnable(Protocol):
    """What runs jobs until it is told to stop."""

    def run(self) -> None: ...

    def stop(self) -> None: ...


def run_process(threads: int = 2) -> None:
    """Runs a worker as this process until SIGTERM or SIGINT; returns when everything is put back.

    The caller should end the process at once: a job that ignored `stopping()` still runs in a thread.
    """
    worker: Runnable
    if connection.vendor == "postgresql":
        from startdeliver.engine.distributed import WorkerProcess

        worker = WorkerProcess(threads)
    else:
        from startdeliver.engine.embedded import Worker

        worker = Worker(threads)
    told = False

    def end(signum: int, frame: FrameType | None) -> None:
        nonlocal told
        if told:
            os._exit(128 + signum)  # Told twice: the person does not want to wait.
        told = True
        worker.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    log.info("worker %s started with %d threads", owner_id(), threads)
    worker.run()
    log.info("worker %s ended", owner_id())
