"""Creating, changing, replacing and archiving, as the published client does."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.models import Ticket
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.api.jsclient import ApiFailed, Js

AT = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


def test_save_without_an_id_creates_and_answers_the_bare_object(js: Js, scoped: Organization, csm: Member) -> None:
    made = js.save(
        "customer",
        {"name": "Nordlys", "externalId": "n-1", "domain": "nordlys.no", "arr": 1200.5, "csmId": csm.pk},
    )
    stored = Customer.objects.get(pk=made["id"])
    assert (stored.name, stored.external_id, stored.domain, float(stored.arr or 0)) == (
        "Nordlys",
        "n-1",
        "nordlys.no",
        1200.5,
    )
    assert stored.csm_id == csm.pk
    assert made == js.get("customer", made["id"])
    assert made["updatedBy"] == "API key Test key"
    assert stored.field_sources["arr"]["source"] == "api"


def test_save_sends_back_the_whole_object_with_read_only_fields(js: Js, scoped: Organization) -> None:
    js.save("customer", {"name": "Nordlys"})
    read = js.find_one("customer", {"name": "Nordlys"})
    read |= {"plan": "Pro", "supportHealth": "poor", "createdAt": "1999-01-01T00:00:00Z", "$history": {"now": {}}}
    saved = js.save("customer", read)
    assert saved["plan"] == "Pro"
    assert saved["supportHealth"] is None
    assert saved["createdAt"] != "1999-01-01T00:00:00Z"
    assert saved["id"] == read["id"]


def test_an_unchanged_value_is_not_judged_again(js: Js, scoped: Organization, csm: Member) -> None:
    # As the sync may have stored it, and with a CSM who has been archived since.
    customer = Customer.objects.create(organization=scoped, name="Ask", domain="not a domain", csm=csm)
    Member.objects.filter(pk=csm.pk).update(archived_at=AT)
    saved = js.save("customer", {**js.get("customer", customer.pk), "plan": "Pro"})
    assert (saved["plan"], saved["domain"], saved["csmId"]) == ("Pro", "not a domain", csm.pk)


def test_saving_what_was_read_changes_nothing(js: Js, scoped: Organization) -> None:
    with clock.frozen(AT):
        made = js.save("customer", {"name": "Nordlys", "renewalDate": "2027-01-31"})
    assert js.save("customer", made) == made


def test_patch_changes_only_what_is_sent_and_replace_clears_the_rest(js: Js, scoped: Organization) -> None:
    made = js.save("customer", {"name": "Nordlys", "plan": "Pro", "size": 10})
    patched = js.call("PATCH", f"customer/{made['id']}", {"size": 20})
    assert (patched["name"], patched["plan"], patched["size"]) == ("Nordlys", "Pro", 20)
    replaced = js.replace("customer", {"id": made["id"], "name": "Nordlys AS"})
    assert (replaced["name"], replaced["plan"], replaced["size"]) == ("Nordlys AS", "", None)
    with pytest.raises(ApiFailed) as failed:
        js.replace("customer", {"id": made["id"], "plan": "Pro"})
    assert (failed.value.status, failed.value.error["field"]) == (400, "name")


def test_delete_archives_and_keeps_tickets(js: Js, scoped: Organization) -> None:
    made = js.save("customer", {"name": "Nordlys"})
    Ticket.objects.create(
        organization=scoped, external_id="1", customer_id=made["id"], created_at=AT, updated_at=AT, clock_from=AT
    )
    gone = js.delete("customer", made)
    assert gone["archived"] is True
    assert js.find("customer")["result"] == []
    assert js.get("customer", made["id"])["archivedAt"] is not None
    assert Ticket.objects.get().customer_id == made["id"]
    js.delete("customer", made["id"])


def test_users_are_created_changed_and_archived(js: Js, scoped: Organization) -> None:
    customer = js.save("customer", {"name": "Nordlys"})
    user = js.save("user", {"name": "Ada", "email": "Ada@Nordlys.no", "customerId": customer["id"]})
    assert js.find_one("user", {"email": "ada@nordlys.NO"})["id"] == user["id"]
    assert js.find("user", {"customerId": customer["id"], "email": "*@nordlys.no"})["result"][0]["id"] == user["id"]
    assert js.save("user", {**user, "isStakeholder": True})["isStakeholder"] is True
    assert js.save("user", {**user, "customerId": None})["customerId"] is None
    js.delete("user", user["id"])
    assert js.find("user")["result"] == []
    assert CustomerUser.objects.get().archived_at is not None


def test_two_users_may_share_an_e_mail_address(js: Js, scoped: Organization) -> None:
    for name in ("Ada", "Bo"):
        js.save("user", {"name": name, "email": "team@nordlys.no"})
    assert len(js.find("user", {"email": "team@nordlys.no"})["result"]) == 2


@pytest.mark.parametrize("entity", ["customer", "user"])
def test_a_taken_external_id_is_409(js: Js, scoped: Organization, entity: str) -> None:
    js.save(entity, {"name": "First", "externalId": "x"})
    second = js.save(entity, {"name": "Second"})
    for attempt in ({"name": "Third", "externalId": "x"}, {**second, "externalId": "x"}):
        with pytest.raises(ApiFailed) as failed:
            js.save(entity, attempt)
        assert (failed.value.status, failed.value.error["field"]) == (409, "externalId")
    assert len(js.find(entity)["result"]) == 2


def test_the_same_external_id_in_another_organization_is_free(
    js: Js, their_js: Js, other_organization: Organization
) -> None:
    for program in (js, their_js):
        program.save("customer", {"name": "First", "externalId": "x"})
    with organization_scope(other_organization):
        assert Customer.objects.filter(external_id="x").count() == 1


@pytest.mark.parametrize(
    ("entity", "body", "field"),
    [
        ("customer", {}, "name"),
        ("customer", {"name": None}, "name"),
        ("customer", {"name": "  "}, "name"),
        ("customer", {"name": 5}, "name"),
        ("customer", {"name": "x" * 256}, "name"),
        ("customer", {"name": "nul\0"}, "name"),
        ("customer", {"name": "A", "arr": "12"}, "arr"),
        ("customer", {"name": "A", "arr": True}, "arr"),
        ("customer", {"name": "A", "arr": -1}, "arr"),
        ("customer", {"name": "A", "arr": 10**14}, "arr"),
        ("customer", {"name": "A", "arr": 10**40}, "arr"),
        ("customer", {"name": "A", "arr": 1.005}, "arr"),
        ("customer", {"name": "A", "size": 1.5}, "size"),
        ("customer", {"name": "A", "size": 2**31}, "size"),
        ("customer", {"name": "A", "csmId": 999_999}, "csmId"),
        ("customer", {"name": "A", "csmId": 2**62}, "csmId"),
        ("customer", {"name": "A", "renewalDate": "tomorrow"}, "renewalDate"),
        ("customer", {"name": "A", "renewalDate": "0001-01-01"}, "renewalDate"),
        ("customer", {"name": "A", "domain": "no domain"}, "domain"),
        ("customer", {"name": "A", "colour": "red"}, "colour"),
        ("user", {"email": "nobody"}, "email"),
        ("user", {}, "email"),
        ("user", {"name": "A", "customerId": 999_999}, "customerId"),
        ("user", {"name": "A", "isStakeholder": "yes"}, "isStakeholder"),
        ("user", {"name": "A", "isStakeholder": None}, "isStakeholder"),
    ],
)
def test_a_wrong_value_is_400_with_the_field(
    js: Js, scoped: Organization, entity: str, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.save(entity, body)
    assert (failed.value.status, failed.value.error.get("field")) == (400, field)
    assert failed.value.error["message"]
    assert js.find(entity)["result"] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"5",
        b"[" * 200_000,
        b'{"name": ' + b"[" * 100_000,
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b'{"size": ' + b"9" * 5_000 + b', "name": "A"}',
        b'{"name": NaN}',
        b'{"arr": 1e999, "name": "A"}',
        b"a=1&b=2",
    ],
)
@pytest.mark.parametrize("address", ["customer", "login"])
def test_a_body_that_is_no_object_is_400(js: Js, address: str, raw: bytes) -> None:
    response = js.http.post(
        f"/api/v1/{address}", raw, content_type="application/json", headers={"Authorization": js.key or ""}
    )
    assert response.status_code == 400, response.content[:300]
    assert response.json()["error"]["message"]


def test_a_body_over_ten_megabytes_is_413(js: Js) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.save("customer", {"name": "x" * (10 * 1024 * 1024)})
    assert (failed.value.status, failed.value.error["code"]) == (413, "too_large")


def test_a_body_in_chunks_is_read_to_its_end_and_no_further(js: Js, scoped: Organization) -> None:
    def send(body: bytes) -> int:
        # As gunicorn hands over a chunked request: no length, and an input that ends by itself.
        answer = js.http.generic(
            "POST",
            "/api/v1/customer",
            content_type="application/json",
            headers={"Authorization": js.key or "", "Transfer-Encoding": "chunked"},
            **{"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True},
        )
        return answer.status_code

    assert send(b'{"name": "In chunks"}') == 201
    assert send(b'{"name": "' + b"x" * (10 * 1024 * 1024) + b'"}') == 413
    assert [row["name"] for row in js.find("customer")["result"]] == ["In chunks"]


def test_who_may_write(
    organization: Organization,
    make_key: Callable[..., str],
    administrator: Member,
    csm: Member,
    lite: Member,
    js: Js,
) -> None:
    pk = js.save("customer", {"name": "Nordlys"})["id"]
    may = [Js(make_key(organization, member=administrator)), Js(make_key(organization, member=csm))]
    may_not = [
        Js(make_key(organization, access="read")),
        Js(make_key(organization, member=lite)),
        Js(make_key(organization, access="read", member=administrator)),
    ]
    for number, program in enumerate(may):
        assert program.save("customer", {"id": pk, "plan": f"P{number}"})["updatedBy"].endswith("@acme.test")
    for program in may_not:
        assert program.get("customer", pk)["plan"] == "P1"
        for attempt in (
            lambda p: p.save("customer", {"name": "B"}),
            lambda p: p.save("customer", {"id": pk, "plan": "no"}),
            lambda p: p.replace("customer", {"id": pk, "name": "no"}),
            lambda p: p.delete("customer", pk),
            lambda p: p.call("PATCH", "healthrule/support", {"daysUntilOverdue": 1}),
        ):
            with pytest.raises(ApiFailed) as failed:
                attempt(program)
            assert failed.value.status == 403
    assert js.get("customer", pk)["plan"] == "P1"
