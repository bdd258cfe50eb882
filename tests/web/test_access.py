"""Who may see what: every address asks for a log-in, roles are enforced, other organizations' rows do not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import URLPattern
from django_scopes import scopes_disabled

from startdeliver.tenancy.models import Member
from startdeliver.web.urls import urlpatterns
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db

PUBLIC = {"login", "logout", "password", "password/<str:token>"}
WRITE = [
    "/customers/new",
    "/customers/{customer}/edit",
    "/users/new",
    "/users/{user}/edit",
]
WRITE_POST = [
    "/customers/assign",
    "/customers/{customer}/archive",
    "/customers/{customer}/restore",
    "/users/assign",
    "/users/{user}/archive",
    "/users/{user}/restore",
]
READ_ONE = [
    "/customers/{customer}",
    "/customers/{customer}?tab=users",
    "/customers/{customer}?tab=details",
    "/users/{user}",
]


def addresses() -> Iterator[str]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        if route not in PUBLIC and route != "healthz":
            yield "/" + re.sub(r"<int:\w+>", "1", re.sub(r"<(?:str|slug|path):\w+>", "x", route))


@pytest.mark.parametrize("address", list(addresses()))
def test_without_a_log_in_every_page_leads_to_the_log_in(client: Client, address: str, db: None) -> None:
    for answer in (client.get(address), client.post(address)):
        assert answer.status_code == 302, address
        assert answer["Location"].startswith("/login?next="), address


def test_a_session_that_ended_behind_an_open_page_sends_the_whole_page_to_the_log_in(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/customers/5"}
    answer = client.get("/customers?health=poor", headers=headers)
    assert answer["HX-Redirect"] == "/login?next=%2Fcustomers%2F5"


@pytest.mark.parametrize("address", WRITE + WRITE_POST)
def test_lite_members_change_nothing(
    signed_in: Callable[[Member], Client], lite: Member, hub: Hub, address: str
) -> None:
    customer, user = hub.customer("Acorn"), hub.user(None, name="Ada")
    address = address.format(customer=customer.pk, user=user.pk)
    answers = [signed_in(lite).post(address, {"name": "Changed", "pick": [customer.pk]})]
    if address not in WRITE_POST:
        answers.append(signed_in(lite).get(address))
    for answer in answers:
        assert answer.status_code in (403, 405)
    assert answers[0].status_code == 403
    assert "Lite, which reads only" in answers[0].content.decode()


@pytest.mark.parametrize("address", READ_ONE + WRITE + WRITE_POST)
def test_rows_of_another_organization_do_not_exist(
    signed_in: Callable[[Member], Client], outsider: Member, hub: Hub, address: str
) -> None:
    customer, user = hub.customer("Secret name"), hub.user(None, name="Secret name")
    if "{" not in address:
        return
    address = address.format(customer=customer.pk, user=user.pk)
    client = signed_in(outsider)
    answer = client.post(address) if address.endswith(("archive", "restore")) else client.get(address)
    assert answer.status_code == 404
    assert "Secret name" not in answer.content.decode()
    if address.endswith("edit"):
        assert client.post(address, {"name": "Mine now"}).status_code == 404


def test_lists_and_bulk_actions_never_reach_another_organization(
    signed_in: Callable[[Member], Client], outsider: Member, hub: Hub, other_hub: Hub
) -> None:
    theirs, person = hub.customer("Secret name"), hub.user(None, name="Secret name")
    mine = other_hub.customer("Mine")
    client = signed_in(outsider)
    for address in ("/customers", "/customers?q=secret", "/users/unassigned", "/customers/pick?customer_search=secret"):
        assert "Secret name" not in client.get(address).content.decode()
    page = client.get("/search?q=secret").content.decode()
    assert "/customers/" + str(theirs.pk) not in page
    assert f"/users/{person.pk}" not in page
    client.post("/customers/assign", {"pick": [theirs.pk], "to": outsider.pk})
    client.post("/users/assign", {"pick": [person.pk], "customer": mine.pk})
    client.post("/users/assign", {"pick": [person.pk], "customer": theirs.pk})
    with scopes_disabled():
        theirs.refresh_from_db()
        person.refresh_from_db()
    assert theirs.csm_id is None
    assert person.customer_id is None
