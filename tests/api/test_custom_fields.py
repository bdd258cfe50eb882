"""Custom fields through the API: read, written, filtered and sorted by alias, each with its type."""

from __future__ import annotations

from typing import Any

import pytest

from startdeliver.customers.fields import field_archive, field_create
from startdeliver.customers.models import CustomField
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.api.jsclient import ApiFailed, Js

KINDS: dict[str, dict[str, Any]] = {
    "Motto": {"type": "text"},
    "Seats": {"type": "number"},
    "Signed on": {"type": "date"},
    "Pilot": {"type": "boolean"},
    "Segment": {"type": "dropdown", "options": ["Small", "Large"]},
}
VALUES = {
    "customfieldMotto": "Onwards",
    "customfieldSeats": 12.5,
    "customfieldSignedOn": "2026-03-31",
    "customfieldPilot": True,
    "customfieldSegment": "Large",
}


@pytest.fixture(params=["customer", "user"])
def entity(request: pytest.FixtureRequest, scoped: Organization) -> str:
    """The entity, with a field of each type."""
    for name, more in KINDS.items():
        field_create(organization=scoped, by="ada", entity=request.param, name=name, **more)
    return str(request.param)


def names(js: Js, entity: str, query: dict[str, Any]) -> list[str]:
    return [row["name"] for row in js.find(entity, query)["result"]]


def test_values_come_back_as_they_were_sent(js: Js, entity: str) -> None:
    made = js.save(entity, {"name": "A", **VALUES})
    assert {name: made[name] for name in VALUES} == VALUES
    assert js.get(entity, made["id"]) == made
    # The whole object sent back changes nothing; one value alone changes only that.
    assert js.save(entity, made)["updatedAt"] == made["updatedAt"]
    changed = js.call("PATCH", f"{entity}/{made['id']}", {"customfieldSeats": 13, "customfieldPilot": None})
    assert (changed["customfieldSeats"], changed["customfieldPilot"]) == (13, None)
    assert changed["customfieldMotto"] == "Onwards"
    replaced = js.call("PUT", f"{entity}/{made['id']}", {"name": "A", "customfieldMotto": "Stay"})
    assert {name: replaced[name] for name in VALUES} == {**dict.fromkeys(VALUES), "customfieldMotto": "Stay"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customfieldMotto", 7),
        ("customfieldSeats", "many"),
        ("customfieldSignedOn", "31.03.2026"),
        ("customfieldPilot", "yes"),
        ("customfieldSegment", "Medium"),
        ("customfieldUnknown", 1),
    ],
)
def test_wrong_values_are_refused_by_name(js: Js, entity: str, field: str, value: Any) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.save(entity, {"name": "A", field: value})
    assert (failed.value.status, failed.value.error["field"]) == (400, field)
    assert js.find(entity)["result"] == []


def test_every_type_filters(js: Js, entity: str) -> None:
    js.save(entity, {"name": "A", **VALUES})
    other = {"customfieldSeats": 3, "customfieldSignedOn": "2025-01-01", "customfieldPilot": False}
    js.save(entity, {"name": "B", "customfieldMotto": "Upwards", "customfieldSegment": "Small", **other})
    js.save(entity, {"name": "C"})
    wanted: list[tuple[dict[str, Any], str]] = [
        ({"customfieldMotto": "Onwards"}, "A"),
        ({"customfieldMotto": "*wards"}, "AB"),
        ({"customfieldMotto": ["Onwards", "Upwards"]}, "AB"),
        ({"customfieldMotto": None}, "C"),
        ({"customfieldMotto": {"ne": "Onwards"}}, "BC"),
        ({"customfieldSeats": 12.5}, "A"),
        ({"customfieldSeats": {"gt": 3}}, "A"),
        ({"customfieldSeats": {"gte": 3, "lt": 12}}, "B"),
        ({"customfieldSignedOn": "2026-03-31"}, "A"),
        ({"customfieldSignedOn": {"lte": "2026-03-30"}}, "B"),
        ({"customfieldPilot": True}, "A"),
        ({"customfieldPilot": {"ne": True}}, "BC"),
        ({"customfieldSegment": "Small"}, "B"),
        ({"customfieldSegment": "Small", "customfieldSeats": {"gt": 3}}, ""),
    ]
    for filters, found in wanted:
        assert "".join(names(js, entity, {"filter": filters, "sort": ["name"]})) == found, filters
    plain = js.call("GET", f"{entity}?customfieldPilot=true")
    assert [row["name"] for row in plain["result"]] == ["A"]


