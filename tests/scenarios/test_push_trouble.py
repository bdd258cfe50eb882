"""Pushes when something is in the way: Intercom fails, the tier or the connection goes, the workspace is another one,
attributes and values do not fit, records were merged, or two people do it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from startdeliver.common import clock
from startdeliver.customers import fields as custom_fields
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.engine import jobs
from startdeliver.intercom import IntercomClient
from startdeliver.simulator.testing import run_in_thread
from startdeliver.simulator.workspace import Workspace
from startdeliver.sync import connect
from startdeliver.sync.models import Connection, IntercomCompany, PushField, PushItem, PushLog, PushRun, PushSettings
from startdeliver.sync.push import choices, create, definitions, preview, record, runs, standing
from startdeliver.tenancy import operators
from tests.conftest import NOW

from .pushing import LOGIN, Out

MANY = 20  # more than the client's own attempts


def retry_at() -> Any:
    return PushSettings.objects.get().retry_at


def more(out: Out, number: int) -> None:
    """As many customers with companies and Good health as are asked for; all are linked."""
    for n in range(number):
        customer = out.customer(f"C{n}", external_id=f"c{n}")
        company = out.workspace.add_company(f"C{n}", f"c{n}")
        out.workspace.add_contact(f"P{n}", f"p{n}@x.example", companies=[company])
        out.health(customer, "good")
    link = Connection.objects.get()
    for company in out.workspace.companies.values():
        IntercomCompany.objects.get_or_create(
            organization=out.organization,
            workspace=link.workspace,
            ref=company.id,
            defaults={"customer": Customer.objects.get(external_id=company.company_id), "fingerprint": "f"},
        )


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few writes at a time, so that there is a middle."""
    given = IntercomClient.__init__.__kwdefaults__
    monkeypatch.setitem(given, "concurrency", 2)
    monkeypatch.setattr(runs, "_KEEP_EVERY", 5)
    monkeypatch.setattr(runs, "_KEEP_AFTER", 0.0)


def on_first(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, then: Callable[[], object]) -> None:
    """Does `then` after the first call of a function."""
    real, called = getattr(owner, name), []

    def wrapped(*given: Any, **more: Any) -> Any:
        result = real(*given, **more)
        if not called:
            called.append(True)
            then()
        return result

    monkeypatch.setattr(owner, name, wrapped)


