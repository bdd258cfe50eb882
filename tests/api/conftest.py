"""Fixtures of the API: a key, and a client that makes the same calls as the published one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from startdeliver.api import auth
from startdeliver.api.limits import Buckets
from startdeliver.tenancy.models import ApiKey, Member, Organization
from startdeliver.tenancy.scope import organization_scope
from tests.api.jsclient import Js


@pytest.fixture(autouse=True)
def _fresh_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts every test with a full allowance."""
    monkeypatch.setattr(auth, "buckets", Buckets(burst=100_000, per_second=100_000))


@pytest.fixture
def make_key(db: None) -> Callable[..., str]:
    """Returns the text of a new key: make_key(organization, access=..., member=...)."""

    def make(organization: Organization, access: str = "admin", member: Member | None = None, **more: Any) -> str:
        with organization_scope(organization):
            return ApiKey.issue(organization, "Test key", access=access, member=member, **more)[1]

    return make


@pytest.fixture
def js(organization: Organization, make_key: Callable[..., str]) -> Js:
    """A program with an admin key of `organization`."""
    return Js(make_key(organization))


@pytest.fixture
def their_js(other_organization: Organization, make_key: Callable[..., str]) -> Js:
    """A program with an admin key of the other organization."""
    return Js(make_key(other_organization))
