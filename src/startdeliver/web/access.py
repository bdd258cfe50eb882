"""Who may use which address, and how. `page`, `form` and `action` require a log-in; `public` does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from startdeliver.sync.push.choices import locked_sentence
from startdeliver.tenancy.models import Member, Organization

View: TypeAlias = Callable[..., HttpResponseBase]
Allowed: TypeAlias = Callable[[View], View]

ONLY_ADMINISTRATORS = "This page is for administrators. Ask one of them if you need something here."
ONLY_WRITERS = "Your member type is Lite, which reads only. Ask an administrator if you need to change something."


def organization_of(request: HttpRequest) -> Organization:
    """Returns the signed-in member's organization."""
    return cast(Member, request.user).organization


def member_of(request: HttpRequest) -> Member:
    """Returns the signed-in member."""
    return cast(Member, request.user)


def page(route: str, view: View, allowed: Allowed | None = None) -> URLPattern:
    """Returns an address that signed-in members read. `allowed` restricts the members; None admits all."""
    return _address(route, view, allowed, "GET", "HEAD")


def form(route: str, view: View, allowed: Allowed | None = None) -> URLPattern:
    """Returns an address that signed-in members read and send a form to."""
    return _address(route, view, allowed, "GET", "HEAD", "POST")


def action(route: str, view: View, allowed: Allowed | None = None, name: str | None = None) -> URLPattern:
    """Returns an address that signed-in members only send forms to."""
    return _address(route, view, allowed, "POST", name=name)


def public(route: str, view: View) -> URLPattern:
    """Returns an address that anyone may open."""
    return path(route, view)


def _address(route: str, view: View, allowed: Allowed | None, *methods: str, name: str | None = None) -> URLPattern:
    checked = vary_on_headers("HX-Request")(require_http_methods(list(methods))(view))
    return path(route, _members_only(allowed(checked) if allowed else checked), name=name)


def _only(may: Callable[[Member], bool], sentence: Callable[[], str]) -> Allowed:
    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not may(member_of(request)):
                raise PermissionDenied(sentence())
            return view(request, *args, **kwargs)

        return checked

    return decorate


administrators_only = _only(lambda member: member.is_administrator, lambda: ONLY_ADMINISTRATORS)
"""Members who are not administrators get 403."""

writers_only = _only(lambda member: member.can_write, lambda: ONLY_WRITERS)
"""Lite members get 403."""

_advanced_tier = _only(lambda member: member.organization.advanced, locked_sentence)


def advanced_only(view: View) -> View:
    """Admits administrators only. While the tier is locked, returns 403 and says whom to ask."""
    return administrators_only(_advanced_tier(view))


def _members_only(view: View) -> View:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, Member):
            answer = view(request, *args, **kwargs)
            # After a log-out, "back" requests the page again instead of showing it from the browser's cache.
            patch_cache_control(answer, private=True, no_cache=True)
            return answer
        came_from = request.get_full_path() if request.method == "GET" else "/customers"
        if request.headers.get("HX-Request"):
            # The session of an open page ended. htmx would swap the log-in form into it, so the whole page is replaced.
            came_from = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/customers"
            return HttpResponse(headers={"HX-Redirect": f"{settings.LOGIN_URL}?{urlencode({'next': came_from})}"})
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': came_from})}")

    return checked


def is_swap(request: HttpRequest, target: str) -> bool:
    """Returns whether htmx asks for the element `target` only (not when it restores a whole page from its history)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Target") == target
        and request.headers.get("HX-History-Restore-Request") != "true"
    )
