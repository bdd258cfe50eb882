"""The calls of the published JavaScript client that no other test makes, as it makes them, its odd ones included."""

from __future__ import annotations

from typing import Any

import pytest

from startdeliver.tenancy.models import Member, Organization
from tests.api.jsclient import ApiFailed, Js
from tests.conftest import PASSWORD


def test_find_with_history_answers_the_same_rows_for_each_moment(js: Js, scoped: Organization) -> None:
    assert js.find_with_history({"name": "Nobody"}, ["2026-10-01", "now"])["result"] == []
    acorn = js.save("customer", {"name": "Acorn"})
    answer = js.find_with_history({"name": "Acorn", "limit": 5}, ["2026-10-01", "now"])
    assert answer["result"] == [{**acorn, "$history": {"2026-10-01": acorn, "now": acorn}}]
    # What it added to the object goes back with the next save.
    assert js.save("customer", answer["result"][0])["updatedAt"] == acorn["updatedAt"]


def test_an_empty_filter_is_everything_and_empty_lists_are_nothing(js: Js, scoped: Organization) -> None:
    js.save("customer", {"name": "Acorn"})
    assert len(js.find("customer", {"filter": {}})["result"]) == 1
    assert js.find("customer", {"filter": {"id": []}, "limit": 0})["result"] == []
    assert js.find("customer", {"filter": {"id": []}})["result"] == []
    assert js.find_one("customer", {"name": "Birch"}) is None


@pytest.mark.parametrize(
    ("method", "endpoint", "body"),
    [
        ("PUT", "customer/", {"name": "No id"}),
        ("DELETE", "customer/", None),
        ("PATCH", "customer", {"name": "No id"}),
        ("DELETE", "usage/", None),
        ("GET", "file/7", None),
        ("GET", "download/7?byteStart=0&byteEnd=9", None),
    ],
)
def test_a_call_without_an_id_or_for_what_we_lack_is_refused_in_json(
    js: Js, scoped: Organization, method: str, endpoint: str, body: Any
) -> None:
    js.save("customer", {"name": "Acorn"})
    with pytest.raises(ApiFailed) as failed:
        js.call(method, endpoint, body)
    assert failed.value.status in (404, 405)
    assert [row["name"] for row in js.find("customer")["result"]] == ["Acorn"]


def test_a_log_in_as_the_client_sends_it(csm: Member) -> None:
    # Without setCookie the client leaves the name out; with it, it keeps the cookie and sends no key.
    program = Js()
    assert set(program.login(csm.email, PASSWORD, remember=True)) == {"apiKey", "expiresAt"}
    assert program.me()["email"] == csm.email
    browser = Js()
    browser.call("POST", "login", {"email": csm.email, "password": PASSWORD, "remember": False, "setCookie": True})
    assert browser.me()["email"] == csm.email
    with pytest.raises(ApiFailed) as failed:
        Js().me()
    assert failed.value.status == 401


def test_texts_keep_every_character(js: Js, scoped: Organization) -> None:
    name = "Ödön & “Sons” <b>100%</b> 🚀 * ? + #"
    made = js.save("customer", {"name": name})
    assert made["name"] == name
    assert js.find_one("customer", {"filter": {"name": {"eq": name}}}) == made
