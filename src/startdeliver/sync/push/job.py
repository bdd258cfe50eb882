"""The push as a worker's job."""

from __future__ import annotations

import time
from typing import Any

from startdeliver.engine import jobs
from startdeliver.engine.registry import handler
from startdeliver.sync.models import PushRun
from startdeliver.sync.push import runs

_REPORT_EVERY = 1.0


@handler("push")
def push(context: jobs.Context) -> None:
    """Pushes for the job's organization; the payload's `trigger` says why."""
    organization = context.organization
    if organization is None:
        return
    reported = 0.0

    def report(progress: dict[str, Any]) -> None:
        nonlocal reported
        if context.stopping():
            raise runs.Stop
        if time.monotonic() - reported >= _REPORT_EVERY:
            reported = time.monotonic()
            try:
                context.progress(**progress)
            except jobs.Lost as error:
                raise runs.Stop from error

    try:
        runs.execute(organization, context.payload.get("trigger", PushRun.Trigger.SYNC), on_progress=report)
    except (runs.AlreadyPushing, runs.NotReady):
        return
    except runs.Stop as error:
        raise jobs.HandBack from error
