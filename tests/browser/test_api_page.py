"""The page to try the API, with the strict Content-Security-Policy of the product."""

from __future__ import annotations

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from startdeliver.tenancy.models import ApiKey
from startdeliver.tenancy.scope import organization_scope
from tests.browser.conftest import Hub, Watched


def test_a_call_is_tried_with_a_key(hub: Hub, watch: Callable[..., Watched]) -> None:
    with organization_scope(hub.organization):
        _, key = ApiKey.issue(hub.organization, "Tried")
    page = watch(width=375, height=812).page
    page.goto(f"{hub.url}/api/v1/docs")
    call = page.locator("details.api-call", has_text="Find customers")
    call.locator("summary").click()
    call.get_by_role("button", name="Send").click()
    expect(call.locator(".api-status")).to_contain_text("401")
    page.get_by_label("Your API key").fill(key)
    call.get_by_label("query").fill('{"filter": {"name": "*a*"}, "limit": 2, "sort": "name"}')
    call.get_by_role("button", name="Send").click()
    expect(call.locator(".api-status")).to_contain_text("200")
    expect(call.locator("pre")).to_contain_text('"supportHealth": null')
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert Axe().run(page).violations_count == 0
