"""operator add, list, link, remove; and who switched the tier on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from startdeliver.tenancy import operators
from startdeliver.tenancy.models import Organization, TierChange

Run = Callable[..., Result]
pytestmark = pytest.mark.django_db


def token(text: str) -> str:
    return text.rsplit("/", 1)[1].strip()


def test_an_operator_from_the_first_link_to_the_end(startdeliver: Run) -> None:
    assert "There is none yet" in startdeliver("operator", "list").stdout
    added = startdeliver("operator", "add", "olga@host.test")
    assert added.exit_code == 0, added.stderr
    first = token(added.stdout)
    assert operators.of_link(first) is not None
    again = startdeliver("operator", "add", "Olga@host.test")
    assert again.exit_code == 1
    assert "is an operator already" in again.stderr
    link = json.loads(startdeliver("operator", "link", "olga@host.test", "--json").stdout)["passwordLink"]
    assert operators.of_link(first) is None, "the earlier link has ended"
    assert operators.of_link(token(link)) is not None
    listed = json.loads(startdeliver("operator", "list", "--json").stdout)
    assert listed == {"operators": [{"email": "olga@host.test", "lastLoginAt": None}]}
    assert startdeliver("operator", "remove", "olga@host.test").exit_code == 0
    assert operators.of_link(token(link)) is None
    assert startdeliver("operator", "remove", "olga@host.test").exit_code == 1
    assert startdeliver("operator", "link", "olga@host.test").exit_code == 1


def test_what_is_no_address_is_refused(startdeliver: Run) -> None:
    done = startdeliver("operator", "add", "olga")
    assert done.exit_code == 1
    assert "is not an e-mail address" in done.stderr


def test_the_command_line_keeps_who_switched_the_tier(startdeliver: Run, organization: Organization) -> None:
    for state in ("on", "on", "off"):
        assert startdeliver("org", "advanced", "acme", state).exit_code == 0
    kept = list(TierChange.objects.order_by("pk"))
    assert [one.advanced for one in kept] == [True, False]
    assert all(one.by.startswith("command line") for one in kept)
