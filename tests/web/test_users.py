"""A user's page, making and changing users, and giving unassigned users to a customer."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.models import SupportHealth, Ticket, TicketParticipant
from startdeliver.sync.models import IntercomContact
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db


def text_of(client: Client, address: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(address).content.decode()))


def test_the_page_shows_fields_sources_and_tickets(main: Client, hub: Hub) -> None:
    customer = hub.customer("Acorn")
    source = {"source": "intercom", "at": hub.now.isoformat(), "by": "Intercom"}
    user = hub.user(customer, name="Ada", email="ada@acorn.example", field_sources={"email": source})
    hub.ticket(customer, user=user, title="Cannot log in")
    hub.ticket(customer, title="Somebody else's")
    with organization_scope(hub.organization):
        IntercomContact.objects.create(
            organization=hub.organization,
            workspace="ws",
            ref="k1",
            user=user,
            facts={"custom_attributes": {"Department": "IT"}},
        )
    text = text_of(main, f"/users/{user.pk}")
    assert "ada@acorn.example From Intercom, just now" in text
    assert "Department IT" in text
    assert "Cannot log in" in text
    assert "Somebody else" not in text
    assert "https://app.intercom.com/a/apps/ws/users/k1" in main.get(f"/users/{user.pk}").content.decode()


def test_making_a_user_at_a_customer(main: Client, hub: Hub, csm: Member) -> None:
    customer = hub.customer("Acorn")
    assert "New user at Acorn" in main.get(f"/users/new?customer={customer.pk}").content.decode()
    answer = main.post(
        "/users/new", {"name": "Ada", "email": "Ada@Acorn.example", "is_stakeholder": "on", "customer": customer.pk}
    )
    assert answer["Location"] == f"/customers/{customer.pk}?tab=users"
    made = CustomerUser._base_manager.get()
    assert (made.email, made.email_key, made.is_stakeholder, made.customer_id) == (
        "Ada@Acorn.example",
        "ada@acorn.example",
        True,
        customer.pk,
    )
    assert made.field_sources["email"] == {"source": "member", "at": hub.now.isoformat(), "by": csm.email}


def test_a_user_needs_something_to_be_told_by(main: Client, hub: Hub) -> None:
    answer = main.post("/users/new", {"name": "", "email": "", "phone": "1"})
    assert answer.status_code == 422
    assert "Enter an e-mail address or a name" in answer.content.decode()
    assert "such as ada@acme.com" in main.post("/users/new", {"email": "ada at acme"}).content.decode()
    assert not CustomerUser._base_manager.exists()


def test_editing_keeps_when_somebody_left(main: Client, hub: Hub) -> None:
    user = hub.user(hub.customer(), name="Ada", email="ada@x.test", has_left_at=hub.now.replace(year=2025))
    main.post(f"/users/{user.pk}/edit", {"name": "Ada L", "email": "ada@x.test", "has_left_at": "on"})
    saved = CustomerUser._base_manager.get(pk=user.pk)
    assert (saved.name, saved.has_left_at, set(saved.field_sources)) == ("Ada L", user.has_left_at, {"name"})
    main.post(f"/users/{user.pk}/edit", {"name": "Ada L", "email": "ada@x.test"})
    assert CustomerUser._base_manager.get(pk=user.pk).has_left_at is None


def test_archive_and_restore(main: Client, hub: Hub) -> None:
    user = hub.user(hub.customer(), name="Ada")
    main.post(f"/users/{user.pk}/archive")
    assert CustomerUser._base_manager.get(pk=user.pk).archived_at == hub.now
    main.post(f"/users/{user.pk}/restore")
    assert CustomerUser._base_manager.get(pk=user.pk).archived_at is None


def test_unassigned_users_are_reachable_and_go_to_a_customer_with_their_tickets(main: Client, hub: Hub) -> None:
    customer, other = hub.customer("Acorn"), hub.customer("Birch")
    stray = hub.user(None, name="Stray")
    ticket = hub.ticket(None, user=stray, days=20)
    elsewhere = hub.ticket(other, user=stray)
    assert "1 unassigned user" in text_of(main, "/customers")
    assert "Stray" in text_of(main, "/users/unassigned")
    assert "Stray" not in text_of(main, "/users/unassigned?q=zzz")
    answer = main.post("/users/assign", {"pick": stray.pk, "customer": customer.pk}, follow=True)
    assert "1 user now belongs to Acorn. 1 ticket without a customer went along." in answer.content.decode()
    assert "Everyone has a customer" in answer.content.decode()
    assert Ticket._base_manager.get(pk=ticket.pk).customer_id == customer.pk
    assert Ticket._base_manager.get(pk=elsewhere.pk).customer_id == other.pk
    assert SupportHealth._base_manager.get(customer=customer).status == "fair"


def test_a_ticket_of_people_of_several_customers_goes_to_its_authors(main: Client, hub: Hub) -> None:
    acorn, birch = hub.customer("Acorn"), hub.customer("Birch")
    author, other = hub.user(None, name="Author"), hub.user(birch, name="Other")
    ticket = hub.ticket(None, user=author, author_ref=f"p{author.pk}")
    with organization_scope(hub.organization):
        TicketParticipant.objects.create(
            organization=hub.organization, ticket=ticket, user=other, contact_ref="else", match="matched"
        )
    main.post("/users/assign", {"pick": author.pk, "customer": acorn.pk})
    assert Ticket._base_manager.get(pk=ticket.pk).customer_id == acorn.pk


def test_moving_to_another_customer_comes_back_to_the_user(main: Client, hub: Hub, csm: Member) -> None:
    user, birch = hub.user(hub.customer("Acorn"), name="Ada"), hub.customer("Birch")
    data = {"pick": user.pk, "customer": birch.pk, "next": f"/users/{user.pk}"}
    assert main.post("/users/assign", data)["Location"] == f"/users/{user.pk}"
    saved = CustomerUser._base_manager.get(pk=user.pk)
    assert saved.customer_id == birch.pk
    assert saved.field_sources["customer"]["by"] == csm.email


@pytest.mark.parametrize(
    ("data", "sentence"), [({}, "No user was selected"), ({"pick": "1"}, "No customer was chosen")]
)
def test_assigning_without_a_choice_changes_nothing(
    main: Client, hub: Hub, data: dict[str, str], sentence: str
) -> None:
    hub.user(None, name="Stray")
    assert sentence in main.post("/users/assign", data, follow=True).content.decode()
    assert not CustomerUser._base_manager.filter(customer__isnull=False).exists()


def test_a_customer_page_is_not_found_under_a_users_address(main: Client, hub: Hub) -> None:
    customer: Customer = hub.customer()
    assert main.get(f"/users/{customer.pk}").status_code == 404
