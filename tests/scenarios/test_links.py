"""Links into Intercom lead to the workspace's region, also those that were stored before the region changed."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from django.test import Client

from startdeliver.support.models import Thread, Ticket
from startdeliver.sync import connect, links
from startdeliver.sync.models import Connection, IntercomContact
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope

from .story import Story

APPS = {"US": "app.intercom.com", "EU": "app.eu.intercom.com", "AU": "app.au.intercom.com"}


@pytest.fixture
def ticket(story: Story) -> str:
    """A ticket with an image, stored while the workspace was in the United States."""
    story.customer("Acme", external_id="acme")
    story.user("ann@acme.example")
    company = story.workspace.add_company("Acme", "acme")
    ann = story.workspace.add_contact("Ann", "ann@acme.example", companies=[company])
    ref = story.workspace.add_conversation([ann], "<p>Look <img src='https://x.example/i.png'></p>").id
    story.sync()
    assert hosts(ref) == {APPS["US"]}
    return ref


def hosts(ref: str) -> set[str]:
    """The hosts of all links of a stored ticket."""
    row = Ticket.objects.get(external_id=ref)
    entries = Thread.objects.get(ticket=row).entries
    assert "Image in Intercom" in entries
    html = "".join(entry["html"] for entry in json.loads(entries))
    found = [row.link, *(part.split('"')[0] for part in html.split('href="')[1:])]
    assert len(found) == 2
    assert all(row.workspace in address for address in found)
    return {urlsplit(address).hostname or "" for address in found}


@pytest.mark.parametrize("region", ["EU", "AU"])
def test_the_next_run_follows_a_region_that_changed(story: Story, ticket: str, region: str) -> None:
    story.workspace.region = region
    story.sync()
    assert story.connection.region == region
    assert hosts(ticket) == {APPS[region]}
    story.workspace.region = "US"
    story.sync()
    assert hosts(ticket) == {APPS["US"]}


def test_saving_the_settings_is_enough(story: Story, ticket: str) -> None:
    story.workspace.region = "EU"
    connect.save_settings(
        story.organization, workspace=story.connection.workspace, eu=True, create_contacts=False, start=False
    )
    assert hosts(ticket) == {APPS["EU"]}


def test_authenticating_again_is_enough(story: Story, ticket: str) -> None:
    story.workspace.region = "AU"
    connect.connect_token(story.organization, story.intercom.token, australia=True)
    assert hosts(ticket) == {APPS["AU"]}


def test_tickets_of_a_workspace_that_was_left_keep_theirs(story: Story, ticket: str) -> None:
    former = story.connection.workspace
    story.set(workspace="another1", region="EU")
    assert links.rewrite(story.connection) == 0
    assert hosts(ticket) == {APPS["US"]}
    assert links.region_of(story.connection, former).code == "US"
    assert links.region_of(story.connection, "another1").code == "EU"


def test_other_organizations_are_left_alone(story: Story, ticket: str, other_organization: Organization) -> None:
    with organization_scope(other_organization):
        theirs = Connection(organization=other_organization, workspace=story.connection.workspace, region="EU")
        assert links.rewrite(theirs) == 0
    assert hosts(ticket) == {APPS["US"]}


def test_the_pages_of_customers_and_users_follow_too(
    story: Story, ticket: str, client: Client, administrator: Member
) -> None:
    client.force_login(administrator)
    customer, user = story.ticket(ticket).customer, IntercomContact.objects.get().user
    assert customer is not None
    assert user is not None
    for region in ("EU", "US"):
        Connection.objects.update(region=region)
        for page in (f"/customers/{customer.pk}", f"/users/{user.pk}"):
            text = client.get(page, follow=True).content.decode()
            assert f"https://{APPS[region]}/a/apps/" in text, page
            assert text.count("/a/apps/") == text.count(f"https://{APPS[region]}/a/apps/")
