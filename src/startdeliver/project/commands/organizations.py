"""Organizations: org create, org list, org advanced."""

from __future__ import annotations

import click

from startdeliver.project.console import Refused, answer, find_organization, json_option, setup


@click.group()
def org() -> None:
    """Organizations of this installation."""


@org.command()
@click.argument("name")
@click.option("--admin", "email", required=True, metavar="EMAIL", help="E-mail of the first administrator.")
@click.option("--admin-name", default="", help="Name of the first administrator.")
@click.option("--time-zone", default="UTC", show_default=True, help="IANA name, such as Europe/Stockholm.")
@click.option("--currency", default="EUR", show_default=True, help="Three letters (ISO 4217).")
@json_option
def create(name: str, email: str, admin_name: str, time_zone: str, currency: str, as_json: bool) -> None:
    """Create an organization with its first administrator.

    Prints the organization's API key, which is shown only here, and a one-time link with which the administrator sets a
    password.
    """
    setup(prepare_new=True)
    from django.conf import settings
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email
    from django.db import transaction

    from startdeliver.tenancy.services import EmailTaken, organization_create
    from startdeliver.workflows.defaults import make_defaults

    name, email = name.strip(), email.strip()
    if not name or len(name) > 200:
        raise Refused("NAME: an organization needs a name of 1 to 200 characters.", 2)
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refused(f"--admin: {email!r} is not an e-mail address.", 2) from error
    if len(email) > 254 or len(admin_name) > 200:
        raise Refused("--admin takes at most 254 characters, --admin-name 200.", 2)
    currency = currency.upper()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise Refused("--currency: is three letters, such as EUR.", 2)
    check_time_zone(time_zone)
    try:
        with transaction.atomic():
            organization, key, token = organization_create(name=name, admin_email=email, admin_name=admin_name)
            make_defaults(organization)
    except EmailTaken as error:
        raise Refused(f"{error}; use another address.") from error
    organization.time_zone, organization.currency = time_zone, currency
    organization.save(update_fields=["time_zone", "currency"])
    link = f"{settings.CONFIG.base_url}/password/{token}"
    if as_json:
        answer(
            {
                "id": organization.pk,
                "name": organization.name,
                "slug": organization.slug,
                "apiKey": key,
                "adminEmail": email,
                "passwordLink": link,
            }
        )
        return
    click.echo(f"Organization {organization.name} (id {organization.pk}, slug {organization.slug}) was made.")
    click.echo(f"API key, shown only now:  {key}")
    click.echo(f"{email} sets a password here, once, within 7 days:  {link}")


@org.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the organizations."""
    setup()
    from startdeliver.tenancy.models import Organization

    rows = [
        {
            "id": organization.pk,
            "name": organization.name,
            "slug": organization.slug,
            "timeZone": organization.time_zone,
            "currency": organization.currency,
            "advanced": organization.advanced,
        }
        for organization in Organization.objects.order_by("pk")
    ]
    if as_json:
        answer({"organizations": rows})
        return
    if not rows:
        click.echo('There is none yet: startdeliver org create "Example Inc" --admin you@example.com')
    for row in rows:
        click.echo(f"{row['id']:>4}  {row['slug']}  {row['name']}" + ("  (advanced tier)" if row["advanced"] else ""))


@org.command()
@click.argument("organization", metavar="ORG")
@click.argument("state", type=click.Choice(["on", "off"]))
@json_option
def advanced(organization: str, state: str, as_json: bool) -> None:
    """Unlock (on) or lock (off) the advanced tier of an organization."""
    setup()
    from startdeliver.project.commands.operators import who
    from startdeliver.tenancy import operators

    owner = find_organization(organization)
    operators.set_advanced(owner, state == "on", who())
    if as_json:
        answer({"id": owner.pk, "name": owner.name, "advanced": owner.advanced})
    else:
        click.echo(f"The advanced tier of {owner.name} is {'unlocked' if owner.advanced else 'locked'}.")


@org.command()
@click.argument("email")
@json_option
def link(email: str, as_json: bool) -> None:
    """Print a new one-time link with which a member sets a password (if it was forgotten or the link expired)."""
    setup()
    from django.conf import settings

    from startdeliver.tenancy.models import Member, OneTimeLink

    member = Member.objects.filter(email__iexact=email.strip(), archived_at__isnull=True).first()
    if member is None:
        raise Refused(f"No member has the e-mail address {email}.")
    address = f"{settings.CONFIG.base_url}/password/{OneTimeLink.issue(member)}"
    if as_json:
        answer({"email": member.email, "passwordLink": address})
    else:
        click.echo(f"{member.email} sets a password here, once, within 7 days:  {address}")


def check_time_zone(name: str) -> None:
    """Raises Refused if it is not an IANA time zone."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Refused(f"--time-zone: {name!r} is not an IANA time zone such as Europe/Stockholm.", 2) from error
