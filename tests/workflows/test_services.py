"""Making workflows, enrolling and removing by hand, and what a new organization begins with."""

from __future__ import annotations

from typing import Any

import pytest
from django_scopes import scopes_disabled

from startdeliver.customers.models import Customer
from startdeliver.customers.values import FieldError
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite, organization_scope
from startdeliver.tenancy.services import organization_create
from startdeliver.workflows import passes, services
from startdeliver.workflows.cleaning import facts_of, programme_of
from startdeliver.workflows.defaults import make_defaults
from startdeliver.workflows.models import Enrolment, Workflow
from startdeliver.workflows.services import Enrolled
from startdeliver.workflows.wording import Wording
from tests.workflows.factories import inside, make_customer, make_workflow, stays

BY = "ada@acme.test"


def errors(**values: Any) -> dict[str, str]:
    with pytest.raises(FieldError) as failed:
        make_workflow(**values)
    return failed.value.errors


def test_a_new_organization_begins_with_at_risk(db: None) -> None:
    organization, _, _ = organization_create(name="New", admin_email="new@new.test")
    make_defaults(organization)
    with organization_scope(organization):
        at_risk = Workflow.objects.get()
        assert (at_risk.key, at_risk.name) == ("at_risk", "At-risk")
        make_defaults(organization)
        assert Workflow.objects.count() == 1
        facts = facts_of(organization)
        assert Wording(facts, "EUR").rule(programme_of(at_risk, facts).enrol) == (
            "Assessment is At Risk; or support health is Poor and usage health is Poor."
        )


def test_keys_are_made_unique_and_names_too(scoped: Organization) -> None:
    assert make_workflow("Höhere Wesen!").key == "hohere_wesen"
    first = make_workflow("Win-back")
    services.workflow_archive(workflow=first, by=BY)
    assert make_workflow("Win back").key == "win_back_2"
    assert make_workflow("客户").key == "workflow"
    assert "already" in errors(name="win BACK")["name"]
    assert "Enter a name" in errors(name="  ")["name"]
    assert "at most 60" in errors(name="x" * 61)["name"]


