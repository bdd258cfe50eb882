"""Settings → Fields in the browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from startdeliver.customers.fields import field_create
from startdeliver.customers.models import Customer, CustomerUser, CustomField
from startdeliver.customers.services import customer_update
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope

NEW = {"entity": "customer", "name": "Segment", "type": "dropdown", "options": "Small\n\nLarge\n"}


@pytest.fixture
def admin(signed_in: Callable[[Member], Client], administrator: Member) -> Client:
    return signed_in(administrator)


@pytest.fixture
def field(organization: Organization) -> CustomField:
    with organization_scope(organization):
        return field_create(organization=organization, by="ada", entity="user", name="Team", type="text")


def only(organization: Organization) -> CustomField:
    with organization_scope(organization):
        return CustomField.objects.get()


def test_a_field_is_made_changed_archived_and_restored(admin: Client, organization: Organization) -> None:
    answer = admin.post("/settings/fields/new", {**NEW, "visibility": "editable", "required": "on"}, follow=True)
    assert "customfieldSegment" in answer.content.decode()
    made = only(organization)
    assert (made.options, made.required, made.updated_by) == (["Small", "Large"], True, "administrator@acme.test")
    page = admin.get(f"/settings/fields/{made.pk}").content.decode()
    assert "customfieldSegment" in page
    assert 'name="type"' not in page
    admin.post(f"/settings/fields/{made.pk}", {"name": "Tier", "visibility": "visible", "options": "Large"})
    assert (only(organization).name, only(organization).alias) == ("Tier", "customfieldSegment")
    admin.post(f"/settings/fields/{made.pk}/archive")
    assert only(organization).archived_at is not None
    assert admin.get(f"/settings/fields/{made.pk}").status_code == 404
    assert "1 archived field" in admin.get("/settings/fields").content.decode()
    admin.post(f"/settings/fields/{made.pk}/restore")
    assert only(organization).archived_at is None


def test_a_refused_field_says_why_and_keeps_what_was_typed(admin: Client, organization: Organization) -> None:
    answer = admin.post("/settings/fields/new", {**NEW, "options": "", "visibility": "editable"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Enter at least one option." in text
    assert 'value="Segment"' in text


def test_only_administrators_reach_the_page(
    signed_in: Callable[[Member], Client], csm: Member, lite: Member, field: CustomField
) -> None:
    for member in (csm, lite):
        client = signed_in(member)
        for path in ("", "/new", f"/{field.pk}"):
            assert client.get(f"/settings/fields{path}").status_code == 403
        assert client.post(f"/settings/fields/{field.pk}/archive").status_code == 403
        assert client.post("/settings/fields/new", NEW).status_code == 403


def test_another_organizations_field_does_not_exist(
    signed_in: Callable[[Member], Client], outsider: Member, field: CustomField, organization: Organization
) -> None:
    client = signed_in(outsider)
    assert field.name not in client.get("/settings/fields?entity=user").content.decode()
    assert client.get(f"/settings/fields/{field.pk}").status_code == 404
    for action in ("archive", "restore", "up", "down"):
        assert client.post(f"/settings/fields/{field.pk}/{action}").status_code == 404
    assert client.post(f"/settings/fields/{field.pk}", {"name": "Taken"}).status_code == 404
    assert only(organization).name == "Team"


def test_own_fields_on_the_profile_and_in_its_form(
    signed_in: Callable[[Member], Client], csm: Member, organization: Organization
) -> None:
    main = signed_in(csm)
    with organization_scope(organization):
        kinds = {
            "Seats": {"type": "number"},
            "Review": {"type": "date"},
            "Pilot": {"type": "boolean"},
            "Segment": {"type": "dropdown", "options": ["Small", "Large"], "required": True},
            "Score": {"type": "number", "visibility": "visible"},
            "Secret": {"type": "text", "visibility": "hidden"},
        }
        for name, more in kinds.items():
            field_create(organization=organization, by="ada", entity="customer", name=name, **more)  # type: ignore[arg-type]
    page = main.get("/customers/new").content.decode()
    assert [f'name="customfield{name}"' in page for name in kinds] == [True, True, True, True, False, False]
    values = {"name": "Acorn", "customfieldSeats": "12", "customfieldReview": "2026-03-31", "customfieldPilot": "false"}
    refused = main.post("/customers/new", values)
    assert (refused.status_code, "“Segment” is required" in refused.content.decode()) == (422, True)
    made = main.post("/customers/new", {**values, "customfieldSegment": "Large"})
    with organization_scope(organization):
        customer = Customer.objects.get()
        customer_update(
            customer=customer, by="k", source="api", values={"customfieldScore": 7, "customfieldSecret": "x"}
        )
    assert customer.custom == {
        "customfieldSeats": 12,
        "customfieldReview": "2026-03-31",
        "customfieldPilot": False,
        "customfieldSegment": "Large",
        "customfieldScore": 7,
        "customfieldSecret": "x",
    }
    page = main.get(f"{made['Location']}?tab=details").content.decode()
    assert [name in page for name in ("Seats", "31 Mar 2026", "Segment", "Score", "Secret")] == [True] * 4 + [False]
    page = main.get(f"{made['Location']}/edit").content.decode()
    assert '<option value="false" selected>No</option>' in page
    assert 'value="2026-03-31"' in page
    # What the form does not have stays; what is emptied is gone.
    main.post(f"{made['Location']}/edit", {"name": "Acorn", "customfieldSegment": "Small"})
    customer.refresh_from_db()
    assert customer.custom == {"customfieldSegment": "Small", "customfieldScore": 7, "customfieldSecret": "x"}
    # Editing what is only visible by a forged form changes nothing that the form does not have.
    main.post(f"{made['Location']}/edit", {"name": "Acorn", "customfieldSegment": "Small", "customfieldScore": "9"})
    customer.refresh_from_db()
    assert customer.custom["customfieldScore"] == 7


def test_own_fields_of_users(signed_in: Callable[[Member], Client], csm: Member, organization: Organization) -> None:
    main = signed_in(csm)
    with organization_scope(organization):
        field_create(organization=organization, by="ada", entity="user", name="Team", type="text", description="Whose")
    assert "Whose" in main.get("/users/new").content.decode()
    main.post("/users/new", {"name": "Ada", "customfieldTeam": "Finance"})
    with organization_scope(organization):
        user = CustomerUser.objects.get()
    assert "Finance" in main.get(f"/users/{user.pk}").content.decode()
    assert 'value="Finance"' in main.get(f"/users/{user.pk}/edit").content.decode()
