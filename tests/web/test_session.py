"""Logging in and out, and the one-time link."""

from __future__ import annotations

import pytest
from django.test import Client

from startdeliver.tenancy.models import Member, OneTimeLink
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def log_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> object:
    return client.post("/login", {"email": email, "password": password, **more})


def test_the_right_password_leads_to_where_the_member_wanted_to_go(client: Client, csm: Member) -> None:
    away = client.get("/customers?health=poor")
    assert away["Location"] == "/login?next=%2Fcustomers%3Fhealth%3Dpoor"
    answer = log_in(client, csm.email.upper(), next="/customers?health=poor")
    assert answer["Location"] == "/customers?health=poor"
    assert client.get("/customers").status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/logout", ""])
def test_the_log_in_sends_nobody_elsewhere(client: Client, csm: Member, target: str) -> None:
    assert log_in(client, csm.email, next=target)["Location"] == "/customers"


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(client: Client, csm: Member) -> None:
    wrong = log_in(client, csm.email, "not it")
    unknown = log_in(client, "nobody@acme.test", "not it")
    assert wrong.status_code == unknown.status_code == 400
    assert "do not belong together" in wrong.content.decode()
    assert wrong.content.decode().count(csm.email) == unknown.content.decode().count("nobody@acme.test")


def test_an_archived_member_cannot_log_in(client: Client, csm: Member, frozen_now: object) -> None:
    Member.objects.filter(pk=csm.pk).update(archived_at=frozen_now)
    assert log_in(client, csm.email).status_code == 400


def test_attempts_on_one_address_run_out_also_for_the_right_password(
    client: Client, csm: Member, frozen_now: object
) -> None:
    for _ in range(8):
        assert log_in(client, csm.email, "wrong").status_code == 400
    blocked = log_in(client, csm.email)
    assert blocked.status_code == 429
    assert "Too many attempts" in blocked.content.decode()
    assert log_in(client, "other@acme.test", "wrong").status_code == 400


def test_attempts_from_one_place_run_out(client: Client, frozen_now: object) -> None:
    codes = [log_in(client, f"guess{number}@acme.test", "wrong").status_code for number in range(41)]
    assert codes == [400] * 40 + [429]


def test_logging_out_needs_a_post_and_ends_the_session(client: Client, csm: Member) -> None:
    log_in(client, csm.email)
    assert client.get("/logout").status_code == 405
    assert client.get("/customers").status_code == 200
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/customers").status_code == 302


def test_forms_need_their_token(csm: Member) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = log_in(strict, csm.email)
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


def test_a_link_sets_a_password_once(client: Client, csm: Member) -> None:
    address = f"/password/{OneTimeLink.issue(csm)}"
    assert csm.email in client.get(address).content.decode()
    short = client.post(address, {"password": "short", "again": "short"})
    assert "at least 10 characters" in short.content.decode()
    differing = client.post(address, {"password": "a long enough one", "again": "another long one"})
    assert "two passwords differ" in differing.content.decode()
    done = client.post(address, {"password": "a long enough one", "again": "a long enough one"})
    assert done["Location"] == "/customers"
    assert client.get("/customers").status_code == 200
    again = Client().get(address)
    assert again.status_code == 404
    assert "no longer works" in again.content.decode()
    assert log_in(Client(), csm.email, "a long enough one")["Location"] == "/customers"


def test_a_made_up_link_says_so(client: Client, db: None) -> None:
    assert client.get("/password/made-up").status_code == 404
