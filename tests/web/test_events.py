"""Apps → Intercom → Advanced → Events as usage: every state of the page, and what can be decided there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.sync import events
from startdeliver.sync.events import Incoming
from startdeliver.sync.models import Connection, EventName, SyncRun, WaitingEvent
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health, services
from startdeliver.usage.models import Product, ProductUsageType, UsageEvent, UsageHealth, UsageType

HOME = "/apps/intercom/advanced/events"


@pytest.fixture
def admin(signed_in: Callable[[Member], Client], administrator: Member, settings: Any) -> Client:
    settings.CONFIG = replace(settings.CONFIG, support_contact="Olga, olga@host.test")
    return signed_in(administrator)


@pytest.fixture
def connected(organization: Organization) -> Organization:
    """The tier is unlocked, events are wanted; there is no product."""
    organization.advanced = True
    organization.save()
    with organization_scope(organization):
        link = Connection(
            organization=organization,
            status="authenticated",
            workspace="abc",
            saved_at=clock.now(),
            sync_events=True,
        )
        link.token = "t"
        link.save()
    return organization


@pytest.fixture
def counting(connected: Organization) -> Organization:
    """Boards counts board-created; Ann of Acme exported two reports, on two days, which wait."""
    with organization_scope(connected):
        kind = services.usage_type_create(
            organization=connected, by="t", values={"name": "Board made", "intercom_event_name": "board-created"}
        )
        values = {"name": "Boards", "fair_target": 1, "good_target": 2, "usage_types": [kind.pk]}
        services.product_create(organization=connected, by="t", values=values)
        acme = Customer.objects.create(organization=connected, name="Acme")
        ann = CustomerUser.objects.create(organization=connected, customer=acme, name="Ann <b>", email="a@acme.test")
        now = int(clock.now().timestamp())
        did = [Incoming(ann.pk, "report-exported", now - days * 86_400, f"e{days}") for days in (1, 2)]
        assert events.store(connected, [*did, Incoming(ann.pk, "board-created", now - 60, "e3")])[:2] == ["unknown"] * 2
    return connected


def text(client: Client, url: str = HOME) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def add(client: Client, name: str = "report-exported", target: str = "new") -> str:
    """Adds a name, and gives what the page says then."""
    answer = client.post(f"{HOME}/add", {"name": name, "target": target}, follow=True)
    return answer.content.decode()


class TestLocked:
    def test_the_part_is_visible_and_says_whom_to_ask(self, admin: Client, counting: Organization) -> None:
        Organization.objects.update(advanced=False)
        page = text(admin)
        assert "To access advanced functionality, contact Olga, olga@host.test" in page
        assert "Events as usage" in text(admin, "/apps/intercom/advanced")
        assert "report-exported" not in page
        assert f'action="{HOME}' not in page

    @pytest.mark.parametrize("part", ["switch", "add", "{type}/remove", "{name}/ignore"])
    def test_nothing_can_be_done(self, admin: Client, counting: Organization, part: str) -> None:
        Organization.objects.update(advanced=False)
        with organization_scope(counting):
            url = part.format(type=UsageType.objects.get().pk, name=EventName.objects.get(name="report-exported").pk)
        answer = admin.post(f"{HOME}/{url}", {"on": "no", "name": "report-exported", "target": "new"})
        assert answer.status_code == 403
        assert "olga@host.test" in answer.content.decode()
        with organization_scope(counting):
            assert UsageType.objects.get().intercom_event_name == "board-created"
            assert Connection.objects.get().sync_events
            assert not EventName.objects.filter(ignored_at__isnull=False).exists()


def test_only_for_administrators(main: Client, counting: Organization) -> None:
    assert main.get(HOME).status_code == 403
    for part in ("switch", "add", "1/remove", "1/ignore"):
        assert main.post(f"{HOME}/{part}").status_code == 403


def test_changes_are_posted(admin: Client, counting: Organization) -> None:
    for part in ("switch", "add", "1/remove", "1/ignore"):
        assert admin.get(f"{HOME}/{part}").status_code == 405


class TestWhatItWaitsFor:
    def test_a_product(self, admin: Client, connected: Organization) -> None:
        page = text(admin)
        assert "No product with usage types yet" in page
        assert 'href="/settings/products"' in page
        assert "it waits for a product with usage types" in page

    def test_a_product_without_usage_types_is_none(self, admin: Client, counting: Organization) -> None:
        with organization_scope(counting):
            ProductUsageType.objects.all().delete()
        assert "No product with usage types yet" in text(admin)
        assert "takes effect once a product with usage types exists" in text(admin, "/apps/intercom")

    def test_the_connection(self, admin: Client, counting: Organization) -> None:
        with organization_scope(counting):
            Connection.objects.update(saved_at=None)
        assert "Intercom is not connected" in text(admin)

    def test_the_permission(self, admin: Client, counting: Organization) -> None:
        sentence = "Events could not be read: tick <i>“Read events”</i>."
        with organization_scope(counting):
            Connection.objects.update(events_problem=sentence)
        assert "tick &lt;i&gt;“Read events”&lt;/i&gt;." in text(admin)

    def test_being_switched_on(self, admin: Client, counting: Organization) -> None:
        page = admin.post(f"{HOME}/switch", {"on": "no"}, follow=True).content.decode()
        assert "Events come in no more" in page
        assert "Events do not come in." in page
        page = admin.post(f"{HOME}/switch", {"on": "yes"}, follow=True).content.decode()
        assert "Events come in with every sync" in page


class TestNames:
    def test_unknown_ones_are_listed_with_counts_and_who_did_it(self, admin: Client, counting: Organization) -> None:
        page = text(admin)
        assert "2 events wait, the newest" in page
        assert "Ann &lt;b&gt;</a>" in page
        assert "1 event counted, the newest" in page
        assert "New usage type for Boards" in page

    def test_one_click_makes_a_usage_type_of_the_product_and_counts_what_waited(
        self, admin: Client, counting: Organization
    ) -> None:
        with organization_scope(counting):
            product = Product.objects.get()
            health.refresh(counting)
            assert UsageHealth.objects.get().status == "fair"
        page = add(admin, target=f"new:{product.pk}")
        assert "“report-exported” counts as Report exported now. 2 events that came before are counted." in page
        with organization_scope(counting):
            made = UsageType.objects.get(name="Report exported")
            assert ProductUsageType.objects.filter(product=product, usage_type=made).exists()
            assert UsageEvent.objects.filter(usage_type=made).count() == 2
            health.refresh(counting)
            assert UsageHealth.objects.get().status == "good"
        page = add(admin, target=f"new:{product.pk}")
        assert "count as Report exported already" in page, "the second click"
        with organization_scope(counting):
            assert UsageEvent.objects.count() == 3

    def test_a_usage_type_that_is_there_takes_it(self, admin: Client, counting: Organization) -> None:
        with organization_scope(counting):
            kind = services.usage_type_create(organization=counting, by="t", values={"name": "Export"})
        assert f'<option value="type:{kind.pk}">Export</option>' in text(admin)
        assert "counts as Export now" in add(admin, target=f"type:{kind.pk}")

    def test_while_switched_off_they_wait_on(self, admin: Client, counting: Organization) -> None:
        admin.post(f"{HOME}/switch", {"on": "no"})
        assert "counts as Report exported now. Usage health" in add(admin)
        with organization_scope(counting):
            assert WaitingEvent.objects.count() == 2
        assert "None counted yet; 2 more wait" in text(admin)

    def test_wrong_input_is_a_sentence(self, admin: Client, counting: Organization) -> None:
        for target in ("", "type:0", "nonsense", "new:999999"):
            add(admin, target=target)
        assert "Choose what the event counts as." in add(admin, target="")
        with organization_scope(counting):
            assert UsageType.objects.count() == 1
        assert admin.post(f"{HOME}/999999/remove").status_code == 404
        assert admin.post(f"{HOME}/999999/ignore").status_code == 404

    def test_stopping_explains_itself_and_can_be_undone(self, admin: Client, counting: Organization) -> None:
        with organization_scope(counting):
            kind = UsageType.objects.get()
        page = admin.post(f"{HOME}/{kind.pk}/remove", follow=True).content.decode()
        assert "“board-created” counts no more. What was counted stays; new events wait below." in page
        assert "No event waits" in page
        assert admin.post(f"{HOME}/{kind.pk}/remove").status_code == 302, "the second click"
        assert "counts as Board made now" in add(admin, "board-created", f"type:{kind.pk}")
        with organization_scope(counting):
            assert UsageEvent.objects.count() == 1

    def test_ignoring_and_listing_again(self, admin: Client, counting: Organization) -> None:
        with organization_scope(counting):
            pk = EventName.objects.get(name="report-exported").pk
        page = admin.post(f"{HOME}/{pk}/ignore", follow=True).content.decode()
        assert "1 ignored name" in page
        assert '<input type="hidden" name="name" value="report-exported">' not in page
        page = admin.post(f"{HOME}/{pk}/ignore", {"back": "yes"}, follow=True).content.decode()
        assert "is listed again" in page
        assert "ignored name" not in page

    def test_of_another_organization_are_not_reached(
        self, admin: Client, counting: Organization, other_organization: Organization
    ) -> None:
        with organization_scope(other_organization):
            theirs = EventName.objects.create(organization=other_organization, name="secret", waiting=3)
            kind = services.usage_type_create(
                organization=other_organization, by="t", values={"name": "T", "intercom_event_name": "x"}
            )
        assert "secret" not in text(admin)
        assert admin.post(f"{HOME}/{theirs.pk}/ignore").status_code == 404
        assert admin.post(f"{HOME}/{kind.pk}/remove").status_code == 404
        assert "no longer exists; choose another" in add(admin, target=f"type:{kind.pk}")


def test_the_last_reading_is_told(admin: Client, counting: Organization) -> None:
    assert "None yet." in text(admin)
    told = {"asked": 41, "read": 1200, "stored": 900, "known": 290, "unknown": 10, "unmatched": 7, "gone": 0}
    with organization_scope(counting):
        link = Connection.objects.get()
        times = {"organization": counting, "connection": link, "status": "success", "trigger": "cli"}
        run = SyncRun.objects.create(**times, events=told)
        SyncRun.objects.create(**times)
    page = text(admin)
    for words in ("Contacts asked", "1,200", "no user here matches them", "not counted again", f"/runs/{run.pk}"):
        assert words in page
    assert "Contacts gone" not in page
    run_page = text(admin, f"/apps/intercom/runs/{run.pk}")
    assert "1,200 read of 41 contacts" in run_page
    assert "900 events counted as usage" in text(admin, "/apps/intercom/runs")
