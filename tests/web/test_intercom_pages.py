"""Apps → Intercom: connect by click or token, workspace check, region, revoke, skips, field rules, history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from startdeliver.common import clock
from startdeliver.simulator import Workspace
from startdeliver.simulator.clock import Clock
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.sync import connect
from startdeliver.sync.models import Connection, Skip, SyncRun
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope

WORKSPACE = "abc12345"


@pytest.fixture
def intercom(settings: Any) -> Iterator[Handle]:
    with run_in_thread(Workspace(id_code=WORKSPACE, now=Clock())) as handle:
        settings.CONFIG = replace(
            settings.CONFIG,
            base_url="http://testserver",
            intercom_client_id=handle.client_id,
            intercom_client_secret=handle.client_secret,
            intercom_api_url=handle.url,
            intercom_app_url=handle.url,
        )
        yield handle


@pytest.fixture
def admin(signed_in: Callable[[Member], Client], administrator: Member) -> Client:
    return signed_in(administrator)


def link_of(organization: Organization) -> Connection:
    with organization_scope(organization):
        return Connection.objects.get()


def start(admin: Client, **form: str) -> dict[str, list[str]]:
    """Clicks "Click to start authentication"; gives the parameters of Intercom's address."""
    answer = admin.post("/apps/intercom/authorize", form)
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer["Location"]).query)


def authorized(intercom: Handle, sent: dict[str, list[str]]) -> str:
    """What Intercom's authorize page sends back: the address of the callback, with code and state."""
    import urllib.error
    import urllib.parse
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> None:
            return None

    data = urllib.parse.urlencode({key: values[0] for key, values in sent.items()} | {"decision": "authorize"}).encode()
    try:
        urllib.request.build_opener(Stay).open(f"{intercom.url}/oauth", data)
    except urllib.error.HTTPError as redirect:
        where = urlsplit(redirect.headers["Location"])
        return f"{where.path}?{where.query}"
    raise AssertionError("Intercom did not send the person back")


def connected(admin: Client, intercom: Handle, **form: str) -> Any:
    admin.post("/apps/intercom/token", {"token": intercom.token})
    return admin.post("/apps/intercom/save", {"workspace": WORKSPACE, **form})


def test_the_click_authenticates_and_the_status_reads_so(
    admin: Client, intercom: Handle, organization: Organization
) -> None:
    sent = start(admin, eu="no")
    assert sent["client_id"] == [intercom.client_id]
    answer = admin.get(authorized(intercom, sent), follow=True)
    page = answer.content.decode()
    assert "Authenticated" in page
    assert "revoke" in page
    link = link_of(organization)
    assert link.is_authenticated
    assert link.saved_at is None
    assert link.token not in page
    assert intercom.token.encode() not in bytes(link.token_cipher or b"")


def test_a_state_works_once_and_only_in_its_session(
    admin: Client, intercom: Handle, signed_in: Callable[[Member], Client], administrator: Member
) -> None:
    back = authorized(intercom, start(admin))
    thief = signed_in(administrator)
    assert thief.get(back).status_code == 422
    assert admin.get(back).status_code == 302
    again = admin.get(back)
    assert again.status_code == 422
    assert "was not started here" in again.content.decode()


def test_a_state_lasts_ten_minutes(admin: Client, intercom: Handle, organization: Organization) -> None:
    began = clock.now()
    back = authorized(intercom, start(admin))
    with clock.frozen(began + timedelta(minutes=10, seconds=5)):
        assert admin.get(back).status_code == 422
    assert not link_of(organization).is_authenticated


def test_cancelling_at_intercom_connects_nothing(admin: Client, intercom: Handle) -> None:
    state = start(admin)["state"][0]
    page = admin.get("/apps/intercom/callback", {"error": "access_denied", "state": state})
    assert "Authorizing was cancelled" in page.content.decode()


def test_the_region_of_the_click_picks_the_authorize_host(admin: Client, intercom: Handle, settings: Any) -> None:
    settings.CONFIG = replace(settings.CONFIG, intercom_app_url="")
    for form, query, host in (
        ({"eu": "no"}, "", "app.intercom.com"),
        ({"eu": "yes"}, "", "app.eu.intercom.com"),
        ({"eu": "no"}, "?region=AU", "app.au.intercom.com"),
    ):
        answer = admin.post(f"/apps/intercom/authorize{query}", form)
        assert urlsplit(answer["Location"]).hostname == host


