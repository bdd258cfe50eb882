"""What happens by itself: who enters and leaves when health, assessment, fields and time change."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from startdeliver.common import clock
from startdeliver.customers import custom, fields, services
from startdeliver.customers.models import Customer
from startdeliver.sync import pipeline
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.workflows import passes, reading
from startdeliver.workflows import services as workflows
from startdeliver.workflows.defaults import make_defaults
from startdeliver.workflows.models import Enrolment, Leaves, Workflow
from startdeliver.workflows.passes import Outcome
from tests.conftest import NOW
from tests.workflows.factories import change, inside, make_customer, make_workflow, stays

pytestmark = pytest.mark.usefixtures("frozen_now")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def look(organization: Organization, later: timedelta = timedelta(0)) -> Outcome:
    with clock.frozen(NOW + later):
        pipeline.record_time()
        return passes.refresh(organization)


def test_the_default_takes_who_is_at_risk_or_poor_twice(scoped: Organization) -> None:
    make_defaults(scoped)
    at_risk = Workflow.objects.get(key="at_risk")
    make_customer("Assessed", assessed="risk")
    make_customer("Poor twice", support="poor", usage="poor")
    make_customer("Poor once", support="poor", usage="fair", assessed="attention")
    make_customer("Unknown")
    assert look(scoped) == Outcome(entered=2, left=0)
    assert inside(at_risk) == {"Assessed", "Poor twice"}
    assert look(scoped) == Outcome()


def test_a_change_is_followed_and_its_reasons_have_the_values_of_then(scoped: Organization) -> None:
    acorn, workflow = make_customer("Acorn", support="good"), make_workflow()
    look(scoped)
    with clock.frozen(NOW + MINUTE):
        change(acorn, support="poor")
    look(scoped, MINUTE)
    assert inside(workflow) == {"Acorn"}
    with clock.frozen(NOW + 2 * MINUTE):
        change(acorn, support="fair")
    look(scoped, 2 * MINUTE)
    assert inside(workflow) == set()
    with clock.frozen(NOW + 3 * MINUTE):
        change(acorn, support="poor")
    look(scoped, 3 * MINUTE)
    assert stays(acorn) == [
        ("rule", "Support health is Poor.", "rule", "The rule no longer holds: support health is Fair."),
        ("rule", "Support health is Poor.", "", ""),
    ]


def test_leaving_waits_for_its_days_without_a_break(scoped: Organization) -> None:
    acorn, workflow = make_customer("Acorn", support="poor"), make_workflow(leave_after_days=7)
    look(scoped)
    change(acorn, support="good")
    look(scoped)
    with clock.frozen(NOW + 6 * DAY):
        change(acorn, support="poor")
    look(scoped, 6 * DAY)
    with clock.frozen(NOW + 8 * DAY):
        change(acorn, support="good")
    look(scoped, 8 * DAY)
    look(scoped, 15 * DAY - MINUTE)
    assert inside(workflow) == {"Acorn"}
    # Nothing changes but the time, and the day is the same as at the last look.
    look(scoped, 15 * DAY)
    assert inside(workflow) == set()
    assert stays(acorn)[0][3] == "The rule has not held for 7 days: support health is Good."


def test_who_was_enrolled_by_hand_stays(scoped: Organization) -> None:
    acorn = make_customer("Acorn", support="good")
    stays_on, leaves_too = make_workflow("One"), make_workflow("Two", hand_leaves_too=True)
    for workflow in (stays_on, leaves_too):
        workflows.enrol(workflow=workflow, customers=[acorn.pk], by="ada", reason="She called.")
    look(scoped)
    assert (inside(stays_on), inside(leaves_too)) == ({"Acorn"}, set())


def test_who_was_removed_by_hand_is_left_alone_until_the_rule_has_not_held(scoped: Organization) -> None:
    acorn, workflow = make_customer("Acorn", support="poor"), make_workflow()
    look(scoped)
    workflows.leave(workflow=workflow, customers=[acorn.pk], by="ada")
    look(scoped)
    look(scoped, DAY)
    assert inside(workflow) == set()
    with clock.frozen(NOW + DAY):
        change(acorn, support="fair")
    look(scoped, DAY)
    with clock.frozen(NOW + DAY + MINUTE):
        change(acorn, support="poor")
    look(scoped, DAY + MINUTE)
    assert inside(workflow) == {"Acorn"}


def test_enrolling_by_hand_ends_being_left_alone(scoped: Organization) -> None:
    acorn, workflow = make_customer("Acorn", support="poor"), make_workflow(hand_leaves_too=True)
    workflows.enrol(workflow=workflow, customers=[acorn.pk], by="ada")
    workflows.leave(workflow=workflow, customers=[acorn.pk], by="ada")
    workflows.enrol(workflow=workflow, customers=[acorn.pk], by="ada")
    assert not Enrolment.objects.filter(hold_off=True).exists()


def test_a_rule_of_its_own_for_leaving_keeps_out_too(scoped: Organization) -> None:
    small = [[{"fact": "arr", "op": "at_most", "value": 100}]]
    workflow = make_workflow(leaves=Leaves.RULE, leave_rule=small)
    make_customer("Small", support="poor", arr=100)
    large = make_customer("Large", support="poor", arr=101)
    look(scoped)
    assert inside(workflow) == {"Large"}
    services.customer_update(customer=large, by="ada", values={"arr": "90"})
    look(scoped)
    assert inside(workflow) == set()
    assert stays(large)[0][2:] == ("rule", "ARR is 90 EUR (at most 100 EUR).")


def test_days_are_those_of_the_organization(scoped: Organization) -> None:
    Organization.objects.filter(pk=scoped.pk).update(time_zone="Pacific/Auckland")
    scoped.refresh_from_db()
    soon = [[{"fact": "renewal_date", "op": "next_days", "value": 30}]]
    workflow = make_workflow(enrol_rule=soon, leaves=Leaves.BY_HAND)
    # It is 3 November 01:00 there.
    make_customer("Last day", renewal_date=date(2026, 12, 3))
    make_customer("A day too late", renewal_date=date(2026, 12, 4))
    look(scoped)
    assert inside(workflow) == {"Last day"}
    # Midnight comes, and nothing else.
    look(scoped, timedelta(hours=23))
    assert inside(workflow) == {"Last day", "A day too late"}


def test_own_fields_of_every_type(scoped: Organization) -> None:
    def field(name: str, type: str, **more: object) -> str:
        made = fields.field_create(organization=scoped, by="ada", entity="customer", name=name, type=type, **more)  # type: ignore[arg-type]
        return made.alias

    aliases = {
        "text": field("Region", "text"),
        "number": field("Seats", "number"),
        "date": field("Kick-off", "date"),
        "flag": field("Reference", "boolean"),
        "choice": field("Tier", "dropdown", options=["Gold", "Tin"]),
    }
    values = {"text": "North", "number": "12", "date": "2026-11-05", "flag": "yes", "choice": "Gold"}
    asked = {
        "text": ("contains", "nor"),
        "number": ("at_least", 12),
        "date": ("next_days", 3),
        "flag": ("is", True),
        "choice": ("is", "Gold"),
    }
    rule = [[{"fact": aliases[kind], "op": op, "value": value} for kind, (op, value) in asked.items()]]
    workflow = make_workflow(enrol_rule=rule)
    everything = {aliases[kind]: value for kind, value in values.items()}
    services.customer_create(organization=scoped, by="ada", values={"name": "All", **everything})
    for kind in values:
        rest = {alias: value for alias, value in everything.items() if alias != aliases[kind]}
        services.customer_create(organization=scoped, by="ada", values={"name": f"Not {kind}", **rest})
    look(scoped)
    assert inside(workflow) == {"All"}
    assert Enrolment.objects.get().entered_reason == (
        "“Region” is “North” (contains “nor”) and “Seats” is 12 (at least 12) and “Kick-off” is 5 Nov 2026 "
        "(in the next 3 days) and “Reference” is yes and “Tier” is Gold."
    )


def test_a_field_that_goes_throws_nobody_out(scoped: Organization) -> None:
    seats = fields.field_create(organization=scoped, by="ada", entity="customer", name="Seats", type="number")
    workflow = make_workflow(enrol_rule=[[{"fact": seats.alias, "op": "at_least", "value": 5}]])
    other = make_workflow("Other")
    acorn = services.customer_create(organization=scoped, by="ada", values={"name": "Acorn", seats.alias: 9})
    change(acorn, support="poor")
    look(scoped)
    fields.field_archive(field=seats, by="ada")
    services.customer_create(organization=scoped, by="ada", values={"name": "Birch"})
    look(scoped, DAY)
    assert inside(workflow) == inside(other) == {"Acorn"}
    # Back again, it is applied to everybody at once, though no customer changed.
    fields.field_restore(field=seats, by="ada")
    workflows.leave(workflow=workflow, customers=[acorn.pk], by="ada")
    Enrolment.objects.update(hold_off=False)
    look(scoped, DAY + timedelta(hours=1))
    assert inside(workflow) == {"Acorn"}


def test_archived_customers_leave_every_workflow(scoped: Organization) -> None:
    acorn, workflow = make_customer("Acorn", support="poor"), make_workflow(leaves=Leaves.BY_HAND)
    by_hand = make_workflow("By hand", enrol_rule=[])
    workflows.enrol(workflow=by_hand, customers=[acorn.pk], by="ada")
    look(scoped)
    services.customer_archive(customer=acorn, by="ada")
    look(scoped)
    assert inside(workflow) == inside(by_hand) == set()
    assert {stay[2:] for stay in stays(acorn)} == {("end", "The customer was archived.")}


def test_a_changed_rule_is_applied_to_everybody(scoped: Organization) -> None:
    workflow = make_workflow(leaves=Leaves.BY_HAND)
    make_customer("Acorn", support="fair")
    look(scoped)
    # The customer itself changed long before.
    rule = [[{"fact": "support_health", "op": "or_worse", "value": "fair"}]]
    with clock.frozen(NOW + timedelta(hours=1)):
        workflows.workflow_update(workflow=workflow, by="ada", values={"enrol_rule": rule})
    look(scoped, timedelta(hours=1))
    assert inside(workflow) == {"Acorn"}


def test_a_look_without_changes_reads_no_customer(scoped: Organization) -> None:
    make_workflow()
    make_customer("Acorn", support="poor")
    look(scoped)
    look(scoped, timedelta(hours=1))
    with CaptureQueriesContext(connection) as captured:
        look(scoped, timedelta(hours=2))
    assert not any("customers_customer AS c" in query["sql"] for query in captured)


def test_statements_do_not_grow_with_customers(scoped: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    make_workflow()
    make_workflow("Other", enrol_rule=[[{"fact": "usage_health", "op": "is", "value": "good"}]])

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            passes.apply(scoped, list(Workflow.objects.all()))
        return len(captured)

    for number in range(3):
        make_customer(f"Customer {number}", support="fair")
    few = statements()
    for number in range(30):
        make_customer(f"More {number}", support="fair")
    assert statements() == few
    # And pages follow one another without leaving anybody out.
    monkeypatch.setattr(reading.pages, "__kwdefaults__", {"archived": False, "size": 7})
    for one in Customer.objects.all():
        change(one, support="poor")
    assert passes.apply(scoped, list(Workflow.objects.all())).entered == 33


def test_a_pass_reaches_no_other_organization(organization: Organization, other_organization: Organization) -> None:
    with organization_scope(other_organization):
        make_customer("Theirs", support="poor")
    with organization_scope(organization):
        workflow = make_workflow()
        assert look(organization) == Outcome()
        assert inside(workflow) == set()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_enrol_once() -> None:
    organization = Organization.objects.create(name="Acme", slug="acme")
    with organization_scope(organization):
        workflow = make_workflow()
        for number in range(40):
            make_customer(f"Customer {number}", support="poor")
    start, failures = threading.Barrier(2), []

    def work() -> None:
        try:
            start.wait(10)
            with organization_scope(organization):
                passes.apply(organization, [workflow])
        except BaseException as error:
            failures.append(error)
        finally:
            close_old_connections()
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(30)
    assert failures == []
    with organization_scope(organization):
        assert Enrolment.objects.count() == len(inside(workflow)) == 40


def test_custom_values_in_the_rule_are_those_of_the_customer(scoped: Organization) -> None:
    seats = fields.field_create(organization=scoped, by="ada", entity="customer", name="Seats", type="number")
    workflow = make_workflow(enrol_rule=[[{"fact": seats.alias, "op": "empty"}]])
    with_value = make_customer("Filled in", custom={seats.alias: 3})
    custom.write(with_value, [seats.alias])
    make_customer("Empty")
    look(scoped)
    assert inside(workflow) == {"Empty"}
