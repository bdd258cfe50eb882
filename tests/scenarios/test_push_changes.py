"""What goes out after a change, without waiting for the next sync."""

from __future__ import annotations

from datetime import timedelta

import pytest

from startdeliver.changes.models import Change, Stage
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.engine import jobs
from startdeliver.sync import pipeline
from startdeliver.sync.models import Connection, IntercomCompany, PushItem, PushRun, PushSettings
from startdeliver.sync.session import lock_of
from startdeliver.usage import services as usage
from startdeliver.usage.models import Goal, UsageHealth
from startdeliver.usage.rules import Rule
from tests.usage.factories import make_product, make_type

from .pushing import Out


def settle(out: Out) -> None:
    """Does what the worker would."""
    for _ in range(20):
        busy = pipeline.run(out.organization)
        if not jobs.run_inline() and not busy:
            return
    raise AssertionError("it never ends")


def test_a_usage_event_becomes_an_attribute(pushed: Out) -> None:
    settle(pushed)
    kind = make_type("report")
    make_product(Rule(Goal.USAGE_COUNT, 1, 2), kind)
    settle(pushed)
    assert pushed.company()["startdeliver_usage_health"] == "Poor"
    pushed.intercom.log.clear()
    for number in range(2):
        usage.ingest(pushed.organization, [usage.Item("ann@acme.example", kind.alias, external_id=str(number))])
    settle(pushed)
    assert UsageHealth.objects.get().status == "good"
    assert pushed.company()["startdeliver_usage_health"] == "Good"
    last = PushRun.objects.latest("pk")
    assert (last.trigger, last.status, last.failed) == ("change", "success", 0)
    assert not Change.objects.filter(stage__in=[Stage.PUSH, Stage.OUT]).exists()


@pytest.fixture
def birch(pushed: Out) -> Customer:
    """A second customer that is linked to a company, with everything pushed."""
    made = pushed.customer("Birch", external_id="birch")
    company = pushed.workspace.add_company("Birch", "birch")
    pushed.workspace.add_contact("Bo", "bo@birch.example", companies=[company])
    # Companies are read once a day.
    Connection.objects.update(swept_at=None)
    pushed.intercom.scroll.drop()
    pushed.sync(messages=False)
    settle(pushed)
    return made


def test_only_the_customers_that_changed_are_looked_at(pushed: Out, birch: Customer) -> None:
    pushed.health(birch, "fair")
    # Nobody hears of Birch.
    Change.objects.all().delete()
    pushed.health(Customer.objects.get(name="Acme"), "good")
    settle(pushed)
    companies = pushed.workspace.companies.values()
    values = {one.name: one.custom_attributes.get("startdeliver_usage_health") for one in companies}
    assert values == {"Acme": "Good", "Birch": None}


def test_nothing_goes_out_that_nobody_accepted(out: Out) -> None:
    out.unlock()
    out.health(Customer.objects.get(), "poor")
    settle(out)
    assert not PushRun.objects.exists()
    assert not Change.objects.filter(stage__in=[Stage.PUSH, Stage.OUT]).exists()


def test_nothing_goes_out_where_nothing_differs(pushed: Out) -> None:
    settle(pushed)
    runs = PushRun.objects.count()
    Customer.objects.update(plan="Large")
    settle(pushed)
    assert PushRun.objects.count() == runs


def test_changes_wait_while_a_sync_or_push_runs(pushed: Out) -> None:
    settle(pushed)
    pushed.health(Customer.objects.get(), "good")
    pipeline.run(pushed.organization)
    job = jobs.find(f"push.changes:{pushed.organization.pk}")
    assert job is not None
    assert job.lock == lock_of(pushed.organization)
    settle(pushed)
    assert pushed.company()["startdeliver_usage_health"] == "Good"


def test_a_push_after_a_change_leaves_alone_what_waits(pushed: Out, birch: Customer) -> None:
    company = IntercomCompany.objects.get(customer=birch)
    later = clock.now() + timedelta(hours=1)
    PushItem.objects.create(
        organization=pushed.organization, company=company, run=PushRun.objects.latest("pk"), label="Birch",
        before={}, after={"x": 1}, not_before=later, reason=PushItem.Reason.TRANSIENT, sentence="Busy.",
    )  # fmt: skip
    PushSettings.objects.update(retry_at=later, retries=2)
    pushed.health(Customer.objects.get(name="Acme"), "good")
    settle(pushed)
    assert PushRun.objects.latest("pk").trigger == "change"
    assert PushItem.objects.get().company == company
    kept = PushSettings.objects.get()
    assert (kept.retry_at, kept.retries) == (later, 2)
