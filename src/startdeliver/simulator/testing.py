"""Runs the simulator in a thread of the test's own process, on a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from startdeliver.simulator.api.access import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_TOKEN,
    Access,
    Limiter,
)
from startdeliver.simulator.api.scroll import Scroll
from startdeliver.simulator.clock import Clock
from startdeliver.simulator.faults import Faults, RequestLog
from startdeliver.simulator.server.http import HttpServer
from startdeliver.simulator.server.simulator import Simulator
from startdeliver.simulator.workspace import Workspace


@dataclass(frozen=True)
class Handle:
    """A running simulator. The test's thread may use the workspace, the faults and the log."""

    url: str
    simulator: Simulator
    token: str = DEFAULT_TOKEN
    client_id: str = DEFAULT_CLIENT_ID
    client_secret: str = DEFAULT_CLIENT_SECRET

    @property
    def workspace(self) -> Workspace:
        return self.simulator.workspace

    @property
    def faults(self) -> Faults:
        return self.simulator.faults

    @property
    def log(self) -> RequestLog:
        return self.simulator.log

    @property
    def access(self) -> Access:
        return self.simulator.access

    @property
    def limiter(self) -> Limiter:
        return self.simulator.limiter

    @property
    def scroll(self) -> Scroll:
        return self.simulator.scroll

    @property
    def clock(self) -> Clock:
        """The movable clock. Raises TypeError when the workspace has another kind of clock."""
        clock = self.workspace.now
        if not isinstance(clock, Clock):
            raise TypeError("the workspace has a clock of its own")
        return clock


@contextmanager
def run_in_thread(workspace: Workspace | None = None, **options: Any) -> Iterator[Handle]:
    """Serve a workspace (default: an empty one with a movable clock) until the block ends.

    The options are those of `Simulator.create`: rate_limit (calls per 10 s, 0 for none), workspace_limit, latency_ms,
    redirect_uris and app_version.
    """
    simulator = Simulator.create(workspace or Workspace(now=Clock()), **options)
    loop = asyncio.new_event_loop()
    url: Future[str] = Future()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        try:
            runner, address = loop.run_until_complete(HttpServer(simulator).listen("127.0.0.1", 0, 0.1))
        except BaseException as error:
            url.set_exception(error)
            return
        url.set_result(address)
        loop.run_forever()
        simulator.faults.clear()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=serve, name="simulated-intercom", daemon=True)
    thread.start()
    try:
        yield Handle(url.result(), simulator)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
