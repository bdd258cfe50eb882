"""Settings → Products in the browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from startdeliver.customers.fields import field_create
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import services
from startdeliver.usage.models import Product, ProductUsageType, UsageType

FORM = {
    "name": "Invoices",
    "abbreviation": "INV",
    "look_back_days": "28",
    "goal": "usage_count",
    "basis": "per_user",
    "percent": "80",
    "good_target": "10",
    "fair_target": "2.5",
    "only_users_with_product": "on",
    "include_in_average": "on",
}


@pytest.fixture
def admin(signed_in: Callable[[Member], Client], administrator: Member) -> Client:
    return signed_in(administrator)


@pytest.fixture
def kind(organization: Organization) -> UsageType:
    with organization_scope(organization):
        return services.usage_type_create(organization=organization, by="ada", values={"name": "Invoice created"})


@pytest.fixture
def product(organization: Organization, kind: UsageType) -> Product:
    with organization_scope(organization):
        values = {"name": "Invoices", "fair_target": 1, "good_target": 2, "usage_types": [kind.pk]}
        return services.product_create(organization=organization, by="ada", values=values)


def test_a_product_is_made_with_every_setting(admin: Client, kind: UsageType, organization: Organization) -> None:
    page = admin.get("/settings/products/new").content.decode()
    for name in (*FORM, "no_news_is_good_news", "dependent_type", "field_alias", "usage_types"):
        assert f'name="{name}"' in page, name
    for explained in ("35 days have five", "nothing at all is Good", "20 (a few key people)", "in percent of"):
        assert explained in page, explained
    answer = admin.post("/settings/products/new", {**FORM, "usage_types": [kind.pk]}, follow=True)
    assert "Good from 10 uses, Fair from 2.5, by 80 % of the users, within 28 days" in answer.content.decode()
    with organization_scope(organization):
        made = Product.objects.get()
        assert ProductUsageType.objects.get(product=made).usage_type_id == kind.pk
    assert (made.goal, made.basis, made.only_users_with_product, made.no_news_is_good_news) == (
        ("usage_count", "per_user", True, False)
    )
    assert made.updated_by == "administrator@acme.test"


def test_a_product_is_changed_and_what_it_had_is_in_the_form(
    admin: Client, product: Product, kind: UsageType, organization: Organization
) -> None:
    page = admin.get(f"/settings/products/{product.pk}").content.decode()
    assert f'value="{kind.pk}"' in page
    assert "checked" in page
    assert 'value="2"' in page
    admin.post(f"/settings/products/{product.pk}", {**FORM, "name": "Bills", "no_news_is_good_news": ""})
    product.refresh_from_db()
    assert (product.name, product.percent) == ("Bills", 80)
    with organization_scope(organization):
        assert not ProductUsageType.objects.exists()
    admin.post(f"/settings/products/{product.pk}/archive")
    assert "1 archived product" in admin.get("/settings/products").content.decode()
    admin.post(f"/settings/products/{product.pk}/restore")
    product.refresh_from_db()
    assert product.archived_at is None


def test_a_refused_product_says_why(admin: Client, organization: Organization) -> None:
    answer = admin.post("/settings/products/new", {**FORM, "good_target": "1"})
    assert (answer.status_code, "Make Good at least as much as Fair." in answer.content.decode()) == (422, True)
    with organization_scope(organization):
        field_create(organization=organization, by="ada", entity="customer", name="Seats", type="number")
    value = {"goal": "field_value", "basis": "customer", "field_alias": "customfieldSeats"}
    assert admin.post("/settings/products/new", {**FORM, **value}).status_code == 302
    assert admin.post("/settings/products/new", {**FORM, **value, "name": "B", "basis": "per_user"}).status_code == 422


def test_products_are_put_in_order(admin: Client, product: Product, organization: Organization) -> None:
    admin.post("/settings/products/new", {**FORM, "name": "Second"})
    with organization_scope(organization):
        second = Product.objects.get(name="Second")
    admin.post(f"/settings/products/{second.pk}/up")
    page = admin.get("/settings/products").content.decode()
    assert page.index("Second") < page.index("Invoices")


def test_usage_types_are_made_changed_archived(admin: Client, organization: Organization) -> None:
    values = {"name": "Signed in", "is_login": "on", "intercom_event_name": "signed-in", "unit": "times"}
    admin.post("/settings/products/types/new", values)
    with organization_scope(organization):
        made = UsageType.objects.get()
    assert (made.alias, made.is_login, made.intercom_event_name) == ("signedIn", True, "signed-in")
    page = admin.get(f"/settings/products/types/{made.pk}").content.decode()
    assert 'name="alias"' not in page
    admin.post(f"/settings/products/types/{made.pk}", {"name": "Logged in"})
    made.refresh_from_db()
    assert (made.name, made.alias, made.is_login) == ("Logged in", "signedIn", False)
    admin.post(f"/settings/products/types/{made.pk}/archive")
    assert "1 archived usage type" in admin.get("/settings/products").content.decode()
    admin.post(f"/settings/products/types/{made.pk}/restore")
    assert admin.post("/settings/products/types/new", {"name": ""}).status_code == 422


def test_roles_and_other_organizations(
    signed_in: Callable[[Member], Client],
    csm: Member,
    lite: Member,
    outsider: Member,
    product: Product,
    kind: UsageType,
) -> None:
    pages = ["", "/new", f"/{product.pk}", "/types/new", f"/types/{kind.pk}"]
    posts = [f"/{product.pk}/archive", f"/types/{kind.pk}/archive"]
    for member in (csm, lite):
        client = signed_in(member)
        for path in pages:
            assert client.get(f"/settings/products{path}").status_code == 403, path
        for path in posts:
            assert client.post(f"/settings/products{path}").status_code == 403, path
    stranger = signed_in(outsider)
    for path in (f"/{product.pk}", f"/types/{kind.pk}"):
        assert stranger.get(f"/settings/products{path}").status_code == 404
        assert stranger.post(f"/settings/products{path}", FORM).status_code == 404
    for path in posts:
        assert stranger.post(f"/settings/products{path}").status_code == 404
    assert "Invoices" not in stranger.get("/settings/products").content.decode()
    assert "Invoice created" not in stranger.get("/settings/products/new").content.decode()
