"""A small router and what a handler gets: handlers are plain functions from a Call to an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from startdeliver.simulator.access import Access, Token, require
from startdeliver.simulator.errors import ApiError, invalid
from startdeliver.simulator.faults import Faults
from startdeliver.simulator.scroll import Scroll
from startdeliver.simulator.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """A status with a body: something to encode as JSON, ready bytes, or nothing."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass
class Call:
    """One request, with everything a handler may need. `base` is the address that the caller used."""

    workspace: Workspace
    access: Access
    faults: Faults
    scroll: Scroll
    path: str
    params: tuple[str, ...]
    query: Mapping[str, str]
    raw: bytes
    base: str
    token: Token = field(default_factory=lambda: Token(""))
    version: tuple[int, int] = (2, 16)
    content_type: str = "application/json"

    @property
    def id(self) -> str:
        return self.params[0]

    def json(self) -> dict[str, Any]:
        """Return the body as an object. Raise ApiError 400 when it is not one."""
        try:
            body = msgspec.json.decode(self.raw) if self.raw else {}
        except msgspec.DecodeError as error:
            raise ApiError(400, "bad_request", "The request body is not valid JSON") from error
        if not isinstance(body, dict):
            raise ApiError(400, "bad_request", "The request body must be a JSON object")
        return body

    def need(self, *scopes: str) -> None:
        require(self.token, scopes)

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"

    def page_url(self, **changes: Any) -> str:
        """Return the address of another page of this call."""
        query = {**self.query, **{k: str(v) for k, v in changes.items()}}
        return f"{self.base}{self.path}?{urlencode(query)}"

    def number(self, name: str, default: int) -> int:
        """Return a positive number of the query string. Raise ApiError 400 for anything else."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isdecimal() or int(text) < 1:
            raise invalid(f"{name} must be a positive number", field=name)
        return int(text)


Handler = Callable[[Call], Answer | dict[str, Any] | bytes]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True)
class Route:
    """A path pattern, its handler, the scopes of which one is needed, and the first version that has it."""

    pattern: str
    handler: Handler
    scopes: tuple[str, ...] = ()
    since: tuple[int, int] = (1, 0)


class Routes:
    """Routes by method and path. `{x}` in a pattern takes one segment; a fixed segment wins over it."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._open: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}

    def add(self, method: str, pattern: str, *scopes: str, since: tuple[int, int] = (1, 0)) -> Callable[[H], H]:
        def register(handler: H) -> H:
            route = Route(pattern, handler, scopes, since)
            if "{" in pattern:
                parts = tuple(pattern.split("/"))
                self._open.setdefault((method, len(parts)), []).append((parts, route))
            else:
                self._fixed[method, pattern] = route
            return handler

        return register

    def get(self, pattern: str, *scopes: str, since: tuple[int, int] = (1, 0)) -> Callable[[H], H]:
        return self.add("GET", pattern, *scopes, since=since)

    def post(self, pattern: str, *scopes: str, since: tuple[int, int] = (1, 0)) -> Callable[[H], H]:
        return self.add("POST", pattern, *scopes, since=since)

    def put(self, pattern: str, *scopes: str, since: tuple[int, int] = (1, 0)) -> Callable[[H], H]:
        return self.add("PUT", pattern, *scopes, since=since)

    def delete(self, pattern: str, *scopes: str, since: tuple[int, int] = (1, 0)) -> Callable[[H], H]:
        return self.add("DELETE", pattern, *scopes, since=since)

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        """Return the route of a path and the values of its open segments."""
        if (fixed := self._fixed.get((method, path))) is not None:
            return fixed, ()
        segments = path.split("/")
        best: tuple[Route, tuple[str, ...]] | None = None
        for parts, route in self._open.get((method, len(segments)), ()):
            values = []
            for wanted, found in zip(parts, segments, strict=True):
                if wanted.startswith("{"):
                    values.append(found)
                elif wanted != found:
                    break
            else:
                if best is None or len(values) < len(best[1]):
                    best = (route, tuple(values))
        return best
