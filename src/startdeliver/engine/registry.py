"""Which function does which kind of job, and what happens at intervals. Filled by the applications' `ready()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from startdeliver.engine.jobs import Context

Handle = Callable[["Context"], None]
H = TypeVar("H", bound=Handle)
T = TypeVar("T", bound=Callable[[], object])


@dataclass(frozen=True)
class Handler:
    """How one kind of job is done: the function, and how often it is tried in all."""

    handle: Handle
    attempts: int


@dataclass(frozen=True)
class Tick:
    """What is called every `every` seconds by one of the workers."""

    name: str
    every: float
    call: Callable[[], object]


handlers: dict[str, Handler] = {}
ticks: dict[str, Tick] = {}


def handler(kind: str, *, attempts: int = 5) -> Callable[[H], H]:
    """Registers the decorated function for jobs of `kind`. It gets a `jobs.Context` and runs in the scope of the job's
    organization. What it raises counts as a failed attempt (see `jobs.fail`)."""

    def register(handle: H) -> H:
        handlers[kind] = Handler(handle, attempts)
        return handle

    return register


def tick(name: str, every: float) -> Callable[[T], T]:
    """Registers the decorated function to be called every `every` seconds, by one worker of all that run, never twice
    at a
    time. It gets nothing, and no tenant scope is open. What it raises is logged; the next call comes all the same."""

    def register(call: T) -> T:
        ticks[name] = Tick(name, every, call)
        return call

    return register
