"""A small router, and the `Call` that its handlers get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partialmethod
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from startdeliver.simulator.api.access import Token, require
from startdeliver.simulator.api.scroll import Scroll
from startdeliver.simulator.errors import ApiError, invalid
from startdeliver.simulator.faults import Faults
from startdeliver.simulator.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """A response. `body` is encoded as JSON unless it is bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass
class Call:
    """One request, with everything that a handler needs. `base` is the URL of the server as the caller wrote it."""

    workspace: Workspace
    faults: Faults
    scroll: Scroll
    path: str
    params: tuple[str, ...]
    query: Mapping[str, str]
    raw: bytes
    base: str
    token: Token
    version: tuple[int, int]

    @property
    def id(self) -> str:
        return self.params[0]

    def json(self) -> dict[str, Any]:
        """Return the body as an object. Raise ApiError 400 when it is none."""
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
        """Return the URL of another page of this call."""
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
    """A path pattern, its handler, the scopes (any one is enough), and the first version that has it."""

    pattern: str
    handler: Handler
    scopes: tuple[str, ...] = ()
    since: tuple[int, int] = (1, 0)


class Routes:
    """Routes by method and path. `{x}` in a pattern matches one segment; a fixed segment has precedence."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._variable: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}

    def add(self, method: str, pattern: str, *scopes: str, since: tuple[int, int] = (1, 0)) -> Callable[[H], H]:
        def register(handler: H) -> H:
            route = Route(pattern, handler, scopes, since)
            if "{" in pattern:
                parts = tuple(pattern.split("/"))
                self._variable.setdefault((method, len(parts)), []).append((parts, route))
            else:
                self._fixed[method, pattern] = route
            return handler

        return register

    get = partialmethod(add, "GET")
    post = partialmethod(add, "POST")
    put = partialmethod(add, "PUT")
    delete = partialmethod(add, "DELETE")

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        """Return the route of a path and the values of its variable segments."""
        if (fixed := self._fixed.get((method, path))) is not None:
            return fixed, ()
        segments = path.split("/")
        matches = []
        for parts, route in self._variable.get((method, len(segments)), ()):
            pairs = list(zip(parts, segments, strict=True))
            if all(part.startswith("{") or part == segment for part, segment in pairs):
                matches.append((route, tuple(segment for part, segment in pairs if part.startswith("{"))))
        return min(matches, key=lambda match: len(match[1]), default=None)
