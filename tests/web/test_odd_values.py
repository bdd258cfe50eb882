"""Values of own fields as people type them, through the form, the profile, the list, the export and the API."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from startdeliver.customers.fields import field_create, field_update
from startdeliver.customers.models import Customer, CustomField
from startdeliver.tenancy.models import ApiKey, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.api.jsclient import ApiFailed, Js
from tests.web.conftest import Hub

TYPES = {"Text": "text", "Number": "number", "Date": "date", "Flag": "boolean", "Choice": "dropdown"}


@pytest.fixture
def fields(organization: Organization) -> dict[str, CustomField]:
    with organization_scope(organization):
        return {
            name: field_create(
                organization=organization,
                by="x",
                entity="customer",
                name=name,
                type=kind,
                options=["Small", "Large"] if kind == "dropdown" else [],
            )
            for name, kind in TYPES.items()
        }


@pytest.fixture
def js(organization: Organization) -> Js:
    with organization_scope(organization):
        return Js(ApiKey.issue(organization, "program")[1])


def stored(hub: Hub, customer: Customer) -> dict[str, Any]:
    with organization_scope(hub.organization):
        customer.refresh_from_db()
    return customer.custom


def save(client: Client, customer: Customer, **own: str) -> tuple[int, str]:
    values = {f"customfield{name}": text for name, text in own.items()}
    answer = client.post(f"/customers/{customer.pk}/edit", {"name": customer.name, **values})
    return answer.status_code, answer.content.decode()


def exported(client: Client, columns: str) -> list[list[str]]:
    data = b"".join(client.get(f"/customers/export?columns={columns}").streaming_content)  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("Text", "<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Text", "=1+1", "=1+1"),
        ("Text", "  spaces  ", "spaces"),
        ("Text", "a\x00b", "ab"),
        ("Text", "0", "0"),
        ("Text", "x" * 500, "x" * 500),
        ("Number", "-0.000001", -0.000001),
        ("Number", "999999999999", 999_999_999_999),
        ("Number", "1,234.5", 1234.5),
        ("Number", "0", 0),
        ("Number", "1e3", 1000),
        ("Date", "2028-02-29", "2028-02-29"),
        ("Date", "1900-01-01", "1900-01-01"),
        ("Flag", "false", False),
        ("Choice", "Large", "Large"),
    ],
)
def test_a_value_is_the_same_everywhere(
    main: Client, hub: Hub, js: Js, fields: dict[str, CustomField], name: str, typed: str, value: Any
) -> None:
    acorn = hub.customer("Acorn")
    alias = f"customfield{name}"
    assert save(main, acorn, **{name: typed})[0] == 302
    assert stored(hub, acorn) == {alias: value}
    assert type(stored(hub, acorn)[alias]) is type(value)
    for address in (f"/customers/{acorn.pk}?tab=details", f"/customers/{acorn.pk}/edit", f"/customers?columns={alias}"):
        page = main.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
    cell = exported(main, alias)[1][2]
    assert not cell.startswith(("=", "+", "@"))
    read = js.get("customer", acorn.pk)
    assert (read[alias], type(read[alias])) == (value, type(value))
    assert js.find_one("customer", {"filter": {alias: {"eq": value}}}) == read
    # Saved again as it is, by hand and by a program, nothing changes; an empty one is no value, and not false or 0.
    assert js.save("customer", read)["updatedAt"] == read["updatedAt"]
    assert save(main, acorn, **{name: ""})[0] == 302
    assert stored(hub, acorn) == {}
    assert js.get("customer", acorn.pk)[alias] is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Text", "x" * 10_000),
        ("Number", "1e400"),
        ("Number", "9" * 400),
        ("Number", "1000000000000"),
        ("Number", "NaN"),
        ("Number", "Infinity"),
        ("Number", "0x10"),
        ("Number", "12 apples"),
        ("Date", "2027-02-29"),
        ("Date", "2027-13-01"),
        ("Date", "29.02.2028 or so"),
        ("Date", "0001-01-01"),
        ("Date", "99999-01-01"),
        ("Flag", "perhaps"),
        ("Choice", "Medium"),
        ("Choice", "<b>"),
    ],
)
def test_what_fits_no_type_is_refused_with_a_sentence_and_kept_in_the_form(
    main: Client, hub: Hub, js: Js, fields: dict[str, CustomField], name: str, typed: str
) -> None:
    acorn = hub.customer("Acorn")
    status, page = save(main, acorn, **{name: typed})
    assert status == 422
    assert f'id="id_customfield{name}-error"' in page or "field-error" in page
    assert stored(hub, acorn) == {}
    with pytest.raises(ApiFailed) as failed:
        js.save("customer", {"id": acorn.pk, f"customfield{name}": typed})
    assert (failed.value.status, failed.value.error["field"]) == (400, f"customfield{name}")
    # As a filter it finds nothing or is passed over, and is no mistake of ours.
    for query in (f"?customfield{name}={typed[:600]}", f"?customfield{name}-min={typed[:600]}"):
        assert main.get(f"/customers{query}").status_code == 200


def test_an_option_that_is_taken_away_stays_where_it_is(
    main: Client, hub: Hub, js: Js, fields: dict[str, CustomField]
) -> None:
    acorn, birch = hub.customer("Acorn"), hub.customer("Birch")
    assert save(main, acorn, Choice="Large")[0] == 302
    with organization_scope(hub.organization):
        field_update(field=fields["Choice"], by="x", options=["Small"])
    assert "Large" in main.get(f"/customers/{acorn.pk}?tab=details").content.decode()
    # Another field can be changed without losing it; nobody else gets it.
    assert '<option value="Large" selected' in main.get(f"/customers/{acorn.pk}/edit").content.decode()
    assert save(main, acorn, Choice="Large", Text="new")[0] == 302
    assert stored(hub, acorn) == {"customfieldChoice": "Large", "customfieldText": "new"}
    assert save(main, birch, Choice="Large")[0] == 422
    assert js.save("customer", js.get("customer", acorn.pk))["customfieldChoice"] == "Large"
    assert "Acorn" in main.get("/customers?customfieldChoice=Large").content.decode()
    assert exported(main, "customfieldChoice")[1][2] == "Large"


def test_a_field_that_becomes_required_asks_at_the_next_change(
    main: Client, hub: Hub, js: Js, fields: dict[str, CustomField]
) -> None:
    acorn = hub.customer("Acorn")
    with organization_scope(hub.organization):
        field_update(field=fields["Flag"], by="x", required=True)
    assert main.get(f"/customers/{acorn.pk}").status_code == 200
    status, page = save(main, acorn, Text="new")
    assert status == 422
    assert "is required" in page
    assert save(main, acorn, Text="new", Flag="false")[0] == 302
    assert stored(hub, acorn) == {"customfieldText": "new", "customfieldFlag": False}
    # A program that changes something else is not stopped; one that makes a customer is asked.
    birch = hub.customer("Birch")
    assert js.save("customer", {"id": birch.pk, "plan": "Basic"})["customfieldFlag"] is None
    with pytest.raises(ApiFailed) as failed:
        js.save("customer", {"name": "New"})
    assert failed.value.error["field"] == "customfieldFlag"


@pytest.mark.parametrize("value", [10**30, 1e308, -(10**12), [1], {"a": 1}, "1_000", "١٢"])
def test_a_program_sends_no_number_that_cannot_be_kept(
    hub: Hub, js: Js, fields: dict[str, CustomField], value: Any
) -> None:
    acorn = hub.customer("Acorn")
    with pytest.raises(ApiFailed) as failed:
        js.save("customer", {"id": acorn.pk, "customfieldNumber": value})
    assert (failed.value.status, failed.value.error["field"]) == (400, "customfieldNumber")
    assert json.dumps(stored(hub, acorn)) == "{}"