def test_without_client_settings_the_page_offers_a_token_and_names_the_settings(
    admin: Client, intercom: Handle, settings: Any
) -> None:
    settings.CONFIG = replace(settings.CONFIG, intercom_client_id="", intercom_client_secret="")
    page = admin.get("/apps/intercom").content.decode()
    assert "Click to start authentication" not in page
    assert "INTERCOM_CLIENT_ID" in page
    assert "INTERCOM_CLIENT_SECRET" in page
    assert connected(admin, intercom).status_code == 302


def test_a_wrong_workspace_is_refused_naming_both_and_nothing_syncs(
    admin: Client, intercom: Handle, organization: Organization
) -> None:
    admin.post("/apps/intercom/token", {"token": intercom.token})
    page = admin.post("/apps/intercom/save", {"workspace": "wrong999", "create_contacts": "yes"})
    assert page.status_code == 422
    text = page.content.decode()
    assert "wrong999" in text
    assert WORKSPACE in text
    link = link_of(organization)
    assert link.saved_at is None
    assert not link.create_contacts
    with organization_scope(organization):
        assert not SyncRun.objects.exists()


def test_saving_starts_the_first_sync_and_the_schedule_once(
    admin: Client, intercom: Handle, organization: Organization
) -> None:
    assert connected(admin, intercom, create_contacts="yes", sync_events="yes").status_code == 302
    link = link_of(organization)
    assert (link.create_contacts, link.sync_events, link.create_customers) == (True, True, False)
    assert link.workspace == WORKSPACE
    assert link.next_sync_at is not None
    admin.post("/apps/intercom/save", {"workspace": WORKSPACE})
    with organization_scope(organization):
        assert SyncRun.objects.count() == 1


def test_a_wrong_eu_answer_is_said_and_the_right_host_used(
    admin: Client, settings: Any, organization: Organization, intercom: Handle
) -> None:
    intercom.workspace.region = "EU"
    connected(admin, intercom, eu="no")
    assert link_of(organization).region == "EU"
    page = admin.get("/apps/intercom").content.decode()
    assert "You answered No to EU data hosting" in page
    assert "api.eu.intercom.io" in page


def test_a_dead_token_is_one_sentence(admin: Client, intercom: Handle, organization: Organization) -> None:
    page = admin.post("/apps/intercom/token", {"token": "no-such-token"})
    assert page.status_code == 422
    assert "no-such-token" not in page.content.decode()
    assert not link_of(organization).is_authenticated


def test_revoking_tells_intercom_and_keeps_tickets(admin: Client, intercom: Handle, organization: Organization) -> None:
    connected(admin, intercom)
    admin.post("/apps/intercom/revoke")
    link = link_of(organization)
    assert link.status == Connection.Status.REVOKED
    assert not link.token_cipher
    assert link.next_sync_at is None
    assert intercom.log.count("POST /auth/uninstall") == 1
    with organization_scope(organization):
        assert not SyncRun.objects.filter(status__in=["queued", "running"]).exists()


