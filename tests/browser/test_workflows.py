"""A CSM enrols customers from the list and finds them again; an administrator builds a rule, keyboard and all."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from startdeliver.tenancy.scope import organization_scope
from startdeliver.workflows import passes
from startdeliver.workflows.models import Enrolment, Workflow
from startdeliver.workflows.services import workflow_create
from tests.browser.conftest import Hub, Watched


def at_risk(hub: Hub) -> Workflow:
    with organization_scope(hub.organization):
        return workflow_create(organization=hub.organization, by="setup", values={"name": "At-risk"})


def test_customers_are_enrolled_from_the_list_and_seen_on_both_pages(hub: Hub, watch: Callable[..., Watched]) -> None:
    workflow = at_risk(hub)
    page = watch().log_in(hub.csm)
    picks = page.locator("input[data-pick]")
    names = [page.locator("tbody th a").nth(number).inner_text() for number in range(2)]
    picks.nth(0).check()
    picks.nth(1).check()
    page.get_by_role("button", name="Workflow…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enrol or remove 2 customers")
    page.get_by_label("Why").fill("Both have a new sponsor")
    page.get_by_role("button", name="Enrol 2 customers").click()
    expect(page.get_by_text("2 customers were enrolled in At-risk.")).to_be_visible()

    page.get_by_role("link", name="Workflows", exact=True).click()
    page.get_by_role("link", name="At-risk", exact=True).click()
    for name in names:
        expect(page.get_by_role("rowheader", name=name)).to_be_visible()
    page.get_by_role("link", name=names[0]).click()
    expect(page.locator(".profile-meta").get_by_role("link", name="At-risk")).to_be_visible()
    expect(page.get_by_text("Both have a new sponsor")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text(f"{names[0]} is no longer in At-risk.")).to_be_visible()
    with organization_scope(hub.organization):
        assert Enrolment.objects.filter(workflow=workflow, left_at__isnull=True).count() == 1


def test_a_rule_is_built_and_applied(hub: Hub, watch: Callable[..., Watched]) -> None:
    page = watch(width=375, height=812).log_in(hub.administrator)
    page.goto(f"{hub.url}/workflows/new")
    page.get_by_label("Name").fill("Everybody of ours")
    fact = page.get_by_label("What to look at")
    fact.select_option(label="CSM")
    # The row gets its comparisons and values in place, and what was typed elsewhere stays.
    expect(page.get_by_label("How to compare")).to_have_value("is")
    page.get_by_label("Value").select_option(label=hub.csm.display_name)
    expect(page.get_by_label("Name")).to_have_value("Everybody of ours")
    page.get_by_role("button", name="How many fit now?").click()
    expect(page.get_by_text("fit now.")).to_be_visible()
    page.get_by_role("button", name="Add a condition for entering").click()
    expect(page.get_by_label("How it is joined")).to_be_visible()
    page.get_by_role("button", name="Take away condition 2 for entering").click()
    expect(page.get_by_label("How it is joined")).to_have_count(0)
    # Enter saves, wherever the cursor is.
    page.get_by_label("After how many days").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Everybody of ours")
    # As the worker does within a minute.
    passes.refresh(hub.organization)
    page.reload()
    expect(page.get_by_role("rowheader").first).to_be_visible()
