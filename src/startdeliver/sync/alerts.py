"""When nobody has to look but somebody should: the connection needs a person.

One judgement serves the administrators' banner, the note on tickets, and the one e-mail.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Member, Role

log = logging.getLogger(__name__)

STALE_AFTER = timedelta(hours=26)


@dataclass(frozen=True)
class Alarm:
    """Why a person is needed: one sentence, since when (UTC), and how fresh the tickets are (None: never synced)."""

    sentence: str
    since: datetime
    fresh_until: datetime | None
    dead: bool


def alarm_of(connection: Connection, now: datetime | None = None) -> Alarm | None:
    """The alarm of `connection`, or None: a problem that no retry mends, or no successful run for 26 hours."""
    if connection.saved_at is None or connection.status != Connection.Status.AUTHENTICATED:
        return None
    now = now or clock.now()
    fresh = connection.last_success_at
    if connection.problem:
        return Alarm(connection.problem, connection.problem_at or now, fresh, True)
    start = fresh or connection.saved_at
    if now - start <= STALE_AFTER:
        return None
    if fresh is None:
        sentence = "No sync with Intercom has succeeded yet, so tickets and health are missing. See Apps → Intercom."
    else:
        sentence = (
            f"No sync with Intercom has succeeded since {fresh:%d %b %Y, %H:%M} UTC, so tickets and health are of that "
            "time. See Apps → Intercom."
        )
    return Alarm(sentence, start + STALE_AFTER, fresh, False)


def send_alerts() -> int:
    """Writes once to the administrators of every organization whose connection needs them. Gives how many e-mails.

    When the alarm is over, the next one writes again. An e-mail that cannot be sent is tried again at the next tick.
    """
    sent = 0
    with scopes_disabled():
        for connection in Connection.objects.filter(saved_at__isnull=False).select_related("organization").iterator():
            alarm = alarm_of(connection)
            if alarm is None:
                if connection.alerted_at is not None:
                    Connection.objects.filter(pk=connection.pk).update(alerted_at=None)
                continue
            if connection.alerted_at is not None:
                continue
            # Claimed first, so that two workers do not both write.
            if not Connection.objects.filter(pk=connection.pk, alerted_at__isnull=True).update(alerted_at=clock.now()):
                continue
            to = Member.objects.of(connection.organization).filter(role=Role.ADMINISTRATOR)
            try:
                sent += send_mail(
                    f"{connection.organization.name}: the Intercom connection needs you",
                    f"{alarm.sentence}\n\n{settings.CONFIG.base_url}/apps/intercom\n\n"
                    "You will not be written to again until this is mended.",
                    None,
                    list(to.values_list("email", flat=True)),
                )
            except OSError as error:
                log.warning("the alert of organization %s could not be sent: %s", connection.organization_id, error)
                Connection.objects.filter(pk=connection.pk).update(alerted_at=None)
    return sent
