"""The functions that do jobs of each kind, and those that are called periodically. Filled by `AppConfig.ready()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from startdeliver.engine.jobs import Context

Handle = Callable[["Context"], None]
H = TypeVar("H", bound=Handle)
P = TypeVar("P", bound=Callable[[], object])

PERIODIC = "periodic:"
"""Prefix of the kind of a job that calls a periodic task."""


class Priority(IntEnum):
    """What goes first when several jobs are due."""

    BACKFILL = 0
    DERIVATION = 1
    SYNC = 2
    PERSON = 3


@dataclass(frozen=True)
class Handler:
    """How jobs of one kind are done.

    `attempts`: how often a job that raises is tried in all. `quick`: jobs of seconds at most, which have a thread of
    their own and so never wait for a long one. `exhausted`: called instead of `handle` when the job has killed its
    worker process too often.
    """

    handle: Handle
    attempts: int = 5
    priority: Priority = Priority.DERIVATION
    quick: bool = False
    exhausted: Handle | None = None


@dataclass(frozen=True)
class PeriodicTask:
    """A function that one of all workers calls every `seconds`."""

    name: str
    seconds: int
    call: Callable[[], object]


handlers: dict[str, Handler] = {}
periodic_tasks: dict[str, PeriodicTask] = {}


def handler(
    kind: str,
    *,
    attempts: int = 5,
    priority: Priority = Priority.DERIVATION,
    quick: bool = False,
    exhausted: Handle | None = None,
) -> Callable[[H], H]:
    """Registers the decorated function for jobs of `kind`.

    It is called with a `jobs.Context`, in the tenant scope of the job's organization. An exception counts as a failed
    attempt (see `jobs.execute`).
    """

    def register(handle: H) -> H:
        handlers[kind] = Handler(handle, attempts, priority, quick, exhausted)
        return handle

    return register


def periodic(name: str, seconds: int) -> Callable[[P], P]:
    """Registers the decorated function to be called every `seconds` (5 or more) by one worker, never twice at a time.

    It is called without arguments and without a tenant scope. An exception is logged; the next call comes all the same.
    """

    def register(call: P) -> P:
        periodic_tasks[name] = PeriodicTask(name, seconds, call)
        handlers[PERIODIC + name] = Handler(lambda context: _call(call), attempts=1, quick=True)
        return call

    return register


def _call(call: Callable[[], object]) -> None:
    call()


def kinds(*, quick: bool | None = None) -> list[str]:
    """The kinds of jobs that have a handler; with `quick`, only those of that lane."""
    return [kind for kind, handler in handlers.items() if quick is None or handler.quick == quick]
