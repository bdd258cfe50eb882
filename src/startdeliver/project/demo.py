"""The demo: an organization with customers and users that match the simulated Intercom workspace, and the processes."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from startdeliver.project.console import Refused
from startdeliver.project.demo_usage import seed_fields, seed_usage
from startdeliver.project.demo_workflows import seed_workflows

SLUG = "demo"
WORKSPACE = "demo1abc"
PASSWORD = "startdeliver-demo"  # noqa: S105 -- printed on purpose; the demo listens on this machine only
ADMINISTRATOR = ("Alex Morgan", "alex@demo.example")
CSM = ("Sam Rivera", "sam@demo.example")
_STEPS = 50


@dataclass(frozen=True)
class Place:
    """The data directory and the ports of this demo."""

    folder: Path
    port: int
    simulator_port: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator_port}"


@contextmanager
def place(port: int, simulator_port: int) -> Iterator[Place]:
    """Locks the data directory for this process and finds free ports, from these upwards. Raises Running."""
    # From the environment, not from the .env, which names the directory of the real installation.
    folder = Path(os.environ.get("STARTDELIVER_DATA_DIR") or "data/demo").expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # A lock of the kernel, which ends with the process in any case.
    with (folder / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Running(lock.read().strip()) from None
        chosen = _free(port)
        location = Place(folder, chosen, _free(simulator_port, but=chosen))
        lock.truncate(0)
        lock.write(location.url)
        lock.flush()
        yield location


class Running(Exception):
    """Another demo runs in this data directory. The message is its address."""


def set_environment(location: Place) -> None:
    """Sets the demo's settings in this process's environment, for it and its children.

    The demo has its own database and keys, and sends no e-mail.
    """
    from startdeliver.simulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

    os.environ.update(
        {
            "STARTDELIVER_DATA_DIR": str(location.folder),
            "DATABASE_URL": "",
            "STARTDELIVER_SECRET_KEY": "",
            "STARTDELIVER_ENCRYPTION_KEYS": "",
            "STARTDELIVER_EMAIL_URL": "",
            "STARTDELIVER_BASE_URL": location.url,
            "INTERCOM_CLIENT_ID": DEFAULT_CLIENT_ID,
            "INTERCOM_CLIENT_SECRET": DEFAULT_CLIENT_SECRET,
            "INTERCOM_API_URL": location.simulator_url,
            "INTERCOM_APP_URL": location.simulator_url,
        }
    )


def simulator_command(location: Place) -> list[str]:
    """Returns the command of the simulated workspace.

    It is filled at every start with the same records at the same times, so that imported data still matches.
    """
    return [
        *(sys.executable, "-m", "startdeliver.simulator", "--demo"),
        f"--port={location.simulator_port}",
        f"--workspace-id={WORKSPACE}",
        f"--demo-at={_born(location.folder)}",
    ]


def seed() -> bool:
    """Creates the demo organization unless it exists; returns whether it was created.

    Raises Refused if the database has a real organization.
    """
    from django.db import transaction

    from startdeliver.tenancy.models import Organization, Role
    from startdeliver.tenancy.scope import organization_scope
    from startdeliver.tenancy.services import member_create, organization_create
    from startdeliver.workflows.defaults import make_defaults

    if Organization.objects.filter(slug=SLUG).exists():
        return False
    if Organization.objects.exists():
        raise Refused(
            "This data directory holds an installation of its own, so no demo was put into it; "
            "set STARTDELIVER_DATA_DIR to another directory."
        )
    with transaction.atomic():
        organization, _, _ = organization_create(name="Demo", admin_email=ADMINISTRATOR[1], admin_name=ADMINISTRATOR[0])
        make_defaults(organization)
        csm = member_create(organization, name=CSM[0], email=CSM[1], role=Role.MAIN)
        administrator = organization.members.get(email=ADMINISTRATOR[1])
        for member in (administrator, csm):
            member.set_password(PASSWORD)
            member.save(update_fields=["password"])
        with organization_scope(organization):
            _seed_customers(organization, administrator, csm)
    return True


def _seed_customers(organization: Any, administrator: Any, csm: Any) -> None:
    """Creates most of the workspace's companies and people, as if they were there before Intercom was connected."""
    from startdeliver.common import clock
    from startdeliver.customers.models import CustomerUser
    from startdeliver.customers.services import customer_create, user_create
    from startdeliver.simulator.demo import demo_companies, demo_people

    today = clock.today(organization.time_zone)
    customers = {}
    for number, company in enumerate(demo_companies()):
        if not company["in_hub"]:
            continue
        customers[company["company_id"]] = customer_create(
            organization=organization,
            by=administrator.email,
            values={
                "name": company["name"],
                "external_id": company["company_id"],
                "domain": company["domain"],
                # Most belong to the CSM. A few have no CSM yet.
                "csm": None if number % 9 == 8 else administrator if number % 4 == 3 else csm,
                "arr": company["monthly_spend"] * 12,
                # Spread over the year; some are soon.
                "renewal_date": today + timedelta(days=(number * 53) % 350 + 9),
            },
        )
    seed_fields(organization, administrator.email, customers)
    users = {}
    for number, person in enumerate(demo_people()):
        if not person["in_hub"]:
            continue
        user = user_create(
            organization=organization,
            by=administrator.email,
            values={
                "name": person["name"],
                "email": person["email"],
                "external_id": person["external_id"],
                "customer": customers.get(person["company_id"]),
                "is_stakeholder": number % 5 == 0,
            },
        )
        assert isinstance(user, CustomerUser)
        users[user.pk] = (number, person["company_id"] or "")
    seed_usage(organization, administrator.email, users, clock.now())
    seed_workflows(organization, administrator.email, customers)
    _seed_lists(administrator, csm)


def _seed_lists(administrator: Any, csm: Any) -> None:
    """Creates a shared list of each member's own customers, one with chosen columns, and one of the CSM."""
    from startdeliver.customers.lists import list_create

    columns = ["assessment", "health", "renewal", "arr", "customfieldContract", "customfieldSeats"]
    for member, name, shared, asks, shown, sort in (
        (administrator, "Poor in my portfolio", True, {"csm": ["me"], "health": ["poor"]}, [], "worse"),
        (administrator, "Renewals by date", True, {}, columns, "renewal"),
        (csm, "Large ones of mine", False, {"csm": ["me"], "customfieldSeats-min": ["60"]}, [], "-arr"),
    ):
        list_create(member=member, name=name, shared=shared, asks=asks, columns=shown, sort=sort)


def _born(folder: Path) -> int:
    """Returns when this demo was first started (unix seconds). The simulated history ends there."""
    from startdeliver.common import clock

    file = folder / "demo.json"
    try:
        return int(json.loads(file.read_text())["bornAt"])
    except (OSError, ValueError, KeyError, TypeError):
        born = int(clock.now().timestamp())
        file.write_text(json.dumps({"bornAt": born}))
        return born


def _free(port: int, but: int = 0) -> int:
    for candidate in range(port, min(port + _STEPS, 65536)):
        if candidate == but:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise Refused(f"The ports {port} to {port + _STEPS - 1} are all taken; name another one with --port.")
