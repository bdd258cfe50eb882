"""What an assessment is told of workflows, and that entering one has the customer looked at again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from startdeliver.assessment.evidence.collect import collect
from startdeliver.assessment.evidence.facts import Evidence
from startdeliver.changes.models import Change, Stage
from startdeliver.changes.queue import hand_out, taken
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Organization
from startdeliver.workflows import passes, services
from tests.conftest import NOW
from tests.workflows.factories import make_customer, make_workflow

pytestmark = pytest.mark.usefixtures("frozen_now")


def evidence(customer: Customer) -> Evidence:
    return next(iter(collect(customer.organization, [customer.pk])))


def test_the_workflows_of_a_customer_are_facts(scoped: Organization) -> None:
    acorn, other = make_customer("Acorn"), make_customer("Other")
    at_risk, onboarding = make_workflow("At-risk", enrol_rule=[]), make_workflow("Onboarding", enrol_rule=[])
    services.enrol(workflow=at_risk, customers=[acorn.pk], by="ada")
    services.enrol(workflow=onboarding, customers=[acorn.pk], by="ada")
    with clock.frozen(NOW + timedelta(days=3)):
        services.leave(workflow=onboarding, customers=[acorn.pk], by="ada")
        found = evidence(acorn).starting("workflow.")
        assert [(fact.id, fact.text) for fact in found] == [
            (f"workflow.{at_risk.pk}.in", "In the workflow At-risk since 2 Nov 2026, by hand."),
            (f"workflow.{onboarding.pk}.left", "Left the workflow Onboarding on 5 Nov 2026, by hand."),
        ]
        assert found[0].link == f"/workflows/{at_risk.pk}"
        assert evidence(other).starting("workflow.") == []
    with clock.frozen(NOW + timedelta(days=94)):
        assert [fact.id for fact in evidence(acorn).starting("workflow.")] == [f"workflow.{at_risk.pk}.in"]


def test_of_several_stays_the_newest_is_told_and_a_day_is_no_news(scoped: Organization) -> None:
    acorn, workflow = make_customer("Acorn", support="poor"), make_workflow()
    passes.refresh(scoped)
    services.leave(workflow=workflow, customers=[acorn.pk], by="ada")
    services.enrol(workflow=workflow, customers=[acorn.pk], by="ada")
    (fact,) = evidence(acorn).starting("workflow.")
    assert fact.text.endswith("by hand.")
    before = evidence(acorn).hash
    with clock.frozen(NOW + timedelta(days=1)):
        assert evidence(acorn).hash == before


def test_entering_and_leaving_have_the_customer_looked_at(scoped: Organization) -> None:
    acorn, workflow = make_customer("Acorn"), make_workflow(enrol_rule=[])
    for act in (services.enrol, services.leave):
        hand_out(scoped)
        Change.objects.all().delete()
        act(workflow=workflow, customers=[acorn.pk], by="ada")
        with taken(scoped, Stage.ASSESSMENT, early=True) as batch:
            assert batch.customers() == {acorn.pk}
