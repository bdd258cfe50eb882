"""POST /login: an e-mail address and a password for a key. GET /me: who the key stands for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django_scopes import scopes_disabled
from ninja import Router

from startdeliver.api import openapi, routes, wire
from startdeliver.api.auth import COOKIE
from startdeliver.api.entity import Context
from startdeliver.api.errors import Invalid, TooMany, Unauthorized
from startdeliver.common import clock
from startdeliver.tenancy import sessions, throttle
from startdeliver.tenancy.addresses import client_address
from startdeliver.tenancy.models import ApiKey, Member
from startdeliver.tenancy.scope import organization_scope

router = Router()

_LOGIN_BODY = {
    "type": "object",
    "required": ["email", "password"],
    "properties": {
        "email": {"type": "string"},
        "password": {"type": "string"},
        "remember": {"type": "boolean", "default": False, "description": "Keep the cookie after the browser closes."},
        "setCookie": {"type": "boolean", "default": False, "description": "Set the key as a cookie too."},
    },
}
_LOGIN_ANSWER = {
    "type": "object",
    "required": ["apiKey", "expiresAt"],
    "properties": {"apiKey": {"type": "string"}, "expiresAt": {"type": "string", "format": "date-time"}},
}
_ME_ANSWER = {
    "type": "object",
    "required": ["id", "email", "name", "role", "access", "organization"],
    "properties": {
        "id": {"type": ["integer", "null"], "description": "The member's id; null for a key of the organization."},
        "email": {"type": ["string", "null"]},
        "name": {"type": "string"},
        "role": {"type": ["string", "null"], "enum": ["administrator", "main", "lite", None]},
        "access": {"type": "string", "enum": ["admin", "read"]},
        "timeZone": {"type": "string"},
        "organization": {"type": "object"},
        "expiresAt": {"type": ["string", "null"], "format": "date-time"},
    },
}


@router.post(
    "/login",
    auth=None,
    operation_id="login",
    response={200: None},
    tags=["account"],
    summary="Log in",
    openapi_extra={"requestBody": openapi.body(_LOGIN_BODY), "responses": openapi.responses(_LOGIN_ANSWER, 400, 413)},
)
def login(request: HttpRequest) -> HttpResponse:
    """A new key that is bound to the member and its role, and expires like a session."""
    email, password, remember, set_cookie = _credentials(routes.body_of(request))
    _throttled(request, email)
    member = authenticate(request, username=email, password=password)
    if not isinstance(member, Member):
        raise Unauthorized("The e-mail address or the password is wrong. Check both, or ask for a new password link.")
    throttle.forget("login-email", email.casefold())
    length = sessions.length_of(member.organization)
    expires = clock.now() + length
    text = _issue(member, expires)
    response = wire.json_response({"apiKey": text, "expiresAt": expires})
    if set_cookie:
        response.set_cookie(
            COOKIE,
            text,
            max_age=length if remember else None,
            path="/api/",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Strict",
        )
    return response


@router.get(
    "/me",
    operation_id="me",
    response={200: None},
    tags=["account"],
    summary="Who the key stands for",
    openapi_extra={"responses": openapi.responses(_ME_ANSWER)},
)
def me(request: HttpRequest) -> HttpResponse:
    """The member or key that is calling, and its organization."""
    return routes.answer(request, _me)


def _me(context: Context) -> dict[str, Any]:
    caller, organization = context.caller, context.organization
    member = caller.member
    return {
        "id": member.pk if member else None,
        "email": member.email if member else None,
        "name": member.display_name if member else caller.key.name,
        "role": member.role if member else None,
        "access": caller.key.access,
        "timeZone": member.zone if member else organization.time_zone,
        "organization": {
            "id": organization.pk,
            "name": organization.name,
            "timeZone": organization.time_zone,
            "currency": organization.currency,
        },
        "expiresAt": caller.key.expires_at,
    }


def _credentials(body: Any) -> tuple[str, str, bool, bool]:
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object with email and password.")
    for name in ("email", "password"):
        value = body.get(name)
        if not isinstance(value, str) or not value or len(value) > 500 or "\0" in value:
            raise Invalid(f"{name} must be text and not empty.", field=name)
    for name in ("remember", "setCookie"):
        if not isinstance(body.get(name), bool | None):
            raise Invalid(f"{name} must be true or false.", field=name)
    return body["email"].strip(), body["password"], bool(body.get("remember")), bool(body.get("setCookie"))


def _throttled(request: HttpRequest, email: str) -> None:
    # The buckets of the log-in page: trying there and here counts together.
    wait = max(
        throttle.take("login-email", email.casefold(), capacity=8, per_second=1 / 60),
        throttle.take("login-address", client_address(request), capacity=40, per_second=1 / 10),
    )
    if wait:
        raise TooMany("Too many attempts to log in. Try again after the time in Retry-After.", wait)


def _issue(member: Member, expires: datetime) -> str:
    with scopes_disabled():
        # What expired is of no use to anyone; so the table does not grow with every log-in.
        ApiKey.objects.filter(member=member, expires_at__lte=clock.now()).delete()
    with organization_scope(member.organization):
        _, text = ApiKey.issue(member.organization, "Log-in", member=member, expires_at=expires)
    return text
