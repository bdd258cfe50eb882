"""What `intercom sync` and `intercom status` say of events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result

from startdeliver.customers.models import CustomerUser
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage.services import product_create, usage_type_create

Run = Callable[..., Result]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulator(settings: Any) -> Iterator[Handle]:
    with run_in_thread() as handle:
        settings.CONFIG = replace(settings.CONFIG, intercom_api_url=handle.url, intercom_app_url=handle.url)
        yield handle


def status(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("intercom", "status", "acme", "--json").stdout)["events"]
    return found


def test_events_wait_for_the_tier_then_for_a_product_and_then_come_in(
    startdeliver: Run, organization: Organization, simulator: Handle
) -> None:
    startdeliver(
        *("intercom", "connect", "acme", "--workspace", simulator.workspace.id_code, "--sync-events"),
        env={"INTERCOM_TOKEN": simulator.token},
    )
    contact = simulator.workspace.add_contact("Ann", "ann@acme.example")
    now = int(simulator.workspace.now())
    for ago in (50, 100, 150):
        simulator.workspace.add_event(contact.id, "board-created", at=now - ago)
    simulator.workspace.add_event(contact.id, "file-imported", at=now - 100)
    assert status(startdeliver)["status"] == "locked"
    assert startdeliver("org", "advanced", "acme", "on").exit_code == 0
    assert status(startdeliver)["status"] == "no_product"
    assert "waiting for a product with usage types" in startdeliver("intercom", "status", "acme").stdout
    assert json.loads(startdeliver("intercom", "sync", "acme", "--json").stdout)["events"] == {}
    with organization_scope(organization):
        CustomerUser.objects.create(organization=organization, email="ann@acme.example", name="Ann")
        values = {"name": "Board created", "intercom_event_name": "board-created"}
        kind = usage_type_create(organization=organization, by="t", values=values)
        product = {"name": "Boards", "fair_target": 1, "good_target": 3, "usage_types": [kind.pk]}
        product_create(organization=organization, by="t", values=product)
    rows = dict(line.split(None, 1) for line in startdeliver("intercom", "sync", "acme").stdout.splitlines())
    assert rows["events"] == "4  (of 1 contacts, counted 3, without a usage type 1)"
    document = status(startdeliver)
    assert (document["status"], document["waiting"], document["problem"]) == ("on", 1, "")
    assert document["readAt"] is not None
    said = startdeliver("intercom", "status", "acme").stdout
    assert "on; 1 wait for a usage type" in said
    assert "3 events counted as usage" in said
