"""Calls as the published JavaScript client (startdeliver-node) makes them: same addresses, headers and bodies."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.test import Client


class ApiFailed(Exception):
    """What the JavaScript client rejects with: the status and the body."""

    def __init__(self, response: HttpResponse) -> None:
        self.status = response.status_code
        self.response = response
        self.error: dict[str, Any] = json.loads(response.content)["error"]
        super().__init__(f"{self.status} {self.error}")


class Js:
    """Makes the requests that startdeliver-node makes, with the same addresses, headers and bodies."""

    def __init__(self, key: str | None = None) -> None:
        self.key = key
        self.http = Client()

    def request(
        self, method: str, endpoint: str, body: object = None, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        sent = dict(headers or {})
        if self.key:
            sent["Authorization"] = self.key
        return self.http.generic(  # type: ignore[return-value]
            method,
            f"/api/v1/{endpoint}",
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json;charset=utf-8",
            headers=sent,
        )

    def call(self, method: str, endpoint: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        response = self.request(method, endpoint, body, headers)
        assert response["Content-Type"].startswith("application/json"), response.content[:200]
        if response.status_code >= 300:
            raise ApiFailed(response)
        return json.loads(response.content)

    def login(self, email: str, password: str, *, remember: bool = False) -> Any:
        answer = self.call("POST", "login", {"email": email, "password": password, "remember": remember})
        self.key = answer["apiKey"]
        return answer

    def me(self) -> Any:
        return self.call("GET", "me")

    def get(self, entity: str, params: int | dict[str, Any] | None = None) -> Any:
        if isinstance(params, int):
            return self.call("GET", f"{entity}/{params}")
        if params is None:
            return self.call("GET", entity)
        # An empty object is true in JavaScript.
        if params.get("filter") is None:
            lifted = ("limit", "offset", "flat", "sort", "report", "expand", "history")
            query = {"filter": {name: value for name, value in params.items() if name not in lifted}}
            query |= {name: params[name] for name in lifted if name in params}
        else:
            query = params
        endpoint = f"{entity}?query=" + quote(json.dumps(query), safe="~()*!.'")
        if len(endpoint) > 7500:
            return self.call("POST", entity, {"query": query}, {"X-HTTP-Method-Override": "GET"})
        return self.call("GET", endpoint)

    find = get

    def find_one(self, entity: str, params: int | dict[str, Any]) -> Any:
        if isinstance(params, int):
            return self.get(entity, params)
        found = self.get(entity, {**params, "limit": 1})["result"]
        return found[0] if found else None

    def find_all(self, entity: str, params: dict[str, Any] | None = None) -> list[Any]:
        result: list[Any] = []
        while True:
            page = self.get(entity, {**(params or {}), "limit": 500, "offset": len(result)})["result"]
            result += page
            if len(page) != 500:
                return result

    def find_with_history(self, params: dict[str, Any], history: list[str]) -> Any:
        answer = self.get("customer", params)
        rows = {row["id"]: row for row in answer["result"]}
        for row in rows.values():
            row["$history"] = {}
        asked: dict[str, Any] = {"filter": {"id": list(rows)}, "limit": len(rows)}
        # It sends one request more than there are moments, because it checks for the end afterwards.
        for moment in [*history, None]:
            more = {**asked, **({} if moment is None else {"history": None if moment == "now" else moment})}
            found = self.get("customer", more)["result"]
            if moment is not None:
                for row in found:
                    rows[row["id"]]["$history"][moment] = row
        return answer

    def save(self, entity: str, params: Any) -> Any:
        body = (
            {name: value for name, value in params.items() if name not in ("updatedAt", "updatedBy")}
            if isinstance(params, dict)
            else params
        )
        pk = body.get("id") if isinstance(body, dict) else None
        return self.call("PATCH" if pk else "POST", f"{entity}/{pk}" if pk else entity, body)

    def replace(self, entity: str, params: dict[str, Any]) -> Any:
        return self.call("PUT", f"{entity}/{params.get('id') or ''}", params)

    def delete(self, entity: str, pk: int | dict[str, Any] | None) -> Any:
        return self.call("DELETE", f"{entity}/{(pk['id'] if isinstance(pk, dict) else pk) or ''}")
