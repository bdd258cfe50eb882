"""How long a log-in lasts: the organization's number of days, counted from the log-in or from the last visit."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from startdeliver.common import clock
from startdeliver.tenancy.members import MemberError
from startdeliver.tenancy.models import Member, Organization

LONGEST_DAYS = 90
_SINCE, _SEEN = "logged_in_at", "seen_at"
# A visit is stored at intervals, because each one is a write.
_NOTED_EVERY = timedelta(hours=1)


def length_of(organization: Organization) -> timedelta:
    """How long a log-in lasts."""
    return timedelta(days=organization.session_days)


def set_length(organization: Organization, days: str, sliding: bool) -> None:
    """Changes how long a log-in lasts, for existing log-ins too. Raises MemberError."""
    number = int(days) if days.isascii() and days.isdecimal() and len(days) < 5 else 0
    if not 1 <= number <= LONGEST_DAYS:
        raise MemberError(f"Enter a number of days from 1 to {LONGEST_DAYS}.", "days")
    organization.session_days, organization.session_sliding = number, sliding
    organization.save(update_fields=["session_days", "session_sliding"])


def has_ended(session: MutableMapping[str, Any], organization: Organization) -> bool:
    """Returns whether the log-in of this session has expired; stores the visit if it has not."""
    now = clock.now().timestamp()
    since = session.get(_SINCE)
    if since is None:
        # The session is older than the setting.
        since = session[_SINCE] = session[_SEEN] = now
    seen = session.get(_SEEN, since)
    if now - (seen if organization.session_sliding else since) >= length_of(organization).total_seconds():
        return True
    if now - seen >= _NOTED_EVERY.total_seconds():
        session[_SEEN] = now
    return False


def _begin(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    if isinstance(user, Member):
        request.session[_SINCE] = request.session[_SEEN] = clock.now().timestamp()


user_logged_in.connect(_begin, dispatch_uid="startdeliver-session")
