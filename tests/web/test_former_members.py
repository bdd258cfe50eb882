"""A member who is archived leaves shared lists, customers and keys behind: nothing breaks, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from startdeliver.api.auth import caller_of
from startdeliver.customers import services
from startdeliver.customers.models import Customer, SavedList
from startdeliver.tenancy import members
from startdeliver.tenancy.models import ApiKey, Member, Organization, Role
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub
from tests.web.test_exports import table


@pytest.fixture
def former(organization: Organization) -> Member:
    member, _ = members.member_invite(organization, email="fay@acme.test", name="Fay")
    return member


@pytest.fixture
def left(
    hub: Hub, former: Member, administrator: Member, signed_in: Callable[[Member], Client]
) -> tuple[Customer, dict[str, SavedList], str]:
    """Fay's customer, lists by name and key; then an administrator archives her on the page."""
    acorn = hub.customer("Acorn", csm=former, external_id="a-1")
    hub.customer("Birch")
    hub.user(acorn, name="Ada")
    client = signed_in(former)
    for name, more in (("Portfolio", {"shared": "on"}), ("Own", {})):
        client.post("/customers/lists", {"name": name, "query": "csm=me&sort=name", **more})
    with organization_scope(hub.organization):
        lists = {one.name: one for one in SavedList.objects.all()}
        _, text = ApiKey.issue(hub.organization, "Log-in", member=former)
    assert caller_of(text) is not None
    assert signed_in(administrator).post(f"/settings/team/{former.pk}/archive").status_code == 302
    assert client.get("/customers").status_code == 302
    return acorn, lists, text


def test_every_page_still_stands(
    left: tuple[Customer, dict[str, SavedList], str],
    former: Member,
    administrator: Member,
    lite: Member,
    main: Client,
    signed_in: Callable[[Member], Client],
) -> None:
    acorn, lists, key = left
    assert caller_of(key) is None
    shared = f"/customers?list={lists['Portfolio'].pk}"
    for client in (main, signed_in(lite), signed_in(administrator)):
        for address in ("/customers", "/users", "/customers/export", f"/customers/{acorn.pk}", "/tickets"):
            assert client.get(address).status_code == 200, address
        assert "Portfolio" in client.get(shared, follow=True).content.decode()
        assert "Own" not in client.get("/customers").content.decode()
    change = f"/customers/lists/{lists['Portfolio'].pk}/rename"
    assert main.post(change, {"name": "Mine now", "shared": "on"}).status_code == 403
    assert signed_in(administrator).post(change, {"name": "Ours", "shared": "on"}).status_code == 302
    assert "Ours" in main.get("/customers").content.decode()
    for client in (main, signed_in(administrator)):
        assert client.post(f"/customers/lists/{lists['Own'].pk}/delete").status_code == 404


def test_its_customers_keep_their_csm_until_they_get_another(
    left: tuple[Customer, dict[str, SavedList], str], former: Member, csm: Member, main: Client, hub: Hub
) -> None:
    acorn, _, _ = left
    form = main.get(f"/customers/{acorn.pk}/edit").content.decode()
    assert f'<option value="{former.pk}" selected>Fay (archived)</option>' in form
    fields = {"name": "Acorn", "external_id": "a-1", "plan": "Pro", "csm": str(former.pk)}
    assert main.post(f"/customers/{acorn.pk}/edit", fields).status_code == 302
    acorn.refresh_from_db()
    assert (acorn.plan, acorn.csm_id) == ("Pro", former.pk)
    # No other customer can be given to somebody who left.
    with organization_scope(hub.organization):
        birch = Customer.objects.get(name="Birch")
    answer = main.post(f"/customers/{birch.pk}/edit", {"name": "Birch", "csm": str(former.pk)})
    assert answer.status_code == 422
    # The list is narrowed to the one who left, and everything there assigned.
    for address in ("/customers", "/users"):
        assert "Fay (archived)</option>" in main.get(address).content.decode(), address
    assert [row[0] for row in table(main, f"/customers/export?csm={former.pk}")[1:]] == ["Acorn"]
    main.post("/customers/assign", {"pick": [str(acorn.pk)], "to": str(csm.pk)})
    acorn.refresh_from_db()
    assert acorn.csm_id == csm.pk
    assert "Fay (archived)" not in main.get("/customers").content.decode()
    with organization_scope(hub.organization), pytest.raises(services.FieldError):
        services.customer_update(customer=acorn, by="ada", values={"csm": former})


def test_another_organizations_former_members_are_no_choice(
    left: object, outsider: Member, signed_in: Callable[[Member], Client]
) -> None:
    assert "Fay" not in signed_in(outsider).get("/customers").content.decode()


def test_who_comes_back_finds_lists_and_customers(
    left: object, former: Member, signed_in: Callable[[Member], Client]
) -> None:
    former.refresh_from_db()
    assert former.role == Role.MAIN
    members.member_restore(former)
    client = signed_in(former)
    page = client.get("/customers").content.decode()
    assert "Own" in page
    assert "Portfolio" in page
    assert [row[0] for row in table(client, "/customers/export?csm=me")[1:]] == ["Acorn"]
