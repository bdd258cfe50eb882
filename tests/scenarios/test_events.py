"""Events in as usage: who is asked, what counts, what waits, and that nothing is lost or counted twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from django.conf import settings
from django.db import connection as database
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.customers.values import FieldError
from startdeliver.engine import jobs
from startdeliver.intercom import wire
from startdeliver.simulator.testing import Handle
from startdeliver.storage import bulk
from startdeliver.sync import events, runs
from startdeliver.sync.connect import disconnect_and_delete
from startdeliver.sync.events import work
from startdeliver.sync.models import Connection, EventName, IntercomContact, SyncRun, WaitingEvent
from startdeliver.sync.push import choices
from startdeliver.tenancy.models import Organization
from startdeliver.usage import health, services
from startdeliver.usage.models import Product, UsageDay, UsageEvent, UsageHealth, UsageType
from tests.engine.processes import SOURCE

from .story import Story

DAY = 86_400
DEAD = "elsewhere/0.0/1/1"


class Events(Story):
    """A story about events."""

    def product(self, *event_names: str) -> Product:
        """A product whose usage types count events of these names."""
        types = [
            services.usage_type_create(
                organization=self.organization,
                by="t",
                values={"name": events.names.title(name), "intercom_event_name": name},
            )
            for name in event_names
        ] or [services.usage_type_create(organization=self.organization, by="t", values={"name": "Other"})]
        return services.product_create(
            organization=self.organization,
            by="t",
            values={"name": "Boards", "fair_target": 1, "good_target": 3, "usage_types": [one.pk for one in types]},
        )

    @property
    def now(self) -> int:
        return int(self.workspace.now())

    def did(self, contact: Any, name: str, ago: int = 100, *, seen: bool = True) -> int:
        """The contact does something, `ago` seconds before now; gives the moment."""
        at = self.now - ago
        self.workspace.add_event(contact.id, name, at=at)
        if seen:
            self.see(contact)
        return at

    def see(self, contact: Any, ago: int = 20) -> None:
        self.workspace.set_contact(contact.id, last_seen_at=self.now - ago)

    def read(self, **expect: Any) -> SyncRun:
        """One run; gives it."""
        self.intercom.log.clear()
        return self.sync(messages=False, **expect)

    def asked(self) -> list[str]:
        """The contacts that were asked for since the log was cleared, one for each page."""
        queries = [parse_qs(e.query) for e in self.intercom.log.entries if e.path == "/events"]
        return [query["intercom_user_id"][0] for query in queries]

    def usage(self) -> Counter[str]:
        """{usage type: number of events}."""
        return Counter(UsageEvent.objects.values_list("usage_type__name", flat=True))

    def waiting(self) -> dict[str, int]:
        """{name: events that wait}, by count and by rows alike."""
        rows = Counter(WaitingEvent.objects.values_list("name__name", flat=True))
        assert rows == Counter({one.name: one.waiting for one in EventName.objects.filter(waiting__gt=0)})
        return dict(rows)


@pytest.fixture
def tale(story: Story) -> Iterator[Events]:
    """Acme's Ann is linked, the tier unlocked, events are wanted; Boards counts board-created. Nothing is read."""
    tale = Events(story.organization, story.connection, story.intercom)
    tale.organization.advanced = True
    tale.organization.save()
    tale.set(sync_events=True)
    tale.product("board-created")
    tale.user("ann@acme.example", tale.customer("Acme"), name="Ann")
    tale.ann = tale.workspace.add_contact("Ann", "ann@acme.example", external_id="ann")  # type: ignore[attr-defined]
    # Ours goes along when days pass over there.
    with clock.frozen(lambda: datetime.fromtimestamp(tale.workspace.now(), UTC)):
        yield tale


def ann(tale: Events) -> Any:
    return tale.ann  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------------ what is read


