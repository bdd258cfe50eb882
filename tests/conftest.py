"""What every test may use: two organizations with their people, a clock that stands still, and the simulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.tenancy.models import Member, Organization, Role
from startdeliver.tenancy.scope import organization_scope
from startdeliver.tenancy.services import member_create

# Playwright's synchronous API runs an event loop in the test's thread; Django would refuse the ORM there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture
def frozen_now() -> Iterator[datetime]:
    """The clock stands still at Monday 2 November 2026, 12:00 UTC."""
    with clock.frozen(NOW):
        yield NOW


@pytest.fixture
def organization(db: None) -> Organization:
    """The organization that the tests are about, in UTC."""
    return Organization.objects.create(name="Acme", slug="acme")


@pytest.fixture
def other_organization(db: None) -> Organization:
    """Somebody else, whose rows must never be reached."""
    return Organization.objects.create(name="Bystander", slug="bystander")


@pytest.fixture
def scoped(organization: Organization) -> Iterator[Organization]:
    """`organization`, with its tenant scope open."""
    with organization_scope(organization):
        yield organization


@pytest.fixture
def unscoped() -> Iterator[None]:
    """Tenant scopes switched off, for looking across organizations."""
    with scopes_disabled():
        yield


@pytest.fixture
def make_member(db: None) -> Callable[..., Member]:
    """Makes a member with PASSWORD: make_member(organization, role, email=...)."""

    def make(organization: Organization, role: str = Role.MAIN, email: str = "", name: str = "") -> Member:
        member = member_create(
            organization, email=email or f"{role}@{organization.slug}.test", name=name or role.title(), role=role
        )
        member.set_password(PASSWORD)
        member.save()
        return member

    return make


@pytest.fixture
def administrator(organization: Organization, make_member: Callable[..., Member]) -> Member:
    return make_member(organization, Role.ADMINISTRATOR)


@pytest.fixture
def csm(organization: Organization, make_member: Callable[..., Member]) -> Member:
    return make_member(organization, Role.MAIN)


@pytest.fixture
def lite(organization: Organization, make_member: Callable[..., Member]) -> Member:
    return make_member(organization, Role.LITE)


@pytest.fixture
def outsider(other_organization: Organization, make_member: Callable[..., Member]) -> Member:
    """An administrator of another organization."""
    return make_member(other_organization, Role.ADMINISTRATOR)


@pytest.fixture(autouse=True)
def _no_jobs_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empties Procrastinate's tables after tests that commit: Django empties only the tables of its own models."""
    yield
    marker = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (marker is not None and marker.kwargs.get("transaction"))
    if commits and connection.vendor == "postgresql":
        with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers CASCADE")
