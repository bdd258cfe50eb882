"""Planned faults, and the log of requests."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

KINDS = frozenset(
    {"429", "500", "502", "503", "504", "html", "truncated", "cut", "hang", "reset", "plan", "scroll_restart", "answer"}
)


@dataclass
class Fault:
    """What happens to the next `times` matching calls, after the first `after` matching calls.

    Kinds: an HTTP status as text (`429` to `504`); `html` (a web page with 200); `truncated` (half of the JSON in a
    complete HTTP response); `cut` (half of the bytes, then the connection closes); `hang` (no answer until `release`);
    `reset` (the connection is reset); `plan` (403 api_plan_restricted); `scroll_restart` (the documented 500 of the
    scroll, which also ends it); `answer` (the given `status` and `body`). With `applied`, the call takes effect before
    its answer is lost.
    """

    kind: str
    path: str = "*"
    method: str | None = None
    times: int = 1
    after: int = 0
    applied: bool = False
    status: int = 500
    body: Any = None

    def matches(self, method: str, path: str) -> bool:
        return (self.method is None or self.method == method) and fnmatchcase(path, self.path)


@dataclass
class _Hook:
    path: str
    page: int
    callback: Callable[[], object]


class Faults:
    """The planned faults, which the server looks up for every call. Paths are patterns such as `/conversations/*`."""

    def __init__(self) -> None:
        self.latency_ms = 0.0
        self._latencies: list[tuple[str, float]] = []
        self._planned: list[Fault] = []
        self._hooks: list[_Hook] = []
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def fail_next(self, kind: str, path: str = "*", **options: Any) -> Fault:
        """Plan a fault and return it; its `times` counts down. See Fault for the kinds and options."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault {kind!r}; known: {', '.join(sorted(KINDS))}")
        fault = Fault(kind, path, **options)
        self._planned.append(fault)
        return fault

    def latency(self, path: str, milliseconds: float) -> None:
        """Delay the answers to matching paths, in addition to `latency_ms`."""
        self._latencies.append((path, milliseconds))

    def before_page(self, path: str, page: int, callback: Callable[[], object]) -> None:
        """Call `callback` once, just before page `page` of a search on `path` is computed."""
        self._hooks.append(_Hook(path, page, callback))

    def clear(self) -> None:
        """Remove every planned fault, latency and hook, and release hanging calls."""
        self.latency_ms = 0.0
        self._latencies.clear()
        self._planned.clear()
        self._hooks.clear()
        self.release()

    def release(self) -> None:
        """Release hanging calls. They answer 504."""
        for loop, event in list(self._waiting):
            loop.call_soon_threadsafe(event.set)

    # Called by the server

    def pick(self, method: str, path: str) -> Fault | None:
        """Return the fault that this call gets, if any, and count it."""
        if not self._planned:
            return None
        for fault in list(self._planned):
            if not fault.matches(method, path):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._planned.remove(fault)
            return fault
        return None

    def delay(self, path: str) -> float:
        """Return the delay of an answer in seconds."""
        extra = sum(ms for pattern, ms in self._latencies if fnmatchcase(path, pattern)) if self._latencies else 0.0
        return (self.latency_ms + extra) / 1000

    def page_asked(self, path: str, page: int) -> None:
        for hook in [h for h in self._hooks if h.page == page and fnmatchcase(path, h.path)]:
            self._hooks.remove(hook)
            hook.callback()

    async def hang(self) -> None:
        """Wait until `release` or `clear`."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        self._waiting.add(entry)
        try:
            await entry[1].wait()
        finally:
            self._waiting.discard(entry)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One call: `route` is the path pattern, `body` the raw body of a POST, PUT or DELETE, `version` its header."""

    method: str
    path: str
    route: str
    status: int
    query: str
    body: bytes
    version: str | None


@dataclass
class RequestLog:
    """The requests to the Intercom API, not to /_control: the last 50,000 entries, and counters of all."""

    entries: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=50_000))
    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    active: int = 0
    max_concurrency: int = 0

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def refused(self) -> int:
        """The number of calls that were answered 429."""
        return self.statuses[429]

    def count(self, route: str) -> int:
        """Return the number of calls of one route, for example `GET /conversations/{id}`."""
        return self.counts[route]

    def writes(self) -> list[LogEntry]:
        """Return the calls that change something: all but GETs and the POSTs that search or list."""
        reads = ("/search", "/companies/list")
        return [e for e in self.entries if e.method != "GET" and not e.path.endswith(reads)]

    def enter(self) -> None:
        self.active += 1
        self.max_concurrency = max(self.max_concurrency, self.active)

    def leave(self, entry: LogEntry) -> None:
        self.active -= 1
        self.entries.append(entry)
        self.counts[f"{entry.method} {entry.route}"] += 1
        self.statuses[entry.status] += 1

    def clear(self) -> None:
        self.entries.clear()
        self.counts.clear()
        self.statuses.clear()
        self.max_concurrency = self.active

    def summary(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "counts": dict(self.counts),
            "statuses": {str(k): v for k, v in self.statuses.items()},
            "max_concurrency": self.max_concurrency,
            "refused": self.refused,
        }
