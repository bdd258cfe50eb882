"""Fixtures for all tests: two organizations with their people, a fixed clock, and the simulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import TransactionTestCase
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.tenancy.models import Member, Organization, Role
from startdeliver.tenancy.scope import organization_scope
from startdeliver.tenancy.services import member_create
from tests import database

# Playwright's synchronous API runs an event loop in the test's thread; Django would refuse the ORM there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


#: The slowest tests come first, so that no worker of pytest-xdist runs one of them alone at the end.
SLOWEST = (
    "tests/browser/test_look.py",
    "tests/browser/",
    "tests/project/",
    "tests/engine/",
    "tests/web/test_isolation.py",
    "tests/api/test_openapi.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Orders the tests, and on PostgreSQL deselects those that do not use the tested database."""
    if not database.is_sqlite():
        unaffected = [item for item in items if not _uses_database(item)]
        if unaffected:
            config.hook.pytest_deselected(items=unaffected)
            items[:] = [item for item in items if _uses_database(item)]
    items.sort(key=lambda item: next((n for n, start in enumerate(SLOWEST) if item.nodeid.startswith(start)), 99))


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(
        fixtures & {"_django_db_helper", "make_installation"}
    )


@pytest.fixture(scope="session")
def prepared_database(
    django_test_environment: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> str:
    """The name of a migrated database, for `database.copy`."""
    shared = tmp_path_factory.getbasetemp()
    with django_db_blocker.unblock():
        return database.prepare(shared if worker_id == "master" else shared.parent)


@pytest.fixture(scope="session")
def django_db_setup(prepared_database: str, django_db_blocker: Any, worker_id: str) -> Iterator[None]:
    """Replaces pytest-django's fixture: the tests of this process run on a copy of the prepared database."""
    name = str(django_settings.DATABASES["default"]["NAME"])
    name = f"{name}-test" if database.is_sqlite() else f"test_{name}_{worker_id}"
    TransactionTestCase._fixture_teardown = lambda self: database.empty()  # type: ignore[method-assign]
    with django_db_blocker.unblock():
        database.copy(prepared_database, name)
        with database.using(name):
            yield
        database.drop(name)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Drops the prepared database of the run when all workers have ended."""
    if not hasattr(session.config, "workerinput"):
        database.drop_prepared(Path(session.config._tmp_path_factory.getbasetemp()))  # type: ignore[attr-defined]


@pytest.fixture
def frozen_now() -> Iterator[datetime]:
    """Sets the clock to Monday 2 November 2026, 12:00 UTC."""
    with clock.frozen(NOW):
        yield NOW


@pytest.fixture
def organization(db: None) -> Organization:
    """The organization that the tests are about, in UTC."""
    return Organization.objects.create(name="Acme", slug="acme")


@pytest.fixture
def other_organization(db: None) -> Organization:
    """Another organization, whose rows must never be reached."""
    return Organization.objects.create(name="Bystander", slug="bystander")


@pytest.fixture
def scoped(organization: Organization) -> Iterator[Organization]:
    """`organization`, with its tenant scope open."""
    with organization_scope(organization):
        yield organization


@pytest.fixture
def unscoped() -> Iterator[None]:
    """Disables tenant scopes, to read across organizations."""
    with scopes_disabled():
        yield


@pytest.fixture
def make_member(db: None) -> Callable[..., Member]:
    """Creates a member with PASSWORD: make_member(organization, role, email=...)."""

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
