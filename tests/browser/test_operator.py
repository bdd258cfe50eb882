"""The operator unlocks an organization's advanced tier, clicked; and how the page looks on a phone and in the dark."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from startdeliver.tenancy import operators
from startdeliver.tenancy.models import Organization
from tests.browser.conftest import Hub, Watched
from tests.browser.test_push import picture
from tests.conftest import PASSWORD


def log_in(page: Page, hub: Hub) -> None:
    """With the link from the command line, then with the password."""
    _, token = operators.add("olga@host.test")
    page.goto(f"{hub.url}/operator/password/{token}")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password and log in").click()
    expect(page.get_by_role("heading", name="Organizations")).to_be_visible()


def test_the_tier_is_unlocked_and_locked(hub: Hub, watch: Callable[..., Watched]) -> None:
    Organization.objects.create(name="Southwind", slug="southwind")
    page = watch().page
    log_in(page, hub)
    picture(page, "operator")
    row = page.get_by_role("row").filter(has_text="Northwind")
    row.get_by_role("button", name="Unlock the advanced tier of Northwind").press("Enter")
    expect(page.get_by_text("The advanced tier of Northwind is unlocked.")).to_be_visible()
    expect(row.get_by_text("Unlocked")).to_be_visible()
    assert Organization.objects.get(name="Northwind").advanced
    assert not Organization.objects.get(name="Southwind").advanced
    # Back and a second click of the old page's button: nothing is switched back and forth.
    row.get_by_role("button", name="Lock the advanced tier of Northwind").click()
    expect(page.get_by_text("is locked. A push that is running stops")).to_be_visible()
    page.get_by_role("link", name="Changes").click()
    expect(page.get_by_role("row")).to_have_count(3)
    picture(page, "operator-changes")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Operator's log-in")).to_be_visible()
    picture(page, "operator-login")
    page.goto(f"{hub.url}/operator")
    expect(page.get_by_role("heading", name="Operator's log-in")).to_be_visible()


def test_it_fits_a_phone_in_the_dark(hub: Hub, watch: Callable[..., Watched]) -> None:
    page = watch(width=375, height=812, color_scheme="dark").page
    page.goto(f"{hub.url}/operator/login")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    log_in(page, hub)
    for part in ("", "/changes"):
        page.goto(f"{hub.url}/operator{part}")
        picture(page, f"phone-operator{part.replace('/', '-')}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, part
