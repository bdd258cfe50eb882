"""POST /login: an e-mail address and a password for a key. GET /me: who the key stands for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django_scopes import scopes_disabled
from ninja import Field as Described
from ninja import Router, Schema
from pydantic import ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

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

Secret = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class _Camel(Schema):
    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class LoginBody(_Camel):
    """What is sent to log in."""

    email: Secret
    password: Secret
    remember: bool | None = Described(False, description="Keep the cookie after the browser closes.")
    set_cookie: bool | None = Described(False, description="Set the key as a cookie too.")


class LoginAnswer(_Camel):
    """A new key."""

    api_key: str
    expires_at: datetime


class MeAnswer(_Camel):
    """The member or key that is calling."""

    id: int | None = Described(description="The member's id; null for a key of the organization.")
    email: str | None
    name: str
    role: Literal["administrator", "main", "lite"] | None
    access: Literal["admin", "read"]
    time_zone: str
    organization: dict[str, Any]
    expires_at: datetime | None


@router.post(
    "/login",
    auth=None,
    operation_id="login",
    response=LoginAnswer,
    by_alias=True,
    tags=["account"],
    summary="Log in",
    openapi_extra={"requestBody": openapi.body(LoginBody.model_json_schema()), "responses": openapi.refusals(400, 413)},
)
def login(request: HttpRequest) -> HttpResponse:
    """A new key that is bound to the member and its role, and expires like a session."""
    body = _body(request)
    email = body.email.strip()
    _throttled(request, email)
    member = authenticate(request, username=email, password=body.password)
    if not isinstance(member, Member):
        raise Unauthorized("The e-mail address or the password is wrong. Check both, or ask for a new password link.")
    throttle.forget("login-email", email.casefold())
    length = sessions.length_of(member.organization)
    expires = clock.now() + length
    text = _issue(member, expires)
    response = wire.json_response({"apiKey": text, "expiresAt": expires})
    if body.set_cookie:
        response.set_cookie(
            COOKIE,
            text,
            max_age=length if body.remember else None,
            path="/api/",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Strict",
        )
    return response


@router.get(
    "/me",
    operation_id="me",
    response=MeAnswer,
    by_alias=True,
    tags=["account"],
    summary="Who the key stands for",
    openapi_extra={"responses": openapi.refusals()},
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


def _body(request: HttpRequest) -> LoginBody:
    try:
        return LoginBody.model_validate(routes.body_of(request))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        raise Invalid(f"{field or 'The body'}: {first['msg']}.", field=field) from error


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
