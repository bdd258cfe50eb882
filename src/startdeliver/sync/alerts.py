"""When nobody has to look but somebody should: the connection needs a person.

One judgement serves the administrators' banner, the note on tickets, and the one e-mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.engine import jobs
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Member, Role

KIND = "sync.alert"
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


def enqueue_alerts() -> int:
    """Has a mail written to the administrators of every organization whose connection needs them; returns how many
    connections. When the alarm is over, the next one writes again."""
    stale = clock.now() - STALE_AFTER
    with scopes_disabled():
        saved = Connection.objects.filter(saved_at__isnull=False, status=Connection.Status.AUTHENTICATED)
        fresh = Q(last_success_at__gte=stale) | Q(last_success_at=None, saved_at__gte=stale)
        saved.filter(fresh, problem="", alerted_at__isnull=False).update(alerted_at=None)
        due = saved.filter(alerted_at__isnull=True, paused_at__isnull=True).exclude(fresh, problem="")
        organizations = [link.organization for link in due.select_related("organization")]
    jobs.enqueue_all(KIND, organizations)
    return len(organizations)


@jobs.handler(KIND, quick=True)
def send_alert(context: jobs.Context) -> None:
    """Writes to the organization's administrators, and marks the alarm once the mail server has taken the mail."""
    link = Connection.objects.select_related("organization").first()
    alarm = alarm_of(link) if link is not None else None
    if link is None or alarm is None or link.alerted_at is not None:
        return
    to = Member.objects.of(link.organization).filter(role=Role.ADMINISTRATOR)
    send_mail(
        f"{link.organization.name}: the Intercom connection needs you",
        f"{alarm.sentence}\n\n{settings.CONFIG.base_url}/apps/intercom\n\n"
        "You will not be written to again until this is fixed.",
        None,
        list(to.values_list("email", flat=True)),
    )
    Connection.objects.filter(pk=link.pk, alerted_at__isnull=True).update(alerted_at=clock.now())
