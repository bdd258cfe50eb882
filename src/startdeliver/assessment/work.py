"""What happens by itself: seeing changes, reading tones, assessing. Registered with the engine in `apps.py`."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from startdeliver.assessment import for_workflows, messages, services, tone
from startdeliver.assessment.models import AssessmentState
from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.engine import jobs
from startdeliver.engine.worker import tick
from startdeliver.storage.sql import organization_work
from startdeliver.support import health
from startdeliver.support.models import SupportHealth
from startdeliver.tenancy.models import Organization
from startdeliver.usage.models import ProductHealth, UsageHealth

log = logging.getLogger(__name__)

# A transaction that ends late carries times from before the last look.
_OVERLAP = timedelta(seconds=60)
_BUSY_DAYS = timedelta(days=3)
AGAIN_JOB = services.TONES_JOB + ".again"


@tick("assessment.look", 15)
def look_everywhere() -> None:
    """Notes what changed in every organization and has it assessed; one that fails does not stop the others."""
    for organization in Organization.objects.order_by("pk"):
        try:
            look(organization)
        except Exception:
            log.exception("changes of organization %s could not be looked for", organization.pk)


def look(organization: Organization) -> set[int] | None:
    """Notes the customers of whom something changed since the last look; gives their ids (None: all of them).

    Time alone counts: tickets that became overdue, and once a day everything that silence and dates do.
    """
    now = clock.now()
    health.refresh_due(organization)
    with organization_work(organization):
        state, _ = AssessmentState.objects.get_or_create(organization=organization)
        today = clock.today(organization.time_zone)
        if state.looked_at is None or state.swept_day != today:
            changed = None
            services.refresh_trends(organization)
            services.touch(organization)
            _read_tones(organization)
        else:
            since = state.looked_at - _OVERLAP
            changed = _changed(since)
            services.touch(organization, changed)
            if messages.due().filter(updated_at__gte=now - _BUSY_DAYS).exists():
                _read_tones(organization)
        if state.reader < tone.VERSION:
            jobs.enqueue(AGAIN_JOB, f"{AGAIN_JOB}:{organization.pk}", organization=organization)
        AssessmentState.objects.filter(pk=state.pk).update(looked_at=now, swept_day=today)
        return changed


def _changed(since: datetime) -> set[int]:
    found = for_workflows.enrolments_changed(since)
    for model, column in ((SupportHealth, "customer_id"), (UsageHealth, "customer_id"), (ProductHealth, "customer_id")):
        found.update(model.objects.filter(computed_at__gte=since).values_list(column, flat=True))
    found.update(Customer.objects.filter(updated_at__gte=since).values_list("pk", flat=True))
    users = CustomerUser.objects.filter(updated_at__gte=since, customer__isnull=False)
    found.update(users.values_list("customer_id", flat=True).distinct())
    return found


def _read_tones(organization: Organization) -> None:
    jobs.enqueue(services.TONES_JOB, f"{services.TONES_JOB}:{organization.pk}", organization=organization)


@jobs.handler(services.JOB)
def assess(context: jobs.Context) -> None:
    """Assesses the customers noted."""
    assert context.organization is not None
    services.assess_dirty(context.organization, context.stopping)
    if context.stopping():
        raise jobs.HandBack


@jobs.handler(services.JOB + ".retry")
def assess_again(context: jobs.Context) -> None:
    """Notes the customers again whose assessor could not be asked."""
    assert context.organization is not None
    services.touch(context.organization, context.payload.get("customers", []))


@jobs.handler(services.TONES_JOB)
def read_tones(context: jobs.Context) -> None:
    """Reads the tones of new messages, a few hundred tickets at a time, and has their customers assessed."""
    assert context.organization is not None
    organization = context.organization
    while ids := set(messages.due().order_by("-updated_at").values_list("customer_id", flat=True)[:500]):
        changed = messages.read_due(organization, [pk for pk in ids if pk is not None], context.stopping)
        services.touch(organization, changed)
        if context.stopping():
            raise jobs.HandBack


@jobs.handler(AGAIN_JOB)
def read_tones_again(context: jobs.Context) -> None:
    """Reads a page of the tones again that an older reader left; the next look asks for the next page, so that an
    upgrade takes a small part of the worker for a while instead of all of it."""
    assert context.organization is not None
    organization = context.organization
    changed = messages.read_outdated(organization)
    if changed:
        services.touch(organization, changed)
    elif changed is None and not tone.limits():
        with organization_work(organization):
            AssessmentState.objects.update(reader=tone.VERSION)


def after_sync(organization: Organization, customer_ids: set[int] | None) -> None:
    """For `sync`, at the end of a run: the customers (None: all) whose tickets or messages were stored."""
    services.touch(organization, customer_ids)
    _read_tones(organization)
