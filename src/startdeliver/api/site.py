"""The API as a whole: routes, errors, description."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import AuthenticationError, ValidationError

import startdeliver
from startdeliver.api import healthrule, login, routes
from startdeliver.api.auth import KeyAuth
from startdeliver.api.errors import ApiError, Internal, Invalid, NotFound, TooLarge, Unauthorized
from startdeliver.api.openapi import Api

log = logging.getLogger(__name__)

_DESCRIPTION = """
Read and write what the hub knows, with an API key in the `Authorization` header.

A list answers `{"result": [...]}`. Narrow it with `?query=` and JSON of `filter`, `limit` (at most 500), `offset` and
`sort`, or with plain parameters such as `?name=Acme*`. A long query can be sent as `POST` with the header
`X-HTTP-Method-Override: GET` and the body `{"query": {...}}`. Times are ISO 8601 in UTC, health is `good`, `fair`,
`poor` or null (no data). Read-only fields in a write are ignored. Errors are
`{"error": {"code", "message", "field"}}`.
"""

api = Api(
    title="Startdeliver API",
    version=startdeliver.__version__,
    description=_DESCRIPTION.strip(),
    urls_namespace="api",
    auth=KeyAuth(),
    docs_url=None,
    servers=[{"url": "/"}],
)
api.add_router("", login.router)
api.add_router("", healthrule.router)
api.add_router("", routes.entity_router())


def error_response(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The JSON answer of whatever went wrong."""
    if isinstance(error, ApiError):
        return error.response()
    if isinstance(error, RequestDataTooBig):
        return TooLarge("The body is over 10 MB. Send it in parts.").response()
    if isinstance(error, Http404):
        return _nowhere(request)
    if isinstance(error, AuthenticationError):
        return Unauthorized("No valid API key was sent.").response()
    if isinstance(error, SuspiciousOperation | UnreadablePostError | ValidationError):
        return Invalid("The request could not be read.").response()
    log.error("%s %s failed", request.method, request.path, exc_info=isinstance(error, Exception) and error)
    return Internal("Something went wrong here; it was logged. Try again later.").response()


def _guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """What django-ninja answers before it reaches a handler is made JSON too."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except Exception as error:
            return error_response(request, error)
        if isinstance(response, HttpResponseNotAllowed):
            return routes.not_allowed([name.strip() for name in response["Allow"].split(",")])
        return response

    return csrf_exempt(guarded)


def _nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    return NotFound("There is no such address in the API. /api/v1/docs lists them.").response()


api.add_exception_handler(Exception, error_response)
api.add_exception_handler(ApiError, error_response)
api.add_exception_handler(ValidationError, error_response)
api.add_exception_handler(AuthenticationError, error_response)


def urls() -> list[URLPattern]:
    """The patterns below /api/v1/; whatever else is asked for there is a 404 in JSON."""
    patterns: list[URLPattern] = []
    for pattern in api.urls[0]:
        if not isinstance(pattern, URLPattern) or pattern.callback is None:
            continue
        pattern.callback = _guarded(pattern.callback)
        patterns.append(pattern)
    return [*patterns, re_path(r"^(?P<rest>[\s\S]*)\Z", csrf_exempt(_nowhere), name="nowhere")]
