"""Every address of the pages: who may open it, and which records its numbers refer to.

tests/web/test_isolation.py and test_access.py fail for a new address until it is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLResolver, get_resolver

#: Who may open an address: everybody, members of any type, Main and administrators, administrators; `operator` is an
#: account of the installation, not a member.
PUBLIC, ALL, WRITERS, ADMINISTRATORS, OPERATOR = "public", "all", "writers", "administrators", "operator"


@dataclass(frozen=True)
class Route:
    """`kind`: the kind of record of the number in the address, one of `two_organizations.KINDS`; empty if none.

    `words`: the values of the word in the address, such as the name of an action.
    """

    path: str
    who: str
    kind: str = ""
    words: tuple[str, ...] = ()

    def addresses(self, pk: int) -> list[str]:
        """The addresses of the record with this id, one for each word."""
        filled = "/" + self.path.replace("<int:pk>", str(pk))
        if "<" not in filled:
            return [filled]
        start, _, rest = filled.partition("<")
        return [f"{start}{word}{rest.partition('>')[2]}" for word in self.words]


def _of(who: str, *routes: str | tuple[str, str] | tuple[str, str, tuple[str, ...]]) -> list[Route]:
    return [Route(one, who) if isinstance(one, str) else Route(one[0], who, *one[1:]) for one in routes]


_ENDS = ("archive", "restore", "up", "down", "other")

ROUTES = {
    route.path: route
    for route in [
        *_of(PUBLIC, "healthz", "docs", "docs/", "docs/llms.txt", "login", "logout", "password"),
        *_of(PUBLIC, ("docs/<slug:slug>.md", "", ("intercom",)), ("docs/<slug:slug>", "", ("intercom",))),
        *_of(PUBLIC, ("password/<str:token>", "", ("made-up",))),
        *_of(OPERATOR, "operator", "operator/changes", "operator/jobs", "operator/login", "operator/logout"),
        *_of(OPERATOR, ("operator/organizations/<int:pk>/advanced", "organization")),
        *_of(OPERATOR, ("operator/jobs/<int:pk>/retry", "organization")),
        *_of(OPERATOR, ("operator/password/<str:token>", "", ("made-up",))),
        *_of(ALL, "", "customers", "customers/pick", "customers/columns", "customers/lists", "customers/export"),
        *_of(ALL, ("customers/lists/<int:pk>/<str:action>", "list", ("overwrite", "rename", "delete", "other"))),
        *_of(ALL, ("customers/<int:pk>", "customer"), ("customers/<int:pk>/assessment", "customer")),
        *_of(ALL, "users", "users/unassigned", "users/export", ("users/<int:pk>", "user")),
        *_of(ALL, "search", "tickets", "tickets/export", ("tickets/<int:pk>", "ticket"), "signout-everywhere"),
        *_of(WRITERS, "customers/new", "customers/assign", "users/new", "users/assign", "customers/import"),
        *_of(WRITERS, ("customers/<int:pk>/edit", "customer"), ("users/<int:pk>/edit", "user")),
        *_of(WRITERS, ("customers/<int:pk>/<str:action>", "customer", ("archive", "restore", "other"))),
        *_of(WRITERS, ("users/<int:pk>/<str:action>", "user", ("archive", "restore", "other"))),
        *_of(WRITERS, ("customers/<int:pk>/assess", "customer"), ("customers/<int:pk>/assessment/wrong", "customer")),
        *_of(WRITERS, ("customers/import/<int:pk>", "import")),
        *_of(
            WRITERS,
            *((f"customers/import/<int:pk>/{end}", "import") for end in ("progress", "start", "discard", "report")),
        ),
        *_of(ALL, "workflows", ("workflows/<int:pk>", "workflow")),
        *_of(WRITERS, "workflows/bulk", "workflows/bulk/apply", ("workflows/<int:pk>/enrol", "workflow")),
        *_of(WRITERS, ("workflows/<int:pk>/leave", "workflow")),
        *_of(WRITERS, ("customers/<int:pk>/workflows/<str:action>", "customer", ("enrol", "leave", "other"))),
        *_of(ADMINISTRATORS, "workflows/new", ("workflows/<int:pk>/edit", "workflow")),
        *_of(ADMINISTRATORS, ("workflows/<int:pk>/<str:action>", "workflow", ("archive", "restore", "other"))),
        *_of(ADMINISTRATORS, "apps", "apps/intercom"),
        *_of(
            ADMINISTRATORS,
            *(
                f"apps/intercom/{end}"
                for end in ("authorize", "callback", "token", "save", "sync", "progress", "revoke", "delete")
            ),
        ),
        *_of(ADMINISTRATORS, "apps/intercom/skips", "apps/intercom/skips/export", "apps/intercom/fields"),
        *_of(ADMINISTRATORS, *((f"apps/intercom/skips/<int:pk>{end}", "skip") for end in ("", "/match", "/create"))),
        *_of(ADMINISTRATORS, "apps/intercom/runs", ("apps/intercom/runs/<int:pk>", "run")),
        *_of(ADMINISTRATORS, "apps/intercom/advanced"),
        *_of(
            ADMINISTRATORS,
            *(
                f"apps/intercom/advanced/{end}"
                for end in ("save", "preview", "accept", "push", "log", "messaging", "tick", "events")
            ),
        ),
        *_of(
            ADMINISTRATORS,
            *(
                f"apps/intercom/advanced/{end}"
                for end in ("preview/start", "preview/progress", "push/progress", "events/switch", "events/add")
            ),
        ),
        *_of(ADMINISTRATORS, ("apps/intercom/advanced/events/<int:pk>/remove", "usagetype")),
        *_of(ADMINISTRATORS, ("apps/intercom/advanced/events/<int:pk>/ignore", "eventname")),
        *_of(ADMINISTRATORS, ("apps/intercom/advanced/audience/<str:key>", "", ("poor-usage",))),
        *_of(ADMINISTRATORS, "settings", "settings/team", "settings/apikeys", "settings/health", "settings/ai"),
        *_of(ADMINISTRATORS, "settings/ai/preview", "settings/ai/test", "settings/products", "settings/products/new"),
        *_of(ADMINISTRATORS, "settings/products/types/new", "settings/fields", "settings/fields/new"),
        *_of(
            ADMINISTRATORS,
            (
                "settings/team/<int:pk>/<str:action>",
                "member",
                ("role", "archive", "restore", "link", "signout", "other"),
            ),
        ),
        *_of(ADMINISTRATORS, "settings/team/session", ("settings/apikeys/<int:pk>/revoke", "apikey")),
        *_of(ADMINISTRATORS, ("settings/products/<int:pk>", "product"), ("settings/fields/<int:pk>", "field")),
        *_of(ADMINISTRATORS, ("settings/products/<int:pk>/<str:action>", "product", _ENDS)),
        *_of(ADMINISTRATORS, ("settings/products/types/<int:pk>", "usagetype")),
        *_of(ADMINISTRATORS, ("settings/products/types/<int:pk>/<str:action>", "usagetype", _ENDS)),
        *_of(ADMINISTRATORS, ("settings/fields/<int:pk>/<str:action>", "field", _ENDS)),
    ]
}


def paths() -> list[str]:
    """Returns every address of the project except those of the API, which tests/api lists."""
    return [path for path in _paths(get_resolver()) if not path.startswith("api/v1/")]


def _paths(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _paths(one, path)
        else:
            yield path
