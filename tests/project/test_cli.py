"""The command's answers: documents, sentences, exit statuses."""

from __future__ import annotations

import json
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result
from django.db import connection
from django_scopes import scopes_disabled

from startdeliver.project.cli import main
from startdeliver.project.console import Refused
from startdeliver.tenancy.models import ApiKey, Member, OneTimeLink, Organization, Role

Run = Callable[..., Result]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name, command in group.commands.items():
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("path", commands(main), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*path, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.stdout


ANSWERING = {
    ("migrate",),
    ("backup",),
    ("restore",),
    ("doctor",),
    ("org", "create"),
    ("org", "list"),
    ("org", "advanced"),
    ("org", "link"),
    ("intercom", "connect"),
    ("intercom", "sync"),
    ("intercom", "status"),
}


@pytest.mark.parametrize("path", sorted(ANSWERING), ids=" ".join)
def test_those_that_answer_something_have_json(path: tuple[str, ...]) -> None:
    assert "--json" in CliRunner().invoke(main, [*path, "--help"]).stdout


class TestOrgCreate:
    def test_gives_the_key_and_the_link_that_work(self, startdeliver: Run) -> None:
        done = startdeliver("org", "create", "Acme Inc", "--admin", "ann@acme.test", "--json")
        assert done.exit_code == 0
        document = json.loads(done.stdout)
        assert set(document) == {"id", "name", "slug", "apiKey", "adminEmail", "passwordLink"}
        assert (document["name"], document["slug"]) == ("Acme Inc", "acme-inc")
        with scopes_disabled():
            assert ApiKey.objects.get().organization_id == document["id"]
        link = OneTimeLink.find(document["passwordLink"].rpartition("/")[2])
        assert link is not None
        assert (link.member.email, link.member.role) == ("ann@acme.test", Role.ADMINISTRATOR)
        assert document["passwordLink"].startswith("http://localhost:8000/password/")

    def test_without_json_it_prints_both(self, startdeliver: Run) -> None:
        done = startdeliver("org", "create", "Acme", "--admin", "ann@acme.test")
        assert "sd_" in done.stdout
        assert "/password/" in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("Acme", "--admin", "nobody"), "--admin"),
            (("  ", "--admin", "a@b.test"), "NAME"),
            (("Acme", "--admin", "a@b.test", "--time-zone", "Mars/Base"), "--time-zone"),
            (("Acme", "--admin", "a@b.test", "--currency", "euro"), "--currency"),
        ],
    )
    def test_wrong_values_are_refused_and_nothing_is_made(
        self, startdeliver: Run, arguments: tuple[str, ...], said: str
    ) -> None:
        done = startdeliver("org", "create", *arguments)
        assert done.exit_code == 2
        assert said in done.stderr
        assert not Organization.objects.exists()

    def test_a_taken_address_is_refused_in_a_sentence(self, startdeliver: Run, administrator: Member) -> None:
        done = startdeliver("org", "create", "Other", "--admin", administrator.email.upper())
        assert done.exit_code == 1
        assert "belongs to a member already" in done.stderr
        assert not Organization.objects.filter(name="Other").exists()


class TestOrg:
    def test_list(self, startdeliver: Run, organization: Organization) -> None:
        (row,) = json.loads(startdeliver("org", "list", "--json").stdout)["organizations"]
        assert (row["id"], row["slug"], row["advanced"]) == (organization.pk, "acme", False)
        assert "Acme" in startdeliver("org", "list").stdout

    @pytest.mark.parametrize("name", ["acme", "Acme", "ACME"])
    def test_the_advanced_tier_is_switched_by_the_operator(
        self, startdeliver: Run, organization: Organization, name: str
    ) -> None:
        assert startdeliver("org", "advanced", name, "on").exit_code == 0
        organization.refresh_from_db()
        assert organization.advanced
        startdeliver("org", "advanced", str(organization.pk), "off")
        organization.refresh_from_db()
        assert not organization.advanced

    def test_an_unknown_one_is_a_sentence(self, startdeliver: Run) -> None:
        done = startdeliver("org", "advanced", "nobody", "on")
        assert done.exit_code == 1
        assert len(done.stderr.splitlines()) == 1

    def test_a_new_password_link(self, startdeliver: Run, csm: Member) -> None:
        document = json.loads(startdeliver("org", "link", csm.email, "--json").stdout)
        link = OneTimeLink.find(document["passwordLink"].rpartition("/")[2])
        assert link is not None
        assert link.member == csm


class TestDatabase:
    def test_a_database_that_is_not_prepared_is_refused_in_a_sentence(
        self, startdeliver: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from startdeliver.project import database

        monkeypatch.setattr(database, "state", lambda: database.State(["sync.0001_initial"], []))
        for command in (["org", "list"], ["worker"], ["serve", "--port", "1"], ["intercom", "status", "acme"]):
            done = startdeliver(*command)
            assert (done.exit_code, "startdeliver migrate" in done.stderr) == (1, True), command

    def test_a_newer_database_is_refused_in_a_sentence(self, startdeliver: Run) -> None:
        from django.db.migrations.recorder import MigrationRecorder

        MigrationRecorder(connection).record_applied("sync", "9999_from_the_future")
        for command in (["org", "list"], ["migrate"]):
            done = startdeliver(*command)
            assert (done.exit_code, "newer version" in done.stderr) == (1, True), command

    def test_migrating_twice_changes_nothing(self, startdeliver: Run) -> None:
        assert json.loads(startdeliver("migrate", "--json").stdout) == {"applied": []}

    def test_an_unreachable_server_is_a_sentence(self, installation: object) -> None:
        from startdeliver.common.crypto import generate_key
        from tests.project.running import Installation

        assert isinstance(installation, Installation)
        installation.settings = {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "STARTDELIVER_SECRET_KEY": "x" * 40,
            "STARTDELIVER_ENCRYPTION_KEYS": generate_key(),
        }
        done = installation.run("org", "list")
        assert done.returncode == 1
        assert done.stderr.startswith("startdeliver: The database cannot be used")
        assert len(done.stderr.splitlines()) == 1


def test_a_refusal_is_one_line() -> None:
    assert Refused("one\n two").message == "one two"
