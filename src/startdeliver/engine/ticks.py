"""Whose turn it is to do what happens at intervals: one worker of all that run, decided by a conditional UPDATE."""

from __future__ import annotations

from datetime import timedelta

from startdeliver.common import clock
from startdeliver.engine.jobs import SILENCE
from startdeliver.engine.models import TickTurn, Worker
from startdeliver.engine.owner import is_alive
from startdeliver.engine.registry import Tick


def take_turn(tick: Tick, owner: str) -> bool:
    """Whether `owner` is to call `tick` now. True at most once per interval over all workers, and never while the
    worker
    that had the turn before is still at it."""
    now = clock.now()
    turn = TickTurn.objects.filter(name=tick.name).first()
    if turn is None:
        TickTurn.objects.bulk_create([TickTurn(name=tick.name)], ignore_conflicts=True)
        turn = TickTurn.objects.get(name=tick.name)
    if turn.taken_at is not None and turn.taken_at + timedelta(seconds=tick.every) > now:
        return False
    # A turn that is still in our own name is one whose end could not be stored.
    if turn.owner not in ("", owner) and _at_it(turn):
        return False
    unchanged = TickTurn.objects.filter(pk=turn.pk, taken_at=turn.taken_at, owner=turn.owner)
    return unchanged.update(owner=owner, taken_at=now) == 1


def end_turn(tick: Tick, owner: str) -> None:
    """Says that `owner` is through with this turn."""
    TickTurn.objects.filter(name=tick.name, owner=owner).update(owner="")


def _at_it(turn: TickTurn) -> bool:
    alive = is_alive(turn.owner)
    if alive is None:
        return Worker.objects.filter(owner=turn.owner, heartbeat_at__gt=clock.now() - SILENCE).exists()
    return alive