def test_revoking_works_while_intercom_is_away(
    admin: Client, intercom: Handle, organization: Organization, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(admin, intercom)
    settings.CONFIG = replace(settings.CONFIG, intercom_api_url="http://127.0.0.1:9")
    page = admin.post("/apps/intercom/revoke", follow=True).content.decode()
    assert "remove Startdeliver in Intercom" in page
    assert not link_of(organization).token_cipher


def test_disconnecting_deletes_what_was_imported_and_nothing_of_others(
    admin: Client, intercom: Handle, organization: Organization, other_organization: Organization
) -> None:
    connected(admin, intercom)
    for one in (organization, other_organization):
        with organization_scope(one):
            Skip.objects.create(organization=one, workspace=WORKSPACE, external_id="1", reason="no_user")
    admin.post("/apps/intercom/delete")
    with organization_scope(organization):
        assert not Skip.objects.exists()
    with organization_scope(other_organization):
        assert Skip.objects.count() == 1


def test_another_workspace_is_refused_while_one_is_connected(
    admin: Client, intercom: Handle, organization: Organization
) -> None:
    connected(admin, intercom)
    intercom.workspace.id_code = "other999"
    with organization_scope(organization), pytest.raises(connect.ConnectError, match="other999"):
        connect.connect_token(organization, intercom.token)
    assert link_of(organization).workspace == WORKSPACE


POSTS = ["authorize", "token", "save", "sync", "revoke", "delete", "skips/1/match", "skips/1/create", "fields"]


@pytest.mark.parametrize("path", ["", "/skips", "/fields", "/runs", "/progress", "/callback"])
def test_only_administrators_see_the_pages(main: Client, path: str) -> None:
    assert main.get(f"/apps/intercom{path}").status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_only_administrators_may_change_anything(main: Client, path: str) -> None:
    assert main.post(f"/apps/intercom/{path}").status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_every_change_needs_the_csrf_token(administrator: Member, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    assert client.post(f"/apps/intercom/{path}").status_code == 403


def test_the_skips_of_others_are_out_of_reach(admin: Client, other_organization: Organization) -> None:
    with organization_scope(other_organization):
        theirs = Skip.objects.create(
            organization=other_organization, workspace="w", external_id="7", reason="no_user", title="Secret"
        )
    assert "Secret" not in admin.get("/apps/intercom/skips").content.decode()
    assert admin.get(f"/apps/intercom/skips/{theirs.pk}").status_code == 404
    assert admin.post(f"/apps/intercom/skips/{theirs.pk}/create").status_code == 404
    assert admin.post(f"/apps/intercom/skips/{theirs.pk}/match", {"user": "1"}).status_code == 404


def test_the_skipped_list_says_who_is_waited_for(admin: Client, organization: Organization) -> None:
    with organization_scope(organization):
        for number in range(12):
            Skip.objects.create(
                organization=organization,
                workspace="w",
                external_id=str(number),
                contact_ref=f"c{number % 9}",
                reason="no_user",
                contact_name="<b>Pat</b>",
            )
    page = admin.get("/apps/intercom/skips").content.decode()
    assert "12 tickets are waiting for 9 people we do not know." in page
    assert "<b>Pat</b>" not in page


def test_field_rules_are_kept_as_changes_and_checked(admin: Client, organization: Organization) -> None:
    admin.get("/apps/intercom")
    answer = admin.post("/apps/intercom/fields", {"customer.plan.rule": "startdeliver", "customer.plan.from": "plan"})
    assert answer.status_code == 302
    assert link_of(organization).field_rules == {"customer.plan": {"rule": "startdeliver"}}
    wrong = admin.post("/apps/intercom/fields", {"customer.plan.from": "no_such_attribute"})
    assert wrong.status_code == 422
    assert "no_such_attribute" in wrong.content.decode()
    admin.post("/apps/intercom/fields", {"customer.plan.from": "custom_attributes.tier"})
    assert link_of(organization).field_rules == {"customer.plan": {"from": "custom_attributes.tier"}}


def test_sync_now_says_when_one_is_running(admin: Client, intercom: Handle, organization: Organization) -> None:
    connected(admin, intercom)
    page = admin.post("/apps/intercom/sync", headers={"HX-Request": "true"}).content.decode()
    assert "Waiting for a worker" in page
    with organization_scope(organization):
        assert SyncRun.objects.count() == 1


def test_when_the_run_has_ended_the_page_is_loaded_again(
    admin: Client, intercom: Handle, organization: Organization
) -> None:
    connected(admin, intercom)
    assert "every 1s" in admin.get("/apps/intercom/progress").content.decode()
    with organization_scope(organization):
        SyncRun.objects.update(status="success", finished_at=clock.now(), started_at=clock.now())
    assert admin.get("/apps/intercom/progress")["HX-Refresh"] == "true"


def test_history_shows_a_failed_run_with_its_sentence(
    admin: Client, intercom: Handle, organization: Organization
) -> None:
    connected(admin, intercom)
    with organization_scope(organization):
        run = SyncRun.objects.get()
        run.status, run.error = SyncRun.Status.FAILED, "Intercom could not be reached."
        run.started_at = run.finished_at = clock.now()
        run.skipped = {"no_user": 3}
        run.save()
    assert "Failed" in admin.get("/apps/intercom/runs").content.decode()
    page = admin.get(f"/apps/intercom/runs/{run.pk}").content.decode()
    assert "Intercom could not be reached." in page
    assert "No user matches: 3" in page
