"""Usage and activity, clicked: from the list to a customer's tab, another window, a user, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from startdeliver.common import clock
from startdeliver.customers import services
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health
from startdeliver.usage.ingest import Event, store
from startdeliver.usage.services import product_create, usage_type_create
from tests.browser.accessibility import problems_of
from tests.browser.conftest import Hub, Watched


@pytest.fixture
def busy(hub: Hub) -> Customer:
    """A customer whose users log in on every one of the last sixty days; a product in total, one per user."""
    organization, by = hub.organization, "admin@northwind.test"
    with organization_scope(organization):
        customer = Customer.objects.filter(users__isnull=False).order_by("name").first()
        assert customer is not None
        kinds = [
            usage_type_create(organization=organization, by=by, values={"name": name, "is_login": name == "Log-in"})
            for name in ("Log-in", "Report opened")
        ]
        for name, short, basis in (("Analytics", "AN", "customer"), ("Adoption", "AD", "per_user")):
            product_create(
                organization=organization,
                by=by,
                values={
                    "name": name,
                    "abbreviation": short,
                    "goal": "unique_days",
                    "basis": basis,
                    "fair_target": 3,
                    "good_target": 10,
                    "usage_types": [kinds[0].pk],
                },
            )
        now = clock.now()
        events = [
            Event(user.pk, kind.pk, int((now - timedelta(days=day, hours=1)).timestamp() * 1000))
            for user in CustomerUser.objects.filter(customer=customer)
            for kind in kinds
            for day in range(60)
        ]
        store(organization, events)
        services.customer_update(customer=customer, by=by, values={"plan": "Enterprise", "arr": 1200})
    health.recompute(organization)
    return customer


def test_from_the_list_to_a_user_and_back(hub: Hub, watch: Callable[..., Watched], busy: Customer) -> None:
    page = watch().log_in(hub.csm)
    page.get_by_role("combobox", name="Usage health").select_option("good")
    page.wait_for_url("**/customers?*usage=good*")
    expect(page.locator("table tbody tr")).to_have_count(1)
    expect(page.locator(".mark")).to_have_count(2)
    page.get_by_role("link", name=busy.name).click()
    page.get_by_role("link", name="All usage").click()
    page.wait_for_url(f"**/customers/{busy.pk}?tab=usage")
    expect(page.get_by_text("days with usage in the last 35 days.")).to_be_visible()
    expect(page.get_by_role("img", name="Active users per day, 35 days", exact=False).last).to_be_visible()

    page.get_by_role("link", name="90 days", exact=True).click()
    page.wait_for_url("**tab=usage&days=90*")
    expect(page.get_by_text("active in the last 90 days")).to_be_visible()
    page.get_by_role("link", name="Last login", exact=True).click()
    page.wait_for_url("**sort=-login**")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Last login")
    page.get_by_text("Show as a table").last.click()
    expect(page.get_by_role("columnheader", name="Report opened", exact=True).first).to_be_visible()

    page.locator("[aria-label='Usage by user'] tbody th a").first.click()
    page.wait_for_url("**/users/*")
    expect(page.get_by_role("heading", name="Usage", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_text("active in the last 90 days")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.get_by_text("days with usage in the last 35 days.")).to_be_visible()


def test_what_happened_is_narrowed_in_place(hub: Hub, watch: Callable[..., Watched], busy: Customer) -> None:
    page = watch().log_in(hub.csm)
    page.goto(f"{hub.url}/customers/{busy.pk}")
    page.get_by_role("link", name="Activity", exact=True).click()
    expect(page.get_by_text("Plan changed")).to_be_visible()
    page.get_by_role("navigation", name="Activity").get_by_role("link", name="Health").click()
    page.wait_for_url("**tab=activity&kind=health")
    expect(page.get_by_text("Plan changed")).to_have_count(0)
    expect(page.locator(".activity-entry", has_text="Usage health")).to_contain_text("Good")
    page.go_back()
    expect(page.get_by_text("Plan changed")).to_be_visible()


def test_it_fits_and_is_accessible(hub: Hub, watch: Callable[..., Watched], busy: Customer) -> None:
    with organization_scope(hub.organization):
        user = CustomerUser.objects.filter(customer=busy).first()
    assert user is not None
    page = watch().log_in(hub.administrator)
    problems: list[str] = []
    for address in (
        "/customers?columns=usage,products,login",
        f"/customers/{busy.pk}?tab=usage",
        f"/customers/{busy.pk}?tab=activity",
        f"/users/{user.pk}",
    ):
        page.goto(f"{hub.url}{address}")
        problems += problems_of(page)
    assert problems == []
