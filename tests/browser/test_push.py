"""An administrator sends health to Intercom, clicked; and how the pages look on a phone and in the dark."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from startdeliver.sync.models import IntercomCompany, PushLog
from startdeliver.tenancy.scope import organization_scope
from tests.browser.conftest import WORKSPACE_ID, Hub, Watched
from tests.browser.test_stories import LONG, synced

HOME = "/apps/intercom/advanced"


def unlock(hub: Hub) -> None:
    hub.organization.advanced = True
    hub.organization.save()


def picture(page: Page, name: str) -> None:
    """Keeps a picture for whoever asks with PICTURES=folder."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_health_reaches_the_company_in_intercom(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    page = watch().log_in(hub.administrator)
    page.goto(f"{hub.url}{HOME}")
    expect(page.get_by_text("To access advanced functionality, contact")).to_be_visible()
    picture(page, "locked")

    unlock(hub)
    page.reload()
    expect(page.get_by_role("checkbox", name="Support health How support")).to_be_checked()
    page.get_by_role("checkbox", name="Customer's support health").check()
    picture(page, "choose")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/preview")
    expect(page.locator("#summary")).to_contain_text("A push would now make 6 attributes", timeout=LONG)
    picture(page, "preview")
    page.get_by_role("button", name="Accept and push").click()
    expect(page.get_by_text("Accepted. The push has started")).to_be_visible()
    # The card follows the push by itself, and the page says what it wrote.
    expect(page.locator("#push").get_by_text("written,")).to_be_visible(timeout=LONG)
    picture(page, "pushed")

    with organization_scope(hub.organization):
        linked = IntercomCompany.objects.filter(customer__support_health__status="poor", gone_at__isnull=True)
        company = linked.select_related("customer").order_by("pk")[0]
        newest = PushLog.objects.order_by("-at", "-pk")[0]
    page.goto(f"{hub.url}{HOME}/log")
    expect(page.get_by_role("link", name=newest.label, exact=True).first).to_be_visible()
    picture(page, "log")
    page.goto(f"{hub.intercom.url}/a/apps/{WORKSPACE_ID}/companies/{company.ref}")
    expect(page.get_by_text("startdeliver_support_health")).to_be_visible()
    expect(page.get_by_text("Poor", exact=True).first).to_be_visible()

    page.goto(f"{hub.url}/customers/{company.customer_id}?tab=details")
    expect(page.get_by_text("In Intercom since").first).to_be_visible()
    picture(page, "standing")
    page.goto(f"{hub.url}{HOME}/messaging")
    card = page.locator("#support-poor")
    expect(card.get_by_role("button", name="Create Fin audience")).to_be_visible(timeout=LONG)
    picture(page, "messaging")


def test_it_fits_a_phone_in_the_dark(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    unlock(hub)
    page = watch(width=375, height=812, color_scheme="dark").log_in(hub.administrator)
    page.goto(f"{hub.url}{HOME}/preview")
    page.get_by_role("button", name="Make the preview").click()
    expect(page.locator("#summary")).to_be_visible(timeout=LONG)
    for part in ("", "/preview", "/log", "/messaging"):
        page.goto(f"{hub.url}{HOME}{part}")
        picture(page, f"phone{part.replace('/', '-')}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, part
