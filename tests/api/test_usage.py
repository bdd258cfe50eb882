"""Usage in, products, usage types and fields through the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health
from startdeliver.usage.models import UsageDay
from tests.api.jsclient import ApiFailed, Js

AT = 1_793_000_000_000


@pytest.fixture
def ada(js: Js, frozen_now: datetime) -> dict[str, Any]:
    """A user, and the usage type that the events are of."""
    js.save("usagetype", {"name": "Invoice created"})
    user: dict[str, Any] = js.save("user", {"name": "Ada", "email": "Ada@acorn.test", "externalId": "u-1"})
    return user


def event(**more: Any) -> dict[str, Any]:
    return {"userId": "ada@acorn.test", "usageType": "invoiceCreated", "timestamp": AT, **more}


def test_one_event_is_stored_once(js: Js, ada: dict[str, Any]) -> None:
    assert js.save("usage", event()) == {"status": "stored"}
    assert js.save("usage", event()) == {"status": "duplicate"}
    assert js.save("usage", event(eventId="e-2", quantity=3)) == {"status": "stored"}
    rows = js.find("usage", {"sort": "id"})["result"]
    assert [(row["userId"], row["timestamp"], row["eventId"], row["quantity"]) for row in rows] == [
        (ada["id"], AT, None, 1),
        (ada["id"], AT, "e-2", 3),
    ]
    assert js.get("usage", rows[0]["id"]) == rows[0]
    assert len(js.find("usage", {"filter": {"timestamp": {"gte": "2026-10-01"}}})["result"]) == 2


def test_a_list_has_a_result_for_each_and_stores_the_rest(js: Js, ada: dict[str, Any]) -> None:
    for name in ("Bob", "Other Bob"):
        js.save("user", {"name": name, "email": "bob@acorn.test"})
    said = js.call(
        "POST",
        "usage",
        [
            event(),
            event(userId="bob@acorn.test"),
            event(userId="nobody@acorn.test"),
            event(userId="u-1", startdeliverUserFieldToMatchOn="externalId"),
            event(usageType="unheard"),
            event(timestamp=AT / 1000),
            "no event",
            event(timestamp=AT + 1),
        ],
    )
    statuses = [one["status"] for one in said["result"]]
    assert statuses == ["stored", "error", "error", "duplicate", "error", "error", "error", "stored"]
    codes = [one["code"] for one in said["result"] if one["status"] == "error"]
    assert codes == ["ambiguous_user", "unknown_user", "unknown_type", "bad_timestamp", "bad_item"]
    assert (said["stored"], said["duplicates"], said["errors"]) == (2, 1, 5)


def test_one_wrong_event_is_400_with_its_field(js: Js, ada: dict[str, Any]) -> None:
    for more, field in (
        ({"userId": "x@y.test"}, "userId"),
        ({"usageType": ""}, "usageType"),
        ({"timestamp": "soon"}, "timestamp"),
        ({"startdeliverUserFieldToMatchOn": "phone"}, "startdeliverUserFieldToMatchOn"),
        ({"quantity": 0}, "quantity"),
    ):
        with pytest.raises(ApiFailed) as failed:
            js.save("usage", event(**more))
        assert (failed.value.status, failed.value.error["field"]) == (400, field)
    with pytest.raises(ApiFailed) as failed:
        js.call("POST", "usage", [event()] * 1001)
    assert failed.value.status == 413
    for body in ("text", 7, None):
        with pytest.raises(ApiFailed) as failed:
            js.call("POST", "usage", body)
        assert failed.value.status == 400


def test_users_are_matched_by_a_custom_field(js: Js, ada: dict[str, Any]) -> None:
    js.save("field", {"entity": "user", "name": "Badge", "type": "text"})
    js.save("user", {"id": ada["id"], "customfieldBadge": "B-7"})
    sent = event(userId="B-7", startdeliverUserFieldToMatchOn="customfieldBadge")
    assert js.save("usage", sent) == {"status": "stored"}


def test_a_product_with_its_types(js: Js, ada: dict[str, Any]) -> None:
    kind = js.find_one("usagetype", {"filter": {"alias": "invoiceCreated"}})
    made = js.save("product", {"name": "Invoices", "fairTarget": 2, "goodTarget": 5.5, "usageTypeIds": [kind["id"]]})
    assert made["usageTypeIds"] == [kind["id"]]
    assert (made["abbreviation"], made["lookBackDays"], made["goalType"], made["basis"], made["goodTarget"]) == (
        ("INV", 35, "unique_days", "customer", 5.5)
    )
    assert js.save("product", made)["updatedAt"] == made["updatedAt"]
    assert js.call("PATCH", f"product/{made['id']}", {"usageTypeIds": []})["usageTypeIds"] == []
    assert js.find("product", {"filter": {"usageTypeIds": kind["id"]}})["result"] == []
    js.delete("product", made["id"])
    assert js.find("product")["result"] == []
    for body, field in (
        ({"name": "X", "fairTarget": 5, "goodTarget": 2}, "goodTarget"),
        ({"name": "X", "fairTarget": 1}, "goodTarget"),
        ({"name": "X", "fairTarget": 1, "goodTarget": 2, "goalType": "field_value"}, "fieldAlias"),
        ({"name": "X", "fairTarget": 1, "goodTarget": 2, "usageTypeIds": [10**6]}, "usageTypeIds"),
        ({"name": "X", "fairTarget": 1, "goodTarget": 2, "goalType": "dependent_count"}, "dependentUsageTypeId"),
    ):
        with pytest.raises(ApiFailed) as failed:
            js.save("product", body)
        assert (failed.value.status, failed.value.error["field"]) == (400, field), failed.value.error


def test_a_field_is_made_changed_and_archived(js: Js, organization: Organization) -> None:
    made = js.save("field", {"entity": "customer", "name": "Tier", "type": "dropdown", "options": ["A", "B"]})
    assert (made["alias"], made["visibility"], made["required"]) == ("customfieldTier", "editable", False)
    assert js.save("field", {**made, "name": "Level"})["alias"] == "customfieldTier"
    with pytest.raises(ApiFailed) as failed:
        js.save("field", {"id": made["id"], "type": "text"})
    assert (failed.value.status, failed.value.error["field"]) == (400, "type")
    js.delete("field", made["id"])
    assert js.find("field")["result"] == []
    assert [row["id"] for row in js.find("field", {"filter": {"archived": True}})["result"]] == [made["id"]]


def test_settings_are_the_administrators_and_usage_is_the_writers(
    organization: Organization,
    js: Js,
    ada: dict[str, Any],
    csm: Member,
    lite: Member,
    make_key: Callable[..., str],
) -> None:
    main, reader = Js(make_key(organization, member=csm)), Js(make_key(organization, access="read"))
    for program in (main, reader, Js(make_key(organization, member=lite))):
        assert program.find("usagetype")["result"]
        for entity, body in (
            ("field", {"entity": "user", "name": "X", "type": "text"}),
            ("usagetype", {"name": "X"}),
            ("product", {"name": "X", "fairTarget": 1, "goodTarget": 2}),
        ):
            with pytest.raises(ApiFailed) as failed:
                program.save(entity, body)
            assert failed.value.status == 403, entity
    assert main.save("usage", event()) == {"status": "stored"}
    with pytest.raises(ApiFailed) as failed:
        reader.save("usage", event(timestamp=AT + 5))
    assert failed.value.status == 403


def test_another_organizations_users_and_types_are_unknown(their_js: Js, ada: dict[str, Any]) -> None:
    with pytest.raises(ApiFailed) as failed:
        their_js.save("usage", event())
    assert failed.value.error["code"] == "unknown_user"
    their_js.save("user", {"email": "ada@acorn.test"})
    with pytest.raises(ApiFailed) as failed:
        their_js.save("usage", event())
    assert failed.value.error["code"] == "unknown_type"


def test_a_deleted_event_counts_no_more(js: Js, ada: dict[str, Any], organization: Organization) -> None:
    customer = js.save("customer", {"name": "Acorn"})
    js.save("user", {"id": ada["id"], "customerId": customer["id"]})
    kind = js.find_one("usagetype", {"filter": {"alias": "invoiceCreated"}})
    js.save("usagetype", {"id": kind["id"], "isLogin": True})
    js.save(
        "product",
        {"name": "P", "goalType": "usage_count", "fairTarget": 1, "goodTarget": 2, "usageTypeIds": [kind["id"]]},
    )
    now = int(clock.now().timestamp() * 1000)
    for older in (0, 60_000):
        js.save("usage", event(timestamp=now - older))
    health.refresh(organization)
    assert js.get("customer", customer["id"])["usageHealth"] == "good"
    newest = js.find_one("usage", {"filter": {}, "sort": "-timestamp"})
    # As the published client does it: with the object or with its id; what it was comes back.
    assert js.delete("usage", newest) == newest
    health.refresh(organization)
    assert js.get("customer", customer["id"])["usageHealth"] == "fair"
    older_login = datetime.fromtimestamp((now - 60_000) / 1000, UTC)
    assert datetime.fromisoformat(js.get("user", ada["id"])["lastLoginAt"]) == older_login
    with organization_scope(organization):
        assert list(UsageDay.objects.values_list("count", "quantity", "last_at")) == [(1, 1, now - 60_000)]
    with pytest.raises(ApiFailed) as failed:
        js.delete("usage", newest["id"])
    assert failed.value.status == 404
    assert js.save("usage", event(timestamp=now)) == {"status": "stored"}
    health.refresh(organization)
    assert js.get("customer", customer["id"])["usageHealth"] == "good"
    # An event is not changed, only sent or deleted.
    for method in ("PATCH", "PUT"):
        with pytest.raises(ApiFailed) as failed:
            js.call(method, f"usage/{newest['id']}", {"quantity": 2})
        assert failed.value.status == 405


def test_events_are_deleted_by_those_who_may_write(
    organization: Organization, js: Js, their_js: Js, ada: dict[str, Any], lite: Member, make_key: Callable[..., str]
) -> None:
    js.save("usage", event())
    stored = js.find_one("usage", {})
    for program, status in (
        (Js(make_key(organization, member=lite)), 403),
        (Js(make_key(organization, access="read")), 403),
        (their_js, 404),
    ):
        with pytest.raises(ApiFailed) as failed:
            program.delete("usage", stored["id"])
        assert failed.value.status == status
    assert js.find("usage", {"userId": ada["id"]})["result"] == [stored]
    assert js.find("usage", {"userId": ada["id"] + 1})["result"] == []