def test_the_first_time_ninety_days_of_every_linked_contact_count(tale: Events) -> None:
    tale.did(ann(tale), "board-created", 89 * DAY, seen=False)
    tale.did(ann(tale), "board-created", 91 * DAY, seen=False)
    tale.did(ann(tale), "board-created", 60, seen=False)
    tale.workspace.add_contact("Nobody's", "stranger@else.example")
    run = tale.read()
    assert tale.usage() == {"Board created": 2}
    assert tale.asked() == [ann(tale).id], "only who is a user here is asked, and has never been seen"
    assert (run.events["asked"], run.events["read"], run.events["stored"]) == (1, 2, 2)
    assert UsageHealth.objects.get().status == "fair", "two days of Boards, before the run has ended"


def test_then_only_those_who_were_seen_since_are_asked(tale: Events) -> None:
    ben = tale.workspace.add_contact("Ben", "ben@acme.example")
    tale.user("ben@acme.example")
    tale.did(ann(tale), "board-created")
    tale.did(ben, "board-created")
    tale.read()
    tale.intercom.clock.advance(3600)
    tale.read()
    assert tale.asked() == [], "nobody was seen"
    tale.did(ben, "board-created")
    run = tale.read()
    assert tale.asked() == [ben.id]
    assert (run.events["read"], run.events["stored"], run.events["known"]) == (2, 1, 1)
    assert tale.usage() == {"Board created": 3}


def test_who_becomes_a_user_later_is_read_from_the_beginning(tale: Events) -> None:
    late = tale.workspace.add_contact("Late", "late@acme.example", last_seen_at=tale.now - 5 * DAY)
    tale.did(late, "board-created", 5 * DAY, seen=False)
    run = tale.read()
    assert (tale.usage(), run.events["unmatched"]) == ({}, 1)
    tale.user("late@acme.example")
    tale.read()
    assert tale.usage() == {"Board created": 1}
    assert tale.asked() == [late.id]


def test_a_request_for_each_contact_seen_and_each_further_page(tale: Events) -> None:
    people = [tale.workspace.add_contact(f"P{n}", f"p{n}@acme.example") for n in range(30)]
    for n in range(30):
        tale.user(f"p{n}@acme.example")
    base = tale.now - 1000
    for n in range(260):
        tale.workspace.add_event(people[0].id, "board-created", at=base + n)
    tale.read()
    pages = Counter(tale.asked())
    assert len(pages) == 31, "Ann too"
    assert pages.pop(people[0].id) == 6, "260 events, 50 a page"
    assert set(pages.values()) == {1}
    assert tale.usage() == {"Board created": 260}
    tale.intercom.clock.advance(2 * DAY)
    for one in people[:7]:
        tale.did(one, "board-created")
    tale.read()
    assert Counter(tale.asked()) == Counter(one.id for one in people[:7]), "what was read is not paged again"


def test_events_of_one_second_all_count_once(tale: Events) -> None:
    lead = tale.workspace.add_contact("Ann too", "ann@acme.example", role="lead")
    at = tale.did(ann(tale), "board-created")
    for name in ("report-exported", "file-imported"):
        tale.workspace.add_event(ann(tale).id, name, at=at)
    tale.workspace.add_event(lead.id, "board-created", at=at)
    tale.read()
    assert tale.usage() == {"Board created": 2}, "two contacts, one user, the same second"
    assert tale.waiting() == {"report-exported": 1, "file-imported": 1}
    # More of the very second that was read last: neither lost nor counted twice.
    tale.workspace.add_event(ann(tale).id, "board-shared", at=at)
    tale.see(ann(tale), 0)
    tale.read()
    assert tale.usage() == {"Board created": 2}
    assert tale.waiting() == {"report-exported": 1, "file-imported": 1, "board-shared": 1}


def test_an_event_without_an_id_counts_once(tale: Events) -> None:
    tale.read()
    user = CustomerUser.objects.get(email="ann@acme.example")
    at = tale.now - 10

    def kept(*ids: str | None, user: CustomerUser = user) -> list[str]:
        made = [events.incoming(wire.Event("board-created", at, id=one), user.pk) for one in ids]
        return events.store(tale.organization, [one for one in made if one])

    other = tale.user("ben@acme.example")
    assert kept(None, None) == ["stored", "known"]
    assert kept("a") == ["known"], "the same event, now with its id"
    assert kept(None, user=other) == ["stored"], "another user did it too"
    at -= 1
    assert kept("a", "b", None) == ["stored", "stored", "known"]


