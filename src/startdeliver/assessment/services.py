"""Assessing what is due, in sets; re-assessing at once; members' corrections."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from startdeliver.assessment.ai_settings import ai_settings, salt
from startdeliver.assessment.evidence.collect import CHUNK, collect
from startdeliver.assessment.evidence.facts import Evidence, Fact
from startdeliver.assessment.models import Assessment, Feedback, LatestAssessment
from startdeliver.assessment.reader import readings
from startdeliver.assessment.reader.process import ReaderFailed
from startdeliver.assessment.rules.assessor import assess
from startdeliver.assessment.rules.assessor import concerns as concerns_of
from startdeliver.assessment.rules.findings import find
from startdeliver.assessment.statuses import Status, Trend
from startdeliver.assessment.trend import WINDOW, Point, trend, usage_course
from startdeliver.assessment.verdict import Outcome, Verdict
from startdeliver.changes.models import Kind, Stage
from startdeliver.changes.queue import hand_over, record
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.engine import jobs
from startdeliver.storage.sql import is_postgres, organization_work
from startdeliver.tenancy.models import Member, Organization

log = logging.getLogger(__name__)

JOB, TONES_JOB = "assessment", "assessment.tones"
_LOCK_CLASS = 73_123
_RETRY = 600
MODEL_CHUNK = 50
_BY_WORDS = "The tone of messages was read by a simple list of English words, since the language model did not load."


def ask_model(organization: Organization) -> jobs.Job | None:
    """Has a worker ask the language model about the customers that wait for it; returns the job."""
    return jobs.get(jobs.enqueue(JOB, f"{JOB}:{organization.pk}", organization=organization))


def read_tones_soon(organization: Organization) -> None:
    """Has a worker read the messages whose tones are due."""
    jobs.enqueue(TONES_JOB, f"{TONES_JOB}:{organization.pk}", organization=organization)


def assess_due(
    organization: Organization,
    customer_ids: Iterable[int] | None = None,
    *,
    forced: Iterable[int] = (),
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Assesses those of these customers (None: all) whose evidence changed since their last assessment.

    `forced` are assessed even if it did not. Works in chunks, each stored in one transaction; `stopping()` ends it
    between chunks. Returns the number of customers with a new or confirmed verdict.
    """
    written = 0
    force = set(forced)
    with organization_work(organization):
        if customer_ids is None:
            ids = list(Customer.objects.filter(archived_at__isnull=True).order_by("pk").values_list("pk", flat=True))
        else:
            ids = sorted({*customer_ids, *force})
        stored = ai_settings(organization)
        size = MODEL_CHUNK if stored.provider else CHUNK
        for start in range(0, len(ids), size):
            if stopping():
                break
            chunk = ids[start : start + size]
            known = dict(
                LatestAssessment.objects.filter(customer__in=chunk).values_list("customer_id", "evidence_hash")
            )
            due = [
                evidence
                for evidence in collect(organization, chunk, salt(stored))
                if evidence.hash != known.get(evidence.customer_id) or evidence.customer_id in force
            ]
            if due:
                outcomes = _outcomes(organization, due, known.keys())
                written += _store(organization, due, outcomes, force)
    return written


def _outcomes(organization: Organization, due: list[Evidence], assessed: Iterable[int]) -> list[Outcome]:
    stored = ai_settings(organization)
    if not stored.provider:
        return [Outcome(assess(evidence), note=_BY_WORDS if evidence.by_words else "") for evidence in due]
    # The library takes a second to load, which an installation without a language model need not wait for.
    from startdeliver.assessment.llm.provider import assess_all

    return assess_all(organization, stored, due, set(assessed))


def _store(organization: Organization, due: list[Evidence], outcomes: list[Outcome], force: set[int]) -> int:
    """Writes new rows of history, or confirms the newest ones when the verdict says the same; moves the pointers."""
    now = clock.now()
    with _writer(organization):
        ids = [evidence.customer_id for evidence in due]
        current = {
            row.customer_id: row
            for row in LatestAssessment.objects.filter(customer__in=ids).select_related("assessment")
        }
        fresh: list[Assessment] = []
        confirmed: list[Assessment] = []
        problems: list[LatestAssessment] = []
        written: list[tuple[Outcome, Assessment]] = []
        for evidence, outcome in zip(due, outcomes, strict=True):
            latest = current.get(evidence.customer_id)
            if outcome.verdict is None:
                if latest is not None:
                    latest.problem = outcome.note
                    problems.append(latest)
                continue
            if latest and latest.evidence_hash == evidence.hash and evidence.customer_id not in force:
                continue
            row = _row(organization, evidence, outcome, outcome.verdict)
            if latest is not None and _same(latest.assessment, row):
                row.pk, row.created_at = latest.assessment.pk, latest.assessment.created_at
                confirmed.append(row)
            else:
                fresh.append(row)
            written.append((outcome, row))
        LatestAssessment.objects.bulk_update(problems, ["problem"], batch_size=500)
        Assessment.objects.bulk_create(fresh, batch_size=500)
        names = ["summary", "action", "analysis", "facts", "evidence_hash", "model_name", "note", "confirmed_at"]
        Assessment.objects.bulk_update(confirmed, names, batch_size=200)
        history = _history([row.customer_id for _, row in written])
        rows = []
        for outcome, row in written:
            customer = row.customer_id
            latest = current.get(customer) or LatestAssessment(organization=organization, customer_id=customer)
            if latest.status not in ("", row.status):
                latest.previous_status, latest.changed_at = latest.status, now
            latest.assessment, latest.status, latest.line, latest.assessed_at = row, row.status, _line(row), now
            latest.trend = trend(history[customer], now, latest.trend, _course(row.facts))
            latest.evidence_hash, latest.problem = (row.evidence_hash, "") if outcome.final else ("", outcome.note)
            rows.append(latest)
        LatestAssessment.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["customer"], batch_size=500,
            update_fields=[
                "assessment", "status", "line", "trend", "evidence_hash", "previous_status", "changed_at",
                "assessed_at", "problem",
            ],
        )  # fmt: skip
    # The language model could not be asked.
    if again := [evidence.customer_id for evidence, outcome in zip(due, outcomes, strict=True) if not outcome.final]:
        hand_over(organization, Stage.MODEL, again, seconds=_RETRY)
    return len(rows)


