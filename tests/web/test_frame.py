"""What every page has: the rail by role, headers, nothing inline, errors in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from startdeliver.support.models import Ticket
from startdeliver.sync.models import Connection, IntercomCompany
from startdeliver.tenancy.models import Member, OneTimeLink
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db


class Inline(HTMLParser):
    """Collects what the Content-Security-Policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or "style" in given or any(name.startswith("on") for name in given):
            self.found.append(self.get_starttag_text() or tag)
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.found.append(self.get_starttag_text() or tag)
        if (tag in ("link", "img") and "//" in (given.get("href") or given.get("src") or "")) or tag == "iframe":
            self.found.append(self.get_starttag_text() or tag)


@pytest.fixture
def pages(hub: Hub, csm: Member) -> list[str]:
    customer = hub.customer("Acorn", csm=csm, arr=100, tags=["vip"], domain="acorn.example")
    user = hub.user(customer, name="Ada", email="ada@acorn.example", is_stakeholder=True)
    hub.user(None, name="Stray")
    hub.ticket(customer, user=user, days=20)
    hub.ticket(
        customer, status=Ticket.Status.RESOLVED, resolved_at=hub.now, rating=4, rated_at=hub.now, rating_remark="Fine"
    )
    with organization_scope(hub.organization):
        IntercomCompany.objects.create(
            organization=hub.organization,
            workspace="ws",
            ref="c1",
            customer=customer,
            facts={"custom_attributes": {"Seats": 5}},
        )
    hub.compute()
    tabs = [f"/customers/{customer.pk}{tab}" for tab in ("", "?tab=users", "?tab=users&view=has-left", "?tab=details")]
    return [
        "/customers",
        "/customers?health=none",
        "/customers?archived=1",
        "/customers/new",
        *tabs,
        f"/customers/{customer.pk}/edit",
        f"/users/{user.pk}",
        f"/users/{user.pk}/edit",
        "/users/new",
        "/users/unassigned",
        "/search",
        "/search?q=a",
        "/search?q=nothing-like-it",
        "/nowhere",
    ]


def test_nothing_inline_and_nothing_from_elsewhere_on_any_page(main: Client, pages: list[str], csm: Member) -> None:
    outside = ["/login", f"/password/{OneTimeLink.issue(csm)}", "/password/used"]
    for client, addresses in ((main, pages), (Client(), outside)):
        for address in addresses:
            parser = Inline()
            parser.feed(client.get(address).content.decode())
            assert parser.found == [], address


def test_the_first_page_is_small_and_its_assets_exist(main: Client, pages: list[str]) -> None:
    page = main.get("/customers").content.decode()
    size = len(page)
    for path in re.findall(r'(?:href|src)="/static/([^"?]+)', page):
        found = finders.find(path)
        assert found, path
        with open(found, "rb") as file:
            size += len(file.read())
    assert size < 150_000


def test_security_headers(client: Client, db: None) -> None:
    answer = client.get("/login")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("role", ["administrator", "csm", "lite"])
def test_only_administrators_see_apps_and_settings(
    request: pytest.FixtureRequest, signed_in: Callable[[Member], Client], role: str
) -> None:
    page = signed_in(request.getfixturevalue(role)).get("/customers").content.decode()
    for address in ("/apps", "/settings"):
        assert (f'href="{address}"' in page) is (role == "administrator")


def test_lite_members_are_offered_nothing_that_they_cannot_do(
    signed_in: Callable[[Member], Client], lite: Member, main: Client, pages: list[str]
) -> None:
    words = ("New customer", "Add a user", "data-pick", "/edit", "archive-dialog", ">Assign<")
    seen = {word for address in pages for word in words if word in main.get(address).content.decode()}
    assert seen == set(words)
    for address in pages:
        page = signed_in(lite).get(address).content.decode()
        assert not [word for word in words if word in page], address


def test_the_theme_is_taken_from_its_cookie_and_only_a_known_one(main: Client) -> None:
    main.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in main.get("/customers").content.decode()
    main.cookies["theme"] = '"><b>'
    assert '<html lang="en">' in main.get("/customers").content.decode()


def test_administrators_are_told_when_the_connection_needs_them(
    signed_in: Callable[[Member], Client], administrator: Member, main: Client, hub: Hub
) -> None:
    with organization_scope(hub.organization):
        connection = Connection.objects.create(
            organization=hub.organization,
            status="authenticated",
            workspace="ws",
            saved_at=hub.now - timedelta(days=9),
            last_success_at=hub.now - timedelta(hours=25),
        )
    client = signed_in(administrator)
    assert 'class="banner"' not in client.get("/customers").content.decode()
    Connection._base_manager.filter(pk=connection.pk).update(last_success_at=hub.now - timedelta(hours=27))
    assert "No sync with Intercom has succeeded since" in client.get("/customers").content.decode()
    assert 'class="banner"' not in main.get("/customers").content.decode()


def test_pages_of_members_are_never_kept_for_others(main: Client) -> None:
    answer = main.get("/customers")
    assert set(answer["Cache-Control"].split(", ")) == {"private", "no-cache"}
    assert "Cookie" in answer["Vary"]


def test_missing_pages_say_so_in_the_look(main: Client, client: Client) -> None:
    inside, outside = main.get("/nowhere"), client.get("/nowhere")
    assert inside.status_code == outside.status_code == 404
    assert "There is nothing at this address" in inside.content.decode()
    assert 'class="rail"' in inside.content.decode()
    assert "Go to the log-in page" in outside.content.decode()


def test_a_failure_gives_a_page_that_says_what_it_means(main: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("startdeliver.support.health.refresh_due", broken)
    main.raise_request_exception = False
    answer = main.get("/customers")
    assert answer.status_code == 500
    assert "Something failed here" in answer.content.decode()
    assert "boom" not in answer.content.decode()
