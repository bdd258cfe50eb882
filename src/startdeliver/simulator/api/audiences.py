"""The API of audiences (OpenAPI 2.16, Audiences)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator.api.access import Scope
from startdeliver.simulator.api.listing import page_of
from startdeliver.simulator.api.routing import Answer, Call, Routes
from startdeliver.simulator.errors import ApiError, resource_not_found
from startdeliver.simulator.model.records import Audience
from startdeliver.simulator.serializers.workspace import audience as serialize

MAX_PAGE = 50

routes = Routes()


def _audience_fields(body: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if "name" in body:
        if not isinstance(body["name"], str) or not body["name"].strip():
            raise ApiError(422, "validation_error", "Name must not be blank")
        fields["name"] = body["name"]
    for group in ("predicates", "role_predicates"):
        if group in body:
            fields[group] = _predicates(body[group])
    return fields


def _predicates(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(p, dict) for p in value):
        raise ApiError(422, "validation_error", "Predicates must be an array")
    for predicate in value:
        for key in ("attribute", "type", "comparison", "value"):
            if key not in predicate:
                raise ApiError(422, "validation_error", f"Predicate {key} is required")
    return value


@routes.get("/audiences", Scope.READ_LIST, since=(2, 16))
def list_audiences(call: Call) -> dict[str, Any]:
    audiences = list(call.workspace.audiences.values())
    chosen, pages = page_of(call, audiences, MAX_PAGE, MAX_PAGE)
    return {
        "type": "list",
        "data": [serialize(a) for a in chosen],
        "total_count": len(audiences),
        **{name: pages[name] for name in ("page", "per_page", "total_pages")},
    }


@routes.post("/audiences", Scope.WRITE_USERS, since=(2, 16))
def create_audience(call: Call) -> Answer:
    body = call.json()
    if "name" not in body:
        raise ApiError(422, "validation_error", "Name is required")
    fields = {"predicates": [], "role_predicates": [], **_audience_fields(body)}
    now = call.workspace.seconds()
    audience = Audience(str(call.workspace.count("audience", 123)), created_at=now, updated_at=now, **fields)
    call.workspace.audiences[audience.id] = audience
    return Answer(serialize(audience), 201)


def _audience(call: Call) -> Audience:
    audience = call.workspace.audiences.get(call.id)
    if audience is None:
        raise resource_not_found()
    return audience


@routes.get("/audiences/{id}", Scope.READ_LIST, since=(2, 16))
def get_audience(call: Call) -> dict[str, Any]:
    return serialize(_audience(call))


@routes.put("/audiences/{id}", Scope.WRITE_USERS, since=(2, 16))
def update_audience(call: Call) -> dict[str, Any]:
    audience = _audience(call)
    for name, value in _audience_fields(call.json()).items():
        setattr(audience, name, value)
    audience.updated_at = call.workspace.seconds()
    return serialize(audience)


@routes.delete("/audiences/{id}", Scope.WRITE_USERS, since=(2, 16))
def delete_audience(call: Call) -> Answer:
    del call.workspace.audiences[_audience(call).id]
    return Answer(b"", 204)
