"""One organization never reaches another's rows in the browser: every address, by GET and POST, with another
organization's ids in the address and in each parameter and form field that the page looks at.

The other organization's rows all have the id THEIRS. What a page looks at is found out by listening, so a new field
is tried without being listed; a new address has to be listed in tests/web/routes.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponseBase, QueryDict
from django.test import Client

from startdeliver.customers.models import SavedList
from startdeliver.simulator.testing import run_in_thread
from startdeliver.tenancy.models import Member
from tests.web.routes import ADMINISTRATORS, ALL, OPERATOR, PUBLIC, ROUTES, WRITERS, Route, paths
from tests.web.two_organizations import COMMON, KINDS, fill, rows_of, strays

OURS, THEIRS = 5_000_001, 7_000_001
MARK = "Zyxomma"
THEIR_ALIAS = f"customfield{MARK}"
#: What stands in the other fields while one is tried, so that a form gets as far as to look at it.
OTHERWISE: dict[str, Any] = {
    **dict.fromkeys(["customer", "user", "csm", "to", "pick", "list", "usage_types", "dependent_type"], OURS),
    **dict.fromkeys(["name", "title", "reason", "instructions"], "Something"),
    "email": "new@ours.test",
    "role": "main",
    "access": "read",
    "target": "customer",
    "entity": "customer",
    "type": "text",
    "visibility": "editable",
    "days": 3,
    "poor": 2,
    "abbreviation": "ZZ",
    "look_back_days": 30,
    "goal": "usage_count",
    "basis": "customer",
    "fair_target": 1,
    "good_target": 2,
    "percent": 50,
    "column-0": "name",
    "column-1": "external_id",
    "query": "?csm=me",
    "shared": "on",
    "unit": "times",
    "alias": "something",
    "prefix": "startdeliver_",
    "model": "x",
    "provider": "",
    "confirm": "on",
    "sure": "on",
}
#: Words rather than ids.
SEARCHES = {"q", "customer_search", "user_search"}
NAMES = {"sort", "columns", "column", "column-0", "column-1", "match_on", "query", "field_alias"}

pytestmark = pytest.mark.django_db


class Ear:
    """Hears which parameters and form fields are looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: set[str] = set()
        for method in ("__getitem__", "get", "getlist", "__contains__"):
            monkeypatch.setattr(QueryDict, method, self._listening(getattr(QueryDict, method)), raising=False)

    def _listening(self, original: Any) -> Any:
        def listen(data: Any, key: Any, *args: Any, **more: Any) -> Any:
            self.heard.add(str(key))
            return original(data, key, *args, **more)

        return listen


class Writes:
    """Counts the statements that may write, but for the session's own row; for `connection.execute_wrapper`."""

    HARMLESS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", 'UPDATE "django_session"')

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += not sql.lstrip().startswith(self.HARMLESS)
        return execute(sql, params, many, context)


class Intruder:
    """An administrator of our organization who tries the other one's ids, and notes what should not be."""

    def __init__(self, ear: Ear) -> None:
        self.ear = ear
        self.writes = Writes()
        self.client = Client(raise_request_exception=False)
        self.client.force_login(Member.objects.get(pk=OURS))
        self.cookies = self.client.cookies.output(header="", sep=";")
        self.before = rows_of(THEIRS)
        self.problems: list[str] = []
        self.count = 0

    def try_all(self, method: str, address: str, *, foreign: bool) -> None:
        """Requests `address` plainly and with their ids in each field that it looks at. `foreign`: it is of theirs."""
        # An empty form is taken for none.
        known, tried = self._try(method, address, {"anything": 1}, foreign), set[str]()
        while left := known - tried:
            name = min(left)
            tried.add(name)
            otherwise = {"anything": 1} | {one: OTHERWISE[one] for one in known if one in OTHERWISE}
            values: list[Any] = [THEIRS]
            if name in SEARCHES:
                values = [COMMON]
            elif name in NAMES:
                values = [THEIR_ALIAS, f"-{THEIR_ALIAS}", f"list={THEIRS}&csm={THEIRS}&customer={THEIRS}"]
            elif name in OTHERWISE:
                values += [[OURS, THEIRS]]
            for value in values:
                known |= self._try(method, address, {**otherwise, name: value}, foreign)

    def _try(self, method: str, address: str, data: dict[str, Any], foreign: bool) -> set[str]:
        self.count += 1
        self.ear.heard.clear()
        with transaction.atomic():
            # A log-out is undone with the rest, so its cookie is too.
            self.client.cookies = SimpleCookie(self.cookies)
            writes_before = self.writes.count
            with connection.execute_wrapper(self.writes):
                answer = getattr(self.client, method)(address, data)
                text = body_of(answer)
            heard = set(self.ear.heard) - {"csrfmiddlewaretoken", "next"}
            request = f"{method} {address} {data}"
            self._check_answer(request, answer.status_code, text, foreign)
            if self.writes.count > writes_before:
                self._check_rows(request)
            transaction.set_rollback(True)
        return heard

    def _check_answer(self, request: str, status: int, text: str, foreign: bool) -> None:
        if status >= 500:
            self.problems.append(f"{request}: {status}")
        if foreign and status not in (404, 405):
            self.problems.append(f"{request}: {status} for an id of theirs")
        if MARK.lower() in text.lower().replace(THEIR_ALIAS.lower(), ""):
            self.problems.append(f"{request}: shows {MARK}")

    def _check_rows(self, request: str) -> None:
        if (after := rows_of(THEIRS)) != self.before:
            self.problems.append(f"{request}: changed {[name for name in after if after[name] != self.before[name]]}")
        if found := strays():
            self.problems.append(f"{request}: {found} refer to another organization")


