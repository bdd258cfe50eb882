"""What the built-in assessor understands of the organization's instructions, and what it then does."""

from __future__ import annotations

import pytest

from startdeliver.assessment import ai_settings, selectors, services
from startdeliver.assessment.evidence import instructions
from startdeliver.assessment.models import LatestAssessment
from startdeliver.customers.models import Customer, CustomField
from startdeliver.support import health
from startdeliver.tenancy.models import Organization
from tests.assessment.test_evidence import evidence
from tests.support.factories import NOW, days, make_customer, make_ticket

pytestmark = pytest.mark.usefixtures("frozen_now")


@pytest.mark.parametrize("sentence", [one.split(" (")[0] for one in instructions.FORMS])
def test_every_form_that_is_shown_is_understood(sentence: str) -> None:
    reading = instructions.read(sentence)
    assert [rule.sentence for rule in reading.rules] == [sentence]


def test_what_is_not_understood_is_kept_as_such() -> None:
    reading = instructions.read("Be kind to banks.\nIgnore tickets tagged spam. Renewals within 60 days are urgent!")
    assert [rule.kind for rule in reading.rules] == ["tag", "renewal"]
    assert reading.unread == ("Be kind to banks.",)


def told(organization: Organization, text: str) -> None:
    ai_settings.save(organization, {"instructions": text}, by="admin")


def test_tickets_are_left_out_by_tag_and_by_subject(scoped: Organization) -> None:
    customer = make_customer()
    make_ticket(customer, NOW - days(2), title="Export broken", tags=["Billing"])
    make_ticket(customer, NOW - days(2), title="Newsletter of May", tags=["other"])
    make_ticket(customer, NOW - days(2), title="Question")
    told(scoped, "Ignore tickets tagged “billing”. Ignore tickets whose subject contains newsletter.")
    found = evidence(customer)
    assert found.get("support.open") == 1
    assert [fact.value["title"] for fact in found.starting("ticket.")] == ["Question"]


def trouble(scoped: Organization) -> Customer:
    customer = make_customer()
    for number in range(3):
        make_ticket(customer, NOW - days(9 + number))
    CustomField.objects.create(
        organization=scoped, entity="customer", name="Phase", alias="customfieldPhase", type="text"
    )
    CustomField.objects.create(
        organization=scoped,
        entity="customer",
        name="Secret",
        alias="customfieldSecret",
        type="text",
        visibility="hidden",
    )
    Customer.objects.filter(pk=customer.pk).update(
        custom={"customfieldPhase": "Onboarding", "customfieldSecret": "hush"}, industry="Schools"
    )
    health.recompute(scoped)
    return customer


def test_own_fields_are_facts_unless_they_are_hidden(scoped: Organization) -> None:
    found = evidence(trouble(scoped))
    assert [(fact.text, fact.link) for fact in found.starting("field.")] == [
        ("The field Phase is “Onboarding”.", f"/customers/{found.customer_id}?tab=details")
    ]
    before = found.hash
    Customer.objects.update(custom={"customfieldPhase": "Live"})
    assert evidence(Customer.objects.get()).hash != before


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("Treat customers whose Phase is Onboarding as Neutral.", "neutral"),
        ("Treat customers whose Phase is Live as Neutral.", "attention"),
        ("Customers whose Phase is Onboarding are at least Actively Engaged.", "engaged"),
        ("Customers whose Phase is Onboarding are never At Risk.", "attention"),
        ("Customers whose Industry is Schools are never worse than Neutral.", "neutral"),
    ],
)
def test_a_status_by_field_is_applied_and_said(scoped: Organization, sentence: str, status: str) -> None:
    customer = trouble(scoped)
    told(scoped, f"{sentence} Look at their website.")
    services.assess_due(scoped)
    assert LatestAssessment.objects.get(customer=customer).status == status
    signals = selectors.analysis(LatestAssessment.objects.get(customer=customer).assessment)
    said = [one for one in signals if one.area == "instructions"]
    assert len(said) == 2
    assert ("was applied" in said[0].text) == (status != "attention")
    assert "Look at their website." in str(said[1].facts[0]["text"])
    assert said[1].facts[0]["link"] == "/settings/ai"


def test_changed_instructions_are_a_reason_to_assess_anew(scoped: Organization) -> None:
    trouble(scoped)
    assert services.assess_due(scoped) == 1
    assert services.assess_due(scoped) == 0
    told(scoped, "Treat customers whose Phase is Onboarding as Neutral.")
    assert services.assess_due(scoped) == 1


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("", "attention"),
        ("Silence in October and November is normal for schools.", "neutral"),
        ("Silence in October and November is normal for banks.", "attention"),
        ("Silence in July is normal.", "attention"),
        ("Silence of up to 60 days is normal.", "neutral"),
        ("Ignore usage.", "neutral"),
    ],
)
def test_a_quiet_time_can_be_normal(scoped: Organization, sentence: str, status: str) -> None:
    customer = make_customer()
    Customer.objects.filter(pk=customer.pk).update(last_login_at=NOW - days(40), industry="Schools")
    told(scoped, sentence)
    services.assess_due(scoped)
    assert LatestAssessment.objects.get(customer=customer).status == status


def test_how_near_a_renewal_counts(scoped: Organization) -> None:
    customer = make_customer()
    Customer.objects.filter(pk=customer.pk).update(renewal_date=(NOW + days(80)).date())
    services.assess_due(scoped)
    assert LatestAssessment.objects.get(customer=customer).status == "attention"
    told(scoped, "A renewal within 60 days matters.")
    services.assess_due(scoped)
    assert LatestAssessment.objects.get(customer=customer).status == "neutral"
