"""Who is calling: an API key in `Authorization`, or in the cookie that a log-in with `setCookie` gave.

The session cookie of the pages is not accepted here, so no foreign page can write through a member's browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import OperationalError
from django.db.models import Q
from django.http import HttpRequest
from django_scopes import scopes_disabled

from startdeliver.api.errors import Forbidden, TooMany, Unauthorized
from startdeliver.api.limits import Buckets
from startdeliver.common import clock, crypto
from startdeliver.tenancy.models import ApiKey, Member, Organization

COOKIE: Final = "startdeliver_api_key"
OVERRIDE_HEADER: Final = "X-HTTP-Method-Override"
_LAST_USED_EVERY: Final = timedelta(minutes=1)

buckets = Buckets()


@dataclass(frozen=True)
class Caller:
    """A valid key with its organization and, when it is a member's, the member."""

    key: ApiKey
    organization: Organization
    member: Member | None

    @property
    def name(self) -> str:
        """How changes by this caller are signed: the member's e-mail address or the key's name."""
        return self.member.email if self.member else f"API key {self.key.name}"

    @property
    def can_write(self) -> bool:
        return self.key.access == ApiKey.Access.ADMIN and (self.member is None or self.member.can_write)

    @property
    def sees_administration(self) -> bool:
        """Whether it may read what only administrators see: a key of the organization, or an administrator's."""
        return self.member is None or self.member.is_administrator

    @property
    def can_administrate(self) -> bool:
        return self.can_write and self.sees_administration


class KeyAuth:
    """Authenticates a request for django-ninja, and describes itself in OpenAPI."""

    openapi_security_schema: Final[dict[str, Any]] = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "An API key as it is, or after the word Bearer.",
    }

    def __call__(self, request: HttpRequest) -> Caller:
        """The caller. Raises Unauthorized, Forbidden (a cookie from a foreign page), TooMany."""
        text = _header_key(request)
        if not text and COOKIE in request.COOKIES:
            text = request.COOKIES[COOKIE]
            _refuse_foreign(request)
        if not text:
            raise Unauthorized("No API key was sent. Send one in the Authorization header.", WWW_Authenticate="Bearer")
        caller = caller_of(text)
        if caller is None:
            raise Unauthorized(
                "This API key is unknown, revoked or expired. Ask an administrator for a new one, or log in again.",
                WWW_Authenticate="Bearer",
            )
        if wait := buckets.take(caller.key.pk):
            raise TooMany(
                f"This key may ask {buckets.per_second:g} times a second. Ask again after the time in Retry-After.",
                wait,
            )
        _note_use(caller.key)
        return caller


def caller_of(text: str) -> Caller | None:
    """The caller whose key has this text, when it is valid: not revoked, not expired, its member not archived.

    The key is found by the hash of its text, so the time that it takes tells nothing about stored keys.
    """
    if not text.isascii() or len(text) > 200:
        return None
    now = clock.now()
    with scopes_disabled():
        key = (
            ApiKey.objects.select_related("organization", "member")
            .filter(
                Q(expires_at__isnull=True) | Q(expires_at__gt=now),
                key_hash=crypto.hash_token(text),
                revoked_at__isnull=True,
            )
            .first()
        )
    if key is None or (key.member is not None and not key.member.is_active):
        return None
    return Caller(key=key, organization=key.organization, member=key.member)


def _header_key(request: HttpRequest) -> str:
    header = request.headers.get("Authorization", "").strip()
    scheme, _, rest = header.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header


def _refuse_foreign(request: HttpRequest) -> None:
    """A cookie comes along with every request of the browser, so writes must show that they are from our own pages.

    The cookie is SameSite=Strict already; a JSON content type cannot be sent across origins without asking first.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.get_host():
        raise Forbidden("A request with the log-in cookie must come from this server's own pages.")
    if request.method in ("POST", "PUT", "PATCH") and request.content_type != "application/json":
        raise Forbidden("A request with the log-in cookie must have the content type application/json.")


def _note_use(key: ApiKey) -> None:
    now = clock.now()
    if key.last_used_at is not None and now - key.last_used_at < _LAST_USED_EVERY:
        return
    try:
        with scopes_disabled():
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    except OperationalError:
        # The database is busy writing something else; a reader need not fail for this note.
        return