class TestTriedAgain:
    """What Intercom could not take is tried again after a pause, as syncs are, not only a day later."""

    def test_a_write_that_intercom_could_not_take(self, pushed: Out, naps: list[float]) -> None:
        acme = Customer.objects.get()
        pushed.intercom.faults.fail_next("500", path="/companies/*", method="PUT", times=MANY)
        pushed.health(acme, "good")
        with clock.frozen(NOW):
            run = pushed.push()
            assert run.failed == 1
            assert PushItem.objects.get().reason == "transient"
            assert retry_at() == NOW + timedelta(minutes=15)
        pushed.intercom.faults.clear()
        assert runs.start_due(NOW + timedelta(minutes=14)) == 0
        assert runs.start_due(NOW + timedelta(minutes=16)) == 1
        assert runs.start_due(NOW + timedelta(minutes=16)) == 0
        jobs.run_inline()
        assert PushRun.objects.latest("pk").trigger == "retry"
        assert pushed.company()["startdeliver_usage_health"] == "Good"
        assert not PushItem.objects.exists()
        assert (retry_at(), PushSettings.objects.get().retries) == (None, 0)

    def test_the_pause_grows(self, pushed: Out, naps: list[float]) -> None:
        assert [runs.retry_delay(n) // timedelta(minutes=1) for n in range(1, 8)] == [15, 30, 60, 120, 240, 240, 240]
        pushed.intercom.faults.fail_next("500", path="/companies/*", method="PUT", times=10 * MANY)
        pushed.health(Customer.objects.get(), "good")
        for minutes in (15, 30, 60):
            with clock.frozen(NOW):
                pushed.push()
                assert retry_at() == NOW + timedelta(minutes=minutes)

    def test_a_push_that_failed_as_a_whole(self, pushed: Out, naps: list[float]) -> None:
        pushed.intercom.faults.fail_next("503", path="/data_attributes", times=MANY)
        pushed.tick("company.usage_health", "company.assessment")
        pushed.accept()
        with clock.frozen(NOW):
            pushed.push(expect=PushRun.Status.FAILED)
            assert retry_at() == NOW + timedelta(minutes=15)

    def test_not_what_a_person_must_mend(self, pushed: Out) -> None:
        pushed.intercom.access.kill_tokens()
        pushed.health(Customer.objects.get(), "good")
        pushed.push(expect=PushRun.Status.FAILED)
        assert retry_at() is None

    def test_a_retry_leaves_alone_what_waits_for_a_person(self, pushed: Out) -> None:
        pushed.set(field_rules={"user.email": {"rule": "startdeliver"}})
        pushed.workspace.add_contact("Rival", "taken@acme.example")
        CustomerUser.objects.update(email="taken@acme.example")
        pushed.push()
        assert PushItem.objects.get().reason == "conflict"
        pushed.intercom.log.clear()
        runs._enqueue(pushed.organization, PushRun.Trigger.RETRY)
        jobs.run_inline()
        assert pushed.writes() == []
        assert PushItem.objects.get().reason == "conflict", "it is listed still"
        pushed.push()
        assert len(pushed.writes()) == 1, "the next ordinary push tries it"

    def test_one_that_is_asked_for_while_another_runs_follows_it(self, pushed: Out) -> None:
        """A sync ended while a push was at work that may be past what the sync changed."""
        running = jobs.claim_here(runs._enqueue(pushed.organization, PushRun.Trigger.SYNC))
        assert running is not None
        pushed.health(Customer.objects.get(), "fair")
        runs._enqueue(pushed.organization, PushRun.Trigger.SYNC)
        assert jobs.run_inline() == [], "it waits for the end of the first"
        jobs.store().settle(running, jobs.Outcome(jobs.Status.DONE))
        jobs.run_inline()
        assert pushed.company()["startdeliver_usage_health"] == "Fair"


class TestTheTierGoes:
    def test_before_the_worker_takes_the_push(self, pushed: Out) -> None:
        pushed.health(Customer.objects.get(), "good")
        runs.request(pushed.organization)
        operators.set_advanced(pushed.organization, False, "olga")
        jobs.run_inline()
        assert pushed.writes() == []

    def test_before_a_retry(self, pushed: Out, naps: list[float]) -> None:
        pushed.intercom.faults.fail_next("500", path="/companies/*", method="PUT", times=MANY)
        pushed.health(Customer.objects.get(), "good")
        pushed.push()
        operators.set_advanced(pushed.organization, False, "olga")
        pushed.intercom.faults.clear()
        pushed.intercom.log.clear()
        runs.start_due(clock.now() + timedelta(hours=1))
        jobs.run_inline()
        assert pushed.writes() == []

    def test_while_values_are_written(self, pushed: Out, narrow: None, monkeypatch: pytest.MonkeyPatch) -> None:
        more(pushed, 40)
        on_first(monkeypatch, record, "keep", lambda: operators.set_advanced(pushed.organization, False, "olga"))
        pushed.intercom.faults.latency("/companies/*", 20)
        run = pushed.push(expect=PushRun.Status.FAILED)
        assert "locked during this push" in run.error
        assert 0 < len(pushed.writes()) < 40
        operators.set_advanced(pushed.organization, True, "olga")
        pushed.push()
        puts = Counter(path for method, path in pushed.writes() if method == "PUT")
        assert set(puts.values()) == {1}
        assert len(puts) == 40

    def test_while_attributes_are_made(self, out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
        out.unlock()
        out.accept()
        on_first(monkeypatch, definitions, "make", lambda: operators.set_advanced(out.organization, False, "olga"))
        out.push(expect=PushRun.Status.FAILED)
        assert len(out.workspace.attributes) == 1

    def test_while_contacts_are_made(self, pushed: Out, monkeypatch: pytest.MonkeyPatch) -> None:
        for n in range(5):
            pushed.user(f"new{n}@new.example")
        keys = [f"{one.model}.{one.source}" for one in PushField.objects.filter(ticked=True)]
        pushed.tick(*keys, create_contacts=True)
        monkeypatch.setattr(create, "_BATCH", 1)
        on_first(monkeypatch, create, "_contacts", lambda: operators.set_advanced(pushed.organization, False, "olga"))
        pushed.push(expect=PushRun.Status.FAILED)
        assert len(pushed.workspace.contacts) == 2

    def test_a_locked_tier_previews_no_attributes(self, pushed: Out) -> None:
        operators.set_advanced(pushed.organization, False, "olga")
        found = preview.preview(pushed.organization, pushed.connection)
        assert (found.keys, found.definitions) == ([], [])


class TestTheConnectionGoes:
    @pytest.fixture
    def slow(self, pushed: Out, narrow: None) -> Out:
        more(pushed, 40)
        pushed.intercom.faults.latency("/companies/*", 20)
        return pushed

    def test_it_is_revoked_in_the_middle(self, slow: Out, monkeypatch: pytest.MonkeyPatch) -> None:
        # Intercom cannot be told, so its token lives on: nothing but our own look stops the push.
        slow.intercom.faults.fail_next("500", path="/auth/uninstall", times=MANY)
        on_first(monkeypatch, record, "keep", lambda: connect.revoke(slow.organization))
        run = slow.push(expect=PushRun.Status.FAILED)
        assert "revoked or changed during this push" in run.error
        assert 0 < len([path for method, path in slow.writes() if method == "PUT"]) < 40

    def test_the_token_dies_in_the_middle(self, slow: Out, monkeypatch: pytest.MonkeyPatch) -> None:
        on_first(monkeypatch, record, "keep", slow.intercom.access.kill_tokens)
        run = slow.push(expect=PushRun.Status.FAILED)
        assert "no longer accepts the access token" in run.error
        slow.intercom.access.revive_tokens()
        slow.push()
        updated = Counter(one.item_id for one in slow.workspace.changes if one.topic == "company.updated")
        for one in slow.workspace.companies.values():
            assert one.custom_attributes["startdeliver_usage_health"] in ("Good", "Poor")
        assert max(updated[one.id] for one in slow.workspace.companies.values() if one.company_id != "acme") == 1

    def test_another_workspace_needs_a_new_preview(self, pushed: Out, settings: Any) -> None:
        """What was accepted was to be written to the first workspace."""
        connect.revoke(pushed.organization)
        with run_in_thread(Workspace(id_code="other1")) as other:
            settings.CONFIG = replace(settings.CONFIG, intercom_api_url=other.url, intercom_app_url=other.url)
            company = other.workspace.add_company("Acme", "acme")
            other.workspace.add_contact("Ann", "ann@acme.example", companies=[company])
            connect.connect_token(pushed.organization, other.token)
            connect.save_settings(pushed.organization, workspace="other1", eu=False, create_contacts=False, start=False)
            pushed.sync(messages=False)
            assert not other.workspace.attributes
            assert company.custom_attributes == {}
            assert [one.ticked for one in PushField.objects.filter(model="company", source="usage_health")] == [True]
            pushed.accept()
            pushed.push()
            assert company.custom_attributes["startdeliver_usage_health"] == "Poor"

    def test_the_same_workspace_goes_on(self, pushed: Out) -> None:
        connect.revoke(pushed.organization)
        pushed.intercom.access.revive_tokens()
        connect.connect_token(pushed.organization, pushed.intercom.token)
        connect.save_settings(
            pushed.organization, workspace=pushed.workspace.id_code, eu=False, create_contacts=False, start=False
        )
        pushed.health(Customer.objects.get(), "good")
        pushed.intercom.log.clear()
        pushed.sync(messages=False)
        assert pushed.company()["startdeliver_usage_health"] == "Good"
        assert len([path for method, path in pushed.writes() if method == "PUT"]) == 1

    def test_another_region_changes_the_links_only(self, pushed: Out) -> None:
        pushed.set(region="EU")
        (place,) = standing.places(Customer.objects.get())
        assert place.link.startswith("https://app.eu.intercom.com/a/apps/")
        assert pushed.push().requests == 0

    def test_disconnecting_deletes_the_log_and_the_consent(self, pushed: Out) -> None:
        connect.disconnect_and_delete(pushed.organization)
        assert not PushLog.objects.exists()
        assert not PushField.objects.filter(accepted_at__isnull=False).exists()
        assert PushSettings.objects.get().accepted_at is None


class TestAttributesThatDoNotFit:
    def test_one_of_another_type(self, out: Out) -> None:
        out.workspace.define_attribute("company", "startdeliver_usage_health", "integer")
        out.unlock()
        out.accept()
        out.health(Customer.objects.get(), "poor")
        run = out.push()
        assert run.failed == 1
        field = PushField.objects.get(model="company", source="usage_health")
        assert "with the type integer" in field.problem
        assert "startdeliver_link" in out.company()
        # Another name helps, without another preview: what it is, was accepted.
        keys = [f"{one.model}.{one.source}" for one in PushField.objects.filter(ticked=True)]
        out.tick(*keys, names={"company.usage_health": "sd_usage"})
        out.push()
        assert out.company()["sd_usage"] == "Poor"

    def test_all_250_are_used(self, out: Out) -> None:
        for n in range(250):
            out.workspace.define_attribute("contact" if n % 2 else "company", f"theirs_{n}")
        out.unlock()
        out.accept()
        found = preview.preview(out.organization, out.connection)
        assert {one.action for one in found.definitions} == {"refused"}
        assert (found.companies, found.contacts) == (0, 0)
        run = out.push()
        assert (run.defined, run.failed, run.written) == (0, 5, 0)
        assert all("all are used" in one.problem for one in PushField.objects.filter(ticked=True))
        one = next(iter(out.workspace.attributes.values()))
        out.workspace.archive_attribute(one.id)
        assert out.push().defined == 1

    def test_a_plan_that_allows_fewer(self, out: Out) -> None:
        out.workspace.custom_data_limit = 2
        out.unlock()
        out.accept()
        out.health(Customer.objects.get(), "poor")
        run = out.push()
        assert (run.defined, run.failed) == (2, 3)
        assert out.company() == {"startdeliver_usage_health": "Poor"}

    def test_one_that_intercom_cannot_make_just_then(self, out: Out, naps: list[float]) -> None:
        """Errors on making one are known (intercom-node#391); the others must not wait for it."""
        out.intercom.faults.fail_next("500", path="/data_attributes", method="POST", times=1)
        out.unlock()
        out.accept()
        out.health(Customer.objects.get(), "poor")
        out.intercom.faults.clear()
        out.intercom.faults.fail_next("500", path="/data_attributes", method="POST", times=1)
        run = out.push()
        assert run.defined + run.failed == 5
        out.push()
        assert out.company()["startdeliver_usage_health"] == "Poor"
        assert len(out.workspace.attributes) == 5

    def test_one_that_was_deleted_there_is_made_again_soon(self, pushed: Out) -> None:
        known = next(one for one in pushed.workspace.attributes.values() if one.name == "startdeliver_usage_health")
        del pushed.workspace.attributes[known.id]
        pushed.health(Customer.objects.get(), "good")
        run = pushed.push()
        assert run.failed == 1
        assert runs.start_due(clock.now() + timedelta(minutes=16)) == 1
        jobs.run_inline()
        assert pushed.company()["startdeliver_usage_health"] == "Good"

    def test_a_refusal_that_names_nothing_keeps_no_other_value_from_its_place(self, pushed: Out) -> None:
        acme = Customer.objects.get()
        pushed.health(acme, "good")
        Customer.objects.update(last_login_at=LOGIN + timedelta(days=1))
        body = {"type": "error.list", "errors": [{"code": "parameter_invalid", "message": "Something is wrong"}]}
        for after in (0, 1):
            pushed.intercom.faults.fail_next(
                "answer", path="/companies/*", method="PUT", status=400, body=body, after=after
            )
        run = pushed.push()
        assert (run.written, run.failed) == (1, 1)
        assert PushItem.objects.get().sentence.startswith("Intercom refused startdeliver_")
        pushed.push()
        assert pushed.company()["startdeliver_usage_health"] == "Good"
        assert pushed.company()["startdeliver_last_login_at"] == int((LOGIN + timedelta(days=1)).timestamp())


class TestFieldsHere:
    def field(self, out: Out, name: str, kind: str, **more: Any) -> Any:
        return custom_fields.field_create(
            organization=out.organization, by="ada", entity="customer", name=name, type=kind, **more
        )

    def goes(self, out: Out, *fields: Any, **values: Any) -> None:
        Customer.objects.update(custom={one.alias: values[one.name] for one in fields})
        out.tick("company.usage_health", *(f"company.{one.alias}" for one in fields))
        out.accept()
        out.push()

    def test_archived_and_restored(self, pushed: Out) -> None:
        note = self.field(pushed, "Note", "text")
        self.goes(pushed, note, Note="one")
        custom_fields.field_archive(field=note, by="ada")
        pushed.intercom.log.clear()
        pushed.push()
        assert pushed.writes() == []
        assert pushed.company()["startdeliver_note"] == "one"
        with pytest.raises(choices.ChoiceError, match="belongs to a field that is archived here"):
            pushed.tick("company.link", names={"contact.link": "Startdeliver_Note"})
        custom_fields.field_restore(field=note, by="ada")
        Customer.objects.update(custom={note.alias: "two"})
        pushed.push()
        assert pushed.company()["startdeliver_note"] == "two"

    def test_renamed(self, pushed: Out) -> None:
        note = self.field(pushed, "Note", "text")
        self.goes(pushed, note, Note="one")
        custom_fields.field_update(field=note, by="ada", name="Remark")
        assert pushed.push().requests == 0
        Customer.objects.update(custom={note.alias: "two"})
        pushed.push()
        assert pushed.company()["startdeliver_note"] == "two"

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("x" * 10_000, "x" * 254 + "…"),
            ("ü" * 300, "ü" * 254 + "…"),
            ("🙂" * 300, "🙂" * 254 + "…"),
            ("日本語 \u202e עברית", "日本語 \u202e עברית"),
            ("  spaces  ", "spaces"),
            ("line\nline\ttab", "line\nline\ttab"),
            ("'; DROP TABLE x; --", "'; DROP TABLE x; --"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("\u0000", None),
        ],
    )
    def test_texts(self, pushed: Out, given: str, expected: str | None) -> None:
        note = self.field(pushed, "Note", "text")
        self.goes(pushed, note, Note="before")
        if "\x00" in given:
            given = ""  # no database column of ours holds it
        Customer.objects.update(custom={note.alias: given})
        pushed.push()
        assert pushed.company().get("startdeliver_note") == expected
        assert pushed.push().requests == 0

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (12, 12),
            (12.5, 12.5),
            (-0.1, -0.1),
            (0, 0),
            (2**53 - 1, 2**53 - 1),
            (0.1 + 0.2, 0.1 + 0.2),
            (1e-300, 1e-300),
            # No two programs agree about these.
            (1e300, None),
            (2**60, None),
            ("NaN", None),
            ("Infinity", None),
            ("-inf", None),
            ("twelve", None),
        ],
    )
    def test_numbers(self, pushed: Out, given: Any, expected: Any) -> None:
        seats = self.field(pushed, "Seats", "number")
        self.goes(pushed, seats, Seats=1)
        Customer.objects.update(custom={seats.alias: given})
        pushed.push()
        assert pushed.company().get("startdeliver_seats") == expected
        assert pushed.push().requests == 0


