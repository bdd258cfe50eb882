"""Inviting, changing and archiving members, as services and on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from startdeliver.engine import jobs
from startdeliver.tenancy import members
from startdeliver.tenancy.members import MemberError
from startdeliver.tenancy.models import ApiKey, Member, OneTimeLink, Organization, Role
from startdeliver.tenancy.scope import organization_scope
from tests.conftest import PASSWORD


def test_the_last_administrator_stays(administrator: Member, csm: Member) -> None:
    with pytest.raises(MemberError, match="last administrator"):
        members.member_archive(administrator)
    with pytest.raises(MemberError, match="last administrator"):
        members.member_set_role(administrator, Role.LITE)
    members.member_set_role(csm, Role.ADMINISTRATOR)
    members.member_archive(administrator)
    assert not Member.objects.get(pk=administrator.pk).is_active


def test_an_invited_member_sets_a_password_and_logs_in(client: Client, administrator: Member) -> None:
    client.force_login(administrator)
    page = client.post("/settings/team", {"email": "new@acme.test", "name": "New", "role": "lite"}, follow=True)
    link = re.search(r"/password/([\w-]+)", page.content.decode())
    assert link
    jobs.run_inline()
    assert link.group(0) in mail.outbox[0].body
    guest = Client()
    password = "a quiet river bends"
    answer = guest.post(link.group(0), {"password": password, "again": password})
    assert answer.status_code == 302
    assert guest.get("/customers").status_code == 200
    assert guest.get("/settings/team").status_code == 403
    assert guest.get(link.group(0)).status_code == 404


def test_archiving_ends_sessions_keys_and_links(client: Client, administrator: Member, csm: Member) -> None:
    client.force_login(csm)
    assert client.get("/customers").status_code == 200
    token = members.member_link(csm)
    with organization_scope(csm.organization):
        key, _ = ApiKey.issue(csm.organization, "Log-in", member=csm)
    members.member_archive(csm)
    assert client.get("/customers").status_code == 302
    assert OneTimeLink.find(token) is None
    with organization_scope(csm.organization):
        assert ApiKey.objects.get(pk=key.pk).revoked_at is not None


def test_logging_out_everywhere_keeps_this_session(csm: Member) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/login", {"email": csm.email, "password": PASSWORD})
        assert client.get("/customers").status_code == 200
    here.post("/signout-everywhere")
    assert here.get("/customers").status_code == 200
    assert there.get("/customers").status_code == 302


@pytest.mark.parametrize("action", ["role", "archive", "restore", "link", "signout"])
def test_members_of_another_organization_are_out_of_reach(
    client: Client, administrator: Member, outsider: Member, action: str
) -> None:
    client.force_login(administrator)
    assert client.post(f"/settings/team/{outsider.pk}/{action}", {"role": "lite"}).status_code == 404
    assert Member.objects.get(pk=outsider.pk).role == Role.ADMINISTRATOR


@pytest.mark.parametrize("path", ["/settings/team", "/settings/apikeys"])
def test_only_administrators_see_team_and_keys(client: Client, csm: Member, path: str) -> None:
    client.force_login(csm)
    assert client.get(path).status_code == 403
    assert client.post(path, {"email": "x@y.test", "name": "x", "role": "main", "access": "admin"}).status_code == 403
    assert not ApiKey.objects.model._base_manager.exists()


def test_an_api_key_is_shown_once_and_revoked(client: Client, administrator: Member) -> None:
    client.force_login(administrator)
    page = client.post("/settings/apikeys", {"name": "Billing", "access": "read"}).content.decode()
    text = re.search(r"sd_[\w-]{30,}", page)
    assert text
    assert text.group(0) not in client.get("/settings/apikeys").content.decode()
    reader = Client(headers={"Authorization": text.group(0)})
    assert reader.get("/api/v1/customer").status_code == 200
    assert reader.post("/api/v1/customer", {"name": "X"}, content_type="application/json").status_code == 403
    with organization_scope(administrator.organization):
        key = ApiKey.objects.get(name="Billing")
    client.post(f"/settings/apikeys/{key.pk}/revoke")
    assert reader.get("/api/v1/customer").status_code == 401


def test_a_key_of_another_organization_cannot_be_revoked(
    client: Client, administrator: Member, other_organization: Organization
) -> None:
    with organization_scope(other_organization):
        key, _ = ApiKey.issue(other_organization, "Theirs")
    client.force_login(administrator)
    assert client.post(f"/settings/apikeys/{key.pk}/revoke").status_code == 404


def test_a_forgotten_password_answers_the_same_for_everybody(client: Client, csm: Member) -> None:
    known = client.post("/password", {"email": csm.email}).content
    unknown = client.post("/password", {"email": "nobody@acme.test"}).content
    assert _without_token(known) == _without_token(unknown)
    jobs.run_inline()
    assert [message.to for message in mail.outbox] == [[csm.email]]


def test_wrong_invitations_say_what_is_wrong(
    client: Client, administrator: Member, make_member: Callable[..., Member]
) -> None:
    client.force_login(administrator)
    for form, words in (
        ({"email": "not an address", "role": "main"}, "Enter an e-mail address"),
        ({"email": administrator.email.upper(), "role": "main"}, "is a member already"),
        ({"email": "x@y.test", "role": "owner"}, "Choose a member type"),
    ):
        answer = client.post("/settings/team", form)
        assert answer.status_code == 422
        assert words in answer.content.decode()


def _without_token(page: bytes) -> Any:
    return re.sub(rb'(csrfmiddlewaretoken" value|X-CSRFToken": )[="\\ ]+[\w]+', b"", page)