def test_moments_that_cannot_be_are_left_out(tale: Events) -> None:
    tale.did(ann(tale), "board-created", -30 * DAY)
    tale.workspace.add_event(ann(tale).id, "board-created", at=tale.now * 1000)
    run = tale.read()
    assert (tale.usage(), run.events["bad_time"]) == ({}, 2)


def test_an_older_event_on_the_page_that_is_read_anyhow_counts(tale: Events) -> None:
    tale.did(ann(tale), "board-created")
    tale.read()
    tale.intercom.clock.advance(DAY)
    tale.did(ann(tale), "board-created", 3 * DAY)
    tale.read()
    assert tale.usage() == {"Board created": 2}, "sent late by the customer's own system"


# -------------------------------------------------------------------------------------------------- whether it is read


@pytest.mark.parametrize("missing", ["tier", "answer", "product", "usage type"])
def test_nothing_is_asked_while_something_is_missing(tale: Events, missing: str) -> None:
    tale.did(ann(tale), "board-created")
    if missing == "tier":
        tale.organization.advanced = False
        tale.organization.save()
    elif missing == "answer":
        tale.set(sync_events=False)
    elif missing == "product":
        services.product_archive(product=Product.objects.get(), by="t")
    else:
        services.product_attach(product=Product.objects.get(), usage_types=[], by="t")
    run = tale.read()
    assert (tale.asked(), run.events, tale.usage()) == ([], {}, {})


def test_events_wait_while_the_tier_is_locked_and_nothing_is_lost_when_it_opens(tale: Events) -> None:
    tale.did(ann(tale), "report-exported")
    tale.read()
    tale.organization.advanced = False
    tale.organization.save()
    services.usage_type_create(
        organization=tale.organization, by="t", values={"name": "Export", "intercom_event_name": "report-exported"}
    )
    assert work.bring_in_all() == 0, "the worker knows the tier too"
    event = wire.Event("board-created", tale.now, id="x", intercom_user_id=ann(tale).id)
    assert events.take(tale.organization, tale.connection, event) == "off", "and so does what a webhook calls"
    tale.intercom.clock.advance(DAY)
    tale.did(ann(tale), "board-created", 50)
    tale.read()
    assert tale.usage() == {}
    tale.organization.advanced = True
    tale.organization.save()
    tale.read()
    assert tale.usage() == {"Export": 1, "Board created": 1}


def test_a_missing_permission_is_said_and_costs_nothing_else(tale: Events) -> None:
    for n in range(40):
        tale.user(f"p{n}@acme.example")
        tale.workspace.add_contact(f"P{n}", f"p{n}@acme.example")
    conversation = tale.workspace.add_conversation([ann(tale)])
    tale.did(ann(tale), "board-created")
    tale.intercom.access.drop_scope("Read events")
    run = tale.read()
    assert len(tale.asked()) == 1, "one request is enough to know"
    (warning,) = run.warnings
    assert "“Read events”" in warning
    assert Connection.objects.get().events_problem == warning
    assert tale.tickets() == {conversation.id}
    tale.intercom.access.grant_scope("Read events")
    tale.read()
    assert tale.usage() == {"Board created": 1}
    assert Connection.objects.get().events_problem == ""


def test_an_answer_that_fails_costs_the_others_nothing_and_is_asked_for_again(tale: Events, naps: list[float]) -> None:
    ben = tale.workspace.add_contact("Ben", "ben@acme.example")
    tale.user("ben@acme.example")
    tale.did(ann(tale), "board-created")
    tale.did(ben, "board-created")
    # The second contact's answer fails, however often it is tried; who that is the order of asking decides.
    tale.intercom.faults.fail_next("503", "/events", after=1, times=99)
    run = tale.read()
    assert (run.events["failed"], run.events["stored"]) == (1, 1)
    assert "The events of 1 contact could not be read" in run.warnings[0]
    missed = set(tale.asked()[1:])
    tale.intercom.faults.clear()
    tale.read()
    assert set(tale.asked()) == missed
    assert tale.usage() == {"Board created": 2}


