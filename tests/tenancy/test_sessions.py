"""How long a log-in lasts, and where a request is counted as coming from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client, RequestFactory

from startdeliver.common import clock
from startdeliver.tenancy.addresses import client_address
from startdeliver.tenancy.models import Member, Organization
from tests.api.jsclient import ApiFailed, Js
from tests.conftest import NOW, PASSWORD

DAY = timedelta(days=1)


def is_in(client: Client) -> bool:
    return client.get("/customers").status_code == 200


@pytest.mark.parametrize("sliding", [False, True])
def test_a_log_in_ends_after_the_days_that_the_organization_says(
    organization: Organization, csm: Member, sliding: bool
) -> None:
    organization.session_days, organization.session_sliding = 3, sliding
    organization.save()
    client = Client()
    with clock.frozen(NOW):
        client.post("/login", {"email": csm.email, "password": PASSWORD})
    for day in range(1, 6):
        # Two visits a day; the second tells nothing new.
        for minutes in (0, 30):
            with clock.frozen(NOW + day * DAY - timedelta(minutes=1) + timedelta(minutes=minutes)):
                assert is_in(client) == (sliding or day < 3 or (day == 3 and minutes == 0)), day
    with clock.frozen(NOW + 8 * DAY + timedelta(hours=2)):
        answer = client.get("/customers?health=poor")
    assert answer["Location"] == "/login?next=%2Fcustomers%3Fhealth%3Dpoor"
    # It does not come back with the clock.
    with clock.frozen(NOW):
        assert not is_in(client)


def test_a_shorter_length_applies_to_those_who_are_logged_in(administrator: Member, csm: Member) -> None:
    admin, other = Client(), Client()
    with clock.frozen(NOW):
        other.post("/login", {"email": csm.email, "password": PASSWORD})
    with clock.frozen(NOW + 5 * DAY):
        assert is_in(other)
        admin.post("/login", {"email": administrator.email, "password": PASSWORD})
        answer = admin.post("/settings/team/session", {"days": "2", "counted": "log-in"}, follow=True)
        assert "Members are logged out 2 days after the log-in." in answer.content.decode()
        assert not is_in(other)
        assert is_in(admin)
        assert 'value="2"' in admin.get("/settings/team").content.decode()


@pytest.mark.parametrize("days", ["0", "91", "", "-1", "2.5", "ten", "٣", "9" * 30])
def test_a_length_that_is_none_is_refused(
    client: Client, organization: Organization, administrator: Member, days: str
) -> None:
    client.force_login(administrator)
    answer = client.post("/settings/team/session", {"days": days, "counted": "visit"}, follow=True)
    assert "Enter a number of days from 1 to 90. Nothing was changed." in answer.content.decode()
    organization.refresh_from_db()
    assert (organization.session_days, organization.session_sliding) == (14, False)


def test_a_key_from_a_log_in_lasts_as_long(organization: Organization, csm: Member) -> None:
    organization.session_days = 2
    organization.save()
    program = Js()
    with clock.frozen(NOW):
        answer = program.login(csm.email, PASSWORD)
        assert datetime.fromisoformat(answer["expiresAt"]) == NOW + 2 * DAY
    with clock.frozen(NOW + 2 * DAY), pytest.raises(ApiFailed) as failed:
        program.me()
    assert failed.value.status == 401


@pytest.mark.parametrize(
    ("peer", "header", "found"),
    [
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "1.1.1.1, 198.51.100.7, 10.0.0.6", "198.51.100.7"),
        ("10.0.0.5", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.5", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.5", "1.1.1.1, nonsense", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.6", "10.0.0.6"),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_address_behind_trusted_proxies(settings: Any, peer: str, header: str, found: str) -> None:
    settings.CONFIG = replace(settings.CONFIG, trusted_proxies=(ip_network("10.0.0.0/8"),))
    more = {"HTTP_X_FORWARDED_FOR": header} if header else {}
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **more)) == found


def test_without_trusted_proxies_nobody_chooses_their_own_address() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR="198.51.100.7")
    assert client_address(request) == "10.0.0.5"


@pytest.mark.parametrize("trusted", [False, True])
def test_attempts_are_counted_for_each_address_behind_a_proxy(
    settings: Any, csm: Member, frozen_now: datetime, make_member: Callable[..., Member], trusted: bool
) -> None:
    networks = (ip_network("10.0.0.5"),) if trusted else ()
    settings.CONFIG = replace(settings.CONFIG, trusted_proxies=networks)

    def attempt(number: int, of: str) -> int:
        client = Client(REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=of)
        return client.post("/login", {"email": f"guess{number}@acme.test", "password": "no"}).status_code

    assert {attempt(number, "198.51.100.7") for number in range(40)} == {400}
    assert attempt(41, "198.51.100.7") == 429
    assert attempt(42, "198.51.100.8") == (400 if trusted else 429)
