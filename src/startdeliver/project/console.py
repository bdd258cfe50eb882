"""Shared by all commands: Django's setup, one document on stdout, one sentence per error."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from startdeliver.tenancy.models import Organization

F = TypeVar("F", bound=Callable[..., Any])

json_option: Callable[[F], F] = click.option(
    "--json", "as_json", is_flag=True, help="Answer with one JSON document on standard output."
)


class Refused(click.ClickException):
    """The request cannot be carried out. The message is one plain sentence."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(" ".join(message.split()))
        self.status = status

    # click exits with this status.
    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return self.status

    def show(self, file: Any = None) -> None:
        click.echo(f"startdeliver: {self.message}", err=True)


def setup(*, migrated: bool = True, prepare_new: bool = False) -> None:
    """Sets up Django. Exits with status 2 and one line that names the setting if one is invalid.

    `migrated`: refuses a database of another version. `prepare_new`: prepares a new, empty database.
    """
    import django
    from django.apps import apps

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "startdeliver.project.settings")
    if not apps.ready:
        django.setup()
    if migrated:
        from startdeliver.project.database import applied, migrate, state

        if prepare_new and not applied():
            migrate()
        migrations = state()
        if migrations.unknown:
            raise Refused(
                "The database belongs to a newer version of Startdeliver; install that version, or restore a backup."
            )
        if migrations.missing:
            raise Refused("The database is not prepared for this version; run `startdeliver migrate` first.")


def answer(document: dict[str, Any]) -> None:
    """Prints the one JSON document of a command."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def count(number: int, one: str, many: str = "") -> str:
    """Returns for example "1 organization" or "2,000 organizations"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def find_organization(text: str) -> Organization:
    """Returns the organization that an id, slug or name means. Raises Refused."""
    from startdeliver.tenancy.services import OrganizationNotFound, organization_find

    try:
        return organization_find(text)
    except OrganizationNotFound as error:
        message = str(error)
        raise Refused(message[:1].upper() + message[1:] + ".") from error