class TestRecordsThere:
    def test_merged_into_one_that_is_linked_itself(self, pushed: Out) -> None:
        contact = pushed.contact()
        bo = pushed.user("bo@acme.example", Customer.objects.get(), external_id="bo")
        survivor = pushed.workspace.add_contact("Bo", "bo@acme.example", external_id="bo")
        pushed.sync(messages=False)
        CustomerUser.objects.update(last_login_at=LOGIN)
        pushed.push()
        pushed.workspace.merge_contacts(contact.id, survivor.id)
        CustomerUser.objects.exclude(pk=bo.pk).update(last_login_at=LOGIN + timedelta(days=9))
        pushed.push()
        item = PushItem.objects.get()
        assert item.reason == "gone"
        assert "was merged into another one" in item.sentence
        there = pushed.workspace.contact(survivor.id).custom_attributes
        assert there["startdeliver_contact_last_login_at"] == int(LOGIN.timestamp()), "it keeps its own user's"
        pushed.sync(messages=False)
        assert not PushItem.objects.exists(), "the sync notes the merge"

    def test_a_company_that_no_list_shows_is_linked_and_not_overwritten(self, pushed: Out) -> None:
        """One without contacts is invisible, and POST /companies would change its name."""
        hidden = pushed.workspace.add_company("Their own name for it", "new")
        new = pushed.customer("New", external_id="new")
        pushed.health(new, "good")
        keys = [f"{one.model}.{one.source}" for one in PushField.objects.filter(ticked=True)]
        pushed.tick(*keys, create_companies=True)
        pushed.push()
        assert hidden.name == "Their own name for it"
        assert ("POST", "/companies") not in pushed.writes()
        assert hidden.custom_attributes["startdeliver_usage_health"] == "Good"
        assert pushed.push().requests == 0

    def test_one_refusal_in_a_hundred(self, pushed: Out) -> None:
        more(pushed, 100)
        pushed.intercom.faults.fail_next(
            "answer",
            path="/companies/*",
            method="PUT",
            after=50,
            status=404,
            body={"type": "error.list", "errors": [{"code": "company_not_found", "message": "Company Not Found"}]},
        )
        run = pushed.push()
        assert (run.planned, run.written, run.failed) == (100, 99, 1)
        assert pushed.push().written == 1