def test_health_that_events_move_goes_out_with_the_same_run(tale: Events) -> None:
    company = tale.workspace.add_company("Acme", "acme")
    tale.workspace.attach(ann(tale).id, company.id)
    Customer.objects.update(external_id="acme")
    tale.read()
    choices.save(tale.organization, by="t", ticked=["company.usage_health"])
    choices.accept(tale.organization, "t")
    for days in range(1, 4):
        tale.did(ann(tale), "board-created", days * DAY)
    tale.intercom.clock.advance(60)
    tale.see(ann(tale), 0)
    tale.read()
    (there,) = tale.workspace.companies.values()
    assert there.custom_attributes["startdeliver_usage_health"] == "Good"


# ------------------------------------------------------------------------------------------------- names, and who waits


def type_of(name: str) -> UsageType:
    return UsageType.objects.get(intercom_event_name=name)


def test_unknown_names_wait_and_count_at_once_when_added(tale: Events) -> None:
    newest = max(tale.did(ann(tale), "report-exported", ago) for ago in (5 * DAY, 3 * DAY, 100))
    run = tale.read()
    assert (run.events["unknown"], tale.usage(), tale.waiting()) == (3, {}, {"report-exported": 3})
    (unknown,) = events.overview().unknown
    assert (unknown.example.email, unknown.last_at) == ("ann@acme.example", newest)  # type: ignore[union-attr]
    product = Product.objects.get()
    made = events.add(tale.organization, "report-exported", f"new:{product.pk}", by="ada@acme.test")
    assert (made.name, made.alias, made.updated_by) == ("Report exported", "reportExported", "ada@acme.test")
    assert events.bring_in(tale.organization) == 3
    assert (tale.usage(), tale.waiting()) == ({"Report exported": 3}, {})
    health.refresh(tale.organization)
    assert UsageHealth.objects.get().status == "good", "three days of Boards"
    assert events.overview().unknown == []
    assert events.overview().mapped[-1].met.counted == 3  # type: ignore[union-attr]
    tale.read()
    assert tale.usage() == {"Report exported": 3}, "and the next run adds nothing"


def test_a_name_that_is_given_a_type_elsewhere_counts_within_a_minute(tale: Events) -> None:
    tale.did(ann(tale), "report-exported")
    tale.read()
    other = services.usage_type_create(organization=tale.organization, by="api", values={"name": "Export"})
    assert work.bring_in_all() == 0
    services.usage_type_update(usage_type=other, by="api", values={"intercom_event_name": "report-exported"})
    with scopes_disabled():
        assert work.bring_in_all() == 1
        assert work.bring_in_all() == 0
    assert tale.usage() == {"Export": 1}


def test_the_next_run_brings_in_what_waited(tale: Events) -> None:
    tale.did(ann(tale), "report-exported")
    tale.read()
    events.add(tale.organization, "report-exported", "new", by="t")
    run = tale.read()
    assert (run.events["brought_in"], tale.usage()) == (1, {"Report exported": 1})


def test_a_name_that_moves_to_another_type_counts_nothing_twice(tale: Events) -> None:
    tale.did(ann(tale), "board-created")
    tale.read()
    assert events.remove(type_of("board-created"), by="t") == "board-created"
    tale.intercom.clock.advance(DAY)
    tale.did(ann(tale), "board-created")
    tale.read()
    assert (tale.usage(), tale.waiting()) == ({"Board created": 1}, {"board-created": 1}), "the counted one stays"
    other = services.usage_type_create(organization=tale.organization, by="t", values={"name": "Canvas"})
    events.add(tale.organization, "board-created", f"type:{other.pk}", by="t")
    tale.see(ann(tale), 0)
    tale.read()
    assert (tale.usage(), tale.waiting()) == ({"Board created": 1, "Canvas": 1}, {})
    # Read from the beginning, as after a user was matched again.
    IntercomContact.objects.update(events_read_at=None)
    run = tale.read()
    assert (run.events["known"], tale.usage()) == (2, {"Board created": 1, "Canvas": 1})


