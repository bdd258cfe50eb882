"""A local HTTP server that plays a script, for tests of what the client does with an answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from startdeliver.intercom import Backoff, IntercomClient, Limiter, Timeouts

TOKEN = "tok-verysecret-123"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse] | web.StreamResponse]


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    url: str
    seen: list[Seen] = field(default_factory=list)

    @property
    def last(self) -> Seen:
        return self.seen[-1]


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[Server]:
    server = Server("")

    async def entry(request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if raw else None
        server.seen.append(Seen(request.method, request.path, dict(request.query), dict(request.headers), body))
        answer = handler(request)
        return await answer if isinstance(answer, Awaitable) else answer

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", entry)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


class Naps:
    """Records the pauses instead of taking them."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


def client_for(server: Server, naps: Naps | None = None, **options: Any) -> IntercomClient:
    nap = naps or Naps()
    options.setdefault("limiter", Limiter())
    options.setdefault("timeouts", Timeouts(connect=2, read=2, total=3))
    options.setdefault("backoff", Backoff())
    return IntercomClient(TOKEN, server.url, sleep=nap, **options)


def script(*answers: Any) -> Handler:
    """Answers one after another.

    The last one repeats. An answer is a dict (200 JSON), (status, dict), or a Response factory.
    """
    queue = list(answers)

    def handler(request: web.Request) -> Any:
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if callable(answer):
            return answer(request)
        if isinstance(answer, tuple):
            return web.json_response(answer[1], status=answer[0])
        return web.json_response(answer)

    return handler


def error_list(code: str, message: str = "", request_id: str = "req-1") -> dict[str, Any]:
    return {"type": "error.list", "request_id": request_id, "errors": [{"code": code, "message": message}]}


def conversation(id_: str = "1", **changes: Any) -> dict[str, Any]:
    return {"type": "conversation", "id": id_, "created_at": 1663597223, "updated_at": 1663597260, **changes}


def listing(items: list[Any], key: str, *, after: str | None = None, total: int | None = None) -> dict[str, Any]:
    following = {"page": 2, "starting_after": after} if after else None
    count = len(items) if total is None else total
    return {"type": "list", key: items, "total_count": count, "pages": {"type": "pages", "next": following}}
