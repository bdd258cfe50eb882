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
from startdeliver.api.entity import Context, Entity, entities
from startdeliver.api.errors import Conflict, Forbidden, Invalid, MethodNotAllowed, TooLarge
from startdeliver.customers.services import FieldError
from startdeliver.tenancy.scope import organization_scope


def answer(request: HttpRequest, act: Callable[[Context], Any], status: int = 200) -> HttpResponse:
    """Runs `act` inside the tenant scope of the caller's organization and answers what it gives as JSON."""
    context = context_of(request)
    with organization_scope(context.organization):
        return wire.json_response(act(context), status)


def context_of(request: HttpRequest) -> Context:
    """The context of an authenticated request."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return Context(caller=caller)


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


def require_writer(context: Context) -> None:
    """Raises Forbidden for a read-only key or a Lite member."""
    if not context.caller.can_write:
        raise Forbidden("This key may only read. Use one with admin access, or a member who may write.")


def entity_router() -> Router:
    """A router with the routes of all entities."""
    router = Router()
    for entity in entities():
        _add(router, entity)
    return router


def _check_reader(entity: Entity, context: Context) -> None:
    if entity.administrators_only and not context.caller.sees_administration:
        raise Forbidden(f"Only administrators may read {entity.plural}.")


def _add(router: Router, entity: Entity) -> None:
    def find(request: HttpRequest) -> HttpResponse:
        def act(context: Context) -> dict[str, Any]:
            _check_reader(entity, context)
            return {"result": reading.page(entity, query.of_request(request), context)}

        return answer(request, act)

    def get(request: HttpRequest, id: int) -> HttpResponse:
        def act(context: Context) -> dict[str, Any]:
            _check_reader(entity, context)
            return reading.single(entity, id, context)

        return answer(request, act)

    def post(request: HttpRequest) -> HttpResponse:
        override = request.headers.get(OVERRIDE_HEADER, "").upper()
        if override == "GET":

            def act(context: Context) -> dict[str, Any]:
                _check_reader(entity, context)
                return {"result": reading.page(entity, query.of_body(body_of(request)), context)}

            return answer(request, act)
        if override not in ("", "POST"):
            raise Invalid(f"{OVERRIDE_HEADER} may only be GET.", field=OVERRIDE_HEADER)
        if entity.intake is not None:
            return _taken(request, entity)
        if entity.writes is None:
            return not_allowed(["GET"])
        return _write(request, entity, lambda context: _created(request, entity, context), 201)

    def patch(request: HttpRequest, id: int) -> HttpResponse:
        return _write(request, entity, lambda context: _changed(request, entity, id, context, replace=False))

    def put(request: HttpRequest, id: int) -> HttpResponse:
        return _write(request, entity, lambda context: _changed(request, entity, id, context, replace=True))

    def delete(request: HttpRequest, id: int) -> HttpResponse:
        return _write(request, entity, lambda context: _removed(entity, id, context))

    def erase(request: HttpRequest, id: int) -> HttpResponse:
        return _erase(request, entity, id)

    collection, item, name = f"/{entity.name}", f"/{entity.name}/{{int:id}}", entity.name
    documented = entity.writes is not None or entity.intake is not None
    creates = openapi.create(entity) if entity.intake is None else openapi.take(entity, entity.intake)
    router.get(collection, operation_id=f"{name}_find", **openapi.find(entity))(find)
    router.post(collection, operation_id=f"{name}_create", include_in_schema=documented, **creates)(post)
    router.get(item, operation_id=f"{name}_get", **openapi.get(entity))(get)
    if entity.writes is not None:
        router.patch(item, operation_id=f"{name}_update", **openapi.update(entity))(patch)
        router.put(item, operation_id=f"{name}_replace", **openapi.replace(entity))(put)
        router.delete(item, operation_id=f"{name}_delete", **openapi.delete(entity))(delete)
    elif entity.removal is not None:
        router.delete(item, operation_id=f"{name}_delete", **openapi.delete(entity))(erase)


def not_allowed(methods: list[str]) -> HttpResponse:
    """The 405 answer of an address that knows only `methods`."""
    names = ", ".join(sorted(methods))
    return MethodNotAllowed(f"This address knows {names}.", Allow=names).response()


def _write(request: HttpRequest, entity: Entity, act: Callable[[Context], int], status: int = 200) -> HttpResponse:
    def guarded(context: Context) -> Any:
        _check_reader(entity, context)
        require_writer(context)
        try:
            with transaction.atomic():
                pk = act(context)
        except FieldError as error:
            raise writing.refused(entity.fields_for(context), error) from error
        except IntegrityError as error:
            raise Conflict(f"Another {entity.name} has this value already.") from error
        return reading.single(entity, pk, context)

    return answer(request, guarded, status)


def _erase(request: HttpRequest, entity: Entity, pk: int) -> HttpResponse:
    removal = entity.removal
    assert removal is not None

    def act(context: Context) -> dict[str, Any]:
        _check_reader(entity, context)
        require_writer(context)
        with transaction.atomic():
            was = reading.single(entity, pk, context)
            removal.remove(context, pk)
        return was

    return answer(request, act)


def _taken(request: HttpRequest, entity: Entity) -> HttpResponse:
    assert entity.intake is not None
    context = context_of(request)
    with organization_scope(context.organization):
        _check_reader(entity, context)
        require_writer(context)
        status, said = entity.intake.take(context, body_of(request))
        return wire.json_response(said, status)


def _created(request: HttpRequest, entity: Entity, context: Context) -> int:
    assert entity.writes is not None
    fields = entity.fields_for(context)
    values = writing.values_of(fields, body_of(request), complete=True)
    return entity.writes.create(context, writing.for_services(fields, values))


def _changed(request: HttpRequest, entity: Entity, pk: int, context: Context, *, replace: bool) -> int:
    assert entity.writes is not None
    fields = entity.fields_for(context)
    stored = reading.stored(entity, pk, context)
    values = writing.values_of(fields, body_of(request), complete=replace, defaults=replace)
    # The published client sends back the whole object; only what it changed is checked and written.
    changed = {name: value for name, value in values.items() if value != stored[name]}
    if changed:
        entity.writes.update(context, pk, writing.for_services(fields, changed))
    return pk


def _removed(entity: Entity, pk: int, context: Context) -> int:
    assert entity.writes is not None
    reading.require(entity, pk, context)
    entity.writes.remove(context, pk)
    return pk
