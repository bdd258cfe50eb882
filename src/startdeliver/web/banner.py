"""The administrators' banner: the connection to Intercom needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from startdeliver.common import clock
from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.web import formats

STALE_AFTER = timedelta(hours=26)


@dataclass(frozen=True)
class Banner:
    """One sentence and, away from the page that mends it, a way there."""

    text: str
    url: str = ""
    label: str = ""


def problem_banner(organization: Organization, path: str) -> Banner | None:
    """What is wrong with the connection, or None. No run for 26 hours and a dead token are wrong (product.md 2)."""
    with organization_scope(organization):
        connection = Connection.objects.only(
            "status", "saved_at", "problem", "problem_at", "last_success_at", "workspace", "organization_id"
        ).first()
    if connection is None or connection.saved_at is None or connection.status == Connection.Status.REVOKED:
        return None
    last = connection.last_success_at
    stale = clock.now() - (last or connection.saved_at) > STALE_AFTER
    if not (connection.problem or stale):
        return None
    if connection.problem:
        text = connection.problem
    elif last is None:
        text = "No sync with Intercom has succeeded yet. Tickets and health are not up to date."
    else:
        text = f"The last sync with Intercom succeeded {formats.ago(last, clock.now())}. Tickets are of that time."
    away = not path.startswith("/apps/intercom")
    return Banner(text, "/apps/intercom" if away else "", "See what to do" if away else "")
