"""U+0000 in addresses and forms, which PostgreSQL takes nowhere: every page does as if it were not there."""

from __future__ import annotations

import pytest
from django.test import Client

from startdeliver.tenancy.models import ApiKey, Member
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/customers?q=A%00corn",
        "/customers?csm=%00&sort=%00&columns=%00&health=%00",
        "/customers/export?q=A%00corn",
        "/users?q=%00&view=%00",
        "/users/unassigned?q=a%00",
        "/tickets?q=a%00&show=%00&sort=%00",
        "/search?q=A%00corn",
        "/customers/pick?customer_search=A%00corn",
        "/login?next=%00",
    ],
)
def test_in_an_address(main: Client, hub: Hub, address: str) -> None:
    hub.customer("Acorn")
    answer = main.get(address, follow=True)
    assert answer.status_code == 200
    if "A%00corn" in address:
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"Acorn" in text


def test_in_forms(client: Client, administrator: Member) -> None:
    assert client.post("/password", {"email": "a\x00@x.test"}).status_code == 200
    assert client.post("/login", {"email": "a\x00@x.test", "password": "b\x00"}).status_code == 400
    client.force_login(administrator)
    client.post("/settings/team", {"email": "ne\x00w@acme.test", "name": "N\x00ew", "role": "main"})
    assert Member.objects.get(email="new@acme.test").name == "New"
    client.post("/settings/apikeys", {"name": "k\x00", "access": "read"})
    with organization_scope(administrator.organization):
        assert ApiKey.objects.get().name == "k"
