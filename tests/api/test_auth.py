"""Keys, log-in, roles, and how often one may ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django_scopes import scopes_disabled

from startdeliver.api import auth
from startdeliver.api.limits import Buckets
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import ApiKey, Member, OneTimeLink, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.tenancy.services import password_set
from tests.api.jsclient import ApiFailed, Js
from tests.conftest import NOW, PASSWORD


def refused(program: Js) -> int:
    with pytest.raises(ApiFailed) as failed:
        program.me()
    return failed.value.status


def stored_key(**wanted: object) -> ApiKey:
    with scopes_disabled():
        return ApiKey.objects.get(**wanted)


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}", "  {} "])
def test_the_key_comes_bare_or_as_bearer(js: Js, organization: Organization, form: str) -> None:
    js.key = form.format(js.key)
    me = js.me()
    assert me["organization"]["name"] == "Acme"
    assert (me["id"], me["access"]) == (None, "admin")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "sd_wrong", "Basic YTpi", "ключ", "x" * 5000])
def test_without_a_valid_key_it_is_401(js: Js, header: str | None) -> None:
    js.key = header
    assert refused(js) == 401


def test_revoked_and_expired_keys_are_401(js: Js, organization: Organization, make_key: Callable[..., str]) -> None:
    with organization_scope(organization):
        ApiKey.objects.update(revoked_at=NOW)
    assert refused(js) == 401
    with clock.frozen(NOW):
        program = Js(make_key(organization, expires_at=NOW + timedelta(hours=1)))
        assert program.me()["expiresAt"] == "2026-11-02T13:00:00Z"
    with clock.frozen(NOW + timedelta(hours=1)):
        assert refused(program) == 401


def test_a_members_key_dies_with_the_member(
    organization: Organization, make_key: Callable[..., str], csm: Member
) -> None:
    program = Js(make_key(organization, member=csm))
    assert program.me()["email"] == csm.email
    Member.objects.filter(pk=csm.pk).update(archived_at=NOW)
    assert refused(program) == 401


def test_a_members_key_takes_the_role_as_it_is_now(
    organization: Organization, make_key: Callable[..., str], csm: Member
) -> None:
    program = Js(make_key(organization, member=csm))
    program.save("customer", {"name": "A"})
    Member.objects.filter(pk=csm.pk).update(role="lite")
    assert program.me()["role"] == "lite"
    with pytest.raises(ApiFailed) as failed:
        program.save("customer", {"name": "B"})
    assert failed.value.status == 403


def test_what_only_administrators_see(
    organization: Organization, make_key: Callable[..., str], csm: Member, administrator: Member
) -> None:
    main = Js(make_key(organization, member=csm))
    for entity in ("skip", "syncrun"):
        for allowed in (make_key(organization, access="read"), make_key(organization, member=administrator)):
            assert Js(allowed).find(entity) == {"result": []}
        for params in (None, 1, {"id": [1] * 4000}):
            with pytest.raises(ApiFailed) as failed:
                main.get(entity, params)
            assert failed.value.status == 403


def test_last_use_is_noted_at_most_once_a_minute(js: Js) -> None:
    for seconds, noted in ((0, 0), (30, 0), (59, 0), (61, 61)):
        with clock.frozen(NOW + timedelta(seconds=seconds)):
            js.me()
        assert stored_key().last_used_at == NOW + timedelta(seconds=noted)


def test_the_session_of_the_pages_is_no_key(organization: Organization, administrator: Member) -> None:
    browser = Client()
    browser.force_login(administrator)
    assert browser.get("/api/v1/customer").status_code == 401
    answer = browser.post("/api/v1/customer", '{"name": "Smuggled"}', content_type="application/json")
    assert answer.status_code == 401


def test_a_key_decides_although_a_member_of_another_organization_is_signed_in(
    js: Js, outsider: Member, organization: Organization
) -> None:
    with organization_scope(organization):
        Customer.objects.create(organization=organization, name="Ours")
    js.http.force_login(outsider)
    assert [row["name"] for row in js.find("customer")["result"]] == ["Ours"]
    assert js.save("customer", {"name": "New"})["name"] == "New"


def test_log_in_gives_a_key_of_the_member(csm: Member) -> None:
    program = Js()
    with clock.frozen(NOW):
        answer = program.login(csm.email.upper(), PASSWORD)
        assert answer["expiresAt"] == "2026-11-16T12:00:00Z"
        me = program.me()
        assert (me["id"], me["role"], me["name"]) == (csm.pk, "main", "Main")
        program.save("customer", {"name": "A"})
    with clock.frozen(NOW + timedelta(days=14)):
        assert refused(program) == 401


def test_a_new_log_in_clears_away_expired_ones(csm: Member) -> None:
    for days in (0, 1, 15):
        with clock.frozen(NOW + timedelta(days=days)):
            Js().login(csm.email, PASSWORD)
    with scopes_disabled():
        assert ApiKey.objects.count() == 1


def test_a_new_password_ends_earlier_log_ins_and_spares_keys(
    csm: Member, organization: Organization, make_key: Callable[..., str]
) -> None:
    program, other = Js(), Js(make_key(organization, member=csm))
    program.login(csm.email, PASSWORD)
    link = OneTimeLink.find(OneTimeLink.issue(csm))
    assert link is not None
    password_set(link, "another horse battery")
    assert refused(program) == 401
    assert other.me()["email"] == csm.email


@pytest.mark.parametrize("password", ["wrong", PASSWORD + " "])
@pytest.mark.parametrize("email", ["main@acme.test", "nobody@acme.test"])
def test_a_wrong_log_in_is_401(csm: Member, email: str, password: str) -> None:
    with pytest.raises(ApiFailed) as failed:
        Js().login(email, password)
    assert failed.value.status == 401


def test_an_archived_member_cannot_log_in(csm: Member) -> None:
    Member.objects.filter(pk=csm.pk).update(archived_at=NOW)
    with pytest.raises(ApiFailed) as failed:
        Js().login(csm.email, PASSWORD)
    assert failed.value.status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"password": "x"}, "email"),
        ({"email": "a@b.c"}, "password"),
        ({"email": 5, "password": "x"}, "email"),
        ({"email": "a\0@b.c", "password": "x"}, "email"),
        ({"email": "a@b.c", "password": "x", "remember": "no"}, "remember"),
    ],
)
def test_an_incomplete_log_in_is_400(db: None, body: object, field: str) -> None:
    with pytest.raises(ApiFailed) as failed:
        Js().call("POST", "login", body)
    assert (failed.value.status, failed.value.error["field"]) == (400, field)


def test_log_in_attempts_are_throttled(csm: Member) -> None:
    with clock.frozen(NOW):
        for _ in range(8):
            with pytest.raises(ApiFailed):
                Js().login(csm.email, "wrong")
        with pytest.raises(ApiFailed) as failed:
            Js().login(csm.email, PASSWORD)
    assert failed.value.status == 429
    assert int(failed.value.response["Retry-After"]) > 0


def test_the_log_in_cookie_reads_and_writes_only_from_our_own_pages(csm: Member) -> None:
    browser = Client()
    answer = browser.post(
        "/api/v1/login",
        {"email": csm.email, "password": PASSWORD, "setCookie": True},
        content_type="application/json",
    )
    cookie = answer.cookies[auth.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/api/")
    assert browser.get("/api/v1/customer").json() == {"result": []}

    def post(content_type: str, **headers: str) -> int:
        return browser.post(
            "/api/v1/customer", json.dumps({"name": "A"}), content_type=content_type, headers=headers
        ).status_code

    assert post("application/json", Origin="http://testserver") == 201
    assert post("application/json") == 201
    assert post("application/json", Origin="https://evil.test") == 403
    assert post("application/json", Origin="null") == 403
    assert post("text/plain") == 403
    assert post("application/x-www-form-urlencoded") == 403


def test_one_key_is_held_to_its_rate_and_another_is_not(
    js: Js, organization: Organization, make_key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.0
    monkeypatch.setattr(auth, "buckets", Buckets(burst=3, per_second=0.5, clock=lambda: seconds))
    for _ in range(3):
        js.me()
    with pytest.raises(ApiFailed) as failed:
        js.me()
    assert (failed.value.status, failed.value.error["code"]) == (429, "too_many_requests")
    assert failed.value.response["Retry-After"] == "2"
    assert Js(make_key(organization)).me()["access"] == "admin"
    seconds = 2.0
    js.me()


def test_buckets_forget_who_asked_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("startdeliver.api.limits._MOST_SUBJECTS", 3)
    buckets = Buckets(burst=1, per_second=1, clock=lambda: 0.0)
    assert [buckets.take(subject) for subject in (1, 2, 3, 1, 4)] == [0, 0, 0, 1, 0]
    assert buckets.take(1) == 1
    assert buckets.take(2) == 0