def test_an_archived_type_counts_nothing_until_it_is_back(tale: Events) -> None:
    services.usage_type_archive(usage_type=type_of("board-created"), by="t")
    services.product_attach(product=Product.objects.get(), usage_types=[tale_other(tale)], by="t")
    tale.did(ann(tale), "board-created")
    tale.read()
    assert (tale.usage(), tale.waiting()) == ({}, {"board-created": 1})
    services.usage_type_restore(usage_type=type_of("board-created"), by="t")
    assert work.bring_in_all() == 1
    assert tale.usage() == {"Board created": 1}


def tale_other(tale: Events) -> int:
    return services.usage_type_create(organization=tale.organization, by="t", values={"name": "Other"}).pk


def test_adding_over_an_archived_type_takes_the_name_from_it(tale: Events) -> None:
    services.usage_type_archive(usage_type=type_of("board-created"), by="t")
    made = events.add(tale.organization, "board-created", "new", by="t")
    assert (made.name, made.alias) == ("Board created", "boardCreated2")
    assert UsageType.objects.get(alias="boardCreated").intercom_event_name == ""


@pytest.mark.parametrize(
    ("name", "target", "sentence"),
    [
        ("board-created", "new", "count as Board created already"),
        ("x", "", "Choose what the event counts as"),
        ("x", "type:", "no longer exists"),
        ("x", "type:99999999", "no longer exists"),
        ("x", "type:²", "Choose what"),
        ("x", "new:99999999", "no longer exists"),
        ("x", "type:{taken}", "counts “board-created” already"),
        ("", "new", "Choose what"),
    ],
)
def test_what_a_name_cannot_count_as(tale: Events, name: str, target: str, sentence: str) -> None:
    with pytest.raises(FieldError, match=sentence):
        events.add(tale.organization, name, target.format(taken=type_of("board-created").pk), by="t")
    assert UsageType.objects.count() == 1


def test_ignored_names_are_offered_no_more_and_lose_nothing(tale: Events) -> None:
    tale.did(ann(tale), "report-exported")
    tale.read()
    events.ignore(EventName.objects.get().pk)
    assert (events.overview().unknown, [one.name for one in events.overview().ignored]) == ([], ["report-exported"])
    tale.intercom.clock.advance(DAY)
    tale.did(ann(tale), "report-exported")
    tale.read()
    assert tale.waiting() == {"report-exported": 2}
    events.unignore(EventName.objects.get().pk)
    events.add(tale.organization, "report-exported", "new", by="t")
    assert events.bring_in(tale.organization) == 2


def test_what_waits_is_forgotten_after_ninety_days(tale: Events) -> None:
    tale.did(ann(tale), "report-exported", 89 * DAY)
    tale.did(ann(tale), "report-exported", DAY)
    tale.read()
    assert tale.waiting() == {"report-exported": 2}
    with clock.frozen(clock.now() + timedelta(days=2)), scopes_disabled():
        assert work.prune_all() == 1
        assert work.prune_all() == 0
    assert tale.waiting() == {"report-exported": 1}
    with clock.frozen(clock.now() + timedelta(days=95)), scopes_disabled():
        assert work.prune_all() == 1
    assert events.overview().unknown == [], "nor is a name kept that nobody has used for so long"


# ----------------------------------------------------------------------------------------------- people come and merge


def test_a_merged_contact_counts_once_for_whoever_is_left(tale: Events) -> None:
    """A lead that was a user of ours, and one that nobody knew, become Ann."""
    known = tale.workspace.add_contact("Ann lead", "ann@acme.example", role="lead")
    strange = tale.workspace.add_contact("A. Lead", "a@else.example", role="lead")
    for number, who in enumerate((ann(tale), known, strange)):
        tale.did(who, "board-created", 10 * DAY + number)
    tale.read()
    assert tale.usage() == {"Board created": 2}
    tale.intercom.clock.advance(DAY)
    for who in (known, strange):
        tale.workspace.merge_contacts(who.id, ann(tale).id)
    tale.read()
    tale.read()
    assert tale.usage() == {"Board created": 3}, "the stranger's came along, the others did not count again"


