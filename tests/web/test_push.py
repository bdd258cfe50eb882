"""Apps → Intercom → Advanced: locked and unlocked, choosing, previewing, pushing, targeted messaging."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.engine import jobs
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.sync.models import (
    Connection,
    IntercomCompany,
    IntercomContact,
    PushField,
    PushLog,
    PushPreview,
    PushRun,
)
from startdeliver.sync.push import choices, create, runs
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage.models import UsageHealth

HOME = "/apps/intercom/advanced"


@pytest.fixture
def intercom(settings: Any) -> Iterator[Handle]:
    with run_in_thread() as handle:
        settings.CONFIG = replace(settings.CONFIG, intercom_api_url=handle.url, support_contact="Olga, olga@host.test")
        yield handle


@pytest.fixture
def admin(signed_in: Callable[[Member], Client], administrator: Member) -> Client:
    return signed_in(administrator)


@pytest.fixture
def connected(organization: Organization, intercom: Handle) -> Organization:
    """One customer with Poor usage health and one user, linked to a company and a contact."""
    company = intercom.workspace.add_company("Acorn", "acorn")
    contact = intercom.workspace.add_contact("Ann", "ann@acorn.test", companies=[company])
    with organization_scope(organization):
        link = Connection(
            organization=organization,
            status="authenticated",
            token_kind="token",
            workspace=intercom.workspace.id_code,
            saved_at=clock.now(),
        )
        link.token = intercom.token
        link.save()
        acorn = Customer.objects.create(organization=organization, name="Acorn")
        ann = CustomerUser.objects.create(organization=organization, customer=acorn, email="ann@acorn.test")
        UsageHealth.objects.create(organization=organization, customer=acorn, status="poor")
        ids = {"organization": organization, "workspace": link.workspace}
        IntercomCompany.objects.create(**ids, ref=company.id, customer=acorn, name="Acorn")
        IntercomContact.objects.create(**ids, ref=contact.id, user=ann, email=ann.email, email_key=ann.email)
    return organization


@pytest.fixture
def unlocked(connected: Organization) -> Organization:
    connected.advanced = True
    connected.save()
    return connected


class TestLocked:
    def test_is_visible_and_says_whom_to_ask(self, admin: Client, connected: Organization) -> None:
        page = admin.get(HOME)
        assert page.status_code == 200
        assert "contact Olga, olga@host.test" in page.content.decode()
        assert 'name="field"' not in page.content.decode()

    @pytest.mark.parametrize("part", ["save", "preview/start", "accept", "push", "tick", "audience/usage-poor"])
    def test_nothing_can_be_done(self, admin: Client, connected: Organization, part: str) -> None:
        # Otherwise the default "fill if empty" of the external id is a core field that may go out.
        with organization_scope(connected):
            Connection.objects.update(field_rules={"user.external_id": {"rule": "intercom"}})
        answer = admin.post(f"{HOME}/{part}", {"field": "company.usage_health"})
        assert answer.status_code == 403
        assert "olga@host.test" in answer.content.decode()
        with organization_scope(connected):
            assert not PushField.objects.exists()

    def test_messaging_too(self, admin: Client, connected: Organization) -> None:
        assert admin.get(f"{HOME}/messaging").status_code == 403


def test_without_a_connection_the_page_says_so_and_not_to_look_at_a_preview(
    admin: Client, unlocked: Organization
) -> None:
    assert "See the preview" in admin.get(HOME).content.decode()
    with organization_scope(unlocked):
        Connection.objects.all().delete()
    page = admin.get(HOME).content.decode()
    assert "Intercom is not connected, so nothing goes out." in page
    assert "See the preview" not in page


def test_the_log_writes_dates_as_dates(admin: Client, unlocked: Organization) -> None:
    with organization_scope(unlocked):
        PushLog.objects.create(
            organization=unlocked, model="contact", label="Ann", after={"seen_at": 1793635355}, outcome="written"
        )
    assert "no value → 2 Nov 2026, 16:02 UTC" in admin.get(f"{HOME}/log").content.decode()


def test_only_for_administrators(main: Client, unlocked: Organization) -> None:
    for part in ("", "/preview", "/preview/progress", "/push/progress", "/log", "/messaging"):
        assert main.get(HOME + part).status_code == 403
    assert main.post(f"{HOME}/push").status_code == 403


def accept(admin: Client) -> HttpResponse:
    """Makes the preview, looks at it and accepts it."""
    admin.post(f"{HOME}/preview/start")
    jobs.run_inline()
    page = admin.get(f"{HOME}/preview").content.decode()
    (number,) = re.findall(r'name="preview" value="([^"]+)"', page)
    return admin.post(f"{HOME}/accept", {"preview": number})


def test_choosing_leads_to_the_preview_and_accepting_pushes(
    admin: Client, unlocked: Organization, intercom: Handle
) -> None:
    page = admin.get(HOME).content.decode()
    assert "startdeliver_usage_health" in page
    answer = admin.post(
        f"{HOME}/save", {"field": ["company.usage_health"], "prefix": "acme_", "name.company.link": "x"}
    )
    assert answer.headers["Location"] == f"{HOME}/preview"
    assert "Waiting for a worker" in admin.get(f"{HOME}/preview").content.decode()
    jobs.run_inline()
    preview = admin.get(f"{HOME}/preview").content.decode()
    assert "acme_usage_health" in preview
    assert "no value → <strong>Poor</strong>" in preview
    assert "make 1 attribute and write to 1 company and 0 contacts: 2 writes" in preview
    assert not intercom.workspace.attributes, "a preview writes nothing"
    assert accept(admin).headers["Location"] == HOME
    jobs.run_inline()
    (company,) = intercom.workspace.companies.values()
    assert company.custom_attributes == {"acme_usage_health": "Poor"}
    assert "Usage health" in admin.get(HOME).content.decode()
    log = admin.get(f"{HOME}/log").content.decode()
    assert "Acorn" in log
    assert "no value → Poor" in log
    with organization_scope(unlocked):
        profile = admin.get(f"/customers/{Customer.objects.get().pk}?tab=details").content.decode()
    assert "In Intercom since" in profile
    assert "as acme_usage_health" in profile


def test_a_name_is_used_once(admin: Client, unlocked: Organization) -> None:
    names = {"name.company.usage_health": "health", "name.contact.usage_health": "health"}
    answer = admin.post(f"{HOME}/save", {"field": ["company.usage_health"], "prefix": "startdeliver_", **names})
    assert answer.status_code == 422
    assert "is used twice" in answer.content.decode()


def test_push_now_leads_to_the_preview_while_nothing_is_accepted(admin: Client, unlocked: Organization) -> None:
    assert admin.post(f"{HOME}/push").headers["Location"] == f"{HOME}/preview"


def test_push_now(admin: Client, unlocked: Organization) -> None:
    accept(admin)
    jobs.run_inline()
    admin.post(f"{HOME}/push")
    jobs.run_inline()
    with organization_scope(unlocked):
        assert [one.trigger for one in PushRun.objects.all()] == ["button", "button"]


class TestThePreview:
    def test_it_is_worked_out_by_a_worker_and_kept(self, admin: Client, unlocked: Organization) -> None:
        assert "Make the preview" in admin.get(f"{HOME}/preview").content.decode()
        admin.post(f"{HOME}/preview/start")
        waiting = admin.get(f"{HOME}/preview/progress")
        assert 'hx-get="/apps/intercom/advanced/preview/progress"' in waiting.content.decode()
        (job,) = jobs.run_inline()
        assert job.kind == "push-preview"
        assert admin.get(f"{HOME}/preview/progress").headers["HX-Refresh"] == "true"
        for _ in range(2):
            assert "5 attributes and write to 1 company" in admin.get(f"{HOME}/preview").content.decode()
        assert jobs.run_inline() == [], "looking at it works nothing out"

    def test_a_second_click_shows_the_one_that_is_being_worked_out(self, admin: Client, unlocked: Organization) -> None:
        for _ in range(3):
            admin.post(f"{HOME}/preview/start")
        assert len(jobs.run_inline()) == 1

    def test_one_whose_job_is_gone_is_handed_out_again(self, admin: Client, unlocked: Organization) -> None:
        admin.post(f"{HOME}/preview/start")
        for job in jobs.select(jobs.LIVE):
            jobs.cancel(job.id)
        admin.get(f"{HOME}/preview")
        assert len(jobs.run_inline()) == 1

    def test_what_was_changed_since_cannot_be_accepted(self, admin: Client, unlocked: Organization) -> None:
        """One administrator looks at a preview; another ticks one more attribute; the first accepts."""
        admin.post(f"{HOME}/preview/start")
        jobs.run_inline()
        (number,) = re.findall(r'name="preview" value="([^"]+)"', admin.get(f"{HOME}/preview").content.decode())
        with organization_scope(unlocked):
            choices.tick(unlocked, ["contact.link"], by="another")
        page = admin.get(f"{HOME}/preview").content.decode()
        assert "cannot be accepted" in page
        assert "Accept and push" not in page
        answer = admin.post(f"{HOME}/accept", {"preview": number}, follow=True)
        assert "What goes out was changed since this preview was made" in answer.content.decode()
        with organization_scope(unlocked):
            assert not PushField.objects.filter(accepted_at__isnull=False).exists()

    def test_two_administrators_accept_the_same_one(
        self, admin: Client, unlocked: Organization, intercom: Handle
    ) -> None:
        admin.post(f"{HOME}/preview/start")
        jobs.run_inline()
        (number,) = re.findall(r'name="preview" value="([^"]+)"', admin.get(f"{HOME}/preview").content.decode())
        for _ in range(2):
            admin.post(f"{HOME}/accept", {"preview": number})
        assert len(jobs.run_inline()) == 1
        assert len(intercom.log.writes()) == 6, "five attributes, one company"

    @pytest.mark.parametrize("number", ["", "x", "2020-01-01T00:00:00+00:00"])
    def test_another_one_is_not_accepted(self, admin: Client, unlocked: Organization, number: str) -> None:
        admin.post(f"{HOME}/preview/start")
        jobs.run_inline()
        answer = admin.post(f"{HOME}/accept", {"preview": number}, follow=True)
        assert "nothing was changed" in answer.content.decode()
        with organization_scope(unlocked):
            assert not PushField.objects.filter(accepted_at__isnull=False).exists()

    def test_nor_one_of_yesterday(self, admin: Client, unlocked: Organization) -> None:
        admin.post(f"{HOME}/preview/start")
        jobs.run_inline()
        with organization_scope(unlocked):
            PushPreview.objects.update(finished_at=clock.now() - timedelta(hours=25))
        assert "Accept and push" not in admin.get(f"{HOME}/preview").content.decode()

    def test_one_that_intercom_was_not_asked_for_is_not_accepted(
        self, admin: Client, unlocked: Organization, intercom: Handle
    ) -> None:
        intercom.access.kill_tokens()
        admin.post(f"{HOME}/preview/start")
        jobs.run_inline()
        page = admin.get(f"{HOME}/preview").content.decode()
        assert "no longer accepts the access token" in page
        assert "Accept and push" not in page

    def test_what_is_chosen_while_it_is_worked_out_is_in_it(
        self, admin: Client, unlocked: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        specs = runs.specs

        def meanwhile(organization: Organization, *given: Any, **more: Any) -> Any:
            asked.append(True)
            if len(asked) == 2:  # by the job; the page asked before
                choices.tick(organization, ["contact.link"], by="another")
            return specs(organization, *given, **more)

        monkeypatch.setattr(runs, "specs", meanwhile)
        admin.post(f"{HOME}/preview/start")
        jobs.run_inline()
        page = admin.get(f"{HOME}/preview").content.decode()
        assert "Accept and push" in page
        assert "startdeliver_contact_link" in page

    def test_an_error_is_said(self, admin: Client, unlocked: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        def breaks(*given: object, **more: object) -> None:
            raise ValueError("secret@acorn.test")

        monkeypatch.setattr(create, "counts", breaks)
        admin.post(f"{HOME}/preview/start")
        jobs.run_inline()
        page = admin.get(f"{HOME}/preview").content.decode()
        assert "internal error (ValueError)" in page
        assert "secret@acorn.test" not in page
        assert "Make the preview" in page


def test_a_push_shows_how_far_it_is(admin: Client, unlocked: Organization) -> None:
    accept(admin)
    waiting = admin.get(f"{HOME}/push/progress").content.decode()
    assert "Waiting for a worker" in waiting
    assert "hx-trigger" in waiting
    with organization_scope(unlocked):
        run = PushRun.objects.create(organization=unlocked, trigger="button", planned=40, written=10)
        assert "10 of 40" in admin.get(f"{HOME}/push/progress").content.decode()
        run.delete()
    jobs.run_inline()
    assert admin.get(f"{HOME}/push/progress").headers["HX-Refresh"] == "true"


def test_a_push_that_ends_while_the_page_is_made_is_on_it(
    admin: Client, unlocked: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(admin)
    ask = runs.job_of

    def and_then_a_worker_is_quick(organization: Organization) -> jobs.Job | None:
        found = ask(organization)
        jobs.run_inline()
        return found

    monkeypatch.setattr(runs, "job_of", and_then_a_worker_is_quick)
    page = admin.get(HOME).content.decode()
    assert "None yet" not in page
    assert 'hx-trigger="every 1s"' in page


def test_a_push_that_a_worker_has_just_taken_is_followed(admin: Client, unlocked: Organization) -> None:
    accept(admin)
    job = runs.job_of(unlocked)
    assert job is not None
    assert jobs.claim_here(job.id) is not None
    assert "hx-trigger" in admin.get(f"{HOME}/push/progress").content.decode()


class TestMessaging:
    def test_not_in_intercom_yet_is_not_zero(self, admin: Client, unlocked: Organization) -> None:
        page = admin.get(f"{HOME}/messaging").content.decode()
        assert "Usage health is Poor" in page
        assert "Not in Intercom yet" in page
        assert "startdeliver_contact_usage_health" in page

    def test_both_sides_are_counted(self, admin: Client, unlocked: Organization, intercom: Handle) -> None:
        answer = admin.post(f"{HOME}/tick", {"field": "contact.usage_health"})
        assert answer.headers["Location"] == f"{HOME}/preview"
        accept(admin)
        jobs.run_inline()
        card = admin.get(f"{HOME}/messaging").content.decode().split('id="usage-poor"')[1].split("</section>")[0]
        assert card.count('<span class="num">1</span>') == 2
        admin.post(f"{HOME}/audience/usage-poor")
        (audience,) = intercom.workspace.audiences.values()
        assert audience.predicates == [
            {
                "attribute": "custom_attributes.startdeliver_contact_usage_health",
                "type": "string",
                "comparison": "eq",
                "value": "Poor",
            }
        ]

    def counts(self, admin: Client, key: str = "usage-poor") -> tuple[str, ...]:
        card = admin.get(f"{HOME}/messaging").content.decode().split(f'id="{key}"')[1].split("</section>")[0]
        return tuple(re.findall(r'<span class="num">(\d+)</span>', card)) + tuple(
            re.findall(r"The counts.*?</span>", card)
        )

    def test_a_difference_is_explained(self, admin: Client, unlocked: Organization, intercom: Handle) -> None:
        admin.post(f"{HOME}/tick", {"field": "contact.usage_health"})
        accept(admin)
        jobs.run_inline()
        assert self.counts(admin) == ("1", "1")
        # Here another customer of theirs turned Poor, and no push was made since.
        with organization_scope(unlocked):
            UsageHealth.objects.update(status="good")
        here, there, why = self.counts(admin)
        assert (here, there) == ("0", "1")
        assert "1 contact had it when Intercom last confirmed their values; the next push brings the rest" in why
        with organization_scope(unlocked):
            UsageHealth.objects.update(status="poor")
        # Somebody gave it to a contact by hand who is nobody here.
        intercom.workspace.add_contact(
            "By hand", "hand@x.test", custom_attributes={"startdeliver_contact_usage_health": "Poor"}
        )
        here, there, why = self.counts(admin)
        assert (here, there) == ("1", "2")
        assert "1 contact more have it in Intercom" in why
        assert "had it when" not in why
        # And somebody took it away from ours.
        (ann,) = [one for one in intercom.workspace.contacts if one.email == "ann@acorn.test"]
        for one in list(intercom.workspace.contacts):
            intercom.workspace.set_contact(one.id, custom_attributes={"startdeliver_contact_usage_health": "Fair"})
        assert ann.custom_attributes["startdeliver_contact_usage_health"] == "Fair"
        here, there, why = self.counts(admin)
        assert (here, there) == ("1", "0")
        assert "Intercom finds 1 contact fewer than it confirmed" in why

    def test_the_rule_is_spelled_out(self, admin: Client, unlocked: Organization) -> None:
        page = admin.get(f"{HOME}/messaging").content.decode()
        card = page.split('id="usage-poor-not-at-risk"')[1].split("</section>")[0]
        rules = re.findall(r'<span class="mono">([^<]+)</span> (\w+) <strong>([^<]+)</strong>', card)
        assert rules == [
            ("startdeliver_contact_usage_health", "is", "Poor"),
            ("startdeliver_contact_at_risk", "is", "false"),
        ]

    def test_an_audience_is_made_once(self, admin: Client, unlocked: Organization, intercom: Handle) -> None:
        admin.post(f"{HOME}/tick", {"field": "contact.usage_health"})
        accept(admin)
        jobs.run_inline()
        admin.post(f"{HOME}/audience/usage-poor")
        answer = admin.post(f"{HOME}/audience/usage-poor", follow=True)
        assert "is in Intercom already" in answer.content.decode()
        assert len(intercom.workspace.audiences) == 1
        assert "no such recipe" in admin.post(f"{HOME}/audience/nonsense", follow=True).content.decode()


class TestTheProfile:
    """Where each value stands, on a customer's and a user's page."""

    @pytest.fixture
    def pushed(self, admin: Client, unlocked: Organization) -> Organization:
        with organization_scope(unlocked):
            choices.tick(unlocked, ["contact.usage_health"], by="ada")
        accept(admin)
        jobs.run_inline()
        return unlocked

    def card(self, admin: Client, organization: Organization, title: str = "Sent to Intercom") -> str:
        with organization_scope(organization):
            page = admin.get(f"/customers/{Customer.objects.get().pk}?tab=details").content.decode()
        found = page.split(f">{title}</h2>")
        return found[1].split("</section>")[0] if len(found) > 1 else ""

    def test_each_value_its_moment_and_the_company(self, admin: Client, pushed: Organization) -> None:
        card = self.card(admin, pushed)
        with organization_scope(pushed):
            company = IntercomCompany.objects.get()
        assert f"https://app.intercom.com/a/apps/{company.workspace}/companies/{company.ref}" in card
        assert "Poor" in card
        assert "In Intercom since" in card
        assert "as startdeliver_usage_health" in card

    def test_a_user_too(self, admin: Client, pushed: Organization) -> None:
        with organization_scope(pushed):
            page = admin.get(f"/users/{CustomerUser.objects.get().pk}").content.decode()
        assert "as startdeliver_contact_usage_health" in page
        assert "Intercom attributes" not in page

    def test_ours_are_not_shown_as_intercoms_own(self, admin: Client, pushed: Organization, intercom: Handle) -> None:
        with organization_scope(pushed):
            row = IntercomCompany.objects.get()
            row.facts = {"custom_attributes": {**row.facts["custom_attributes"], "their_own": "x"}}
            row.save()
        own = self.card(admin, pushed, "Intercom attributes")
        assert "their_own" in own
        assert "startdeliver_" not in own

    def test_a_change_by_hand_is_said(self, admin: Client, pushed: Organization) -> None:
        with organization_scope(pushed):
            row = IntercomCompany.objects.get()
            row.facts = {"custom_attributes": {**row.facts["custom_attributes"], "startdeliver_usage_health": "Good"}}
            row.save()
        assert "Changed in Intercom to Good" in self.card(admin, pushed)

    def test_while_it_is_locked_the_values_stay_and_say_so(self, admin: Client, pushed: Organization) -> None:
        pushed.advanced = False
        pushed.save()
        assert "goes out no more, so it stays" in self.card(admin, pushed)

    def test_what_waits_is_said(self, admin: Client, unlocked: Organization) -> None:
        accept(admin)
        assert "it goes with the next push" in self.card(admin, unlocked)

    def test_nothing_before_anything_goes_out(self, admin: Client, unlocked: Organization) -> None:
        with organization_scope(unlocked):
            Connection.objects.update(field_rules={"user.external_id": {"rule": "intercom"}})
        assert self.card(admin, unlocked) == ""
