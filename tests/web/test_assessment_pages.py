"""The assessment panel, the full analysis, corrections, the list's filter, and Settings → AI."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from startdeliver.assessment import services
from startdeliver.assessment.models import AiSettings, Assessment, Feedback, LatestAssessment
from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.web.conftest import Hub


@pytest.fixture
def hub(organization: Organization, frozen_now: datetime) -> Hub:
    return Hub(organization, frozen_now)


@pytest.fixture
def acorn(hub: Hub) -> Customer:
    """A customer with four overdue tickets, assessed."""
    customer = hub.customer("Acorn", arr=48000)
    for days in (9, 12, 15, 20):
        hub.ticket(customer, days=days, title="Export fails <script>alert(1)</script>")
    hub.compute()
    with organization_scope(hub.organization):
        services.reassess(customer)
    return customer


def test_the_profile_says_status_summary_and_action(main: Client, acorn: Customer) -> None:
    page = main.get(f"/customers/{acorn.pk}").content.decode()
    with organization_scope(acorn.organization):
        label = LatestAssessment.objects.get().get_status_display()
    assert label in ("Needs Attention", "At Risk")
    for words in (label, "Take Action", "See full analysis", "overdue", "Built in"):
        assert words in page


def test_every_link_of_the_analysis_leads_somewhere(main: Client, acorn: Customer) -> None:
    page = main.get(f"/customers/{acorn.pk}/assessment").content.decode()
    assert "<script>alert" not in page
    links = set(re.findall(r'href="(/(?:tickets|customers|users)[^"]*)"', page))
    assert any(link.startswith("/tickets/") for link in links)
    assert any("tab=" in link for link in links)
    for link in links:
        address, _, anchor = link.replace("&amp;", "&").partition("#")
        answer = main.get(address)
        assert answer.status_code == 200, link
        assert ("tab=" in link) == bool(anchor), "a tab is below the fold"
        assert not anchor or f'id="{anchor}"' in answer.content.decode(), link


def test_a_customer_without_an_assessment_says_so(main: Client, hub: Hub) -> None:
    customer = hub.customer("New")
    assert "is assessed within a minute" in main.get(f"/customers/{customer.pk}").content.decode()
    assert main.get(f"/customers/{customer.pk}/assessment").status_code == 200


def test_a_correction_is_kept_with_its_reason(main: Client, csm: Member, acorn: Customer) -> None:
    address = f"/customers/{acorn.pk}/assessment"
    assert "Say why" in main.post(f"{address}/wrong", {"reason": " "}, follow=True).content.decode()
    main.post(f"{address}/wrong", {"reason": "They are testing our API.", "status": "neutral"})
    with organization_scope(acorn.organization):
        kept = Feedback.objects.get()
        assert (kept.reason, kept.status, kept.member) == ("They are testing our API.", "neutral", csm)
    assert "They are testing our API." in main.get(address).content.decode()


def test_the_list_filters_by_status(main: Client, hub: Hub, acorn: Customer) -> None:
    hub.customer("Birch")
    with organization_scope(hub.organization):
        status = LatestAssessment.objects.get().status
    page = main.get(f"/customers?assessment={status}").content.decode()
    assert "Acorn" in page
    assert "Birch" not in page
    assert "Acorn" not in main.get("/customers?assessment=thriving").content.decode()


def test_the_counts_follow_the_other_filters(main: Client, hub: Hub, acorn: Customer) -> None:
    birch = hub.customer("Birch", csm=None)
    with organization_scope(hub.organization):
        services.reassess(birch)
        status = LatestAssessment.objects.get(customer=acorn).status

    def counted(address: str) -> int:
        page = main.get(address).content.decode().split('aria-label="Assessment"')[1].split("</nav>")[0]
        return sum(map(int, re.findall(r'class="strip-count">(\d+)<', page)))

    assert counted("/customers") == 2
    assert counted("/customers?health=none") == 1
    assert counted("/customers?q=acor") == 1
    assert counted(f"/customers?health=none&assessment={status}") == 1
    assert counted(f"/customers?q=acor&assessment={status}") == 1
    assert counted("/customers?q=zzz") == 0


@pytest.mark.parametrize("path", ["assess", "assessment/wrong"])
def test_lite_members_only_read(
    signed_in: Callable[[Member], Client], lite: Member, acorn: Customer, path: str
) -> None:
    client = signed_in(lite)
    assert client.get(f"/customers/{acorn.pk}/assessment").status_code == 200
    assert client.post(f"/customers/{acorn.pk}/{path}", {"reason": "x"}).status_code == 403


def test_assessments_of_others_are_out_of_reach(
    signed_in: Callable[[Member], Client], outsider: Member, acorn: Customer
) -> None:
    client = signed_in(outsider)
    assert client.get(f"/customers/{acorn.pk}/assessment").status_code == 404
    assert client.post(f"/customers/{acorn.pk}/assess").status_code == 404
    assert client.post(f"/customers/{acorn.pk}/assessment/wrong", {"reason": "x"}).status_code == 404
    assert client.get(f"/settings/ai/preview?customer={acorn.pk}").status_code == 404


FORM: dict[str, Any] = {
    "instructions": "Silence in August is normal.",
    "provider": "openai",
    "model": "small",
    "base_url": "http://127.0.0.1:9/v1",
    "key": "sk-very-secret",
    "daily_calls": "10",
    "daily_budget": "",
    "input_price": "0",
    "output_price": "0",
    "concurrency": "2",
    "timeout_seconds": "5",
    "mask_people": "on",
}


def test_the_key_is_stored_encrypted_and_never_shown(
    signed_in: Callable[[Member], Client], administrator: Member
) -> None:
    client = signed_in(administrator)
    assert client.post("/settings/ai", FORM).status_code == 302
    page = client.get("/settings/ai").content.decode()
    assert "A key is stored." in page
    assert "sk-very-secret" not in page
    with organization_scope(administrator.organization):
        stored = AiSettings.objects.get()
        assert b"sk-very-secret" not in bytes(stored.key_cipher or b"")
        assert stored.send_quotes is False
    client.post("/settings/ai", FORM | {"key": "", "forget_key": "on"})
    assert "A key is stored." not in client.get("/settings/ai").content.decode()


def test_wrong_settings_are_refused_in_words(signed_in: Callable[[Member], Client], administrator: Member) -> None:
    client = signed_in(administrator)
    for change, words in (({"model": ""}, "a model has to be named"), ({"base_url": "ftp://x"}, "not a web address")):
        answer = client.post("/settings/ai", FORM | change)
        assert answer.status_code == 422
        assert words in answer.content.decode()


def test_only_administrators_see_the_settings(main: Client) -> None:
    assert main.get("/settings/ai").status_code == 403
    assert main.post("/settings/ai", FORM).status_code == 403
    assert main.post("/settings/ai/test").status_code == 403


def test_a_model_that_cannot_be_reached_is_said_in_a_sentence(
    signed_in: Callable[[Member], Client], administrator: Member
) -> None:
    client = signed_in(administrator)
    client.post("/settings/ai", FORM)
    page = client.post("/settings/ai/test", follow=True).content.decode()
    assert "notice-error" in page
    assert "sk-very-secret" not in page


def test_the_preview_shows_the_facts(
    signed_in: Callable[[Member], Client], administrator: Member, acorn: Customer
) -> None:
    page = signed_in(administrator).get(f"/settings/ai/preview?customer={acorn.pk}").content.decode()
    assert "4 tickets are overdue" in page
    with organization_scope(acorn.organization):
        assert Assessment.objects.count() >= 1


def test_one_assessment_is_no_line_and_says_since_when(main: Client, acorn: Customer) -> None:
    for path in (f"/customers/{acorn.pk}", f"/customers/{acorn.pk}/assessment"):
        page = main.get(path).content.decode()
        assert "First assessed on" in page
        assert "Assessment over twelve weeks" not in page


def test_the_settings_say_which_instructions_the_built_in_assessor_understands(
    signed_in: Callable[[Member], Client], administrator: Member, hub: Hub
) -> None:
    with organization_scope(hub.organization):
        AiSettings.objects.create(
            organization=hub.organization, instructions="Ignore ratings.\nBe <b>kind</b> to banks."
        )
    page = signed_in(administrator).get("/settings/ai").content.decode()
    applied, unread = page.index("It applies:"), page.index("It does not understand")
    assert applied < page.index("<li>Ignore ratings.</li>") < unread
    assert unread < page.index("<li>Be &lt;b&gt;kind&lt;/b&gt; to banks.</li>")
