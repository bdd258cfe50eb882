"""The push and its preview as a worker's jobs, and the pushes that are tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.engine.registry import handler, tick
from startdeliver.sync.models import PushRun
from startdeliver.sync.push import previews, runs

_REPORT_EVERY = 1.0


@handler("push")
def push(context: jobs.Context) -> None:
    """Pushes for the job's organization; the payload's `trigger` says why."""
    organization = context.organization
    if organization is None:
        return
    try:
        runs.execute(
            organization, context.payload.get("trigger", PushRun.Trigger.SYNC), on_progress=_report(context, runs.Stop)
        )
    except (runs.AlreadyPushing, runs.NotReady):
        return
    except runs.Stop as error:
        raise jobs.HandBack from error


@handler(previews.KIND)
def preview(context: jobs.Context) -> None:
    """Works out the preview that was asked for."""
    if context.organization is not None:
        previews.work(context.organization, _report(context, jobs.HandBack))


@tick("push.due", 30)
def start_due() -> int:
    """Asks for the pushes that Intercom could not take in full, after their pause."""
    return runs.start_due(clock.now())


def _report(context: jobs.Context, stop: type[Exception]) -> Callable[[dict[str, Any]], None]:
    """Stores progress once a second; raises `stop` when the job is to end early or is another process's by now."""
    reported = 0.0

    def report(progress: dict[str, Any]) -> None:
        nonlocal reported
        if context.stopping():
            raise stop
        if time.monotonic() - reported >= _REPORT_EVERY:
            reported = time.monotonic()
            try:
                context.progress(**progress)
            except jobs.Lost as error:
                raise stop from error

    return report
