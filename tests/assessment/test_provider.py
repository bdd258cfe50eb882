"""The language model: what is sent, what is believed, what happens when it does not answer. Against a local server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from startdeliver.assessment import ai_settings, services
from startdeliver.assessment.llm import provider
from startdeliver.assessment.models import AiSettings, Assessment, Assessor, LatestAssessment, ModelCall
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support import health
from startdeliver.tenancy.models import Organization
from tests.assessment.model_server import ModelServer, model_server
from tests.support.factories import NOW, days, make_customer, make_ticket

pytest.importorskip("pydantic_ai")
pytestmark = pytest.mark.usefixtures("frozen_now")

GOOD: dict[str, Any] = {
    "status": "Needs Attention",
    "summary": [{"text": "3 tickets are overdue.", "evidence": ["support.overdue"]}],
    "action": {"text": "Answer the oldest one first.", "evidence": ["support.overdue"]},
    "analysis": [{"text": "3 tickets are open.", "evidence": ["support.open"]}],
}


def but(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        found.reply = lambda body: GOOD
        yield found


@pytest.fixture
def configured(scoped: Organization, server: ModelServer) -> AiSettings:
    return ai_settings.save(
        scoped,
        {
            "provider": "openai",
            "model": "test-model",
            "base_url": server.url,
            "input_price": Decimal(1),
            "output_price": Decimal(10),
            "timeout_seconds": 5,
        },
        by="admin",
        key="secret-key",
    )


@pytest.fixture
def customer(scoped: Organization) -> Customer:
    customer = make_customer()
    for number in range(3):
        make_ticket(customer, NOW - days(9 + number), title="Export broken")
    health.recompute(scoped)
    return customer


def test_a_covered_answer_is_taken(configured: AiSettings, customer: Customer, server: ModelServer) -> None:
    services.assess_due(customer.organization)
    row = Assessment.objects.get(customer=customer)
    assert (row.assessor, row.model_name, row.status) == (Assessor.MODEL, "test-model", "attention")
    assert row.summary == [{"text": "3 tickets are overdue.", "facts": ["support.overdue"]}]
    assert server.keys == ["Bearer secret-key"]
    call = ModelCall.objects.get()
    assert (call.outcome, call.input_tokens, call.output_tokens, call.cost) == (
        "accepted", 1000, 100, Decimal("0.002"),
    )  # fmt: skip
    assert services.assess_due(customer.organization) == 0
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (but(summary=[{"text": "3 tickets are overdue.", "evidence": ["support.invented"]}]), "support.invented"),
        (but(summary=[{"text": "17 tickets are overdue.", "evidence": ["support.overdue"]}]), "17"),
        (but(summary=[{"text": "We spoke to Angela Merkel.", "evidence": ["support.overdue"]}]), "Merkel"),
        (but(summary=[{"text": "They wrote “we love it”.", "evidence": ["support.overdue"]}]), "we love it"),
        (but(action={"text": "Write to ceo@evil.test.", "evidence": ["support.overdue"]}), "ceo@evil.test"),
        (but(status="Strongly Thriving"), "contradicts"),
        (but(status="Excellent"), "Strongly Thriving"),
        (but(summary=[]), "summary"),
        (but(action={"text": "Call them.", "evidence": []}), "evidence"),
    ],
)
def test_a_wrong_answer_goes_back_once_with_the_reason(
    configured: AiSettings, customer: Customer, server: ModelServer, wrong: dict[str, Any], reason: str
) -> None:
    answers = iter([wrong, GOOD])
    server.reply = lambda body: next(answers)
    services.assess_due(customer.organization)
    assert reason in json.dumps(server.asked[1]["messages"][2:], ensure_ascii=False)
    assert Assessment.objects.get(customer=customer).assessor == Assessor.MODEL


def test_a_second_wrong_answer_is_replaced_by_the_built_in_one(
    configured: AiSettings, customer: Customer, server: ModelServer
) -> None:
    server.reply = lambda body: but(status="Strongly Thriving")
    services.assess_due(customer.organization)
    row = Assessment.objects.get(customer=customer)
    assert len(server.asked) == 2
    assert (row.assessor, row.status) == (Assessor.BUILT_IN, "attention")
    assert "rejected" in row.note
    assert ModelCall.objects.get().outcome == "rejected"
    assert ModelCall.objects.get().input_tokens == 2000


@pytest.mark.parametrize(
    ("status", "tries", "words"), [(500, 2, "HTTP 500"), (401, 1, "API key"), (404, 1, "test-model")]
)
def test_without_an_answer_the_last_assessment_stays(
    configured: AiSettings, customer: Customer, server: ModelServer, status: int, tries: int, words: str
) -> None:
    services.assess_due(customer.organization)
    before = LatestAssessment.objects.get(customer=customer)
    server.reply = lambda body: status
    server.asked.clear()
    make_ticket(customer, NOW - days(8))
    services.assess_due(customer.organization)
    after = LatestAssessment.objects.get(customer=customer)
    assert len(server.asked) == tries
    assert after.assessment_id == before.assessment_id
    assert words in after.problem
    server.reply = lambda body: but(
        summary=[{"text": "4 tickets are overdue.", "evidence": ["support.overdue"]}], analysis=[]
    )
    services.assess_due(customer.organization)
    after.refresh_from_db()
    assert after.problem == ""


def test_a_customer_without_an_assessment_gets_the_built_in_one_for_now(
    configured: AiSettings, customer: Customer, server: ModelServer
) -> None:
    server.reply = lambda body: 503
    services.assess_due(customer.organization)
    row = LatestAssessment.objects.select_related("assessment").get(customer=customer)
    assert row.assessment.assessor == Assessor.BUILT_IN
    assert row.assessment.note.startswith("The built-in assessor stands in.")
    server.reply = lambda body: GOOD
    assert services.assess_due(customer.organization) == 1


def test_a_slow_provider_is_not_waited_for(configured: AiSettings, customer: Customer, server: ModelServer) -> None:
    server.hold = threading.Event()
    AiSettings.objects.update(timeout_seconds=1)
    services.assess_due(customer.organization)
    assert "did not answer within 1 second." in LatestAssessment.objects.get(customer=customer).problem
    server.hold.set()


def test_no_more_requests_at_a_time_than_allowed(
    configured: AiSettings, scoped: Organization, server: ModelServer
) -> None:
    AiSettings.objects.update(concurrency=2)
    for _ in range(6):
        make_ticket(make_customer(), NOW - days(1))
    server.reply = lambda body: but(
        status="Neutral",
        summary=[{"text": "1 ticket is open.", "evidence": ["support.open"]}],
        action={"text": "Wait for the answer.", "evidence": ["support.open"]},
        analysis=[],
    )
    services.assess_due(scoped)
    assert len(server.asked) == 6
    assert server.most_busy <= 2


@pytest.mark.parametrize("limit", [{"daily_calls": 1}, {"daily_budget": Decimal("0.02")}])
def test_the_days_budget_is_kept(
    configured: AiSettings, scoped: Organization, server: ModelServer, limit: dict[str, Any]
) -> None:
    AiSettings.objects.update(**limit)
    for _ in range(4):
        make_ticket(make_customer(), NOW - days(1))
    server.reply = lambda body: 500
    services.assess_due(scoped)
    asked = {body["messages"][1]["content"] for body in server.asked}
    assert 1 <= len(asked) < 4
    assert sum("budget" in row.note for row in Assessment.objects.all()) == 4 - len(asked)


def test_names_and_addresses_are_masked_and_shown_again(
    configured: AiSettings, customer: Customer, server: ModelServer
) -> None:
    CustomerUser.objects.create(
        organization=customer.organization, customer=customer, name="Ana Silva", email="ana@silva.test",
        is_stakeholder=True, has_left_at=NOW - days(3),
    )  # fmt: skip
    make_ticket(
        customer, NOW - days(2), resolved=NOW - days(1), rating=2, rated_at=NOW - days(1),
        rating_remark="Ask Ana, ana@silva.test or +47 911 22 333.",
    )  # fmt: skip
    server.reply = lambda body: but(
        status="At Risk",
        summary=[{"text": "Person 1 has left.", "evidence": ["people.left." + str(CustomerUser.objects.get().pk)]}],
        analysis=[],
    )
    answer = server.reply({})
    server.reply = lambda body: answer
    services.assess_due(customer.organization)
    sent = server.asked[0]["messages"][1]["content"]
    assert "Silva" not in sent
    assert "Ana" not in sent
    assert "@" not in sent
    assert "911 22" not in sent
    assert Assessment.objects.get(customer=customer).summary[0]["text"] == "Ana Silva has left."


def test_quotes_stay_here_if_so_set(configured: AiSettings, customer: Customer) -> None:
    make_ticket(
        customer, NOW - days(2), resolved=NOW - days(1), rating=2, rated_at=NOW - days(1), rating_remark="Private words"
    )
    assert "Private words" in provider.preview(customer)
    AiSettings.objects.update(send_quotes=False)
    assert "Private words" not in provider.preview(customer)
    assert "Export broken" not in provider.preview(customer)


def test_the_preview_is_what_is_sent(configured: AiSettings, customer: Customer, server: ModelServer) -> None:
    AiSettings.objects.update(instructions="Renewals matter most.")
    services.assess_due(customer.organization)
    system, user = (message["content"] for message in server.asked[0]["messages"][:2])
    assert provider.preview(customer) == f"{system}\n\n{user}"
    assert "Renewals matter most." in user


def test_trying_it_out(configured: AiSettings, scoped: Organization, server: ModelServer) -> None:
    server.reply = lambda body: but(
        status="Neutral",
        summary=[{"text": "1 ticket is open.", "evidence": ["support.open"]}],
        action={"text": "Wait.", "evidence": ["support.open"]},
        analysis=[],
    )
    assert provider.try_out(scoped).startswith("test-model answered")
    server.reply = lambda body: 401
    with pytest.raises(provider.ProviderError, match="API key"):
        provider.try_out(scoped)


def test_the_key_is_encrypted_and_bound_to_its_place(configured: AiSettings, other_organization: Organization) -> None:
    assert b"secret-key" not in bytes(configured.key_cipher)
    assert ai_settings.key_of(configured) == "secret-key"
    moved = AiSettings(pk=configured.pk + 1, organization=other_organization, key_cipher=configured.key_cipher)
    with pytest.raises(Exception, match="another row"):
        ai_settings.key_of(moved)


def test_changed_instructions_are_a_reason_to_assess_anew(
    configured: AiSettings, customer: Customer, server: ModelServer
) -> None:
    services.assess_due(customer.organization)
    ai_settings.save(customer.organization, {"instructions": "Be strict."}, by="admin")
    assert services.assess_due(customer.organization) == 1
    assert len(server.asked) == 2


@pytest.fixture
def anthropic(scoped: Organization, server: ModelServer) -> AiSettings:
    pytest.importorskip("anthropic")
    values = {"provider": "anthropic", "model": "test-claude", "base_url": server.url.removesuffix("/v1"),
              "input_price": Decimal(1), "output_price": Decimal(10), "timeout_seconds": 5}  # fmt: skip
    return ai_settings.save(scoped, values, by="admin", key="secret-key")


def test_anthropic_is_asked_in_its_own_form(anthropic: AiSettings, customer: Customer, server: ModelServer) -> None:
    services.assess_due(customer.organization)
    row = Assessment.objects.get(customer=customer)
    assert (row.assessor, row.model_name, row.status) == (Assessor.MODEL, "test-claude", "attention")
    assert row.summary == [{"text": "3 tickets are overdue.", "facts": ["support.overdue"]}]
    assert [path.split("?")[0] for path in server.paths] == ["/v1/messages"]
    assert [key.removeprefix("Bearer ") for key in server.keys] == ["secret-key"]
    assert "You judge how a customer of a company is doing" in json.dumps(server.asked[0]["system"])
    assert "support.overdue" in json.dumps(server.asked[0]["messages"])
    call = ModelCall.objects.get()
    assert (call.outcome, call.input_tokens, call.output_tokens) == ("accepted", 1000, 100)


def test_anthropic_gets_one_chance_to_mend_its_answer(
    anthropic: AiSettings, customer: Customer, server: ModelServer
) -> None:
    answers = [but(summary=[{"text": "41 tickets are overdue.", "evidence": ["support.overdue"]}]), GOOD]
    server.reply = lambda body: answers[min(len(server.asked), 2) - 1]
    services.assess_due(customer.organization)
    assert Assessment.objects.get(customer=customer).assessor == Assessor.MODEL
    assert len(server.asked) == 2
    assert "The number 41 is not in the facts cited" in json.dumps(server.asked[1]["messages"])


@pytest.mark.parametrize(
    ("status", "words"), [(401, "refused the API key"), (404, "does not know the model"), (529, "HTTP 529")]
)
def test_what_anthropic_refuses_is_said(
    anthropic: AiSettings, scoped: Organization, server: ModelServer, status: int, words: str
) -> None:
    server.reply = lambda body: status
    with pytest.raises(provider.ProviderError, match=words):
        provider.try_out(scoped)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Hi Sarah, the export fails.", "Hi [name], the export fails."),
        ("Ask Mr Petersen about it.", "Ask Mr [name] about it."),
        ("My colleague Petra Holm takes over. Best, Tom", "My colleague [name] takes over. Best, [name]"),
        ("See https://intranet.test/sarah?id=4 please", "See [link] please"),
        ("Thanks for the quick help.", "Thanks for the quick help."),
        ("Hello Support, where is the invoice?", "Hello Support, where is the invoice?"),
    ],
)
def test_names_of_people_who_are_no_users_are_masked_where_letters_have_them(text: str, sent: str) -> None:
    assert provider.Mask.of(["Ana Silva"]).hide(text) == sent
