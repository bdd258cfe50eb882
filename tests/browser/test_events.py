"""An administrator lets Intercom's events count, clicked: from locked to a customer whose usage health has moved."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from startdeliver.customers.models import Customer
from startdeliver.sync.models import Connection, WaitingEvent
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage.models import UsageEvent
from startdeliver.usage.services import product_create, usage_type_create
from tests.browser.conftest import Hub, Watched
from tests.browser.test_push import picture, unlock
from tests.browser.test_stories import LONG, synced

HOME = "/apps/intercom/advanced/events"


def boards(hub: Hub) -> int:
    """A product whose only usage type nothing sends; gives its number."""
    with organization_scope(hub.organization):
        kind = usage_type_create(organization=hub.organization, by="t", values={"name": "Board opened"})
        values = {"name": "Boards", "goal": "usage_count", "fair_target": 1, "good_target": 2, "usage_types": [kind.pk]}
        return int(product_create(organization=hub.organization, by="t", values=values).pk)


def test_adding_an_unknown_name_moves_usage_health(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    page = watch().log_in(hub.administrator)
    page.goto(f"{hub.url}{HOME}")
    expect(page.get_by_text("To access advanced functionality, contact")).to_be_visible()

    unlock(hub)
    page.reload()
    expect(page.get_by_text("No product with usage types yet")).to_be_visible()
    picture(page, "events-no-product")
    page.get_by_role("link", name="To Settings → Products").click()
    expect(page.get_by_role("heading", name="Products", exact=True)).to_be_visible()
    product = boards(hub)
    page.goto(f"{hub.url}{HOME}")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Events come in from the next sync on.")).to_be_visible()

    page.goto(f"{hub.url}/apps/intercom")
    page.get_by_role("button", name="Sync now").click()
    # The page reloads when the sync has ended.
    expect(page.locator("#sync")).to_contain_text("The last 2 runs", timeout=LONG)
    page.goto(f"{hub.url}{HOME}")
    expect(page.locator("#last")).to_contain_text("Contacts asked")
    row = page.locator("#unknown .event-row", has_text="board-created")
    expect(row).to_contain_text("events wait")
    picture(page, "events-unknown")

    with organization_scope(hub.organization):
        waiting = WaitingEvent.objects.filter(name__name="board-created", user__customer__isnull=False)
        customer = Customer.objects.get(pk=waiting.order_by("-at").values_list("user__customer", flat=True)[0])
        assert not UsageEvent.objects.exists()
    page.goto(f"{hub.url}/customers/{customer.pk}")
    expect(page.locator(".tile-usage .health").first).to_contain_text("No data")

    page.goto(f"{hub.url}{HOME}")
    expect(row.get_by_label("What board-created counts as")).to_have_value(f"new:{product}")
    row.get_by_role("button", name="Add").click()
    expect(page.get_by_text("“board-created” counts as Board created now.")).to_be_visible()
    expect(page.locator("#mapped")).to_contain_text("board-created")
    expect(page.locator("#unknown")).not_to_contain_text("board-created")
    picture(page, "events-mapped")

    page.goto(f"{hub.url}/customers/{customer.pk}")
    health = page.locator(".tile-usage .health").first
    for _ in range(80):
        if "No data" not in health.inner_text():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(health).to_contain_text("Good")


def test_it_fits_a_phone_in_the_dark(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    unlock(hub)
    boards(hub)
    page = watch(width=375, height=812, color_scheme="dark").log_in(hub.administrator)
    for on in (False, True):
        with organization_scope(hub.organization):
            Connection.objects.update(sync_events=on)
        page.goto(f"{hub.url}{HOME}")
        picture(page, f"events-phone-{on}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