def test_a_contact_that_left_or_was_merged_a_moment_ago_costs_nothing(tale: Events) -> None:
    ben = tale.workspace.add_contact("Ben", "ben@acme.example")
    cat = tale.workspace.add_contact("Cat", "cat@acme.example")
    for who in (ann(tale), ben, cat):
        tale.user(who.email or "") if who is not ann(tale) else None
        tale.did(who, "board-created")
    gone = {"type": "error.list", "errors": [{"code": "contact_merged", "message": "Contact has been merged"}]}
    tale.intercom.faults.fail_next("answer", "/events", after=1, status=410, body=gone)
    tale.intercom.faults.fail_next("answer", "/events", after=1, status=404, body={
        "type": "error.list", "errors": [{"code": "not_found", "message": "User Not Found"}]
    })  # fmt: skip
    run = tale.read()
    assert (run.events["gone"], run.events["stored"], run.warnings) == (2, 1, [])
    tale.read()
    assert tale.usage() == {"Board created": 3}, "who is there after all is asked again"


def test_who_is_matched_to_another_user_counts_once(tale: Events) -> None:
    tale.did(ann(tale), "board-created")
    tale.read()
    IntercomContact.objects.update(user=tale.user("other@acme.example"), matched_by="manual")
    tale.read()
    assert tale.asked() == [ann(tale).id], "its events may be the other user's"
    assert tale.usage() == {"Board created": 1}


def test_a_user_who_is_made_anew_gets_its_events_back(tale: Events) -> None:
    tale.did(ann(tale), "board-created")
    tale.read()
    CustomerUser.objects.get(email="ann@acme.example").delete()
    health.refresh(tale.organization)
    assert tale.usage() == {}
    tale.user("ann@acme.example")
    tale.read()
    assert tale.usage() == {"Board created": 1}


def test_disconnecting_and_deleting_takes_events_along_and_nothing_else(tale: Events) -> None:
    tale.did(ann(tale), "board-created")
    tale.did(ann(tale), "report-exported")
    tale.read()
    user = CustomerUser.objects.get(email="ann@acme.example")
    kind = type_of("board-created")
    services.store(tale.organization, [services.Event(user.pk, kind.pk, (tale.now - 9 * DAY) * 1000, "their own")])
    health.refresh(tale.organization)
    disconnect_and_delete(tale.organization)
    assert [one.external_id for one in UsageEvent.objects.all()] == ["their own"]
    assert sum(UsageDay.objects.values_list("count", flat=True)) == 1
    assert not EventName.objects.exists()
    assert not WaitingEvent.objects.exists()


# -------------------------------------------------------------------------------------------------------- one by itself


def test_one_event_by_itself_is_stored_once_whoever_comes_first(tale: Events) -> None:
    at = tale.did(ann(tale), "board-created")
    tale.workspace.add_event(ann(tale).id, "report-exported", at=at)
    tale.sync(messages=False)
    (listed,) = [one for one in tale.workspace.recent_events(ann(tale).id) if one.name == "board-created"]
    link = tale.connection

    def hook(name: str = "board-created", when: int = at, ref: str | None = listed.id, **more: Any) -> str:
        event = {"event_name": name, "created_at": when, "id": ref, **more}
        return events.take(tale.organization, link, msgspec.convert(event, wire.Event))

    here = {"intercom_user_id": ann(tale).id}
    assert hook(**here) == "known", "the run was first"
    assert hook(when=at + 5, ref="e-5", **here) == "stored"
    assert hook(when=at + 5, ref="e-5", **here) == "known"
    assert hook("file-imported", at + 6, "e-6", user_id="ann") == "unknown", "found by the external id"
    assert hook("file-imported", at + 6, "e-6", user_id="ann") == "known"
    assert hook(intercom_user_id="nobody") == "no_user"
    assert hook(email="ann@acme.example") == "no_user", "an e-mail address alone is not one contact"
    assert hook(when=at * 1000, ref="e-7", **here) == "bad_time"
    assert tale.usage() == {"Board created": 2}
    assert tale.waiting() == {"report-exported": 1, "file-imported": 1}


# -------------------------------------------------------------------------------------------------------- runs that die


