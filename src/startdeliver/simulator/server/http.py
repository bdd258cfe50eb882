"""The HTTP server of the simulated workspace, on aiohttp's low-level server: faults and limits, then the handler."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from typing import Any

import msgspec
from aiohttp import web

from startdeliver.simulator.api import attributes, audiences, companies, contacts, conversations, events, workspace
from startdeliver.simulator.api.routing import Answer, Call, Route
from startdeliver.simulator.errors import ApiError
from startdeliver.simulator.faults import Fault, LogEntry
from startdeliver.simulator.server import control, oauth, web_pages
from startdeliver.simulator.server.simulator import Simulator

_encoder = msgspec.json.Encoder()
_MODULES = (conversations, contacts, companies, attributes, events, audiences, workspace)
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
_CONNECTION_FAULTS = ("hang", "reset", "cut")
_MAINTENANCE = b"<!doctype html><html><head><title>Please wait</title></head><body><h1>One moment</h1></body></html>"


class HttpServer:
    """Answers the requests to one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def listen(self, host: str, port: int, shutdown_timeout: float) -> tuple[web.ServerRunner, str]:
        """Start to serve. Return the runner, to clean up later, and the URL. Port 0 takes a free port."""
        server = web.Server(self.handle, access_log=None, keepalive_timeout=300)
        runner = web.ServerRunner(server, shutdown_timeout=shutdown_timeout)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        return runner, f"http://{bound_host}:{bound_port}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_control/"):
            return await control.handle(self.simulator, request)
        for module in _MODULES:
            if (match := module.routes.find(request.method, path)) is not None:
                return await self._call(request, *match)
        if request.method == "POST" and path == oauth.EXCHANGE:
            return await self._exchange(request)
        if (answer := await oauth.handle(self.simulator, request)) is not None:
            return answer
        if request.method == "GET" and (html := web_pages.page(self.simulator.workspace, path)) is not None:
            return web.Response(text=html, content_type="text/html", headers=web_pages.HEADERS)
        return _response(_error(ApiError(404, "not_found", "The requested resource was not found")))

    async def _exchange(self, request: web.BaseRequest) -> web.StreamResponse:
        """Exchange a code for a token, with faults and log as in the API, but without a token or a limit."""
        simulator, path = self.simulator, request.path
        simulator.log.enter()
        status = 0
        try:
            await asyncio.sleep(simulator.faults.delay(path))
            fault = simulator.faults.pick("POST", path)
            if fault is not None and fault.kind in _CONNECTION_FAULTS:
                return await self._break(request, fault, Answer({}), {})
            answer = await oauth.exchange(simulator.access, request) if fault is None else self._faulty(fault, None)
            status = answer.status
            return _response(answer)
        finally:
            version = request.headers.get("Intercom-Version")
            simulator.log.leave(LogEntry("POST", path, path, status, "", b"", version))

    async def _call(self, request: web.BaseRequest, route: Route, params: tuple[str, ...]) -> web.StreamResponse:
        simulator, method, path = self.simulator, request.method, request.path
        simulator.log.enter()
        raw = b""
        status = 0
        try:
            raw = await request.read() if request.can_read_body else b""
            if delay := simulator.faults.delay(path):
                await asyncio.sleep(delay)
            fault = simulator.faults.pick(method, path)
            answer, headers = self._answer(request, route, params, raw, fault)
            if fault is not None and fault.kind in _CONNECTION_FAULTS:
                return await self._break(request, fault, answer, headers)
            status = answer.status
            return _response(answer, headers)
        finally:
            body = raw if method != "GET" else b""
            version = request.headers.get("Intercom-Version")
            entry = LogEntry(method, path, route.pattern, status, request.query_string, body, version)
            simulator.log.leave(entry)

    def _answer(
        self, request: web.BaseRequest, route: Route, params: tuple[str, ...], raw: bytes, fault: Fault | None
    ) -> tuple[Answer, dict[str, str]]:
        """Return the answer of the API or of a fault, and the headers of every answer to a valid token."""
        simulator = self.simulator
        headers: dict[str, str] = {}
        try:
            with simulator.workspace.lock:
                token = simulator.access.authenticate(request.headers.get("Authorization"))
                allowed, headers = simulator.limiter.take()
                if not allowed:
                    raise simulator.limiter.error()
                version = request.headers.get("Intercom-Version")
                headers["Intercom-Version"] = version or simulator.access.app_version
                headers["X-Request-Id"] = uuid.uuid4().hex
                call = Call(
                    workspace=simulator.workspace,
                    faults=simulator.faults,
                    scroll=simulator.scroll,
                    path=request.path,
                    params=params,
                    query=request.query,
                    raw=raw,
                    base=f"{request.scheme}://{request.host}",
                    token=token,
                    version=simulator.access.version(version),
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
            self.simulator.scroll.drop()
        if (values := _STATUS_FAULTS.get(fault.kind)) is not None:
            return _error(ApiError(*values))
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
        """Hang, cut the answer in half, or reset the connection."""
        transport = request.transport
        if fault.kind == "hang":
            await self.simulator.faults.hang()
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
            # Without lingering, close sends a reset instead of an orderly end.
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
