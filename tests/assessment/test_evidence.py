"""Evidence: facts as a person would check them by hand, and hashes that move only when something happened."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from startdeliver.assessment.evidence.collect import collect
from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.assessment.reader import process, readings
from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support import health
from startdeliver.support.models import Thread, Ticket
from startdeliver.tenancy.models import Organization
from tests.support.factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")


def evidence(customer: Customer) -> Evidence:
    return next(iter(collect(customer.organization, [customer.pk])))


def say(ticket: Ticket, *said: tuple[float, str], by: str = "user") -> None:
    """Messages of a ticket: (days ago, text)."""
    entries = [
        {"id": str(number), "kind": "message", "at": (NOW - days(ago)).timestamp(), "by": {"kind": by}, "html": text}
        for number, (ago, text) in enumerate(said)
    ]
    Thread.objects.update_or_create(
        ticket=ticket, organization=ticket.organization, defaults={"entries": json.dumps(entries)}
    )
    Ticket.objects.filter(pk=ticket.pk).update(messages_read_at=clock.now())


def test_nothing_stored_is_no_fact(scoped: Organization) -> None:
    assert evidence(make_customer()).facts == ()


def test_support_facts(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(20), title="Export broken")
    make_ticket(customer, NOW - days(4), title="Question", waiting_since=NOW - days(4))
    make_ticket(make_customer("Sunday"), NOW - days(2), waiting_since=NOW - days(2))
    make_ticket(customer, NOW - days(60), resolved=NOW - days(50), rating=2, rated_at=NOW - days(50), reopen_count=1)
    found = evidence(customer)
    assert found.get("support.open") == 2
    assert found.get("support.overdue") == 1
    assert found.by_id["support.overdue"].at == "2026-10-13"
    assert found.get("support.tickets") == {"recent": 2, "before": 1, "all": 3}
    assert found.get("support.rating") == {"mean": 2.0, "count": 1}
    assert found.get("support.reopened") == 1
    assert found.get("support.waiting")["count"] == 1
    assert [fact.value["title"] for fact in found.starting("ticket.")] == ["Export broken", "Question"]


def test_a_day_is_no_news_but_a_week_of_silence_and_an_overdue_ticket_are(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(4), last_contact_reply_at=NOW - days(4))
    first = evidence(customer).hash
    with clock.frozen(NOW + timedelta(hours=20)):
        assert evidence(customer).hash == first
    with clock.frozen(NOW + days(3)):
        overdue = evidence(customer).hash
        assert overdue != first
    with clock.frozen(NOW + days(11)):
        assert evidence(customer).hash != overdue


def test_resolution_against_the_customers_own_past(scoped: Organization) -> None:
    customer = make_customer()
    for ago in (100, 110, 120):
        make_ticket(customer, NOW - days(ago), resolved=NOW - days(ago - 1))
    for ago in (12, 20):
        make_ticket(customer, NOW - days(ago), resolved=NOW - days(ago - 6))
    assert evidence(customer).get("support.resolution") == {"recent": 6 * 86400, "before": 86400}


def test_tones_are_read_once_and_quoted(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = make_customer()
    ticket = make_ticket(customer, NOW - days(3), title="Invoice")
    say(ticket, (3, "<p>You charged us twice and nobody answers. Unacceptable!</p>"), (2, "<p>We will cancel.</p>"))
    assert readings.read_due(scoped) == {customer.pk}
    found = evidence(customer)
    assert found.get("tone.recent") == {"messages": 2, "negative": 1, "positive": 0, "since": 0, "over": 0}
    assert found.starting("churn.")[0].quote == "We will cancel."
    assert found.starting("churn.")[0].link == f"/tickets/{ticket.pk}"
    assert readings.read_due(scoped) == set()

    read: list[str] = []
    real = process.reader.tones
    monkeypatch.setattr(process.reader, "tones", lambda texts: read.extend(texts) or real(texts))
    with clock.frozen(NOW + days(1)):
        say(
            ticket,
            (3, "<p>You charged us twice and nobody answers. Unacceptable!</p>"),
            (2, "<p>We will cancel.</p>"),
            (0, "<p>Thank you, all solved.</p>"),
        )
        readings.read_due(scoped)
    assert [text for text in read if "twice" in text or "cancel" in text] == []
    assert "Thank you, all solved." in read


def test_what_the_team_writes_has_no_tone(scoped: Organization) -> None:
    customer = make_customer()
    ticket = make_ticket(customer, NOW - days(3))
    say(ticket, (3, "<p>This is terrible.</p>"), by="team")
    readings.read_due(scoped)
    assert evidence(customer).get("tone.recent") is None


def test_an_unread_language_is_said_and_not_judged(scoped: Organization) -> None:
    customer = make_customer()
    ticket = make_ticket(customer, NOW - days(3))
    say(ticket, (3, "<p>Emme ole tyytyväisiä, tämä ei ole hyvä mutta kiitos.</p>"))
    readings.read_due(scoped)
    found = evidence(customer)
    assert found.get("tone.unknown") == 1
    assert found.get("tone.recent") is None
    assert found.starting("quote.") == []


def test_people_who_left_and_who_went_quiet(scoped: Organization) -> None:
    customer = make_customer()
    for name, fields in {
        "Ana Silva": {"has_left_at": NOW - days(10)},
        "Bo Chen": {"last_login_at": NOW - days(45)},
        "Cleo Park": {"last_login_at": NOW - days(1)},
    }.items():
        CustomerUser.objects.create(organization=scoped, customer=customer, name=name, is_stakeholder=True, **fields)
    found = evidence(customer)
    assert [fact.value["name"] for fact in found.starting("people.left.")] == ["Ana Silva"]
    assert [fact.value["name"] for fact in found.starting("people.quiet.")] == ["Bo Chen"]


def test_contract_facts(scoped: Organization) -> None:
    customer = make_customer()
    Customer.objects.filter(pk=customer.pk).update(arr=48000, renewal_date=(NOW + days(45)).date())
    found = evidence(customer)
    assert found.by_id["commercial.arr"].text == "ARR is EUR 48,000."
    assert found.by_id["commercial.renewal"].text == "The contract renews on 17 December 2026, in 6 weeks."


def test_many_customers_cost_as_many_statements_as_one(scoped: Organization, django_assert_num_queries: object) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    customers = [make_customer(f"Customer {number}") for number in range(30)]
    for customer in customers:
        make_ticket(customer, NOW - days(9))
    health.recompute(scoped)
    with CaptureQueriesContext(
        connection,
    ) as one:
        list(collect(scoped, [customers[0].pk]))
    with CaptureQueriesContext(connection) as many:
        assert len(list(collect(scoped, [customer.pk for customer in customers]))) == 30
    assert len(many) == len(one)


def test_other_organizations_are_never_read(scoped: Organization, other_organization: Organization) -> None:
    from django_scopes import scope

    with scope(organization=other_organization):
        theirs = Customer.objects.create(organization=other_organization, name="Theirs")
    assert list(collect(scoped, [theirs.pk])) == []
