"""One run of the sync, as the order of its stages.

A stage reads pages and commits each with the run's position. A run that died is done again from here: finished stages
are passed over, the one in the middle continues where it committed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from startdeliver.common import clock
from startdeliver.sync.pull import companies, contacts, conversations, deleted, finish, messages, preflight
from startdeliver.sync.pull.work import Pull

log = logging.getLogger(__name__)

SWEEP_EVERY = timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Stage:
    """`shown`: what people read while it runs. `sweep`: only once a day, counted apart. `wanted`: whether it runs at
    all."""

    name: str
    shown: str
    run: Callable[[Pull], None]
    sweep: bool = False
    wanted: Callable[[Pull], bool] = lambda pull: True


def _wants_messages(pull: Pull) -> bool:
    return pull.run is not None and pull.run.messages_wanted


STAGES: tuple[Stage, ...] = (
    Stage("companies", "Reading companies", companies.run, sweep=True),
    Stage("contacts", "Reading contacts", contacts.run),
    Stage("conversations", "Reading conversations", conversations.run),
    Stage("deleted", "Removing deleted conversations", deleted.run),
    Stage("swept", "Closing the daily sweep", finish.close_sweep, sweep=True),
    Stage("messages", "Reading messages", messages.run, wanted=_wants_messages),
)


def pull(work: Pull) -> None:
    """Does what is left of the run."""
    work.stage = "preflight"
    preflight.run(work)
    if "sweeping" not in work.cursor:
        swept = work.connection.swept_at
        work.cursor["sweeping"] = swept is None or clock.now() - swept >= SWEEP_EVERY
    done: list[str] = work.cursor.setdefault("done", [])
    for stage in STAGES:
        if stage.name in done or (stage.sweep and not work.cursor["sweeping"]) or not stage.wanted(work):
            continue
        work.stage = stage.name
        work.progress(0)
        requests, began = work.requests, time.monotonic()
        try:
            stage.run(work)
        finally:
            seconds = time.monotonic() - began
            if stage.sweep:
                work.sweep(work.requests - requests, seconds)
            log.info("sync of organization %d: %s took %.1f s", work.organization_id, stage.name, seconds)
        done.append(stage.name)
        work.commit(lambda: None)
    work.stage = "finish"
    work.progress(0)
    finish.run(work)


def keep(work: Pull) -> None:
    """When the run fails: keeps what makes the next one continue rather than begin anew."""
    conversations.keep(work)
