"""The tickets list, one ticket, the note about freshness, and Settings → Health rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from startdeliver.common import clock
from startdeliver.support.models import SupportHealth, SupportRule, Thread
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub


@pytest.fixture
def hub(organization: Organization, frozen_now: datetime) -> Hub:
    return Hub(organization, frozen_now)


def thread(hub: Hub, pk: int, *entries: dict[str, object]) -> None:
    with organization_scope(hub.organization):
        Thread.objects.create(organization=hub.organization, ticket_id=pk, entries=json.dumps(entries))


def entry(number: int, kind: str = "message", **values: object) -> dict[str, object]:
    return {
        "id": str(number),
        "kind": kind,
        "type": "comment",
        "at": 1_790_000_000 + number,
        "by": {"kind": "user", "name": "Jane"},
        "html": f"<p>Text {number}</p>",
        **values,
    }


def test_the_filters_show_what_they_say(main: Client, hub: Hub) -> None:
    acorn = hub.customer("Acorn")
    hub.ticket(acorn, title="Fresh one", days=1)
    hub.ticket(acorn, title="Old one", days=8)
    hub.ticket(acorn, title="Done one", days=30, status="resolved", resolved_at=hub.now)
    hub.ticket(None, title="Nobody's one", days=1)
    for show, titles in (
        ("open", {"Fresh one", "Old one", "Nobody&#x27;s one"}),
        ("overdue", {"Old one"}),
        ("resolved", {"Done one"}),
        ("unassigned", {"Nobody&#x27;s one"}),
    ):
        page = main.get("/tickets", {"show": show}).content.decode()
        seen = {title for title in ("Fresh one", "Old one", "Done one", "Nobody&#x27;s one") if title in page}
        assert seen == titles, show


def test_an_empty_list_tells_an_administrator_to_connect(
    signed_in: Callable[[Member], Client], administrator: Member, main: Client
) -> None:
    assert "Connect Intercom" in signed_in(administrator).get("/tickets").content.decode()
    assert 'href="/apps/intercom"' not in main.get("/tickets").content.decode()


def test_tickets_of_others_are_out_of_reach(
    main: Client, other_organization: Organization, frozen_now: datetime
) -> None:
    theirs = Hub(other_organization, frozen_now).ticket(None, title="Secret")
    assert main.get(f"/tickets/{theirs.pk}").status_code == 404
    assert "Secret" not in main.get("/tickets").content.decode()


def test_a_thread_shows_sides_notes_and_events(main: Client, hub: Hub) -> None:
    ticket = hub.ticket(hub.customer(), link="https://app.intercom.com/a/inbox/w/inbox/conversation/9")
    thread(
        hub,
        ticket.pk,
        entry(1),
        entry(2, by={"kind": "team", "name": "Grace"}),
        entry(3, "note", by={"kind": "team", "name": "Alan"}),
        entry(4, "event", type="close", by={"kind": "team", "name": "Grace"}, html=""),
        entry(5, redacted=True, html=""),
    )
    page = main.get(f"/tickets/{ticket.pk}").content.decode()
    for words in ("message-in", "message-out", "Internal note", "Grace closed the conversation", "removed in Intercom"):
        assert words in page
    assert 'href="https://app.intercom.com/a/inbox/w/inbox/conversation/9"' in page


def test_a_long_thread_folds_in_the_middle_and_unfolds(main: Client, hub: Hub) -> None:
    ticket = hub.ticket(hub.customer())
    thread(hub, ticket.pk, *(entry(number) for number in range(60)))
    page = main.get(f"/tickets/{ticket.pk}").content.decode()
    assert "Text 0<" in page
    assert "Text 30<" not in page
    assert "Show 40 more entries" in page
    assert "Text 30<" in main.get(f"/tickets/{ticket.pk}?all=1").content.decode()


def test_withheld_parts_are_said(main: Client, hub: Hub) -> None:
    ticket = hub.ticket(hub.customer(), incomplete=True, part_count=620, stored_part_count=500)
    assert "120 older parts" in main.get(f"/tickets/{ticket.pk}").content.decode()


def test_after_revoking_tickets_say_that_they_are_not_synced(main: Client, hub: Hub) -> None:
    ticket = hub.ticket(hub.customer())
    with organization_scope(hub.organization):
        Connection.objects.create(organization=hub.organization, status="revoked", workspace=ticket.workspace)
    for path in ("/tickets", f"/tickets/{ticket.pk}"):
        assert "not synced any more" in main.get(path).content.decode()


def test_after_26_hours_without_a_run_tickets_are_dated(main: Client, hub: Hub) -> None:
    ticket = hub.ticket(hub.customer())
    with organization_scope(hub.organization):
        Connection.objects.create(
            organization=hub.organization,
            status="authenticated",
            workspace=ticket.workspace,
            saved_at=hub.now - timedelta(days=3),
            last_success_at=hub.now - timedelta(hours=26, minutes=1),
        )
    assert "01 Nov 2026, 09:59 UTC" in main.get(f"/tickets/{ticket.pk}").content.decode()
    with organization_scope(hub.organization):
        Connection.objects.update(last_success_at=hub.now - timedelta(hours=26))
    assert "out of date" not in main.get(f"/tickets/{ticket.pk}").content.decode()


def test_the_rule_is_for_administrators_and_applies_at_once(
    main: Client, signed_in: Callable[[Member], Client], administrator: Member, hub: Hub
) -> None:
    acorn = hub.customer()
    hub.ticket(acorn, days=5)
    admin = signed_in(administrator)
    assert main.get("/settings/health").status_code == 403
    assert main.post("/settings/health", {"days": "4", "poor": "1"}).status_code == 403
    assert admin.post("/settings/health", {"days": "4", "poor": "1"}).status_code == 302
    with organization_scope(hub.organization):
        assert SupportHealth.objects.get(customer=acorn).status == "poor"
    admin.post("/settings/health", {"days": "9", "poor": "1"})
    with organization_scope(hub.organization):
        assert SupportHealth.objects.get(customer=acorn).status == "good"


@pytest.mark.parametrize(("days", "poor"), [("0", "3"), ("x", "3"), ("", "3"), ("7", "0"), ("3651", "1"), ("1.5", "1")])
def test_wrong_numbers_are_refused_in_words(
    signed_in: Callable[[Member], Client], administrator: Member, organization: Organization, days: str, poor: str
) -> None:
    page = signed_in(administrator).post("/settings/health", {"days": days, "poor": poor})
    assert page.status_code == 422
    assert "Enter a" in page.content.decode()
    with organization_scope(organization):
        assert not SupportRule.objects.exclude(days_until_overdue=7).exists()


def test_the_clock_alone_moves_a_ticket_into_overdue(main: Client, hub: Hub) -> None:
    hub.ticket(hub.customer(), title="Slow one", days=6.99999)
    assert "Slow one" not in main.get("/tickets?show=overdue").content.decode()
    with clock.frozen(hub.now + timedelta(seconds=1)):
        assert "Slow one" in main.get("/tickets?show=overdue").content.decode()
