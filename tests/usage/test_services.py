"""Settings → Products: what may be stored, what is said otherwise, and what a change means for health."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from startdeliver.customers.fields import field_create
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.customers.values import FieldError
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health, services
from startdeliver.usage.ingest import Event, Item, ingest, store
from startdeliver.usage.models import Product, UsageDay, UsageEvent, UsageHealth, UsageType
from tests.usage.factories import NOW, TODAY, add_usage, make_customer, make_type, make_user

pytestmark = pytest.mark.usefixtures("frozen_now")
VALUES: dict[str, Any] = {"name": "Core features", "goal": "usage_count", "fair_target": "5", "good_target": "10"}
NOW_MS = int(NOW.timestamp() * 1000)


def create(organization: Organization, **values: Any) -> Product:
    return services.product_create(organization=organization, by="ada@acme.test", values={**VALUES, **values})


def errors(organization: Organization, **values: Any) -> dict[str, str]:
    with pytest.raises(FieldError) as raised:
        create(organization, **values)
    assert not Product.objects.filter(name=values.get("name", "Core features")).exists()
    assert all(sentence.endswith(".") for sentence in raised.value.errors.values())
    return raised.value.errors


def status(customer: Customer) -> str | None:
    health.refresh(customer.organization)
    row = UsageHealth.objects.filter(customer=customer).first()
    return row.status if row else None


class TestProducts:
    def test_made_of_text_as_a_form_gives_it(self, scoped: Organization) -> None:
        kind = make_type()
        product = create(
            scoped, abbreviation="", look_back_days="30", basis="per_user", percent="80", good_target="10,5",
            only_users_with_product="on", include_in_average="", usage_types=[str(kind.pk), kind.pk],
        )  # fmt: skip
        product.refresh_from_db()
        assert (product.abbreviation, product.look_back_days, product.percent) == ("COR", 30, 80)
        assert (product.good_target, product.only_users_with_product) == (Decimal("10.5"), True)
        assert (product.include_in_average, product.updated_by) == (False, "ada@acme.test")
        assert list(product.usage_types.all()) == [kind]

    def test_the_defaults(self, scoped: Organization) -> None:
        product = create(scoped)
        assert (product.look_back_days, product.basis, product.include_in_average) == (35, "customer", True)
        assert not product.only_users_with_product
        assert not product.no_news_is_good_news

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"abbreviation": "FOUR"}, "abbreviation"),
            ({"look_back_days": "0"}, "look_back_days"),
            ({"look_back_days": "3.5"}, "look_back_days"),
            ({"look_back_days": None}, "look_back_days"),
            ({"goal": "happiness"}, "goal"),
            ({"basis": "planet"}, "basis"),
            ({"percent": "101"}, "percent"),
            ({"percent": "-1"}, "percent"),
            ({"fair_target": "many"}, "fair_target"),
            ({"fair_target": "NaN"}, "fair_target"),
            ({"fair_target": None}, "fair_target"),
            ({"fair_target": "-1"}, "fair_target"),
            ({"fair_target": "1.2345"}, "fair_target"),
            ({"fair_target": "0"}, "fair_target"),
            ({"fair_target": "11"}, "good_target"),
            ({"good_target": "1e11"}, "good_target"),
            ({"goal": "unique_days", "look_back_days": 9}, "good_target"),
            ({"no_news_is_good_news": True}, "fair_target"),
            ({"goal": "dependent_count"}, "dependent_type"),
            ({"dependent_type": 999_999}, "dependent_type"),
            ({"goal": "field_value"}, "field_alias"),
            ({"goal": "field_value", "field_alias": "a'b"}, "field_alias"),
            ({"usage_types": [999_999]}, "usage_types"),
            ({"usage_types": ["x"]}, "usage_types"),
            ({"usage_types": 7}, "usage_types"),
        ],
    )
    def test_what_is_wrong_is_said_of_its_field(self, scoped: Organization, values: dict[str, Any], field: str) -> None:
        assert set(errors(scoped, **values)) == {field}

    def test_targets_are_needed(self, scoped: Organization) -> None:
        with pytest.raises(FieldError) as raised:
            services.product_create(organization=scoped, by="x", values={"name": "Core"})
        assert set(raised.value.errors) == {"fair_target", "good_target"}

    def test_less_is_better_turns_the_targets_around(self, scoped: Organization) -> None:
        product = create(scoped, no_news_is_good_news=True, good_target=0, fair_target=5)
        assert (product.good_target, product.fair_target) == (0, 5)

    def test_a_dependent_type_is_none_of_the_attached(self, scoped: Organization) -> None:
        kind, other = make_type(), make_type()
        wrong = {"goal": "dependent_count", "dependent_type": kind.pk, "usage_types": [kind.pk]}
        assert set(errors(scoped, **wrong)) == {"dependent_type"}
        product = create(scoped, **{**wrong, "dependent_type": str(other.pk)})
        assert product.dependent_type == other
        product = services.product_update(product=product, by="x", values={"goal": "usage_count"})
        assert product.dependent_type is None

    def test_a_field_is_a_number_field_of_whom_the_basis_says(self, scoped: Organization) -> None:
        field_create(organization=scoped, by="x", entity="customer", name="Seats", type="number")
        field_create(organization=scoped, by="x", entity="customer", name="Notes", type="text")
        values = {"goal": "field_value", "field_alias": "customfieldSeats"}
        assert create(scoped, **values).field_alias == "customfieldSeats"
        assert set(errors(scoped, name="B", **values, basis="per_user")) == {"field_alias"}
        assert set(errors(scoped, name="B", goal="field_value", field_alias="customfieldNotes")) == {"field_alias"}

    def test_two_products_need_two_names_until_one_is_archived(self, scoped: Organization) -> None:
        first = create(scoped)
        with pytest.raises(FieldError):
            create(scoped, name="core FEATURES")
        services.product_archive(product=first, by="x")
        create(scoped)
        with pytest.raises(FieldError):
            services.product_restore(product=first, by="x")

    def test_another_organizations_usage_type_is_not_there(
        self, scoped: Organization, other_organization: Organization
    ) -> None:
        kind = make_type()
        with organization_scope(other_organization):
            assert set(errors(other_organization, usage_types=[kind.pk])) == {"usage_types"}
            assert set(errors(other_organization, goal="dependent_count", dependent_type=kind.pk)) == {"dependent_type"}

    def test_the_order(self, scoped: Organization) -> None:
        products = [create(scoped, name=name) for name in ("A", "B", "C")]
        services.product_order(organization=scoped, products=[products[2].pk, 999_999, products[0].pk])
        assert "".join(Product.objects.order_by("position").values_list("name", flat=True)) == "CAB"

    def test_every_change_reaches_health(self, scoped: Organization) -> None:
        customer, kind, other = make_customer(), make_type(), make_type()
        user = make_user(customer)
        add_usage(user, kind, {TODAY: 7})
        add_usage(user, other, {TODAY: 3})
        assert status(customer) is None
        product = create(scoped, usage_types=[kind.pk])
        assert status(customer) == "fair"
        services.product_update(product=product, by="x", values={"good_target": 7})
        assert status(customer) == "good"
        services.product_attach(product=product, usage_types=[other.pk], by="x")
        assert status(customer) == "poor"
        services.product_attach(product=product, usage_types=[other.pk, kind.pk], by="x")
        assert status(customer) == "good"
        services.product_update(product=product, by="x", values={"include_in_average": False})
        assert status(customer) is None
        services.product_update(product=product, by="x", values={"include_in_average": True})
        services.product_archive(product=product, by="x")
        assert status(customer) is None
        services.product_restore(product=product, by="x")
        assert status(customer) == "good"


def new_type(organization: Organization, **values: Any) -> UsageType:
    return services.usage_type_create(organization=organization, by="ada@acme.test", values=values)


class TestUsageTypes:
    def test_an_alias_is_made_of_the_name(self, scoped: Organization) -> None:
        assert new_type(scoped, name="Invoice created (PDF)").alias == "invoiceCreatedPDF"

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "请求"}, "alias"),
            ({"name": "New", "alias": "5 stars"}, "alias"),
            ({"name": "New", "alias": "LOGIN"}, "alias"),
            ({"name": "New", "intercom_event_name": "logged-in"}, "intercom_event_name"),
        ],
    )
    def test_what_is_wrong_is_said_of_its_field(self, scoped: Organization, values: dict[str, str], field: str) -> None:
        new_type(scoped, name="Login", intercom_event_name="logged-in")
        with pytest.raises(FieldError) as raised:
            new_type(scoped, **values)
        assert field in raised.value.errors

    def test_the_alias_is_fixed(self, scoped: Organization) -> None:
        kind = new_type(scoped, name="Login")
        same = services.usage_type_update(usage_type=kind, by="x", values={"alias": "login", "name": "Sign-in"})
        assert (same.name, same.alias) == ("Sign-in", "login")
        with pytest.raises(FieldError):
            services.usage_type_update(usage_type=kind, by="x", values={"alias": "signin"})

    def test_marking_it_as_login_moves_last_logins(self, scoped: Organization) -> None:
        kind, user = new_type(scoped, name="Login"), make_user(make_customer(), last_seen_at=NOW)
        store(scoped, [Event(user.pk, kind.pk, NOW_MS - 5000)])
        health.refresh(scoped)
        services.usage_type_update(usage_type=kind, by="x", values={"is_login": True})
        health.refresh(scoped)
        assert last_login(user) < NOW
        services.usage_type_update(usage_type=kind, by="x", values={"is_login": False})
        health.refresh(scoped)
        assert last_login(user) == NOW

    def test_archived_it_takes_no_events_and_keeps_those_it_has(self, scoped: Organization) -> None:
        kind = new_type(scoped, name="Login")
        make_user(email="a@acme.test")
        ingest(scoped, [Item("a@acme.test", "login", NOW_MS)])
        services.usage_type_archive(usage_type=kind, by="x")
        assert not ingest(scoped, [Item("a@acme.test", "login", NOW_MS - 1)])[0].ok
        services.usage_type_restore(usage_type=kind, by="x")
        assert ingest(scoped, [Item("a@acme.test", "login", NOW_MS - 1)])[0].ok
        assert UsageEvent.objects.count() == 2


def last_login(user: CustomerUser) -> datetime:
    user.refresh_from_db()
    assert user.last_login_at is not None
    return user.last_login_at


def test_deleted_events_are_counted_no_more(scoped: Organization) -> None:
    customer, kind = make_customer(), make_type(is_login=True)
    user = make_user(customer)
    create(scoped, usage_types=[kind.pk])
    store(scoped, [Event(user.pk, kind.pk, NOW_MS - n, quantity=5) for n in range(2)])
    assert status(customer) == "good"
    newest = UsageEvent.objects.get(timestamp=NOW_MS)
    assert services.events_delete(organization=scoped, events=[newest.pk, 999_999]) == 1
    assert status(customer) == "fair"
    assert list(UsageDay.objects.values_list("count", "quantity", "last_at")) == [(1, 5, NOW_MS - 1)]
    assert services.events_delete(organization=scoped, events=UsageEvent.objects.values_list("pk", flat=True)) == 1
    assert status(customer) is None
