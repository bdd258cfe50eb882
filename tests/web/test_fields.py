"""Settings → Fields in the browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from startdeliver.customers.fields import field_create
from startdeliver.customers.models import CustomField
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