def body_of(answer: HttpResponseBase) -> str:
    """What is answered, streamed or not, with the address that a redirect leads to."""
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return data.decode("utf-8", "replace") + answer.headers.get("Location", "")


@pytest.fixture
def two(db: None, settings: Any, frozen_now: datetime) -> Iterator[None]:
    """Ours and theirs, and an Intercom that answers."""
    with run_in_thread() as intercom:
        settings.CONFIG = replace(settings.CONFIG, intercom_api_url=intercom.url, intercom_app_url=intercom.url)
        fill(OURS, "Ours", frozen_now)
        fill(THEIRS, MARK, frozen_now)
        yield


def test_every_address_is_listed() -> None:
    found = paths()
    assert sorted(set(found) - ROUTES.keys()) == [], "list it in tests/web/routes.py: who may open it, whose id it has"
    assert sorted(ROUTES.keys() - set(found)) == [], "these are gone"
    for route in ROUTES.values():
        assert bool(route.kind) == ("<int:pk>" in route.path), route
        assert bool(route.words) == ("<str:" in route.path or "<slug:" in route.path), route


def test_both_organizations_have_a_row_of_every_kind(two: None) -> None:
    for pk in (OURS, THEIRS):
        for kind, model in KINDS.items():
            assert model._base_manager.filter(pk=pk).exists(), kind
    assert {route.kind for route in ROUTES.values()} - {""} <= KINDS.keys()
    assert strays() == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_address_reaches_another_organization(two: None, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    intruder = Intruder(Ear(monkeypatch))
    for route in ROUTES.values():
        for address in route.addresses(THEIRS):
            intruder.try_all(method, address, foreign=bool(route.kind) and route.who != OPERATOR)
        if route.kind and route.who != OPERATOR:
            for address in route.addresses(OURS):
                intruder.try_all(method, address, foreign=False)
    assert intruder.problems == []
    # It did get as far as to the fields.
    assert intruder.count > (200 if method == "get" else 400)
    if method == "post":
        assert intruder.writes.count > 300


def test_their_own_administrator_does_reach_those_addresses(two: None) -> None:
    """Else a 404 above would say nothing."""
    client = Client()
    client.force_login(Member.objects.get(pk=THEIRS))
    seen = 0
    for route in ROUTES.values():
        if route.kind and route.who != OPERATOR:
            answers = set()
            for method in ("get", "post"):
                for address in route.addresses(THEIRS):
                    with transaction.atomic():
                        answer = getattr(client, method)(address)
                        seen += MARK in body_of(answer)
                        answers.add(answer.status_code)
                        transaction.set_rollback(True)
            assert answers & {200, 302, 422, 400}, route.path
    assert seen > 10


@pytest.mark.parametrize("role", ["anonymous", "lite", "main", "administrator"])
def test_each_role_opens_what_it_may_and_nothing_else(two: None, role: str) -> None:
    client = Client(raise_request_exception=False)
    if role != "anonymous":
        Member.objects.filter(pk=OURS).update(role=role)
        # A Lite member has lists too, which are not shared.
        SavedList._base_manager.filter(pk=OURS).update(shared=False)
        client.force_login(Member.objects.get(pk=OURS))
    cookies = client.cookies.output(header="", sep=";")
    opens = {"anonymous": 0, "lite": 1, "main": 2, "administrator": 3}[role]
    needs = {PUBLIC: 0, ALL: 1, WRITERS: 2, ADMINISTRATORS: 3}
    problems = []
    for route in ROUTES.values():
        for method in ("get", "post"):
            for address in route.addresses(OURS):
                with transaction.atomic():
                    client.cookies = SimpleCookie(cookies)
                    answer = getattr(client, method)(address)
                    transaction.set_rollback(True)
                to_log_in = answer.status_code == 302 and "/login" in answer["Location"]
                if route.who == OPERATOR:
                    fine = to_log_in or "login" in route.path or "password" in route.path or answer.status_code == 405
                elif needs[route.who] <= opens:
                    fine = answer.status_code < 500 and answer.status_code != 403 and (not to_log_in or not opens)
                    fine = fine or route.path == "logout"
                elif role == "anonymous":
                    fine = to_log_in
                else:
                    fine = answer.status_code == 403 or (answer.status_code == 405 and method_is_wrong(route, method))
                if not fine:
                    problems.append(f"{role} {method} {address}: {answer.status_code}")
    assert problems == []


def method_is_wrong(route: Route, method: str) -> bool:
    """Whether the address knows only the other method, which may be said before the role is looked at."""
    other = Client(raise_request_exception=False)
    with transaction.atomic():
        Member.objects.filter(pk=OURS).update(role="administrator")
        other.force_login(Member.objects.get(pk=OURS))
        status = getattr(other, method)(route.addresses(OURS)[0]).status_code
        transaction.set_rollback(True)
    return bool(status == 405)
