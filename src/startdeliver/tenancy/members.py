"""Inviting, changing and archiving members. The last administrator can be neither archived nor demoted."""

from __future__ import annotations

import secrets

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django_scopes import scope

from startdeliver.common import clock
from startdeliver.tenancy.models import ApiKey, Member, OneTimeLink, Organization, Role
from startdeliver.tenancy.services import EmailTaken, member_create


class MemberError(Exception):
    """The change cannot be made. `str(error)` is a sentence for the administrator, `field` the field it is about."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def member_invite(
    organization: Organization, *, email: str, name: str = "", role: str = Role.MAIN
) -> tuple[Member, str]:
    """Creates a member and returns it with the token of the link that sets its password. Raises MemberError."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise MemberError("Enter an e-mail address, such as ada@example.com.", "email") from None
    if role not in Role.values:
        raise MemberError("Choose a member type.", "role")
    with transaction.atomic():
        try:
            member = member_create(organization, email=email, name=name[:200], role=role)
        except EmailTaken:
            raise MemberError("Somebody with this e-mail address is a member already.", "email") from None
        return member, OneTimeLink.issue(member)


def member_set_role(member: Member, role: str) -> None:
    """Changes the member's type. Raises MemberError."""
    if role not in Role.values:
        raise MemberError("Choose a member type.", "role")
    with transaction.atomic():
        if role != Role.ADMINISTRATOR:
            _keep_one_administrator(member)
        member.role = role
        member.save(update_fields=["role"])


def member_archive(member: Member) -> None:
    """Ends the member's access: sessions, keys and open links. Raises MemberError for the last administrator."""
    with transaction.atomic():
        _keep_one_administrator(member)
        member.archived_at = clock.now()
        member.session_salt = secrets.token_hex(16)
        member.save(update_fields=["archived_at", "session_salt"])
        OneTimeLink.objects.filter(member=member, used_at__isnull=True).update(used_at=clock.now())
        _revoke_keys(member)


def member_restore(member: Member) -> None:
    """Restores the access of an archived member."""
    member.archived_at = None
    member.save(update_fields=["archived_at"])


def member_link(member: Member) -> str:
    """Returns the token of a new link for setting a password; earlier unused ones stop working."""
    with transaction.atomic():
        OneTimeLink.objects.filter(member=member, used_at__isnull=True).update(used_at=clock.now())
        return OneTimeLink.issue(member)


def sign_out_everywhere(member: Member) -> None:
    """Ends every session of the member and every key that came from a log-in."""
    with transaction.atomic():
        member.session_salt = secrets.token_hex(16)
        member.save(update_fields=["session_salt"])
        _revoke_keys(member)


def _revoke_keys(member: Member) -> None:
    with scope(organization=member.organization):
        ApiKey.objects.filter(member=member, revoked_at__isnull=True).update(revoked_at=clock.now())


def _keep_one_administrator(member: Member) -> None:
    if member.role != Role.ADMINISTRATOR:
        return
    # The rows are locked, so that two administrators cannot demote each other at the same moment.
    others = Member.objects.select_for_update().filter(
        organization=member.organization, role=Role.ADMINISTRATOR, archived_at__isnull=True
    )
    if not [other for other in others if other.pk != member.pk]:
        raise MemberError("This is the last administrator. Make somebody else an administrator first.")