def test_the_key_is_fixed(scoped: Organization) -> None:
    with pytest.raises(FieldError) as failed:
        services.workflow_update(workflow=make_workflow(), by=BY, values={"key": "other"})
    assert failed.value.errors.keys() == {"key"}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"fact": "nothing", "op": "is", "value": 1}, "Condition 1: Choose what to look at."),
        ({"fact": "arr", "op": "is_not", "value": 1}, "at_least, at_most"),
        ({"fact": "arr", "op": "at_least", "value": ""}, "Enter a number"),
        ({"fact": "arr", "op": "at_least", "value": "many"}, "Enter a number"),
        ({"fact": "support_health", "op": "is", "value": "bad"}, "Choose a value for “Support health”"),
        ({"fact": "csm", "op": "is", "value": "999"}, "Choose a value for “CSM”"),
        ({"fact": "renewal_date", "op": "next_days", "value": "3651"}, "from 0 to 3,650"),
        ({"fact": "renewal_date", "op": "on_or_after", "value": "soon"}, "year-month-day"),
        ({"fact": "renewal_date", "op": "on_or_after", "value": ""}, "Choose a day"),
        ({"fact": "plan", "op": "contains", "value": " "}, "Enter the text"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(scoped: Organization, condition: dict[str, Any], words: str) -> None:
    assert words in errors(enrol_rule=[[condition]])["enrol_rule"]


def test_other_things_that_cannot_be(scoped: Organization) -> None:
    condition = {"fact": "arr", "op": "set"}
    assert "at most 20" in errors(enrol_rule=[[condition] * 21])["enrol_rule"]
    assert "0 to 365" in errors(leave_after_days="366")["leave_after_days"]
    assert "Choose how" in errors(leaves="sometimes")["leaves"]
    assert "Add a condition" in errors(leaves="rule", leave_rule=[])["leave_rule"]
    assert not Workflow.objects.exists()


def test_only_a_changed_rule_is_to_be_applied_again(scoped: Organization) -> None:
    workflow = make_workflow()
    passes.refresh(scoped)
    services.workflow_update(workflow=workflow, by=BY, values={"description": "Other words"})
    assert Workflow.objects.get().swept_at is not None
    services.workflow_update(workflow=workflow, by=BY, values={"leave_after_days": 3})
    assert Workflow.objects.get().swept_at is None


def test_enrolling_twice_changes_nothing(scoped: Organization) -> None:
    one, two, gone = make_customer("One"), make_customer("Two"), make_customer("Gone", archived_at="2026-01-01T00:00Z")
    workflow = make_workflow(enrol_rule=[])
    everybody = [one.pk, two.pk, gone.pk, 999_999]
    assert services.enrol(workflow=workflow, customers=everybody, by=BY, reason=" New \n sponsor ") == Enrolled(2, 2)
    assert services.enrol(workflow=workflow, customers=everybody, by="bob") == Enrolled(0, 4)
    assert inside(workflow) == {"One", "Two"}
    assert stays(one) == [("hand", "New sponsor", "", "")]
    assert set(Enrolment.objects.values_list("entered_by", flat=True)) == {BY}


def test_removing_keeps_the_history(scoped: Organization) -> None:
    one, workflow = make_customer("One"), make_workflow(enrol_rule=[])
    for reason in ("First", "Second"):
        services.enrol(workflow=workflow, customers=[one.pk], by=BY, reason=reason)
        assert services.leave(workflow=workflow, customers=[one.pk], by=BY, reason=f"{reason} done") == 1
        assert services.leave(workflow=workflow, customers=[one.pk], by=BY) == 0
    assert [stay[1::2] for stay in stays(one)] == [("First", "First done"), ("Second", "Second done")]


def test_a_reason_that_is_too_long_is_refused(scoped: Organization) -> None:
    one, workflow = make_customer("One"), make_workflow(enrol_rule=[])
    for act in (services.enrol, services.leave):
        with pytest.raises(FieldError):
            act(workflow=workflow, customers=[one.pk], by=BY, reason="x" * 501)
    assert not Enrolment.objects.exists()


def test_archiving_ends_every_stay_and_restoring_begins_with_the_rule(scoped: Organization) -> None:
    poor, by_hand = make_customer("Poor", support="poor"), make_customer("By hand")
    workflow = make_workflow()
    services.enrol(workflow=workflow, customers=[by_hand.pk], by=BY)
    passes.refresh(scoped)
    assert services.workflow_archive(workflow=workflow, by=BY) == 2
    assert services.workflow_archive(workflow=workflow, by=BY) == 0
    assert stays(poor)[0][2:] == ("end", "The workflow was archived.")
    with pytest.raises(FieldError):
        services.enrol(workflow=workflow, customers=[poor.pk], by=BY)
    passes.refresh(scoped)
    assert inside(workflow) == set()
    services.workflow_restore(workflow=workflow, by=BY)
    passes.refresh(scoped)
    assert inside(workflow) == {"Poor"}


def test_restoring_beside_one_of_the_same_name_is_refused(scoped: Organization) -> None:
    workflow = make_workflow("Twin")
    services.workflow_archive(workflow=workflow, by=BY)
    make_workflow("Twin")
    with pytest.raises(FieldError):
        services.workflow_restore(workflow=workflow, by=BY)


def test_ids_of_another_organization_are_passed_over(scoped: Organization, other_organization: Organization) -> None:
    workflow = make_workflow(enrol_rule=[])
    with scopes_disabled():
        theirs = Customer.objects.create(organization=other_organization, name="Theirs")
        assert Customer.objects.filter(pk=theirs.pk).exists()
    assert services.enrol(workflow=workflow, customers=[theirs.pk], by=BY) == Enrolled(0, 1)
    with scopes_disabled():
        assert not Enrolment.objects.exists()


def test_another_organizations_workflow_cannot_be_used(
    organization: Organization, other_organization: Organization
) -> None:
    with organization_scope(organization):
        workflow, one = make_workflow(enrol_rule=[]), make_customer("One")
    with organization_scope(other_organization), pytest.raises(CrossTenantWrite):
        services.enrol(workflow=workflow, customers=[one.pk], by=BY)


def test_every_operator_is_said_in_words(scoped: Organization) -> None:
    rule = [
        [{"fact": "support_health", "op": "or_worse", "value": "fair"}, {"fact": "usage_health", "op": "empty"}],
        [{"fact": "arr", "op": "at_least", "value": 1234567}, {"fact": "plan", "op": "contains", "value": "Pro"}],
        [
            {"fact": "renewal_date", "op": "next_days", "value": 1},
            {"fact": "last_login", "op": "days_ago", "value": 14},
        ],
        [{"fact": "renewal_date", "op": "on_or_before", "value": "2027-03-31"}, {"fact": "csm", "op": "empty"}],
        [{"fact": "created", "op": "last_days", "value": 30}, {"fact": "size", "op": "set"}],
    ]
    facts = facts_of(scoped)
    workflow = make_workflow(enrol_rule=rule)
    assert Wording(facts, "EUR").rule(programme_of(workflow, facts).enrol) == (
        "Support health is Fair or worse and usage health has no data; "
        "or ARR is at least 1,234,567 EUR and plan contains “Pro”; "
        "or renewal date is in the next day and last login was 14 or more days ago; "
        "or renewal date is on or before 31 Mar 2027 and CSM is empty; "
        "or day added was in the last 30 days and employees is filled in."
    )
