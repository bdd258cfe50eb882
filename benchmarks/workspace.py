"""A simulated Intercom workspace in its own process, and an organization that is connected to it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from startdeliver.sync.models import SyncRun
    from startdeliver.tenancy.models import Organization

PARTS, BODY_BYTES = 5, 300
WORKSPACE = "sim1work"


@dataclass(frozen=True)
class Intercom:
    """The running simulator."""

    url: str

    def control(self, method: str, name: str, body: dict[str, Any] | None = None) -> Any:
        """Call the simulator's control API. Return the decoded JSON."""
        request = urllib.request.Request(
            f"{self.url}/_control/{name}", method=method, data=json.dumps(body).encode() if body is not None else None
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


@contextmanager
def simulated_intercom(conversations: int, *, rate_limit: int = 0, latency_ms: float = 0) -> Iterator[Intercom]:
    """Run the simulator with generated conversations until the block ends."""
    command = [sys.executable, "-m", "startdeliver.simulator", "--port", "0", "--conversations", str(conversations)]
    command += ["--parts", str(PARTS), "--body-bytes", str(BODY_BYTES), "--workspace-id", WORKSPACE]
    command += ["--rate-limit", str(rate_limit), "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = re.search(r"http://\S+", process.stdout.readline())
            assert url, "the simulator did not start"
            yield Intercom(url[0])
        finally:
            process.terminate()


def connect(conversations: int) -> Organization:
    """Create an organization with the customers and users of the simulated workspace, connected to it.

    `settings.CONFIG` must name the simulator: pass INTERCOM_API_URL to `fresh_database`.
    """
    from startdeliver.customers.models import Customer, CustomerUser
    from startdeliver.simulator import DEFAULT_TOKEN
    from startdeliver.sync import connect as connecting
    from startdeliver.tenancy.scope import organization_scope
    from startdeliver.tenancy.services import organization_create

    organization, _, _ = organization_create(name="Bench", admin_email="admin@bench.test")
    contacts = max(1, conversations // 20)
    companies = max(1, contacts // 5)
    with organization_scope(organization):
        customers = Customer.objects.bulk_create(
            Customer(organization=organization, name=f"Bulk company {n}", external_id=f"bulk-co-{n}")
            for n in range(companies)
        )
        CustomerUser.objects.bulk_create(
            CustomerUser(
                organization=organization,
                customer=customers[n % companies],
                name=f"Bulk user {n}",
                email=f"user{n}@bulk{n % companies}.example",
                email_key=f"user{n}@bulk{n % companies}.example",
                external_id=f"bulk-user-{n}",
            )
            for n in range(contacts)
        )
        connecting.connect_token(organization, DEFAULT_TOKEN)
        connecting.save_settings(
            organization, workspace=WORKSPACE, eu=False, create_contacts=True, create_customers=True, start=False
        )
    return organization


@dataclass
class Run:
    """A finished run with its wall time, and the start of each stage (seconds and requests since the start)."""

    run: SyncRun
    seconds: float
    stages: dict[str, tuple[float, int]]


def read_contacts(organization: Organization, *, messages: bool) -> SyncRun:
    """Start a run and stop it after companies and contacts, so that `sync` measures only conversations."""
    from startdeliver.engine import jobs
    from startdeliver.sync import runs
    from startdeliver.sync.models import SyncRun
    from startdeliver.tenancy.scope import organization_scope

    run = runs.request_run(organization, SyncRun.Trigger.BUTTON, messages=messages)

    def stop(_: dict[str, Any]) -> None:
        with organization_scope(organization):
            if "contacts" in SyncRun.objects.get(pk=run.pk).cursor.get("done", []):
                raise jobs.Requeue

    run = runs.run_now(organization, on_progress=stop)
    assert run.status == SyncRun.Status.QUEUED, f"the run ended before it had read the contacts: {run.error}"
    return run


def sync(organization: Organization, run: SyncRun | None = None, *, messages: bool = True) -> Run:
    """Do a run, or the rest of `run`, and check that it succeeded."""
    from startdeliver.sync import runs
    from startdeliver.sync.models import SyncRun

    stages: dict[str, tuple[float, int]] = {}
    began = time.perf_counter()

    def note(shown: dict[str, Any]) -> None:
        stages.setdefault(shown["stage"], (time.perf_counter() - began, shown["requests"]))

    done = runs.run_now(organization, messages=messages, on_progress=note)
    seconds = time.perf_counter() - began
    assert done.status == SyncRun.Status.SUCCESS, f"{done.error_code}: {done.error}"
    return Run(done, seconds, stages)
