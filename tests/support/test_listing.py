"""What pages read of tickets and health."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from startdeliver.support import health, listing
from startdeliver.support.models import Thread
from startdeliver.support.threads import thread_entries
from startdeliver.tenancy.models import Organization

from .factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")


def titles(**filters: object) -> list[str]:
    return [ticket.title for ticket in listing.tickets_list(**filters)]  # type: ignore[arg-type]


def test_filters_of_the_list(scoped: Organization) -> None:
    north, south = make_customer("North"), make_customer("South")
    make_ticket(north, NOW - days(8), title="late")
    make_ticket(south, NOW - days(1), title="fresh")
    make_ticket(north, NOW - days(20), resolved=NOW - days(2), title="done")
    make_ticket(None, NOW - days(9), title="nobody's")
    assert titles() == ["fresh", "done", "late", "nobody's"]
    assert titles(show="open") == ["fresh", "late", "nobody's"]
    assert titles(show="overdue") == ["late", "nobody's"]
    assert titles(show="resolved") == ["done"]
    assert titles(show="unassigned") == ["nobody's"]
    assert titles(customer=north) == ["done", "late"]
    assert titles(sort="waiting", show="open") == ["nobody's", "late", "fresh"]
    assert titles(sort="no such column") == titles()


def test_waiting_sorts_only_what_can_wait(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(1), created=NOW - days(9), updated_at=NOW - days(3), title="reopened")
    make_ticket(customer, NOW - days(2), updated_at=NOW - days(4), title="new")
    assert titles(sort="waiting", show="open") == ["new", "reopened"]
    assert titles(sort="waiting") == titles(sort="-updated") == ["reopened", "new"]


def test_search(scoped: Organization) -> None:
    north, south = make_customer("Northwind"), make_customer("South")
    make_ticket(north, title="Invoice is wrong", external_id="900")
    make_ticket(south, title="Question", preview="Where is my INVOICE?")
    make_ticket(south, title="Export 900")
    assert sorted(titles(search="invoice")) == ["Invoice is wrong", "Question"]
    assert titles(search=" invoice  wrong ") == ["Invoice is wrong"]
    assert titles(search="invoice northw") == ["Invoice is wrong"]
    assert titles(search="900") == ["Invoice is wrong"]  # a conversation's id is found before words are
    assert titles(search="invoice", customer=south) == ["Question"]
    assert titles(search="100%") == []


def test_a_search_looks_through_the_last_tickets(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SEARCH_DEPTH", 2)
    customer = make_customer()
    for age in (4, 3, 2, 1):
        make_ticket(customer, NOW - days(age), title=f"word {age}", external_id=f"id{age}")
    assert listing.searched_since() == NOW - days(3)
    assert titles(search="word") == ["word 1", "word 2", "word 3"]
    assert titles(search="id4") == ["word 4"]
    assert len(titles(search="word", customer=customer)) == 4
    monkeypatch.setattr(listing, "SEARCH_DEPTH", 4)
    assert listing.searched_since() is None


def test_every_row_says_whether_it_is_overdue(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(7), snoozed=True, title="snoozed and late")
    make_ticket(customer, NOW - days(6), title="fresh")
    make_ticket(customer, NOW - days(30), resolved=NOW, title="done")
    found = {ticket.title: ticket.overdue for ticket in listing.tickets_list()}
    assert found == {"snoozed and late": True, "fresh": False, "done": False}
    current = health.rule(scoped)
    assert found == {ticket.title: listing.is_overdue(ticket, current) for ticket in listing.tickets_list()}


@pytest.mark.parametrize("search", ["", "word"])
def test_counts_beside_the_filters(scoped: Organization, search: str) -> None:
    customer = make_customer()
    for number, (age, owner) in enumerate([(8, customer), (9, None), (1, customer)]):
        make_ticket(owner, NOW - days(age), title=f"word {number}")
    make_ticket(customer, NOW - days(20), resolved=NOW, title="word 4")
    expected = {"": 4, "open": 3, "overdue": 2, "resolved": 1, "unassigned": 1}
    assert listing.tickets_counts(search=search) == {show: (number, False) for show, number in expected.items()}
    assert listing.tickets_counts(search=search, customer=customer)[""] == (3, False)


def test_a_search_that_was_made_serves_the_page_and_the_counts(
    scoped: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    customer = make_customer()
    for number, owner in enumerate([customer, None, customer, None]):
        make_ticket(owner, NOW - days(9 - number), title=f"{'word' if number < 3 else 'other'} {number}")
    make_ticket(customer, NOW - days(20), resolved=NOW, title="word 4")
    found = listing.tickets_found("WORD")
    health.rule(scoped)
    for show in ("", *listing.SHOW):
        by_search = listing.tickets_page(show=show, search="WORD", size=2)
        with django_assert_num_queries(2):  # the rule and the page
            page = listing.tickets_page(show=show, found=found, size=2)
        assert (page.next, page.tickets) == (by_search.next, by_search.tickets)
    with django_assert_num_queries(0):
        counts = listing.tickets_counts(found=found)
    assert counts == listing.tickets_counts(search="word")
    assert [number for number, _ in counts.values()] == [4, 3, 3, 1, 1]


def test_counting_ends_where_the_number_says_enough(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNT_LIMIT", 2)
    for _ in range(2):
        make_ticket(None)
    assert listing.tickets_counts()[""] == (2, False)
    make_ticket(None)
    assert listing.tickets_counts()[""] == (2, True)


@pytest.mark.parametrize("sort", ["-updated", "updated", "created", "-created", "waiting", "-waiting"])
def test_pages_show_every_ticket_once_even_in_one_second(scoped: Organization, sort: str) -> None:
    customer = make_customer()
    for number in range(11):
        make_ticket(customer, NOW - timedelta(seconds=number // 4))
    seen: list[int] = []
    after, pages = "", 0
    while pages == 0 or after:
        page = listing.tickets_page(sort=sort, after=after, size=3)
        seen += [ticket.pk for ticket in page.tickets]
        after, pages = page.next, pages + 1
    assert pages == 4
    assert seen == [ticket.pk for ticket in listing.tickets_list(sort=sort)]
    assert len(set(seen)) == 11


@pytest.mark.parametrize("after", ["x", "1.", "99999999999999999999999999.1", "-5", "1.2.3"])
def test_a_damaged_place_gives_the_first_page(scoped: Organization, after: str) -> None:
    make_ticket(make_customer())
    assert len(listing.tickets_page(after=after).tickets) == 1


def test_the_thread_is_parsed_whatever_it_carries(scoped: Organization) -> None:
    ticket = make_ticket(make_customer())
    assert thread_entries(ticket) == []
    entries = [
        {
            "id": "1",
            "kind": "message",
            "type": "comment",
            "at": 1793000000,
            "by": {"kind": "user", "id": "9", "name": "Ann", "email": "ann@x.test"},
            "html": "<p>Hello</p>",
            "files": [{"name": "a.pdf", "type": "application/pdf", "size": 12}],
            "redacted": False,
            "new in the next version": True,
        },
        {"id": "2", "kind": "event", "type": "close", "at": 1793000001},
    ]
    Thread.objects.create(organization=scoped, ticket=ticket, entries=json.dumps(entries))
    first, second = thread_entries(ticket)
    assert (first.by.name, first.html, first.files[0].size) == ("Ann", "<p>Hello</p>", 12)
    assert first.moment == datetime.fromtimestamp(1793000000, UTC)
    assert (second.kind, second.by.name, second.files, second.redacted) == ("event", "", [], False)