def test_every_type_sorts_and_what_has_no_value_comes_last(js: Js, entity: str) -> None:
    for name, seats in (("A", 3), ("B", 20), ("C", None), ("D", 100.5)):
        motto, pilot = (None, None) if seats is None else (f"m{seats:05}", seats > 10)
        day = None if seats is None else f"2026-01-{1 + int(seats) % 28:02}"
        values = {"customfieldMotto": motto, "customfieldSeats": seats, "customfieldPilot": pilot}
        js.save(entity, {"name": name, "customfieldSignedOn": day, **values})
    assert names(js, entity, {"sort": "customfieldSeats"}) == ["A", "B", "D", "C"]
    assert names(js, entity, {"sort": "-customfieldSeats"}) == ["D", "B", "A", "C"]
    assert names(js, entity, {"sort": ["-customfieldMotto"]}) == ["D", "B", "A", "C"]
    assert names(js, entity, {"sort": "customfieldSignedOn"}) == ["A", "D", "B", "C"]
    assert names(js, entity, {"sort": ["-customfieldPilot", "-name"]})[-1] == "C"
    assert names(js, entity, {"sort": "customfieldSeats", "offset": 1, "limit": 2}) == ["B", "D"]
    assert names(js, entity, {"sort": "customfieldSeats", "offset": 3, "limit": 2}) == ["C"]
    assert names(js, entity, {"sort": "customfieldSeats", "filter": {"customfieldSeats": {"lt": 50}}}) == ["A", "B"]


def test_a_required_field_must_be_there_and_stay(js: Js, scoped: Organization) -> None:
    before = js.save("customer", {"name": "Before"})
    field_create(organization=scoped, by="ada", entity="customer", name="Owner", type="text", required=True)
    for body in ({"name": "A"}, {"name": "A", "customfieldOwner": None}, {"name": "A", "customfieldOwner": " "}):
        with pytest.raises(ApiFailed) as failed:
            js.save("customer", body)
        assert failed.value.error["field"] == "customfieldOwner"
    made = js.save("customer", {"name": "A", "customfieldOwner": "Ada"})
    assert made["customfieldOwner"] == "Ada"
    # What was there before stays as it is until somebody gives it a value.
    assert js.call("PATCH", f"customer/{before['id']}", {"name": "Still"})["customfieldOwner"] is None


def test_an_archived_field_is_gone_and_another_organizations_never_was(
    js: Js, their_js: Js, scoped: Organization, other_organization: Organization
) -> None:
    field = field_create(organization=scoped, by="ada", entity="customer", name="Owner", type="text")
    assert js.save("customer", {"name": "A", "customfieldOwner": "Ada"})["customfieldOwner"] == "Ada"
    with pytest.raises(ApiFailed):
        their_js.save("customer", {"name": "A", "customfieldOwner": "Ada"})
    with organization_scope(other_organization):
        field_create(organization=other_organization, by="x", entity="customer", name="Owner", type="text")
    assert their_js.find("customer", {"filter": {"customfieldOwner": "Ada"}})["result"] == []
    field_archive(field=CustomField.objects.get(pk=field.pk), by="ada")
    assert "customfieldOwner" not in js.find("customer")["result"][0]
    with pytest.raises(ApiFailed) as failed:
        js.find("customer", {"sort": "customfieldOwner"})
    assert failed.value.status == 400
