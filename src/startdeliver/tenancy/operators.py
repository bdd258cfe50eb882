"""Operators: accounts of the people who run the installation, and the action that only they may do.

They share nothing with members: table, log-in and session entry are separate. They are created and removed on the
command line only, so an administrator of an organization cannot become one.
"""

from __future__ import annotations

import secrets
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from startdeliver.common import clock, crypto
from startdeliver.tenancy.models import Operator, Organization, TierChange

LINK_LIFETIME = timedelta(days=7)
SESSION_LIFETIME = timedelta(hours=8)
_ENTRY = "operator"


class OperatorError(Exception):
    """The action is not possible. The message is one sentence."""


# ------------------------------------------------------------------------------------------------------- the accounts


def add(email: str) -> tuple[Operator, str]:
    """Creates an operator and returns the token of the link that sets the password. Raises OperatorError."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise OperatorError(f"{email!r} is not an e-mail address.") from None
    with transaction.atomic():
        if find(email) is not None:
            raise OperatorError(f"{email} is an operator already; `startdeliver operator link` makes a new link.")
        operator = Operator.objects.create(email=email, session_salt=secrets.token_hex(16))
        return operator, link(operator)


def find(email: str) -> Operator | None:
    """Returns the operator with this e-mail address."""
    return Operator.objects.filter(email__iexact=email.strip()).first()


def link(operator: Operator) -> str:
    """Returns the token of a new link that sets the password. An earlier link stops working."""
    token = secrets.token_urlsafe(32)
    operator.link_hash, operator.link_expires_at = crypto.hash_token(token), clock.now() + LINK_LIFETIME
    operator.save(update_fields=["link_hash", "link_expires_at"])
    return token


def of_link(token: str) -> Operator | None:
    """Returns the operator whose unused, unexpired link this is."""
    return Operator.objects.filter(link_hash=crypto.hash_token(token), link_expires_at__gt=clock.now()).first()


def set_password(token: str, password: str) -> Operator | None:
    """Sets the password and ends the link and every session. Returns None if the link was used just before."""
    operator = of_link(token)
    if operator is None:
        return None
    unused = Operator.objects.filter(pk=operator.pk, link_hash=crypto.hash_token(token))
    salt = secrets.token_hex(16)
    if not unused.update(password=make_password(password), session_salt=salt, link_hash="", link_expires_at=None):
        return None
    operator.refresh_from_db()
    return operator


def authenticate(email: str, password: str) -> Operator | None:
    """Returns the operator with this address and password. Takes as long for an unknown address."""
    operator = find(email)
    if operator is None or not operator.password:
        make_password(password)
        return None

    def upgrade(given: str) -> None:
        Operator.objects.filter(pk=operator.pk).update(password=make_password(given))

    return operator if check_password(password, operator.password, upgrade) else None


# -------------------------------------------------------------------------------------------------------- the session


def sign_in(session: MutableMapping[str, Any], operator: Operator) -> None:
    """Stores the operator in the session, for at most eight hours."""
    operator.last_login_at = clock.now()
    operator.save(update_fields=["last_login_at"])
    operator.refresh_from_db()
    until = clock.now() + SESSION_LIFETIME
    session[_ENTRY] = {"id": operator.pk, "hash": _agreement(operator), "until": int(until.timestamp())}


def signed_in(session: MutableMapping[str, Any]) -> Operator | None:
    """Returns the operator of this session; None if there is none any more."""
    entry = session.get(_ENTRY)
    if not isinstance(entry, dict) or entry.get("until", 0) < clock.now().timestamp():
        return None
    operator = Operator.objects.filter(pk=int(entry.get("id") or 0)).first()
    if operator is None or not crypto.equal(_agreement(operator), str(entry.get("hash", ""))):
        return None
    return operator


def sign_out(session: MutableMapping[str, Any]) -> None:
    session.pop(_ENTRY, None)


def _agreement(operator: Operator) -> str:
    """Returns the value that a session must match, so that it ends when the password or the salt changes."""
    return crypto.hash_token(f"operator:{operator.pk}:{operator.password}:{operator.session_salt}")


# ----------------------------------------------------------------------------------------------------------- the tier


def set_advanced(organization: Organization, on: bool, by: str) -> bool:
    """Unlocks (on) or locks the organization's advanced tier and records who did it. Returns whether it changed."""
    with transaction.atomic():
        changed = Organization.objects.filter(pk=organization.pk, advanced=not on).update(advanced=on)
        if changed:
            TierChange.objects.create(
                organization=organization, name=organization.name, advanced=on, by=by[:254], at=clock.now()
            )
    organization.advanced = on
    return bool(changed)
