"""The two stories that matter most, clicked: an administrator connects Intercom, a CSM reads a ticket."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from startdeliver.assessment import services
from startdeliver.support.models import SupportHealth, Ticket
from startdeliver.sync import runs
from startdeliver.sync.connect import connect_token, save_settings
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy.scope import organization_scope
from tests.browser.conftest import WORKSPACE_ID, Hub, Watched

LONG = 60_000


def connect(page: Page, url: str, workspace: str = WORKSPACE_ID) -> None:
    """Clicks through the set-up of the seed page."""
    page.goto(f"{url}/apps/intercom")
    page.get_by_role("button", name="Click to start authentication").click()
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("**/apps/intercom")
    expect(page.get_by_text("Authenticated (revoke)")).to_be_visible()
    page.get_by_label("Intercom workspace ID").fill(workspace)
    page.get_by_role("button", name="Save").click()


def synced(hub: Hub) -> None:
    """Connects without a browser and runs the first sync in this thread."""
    with organization_scope(hub.organization):
        connect_token(hub.organization, hub.intercom.token)
        save_settings(hub.organization, workspace=WORKSPACE_ID, eu=False, create_contacts=False, start=False)
        Connection.objects.update(next_sync_at=None)
    run = runs.run_now(hub.organization)
    assert run.status == SyncRun.Status.SUCCESS, run.error


def test_an_administrator_connects_and_health_appears(hub: Hub, watch: Callable[..., Watched]) -> None:
    page = watch().log_in(hub.administrator)
    page.goto(f"{hub.url}/tickets")
    page.get_by_role("link", name="Connect Intercom").click()
    expect(page.get_by_role("heading", name="Intercom", exact=True)).to_be_visible()

    connect(page, hub.url)
    expect(page.get_by_text("The first sync has started.")).to_be_visible()
    # The card is replaced by the finished run without anybody reloading the page.
    expect(page.locator("#sync")).to_contain_text("conversations", timeout=LONG)
    expect(page.get_by_role("button", name="Sync now")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("waiting for")).to_be_visible()

    page.get_by_role("link", name="Customers").first.click()
    for word in ("Good", "Fair", "Poor"):
        expect(page.locator("table .health", has_text=word).first).to_be_visible()

    page.locator("table tbody th a").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Support", exact=True).first).to_be_visible()


def test_a_wrong_workspace_id_is_refused_naming_both(hub: Hub, watch: Callable[..., Watched]) -> None:
    page = watch().log_in(hub.administrator)
    connect(page, hub.url, "wrong999")
    alert = page.locator("#workspace-error")
    expect(alert).to_contain_text("wrong999")
    expect(alert).to_contain_text(WORKSPACE_ID)
    with organization_scope(hub.organization):
        assert Connection.objects.get().saved_at is None
        assert not SyncRun.objects.exists()


def test_sync_now_and_revoke(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    page = watch().log_in(hub.administrator)
    page.goto(f"{hub.url}/apps/intercom")
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("button", name="Sync now")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The connection is revoked.")).to_be_visible()
    expect(page.get_by_role("button", name="Click to start authentication")).to_be_visible()
    page.goto(f"{hub.url}/tickets")
    expect(page.get_by_text("tickets are not synced any more")).to_be_visible()


def test_a_skipped_conversation_is_matched_by_hand(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    page = watch().log_in(hub.administrator)
    page.goto(f"{hub.url}/apps/intercom/skips?reason=no_user")
    before = page.locator("table tbody tr").count()
    assert before > 0
    page.get_by_role("link", name="Match to…").first.click()
    page.get_by_label("Search users").fill("a")
    page.get_by_role("button", name="Match to").first.click()
    expect(page.get_by_text("has arrived.")).to_be_visible()


def test_a_csm_reads_a_ticket(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    watched = watch()
    page = watched.log_in(hub.csm)
    expect(page.get_by_role("navigation", name="Main")).not_to_contain_text("Apps")
    expect(page.get_by_role("navigation", name="Main")).not_to_contain_text("Settings")
    page.locator("table tbody th a").first.click()
    page.get_by_role("link", name="Tickets").last.click()
    page.locator("a[href^='/tickets/']").first.click()
    expect(page.get_by_role("link", name="Open in Intercom")).to_have_attribute(
        "href", f"https://app.intercom.com/a/inbox/{WORKSPACE_ID}/inbox/conversation/{_external_id(page, hub)}"
    )
    expect(page.locator(".message").first).to_be_visible()
    assert page.goto(f"{hub.url}/apps/intercom").status == 403  # type: ignore[union-attr]


def test_the_health_rule_moves_every_customer_at_once(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    page = watch().log_in(hub.administrator)
    page.goto(f"{hub.url}/settings/health")
    page.get_by_label("Days until ticket is overdue").fill("3650")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("follows the new rule")).to_be_visible()
    page.goto(f"{hub.url}/customers")
    # Of health, which has a shape of its own beside that of an assessment (that follows later, and may be At Risk).
    expect(page.locator("table .health-good .health-shape").first).to_be_visible()
    expect(page.locator("table .health-poor .health-shape")).to_have_count(0)


def test_an_assessment_leads_to_the_ticket_behind_it(hub: Hub, watch: Callable[..., Watched]) -> None:
    synced(hub)
    with organization_scope(hub.organization):
        customer = SupportHealth.objects.filter(status="poor").select_related("customer").first().customer  # type: ignore[union-attr]
        services.reassess(customer)
    page = watch().log_in(hub.csm)
    page.goto(f"{hub.url}/customers/{customer.pk}")
    expect(page.get_by_text("Take Action")).to_be_visible()
    page.get_by_role("link", name="See full analysis").click()
    expect(page.get_by_role("heading", name="Full analysis")).to_be_visible()
    page.locator(".evidence a[href^='/tickets/']").first.click()
    expect(page.get_by_role("link", name="Open in Intercom")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="This is wrong…").click()
    page.get_by_label("Why").fill("They are testing our API.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Your correction is kept")).to_be_visible()


def _external_id(page: Page, hub: Hub) -> str:
    with organization_scope(hub.organization):
        return str(Ticket.objects.get(pk=int(page.url.rsplit("/", 1)[1])).external_id)
