"""Custom fields: their alias and rules, the values that fit each type, and the rows that lists look at."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db.models import Q

from startdeliver.customers import custom, services
from startdeliver.customers.fields import (
    alias_of,
    field_archive,
    field_create,
    field_move,
    field_restore,
    field_update,
    fields_of,
)
from startdeliver.customers.models import Customer, CustomerValue, CustomField
from startdeliver.customers.selectors import CustomerFilters, customers_page, health_counts
from startdeliver.customers.services import FieldError
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite, organization_scope

BY = "ada@acme.test"


def make(organization: Organization, name: str = "Segment", type: str = "text", **more: Any) -> CustomField:
    return field_create(organization=organization, by=BY, **{"entity": "customer", "name": name, "type": type, **more})


def customer(organization: Organization, name: str = "Acorn", **values: Any) -> Customer:
    return services.customer_create(organization=organization, by=BY, values={"name": name, **values})


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("Renewal risk", "customfieldRenewalRisk"),
        ("NPS (last)", "customfieldNPSLast"),
        ("Größe & Straße", "customfieldGroEStrasse"),
        ("合同", "customfieldField"),
    ],
)
def test_the_alias_comes_from_the_name(name: str, alias: str) -> None:
    if "ß" in name:
        alias = "customfieldGrosseStrasse"
    assert alias_of(name) == alias


def test_an_alias_is_never_given_twice_not_even_after_archiving(scoped: Organization) -> None:
    first = make(scoped, "Owner")
    field_archive(field=first, by=BY)
    second = make(scoped, "Owner")
    assert (first.alias, second.alias) == ("customfieldOwner", "customfieldOwner2")
    assert make(scoped, "Owner", entity="user").alias == "customfieldOwner"
    with pytest.raises(FieldError, match="Rename that one first"):
        field_restore(field=first, by=BY)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "TAKEN"}, "name"),
        ({"type": "money"}, "type"),
        ({"entity": "ticket"}, "entity"),
        ({"visibility": "secret"}, "visibility"),
        ({"visibility": "hidden", "required": True}, "required"),
        ({"type": "dropdown"}, "options"),
        ({"type": "dropdown", "options": ["A", "a"]}, "options"),
        ({"description": "x" * 301}, "description"),
    ],
)
def test_what_makes_no_field_is_refused_by_name(scoped: Organization, values: dict[str, Any], field: str) -> None:
    make(scoped, "Taken")
    with pytest.raises(FieldError) as caught:
        make(scoped, **values)
    assert field in caught.value.errors
    assert CustomField.objects.count() == 1


def test_type_and_alias_are_fixed(scoped: Organization) -> None:
    field = make(scoped)
    for values in ({"type": "number"}, {"alias": "customfieldOther"}, {"entity": "user"}):
        with pytest.raises(FieldError, match="fixed"):
            field_update(field=field, by=BY, **values)
    renamed = field_update(field=field, by=BY, name="Tier", description="How large", visibility="visible")
    assert (renamed.alias, renamed.name) == ("customfieldSegment", "Tier")


def test_fields_move(scoped: Organization) -> None:
    rows = [make(scoped, name) for name in "ABC"]
    field_move(field=rows[2], up=True, by=BY)
    field_move(field=rows[0], up=True, by=BY)
    assert [field.name for field in fields_of("customer")] == ["A", "C", "B"]


@pytest.mark.parametrize(
    ("type", "given", "stored"),
    [
        ("text", "  two   words ", "two words"),
        ("text", "", None),
        ("number", "1,234.50", 1234.5),
        ("number", "12", 12),
        ("number", 12.0, 12),
        ("number", "-3.25", -3.25),
        ("date", "2026-03-31", "2026-03-31"),
        ("date", date(2026, 3, 31), "2026-03-31"),
        ("boolean", "no", False),
        ("boolean", True, True),
        ("boolean", "", None),
        ("dropdown", "large", "Large"),
    ],
)
def test_a_value_keeps_its_type(scoped: Organization, type: str, given: Any, stored: Any) -> None:
    field = make(scoped, type=type, options=["Small", "Large"] if type == "dropdown" else ())
    made = customer(scoped, **{field.alias: given})
    assert Customer.objects.get(pk=made.pk).custom == ({} if stored is None else {field.alias: stored})
    assert CustomerValue.objects.filter(customer=made).count() == (stored is not None)


@pytest.mark.parametrize(
    ("type", "given"),
    [
        ("number", "many"),
        ("number", True),
        ("number", "NaN"),
        ("number", 10**13),
        ("date", "31.3.2026"),
        ("boolean", "perhaps"),
        ("dropdown", "Medium"),
        ("text", "x" * 501),
        ("text", ["a"]),
    ],
)
def test_a_value_that_does_not_fit_is_refused(scoped: Organization, type: str, given: Any) -> None:
    field = make(scoped, type=type, options=["Small", "Large"] if type == "dropdown" else ())
    with pytest.raises(FieldError) as caught:
        customer(scoped, **{field.alias: given})
    assert list(caught.value.errors) == [field.alias]


def test_a_change_keeps_its_source_and_moves_the_row_of_the_list(scoped: Organization) -> None:
    field = make(scoped, type="number")
    made = customer(scoped, **{field.alias: 5})
    services.customer_update(customer=made, by="key", source="api", values={field.alias: "7"})
    assert (made.custom, made.field_sources[field.alias]["source"]) == ({field.alias: 7}, "api")
    assert CustomerValue.objects.get(customer=made).number == 7
    before = made.updated_at
    services.customer_update(customer=made, by="key", values={field.alias: 7})
    assert made.updated_at == before
    services.customer_update(customer=made, by="key", values={field.alias: ""})
    assert made.custom == {}
    assert not CustomerValue.objects.exists()


def test_a_required_field_and_an_option_that_is_gone(scoped: Organization) -> None:
    field = make(scoped, type="dropdown", options=["Small", "Large"], required=True)
    with pytest.raises(FieldError, match="required"):
        customer(scoped)
    made = customer(scoped, **{field.alias: "Small"})
    field_update(field=field, by=BY, options=["Large"])
    # What the record has may stay; choosing it again is refused.
    services.customer_update(customer=made, by=BY, values={field.alias: "Small", "plan": "Pro"})
    assert (made.plan, made.custom) == ("Pro", {field.alias: "Small"})
    with pytest.raises(FieldError, match="Large"):
        customer(scoped, **{field.alias: "Small"})


def test_an_archived_field_keeps_its_values_for_later(scoped: Organization) -> None:
    field = make(scoped)
    made = customer(scoped, **{field.alias: "East"})
    field_archive(field=field, by=BY)
    services.customer_update(customer=made, by=BY, values={field.alias: "West", "plan": "Pro"})
    field_restore(field=field, by=BY)
    assert Customer.objects.get(pk=made.pk).custom == {field.alias: "East"}


def test_lists_filter_and_sort_by_a_field(scoped: Organization) -> None:
    field = make(scoped, type="number")
    for name, value in (("A", 5), ("B", None), ("C", 50), ("D", 7)):
        customer(scoped, name, **{field.alias: value})

    def page(sort: str, *conditions: Q, start: int = 0, stop: int = 10) -> str:
        filters = CustomerFilters(fields=conditions)
        return "".join(row.name for row in customers_page(filters, sort, start=start, stop=stop))

    assert page(field.alias) == "ADCB"
    assert page(f"-{field.alias}") == "CDAB"
    assert page(field.alias, start=1, stop=3) == "DC"
    assert page("name", custom.has(field, Q(number__gt=6))) == "CD"
    assert page("name", ~custom.has(field, Q())) == "B"
    filters = CustomerFilters(fields=(custom.has(field, Q(number__gt=6)),))
    assert health_counts(filters)["none"] == 2


def test_another_organizations_fields_and_rows_are_out_of_reach(
    scoped: Organization, other_organization: Organization
) -> None:
    with organization_scope(other_organization):
        theirs = make(other_organization, "Theirs", type="number")
        record = customer(other_organization, **{theirs.alias: 5})
    made = customer(scoped, **{theirs.alias: 5})
    assert made.custom == {}
    assert customers_page(None, theirs.alias)[0].pk == made.pk
    assert not Customer.objects.filter(custom.has(theirs, Q())).exists()
    with pytest.raises(CrossTenantWrite):
        custom.write_many("customer", [(record.pk, theirs, 6)])
