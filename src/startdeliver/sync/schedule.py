"""What happens by itself: runs that are due, runs whose process died, and the message to administrators."""

from __future__ import annotations

import time
from typing import Any

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine.registry import handler, tick
from startdeliver.sync import alerts, runs
from startdeliver.sync.events import work as events_work
from startdeliver.sync.models import SyncRun

_REPORT_EVERY = 1.0


@handler("sync")
def sync(context: jobs.Context) -> None:
    """Does the run that the job names. One that ended meanwhile, or that another process does, is nothing to do."""
    run = SyncRun.objects.filter(pk=context.payload["run"]).first()
    if run is None:
        return
    reported = 0.0

    def report(progress: dict[str, Any]) -> None:
        nonlocal reported
        if context.stopping():
            raise runs.StopRun
        if time.monotonic() - reported >= _REPORT_EVERY:
            reported = time.monotonic()
            try:
                context.progress(**progress)
            except jobs.Lost as error:
                raise runs.StopRun from error

    try:
        runs.execute(run, on_progress=report)
    except runs.AlreadyRunning:
        return
    except runs.StopRun as error:
        raise jobs.HandBack from error


@tick("sync.due", 60)
def start_due() -> int:
    """Starts the runs that are due, missed ones too."""
    return runs.start_due(clock.now())


@tick("sync.take_over", 10)
def take_over() -> int:
    """Hands the runs of dead processes to a worker that lives."""
    return runs.take_over_dead(clock.now())


@tick("sync.alerts", 300)
def alert() -> int:
    """Writes to administrators whose connection needs them."""
    return alerts.send_alerts()


@tick("sync.events", 60)
def bring_in_events() -> int:
    """Makes usage of events that waited for a usage type, where they have one now; gives how many."""
    return events_work.bring_in_all()


@tick("sync.events.prune", 3600)
def prune_events() -> int:
    """Forgets waiting events that are older than Intercom itself would list."""
    return events_work.prune_all()
