"""Changes answers between the simulated workspace and the client."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any, cast

import pytest
from aiohttp import web

from startdeliver.simulator.server.http import HttpServer

Change = Callable[[web.Response], web.Response]


class Meddler:
    """Changes the answers to paths that match a pattern. Install it before the workspace is served."""

    def __init__(self) -> None:
        self._changes: list[tuple[str, Change, int]] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = HttpServer.handle

        async def handle(server: HttpServer, request: web.BaseRequest) -> web.StreamResponse:
            answer = await cast(Awaitable[web.StreamResponse], real(server, request))
            return self._changed(request.path, answer) if isinstance(answer, web.Response) else answer

        monkeypatch.setattr(HttpServer, "handle", handle)

    def change(self, path: str, change: Change, times: int = 10**9) -> None:
        """Applies `change` to the next `times` answers to `path`, a pattern such as `/conversations/*`."""
        self._changes.append((path, change, times))

    def rewrite(self, path: str, rewrite: Callable[[Any], Any], times: int = 10**9) -> None:
        """The same for the JSON of successful answers; `rewrite` returns JSON or bytes."""

        def change(answer: web.Response) -> web.Response:
            if answer.status != 200 or answer.content_type != "application/json":
                return answer
            found = rewrite(json.loads(cast(bytes, answer.body)))
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            return web.Response(body=body, headers=_kept(answer), content_type="application/json")

        self.change(path, change, times)

    def clear(self) -> None:
        self._changes = []

    def _changed(self, path: str, answer: web.Response) -> web.Response:
        for number, (pattern, change, times) in enumerate(self._changes):
            if times > 0 and fnmatchcase(path, pattern):
                self._changes[number] = (pattern, change, times - 1)
                answer = change(answer)
        return answer


def refuse(status: int, body: bytes = b"{}", content_type: str = "application/json", **headers: str) -> Change:
    """Replaces the correct answer. Underscores in names of headers become hyphens; headers of the limit are removed."""

    def change(answer: web.Response) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named, content_type=content_type)

    return change


def labelled(**headers: str) -> Change:
    """Returns the correct answer with other headers."""

    def change(answer: web.Response) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = cast(bytes, answer.body)
        made = web.Response(
            body=body, status=answer.status, headers={**_kept(answer), **named}, content_type=answer.content_type
        )
        return made

    return change


def _kept(answer: web.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in ("Content-Type", "Content-Length")}
