"""Who may see which page. Every address made with `page` asks for a log-in; `public` says that it does not."""

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
from django.views.decorators.vary import vary_on_headers

from startdeliver.tenancy.models import Member, Organization

View: TypeAlias = Callable[..., HttpResponseBase]

ONLY_ADMINISTRATORS = "This page is for administrators. Ask one of them if you need something here."
ONLY_WRITERS = "Your member type is Lite, which reads only. Ask an administrator if you need to change something."


class MemberRequest(HttpRequest):
    """A request of a signed-in member (for type checking)."""

    user: Member


def organization_of(request: HttpRequest) -> Organization:
    """The signed-in member's organization."""
    return cast(Member, request.user).organization


def member_of(request: HttpRequest) -> Member:
    """The signed-in member."""
    return cast(Member, request.user)


def page(route: str, view: View, name: str) -> URLPattern:
    """An address for signed-in members; others are sent to the log-in page and come back afterwards."""
    return path(route, _members_only(vary_on_headers("HX-Request")(view)), name=name)


def public(route: str, view: View, name: str) -> URLPattern:
    """An address that anyone may open."""
    return path(route, view, name=name)


def administrators_only(view: View) -> View:
    """Members who are not administrators get 403, on every method."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not member_of(request).is_administrator:
            raise PermissionDenied(ONLY_ADMINISTRATORS)
        return view(request, *args, **kwargs)

    return checked


def writers_only(view: View) -> View:
    """Lite members get 403, on every method."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not member_of(request).can_write:
            raise PermissionDenied(ONLY_WRITERS)
        return view(request, *args, **kwargs)

    return checked


def _members_only(view: View) -> View:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, Member):
            answer = view(request, *args, **kwargs)
            # After a log-out, "back" asks again instead of showing the page from the browser's memory of it.
            patch_cache_control(answer, private=True, no_cache=True)
            return answer
        came_from = request.get_full_path() if request.method == "GET" else "/customers"
        if request.headers.get("HX-Request"):
            # The session ended behind an open page: htmx would swap the log-in form into it, so the whole page goes.
            came_from = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/customers"
            return HttpResponse(headers={"HX-Redirect": f"{settings.LOGIN_URL}?{urlencode({'next': came_from})}"})
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': came_from})}")

    return checked


def is_swap(request: HttpRequest, target: str) -> bool:
    """Whether htmx asks for the element `target` only (not when it restores a whole page from its history)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Target") == target
        and request.headers.get("HX-History-Restore-Request") != "true"
    )
