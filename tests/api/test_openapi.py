"""The OpenAPI description is true: it is valid, and what it says is what is answered, whatever is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

from startdeliver.api import login
from startdeliver.api.site import api
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.models import Thread, Ticket
from startdeliver.tenancy.models import Organization
from tests.api.jsclient import Js
from tests.conftest import NOW

# Not among them: refusing wrong data, because read-only fields are ignored (see docs/api.md).
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
ENTRIES = """[
 {"id": "p1", "kind": "message", "type": "comment", "at": 1790841600, "by": {"kind": "user", "id": "c1", "name": "A"},
  "html": "<p>Hello</p>", "files": [{"name": "a.png", "type": "image/png", "size": 3}], "redacted": false},
 {"id": "p2", "kind": "event", "type": "close", "at": 1790841700, "by": {"kind": "bot"}}
]"""
GENERATED = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


def described() -> dict[str, Any]:
    return json.loads(json.dumps(api.get_openapi_schema()))


@cache
def loaded() -> schemathesis.BaseSchema:
    schema = schemathesis.openapi.from_dict(described())
    schema.app = WSGIHandler()
    return schema


def operations() -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, methods in described()["paths"].items() for method in methods]


def test_it_is_served_without_a_key_as_openapi_3_1(db: None) -> None:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")
    assert answer.json() == described()
    security = {path: op.get("security") for path, ops in described()["paths"].items() for op in ops.values()}
    assert [path for path, needed in security.items() if not needed] == ["/api/v1/login"]


def test_every_answered_field_is_described_and_every_described_one_answered(js: Js, scoped: Organization) -> None:
    made = js.save("customer", {"name": "Ask"})
    schemas = described()["components"]["schemas"]
    assert set(made) == set(schemas["customer"]["properties"])
    assert schemas["customer"]["properties"]["supportHealth"]["readOnly"] is True
    assert "readOnly" not in schemas["customer"]["properties"]["name"]


@pytest.fixture
def _kept_connection() -> Iterator[None]:
    """As in Django's test client: the connection belongs to the test's transaction, not to the request."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_kept_connection")
@pytest.mark.parametrize(("method", "path"), operations())
def test_whatever_is_sent_the_answer_is_as_described(
    js: Js, scoped: Organization, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setattr(login, "_throttled", lambda request, email: None)
    Customer.objects.create(pk=1, organization=scoped, name="One")
    CustomerUser.objects.create(pk=1, organization=scoped, name="One")
    at = {"created_at": NOW, "updated_at": NOW, "clock_from": NOW}
    ticket = Ticket.objects.create(pk=1, organization=scoped, external_id="1", **at)
    Thread.objects.create(organization=scoped, ticket=ticket, entries=ENTRIES)
    operation = loaded()[path][method]

    @GENERATED
    @given(data=st.data())
    def sends(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from(list(schemathesis.GenerationMode)))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if case.path_parameters and data.draw(st.booleans()):
            case.path_parameters["id"] = 1
        answer = case.call(headers={"Authorization": js.key})
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, checks=CHECKS)

    sends()
