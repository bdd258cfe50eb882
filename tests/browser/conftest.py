"""The whole product in a real browser: pages, worker and a simulated Intercom workspace, all over real HTTP."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from startdeliver.customers.services import customer_create, user_create
from startdeliver.simulator.clock import Clock
from startdeliver.simulator.demo import demo_companies, demo_people, seed_demo
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.simulator.workspace import Workspace
from startdeliver.tenancy.models import Member, Organization, Role
from startdeliver.tenancy.scope import organization_scope
from tests.conftest import PASSWORD
from tests.engine.processes import running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WORKSPACE_ID = "demo1abc"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the browser tests with a message if there is no Chromium."""
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium found (Debian: apt-get install chromium)"))


@dataclass
class Hub:
    """What a story needs: the address, the people, and the simulated workspace."""

    url: str
    organization: Organization
    administrator: Member
    csm: Member
    intercom: Handle


class Watched:
    """A page that records errors of the console and the requested addresses."""

    def __init__(self, context: BrowserContext, hub: Hub) -> None:
        self.page: Page = context.new_page()
        self.hub = hub
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.hub.url, self.hub.intercom.url, "data:", "about:")):
            self.foreign.append(request.url)

    def log_in(self, member: Member) -> Page:
        """Signs in through the log-in page."""
        self.page.goto(f"{self.hub.url}/login")
        self.page.get_by_label("E-mail address").fill(member.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/customers")
        return self.page


# Not for the whole session: while Playwright lives an event loop runs in this thread, and other tests have their own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def hub(transactional_db: None, live_server: Any, settings: Any) -> Iterator[Hub]:
    """The product without a connection, its worker running, beside the demo workspace; most of its people are known."""
    clock = Clock()
    workspace = Workspace(id_code=WORKSPACE_ID, now=clock)
    seed_demo(workspace, clock())
    with run_in_thread(workspace) as intercom:
        settings.CONFIG = dataclasses.replace(
            django_settings.CONFIG,
            base_url=live_server.url,
            intercom_client_id=intercom.client_id,
            intercom_client_secret=intercom.client_secret,
            intercom_api_url=intercom.url,
            intercom_app_url=intercom.url,
        )
        organization = Organization.objects.create(name="Northwind", slug="northwind")
        administrator = _member(organization, Role.ADMINISTRATOR, "admin@northwind.test", "Ada Admin")
        csm = _member(organization, Role.MAIN, "csm@northwind.test", "Carl Csm")
        with organization_scope(organization):
            _people(organization, csm)
        with running(threads=1):
            yield Hub(live_server.url, organization, administrator, csm, intercom)


@pytest.fixture
def watch(chromium: Browser, hub: Hub) -> Iterator[Callable[..., Watched]]:
    """Opens a fresh, signed-out page: watch() or watch(width=375, height=812, color_scheme="dark")."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    def make(width: int = 1280, height: int = 900, **options: Any) -> Watched:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        pages.append(Watched(context, hub))
        return pages[-1]

    yield make
    for context in contexts:
        context.close()
    for one in pages:
        assert one.complaints == [], "the browser's console complained"
        assert one.foreign == [], "a page asked a foreign host"


def _member(organization: Organization, role: str, email: str, name: str) -> Member:
    member = Member(organization=organization, email=email, name=name, role=role)
    member.set_password(PASSWORD)
    member.save()
    return member


def _people(organization: Organization, csm: Member) -> None:
    customers = {}
    for company in demo_companies():
        if company["in_hub"]:
            customers[company["company_id"]] = customer_create(
                organization=organization,
                by="import",
                values={
                    "name": company["name"],
                    "external_id": company["company_id"],
                    "domain": company["domain"],
                    "csm": csm,
                },
            )
    for person in demo_people():
        if person["in_hub"]:
            user_create(
                organization=organization,
                by="import",
                values={
                    "name": person["name"],
                    "email": person["email"],
                    "external_id": person["external_id"],
                    "customer": customers.get(person["company_id"]),
                },
            )
