"""One search over customers, users and tickets, under the box and as a page."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db
QUICK = {"HX-Request": "true", "HX-Target": "search-panel"}


@pytest.fixture
def three(hub: Hub) -> None:
    customer = hub.customer("Walnut Foods", domain="walnut.example")
    user = hub.user(customer, name="Walt", email="walt@walnut.example")
    hub.ticket(customer, title="Walnut order is late", user=user, external_id="215470099")
    hub.compute()


def test_results_are_grouped(main: Client, three: None) -> None:
    page = main.get("/search?q=walnut").content.decode()
    assert page.index("Walnut Foods") < page.index("walt@walnut.example") < page.index("Walnut order is late")
    assert 'value="walnut"' in page


def test_a_ticket_is_found_by_its_conversation_id(main: Client, three: None) -> None:
    assert "Walnut order is late" in main.get("/search?q=215470099").content.decode()


def test_the_list_under_the_box_is_short_and_says_when_there_is_nothing(main: Client, hub: Hub, three: None) -> None:
    for number in range(9):
        hub.customer(f"Walnut {number}")
    part = main.get("/search?q=walnut", headers=QUICK).content.decode()
    assert "<html" not in part
    assert part.count("/customers/") == 4
    assert 'href="/search?q=walnut"' in part
    assert "Nothing has “zzz”" in main.get("/search?q=zzz", headers=QUICK).content.decode()
    assert main.get("/search?q=", headers=QUICK).content.decode().strip() == ""


def test_wildcards_of_the_database_are_plain_letters(main: Client, three: None) -> None:
    assert "Nothing found" in main.get("/search?q=%25").content.decode()
    assert "Nothing found" in main.get("/search?q=wal_ut").content.decode()
