"""Operators: operator add, list, link, remove. Operators can be created only here."""

from __future__ import annotations

import getpass

import click

from startdeliver.project.console import Refused, answer, json_option, setup


@click.group()
def operator() -> None:
    """Accounts for the operator's page (/operator), which lists organizations and unlocks the advanced tier."""


@operator.command()
@click.argument("email")
@json_option
def add(email: str, as_json: bool) -> None:
    """Create an operator. Prints a one-time link for setting a password."""
    setup(prepare_new=True)
    from startdeliver.tenancy import operators

    try:
        made, token = operators.add(email)
    except operators.OperatorError as error:
        raise Refused(str(error)) from error
    _give(made.email, token, as_json)


@operator.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the operators."""
    setup()
    from startdeliver.tenancy.models import Operator

    rows = [
        {"email": account.email, "lastLoginAt": account.last_login_at.isoformat() if account.last_login_at else None}
        for account in Operator.objects.order_by("email")
    ]
    if as_json:
        answer({"operators": rows})
        return
    if not rows:
        click.echo("There is none yet: startdeliver operator add you@example.com")
    for row in rows:
        click.echo(f"{row['email']}  last log-in {row['lastLoginAt'] or 'never'}")


@operator.command()
@click.argument("email")
@json_option
def link(email: str, as_json: bool) -> None:
    """Print a new one-time link with which an operator sets a password."""
    setup()
    from startdeliver.tenancy import operators

    account = operators.find(email)
    if account is None:
        raise Refused(f"No operator has the e-mail address {email}.")
    _give(account.email, operators.link(account), as_json)


@operator.command()
@click.argument("email")
@json_option
def remove(email: str, as_json: bool) -> None:
    """Remove an operator; their sessions end at once."""
    setup()
    from startdeliver.tenancy import operators

    account = operators.find(email)
    if account is None:
        raise Refused(f"No operator has the e-mail address {email}.")
    account.delete()
    if as_json:
        answer({"email": account.email, "removed": True})
    else:
        click.echo(f"{account.email} is no operator any more.")


def who() -> str:
    """Returns the user of the command line, for the log of changes."""
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError):
        return "command line"


def _give(email: str, token: str, as_json: bool) -> None:
    from django.conf import settings

    address = f"{settings.CONFIG.base_url}/operator/password/{token}"
    if as_json:
        answer({"email": email, "passwordLink": address})
    else:
        click.echo(f"{email} sets a password here, once, within 7 days:  {address}")
