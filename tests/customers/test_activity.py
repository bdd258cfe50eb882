"""What the database remembers of changes to customers and their users, whoever writes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.customers import services, ticks
from startdeliver.customers.fields import field_create
from startdeliver.customers.models import Activity, Customer, CustomerUser
from startdeliver.tenancy.models import Member, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _inside(scoped: None) -> None:
    """All tests run inside the organization's scope."""


def make(organization: Organization, **values: Any) -> Customer:
    return services.customer_create(
        organization=organization, by="ada@acme.test", values={"name": "Acorn", **values}, source="member"
    )


def seen() -> list[tuple[str, dict[str, Any]]]:
    return [(row.kind, row.changes) for row in Activity.objects.order_by("pk")]


def test_a_new_customer_has_none(organization: Organization) -> None:
    make(organization, arr=5)
    assert seen() == []


def test_a_change_keeps_what_was_there_and_who_did_it(organization: Organization, csm: Member, frozen_now: Any) -> None:
    customer = make(organization, arr=100, plan="Basic", renewal_date=date(2026, 12, 1))
    with clock.frozen(frozen_now + timedelta(hours=1)):
        services.customer_update(
            customer=customer,
            by="key",
            source="api",
            values={"arr": "120.50", "plan": "Basic", "renewal_date": None, "csm": csm},
        )
    row = Activity.objects.get()
    assert (row.kind, row.customer_id, row.user_id, row.by) == ("changed", customer.pk, None, "key")
    assert row.at == frozen_now + timedelta(hours=1)
    changes = {name: (Decimal(str(old)) if name == "arr" else old, new) for name, (old, new, _) in row.changes.items()}
    assert changes == {
        "arr": (Decimal(100), 120.5),
        "renewal_date": ("2026-12-01", None),
        "csm": (None, csm.pk),
    }
    assert row.changes["arr"][2] == {"source": "api", "at": row.at.isoformat(), "by": "key"}


def test_own_fields_are_told_apart(organization: Organization) -> None:
    for name, kind in (("Seats", "number"), ("Pilot", "boolean"), ("Motto", "text")):
        field_create(organization=organization, by="ada", entity="customer", name=name, type=kind)
    customer = make(organization, customfieldSeats=5, customfieldMotto="Up")
    services.customer_update(
        customer=customer, by="ada", values={"customfieldPilot": True, "customfieldMotto": "", "customfieldSeats": 5}
    )
    ((kind, changes),) = seen()
    assert kind == "changed"
    assert {name: pair[:2] for name, pair in changes.items()} == {
        "customfieldPilot": [None, True],
        "customfieldMotto": ["Up", None],
    }


def test_a_bulk_statement_is_seen_and_what_does_not_change_is_not(organization: Organization) -> None:
    for name in ("Acorn", "Birch"):
        make(organization, name=name, plan="Basic" if name == "Acorn" else "Pro")
    Customer.objects.update(plan="Pro", tags=["vip"])
    assert [set(changes) for _, changes in seen()] == [{"plan", "tags"}, {"tags"}]
    assert seen()[0][1]["tags"][:2] == [[], ["vip"]]
    Customer.objects.update(plan="Pro", last_login_at=clock.now())
    assert len(seen()) == 2


def test_archiving_and_restoring(organization: Organization) -> None:
    customer = make(organization)
    services.customer_archive(customer=customer, by="ada")
    services.customer_archive(customer=customer, by="ada")
    services.customer_restore(customer=customer, by="ada")
    assert [kind for kind, _ in seen()] == ["archived", "restored"]


def test_users_who_move_and_leave(organization: Organization) -> None:
    here, there = make(organization), make(organization, name="Birch")
    user = services.user_create(organization=organization, by="ada", values={"email": "u@acorn.test", "customer": here})
    assert isinstance(user, CustomerUser)
    services.user_move(users=[user.pk], customer=there, by="ada")
    services.user_update(user=user, by="ada", values={"has_left_at": True})
    services.user_update(user=user, by="ada", values={"has_left_at": False, "phone": "1"})
    services.user_archive(user=user, by="ada")
    rows = [(row.customer_id, row.kind, row.user_id) for row in Activity.objects.order_by("pk")]
    assert rows == [
        (here.pk, "user_out", user.pk),
        (there.pk, "user_in", user.pk),
        (there.pk, "user_left", user.pk),
        (there.pk, "user_back", user.pk),
        (there.pk, "user_archived", user.pk),
    ]
    assert Activity.objects.filter(kind="user_in").get().changes == {"customer": [here.pk, there.pk]}


def test_old_activity_is_forgotten(organization: Organization, frozen_now: Any) -> None:
    customer = make(organization)
    services.customer_update(customer=customer, by="ada", values={"plan": "Old"})
    with clock.frozen(frozen_now + timedelta(days=10)):
        services.customer_update(customer=customer, by="ada", values={"plan": "New"})
    with clock.frozen(frozen_now + ticks.KEPT + timedelta(days=1)):
        assert ticks.forget_old() == 1
        assert ticks.forget_old() == 0
    assert [changes["plan"][1] for _, changes in seen()] == ["New"]
