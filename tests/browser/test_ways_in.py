"""Customers from a file into a field that was just made, found again in a saved list."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Hub, Watched

TABLE = "Company,ID,Segment,Seats\nAcorn,a-1,Large,12\nBirch,a-2,Small,7\nCedar,a-3,Huge,9\n"


def test_a_field_an_import_and_a_saved_list(hub: Hub, watch: Callable[..., Watched]) -> None:
    page = watch().log_in(hub.administrator)
    for name, kind, options in (("Segment", "dropdown", "Small\nLarge"), ("Seats", "number", "")):
        page.goto(f"{hub.url}/settings/fields/new")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Type").select_option(kind)
        page.get_by_label("Options").fill(options)
        page.get_by_role("button", name="Add field").click()
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()

    page.goto(f"{hub.url}/customers/import")
    page.get_by_label("CSV file").set_input_files(
        {"name": "customers.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Company")).to_have_value("name")
    expect(page.get_by_label("Segment")).to_have_value("customfieldSegment")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("Choose one of the options: Small, Large.")).to_be_visible()
    page.get_by_role("button", name="Import 2 rows").click()
    # The page follows the import without anybody reloading it.
    said = page.get_by_text("Imported: 2 new, 0 changed, 0 unchanged; 1 row not imported.")
    expect(said).to_be_visible(timeout=60_000)

    page.goto(f"{hub.url}/customers")
    page.locator("summary", has_text="Filter").click()
    page.locator("select[name=customfieldSegment]").select_option("Large")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("table tbody tr")).to_have_count(1)
    expect(page.get_by_role("link", name="Acorn")).to_be_visible()
    page.get_by_label("More with this list").click()
    page.get_by_role("button", name="Save as a list").click()
    page.locator("#list-name").fill("Whales")
    page.locator("#list-save").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".list-tabs").get_by_role("link", name="Whales")).to_have_attribute("aria-current", "page")
    page.goto(f"{hub.url}/customers")
    page.locator(".list-tabs").get_by_role("link", name="Whales").click()
    expect(page.locator("table tbody tr")).to_have_count(1)
