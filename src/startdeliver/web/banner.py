"""The administrators' banner: the connection to Intercom needs a person."""

from __future__ import annotations

from dataclasses import dataclass

from startdeliver.sync.alerts import alarm_of
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope


@dataclass(frozen=True)
class Banner:
    """One sentence and, away from the page that mends it, a way there."""

    text: str
    url: str = ""
    label: str = ""


def problem_banner(organization: Organization, path: str) -> Banner | None:
    """What is wrong with the connection, or None (sync.alerts judges)."""
    with organization_scope(organization):
        connection = Connection.objects.first()
    alarm = alarm_of(connection) if connection else None
    if alarm is None:
        return None
    away = not path.startswith("/apps/intercom")
    return Banner(alarm.sentence, "/apps/intercom" if away else "", "See what to do" if away else "")
