"""intercom push, against the simulated workspace."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result

from startdeliver.customers.models import Customer
from startdeliver.engine import jobs
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.sync.models import Connection, PushRun
from startdeliver.sync.push import runs
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
        assert jobs.claim_here(runs._enqueue(organization, "sync")) is not None
    done = startdeliver("intercom", "push", "acme")
    assert done.exit_code == 75
    assert "already running since" in done.stderr


def test_one_that_is_killed_again_and_again_writes_nothing_twice_and_misses_nothing(
    make_installation: Callable[..., Installation],
) -> None:
    """Killed (SIGKILL) while attributes are made, at the first write, in the middle, near the end, and while contacts
    are created; each time another process goes on."""
    companies, people = 150, 8
    installation = make_installation("pushkill")
    with run_in_thread() as simulator:
        workspace = simulator.workspace
        installation.settings |= {"INTERCOM_API_URL": simulator.url, "INTERCOM_TOKEN": simulator.token}
        installation.ok("org", "create", "Acme", "--admin", "a@acme.test")
        installation.ok("org", "advanced", "acme", "on")
        installation.ok("intercom", "connect", "acme", "--create-customers", "--workspace", workspace.id_code)
        for n in range(companies):
            workspace.add_contact(f"P{n}", f"p{n}@x.test", companies=[workspace.add_company(f"C{n}", f"c{n}")])
        installation.ok("intercom", "sync", "acme")

        def updated() -> Counter[str]:
            return Counter(one.item_id for one in list(workspace.changes) if one.topic == "company.updated")

        def killed_when(condition: Callable[[], object], what: str) -> None:
            with installation.started("intercom", "push", "acme") as process:
                until(condition, what)
                process.kill()
                process.wait()

        before = updated()
        simulator.faults.latency("/data_attributes", 400)
        killed_when(lambda: len(workspace.attributes) >= 2, "two attributes")
        assert len(workspace.attributes) < 5
        simulator.faults.clear()
        simulator.faults.latency("/companies/*", 500)
        for number in (1, 70):
            killed_when(lambda wanted=number: sum((updated() - before).values()) >= wanted, f"{number} writes")
            assert sum((updated() - before).values()) < companies
        assert len(workspace.attributes) == 5
        killed_when(lambda: sum((updated() - before).values()) >= companies, "the last write, before its answer")
        document = installation.json("intercom", "push", "acme")
        assert document["status"] == "success"
        assert (updated() - before) == Counter(dict.fromkeys(workspace.companies, 1))
        assert all(one.custom_attributes["startdeliver_link"] for one in workspace.companies.values())
        assert installation.json("intercom", "push", "acme")["requests"] == 0

        rows = [f"n{n}@new.test" for n in range(people)]
        installation.ok("intercom", "sync", "acme", "--no-messages")
        _allow_contacts(installation, rows)
        simulator.faults.clear()
        simulator.faults.latency("/contacts", 400)
        killed_when(lambda: any(one.email in rows for one in list(workspace.contacts)), "the first contact")
        simulator.faults.clear()
        assert installation.json("intercom", "push", "acme")["status"] == "success"
        made = Counter(one.email for one in workspace.contacts if one.email in rows)
        assert made == Counter(dict.fromkeys(rows, 1))
        assert installation.json("intercom", "push", "acme")["requests"] == 0


_ALLOW = """
import sys
import django
django.setup()
from startdeliver.customers.services import user_create
from startdeliver.sync.models import PushSettings
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
organization = Organization.objects.get()
with organization_scope(organization):
    PushSettings.objects.update(create_contacts=True)
    for email in sys.argv[1:]:
        user_create(organization=organization, by="test", values={"email": email, "name": email})
"""


def _allow_contacts(installation: Installation, emails: list[str]) -> None:
    """New users, and the leave to make contacts of them, in the installation's own database."""
    subprocess.run(
        [sys.executable, "-c", _ALLOW, *emails],
        cwd=installation.folder,
        env={**installation.environment, "DJANGO_SETTINGS_MODULE": "startdeliver.project.settings"},
        check=True,
        timeout=300,
    )
