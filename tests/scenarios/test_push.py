"""Startdeliver's data goes to Intercom: what is written, what is not, and what happens when something goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.customers import fields as custom_fields
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.engine import jobs
from startdeliver.sync import runs as sync_runs
from startdeliver.sync.connect import disconnect_and_delete
from startdeliver.sync.models import Connection, IntercomContact, PushItem, PushLog, PushRecord, PushRun
from startdeliver.sync.push import choices, queue, runs
from startdeliver.workflows import services as workflows

from .pushing import Out

NOT_FOUND = {"type": "error.list", "errors": [{"code": "company_not_found", "message": "Company Not Found"}]}


def test_nothing_goes_out_of_itself(out: Out) -> None:
    out.sync(messages=False)
    out.unlock()
    out.sync(messages=False)
    assert out.writes() == []
    assert not out.workspace.attributes


def test_the_first_push_makes_the_attributes_and_fills_them(pushed: Out) -> None:
    acme = Customer.objects.get()
    assert pushed.company() == {
        "startdeliver_usage_health": "Poor",
        "startdeliver_last_login_at": 1790841600,
        "startdeliver_link": f"http://localhost:8000/customers/{acme.pk}",
    }
    contact = pushed.contact()
    assert contact.custom_attributes == {"startdeliver_contact_last_login_at": 1790841600}
    types = {one.name: (one.model, one.data_type, one.options) for one in pushed.workspace.attributes.values()}
    assert types == {
        "startdeliver_usage_health": ("company", "string", ["Good", "Fair", "Poor"]),
        "startdeliver_support_health": ("company", "string", ["Good", "Fair", "Poor"]),
        "startdeliver_last_login_at": ("company", "date", None),
        "startdeliver_link": ("company", "string", None),
        "startdeliver_contact_last_login_at": ("contact", "date", None),
    }
    assert all(one.description for one in pushed.workspace.attributes.values())


def test_nothing_changed_means_no_request(pushed: Out) -> None:
    run = pushed.push()
    assert (run.planned, run.written, run.requests) == (0, 0, 0)
    assert list(pushed.intercom.log.entries) == []


def test_only_what_changed_is_written(pushed: Out) -> None:
    pushed.health(Customer.objects.get(), "good")
    run = pushed.push()
    assert (run.written, run.requests) == (1, 1)
    assert pushed.company()["startdeliver_usage_health"] == "Good"
    line = PushLog.objects.filter(run=run).get()
    assert (line.before, line.after) == ({"startdeliver_usage_health": "Poor"}, {"startdeliver_usage_health": "Good"})
    assert line.outcome == "written"


def test_a_cleared_value_is_cleared_there(pushed: Out) -> None:
    acme = Customer.objects.get()
    pushed.health(acme, None)
    Customer.objects.update(last_login_at=None)
    pushed.push()
    assert {name for name, value in pushed.company().items() if value is not None} == {"startdeliver_link"}
    assert pushed.push().requests == 0


def test_a_push_follows_every_sync(pushed: Out) -> None:
    pushed.health(Customer.objects.get(), "fair")
    pushed.sync(messages=False)
    assert pushed.company()["startdeliver_usage_health"] == "Fair"
    assert PushRun.objects.latest("pk").trigger == "sync"
    before = PushRun.objects.latest("pk").pk
    pushed.sync(messages=False)
    after = PushRun.objects.latest("pk")
    assert after.pk > before
    assert after.planned == 0


def test_a_new_field_waits_for_the_preview(pushed: Out) -> None:
    pushed.tick("company.usage_health", "contact.usage_health")
    pushed.sync(messages=False)
    assert "startdeliver_contact_usage_health" not in {one.name for one in pushed.workspace.attributes.values()}
    pushed.accept()
    pushed.sync(messages=False)
    contact = pushed.contact()
    assert contact.custom_attributes["startdeliver_contact_usage_health"] == "Poor"


def test_custom_fields_of_every_type(pushed: Out) -> None:
    def field(name: str, kind: str, **more: Any) -> str:
        return custom_fields.field_create(
            organization=pushed.organization, by="ada", entity="customer", name=name, type=kind, **more
        ).alias

    values = {
        field("Note", "text"): "x" * 300,
        field("Seats", "number"): 12.5,
        field("Renews", "date"): "2027-03-31",
        field("Pilot", "boolean"): False,
        field("Tier", "dropdown", options=["Gold", "Silver"]): "Gold",
    }
    acme = Customer.objects.get()
    acme.custom = values
    acme.save()
    pushed.tick("company.usage_health", *(f"company.{alias}" for alias in values))
    pushed.accept()
    pushed.push()
    given = pushed.company()
    assert len(given["startdeliver_note"]) == 255
    assert given["startdeliver_seats"] == 12.5
    assert given["startdeliver_renews_at"] == int(datetime(2027, 3, 31, tzinfo=UTC).timestamp())
    assert given["startdeliver_pilot"] is False
    assert given["startdeliver_tier"] == "Gold"
    assert pushed.push().requests == 0
    acme.custom = {}
    acme.save()
    pushed.push()
    assert {name for name, value in pushed.company().items() if value is not None and "health" not in name} == {
        "startdeliver_last_login_at",
        "startdeliver_link",
    }


def test_locking_stops_pushes_and_keeps_data(pushed: Out) -> None:
    pushed.organization.advanced = False
    pushed.organization.save()
    pushed.health(Customer.objects.get(), "good")
    pushed.sync(messages=False)
    assert pushed.writes() == []
    assert pushed.company()["startdeliver_usage_health"] == "Poor"
    with pytest.raises(choices.Locked):
        pushed.tick("company.usage_health")


def test_changes_by_hand_are_left_alone_unless_chosen(pushed: Out) -> None:
    (company,) = pushed.workspace.companies.values()
    pushed.workspace.set_company(company.id, custom_attributes={"startdeliver_usage_health": "Good"})
    Connection.objects.update(swept_at=None)
    pushed.sync(messages=False)
    assert pushed.company()["startdeliver_usage_health"] == "Good"
    keys = [f"{one.model}.{one.source}" for one in choices.PushField.objects.filter(ticked=True)]
    pushed.tick(*keys, keep_in_line=True)
    pushed.intercom.log.clear()
    pushed.push()
    assert pushed.company()["startdeliver_usage_health"] == "Poor"
    assert pushed.writes() == [("PUT", f"/companies/{company.id}")]
    pushed.workspace.set_company(company.id, custom_attributes={"startdeliver_usage_health": "Good"})
    Connection.objects.update(swept_at=None)
    pushed.sync(messages=False)
    assert pushed.company()["startdeliver_usage_health"] == "Poor"
    pushed.intercom.log.clear()
    Connection.objects.update(swept_at=None)
    pushed.sync(messages=False)
    assert pushed.writes() == []


def test_what_was_written_is_no_change_to_the_next_scan(pushed: Out) -> None:
    """The mirror says what was written, so that the scan finds nothing new."""
    before = {one.ref: one.fingerprint for one in IntercomContact.objects.all()}
    changed = list(Customer.objects.values_list("updated_at", flat=True))
    Connection.objects.update(swept_at=None, contacts_until=None)
    pushed.sync(messages=False)
    assert {one.ref: one.fingerprint for one in IntercomContact.objects.all()} == before
    assert list(Customer.objects.values_list("updated_at", flat=True)) == changed


class TestCoreFields:
    def rules(self, out: Out, **rules: str) -> None:
        out.set(field_rules={name.replace("__", "."): {"rule": rule} for name, rule in rules.items()})

    def test_startdeliver_wins_goes_out_without_the_tier(self, out: Out) -> None:
        wins = "startdeliver"
        self.rules(out, customer__plan=wins, customer__monthly_spend=wins, user__name=wins)
        Customer.objects.update(plan="Scale", monthly_spend="99.90")
        CustomerUser.objects.update(name="Ann Ace")
        out.sync(messages=False)
        (company,) = out.workspace.companies.values()
        contact = out.contact()
        assert (company.plan, company.monthly_spend, contact.name) == ("Scale", 99, "Ann Ace")
        out.intercom.log.clear()
        for _ in range(2):
            Connection.objects.update(swept_at=None)
            out.sync(messages=False)
        assert out.writes() == []
        assert str(Customer.objects.get().monthly_spend) == "99.90"

    def test_what_is_changed_there_is_put_back(self, out: Out) -> None:
        self.rules(out, customer__plan="startdeliver")
        Customer.objects.update(plan="Scale")
        out.sync(messages=False)
        (company,) = out.workspace.companies.values()
        out.workspace.set_company(company.id, plan="Free")
        Connection.objects.update(swept_at=None)
        out.sync(messages=False)
        assert (company.plan, Customer.objects.get().plan) == ("Scale", "Scale")

    def test_what_came_in_does_not_go_out(self, out: Out) -> None:
        self.rules(out, customer__plan="fill")
        (company,) = out.workspace.companies.values()
        out.workspace.set_company(company.id, plan="Scale")
        Connection.objects.update(swept_at=None)
        out.sync(messages=False)
        assert Customer.objects.get().plan == "Scale"
        assert out.writes() == []

    def test_fill_if_empty_fills_intercom(self, out: Out) -> None:
        self.rules(out, customer__industry="fill")
        Customer.objects.update(industry="Bakery")
        out.sync(messages=False)
        (company,) = out.workspace.companies.values()
        assert company.industry == "Bakery"
        out.intercom.log.clear()
        Connection.objects.update(swept_at=None)
        out.sync(messages=False)
        assert out.writes() == []


class TestFailures:
    def test_one_that_intercom_refuses_does_not_stop_the_others(self, pushed: Out) -> None:
        other = pushed.customer("Other", external_id="other")
        company = pushed.workspace.add_company("Other", "other")
        pushed.workspace.add_contact("Bo", "bo@other.example", companies=[company])
        pushed.health(other, "good")
        Connection.objects.update(swept_at=None)
        pushed.intercom.faults.fail_next(
            "answer", path=f"/companies/{company.id}", method="PUT", status=404, body=NOT_FOUND
        )
        pushed.sync(messages=False)
        pushed.health(Customer.objects.get(name="Acme"), "good")
        item = PushItem.objects.get()
        assert item.reason == "gone"
        assert "deleted" in item.sentence
        pushed.push()
        assert not PushItem.objects.exists()
        assert company.custom_attributes["startdeliver_usage_health"] == "Good"

    def test_an_archived_contact_is_listed(self, pushed: Out) -> None:
        contact = pushed.contact()
        pushed.workspace.archive_contact(contact.id)
        CustomerUser.objects.update(last_login_at=clock.now())
        run = pushed.push()
        assert run.failed == 1
        assert PushItem.objects.get().sentence.startswith("This contact is archived or deleted in Intercom")
        pushed.sync(messages=False)
        assert not PushItem.objects.exists(), "the sync knows that it left"

    def test_a_merged_contact_is_followed(self, pushed: Out) -> None:
        contact = pushed.contact()
        survivor = pushed.workspace.add_contact("Ann A", "ann.a@acme.example")
        pushed.workspace.merge_contacts(contact.id, survivor.id)
        CustomerUser.objects.update(last_login_at=datetime(2026, 10, 5, tzinfo=UTC))
        pushed.push()
        expected = int(datetime(2026, 10, 5, tzinfo=UTC).timestamp())
        assert survivor.custom_attributes["startdeliver_contact_last_login_at"] == expected
        assert not PushItem.objects.exists()

    def test_a_conflict_leaves_the_rest_written(self, pushed: Out) -> None:
        pushed.set(field_rules={"user.email": {"rule": "startdeliver"}})
        rival = pushed.workspace.add_contact("Rival", "taken@acme.example")
        CustomerUser.objects.update(email="taken@acme.example", last_login_at=datetime(2026, 10, 5, tzinfo=UTC))
        pushed.push()
        item = PushItem.objects.get()
        assert item.reason == "conflict"
        assert rival.id in item.sentence
        assert pushed.contact().custom_attributes["startdeliver_contact_last_login_at"] == 1791158400
        log = PushLog.objects.filter(model="contact").order_by("pk")
        assert [one.outcome for one in log][-2:] == ["written", "failed"]

    def test_a_name_that_companies_have_is_refused_for_contacts(self, out: Out) -> None:
        out.workspace.define_attribute("contact", "startdeliver_usage_health")
        out.unlock()
        out.accept()
        run = out.push()
        assert run.failed == 1
        field = choices.PushField.objects.get(source="usage_health", model="company")
        assert "allows a name only once" in field.problem
        assert out.company()["startdeliver_link"]

    def test_a_dead_token_stops_with_one_sentence(self, pushed: Out) -> None:
        pushed.intercom.access.kill_tokens()
        pushed.health(Customer.objects.get(), "good")
        run = pushed.push(expect=PushRun.Status.FAILED)
        assert "no longer accepts the access token" in run.error
        pushed.intercom.access.revive_tokens()
        assert pushed.push().written == 1

    def test_an_attribute_archived_there_comes_back(self, pushed: Out) -> None:
        known = next(one for one in pushed.workspace.attributes.values() if one.name == "startdeliver_usage_health")
        pushed.workspace.archive_attribute(known.id)
        pushed.health(Customer.objects.get(), "good")
        pushed.push()
        pushed.push()
        assert not known.archived
        assert pushed.company()["startdeliver_usage_health"] == "Good"


class TestKilled:
    def more(self, out: Out, number: int) -> None:
        for n in range(number):
            customer = out.customer(f"C{n}", external_id=f"c{n}")
            company = out.workspace.add_company(f"C{n}", f"c{n}")
            out.workspace.add_contact(f"P{n}", f"p{n}@x.example", companies=[company])
            out.health(customer, "good")
        Connection.objects.update(swept_at=None)

    def test_nothing_is_written_twice_and_nothing_is_missed(self, pushed: Out, monkeypatch: pytest.MonkeyPatch) -> None:
        self.more(pushed, 40)
        keep = runs.record.keep
        kept = 0

        def dies(run: PushRun, results: Any) -> None:
            nonlocal kept
            kept += 1
            if kept > 1:
                raise SystemExit("killed: the answers are lost")
            keep(run, results)

        monkeypatch.setattr(runs, "_KEEP_EVERY", 10)
        monkeypatch.setattr(runs.record, "keep", dies)
        with pytest.raises(SystemExit):
            pushed.sync(messages=False)
        died = PushRun.objects.filter(status="failed")
        died.update(status="running", finished_at=None)
        monkeypatch.setattr(runs.record, "keep", keep)
        assert queue.unanswered(), "some were sent without a stored answer"
        pushed.push()
        puts = [path for method, path in pushed.writes() if method == "PUT"]
        assert len(puts) == len(set(puts)) == 40
        assert all(
            one.custom_attributes["startdeliver_usage_health"] in ("Good", "Poor")
            for one in pushed.workspace.companies.values()
        )
        assert PushRecord.objects.filter(company__isnull=False).count() == 41
        assert PushLog.objects.filter(outcome="confirmed").exists()
        assert pushed.push().requests == 0


def test_one_at_a_time(pushed: Out) -> None:
    assert jobs.claim_here(runs._enqueue(pushed.organization, PushRun.Trigger.SYNC)) is not None
    with pytest.raises(runs.AlreadyPushing, match="already running since"):
        runs.run_now(pushed.organization)


class TestCreating:
    def test_nobody_is_created_unless_allowed(self, pushed: Out) -> None:
        pushed.customer("New", external_id="new")
        pushed.user("new@new.example")
        pushed.sync(messages=False)
        assert len(pushed.workspace.companies) == 1
        assert len(pushed.workspace.contacts) == 1

    def test_what_is_allowed_is_created_once_and_filled(self, pushed: Out) -> None:
        new = pushed.customer("New", external_id="new")
        pushed.health(new, "good")
        user = pushed.user("new@new.example", new, name="Nils")
        pushed.customer("Without an id")
        keys = [f"{one.model}.{one.source}" for one in choices.PushField.objects.filter(ticked=True)]
        pushed.tick(*keys, create_companies=True, create_contacts=True)
        pushed.push()
        company = next(one for one in pushed.workspace.companies.values() if one.company_id == "new")
        assert (company.name, company.custom_attributes["startdeliver_usage_health"]) == ("New", "Good")
        (ref,) = IntercomContact.objects.filter(user=user).values_list("ref", flat=True)
        contact = pushed.workspace.contact(ref)
        assert (contact.name, contact.email, contact.company_ids) == ("Nils", "new@new.example", [company.id])
        assert pushed.push().requests == 0
        pushed.sync(messages=False)
        assert (len(pushed.workspace.companies), len(pushed.workspace.contacts)) == (2, 2)

    def test_a_contact_that_exists_is_linked(self, pushed: Out) -> None:
        there = pushed.workspace.add_contact("Bo", "bo@x.example")
        user = pushed.user("bo@x.example")
        keys = [f"{one.model}.{one.source}" for one in choices.PushField.objects.filter(ticked=True)]
        pushed.tick(*keys, create_contacts=True)
        pushed.push()
        assert len(pushed.workspace.contacts) == 2
        assert IntercomContact.objects.get(user=user).ref == there.id


def test_a_scheduled_sync_hands_the_push_to_a_worker(pushed: Out) -> None:
    pushed.health(Customer.objects.get(), "fair")
    sync_runs.request_run(pushed.organization, "schedule", messages=False)
    jobs.run_inline(limit=1)
    assert pushed.company()["startdeliver_usage_health"] == "Poor"
    jobs.run_inline()
    assert pushed.company()["startdeliver_usage_health"] == "Fair"


def test_no_push_follows_a_sync_that_failed(pushed: Out) -> None:
    pushed.intercom.access.drop_scope("Read conversations")
    before = PushRun.objects.count()
    pushed.sync(messages=False, expect="failed")
    assert PushRun.objects.count() == before


def test_locking_in_the_middle_stops_the_push(pushed: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = runs.record.keep

    def locks(run: PushRun, results: Any) -> None:
        keep(run, results)
        pushed.organization.advanced = False
        pushed.organization.save()

    monkeypatch.setattr(runs.record, "keep", locks)
    pushed.health(Customer.objects.get(), "good")
    run = pushed.push(expect=PushRun.Status.FAILED)
    assert "locked during this push" in run.error


def test_disconnecting_forgets_what_was_confirmed(pushed: Out) -> None:
    disconnect_and_delete(pushed.organization)
    assert not PushRecord.objects.exists()


def test_the_at_risk_workflow_and_its_name_follow_the_customer(pushed: Out) -> None:
    acme = Customer.objects.get()
    workflow = workflows.workflow_create(organization=pushed.organization, by="ada", values={"name": "At-risk"})
    pushed.tick("company.at_risk", "company.workflows", "contact.at_risk")
    pushed.accept()
    pushed.push()
    assert pushed.company()["startdeliver_at_risk"] is False
    assert pushed.company().get("startdeliver_active_workflows") is None
    workflows.enrol(workflow=workflow, customers=[acme.pk], by="ada")
    pushed.push()
    assert pushed.company()["startdeliver_at_risk"] is True
    assert pushed.company()["startdeliver_active_workflows"] == "At-risk"
    assert pushed.contact().custom_attributes["startdeliver_contact_at_risk"] is True
    workflows.leave(workflow=workflow, customers=[acme.pk], by="ada")
    pushed.push()
    assert pushed.company()["startdeliver_at_risk"] is False
    assert not pushed.company().get("startdeliver_active_workflows")
    assert pushed.push().requests == 0
