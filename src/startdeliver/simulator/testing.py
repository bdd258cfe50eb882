"""The simulator in a thread of the test's own process, on a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from startdeliver.simulator.access import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_TOKEN,
    Access,
    Limiter,
)
from startdeliver.simulator.clock import Clock
from startdeliver.simulator.faults import Faults, RequestLog
from startdeliver.simulator.scroll import Scroll
from startdeliver.simulator.server import Simulator
from startdeliver.simulator.workspace import Workspace


@dataclass(frozen=True)
class Handle:
    """A running simulator. The workspace's verbs, the faults and the log may be used from the test's thread."""

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
        """The movable clock; TypeError when the workspace was given one of its own."""
        clock = self.workspace.now
        if not isinstance(clock, Clock):
            raise TypeError("the workspace has a clock of its own")
        return clock


@contextmanager
def run_in_thread(workspace: Workspace | None = None, **options: Any) -> Iterator[Handle]:
    """Serve a workspace (default: an empty one with a movable clock) until the block ends.

    Options are those of `Simulator.create`: rate_limit (calls per 10 s, 0 = none), workspace_limit, latency_ms,
    redirect_uris, app_version.
    """
    simulator = Simulator.create(workspace or Workspace(now=Clock()), **options)
    loop = asyncio.new_event_loop()
    started = threading.Event()
    address: list[str] = []
    failure: list[BaseException] = []

    async def start() -> web.ServerRunner:
        runner = web.ServerRunner(simulator.server(), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        address.append(f"http://{host}:{port}")
        return runner

    def serve() -> None:
        asyncio.set_event_loop(loop)
        try:
            runner = loop.run_until_complete(start())
        except BaseException as error:
            failure.append(error)
            started.set()
            return
        started.set()
        loop.run_forever()
        simulator.faults.clear()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=serve, name="simulated-intercom", daemon=True)
    thread.start()
    started.wait()
    if failure:
        raise failure[0]
    try:
        yield Handle(address[0], simulator)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
