"""The periodic work on waiting events, in all organizations."""

from __future__ import annotations

import logging
from datetime import timedelta

from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.sync.events import names
from startdeliver.sync.events.standing import is_on
from startdeliver.sync.events.store import DAYS
from startdeliver.sync.models import Connection, EventName, WaitingEvent
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage.models import UsageType

log = logging.getLogger(__name__)


def bring_in_all() -> int:
    """Wherever a name whose events wait has a usage type by now and events come in: `names.bring_in`."""
    with scopes_disabled():
        waiting = set(EventName.objects.filter(waiting__gt=0).values_list("organization_id", "name"))
        if not waiting:
            return 0
        types = UsageType.objects.filter(archived_at__isnull=True).exclude(intercom_event_name="")
        due = {pk for pk, _ in waiting & set(types.values_list("organization_id", "intercom_event_name"))}
        links = list(Connection.objects.filter(organization__in=due).select_related("organization"))
    brought = 0
    for link in links:
        with organization_scope(link.organization):
            try:
                if is_on(link.organization, link):
                    brought += names.bring_in(link.organization)
            except Exception as error:
                log.error("events of organization %d wait on: %s", link.organization_id, type(error).__name__)
    return brought


def prune_all() -> int:
    """`names.prune`, wherever there is something to forget."""
    before = int((clock.now() - timedelta(days=DAYS)).timestamp())
    with scopes_disabled():
        ids = WaitingEvent.objects.filter(at__lt=before).order_by().values_list("organization_id", flat=True).distinct()
        due = list(Organization.objects.filter(pk__in=list(ids)))
    forgotten = 0
    for organization in due:
        with organization_scope(organization):
            forgotten += names.prune(organization)
    return forgotten
