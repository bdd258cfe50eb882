"""The routes of every registered entity, and the one place where a request becomes an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router

from startdeliver.api import openapi, query, reading, wire, writing
from startdeliver.api.auth import OVERRIDE_HEADER, Caller
from startdeliver.api.entities import ENTITIES
from startdeliver.api.entity import Context, Entity
from startdeliver.api.errors import Conflict, Forbidden, Invalid, MethodNotAllowed, TooLarge
from startdeliver.common.values import FieldError
from startdeliver.tenancy.scope import organization_scope


def answer(
    request: HttpRequest,
    act: Callable[[Context], Any],
    status: int = 200,
    *,
    entity: Entity | None = None,
    writes: bool = False,
) -> HttpResponse:
    """Runs `act` inside the tenant scope of the caller's organization and answers what it returns as JSON.

    Raises Forbidden for a caller who may not read `entity` or, with `writes`, not write.
    """
    caller: Caller = request.auth  # type: ignore[attr-defined]
    context = Context(caller)
    with organization_scope(context.organization):
        if entity is not None and entity.administrators_only and not caller.sees_administration:
            raise Forbidden(f"Only administrators may read {entity.plural}.")
        if writes and not caller.can_write:
            raise Forbidden("This key may only read. Use one with admin access, or a member who may write.")
        result = act(context)
        return result if isinstance(result, HttpResponse) else wire.json_response(result, status)


def body_of(request: HttpRequest) -> Any:
    """The JSON value of the body. Raises Invalid, TooLarge."""
    try:
        return wire.decode(_raw_body(request))
    except wire.BadJson as error:
        raise Invalid(f"The body is not JSON: {error}.") from error


def _raw_body(request: HttpRequest) -> bytes:
    # Django reads as much as Content-Length says; a body sent in chunks has none, and the server marks its end.
    chunked = request.headers.get("Transfer-Encoding") and request.META.get("wsgi.input_terminated")
    if not chunked:
        return request.body
    body: bytes = request.META["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise TooLarge("The body is over 10 MB. Send it in parts.")
    return body


def entity_router() -> Router:
    """A router with the routes of all entities."""
    router = Router()
    for entity in ENTITIES:
        _add(router, entity)
    return router


def _add(router: Router, entity: Entity) -> None:
    def find(request: HttpRequest) -> HttpResponse:
        return answer(request, lambda context: _page(entity, query.of_request(request), context), entity=entity)

    def get(request: HttpRequest, id: int) -> HttpResponse:
        return answer(request, lambda context: reading.single(entity, id, context), entity=entity)

    def post(request: HttpRequest) -> HttpResponse:
        override = request.headers.get(OVERRIDE_HEADER, "").upper()
        if override == "GET":
            return answer(
                request, lambda context: _page(entity, query.of_body(body_of(request)), context), entity=entity
            )
        if override not in ("", "POST"):
            raise Invalid(f"{OVERRIDE_HEADER} may only be GET.", field=OVERRIDE_HEADER)
        if entity.intake is not None:
            return answer(request, lambda context: _taken(request, entity, context), entity=entity, writes=True)
        if entity.writes is None:
            return not_allowed(["GET"])
        return _write(request, entity, lambda context: _created(request, entity, context), 201)

    def patch(request: HttpRequest, id: int) -> HttpResponse:
        return _write(request, entity, lambda context: _changed(request, entity, id, context, replace=False))

    def put(request: HttpRequest, id: int) -> HttpResponse:
        return _write(request, entity, lambda context: _changed(request, entity, id, context, replace=True))

    def delete(request: HttpRequest, id: int) -> HttpResponse:
        return _write(request, entity, lambda context: _removed(entity, id, context))

    def route(method: str, path: str, name: str, view: Callable[..., HttpResponse], **described: Any) -> None:
        router.api_operation([method], path, operation_id=f"{entity.name}_{name}", **described)(view)

    collection, item = f"/{entity.name}", f"/{entity.name}/{{int:id}}"
    route("GET", collection, "find", find, **openapi.find(entity))
    documented = entity.writes is not None or entity.intake is not None
    route("POST", collection, "create", post, include_in_schema=documented, **openapi.create(entity))
    route("GET", item, "get", get, **openapi.get(entity))
    if entity.writes is not None:
        route("PATCH", item, "update", patch, **openapi.update(entity))
        route("PUT", item, "replace", put, **openapi.replace(entity))
    if entity.removal is not None:
        route("DELETE", item, "delete", delete, **openapi.delete(entity, entity.removal))


def not_allowed(methods: list[str]) -> HttpResponse:
    """The 405 answer of an address that knows only `methods`."""
    names = ", ".join(sorted(methods))
    return MethodNotAllowed(f"This address knows {names}.", Allow=names).response()


def _page(entity: Entity, asked: query.ListQuery, context: Context) -> dict[str, Any]:
    return {"result": reading.page(entity, asked, context)}


def _write(
    request: HttpRequest, entity: Entity, act: Callable[[Context], dict[str, Any]], status: int = 200
) -> HttpResponse:
    def guarded(context: Context) -> Any:
        try:
            with transaction.atomic():
                return act(context)
        except FieldError as error:
            raise writing.refused(entity.fields_for(context), error) from error
        except IntegrityError as error:
            raise Conflict(f"Another {entity.name} has this value already.") from error

    return answer(request, guarded, status, entity=entity, writes=True)


def _taken(request: HttpRequest, entity: Entity, context: Context) -> HttpResponse:
    assert entity.intake is not None
    status, result = entity.intake.take(context, body_of(request))
    return wire.json_response(result, status)


def _created(request: HttpRequest, entity: Entity, context: Context) -> dict[str, Any]:
    assert entity.writes is not None
    fields = entity.fields_for(context)
    values = writing.values_of(fields, body_of(request), complete=True)
    pk = entity.writes.create(context, writing.for_services(fields, values))
    return reading.single(entity, pk, context)


def _changed(request: HttpRequest, entity: Entity, pk: int, context: Context, *, replace: bool) -> dict[str, Any]:
    assert entity.writes is not None
    fields = entity.fields_for(context)
    stored = reading.stored(entity, pk, context)
    values = writing.values_of(fields, body_of(request), complete=replace, defaults=replace)
    # The published client sends back the whole object; only what it changed is checked and written.
    changed = {name: value for name, value in values.items() if value != stored[name]}
    if changed:
        entity.writes.update(context, pk, writing.for_services(fields, changed))
    return reading.single(entity, pk, context)


def _removed(entity: Entity, pk: int, context: Context) -> dict[str, Any]:
    assert entity.removal is not None
    before = reading.single(entity, pk, context)
    entity.removal.remove(context, pk)
    return reading.single(entity, pk, context) if entity.writes is not None else before
