"""intercom push, against the simulated workspace."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.engine.owner import owner_id
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.sync.models import Connection, PushRun
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.project.running import Installation, until

Run = Callable[..., Result]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulator(settings: Any) -> Iterator[Handle]:
    with run_in_thread() as handle:
        settings.CONFIG = replace(settings.CONFIG, intercom_api_url=handle.url, intercom_app_url=handle.url)
        yield handle


@pytest.fixture
def synced(startdeliver: Run, organization: Organization, simulator: Handle) -> Handle:
    """Acme is connected and synced; it has one customer, who is a company with one contact."""
    with organization_scope(organization):
        Customer.objects.create(organization=organization, name="Acorn", external_id="acorn")
    company = simulator.workspace.add_company("Acorn", "acorn")
    simulator.workspace.add_contact("Ann", "ann@acorn.test", companies=[company])
    connect = ("intercom", "connect", "acme", "--workspace", simulator.workspace.id_code)
    assert startdeliver(*connect, env={"INTERCOM_TOKEN": simulator.token}).exit_code == 0
    assert startdeliver("intercom", "sync", "acme").exit_code == 0
    with organization_scope(organization):
        Connection.objects.update(field_rules={"user.external_id": {"rule": "intercom"}})
    return simulator


def attributes(simulator: Handle) -> dict[str, Any]:
    (company,) = simulator.workspace.companies.values()
    return company.custom_attributes


def test_the_locked_tier_pushes_nothing(startdeliver: Run, synced: Handle) -> None:
    done = startdeliver("intercom", "push", "acme", "--json")
    assert done.exit_code == 1
    assert "This is advanced functionality. To access it, contact" in done.stderr
    assert attributes(synced) == {}


def test_a_dry_run_writes_nothing(startdeliver: Run, synced: Handle, organization: Organization) -> None:
    assert startdeliver("org", "advanced", "acme", "on").exit_code == 0
    done = startdeliver("intercom", "push", "acme", "--dry-run", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["dryRun"] is True
    assert (document["companies"], document["contacts"]) == (1, 0)
    assert {one["action"] for one in document["definitions"]} == {"create"}
    assert document["samples"][0]["before"] == {"startdeliver_link": None}
    assert not synced.workspace.attributes
    text = startdeliver("intercom", "push", "acme", "--dry-run").stdout
    assert "1 companies and 0 contacts would be written." in text
    with organization_scope(organization):
        assert not PushRun.objects.exists()


def test_push(startdeliver: Run, synced: Handle) -> None:
    startdeliver("org", "advanced", "acme", "on")
    done = startdeliver("intercom", "push", "acme", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["status"], document["defined"], document["written"], document["failed"]) == ("success", 5, 1, 0)
    assert "/customers/" in attributes(synced)["startdeliver_link"]
    again = json.loads(startdeliver("intercom", "push", "acme", "--json").stdout)
    assert (again["planned"], again["requests"]) == (0, 0)
    startdeliver("org", "advanced", "acme", "off")
    assert startdeliver("intercom", "push", "acme").exit_code == 1
    assert attributes(synced)["startdeliver_link"]


def test_one_at_a_time(startdeliver: Run, synced: Handle, organization: Organization) -> None:
    startdeliver("org", "advanced", "acme", "on")
    with organization_scope(organization):
        PushRun.objects.create(organization=organization, trigger="cli", owner=owner_id(), heartbeat_at=clock.now())
    done = startdeliver("intercom", "push", "acme")
    assert done.exit_code == 75
    assert "already running since" in done.stderr


def test_one_that_is_killed_writes_nothing_twice_and_misses_nothing(installation: Installation) -> None:
    companies = 150
    with run_in_thread() as simulator:
        workspace = simulator.workspace
        installation.settings = {"INTERCOM_API_URL": simulator.url, "INTERCOM_TOKEN": simulator.token}
        installation.ok("migrate")
        installation.ok("org", "create", "Acme", "--admin", "a@acme.test")
        installation.ok("org", "advanced", "acme", "on")
        installation.ok("intercom", "connect", "acme", "--create-customers", "--workspace", workspace.id_code)
        for n in range(companies):
            workspace.add_contact(f"P{n}", f"p{n}@x.test", companies=[workspace.add_company(f"C{n}", f"c{n}")])
        installation.ok("intercom", "sync", "acme")
        simulator.faults.latency("/companies/*", 500)

        def changes() -> Counter[str]:
            return Counter(one.item_id for one in list(workspace.changes) if one.topic == "company.updated")

        before = changes()
        with installation.started("intercom", "push", "acme") as process:
            until(lambda: sum((changes() - before).values()) >= 70, "half of the writes")
            process.kill()
            process.wait()
        assert sum((changes() - before).values()) < companies
        document = installation.json("intercom", "push", "acme")
        assert document["status"] == "success"
        assert (changes() - before) == Counter(dict.fromkeys(workspace.companies, 1))
        assert all(one.custom_attributes["startdeliver_link"] for one in workspace.companies.values())
        assert installation.json("intercom", "push", "acme")["requests"] == 0
