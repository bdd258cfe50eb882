"""A running simulator with a fixed clock, and a plain HTTP client for it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from startdeliver.simulator import Clock, Workspace
from startdeliver.simulator.testing import Handle, run_in_thread

NOW = 1_793_620_800  # Monday 2 November 2026, 12:00 UTC


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of the first error, in the envelope that every error must have."""
        body = self.json
        assert body["type"] == "error.list"
        assert body["request_id"]
        return str(body["errors"][0]["code"])


class Caller:
    """Calls one simulator; `token` and `version` go with every call unless changed."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.token: str | None = handle.token
        self.version: str | None = "2.16"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        parts = urlsplit(self.handle.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        sent = dict(headers)
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.version is not None:
            sent["Intercom-Version"] = self.version
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self("GET", path)

    def post(self, path: str, body: Any = None) -> Reply:
        return self("POST", path, {} if body is None else body)

    def put(self, path: str, body: Any) -> Reply:
        return self("PUT", path, body)

    def delete(self, path: str) -> Reply:
        return self("DELETE", path)

    def search(
        self, kind: str, query: Any, order: str = "ascending", field: str = "updated_at", **pagination: Any
    ) -> Reply:
        body = {"query": query, "sort": {"field": field, "order": order}, "pagination": pagination}
        return self.post(f"/{kind}/search", body)


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


@pytest.fixture
def sim() -> Iterator[Handle]:
    with run_in_thread(Workspace(timezone="America/Los_Angeles", now=Clock(NOW))) as handle:
        yield handle


@pytest.fixture
def workspace(sim: Handle) -> Workspace:
    return sim.workspace


@pytest.fixture
def call(sim: Handle) -> Caller:
    return Caller(sim)
