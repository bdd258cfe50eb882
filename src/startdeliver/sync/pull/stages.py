"""One run of the sync, as the order of its stages.

A stage reads pages and commits each with the run's position. A run that died is done again from here: finished stages
are passed over, the one in the middle continues where it committed.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from startdeliver.common import clock
from startdeliver.sync.pull import (
    companies,
    contacts,
    conversations,
    deleted,
    events,
    finish,
    messages,
    preflight,
    reconcile,
    rematch,
    tickets,
)
from startdeliver.sync.pull.work import Pull

log = logging.getLogger(__name__)

# The process may have more than one sync; the first to end goes back to these for all.
_COLLECTIONS = gc.get_threshold()
SWEEP_EVERY = timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Stage:
    """`name` is what the run shows as its stage. `wanted`: whether it runs. `sweep`: its cost is counted apart."""

    name: str
    run: Callable[[Pull], None]
    wanted: Callable[[Pull], bool] = lambda pull: True
    sweep: bool = False


def _wants_messages(pull: Pull) -> bool:
    return pull.run is not None and pull.run.messages_wanted


def _sweeping(pull: Pull) -> bool:
    return bool(pull.cursor.get("sweeping"))


def _misses_contacts(pull: Pull) -> bool:
    """Once a day, and whenever Intercom has fewer contacts than we know: then some were archived or merged."""
    return _sweeping(pull) or contacts.are_missing(pull)


def _swept(pull: Pull) -> bool:
    """A sweep that lacks companies is done again by the next run."""
    return _sweeping(pull) and not companies.is_short(pull)


def _compares_open(pull: Pull) -> bool:
    """Not after the first listing, which has just read every conversation."""
    return _sweeping(pull) and not pull.cursor.get("first")


STAGES: tuple[Stage, ...] = (
    Stage("companies", companies.run, _sweeping, sweep=True),
    Stage("contacts", contacts.run),
    Stage("conversations", conversations.run),
    Stage("tickets", tickets.run),
    Stage("deleted", deleted.run),
    Stage("companies_again", companies.again, companies.is_short, sweep=True),
    Stage("left", reconcile.has_left, _misses_contacts, sweep=True),
    Stage("reconcile", reconcile.open_conversations, _compares_open, sweep=True),
    Stage("rematch", rematch.run),
    Stage("swept", finish.close_sweep, _swept, sweep=True),
    Stage("events", events.run, events.wanted),
    Stage("messages", messages.run, _wants_messages),
)


def position(stage: str) -> int:
    """How far a run is in which `stage` is under way; 0 before anything was asked of Intercom."""
    order = ["", "preflight", *(one.name for one in STAGES), "finish"]
    return order.index(stage) if stage in order else 0


@contextmanager
def _rare_collections() -> Iterator[None]:
    """A sync makes many objects and hardly any cycles, so looking for those takes a tenth of its time for nothing."""
    gc.set_threshold(50_000, *_COLLECTIONS[1:])
    try:
        yield
    finally:
        gc.set_threshold(*_COLLECTIONS)


@_rare_collections()
def pull(work: Pull) -> None:
    """Does what is left of the run."""
    work.stage = "preflight"
    preflight.run(work)
    if "sweeping" not in work.cursor:
        swept = work.connection.swept_at
        work.cursor["first"] = work.connection.conversations_until is None
        work.cursor["sweeping"] = swept is None or clock.now() - swept >= SWEEP_EVERY
    done: list[str] = work.cursor.setdefault("done", [])
    for stage in STAGES:
        if stage.name in done or not stage.wanted(work):
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
    work.failure = work.failure or companies.shortage(work)
    work.stage = "finish"
    work.progress(0)
    finish.run(work)
