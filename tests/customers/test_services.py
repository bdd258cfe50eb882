"""Making and changing customers and users: what is kept beside the value, and what is refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from startdeliver.customers import services
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.customers.services import FieldError
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope

BY = "ada@acme.test"


def make(organization: Organization, **values: object) -> Customer:
    return services.customer_create(organization=organization, by=BY, values={"name": "Acorn", **values})


def test_a_new_customer_remembers_where_its_values_came_from(scoped: Organization, frozen_now: datetime) -> None:
    made = services.customer_create(
        organization=scoped, by="First key", source="api", values={"name": "Acorn", "arr": "5", "plan": "", "bogus": 1}
    )
    source = {"source": "api", "at": frozen_now.isoformat(), "by": "First key"}
    assert made.field_sources == {"name": source, "arr": source}
    assert (made.updated_by, made.arr) == ("First key", Decimal(5))


def test_an_update_touches_only_what_differs(scoped: Organization, frozen_now: datetime) -> None:
    made = make(scoped, arr=5)
    Customer.objects.filter(pk=made.pk).update(field_sources={"plan": {"source": "intercom"}}, plan="Growth")
    saved = services.customer_update(
        customer=made, by="key", source="api", values={"name": "Acorn", "arr": "5.00", "plan": "Growth", "size": "9"}
    )
    assert set(saved.field_sources) == {"plan", "size"}
    assert saved.field_sources["plan"] == {"source": "intercom"}
    assert (saved.size, saved.plan, saved.updated_by) == (9, "Growth", "key")


def test_an_update_without_a_difference_writes_nothing(scoped: Organization) -> None:
    made = make(scoped, arr=5)
    before = made.updated_at
    assert services.customer_update(customer=made, by="key", values={"name": "Acorn", "arr": 5}).updated_at == before


def test_an_update_does_not_undo_what_the_sync_wrote_meanwhile(scoped: Organization) -> None:
    stale = make(scoped)
    Customer.objects.filter(pk=stale.pk).update(industry="Foods", field_sources={"industry": {"source": "intercom"}})
    saved = services.customer_update(customer=stale, by=BY, values={"plan": "Growth"})
    assert saved.industry == "Foods"
    assert set(saved.field_sources) == {"industry", "plan"}


def test_every_refused_field_is_named_and_nothing_is_saved(scoped: Organization) -> None:
    with pytest.raises(FieldError) as caught:
        make(scoped, name="", arr="much", domain="no domain", csm=10**9)
    assert set(caught.value.errors) == {"name", "arr", "domain", "csm"}
    assert not Customer.objects.exists()


def test_external_ids_are_unique_within_the_organization_only(
    organization: Organization, other_organization: Organization
) -> None:
    with organization_scope(organization):
        first = make(organization, external_id="x")
        make(organization, external_id="")
        make(organization, external_id=None)
        second = make(organization, external_id="y")
        with pytest.raises(FieldError) as caught:
            services.customer_update(customer=second, by=BY, values={"external_id": "x"})
        assert "belongs to another" in caught.value.errors["external_id"]
        services.customer_update(customer=first, by=BY, values={"external_id": "x"})
    with organization_scope(other_organization):
        make(other_organization, external_id="x")


def test_two_at_the_same_moment_get_the_same_sentence(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    make(scoped, external_id="x")
    # The check before the write sees nothing yet, as when the other one commits in between.
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda self: False)
    with pytest.raises(FieldError) as caught:
        make(scoped, external_id="x")
    assert "external_id" in caught.value.errors


def test_members_are_named_by_id_or_address_and_never_from_elsewhere(
    scoped: Organization, csm: Member, outsider: Member, frozen_now: datetime
) -> None:
    assert make(scoped, csm=csm.pk).csm == csm
    assert make(scoped, csm=str(csm.pk)).csm == csm
    assert make(scoped, csm=csm.email.upper()).csm == csm
    Member.objects.filter(pk=csm.pk).update(archived_at=frozen_now)
    for value in (outsider, outsider.pk, outsider.email, csm, "x", True, "1" * 30):
        with pytest.raises(FieldError):
            make(scoped, csm=value)


def test_assign_counts_changes(scoped: Organization, csm: Member) -> None:
    one, two = make(scoped), make(scoped, csm=csm)
    assert services.customer_assign(customers=[one.pk, two.pk, 10**9], csm=csm, by=BY) == 1
    assert services.customer_assign(customers=[one.pk, two.pk], csm=None, by=BY) == 2
    one.refresh_from_db()
    assert one.field_sources["csm"]["by"] == BY


def test_archive_is_kept_at_its_first_moment(scoped: Organization, frozen_now: datetime) -> None:
    made = make(scoped)
    services.customer_archive(customer=made, by=BY)
    first = made.archived_at
    services.customer_archive(customer=made, by="somebody else")
    assert (made.archived_at, made.updated_by) == (first, BY)
    services.customer_restore(customer=made, by=BY)
    assert made.archived_at is None


def test_users(scoped: Organization) -> None:
    customer = make(scoped)
    user = services.user_create(
        organization=scoped,
        by=BY,
        values={"email": "Ada@Acorn.example", "customer": customer.pk, "is_stakeholder": True},
    )
    assert (user.email_key, user.customer, user.is_stakeholder) == ("ada@acorn.example", customer, True)
    saved = services.user_update(user=user, by=BY, values={"email": "ada@new.example", "is_stakeholder": False})
    assert (saved.email_key, saved.is_stakeholder) == ("ada@new.example", False)
    assert CustomerUser.objects.get(email_key="ada@new.example") == saved


def test_users_may_share_an_address_but_not_an_external_id(scoped: Organization) -> None:
    values = {"email": "team@acorn.example", "external_id": "u1"}
    services.user_create(organization=scoped, by=BY, values=values)
    services.user_create(organization=scoped, by=BY, values={**values, "external_id": "u2"})
    with pytest.raises(FieldError):
        services.user_create(organization=scoped, by=BY, values=values)


def test_a_user_is_told_apart_by_something(scoped: Organization) -> None:
    with pytest.raises(FieldError):
        services.user_create(organization=scoped, by=BY, values={"phone": "1"})
    user = services.user_create(organization=scoped, by=BY, values={"name": "Ada"})
    with pytest.raises(FieldError):
        services.user_update(user=user, by=BY, values={"name": ""})


def test_moving_users_gives_those_that_moved(scoped: Organization) -> None:
    customer = make(scoped)
    users = [services.user_create(organization=scoped, by=BY, values={"name": name}).pk for name in "ab"]
    assert services.user_move(users=users, customer=customer, by=BY) == users
    assert services.user_move(users=users, customer=customer, by=BY) == []
    assert services.user_move(users=users[:1], customer=None, by=BY) == users[:1]


def test_a_customer_of_another_organization_cannot_be_a_users(
    organization: Organization, other_organization: Organization
) -> None:
    with organization_scope(other_organization):
        theirs = make(other_organization)
    with organization_scope(organization), pytest.raises(FieldError):
        services.user_create(organization=organization, by=BY, values={"name": "Ada", "customer": theirs.pk})
