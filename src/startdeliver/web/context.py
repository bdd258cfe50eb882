"""The context of every page's frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from startdeliver.sync.alerts import alarm_of
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope


@dataclass(frozen=True)
class NavItem:
    """An entry of the left rail."""

    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True)
class Banner:
    """A sentence and, on other pages, a link to the page that solves the problem."""

    text: str
    url: str = ""
    label: str = ""


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of the rail and the banner: theme, member, organization, nav, banner."""
    theme = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {"theme": theme if theme in ("light", "dark") else "", "member": None}
    member = getattr(request, "user", None)
    if not isinstance(member, Member) or request.headers.get("HX-Request") == "true":
        if isinstance(member, Member):
            context |= {"member": member, "organization": member.organization}
        return context
    items = [("Customers", "/customers", "customers"), ("Tickets", "/tickets", "tickets")]
    items.append(("Workflows", "/workflows", "workflows"))
    if member.is_administrator:
        items += [("Apps", "/apps", "apps"), ("Settings", "/settings", "settings")]
    where = "/" + request.path.strip("/").split("/")[0]
    where = "/customers" if where == "/users" else where
    return context | {
        "member": member,
        "organization": member.organization,
        "nav": [NavItem(label, url, icon, where == url) for label, url, icon in items],
        "banner": problem_banner(member.organization, request.path) if member.is_administrator else None,
    }


def problem_banner(organization: Organization, path: str) -> Banner | None:
    """Returns the connection's problem, or None (decided by sync.alerts)."""
    with organization_scope(organization):
        connection = Connection.objects.first()
    alarm = alarm_of(connection) if connection else None
    if alarm is None:
        return None
    away = not path.startswith("/apps/intercom")
    return Banner(alarm.sentence, "/apps/intercom" if away else "", "See what to do" if away else "")
