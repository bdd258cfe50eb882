"""The operator's page: apart from members, and the only place in a browser where the advanced tier is switched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client

from startdeliver.common import clock
from startdeliver.engine import jobs, registry
from startdeliver.tenancy import operators
from startdeliver.tenancy.models import Member, Operator, Organization, TierChange
from startdeliver.web.urls_operator import urlpatterns
from tests.conftest import NOW, PASSWORD
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db
EMAIL = "olga@host.test"
OPEN = {"operator/login", "operator/logout", "operator/password/<str:token>"}


@pytest.fixture
def operator() -> Operator:
    made, token = operators.add(EMAIL)
    found = operators.set_password(token, PASSWORD)
    assert found == made
    return found


@pytest.fixture
def browser(operator: Operator) -> Client:
    client = Client()
    answer = client.post("/operator/login", {"email": EMAIL, "password": PASSWORD})
    assert answer["Location"] == "/operator"
    return client


def addresses() -> Iterator[str]:
    for pattern in urlpatterns:
        if (route := str(pattern.pattern)) not in OPEN:
            yield "/" + re.sub(r"<int:\w+>", "1", route)


def advanced(organization: Organization) -> bool:
    return Organization.objects.get(pk=organization.pk).advanced


@pytest.mark.parametrize("address", list(addresses()))
@pytest.mark.parametrize("who", ["nobody", "administrator", "outsider"])
def test_everybody_else_is_sent_to_the_log_in(
    signed_in: Callable[[Member], Client], request: pytest.FixtureRequest, address: str, who: str
) -> None:
    client = Client() if who == "nobody" else signed_in(request.getfixturevalue(who))
    for answer in (client.get(address), client.post(address, {"state": "on"})):
        assert (answer.status_code, answer["Location"]) == (302, "/operator/login")
    assert not Organization.objects.filter(advanced=True).exists()


def test_an_administrator_with_the_same_address_is_no_operator(
    signed_in: Callable[[Member], Client], organization: Organization, make_member: Callable[..., Member]
) -> None:
    operators.add(EMAIL)
    namesake = make_member(organization, "administrator", email=EMAIL)
    client = signed_in(namesake)
    assert client.post("/operator/login", {"email": EMAIL, "password": PASSWORD}).status_code == 400
    assert client.get("/operator").status_code == 302


def test_it_lists_how_much_and_never_what(browser: Client, hub: Hub, other_hub: Hub) -> None:
    secret = hub.customer("Secret customer")
    hub.ticket(secret, title="Secret title", user=hub.user(secret, name="Secret person", email="secret@x.test"))
    other_hub.customer("Another secret")
    page = browser.get("/operator").content.decode()
    assert "Acme" in page
    assert "Bystander" in page
    assert "ecret" not in page
    row = page.split(f'id="org-{hub.organization.pk}"')[1].split("</tr>")[0]
    assert [int(one) for one in re.findall(r'<td class="num">\s*(\d+)\s*</td>', row)] == [0, 1, 1, 1, 0]
    assert "Not connected" in row


def test_unlocking_and_locking_are_kept_with_who_and_when(browser: Client, organization: Organization) -> None:
    where = f"/operator/organizations/{organization.pk}/advanced"
    with clock.frozen(NOW):
        answer = browser.post(where, {"state": "on"}, follow=True)
        assert advanced(organization)
        assert "The advanced tier of Acme is unlocked." in answer.content.decode()
        # A second click, or two operators at once, change nothing and are not written down.
        assert "unlocked already" in browser.post(where, {"state": "on"}, follow=True).content.decode()
        browser.post(where, {"state": "off"})
    assert not advanced(organization)
    kept = [(one.name, one.advanced, one.by, one.at) for one in TierChange.objects.order_by("pk")]
    assert kept == [("Acme", True, EMAIL, NOW), ("Acme", False, EMAIL, NOW)]
    page = browser.get("/operator/changes").content.decode()
    assert page.count(EMAIL) == 3  # two rows and the head of the page


@pytest.mark.parametrize("state", ["", "maybe", "ON"])
def test_a_switch_that_says_nothing_changes_nothing(browser: Client, organization: Organization, state: str) -> None:
    answer = browser.post(f"/operator/organizations/{organization.pk}/advanced", {"state": state}, follow=True)
    assert "Nothing was changed" in answer.content.decode()
    assert not TierChange.objects.exists()


class TestFailedJobs:
    @pytest.fixture
    def failed(self, organization: Organization) -> Iterator[jobs.Job]:
        @jobs.handler("test.broken", attempts=1)
        def broken(context: jobs.Context) -> None:
            raise ValueError("it <broke>")

        jobs.enqueue("test.broken", "secret@x.test", {"secret": "Secret person"}, organization)
        (job,) = jobs.run_inline()
        yield job
        del registry.handlers["test.broken"]

    def test_are_listed_with_their_error_and_never_with_what_they_are_about(
        self, browser: Client, failed: jobs.Job
    ) -> None:
        page = browser.get("/operator/jobs").content.decode()
        assert "test.broken" in page
        assert "Acme" in page
        assert "ValueError: it &lt;broke&gt;" in page
        assert "ecret" not in page

    def test_try_again_puts_it_back(self, browser: Client, failed: jobs.Job) -> None:
        where = f"/operator/jobs/{failed.id}/retry"
        assert browser.get(where).status_code == 405
        assert jobs.get(failed.id) == failed
        browser.post(where)
        again = jobs.get(failed.id)
        assert again is not None
        assert (again.status, again.failures) == (jobs.Status.WAITING, 0)
        assert "Nothing failed" in browser.get("/operator/jobs").content.decode()

    def test_a_member_neither_sees_nor_retries_them(
        self, signed_in: Callable[[Member], Client], administrator: Member, failed: jobs.Job
    ) -> None:
        client = signed_in(administrator)
        for answer in (client.get("/operator/jobs"), client.post(f"/operator/jobs/{failed.id}/retry")):
            assert (answer.status_code, answer["Location"]) == (302, "/operator/login")
        assert jobs.get(failed.id) == failed


def test_only_by_post_and_with_a_token(operator: Operator, organization: Organization) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/operator/login")
    token = client.cookies["csrftoken"].value
    given = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert client.post("/operator/login", given).status_code == 302
    where = f"/operator/organizations/{organization.pk}/advanced"
    assert client.post(where, {"state": "on"}).status_code == 403
    assert client.get(where, {"state": "on"}).status_code == 405
    # The token from before the log-in is no longer one.
    assert client.post(where, {"state": "on", "csrfmiddlewaretoken": token}).status_code == 403
    assert not advanced(organization)


def test_guessing_is_slowed_down_and_answers_alike(operator: Operator) -> None:
    client = Client()

    def guess(email: str) -> tuple[int, str]:
        answer = client.post("/operator/login", {"email": email, "password": "wrong, and wrong again"})
        text = re.sub(r'value="[^"]*"', "", answer.content.decode().split("<form")[1])
        return answer.status_code, text

    with clock.frozen(NOW):
        assert guess(EMAIL) == guess("nobody@host.test")
        assert [guess(EMAIL)[0] for _ in range(6)] == [400] * 4 + [429] * 2
        right = client.post("/operator/login", {"email": EMAIL, "password": PASSWORD})
        assert right.status_code == 429
    with clock.frozen(NOW + timedelta(minutes=5)):
        assert client.post("/operator/login", {"email": EMAIL, "password": PASSWORD}).status_code == 302


class TestTheSessionEnds:
    def test_after_eight_hours(self, operator: Operator) -> None:
        client = Client()
        with clock.frozen(NOW):
            client.post("/operator/login", {"email": EMAIL, "password": PASSWORD})
        with clock.frozen(NOW + timedelta(hours=7, minutes=59)):
            assert client.get("/operator").status_code == 200
        with clock.frozen(NOW + timedelta(hours=8, seconds=1)):
            assert client.get("/operator").status_code == 302

    def test_when_the_password_changes(self, browser: Client, operator: Operator) -> None:
        operators.set_password(operators.link(operator), PASSWORD + "!")
        assert browser.get("/operator").status_code == 302

    def test_when_the_operator_is_removed(self, browser: Client, operator: Operator) -> None:
        operator.delete()
        assert browser.get("/operator").status_code == 302

    def test_by_logging_out(self, browser: Client) -> None:
        assert browser.get("/operator/logout").status_code == 405
        assert browser.post("/operator/logout")["Location"] == "/operator/login"
        assert browser.get("/operator").status_code == 302


def test_a_member_in_the_same_browser_gains_nothing_and_loses_nothing(
    browser: Client, administrator: Member, other_hub: Hub
) -> None:
    browser.post("/login", {"email": administrator.email, "password": PASSWORD})
    other_hub.customer("Theirs")
    assert browser.get("/customers").status_code == 200
    assert "Theirs" not in browser.get("/customers").content.decode()
    page = browser.get("/operator").content.decode()
    assert "Bystander" in page
    assert administrator.email not in page
    browser.post("/operator/logout")
    assert browser.get("/customers").status_code == 200


class TestTheLink:
    def test_works_once(self) -> None:
        _, token = operators.add(EMAIL)
        client = Client()
        assert EMAIL in client.get(f"/operator/password/{token}").content.decode()
        short = client.post(f"/operator/password/{token}", {"password": "short", "again": "short"})
        assert "too short" in short.content.decode()
        given = {"password": PASSWORD, "again": PASSWORD}
        assert client.post(f"/operator/password/{token}", given)["Location"] == "/operator"
        assert client.get("/operator").status_code == 200
        assert Client().post(f"/operator/password/{token}", given).status_code == 404

    def test_for_seven_days(self) -> None:
        with clock.frozen(NOW):
            _, token = operators.add(EMAIL)
        with clock.frozen(NOW + timedelta(days=7, seconds=1)):
            assert Client().get(f"/operator/password/{token}").status_code == 404

    def test_a_members_link_is_none(self, administrator: Member) -> None:
        from startdeliver.tenancy.models import OneTimeLink

        assert Client().get(f"/operator/password/{OneTimeLink.issue(administrator)}").status_code == 404
        _, token = operators.add(EMAIL)
        assert Client().get(f"/password/{token}").status_code == 404


def test_many_organizations_are_paged_and_found(browser: Client) -> None:
    for n in range(30):
        Organization.objects.create(name=f"Org {n:02}", slug=f"org-{n:02}")
    first, second = browser.get("/operator").content.decode(), browser.get("/operator?page=2").content.decode()
    assert ("Org 00" in first, "Org 29" in first, "Org 29" in second) == (True, False, True)
    found = browser.get("/operator?q=rg-17").content.decode()
    assert found.count('id="org-') == 1
    nothing = browser.get("/operator?q=<script>").content.decode()
    assert "No organization is called that" in nothing
    assert "<script>" not in nothing.split('name="q"')[1]
