"""Every request of a signed-in member runs inside the scope of the member's organization."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from startdeliver.tenancy import sessions
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import organization_scope


class TenantMiddleware:
    """Opens the tenant scope and the member's time zone. Without a member there is no scope, and reads raise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        member = request.user
        if not isinstance(member, Member):
            return self.get_response(request)
        if sessions.has_ended(request.session, member.organization):
            logout(request)
            return self.get_response(request)
        with organization_scope(member.organization), timezone.override(ZoneInfo(member.zone)):
            return self.get_response(request)
