"""intercom connect, sync and status, against the simulated workspace."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.simulator.testing import Handle, run_in_thread
from startdeliver.support.models import Ticket
from startdeliver.sync import session
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from tests.project.running import Installation, until

Run = Callable[..., Result]
pytestmark = pytest.mark.django_db(transaction=True)

KEYS = {
    *("id", "status", "trigger", "startedAt", "finishedAt", "listed", "imported", "updated", "unchanged", "deleted"),
    *("skipped", "outbound", "messages", "usersCreated", "usersUpdated", "customersCreated", "customersUpdated"),
    *("events", "requests", "seconds", "sweepRequests", "sweepSeconds", "warnings", "error"),
}


@pytest.fixture
def simulator(settings: Any) -> Iterator[Handle]:
    with run_in_thread() as handle:
        settings.CONFIG = replace(settings.CONFIG, intercom_api_url=handle.url, intercom_app_url=handle.url)
        yield handle


@pytest.fixture
def connected(startdeliver: Run, organization: Organization, simulator: Handle) -> Handle:
    """Acme is connected, with users to be created from contacts."""
    done = connect(startdeliver, simulator, "--create-contacts")
    assert done.exit_code == 0, done.stderr
    return simulator


def connect(run: Run, simulator: Handle, *more: str, workspace: str = "", token: str = "") -> Result:
    return run(
        *("intercom", "connect", "acme", "--workspace", workspace or simulator.workspace.id_code, *more),
        env={"INTERCOM_TOKEN": token or simulator.token},
    )


def link(organization: Organization) -> Connection:
    with organization_scope(organization):
        return Connection.objects.get()


class TestConnect:
    def test_stores_the_answers(self, startdeliver: Run, organization: Organization, simulator: Handle) -> None:
        done = connect(
            startdeliver, simulator, "--create-contacts", "--create-customers", "--sync-events", "--eu", "--json"
        )
        assert done.exit_code == 0, done.stderr
        document = json.loads(done.stdout)
        assert document["workspace"] == simulator.workspace.id_code
        assert (document["createContacts"], document["createCustomers"], document["syncEvents"]) == (True, True, True)
        assert document["matchDomains"] is False
        found = link(organization)
        assert found.is_ready
        assert found.eu_answer
        assert found.token == simulator.token
        assert simulator.token not in done.output

    def test_the_token_may_come_from_standard_input(
        self, startdeliver: Run, organization: Organization, simulator: Handle
    ) -> None:
        workspace = simulator.workspace.id_code
        done = startdeliver(
            *("intercom", "connect", "acme", "--token", "-", "--workspace", workspace), text=f"{simulator.token}\n"
        )
        assert done.exit_code == 0, done.stderr
        assert link(organization).token == simulator.token

    def test_without_a_token_it_says_how_to_give_one(self, startdeliver: Run, organization: Organization) -> None:
        done = startdeliver("intercom", "connect", "acme", "--workspace", "x", env={"INTERCOM_TOKEN": ""})
        assert done.exit_code == 2
        assert "INTERCOM_TOKEN" in done.stderr

    def test_another_workspace_is_refused_and_nothing_syncs(
        self, startdeliver: Run, organization: Organization, simulator: Handle
    ) -> None:
        done = connect(startdeliver, simulator, workspace="other123")
        assert done.exit_code == 1
        assert "other123" in done.stderr
        assert simulator.workspace.id_code in done.stderr
        assert not link(organization).is_ready
        done = startdeliver("intercom", "sync", "acme")
        assert done.exit_code == 1
        assert "not connected" in done.stderr

    def test_a_dead_token_is_one_sentence(
        self, startdeliver: Run, organization: Organization, simulator: Handle
    ) -> None:
        done = connect(startdeliver, simulator, token="nonsense")
        assert done.exit_code == 1
        assert len(done.stderr.splitlines()) == 1


class TestSync:
    def test_prints_the_counts(self, startdeliver: Run, organization: Organization, connected: Handle) -> None:
        connected.workspace.add_bulk(20, contacts=4, companies=2, parts=2)
        done = startdeliver("intercom", "sync", "acme", "--json")
        assert done.exit_code == 0, done.stderr
        document = json.loads(done.stdout)
        assert set(document) == KEYS
        assert (document["status"], document["trigger"]) == ("success", "cli")
        assert (document["listed"], document["imported"], document["error"]) == (20, 20, "")
        assert document["messages"] > 20
        assert document["requests"] > document["sweepRequests"] > 0
        with organization_scope(organization):
            assert Ticket.objects.count() == 20

    def test_people_read_a_table(self, startdeliver: Run, organization: Organization, connected: Handle) -> None:
        connected.workspace.add_bulk(3, contacts=1, companies=1)
        done = startdeliver("intercom", "sync", "Acme")
        rows = dict(line.split(None, 1) for line in done.stdout.splitlines())
        assert (rows["listed"], rows["imported"], rows["unchanged"]) == ("3", "3", "0")
        assert set(rows) >= {"skipped", "messages", "requests", "seconds", "deleted", "updated"}

    def test_skips_are_counted_by_reason(
        self, startdeliver: Run, organization: Organization, simulator: Handle
    ) -> None:
        connect(startdeliver, simulator)
        simulator.workspace.add_bulk(3, contacts=1, companies=1)
        document = json.loads(startdeliver("intercom", "sync", "acme", "--json").stdout)
        assert document["skipped"] == {"no_user": 3}

    def test_without_messages_no_thread_is_read(
        self, startdeliver: Run, organization: Organization, connected: Handle
    ) -> None:
        connected.workspace.add_bulk(3, contacts=1, companies=1)
        document = json.loads(startdeliver("intercom", "sync", "acme", "--no-messages", "--json").stdout)
        assert (document["imported"], document["messages"]) == (3, 0)

    def test_a_second_one_at_the_same_time_is_refused(
        self, startdeliver: Run, organization: Organization, connected: Handle
    ) -> None:
        with organization_scope(organization):
            SyncRun.objects.create(
                organization=organization,
                connection=Connection.objects.get(),
                trigger="button",
                status="running",
                started_at=clock.now(),
            )
            key = f"sync:{organization.pk}"
            job_id = jobs.enqueue("sync", key, {}, organization, lock=session.lock_of(organization))
            assert jobs.claim_here(job_id) is not None
        done = startdeliver("intercom", "sync", "acme", "--json")
        assert done.exit_code == 75
        assert "already running since 20" in done.stderr
        assert json.loads(done.stdout)["error"].startswith("already running since 20")

    def test_a_failed_one_says_why(self, startdeliver: Run, organization: Organization, connected: Handle) -> None:
        connected.access.kill_tokens()
        done = startdeliver("intercom", "sync", "acme", "--json")
        assert done.exit_code == 1
        document = json.loads(done.stdout)
        assert document["status"] == "failed"
        assert document["error"]
        assert document["error"] in done.stderr
        assert len(done.stderr.splitlines()) == 1

    def test_an_organization_without_a_connection(self, startdeliver: Run, organization: Organization) -> None:
        done = startdeliver("intercom", "sync", "acme")
        assert done.exit_code == 1
        assert "not connected" in done.stderr


class TestProcess:
    """A sync in its own process: stopped, and killed."""

    @pytest.fixture
    def there(self, migrated: Installation) -> Iterator[tuple[Installation, Handle]]:
        """An installation that is connected to a workspace whose second page of conversations hangs."""
        installation = migrated
        with run_in_thread() as simulator:
            installation.settings |= {"INTERCOM_API_URL": simulator.url, "INTERCOM_TOKEN": simulator.token}
            installation.ok("org", "create", "Acme", "--admin", "a@acme.test")
            installation.ok(
                *("intercom", "connect", "acme", "--create-contacts", "--workspace", simulator.workspace.id_code)
            )
            simulator.workspace.add_bulk(200, contacts=1, companies=1, parts=1)
            # The first request counts them for the estimate, the second is the first page.
            simulator.faults.fail_next("hang", "/conversations/search", after=2, times=100)
            yield installation, simulator

    def listed(self, installation: Installation) -> bool:
        running = installation.json("intercom", "status", "acme")["running"]
        return running is not None and running["imported"] == 150

    def test_one_that_is_told_to_stop_ends_in_order(self, there: tuple[Installation, Handle]) -> None:
        installation, _ = there
        with installation.started("intercom", "sync", "acme") as process:
            until(lambda: self.listed(installation), "the first page")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 130
            assert process.stdout is not None
            assert "what was imported stays" in process.stdout.read()
        document = installation.json("intercom", "status", "acme")
        assert document["running"] is None
        assert document["lastRun"]["imported"] == 150

    def test_one_that_is_killed_is_continued_by_the_next(self, there: tuple[Installation, Handle]) -> None:
        installation, simulator = there
        with installation.started("intercom", "sync", "acme") as process:
            until(lambda: self.listed(installation), "the first page")
            refused = installation.run("intercom", "sync", "acme")
            assert refused.returncode == 75
            process.kill()
            process.wait()
            simulator.faults.clear()
            document = installation.json("intercom", "sync", "acme")
        assert (document["status"], document["imported"]) == ("success", 200)


class TestStatus:
    def test_before_connecting(self, startdeliver: Run, organization: Organization) -> None:
        document = json.loads(startdeliver("intercom", "status", "acme", "--json").stdout)
        assert (document["status"], document["lastRun"], document["nextSyncAt"]) == ("new", None, None)
        assert "Not connected" in startdeliver("intercom", "status", "acme").stdout

    def test_after_a_sync(self, startdeliver: Run, organization: Organization, connected: Handle) -> None:
        connected.workspace.add_bulk(3, contacts=1, companies=1)
        startdeliver("intercom", "sync", "acme")
        document = json.loads(startdeliver("intercom", "status", "acme", "--json").stdout)
        assert document["organization"] == {"id": organization.pk, "name": "Acme", "slug": "acme"}
        assert document["lastRun"]["imported"] == 3
        assert document["lastSuccessAt"] is not None
        assert document["nextSyncAt"] > document["lastSuccessAt"]
        assert "3 conversations" in startdeliver("intercom", "status", "acme").stdout


def test_no_token_reaches_a_log_or_an_answer(
    startdeliver: Run, organization: Organization, connected: Handle, tmp_path: Path
) -> None:
    for command in (("intercom", "status", "acme"), ("intercom", "sync", "acme"), ("doctor", "--online")):
        for more in ((), ("--json",)):
            assert connected.token not in startdeliver(*command, *more).output
