"""Saved lists, columns and filters by custom fields on the customers page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from startdeliver.customers import services
from startdeliver.customers.fields import field_create, field_update
from startdeliver.customers.models import CustomField, SavedList
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.web.test_customers import names


@pytest.fixture
def fields(organization: Organization) -> dict[str, CustomField]:
    """A field of each type on customers, and three customers with values."""
    kinds: dict[str, dict[str, Any]] = {
        "Motto": {"type": "text"},
        "Seats": {"type": "number"},
        "Review": {"type": "date"},
        "Pilot": {"type": "boolean"},
        "Segment": {"type": "dropdown", "options": ["Small", "Large"]},
    }
    with organization_scope(organization):
        made = {
            name: field_create(organization=organization, by="ada", entity="customer", name=name, **more)
            for name, more in kinds.items()
        }
        rows: dict[str, tuple[Any, ...]] = {
            "Acorn": ("Up and away", 5, "2026-01-01", True, "Small"),
            "Birch": ("Up", 50, "2026-06-01", False, "Large"),
            "Cedar": (None,) * 5,
        }
        for name, values in rows.items():
            own = {field.alias: value for field, value in zip(made.values(), values, strict=True)}
            services.customer_create(organization=organization, by="ada", values={"name": name, **own})
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("customfieldMotto=up", ["Acorn", "Birch"]),
        ("customfieldMotto=away", ["Acorn"]),
        ("customfieldSeats-min=6", ["Birch"]),
        ("customfieldSeats-min=5&customfieldSeats-max=49", ["Acorn"]),
        ("customfieldReview-max=2026-03-01", ["Acorn"]),
        ("customfieldPilot=no", ["Birch"]),
        ("customfieldPilot=-none-", ["Cedar"]),
        ("customfieldSegment=Large", ["Birch"]),
        ("customfieldSegment=Large&customfieldPilot=yes", []),
        ("customfieldSeats-min=many", ["Acorn", "Birch", "Cedar"]),
        ("customfieldUnknown=1", ["Acorn", "Birch", "Cedar"]),
    ],
)
def test_the_list_is_filtered_by_own_fields(
    main: Client, fields: dict[str, CustomField], query: str, found: list[str]
) -> None:
    assert names(main, f"/customers?sort=name&{query}") == found


def test_an_active_filter_is_a_chip_that_takes_it_away(main: Client, fields: dict[str, CustomField]) -> None:
    page = main.get("/customers?customfieldSeats-min=6&csm=none").content.decode()
    assert "Seats from 6" in page
    assert 'href="/customers?csm=none"' in page


def test_chosen_columns_are_shown_and_sorted(main: Client, fields: dict[str, CustomField]) -> None:
    answer = main.get("/customers/columns?column=customfieldSeats&column=plan&column=bogus&csm=none&sort=name")
    assert answer["Location"] == "/customers?csm=none&columns=customfieldSeats%2Cplan&sort=name"
    page = main.get("/customers?columns=customfieldSeats,customfieldReview,customfieldPilot").content.decode()
    heads = re.findall(r'<th scope="col" class="[^"]*"(?: aria-sort="none")?>(?:<a [^>]*>)?([A-Z][\w ]*)', page)
    assert heads == ["Customer", "Seats", "Review", "Pilot"]
    for shown in ("50", "1 Jun 2026", "Yes", "No"):
        assert f">{shown}</td>" in page
    assert names(main, "/customers?sort=-customfieldSeats") == ["Birch", "Acorn", "Cedar"]
    assert names(main, "/customers?sort=customfieldSeats") == ["Acorn", "Birch", "Cedar"]


def test_a_hidden_field_is_nowhere_on_the_list(
    main: Client, fields: dict[str, CustomField], organization: Organization
) -> None:
    with organization_scope(organization):
        field_update(field=fields["Motto"], by="ada", visibility="hidden")
    page = main.get("/customers?columns=customfieldMotto").content.decode()
    assert not re.search(r">\s*Motto\b", page)
    assert names(main, "/customers?sort=-customfieldMotto") == names(main, "/customers")
    assert len(names(main, "/customers?customfieldMotto=away")) == 3


def save(client: Client, query: str, name: str = "Whales", **more: str) -> str:
    return str(client.post("/customers/lists", {"name": name, "query": query, **more})["Location"])


def test_a_list_is_saved_opened_changed_and_deleted(main: Client, fields: dict[str, CustomField]) -> None:
    query = "?customfieldSeats-min=6&columns=customfieldSeats&sort=-customfieldSeats&page=2"
    address = save(main, query)
    page = main.get(address).content.decode()
    assert re.search(r'aria-current="page"[^>]*>Whales', page)
    assert names(main, address) == ["Birch"]
    pk = re.search(r"list=(\d+)", address)
    assert pk
    assert main.get(f"/customers?list={pk[1]}")["Location"] == address
    assert "Save changes to Whales" not in page
    assert "Save changes to Whales" in main.get(f"{address}&csm=none").content.decode()
    main.post(f"/customers/lists/{pk[1]}/overwrite", {"query": f"?csm=none&list={pk[1]}"})
    changed = main.get(f"/customers?list={pk[1]}")["Location"]
    assert changed == f"/customers?csm=none&list={pk[1]}"
    main.post(f"/customers/lists/{pk[1]}/rename", {"name": "Minnows", "shared": "on"})
    assert "Minnows" in main.get("/customers").content.decode()
    main.post(f"/customers/lists/{pk[1]}/delete")
    assert "is deleted" in main.get("/customers").content.decode()
    assert "Minnows" not in main.get("/customers").content.decode()


def test_my_portfolio_in_a_shared_list_is_the_one_who_looks(
    main: Client,
    signed_in: Callable[[Member], Client],
    csm: Member,
    administrator: Member,
    organization: Organization,
    fields: dict[str, CustomField],
) -> None:
    with organization_scope(organization):
        for name, member in (("Of main", csm), ("Of admin", administrator)):
            services.customer_create(organization=organization, by="ada", values={"name": name, "csm": member})
    address = save(main, "?csm=me", "Portfolios", shared="on")
    assert names(main, address) == ["Of main"]
    assert names(signed_in(administrator), address) == ["Of admin"]


def test_who_may_change_a_list(
    main: Client,
    signed_in: Callable[[Member], Client],
    administrator: Member,
    lite: Member,
    outsider: Member,
    organization: Organization,
) -> None:
    own = save(main, "?health=poor", "Own")
    shared = save(main, "?health=poor", "Ours", shared="on")
    with organization_scope(organization):
        pks = dict(SavedList.objects.values_list("name", "pk"))
    reader, admin, stranger = signed_in(lite), signed_in(administrator), signed_in(outsider)
    for action in ("overwrite", "rename", "delete"):
        assert reader.post(f"/customers/lists/{pks['Ours']}/{action}", {"name": "x"}).status_code == 403
        assert reader.post(f"/customers/lists/{pks['Own']}/{action}", {"name": "x"}).status_code == 404
        assert admin.post(f"/customers/lists/{pks['Own']}/{action}", {"name": "x"}).status_code == 404
        for pk in pks.values():
            assert stranger.post(f"/customers/lists/{pk}/{action}", {"name": "x"}).status_code == 404
    assert "Ours" in reader.get(shared).content.decode()
    assert "Own<" not in reader.get(own).content.decode()
    assert "Ours" not in stranger.get(shared).content.decode()
    assert save(reader, "?health=poor", "Reading").startswith("/customers?")
    assert (
        admin.post(f"/customers/lists/{pks['Ours']}/rename", {"name": "Everyone's", "shared": "on"}).status_code == 302
    )
    refused = main.post("/customers/lists", {"name": "", "query": "?health=poor"}, follow=True)
    assert "Enter a name for the list." in refused.content.decode()
