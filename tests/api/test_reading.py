"""Finding and reading records, as the published client asks."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Q

from startdeliver.api import auth
from startdeliver.api.entities.customer import CUSTOMER
from startdeliver.api.entity import Context, Field
from startdeliver.api.query import ListQuery
from startdeliver.api.reading import page
from startdeliver.assessment.models import Assessment, LatestAssessment
from startdeliver.common import clock
from startdeliver.common.values import Text
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support import health
from startdeliver.support.models import Thread, Ticket, TicketParticipant
from startdeliver.sync.models import Connection, Skip, SyncRun
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.api.jsclient import ApiFailed, Js

AT = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


def ticket(organization: Organization, number: int, **facts: object) -> Ticket:
    values = {"created_at": AT, "updated_at": AT, "clock_from": AT} | facts
    return Ticket.objects.create(organization=organization, workspace="w1", external_id=str(number), **values)


def test_a_single_answer_is_the_bare_customer(js: Js, scoped: Organization, csm: Member) -> None:
    customer = Customer.objects.create(
        organization=scoped,
        name="Nordlys",
        external_id="n-1",
        arr=Decimal("12000.50"),
        renewal_date=date(2027, 3, 1),
        csm=csm,
        created_at=AT,
    )
    answer = js.get("customer", customer.pk)
    assert answer["id"] == customer.pk
    assert answer["name"] == "Nordlys"
    assert answer["externalId"] == "n-1"
    assert answer["arr"] == 12000.5
    assert answer["renewalDate"] == "2027-03-01"
    assert answer["createdAt"] == "2026-10-01T08:00:00Z"
    assert (answer["csmId"], answer["csmEmail"]) == (csm.pk, csm.email)
    assert answer["supportHealth"] is None
    assert answer["usageHealth"] is None
    assert answer["archived"] is False


def test_find_answers_result_and_knows_filter_limit_offset_sort(js: Js, scoped: Organization) -> None:
    for name in ("Ask", "Embla", "Bure", "Bor"):
        Customer.objects.create(organization=scoped, name=name)
    found = js.find("customer", {"name": "B*", "sort": "-name", "limit": 1, "offset": 1})
    assert [row["name"] for row in found["result"]] == ["Bor"]
    assert len(js.find("customer")["result"]) == 4


def test_find_one_gives_the_object_or_null(js: Js, scoped: Organization) -> None:
    Customer.objects.create(organization=scoped, name="Ask")
    assert js.find_one("customer", {"name": "Ask"})["name"] == "Ask"
    assert js.find_one("customer", {"name": "Nobody"}) is None


def test_find_all_pages_until_a_page_is_shorter(js: Js, scoped: Organization) -> None:
    Customer.objects.bulk_create(Customer(organization=scoped, name=f"C{number}") for number in range(1203))
    rows = js.find_all("customer", {"sort": "name"})
    assert len({row["id"] for row in rows}) == len(rows) == 1203


def test_a_long_query_comes_as_an_overridden_post(js: Js, scoped: Organization) -> None:
    customer = Customer.objects.create(organization=scoped, name="Ask")
    ids = [customer.pk, *range(10_000, 12_000)]
    assert [row["name"] for row in js.find("customer", {"id": ids})["result"]] == ["Ask"]


def test_history_and_the_like_are_accepted(js: Js, scoped: Organization) -> None:
    customer = Customer.objects.create(organization=scoped, name="Ask")
    asked = {"filter": {"id": [customer.pk]}, "limit": 1, "history": "2026-01-01"}
    assert js.find("customer", asked)["result"][0]["id"] == customer.pk
    assert js.find("customer", {"flat": True, "report": 1, "expand": ["csm"], "limit": 0})["result"] == []


def test_plain_parameters_filter_too(js: Js, scoped: Organization) -> None:
    for name, size in (("Ask", 5), ("Embla", 50), ("Bure", None)):
        Customer.objects.create(organization=scoped, name=name, size=size)

    def names(text: str) -> list[str]:
        return [row["name"] for row in js.call("GET", f"customer?{text}&sort=name")["result"]]

    assert names("name=Ask&name=Bure") == ["Ask", "Bure"]
    assert names("size>=10") == ["Embla"]
    assert names("size<=10") == ["Ask"]
    assert names("size!=5") == ["Bure", "Embla"]
    assert names("size=null") == ["Bure"]
    assert names("archived=false&limit=2") == ["Ask", "Bure"]


def test_archived_customers_are_in_a_list_only_when_asked_for(js: Js, scoped: Organization) -> None:
    Customer.objects.create(organization=scoped, name="Here")
    gone = Customer.objects.create(organization=scoped, name="Gone", archived_at=AT)
    assert [row["name"] for row in js.find("customer")["result"]] == ["Here"]
    assert [row["name"] for row in js.find("customer", {"archived": True})["result"]] == ["Gone"]
    assert len(js.find("customer", {"archived": [True, False]})["result"]) == 2
    assert js.get("customer", gone.pk)["archived"] is True


def test_a_ticket_carries_its_messages_only_when_read_alone(js: Js, scoped: Organization) -> None:
    customer = Customer.objects.create(organization=scoped, name="Ask")
    user = CustomerUser.objects.create(organization=scoped, name="Ada", email="ada@ask.test", customer=customer)
    one = ticket(scoped, 71, title="Cannot log in", customer=customer, message_count=2, part_count=3)
    for ref, who in (("c1", user), ("c2", None)):
        TicketParticipant.objects.create(organization=scoped, ticket=one, contact_ref=ref, user=who)
    entries = [
        {
            "id": "p1",
            "kind": "message",
            "type": "comment",
            "at": 1790841600,
            "by": {"kind": "user", "id": "c1", "name": "Ada", "email": "ada@ask.test"},
            "html": "<p>It says &lt;no&gt;.</p><p>Help<br>me</p>",
            "files": [{"name": "shot.png", "type": "image/png", "size": 3}],
        },
        {"id": "p2", "kind": "note", "type": "note", "at": 1790841700, "html": "<p>look</p>"},
        {"id": "p3", "kind": "event", "type": "close", "at": 1790841800, "by": {"kind": "team", "id": "9"}},
    ]
    Thread.objects.create(organization=scoped, ticket=one, entries=json.dumps(entries))

    listed = js.find("ticket")["result"][0]
    assert "messages" not in listed
    assert (listed["externalId"], listed["customerId"], listed["userIds"]) == ("71", customer.pk, [user.pk])
    first, note, event = js.get("ticket", one.pk)["messages"]
    assert first["text"] == "It says <no>.\nHelp\nme"
    assert first["createdAt"] == "2026-10-01T08:00:00Z"
    assert first["author"] == {"kind": "user", "id": "c1", "name": "Ada", "email": "ada@ask.test"}
    assert first["attachments"][0]["name"] == "shot.png"
    assert (note["kind"], event["kind"], event["html"]) == ("note", "event", "")
    assert [row["id"] for row in js.find("ticket", {"userIds": user.pk})["result"]] == [one.pk]
    assert js.find("ticket", {"userIds": [user.pk + 1]})["result"] == []


def test_overdue_and_health_follow_the_clock_without_a_sync(js: Js, scoped: Organization) -> None:
    customer = Customer.objects.create(organization=scoped, name="Ask")
    ticket(scoped, 1, customer=customer)
    ticket(scoped, 2, customer=customer, status="resolved", resolved_at=AT)
    with clock.frozen(AT):
        health.recompute(scoped)
    with clock.frozen(AT + timedelta(days=7) - timedelta(seconds=1)):
        assert js.get("customer", customer.pk)["supportHealth"] == "good"
        assert js.find("ticket", {"overdue": True})["result"] == []
    with clock.frozen(AT + timedelta(days=7)):
        assert [row["supportHealth"] for row in js.find("customer", {"supportHealth": ["fair", "poor"]})["result"]] == [
            "fair"
        ]
        assert [row["externalId"] for row in js.find("ticket", {"overdue": True})["result"]] == ["1"]
        assert [row["overdue"] for row in js.find("ticket", {"sort": "externalId"})["result"]] == [True, False]
        assert [row["externalId"] for row in js.find("ticket", {"overdue": {"ne": True}})["result"]] == ["2"]


def test_customers_without_data_are_found_by_null_and_sort_last(js: Js, scoped: Organization) -> None:
    for name, tickets in (("None", 0), ("Poor", 3), ("Good", 0)):
        customer = Customer.objects.create(organization=scoped, name=name)
        for number in range(tickets):
            ticket(scoped, number, customer=customer)
        if name == "Good":
            ticket(scoped, 99, customer=customer, status="resolved")
    health.recompute(scoped)
    assert [row["name"] for row in js.find("customer", {"supportHealth": None})["result"]] == ["None"]
    by_health = js.find("customer", {"sort": ["supportHealth"]})["result"]
    assert [row["name"] for row in by_health] == ["Poor", "Good", "None"]
    assert {row["name"] for row in js.find("customer", {"supportHealth": {"ne": "poor"}})["result"]} == {"None", "Good"}


def test_skips_leave_the_list_when_their_ticket_arrived(js: Js, scoped: Organization) -> None:
    facts = {"organization": scoped, "workspace": "w1", "contact_ref": "c9", "reason": "no_user", "first_seen_at": AT}
    Skip.objects.create(external_id="5", **facts)
    Skip.objects.create(external_id="6", resolved_at=AT, **facts)
    (open_one,) = js.find("skip")["result"]
    assert (open_one["externalId"], open_one["contactId"], open_one["reason"]) == ("5", "c9", "no_user")
    assert (open_one["firstSeenAt"], open_one["resolvedAt"]) == ("2026-10-01T08:00:00Z", None)
    assert [row["externalId"] for row in js.find("skip", {"resolvedAt": {"ne": None}})["result"]] == ["6"]


def test_a_sync_run_shows_its_counts(js: Js, scoped: Organization) -> None:
    connection = Connection.objects.create(organization=scoped)
    run = SyncRun.objects.create(
        organization=scoped,
        connection=connection,
        trigger="cli",
        status="success",
        started_at=AT,
        finished_at=AT,
        listed=10,
        imported=6,
        updated=1,
        unchanged=2,
        skipped={"no_user": 1},
        requests=4,
    )
    answer = js.get("syncrun", run.pk)
    assert {name: answer[name] for name in ("listed", "imported", "updated", "unchanged", "deleted", "requests")} == {
        "listed": 10,
        "imported": 6,
        "updated": 1,
        "unchanged": 2,
        "deleted": 0,
        "requests": 4,
    }
    assert answer["skipped"] == {"no_user": 1}
    assert answer["error"] is None
    assert answer["status"] == "success"


@pytest.mark.parametrize("address", ["customer/0", "customer/99999999999999999999999", "ticket/5"])
def test_what_is_not_there_is_404(js: Js, address: str) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.call("GET", address)
    assert failed.value.status == 404


@pytest.mark.parametrize(
    "address", ["", "nothing", "customer/", "customer/abc", "customer/1/2", "customer/-1", "field/1%0A"]
)
def test_unknown_addresses_are_404_in_json(js: Js, address: str) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.call("GET", address)
    assert failed.value.status == 404
    assert failed.value.error["code"] == "not_found"


def test_unknown_methods_are_405_in_json(js: Js) -> None:
    for method, address in (("DELETE", "customer"), ("POST", "ticket"), ("PATCH", "ticket/1"), ("PUT", "me")):
        with pytest.raises(ApiFailed) as failed:
            js.call(method, address, {})
        assert failed.value.status == 405
        assert failed.value.response["Allow"]


def test_one_organizations_scope_does_not_leak_into_the_next_request(
    js: Js, their_js: Js, organization: Organization, other_organization: Organization
) -> None:
    for owner, name in ((organization, "Ours"), (other_organization, "Theirs")):
        with organization_scope(owner):
            Customer.objects.create(organization=owner, name=name)
    for _ in range(2):
        assert [row["name"] for row in js.find("customer")["result"]] == ["Ours"]
        assert [row["name"] for row in their_js.find("customer")["result"]] == ["Theirs"]


def test_an_organizations_own_fields_are_read_and_filtered_like_the_others(js: Js, scoped: Organization) -> None:
    for name, tier in (("Ask", "gold"), ("Embla", "tin")):
        Customer.objects.create(organization=scoped, name=name, custom={"customfieldTier": tier})
    own = Field(
        name="customfieldTier",
        kind=Text(),
        needs=("custom",),
        read=lambda row, context: row["custom"].get("customfieldTier"),
        narrow=lambda value, context: Q(custom__customfieldTier=value),
    )
    entity = dataclasses.replace(CUSTOMER, custom=lambda context: [own])
    caller = auth.caller_of(js.key or "")
    assert caller is not None
    found = page(entity, ListQuery(filter={"customfieldTier": "gold"}), Context(caller))
    assert [(row["name"], row["customfieldTier"]) for row in found] == [("Ask", "gold")]


def test_a_programs_mistakes_do_not_fill_the_log(js: Js, caplog: pytest.LogCaptureFixture) -> None:
    for address in ("customer/0", "nothing", "customer?colour=red"):
        with pytest.raises(ApiFailed):
            js.call("GET", address)
    assert caplog.records == []


def test_an_assessment_and_the_customers_status(js: Js, scoped: Organization) -> None:
    customer = Customer.objects.create(organization=scoped, name="Acorn")
    fact = {"id": "support.overdue", "value": 4, "text": "4 tickets are overdue.", "at": "", "link": "", "quote": ""}
    verdict = Assessment.objects.create(
        organization=scoped,
        customer=customer,
        status="risk",
        summary=[{"text": "4 tickets are overdue.", "facts": ["support.overdue"]}],
        action=[{"text": "Answer them.", "facts": ["support.overdue"]}],
        facts=[fact],
        evidence_hash="x",
    )
    LatestAssessment.objects.create(
        organization=scoped, customer=customer, assessment=verdict, status="risk", evidence_hash="x"
    )
    (found,) = js.find_all("assessment", {"filter": {"customerId": customer.pk}})
    assert (found["status"], found["summary"], found["action"]) == ("risk", "4 tickets are overdue.", "Answer them.")
    assert found["facts"] == [fact]
    listed = js.find_all("customer", {"filter": {"assessmentStatus": "risk"}})
    assert [one["assessmentStatus"] for one in listed] == ["risk"]
