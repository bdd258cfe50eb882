"""Creates organizations and members."""

from __future__ import annotations

from django.db import transaction
from django.utils.text import slugify
from django_scopes import scope

from startdeliver.common import clock
from startdeliver.tenancy.models import ApiKey, Member, OneTimeLink, Organization, Role


class OrganizationNotFound(Exception):
    """No organization has this id, slug or name, or several have the name."""


class LinkUsed(Exception):
    """The one-time link was used between being shown and being sent."""


class EmailTaken(Exception):
    """A member with this e-mail address exists already."""


def organization_create(*, name: str, admin_email: str, admin_name: str = "") -> tuple[Organization, str, str]:
    """Creates an organization with its first administrator.

    Returns the organization, the text of its API key (shown once), and the token of the link with which the
    administrator sets a password. Raises EmailTaken.
    """
    with transaction.atomic():
        organization = Organization.objects.create(name=name.strip(), slug=_free_slug(name))
        member = member_create(organization, email=admin_email, name=admin_name, role=Role.ADMINISTRATOR)
        with scope(organization=organization):
            _, key_text = ApiKey.issue(organization, "First key")
        return organization, key_text, OneTimeLink.issue(member)


def member_create(organization: Organization, *, email: str, name: str = "", role: str = Role.MAIN) -> Member:
    """Creates a member without a password. Raises EmailTaken."""
    email = email.strip()
    if Member.objects.filter(email__iexact=email).exists():
        raise EmailTaken(f"{email} belongs to a member already")
    member = Member(organization=organization, email=email, name=name.strip(), role=role)
    member.set_unusable_password()
    member.save()
    return member


def organization_find(text: str) -> Organization:
    """Returns the organization with this numeric id, slug, or (only one) name. Raises OrganizationNotFound."""
    if text.isdecimal() and (organization := Organization.objects.filter(pk=int(text)).first()):
        return organization
    if organization := Organization.objects.filter(slug=text.lower()).first():
        return organization
    matches = list(Organization.objects.filter(name__iexact=text)[:2])
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise OrganizationNotFound(f"several organizations are called {text!r}; name one by its id")
    raise OrganizationNotFound(f"no organization is called {text!r}; `startdeliver org list` shows them")


def password_set(link: OneTimeLink, password: str) -> Member:
    """Sets the password of the link's member and ends the link, all sessions, and the keys from earlier log-ins."""
    with transaction.atomic():
        used = OneTimeLink.objects.filter(pk=link.pk, used_at__isnull=True).update(used_at=clock.now())
        if not used:
            raise LinkUsed("this link was used already; ask for a new one")
        member = link.member
        member.set_password(password)
        member.save(update_fields=["password"])
        with scope(organization=member.organization):
            log_ins = ApiKey.objects.filter(member=member, expires_at__isnull=False, revoked_at__isnull=True)
            log_ins.update(revoked_at=clock.now())
    return member


def _free_slug(name: str) -> str:
    base = slugify(name)[:70] or "organization"
    # A slug of digits only could be confused with another organization's id.
    base = f"org-{base}" if base.isdecimal() else base
    slug, number = base, 2
    while Organization.objects.filter(slug=slug).exists():
        slug, number = f"{base}-{number}", number + 1
    return slug
