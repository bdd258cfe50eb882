"""What every page's frame needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from startdeliver.tenancy.models import Member
from startdeliver.web.banner import problem_banner


@dataclass(frozen=True)
class NavItem:
    """An entry of the left rail."""

    label: str
    url: str
    icon: str
    current: bool


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