def _row(organization: Organization, evidence: Evidence, outcome: Outcome, verdict: Verdict) -> Assessment:
    now = clock.now()
    return Assessment(
        organization=organization,
        customer_id=evidence.customer_id,
        status=verdict.status,
        summary=[said.plain() for said in verdict.summary],
        action=[said.plain() for said in verdict.action],
        analysis=list(verdict.analysis),
        facts=[fact.plain() for fact in evidence.facts],
        evidence_hash=evidence.hash,
        assessor=outcome.assessor,
        model_name=outcome.model_name,
        note=outcome.note[:500],
        created_at=now,
        confirmed_at=now,
    )


_SAME_HOUR = timedelta(hours=1)
_DIGITS = re.compile(r"\d+")


def _same(before: Assessment, after: Assessment) -> bool:
    """Whether two assessments say the same but for numbers, or the later one only corrects the wording of one that is
    not an hour old, as when a first look is completed; then the history gets no further row.
    """
    same = (before.status, before.assessor) == (after.status, after.assessor)
    if same and after.created_at - before.created_at < _SAME_HOUR:
        return True

    def words(row: Assessment) -> list[str]:
        return [_DIGITS.sub("#", said["text"]) for said in row.summary]

    return same and words(before) == words(after)


def _line(row: Assessment) -> str:
    text = row.summary[0]["text"] if row.summary else ""
    return text if len(text) <= 300 else text[:299].rsplit(" ", 1)[0] + "…"


def _history(ids: Sequence[int]) -> dict[int, list[Point]]:
    """The statuses of these customers since a little before the trend's window, in order of time."""
    points: dict[int, list[Point]] = defaultdict(list)
    rows = Assessment.objects.filter(customer__in=ids, created_at__gte=clock.now() - 3 * WINDOW)
    for pk, at, status in rows.order_by("created_at", "pk").values_list("customer_id", "created_at", "status"):
        points[pk].append((at, status))
    return points


def _course(facts: list[dict[str, Any]]) -> int:
    return usage_course({fact["id"]: fact["value"] for fact in facts if fact["id"] in ("usage.active", "usage.volume")})


def refresh_trends(organization: Organization) -> int:
    """Ends trends that only time has ended, once a day. Returns how many changed."""
    now = clock.now()
    with organization_work(organization):
        rows = list(LatestAssessment.objects.exclude(trend=Trend.STEADY).select_related("assessment"))
        changed = []
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            history = _history([row.customer_id for row in part])
            for row in part:
                new = trend(history[row.customer_id], now, row.trend, _course(row.assessment.facts))
                if new != row.trend:
                    row.trend = new
                    changed.append(row)
        LatestAssessment.objects.bulk_update(changed, ["trend"], batch_size=500)
        return len(changed)


def reassess(customer: Customer) -> jobs.Job | None:
    """Assesses again although nothing changed. The built-in assessor answers at once (None); a language model is
    asked in the background, and the job is given."""
    organization = customer.organization
    if not ai_settings(organization).provider:
        try:
            readings.read_due(organization, [customer.pk])
        except ReaderFailed:
            log.exception("The messages of customer %s could not be read; a job reads them later", customer.pk)
            read_tones_soon(organization)
        assess_due(organization, [], forced=[customer.pk])
        return None
    hand_over(organization, Stage.MODEL, [customer.pk], Kind.REASSESS)
    return ask_model(organization)


def mark_wrong(assessment: Assessment, *, member: Member, reason: str, status: str = "") -> Feedback:
    """Keeps that `member` holds `assessment` to be wrong, why, and (may be empty) which status would be right.

    The customer is assessed again with it. Raises ValueError with a sentence when there is no reason or no such status.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("Say why the assessment is wrong, so that the next one can be better.")
    if status and status not in Status.values:
        raise ValueError("This status does not exist. Choose one of the five.")
    facts = [Fact(f["id"], f["value"], f["text"], f["at"], f["link"], f["quote"]) for f in assessment.facts]
    feedback = Feedback.objects.create(
        organization=assessment.organization,
        customer_id=assessment.customer_id,
        assessment=assessment,
        member=member,
        member_name=member.display_name,
        reason=reason[:1000],
        status=status,
        concerns=list(concerns_of(find(Evidence.of(assessment.customer_id, facts)))),
    )
    record(assessment.organization, Kind.EVIDENCE, [assessment.customer_id])
    return feedback


@contextmanager
def _writer(organization: Organization) -> Iterator[None]:
    """One transaction in which nobody else writes this organization's assessments."""
    with transaction.atomic():
        if is_postgres():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, organization.pk % 2**31])
        yield