@pytest.fixture
def crowd(tale: Events) -> set[int]:
    """250 contacts with two events each, and one with 600; gives all moments of board-created."""
    base = tale.now - 20_000
    for n in range(250):
        tale.user(f"p{n}@acme.example")
        contact = tale.workspace.add_contact(f"P{n}", f"p{n}@acme.example", last_seen_at=base + n)
        tale.workspace.add_event(contact.id, "board-created", at=base + n)
        tale.workspace.add_event(contact.id, "report-exported", at=base + n)
    for n in range(600):
        tale.workspace.add_event(ann(tale).id, "board-created", at=base + 1_000 + n)
    return {base + n for n in range(250)} | {base + 1_000 + n for n in range(600)}


def moments(kind: str = "Board created") -> list[int]:
    return sorted(
        at // 1000 for at in UsageEvent.objects.filter(usage_type__name=kind).values_list("timestamp", flat=True)
    )


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_run_that_is_stopped_goes_on_and_counts_everything_once(tale: Events, crowd: set[int], after: int) -> None:
    runs.request_run(tale.organization, SyncRun.Trigger.BUTTON, messages=False)
    pages = 0

    def stop(progress: dict[str, Any]) -> None:
        nonlocal pages
        pages += progress["stage"] == "events" and bool(progress["events"].get("read"))
        if pages >= after:
            raise jobs.Requeue

    assert runs.run_now(tale.organization, on_progress=stop).status == SyncRun.Status.QUEUED
    part = len(moments())
    assert 0 < part < len(crowd) or after > 2
    done = runs.run_now(tale.organization)
    assert (done.status, moments()) == ("success", sorted(crowd))
    assert tale.waiting() == {"report-exported": 250}
    health.refresh(tale.organization)
    assert sum(UsageDay.objects.values_list("count", flat=True)) == len(crowd)


def test_a_page_that_is_rolled_back_is_read_again(
    tale: Events, crowd: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database fails in the middle of a batch: after the events, before how far they were read."""
    real, calls = bulk.update, 0

    def failing(model: Any, *arguments: Any, **more: Any) -> None:
        nonlocal calls
        calls += model is IntercomContact and any(hasattr(row, "events_read_at") for row in arguments[1])
        if calls == 2:
            raise RuntimeError("the disk is full")
        real(model, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "update", failing)
        tale.read(expect="failed")
    part = len(moments())
    assert part < len(crowd)
    read = IntercomContact.objects.filter(events_read_at__isnull=False)
    assert set(moments()) >= {one.last_seen_at for one in read if one.last_seen_at}, "whom it calls read, it has read"
    tale.read()
    assert moments() == sorted(crowd)
    assert tale.waiting() == {"report-exported": 250}


_CHILD = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "child_settings"
import django
django.setup()
from startdeliver.sync import runs
from startdeliver.tenancy.models import Organization

def show(progress):
    if progress["stage"] == "events" and progress["events"].get("read", 0) >= 200:
        print("committed", flush=True)
        import time
        time.sleep(600)

organization = Organization.objects.get(pk=int(sys.argv[1]))
runs.run_now(organization, messages=False, on_progress=show)
"""


@pytest.mark.django_db(transaction=True)
def test_kill_9_in_the_middle_of_events(
    transactional_db: None, tale: Events, crowd: set[int], intercom: Handle, tmp_path: Path
) -> None:
    (tmp_path / "child_settings.py").write_text(
        textwrap.dedent(
            f"""
            from startdeliver.project.settings_test import *
            from dataclasses import replace
            from startdeliver.common.crypto import KeyRing
            from startdeliver.project import settings_test
            DATABASES["default"].update(NAME={str(database.settings_dict["NAME"])!r})
            KEY_RING = KeyRing([bytes.fromhex({settings.CONFIG.encryption_keys[0].hex()!r})])
            CONFIG = replace(settings_test.CONFIG, intercom_api_url={intercom.url!r})
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}"}
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tale.organization.pk)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "committed\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert 0 < len(moments()) < len(crowd)
    run = tale.read()
    assert (run.attempts, moments()) == (2, sorted(crowd))
    assert tale.waiting() == {"report-exported": 250}


def test_another_organization_is_not_touched(tale: Events, other_organization: Organization) -> None:
    tale.did(ann(tale), "board-created")
    tale.read()
    with scopes_disabled():
        assert not UsageEvent.objects.filter(organization=other_organization).exists()
        assert not EventName.objects.filter(organization=other_organization).exists()
