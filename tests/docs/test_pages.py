"""The user documentation as people and programs read it."""

from __future__ import annotations

import pytest
from django.test import Client

from startdeliver.docs import pages


def test_every_page_of_the_index_exists_and_has_a_title() -> None:
    assert [page.slug for page in pages.pages()] == [entry.slug for entry in pages.INDEX]
    assert all(page.title and page.html for page in pages.pages())


def test_the_first_page_is_the_intercom_page(client: Client, db: None) -> None:
    assert client.get("/docs")["Location"] == "/docs/intercom"


@pytest.mark.parametrize("slug", [entry.slug for entry in pages.INDEX])
def test_a_page_is_served_as_html_and_as_markdown(client: Client, db: None, slug: str) -> None:
    html = client.get(f"/docs/{slug}")
    assert html.status_code == 200
    assert "<h1" in html.content.decode()
    markdown = client.get(f"/docs/{slug}.md")
    assert markdown["Content-Type"].startswith("text/markdown")
    assert markdown.content.decode().startswith("# ")
    assert "&lt;br&gt;" not in html.content.decode()


def test_the_seed_pages_words_are_on_the_intercom_page() -> None:
    text = pages.page("intercom")
    assert text is not None
    for words in (
        "Click to start authentication",
        "Do you want to create contacts from Intercom?",
        "Does Intercom store your data in EU?",
        "Do you wish to sync Events from Intercom as Usage in Startdeliver?",
        "Tickets not appearing in Startdeliver",
        "Support health not updating",
    ):
        assert words in text.markdown


def test_an_unknown_page_is_not_found(client: Client, db: None) -> None:
    assert client.get("/docs/nothing").status_code == 404
    assert client.get("/docs/../settings").status_code == 404


def test_the_index_for_programs_names_every_page(client: Client, db: None) -> None:
    text = client.get("/docs/llms.txt").content.decode()
    assert all(f"/docs/{entry.slug}.md" in text for entry in pages.INDEX)
