"""The stage that assesses the customers that changed, and jobs for what takes long: reading tones, asking a model."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django_scopes import scopes_disabled

from startdeliver.assessment import services
from startdeliver.assessment.ai_settings import ai_settings
from startdeliver.assessment.evidence.collect import CHUNK
from startdeliver.assessment.models import AssessmentState
from startdeliver.assessment.reader import readings, tone
from startdeliver.changes.models import Kind, Stage
from startdeliver.changes.queue import hand_over, record, taken, waits
from startdeliver.customers.models import Customer
from startdeliver.engine import jobs
from startdeliver.engine.jobs import periodic
from startdeliver.storage.sql import organization_work
from startdeliver.tenancy.models import Organization

AGAIN_JOB = services.TONES_JOB + ".again"


def refresh(organization: Organization) -> None:
    """Assesses the customers that changed, as many at once as evidence is gathered for.

    Customers that a language model is to assess are handed to the job that asks it, so that nothing waits for a model.
    """
    with taken(organization, Stage.ASSESSMENT, CHUNK) as batch:
        customers = batch.customers()
        if batch.has(Kind.DAY):
            AssessmentState.objects.get_or_create(organization=organization)
            services.refresh_trends(organization)
        if batch.has(Kind.TICKET, Kind.DAY) and readings.due(customers).exists():
            services.read_tones_soon(organization)
        asks_model = bool(ai_settings(organization).provider)
        if customers is None:
            customers = set(Customer.objects.filter(archived_at__isnull=True).values_list("pk", flat=True))
            if not asks_model and len(customers) > CHUNK:
                hand_over(organization, Stage.ASSESSMENT, customers)
                customers = set()
        forced = batch.customers(Kind.REASSESS) or set()
        if asks_model:
            hand_over(organization, Stage.MODEL, customers - forced)
            hand_over(organization, Stage.MODEL, forced, Kind.REASSESS)
            services.ask_model(organization)
        else:
            services.assess_due(organization, customers, forced=forced)


@jobs.handler(services.JOB)
def assess_by_model(context: jobs.Context) -> None:
    """Has the language model assess the customers that wait for it."""
    assert context.organization is not None
    while waits(context.organization, Stage.MODEL):
        if context.stopping():
            raise jobs.Requeue
        with taken(context.organization, Stage.MODEL, services.MODEL_CHUNK) as batch:
            forced = batch.customers(Kind.REASSESS) or set()
            services.assess_due(context.organization, batch.customers(), forced=forced)


@jobs.handler(services.TONES_JOB)
def read_tones(context: jobs.Context) -> None:
    """Reads the tones of new messages, a few hundred tickets at a time, and has their customers assessed."""
    assert context.organization is not None
    organization = context.organization
    while ids := set(readings.due().order_by("-updated_at").values_list("customer_id", flat=True)[:500]):
        changed = readings.read_due(organization, [pk for pk in ids if pk is not None], context.stopping)
        record(organization, Kind.EVIDENCE, changed)
        if context.stopping():
            raise jobs.Requeue


@periodic("assessment.reader", 15)
def read_again() -> None:
    """Has the tones read again that an older reader left: a page each time, so that an upgrade takes a small part of
    the worker for a while instead of all of it."""
    with scopes_disabled():
        behind = AssessmentState.objects.filter(reader__lt=tone.VERSION)
        outdated = Exists(readings.outdated().filter(organization=OuterRef("organization")))
        behind.exclude(outdated).update(reader=tone.VERSION)
        states = behind.filter(outdated).select_related("organization")
        jobs.enqueue_all(AGAIN_JOB, [state.organization for state in states])


@jobs.handler(AGAIN_JOB)
def read_tones_again(context: jobs.Context) -> None:
    """Reads one page of the tones that an older reader left."""
    assert context.organization is not None
    with organization_work(context.organization):
        record(context.organization, Kind.EVIDENCE, readings.read_outdated(context.organization) or ())
