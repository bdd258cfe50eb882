"""The HTTP face of the simulated workspace, on aiohttp's plain server: router, faults, limits, then the handler."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from startdeliver.simulator import api_companies, api_contacts, api_other, api_threads, control, oauth, pages
from startdeliver.simulator.access import Access, Limiter
from startdeliver.simulator.errors import ApiError
from startdeliver.simulator.faults import Fault, Faults, Logged, RequestLog
from startdeliver.simulator.routing import Answer, Call, Route, Routes
from startdeliver.simulator.scroll import Scroll
from startdeliver.simulator.workspace import Workspace

_encoder = msgspec.json.Encoder()
_API: tuple[Routes, ...] = (api_threads.routes, api_contacts.routes, api_companies.routes, api_other.routes)
_STATUS_FAULTS = {
    "429": (429, "rate_limit_exceeded", "Exceeded rate limit of 83 in 10_seconds"),
    "500": (500, "server_error", "Internal Server Error"),
    "502": (502, "server_error", "Bad Gateway"),
    "503": (503, "service_unavailable", "Service Unavailable"),
    "504": (504, "request_timeout", "Gateway Timeout"),
    "plan": (403, "api_plan_restricted", "Active subscription needed."),
    "scroll_restart": (
        500,
        "server_error",
        "Request failed due to an internal network error. Please restart the scroll operation.",
    ),
}
_MAINTENANCE = b"<!doctype html><html><head><title>Please wait</title></head><body><h1>One moment</h1></body></html>"


@dataclass
class Simulator:
    """A workspace with everything around it that a server needs."""

    workspace: Workspace
    access: Access
    limiter: Limiter = field(default_factory=Limiter)
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    scroll: Scroll = field(init=False)

    def __post_init__(self) -> None:
        self.scroll = Scroll(lambda: self.workspace.now())

    @classmethod
    def create(
        cls,
        workspace: Workspace | None = None,
        *,
        rate_limit: int = 0,
        workspace_limit: int = 0,
        latency_ms: float = 0.0,
        redirect_uris: Iterable[str] = (),
        app_version: str = "2.16",
    ) -> Simulator:
        """Return a simulator with the default credentials. A `rate_limit` of 0 calls per 10 seconds means none."""
        workspace = workspace or Workspace()
        made = cls(
            workspace,
            Access(redirect_uris=redirect_uris, app_version=app_version, now=lambda: workspace.now()),
            Limiter(rate_limit, workspace_limit),
        )
        made.faults.latency_ms = latency_ms
        return made

    def server(self) -> web.Server:
        """Return the aiohttp server, without an access log."""
        return web.Server(self.handle, access_log=None, keepalive_timeout=300)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_control/"):
            return await control.handle(self, request)
        found = next((f for routes in _API if (f := routes.find(request.method, path)) is not None), None)
        if found is None:
            if (answer := await self._around(request, path)) is not None:
                return answer
            return _response(_error(ApiError(404, "not_found", "The requested resource was not found")))
        return await self._api(request, path, *found)

    async def _around(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """Answer what is not the API proper: authorisation and the pages for people."""
        if request.method == "POST" and path == oauth.EXCHANGE:
            return await self._exchange(request, path)
        if (answer := await oauth.handle(self, request)) is not None:
            return answer
        if request.method == "GET" and (html := pages.page(self.workspace, path)) is not None:
            return web.Response(text=html, content_type="text/html", headers=pages.HEADERS)
        return None

    async def _exchange(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Exchange a code for a token, with faults and log as in the API, but without a token or a limit."""
        self.log.enter()
        status = 0
        try:
            await asyncio.sleep(self.faults.delay(path))
            fault = self.faults.pick("POST", path)
            if fault is not None and fault.kind in ("hang", "reset", "cut"):
                return await self._break(request, fault, Answer({}), {})
            answer = await oauth.exchange(self.access, request) if fault is None else self._faulty(fault, None)
            status = answer.status
            return _response(answer)
        finally:
            self.log.leave(Logged("POST", path, path, status, "", b"", request.headers.get("Intercom-Version")))

    async def _api(
        self, request: web.BaseRequest, path: str, route: Route, params: tuple[str, ...]
    ) -> web.StreamResponse:
        self.log.enter()
        raw = b""
        status = 0
        try:
            raw = await request.read() if request.can_read_body else b""
            if delay := self.faults.delay(path):
                await asyncio.sleep(delay)
            fault = self.faults.pick(request.method, path)
            answer, limits = self._answer(request, path, route, params, raw, fault)
            status = answer.status
            if fault is not None and fault.kind in ("hang", "reset", "cut"):
                status = 0
                return await self._break(request, fault, answer, limits)
            return _response(answer, limits)
        finally:
            kept = raw if request.method != "GET" else b""
            version = request.headers.get("Intercom-Version")
            self.log.leave(Logged(request.method, path, route.pattern, status, request.query_string, kept, version))

    def _answer(
        self,
        request: web.BaseRequest,
        path: str,
        route: Route,
        params: tuple[str, ...],
        raw: bytes,
        fault: Fault | None,
    ) -> tuple[Answer, dict[str, str]]:
        """Return the answer of the API, or of a fault in its place, and the headers that go with an accepted token."""
        headers: dict[str, str] = {}
        try:
            with self.workspace.lock:
                token = self.access.authenticate(request.headers.get("Authorization"))
                allowed, headers = self.limiter.take()
                if not allowed:
                    raise self.limiter.error()
                asked = request.headers.get("Intercom-Version")
                headers["Intercom-Version"] = asked or self.access.app_version
                headers["X-Request-Id"] = uuid.uuid4().hex
                call = Call(
                    self.workspace,
                    self.access,
                    self.faults,
                    self.scroll,
                    path,
                    params,
                    request.query,
                    raw,
                    f"{request.scheme}://{request.host}",
                    token,
                    self.access.version(asked),
                    request.content_type,
                )
                if call.version < route.since:
                    raise ApiError(
                        400, "intercom_version_invalid", "Requested resource is not available in current API version."
                    )
                call.need(*route.scopes)
                if fault is not None and not fault.applied and fault.kind not in ("truncated", "cut"):
                    return self._faulty(fault, None), headers
                result = route.handler(call)
                answer = result if isinstance(result, Answer) else Answer(result)
        except ApiError as error:
            return _error(error), headers
        return (answer if fault is None else self._faulty(fault, answer)), headers

    def _faulty(self, fault: Fault, answer: Answer | None) -> Answer:
        if fault.kind == "scroll_restart":
            self.scroll.drop()
        if (known := _STATUS_FAULTS.get(fault.kind)) is not None:
            return _error(ApiError(*known))
        if fault.kind == "html":
            return Answer(_MAINTENANCE, 200, content_type="text/html")
        if fault.kind == "answer":
            return Answer(fault.body, fault.status)
        if fault.kind == "truncated" and answer is not None:
            body = _encoded(answer.body)
            return Answer(body[: max(1, len(body) // 2)], answer.status)
        return answer or Answer({})

    async def _break(
        self, request: web.BaseRequest, fault: Fault, answer: Answer, headers: dict[str, str]
    ) -> web.StreamResponse:
        transport = request.transport
        if fault.kind == "hang":
            await self.faults.hang()
            return _response(_error(ApiError(*_STATUS_FAULTS["504"])), headers)
        if fault.kind == "cut":
            body = _encoded(answer.body)
            response = web.StreamResponse(headers=headers)
            response.content_type = "application/json"
            response.content_length = len(body)
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            if transport is not None:
                transport.close()
            return response
        if transport is not None:
            # Without lingering the close is a reset, not an orderly end.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return web.Response(status=500)


def _encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else _encoder.encode(body)


def _error(error: ApiError) -> Answer:
    return Answer(error.body(), error.status, error.headers)


def _response(answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=_encoded(answer.body),
        status=answer.status,
        headers={**(headers or {}), **answer.headers},
        content_type=answer.content_type,
        charset=None if answer.content_type == "application/json" else "utf-8",
    )
