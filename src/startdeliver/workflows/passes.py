"""The pass that applies rules: facts in pages, one decision for each customer and workflow, written in sets.

A page is one transaction with the organization's lock, so two workers never decide on facts of different moments, and
a pass that dies has done whole pages. A second pass over the same facts changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django_scopes import scopes_disabled

from startdeliver.changes.models import Kind, Stage
from startdeliver.changes.queue import taken
from startdeliver.common import clock
from startdeliver.storage.sql import db_time, execute, fetch, id_list, one_of, organization_work
from startdeliver.tenancy.models import Organization
from startdeliver.workflows.cleaning import Broken, facts_of, programme_of
from startdeliver.workflows.facts import Fact
from startdeliver.workflows.models import Enrolment, How, Workflow
from startdeliver.workflows.reading import Known, pages
from startdeliver.workflows.rules import Decision, Programme, Standing, Step, Terms, decide, matching, names
from startdeliver.workflows.sql import enrolment_writer
from startdeliver.workflows.wording import Wording

_OPEN = """
SELECT e.id, e.workflow_id, e.customer_id, e.entered_how, e.leaving_since FROM workflows_enrolment AS e
 WHERE e.organization_id = %(org)s AND e.left_at IS NULL AND {workflows}
   AND e.customer_id BETWEEN %(first)s AND %(last)s
"""
_HELD_OFF = """
SELECT e.workflow_id, e.customer_id FROM workflows_enrolment AS e
 WHERE e.organization_id = %(org)s AND e.hold_off = %(yes)s AND {workflows}
   AND e.customer_id BETWEEN %(first)s AND %(last)s
"""
_SINCE = "UPDATE workflows_enrolment SET leaving_since = %(at)s WHERE organization_id = %(org)s AND {ids}"
_RELEASE = """
UPDATE workflows_enrolment SET hold_off = %(no)s
 WHERE organization_id = %(org)s AND workflow_id = %(workflow)s AND hold_off = %(yes)s AND {customers}
"""
_LEAVE = """
UPDATE workflows_enrolment SET left_at = %s, left_how = %s, left_reason = %s, leaving_since = NULL
 WHERE organization_id = %s AND id = %s AND left_at IS NULL
"""


@dataclass
class Outcome:
    """What a pass did. `broken`: the workflows that it left out, since a field of their rule is no more."""

    entered: int = 0
    left: int = 0
    broken: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A workflow that takes part in a pass."""

    pk: int
    programme: Programme


@dataclass
class _Page:
    """What is to be written for one page of customers."""

    enter: list[Enrolment] = field(default_factory=list)
    leave: list[tuple[int, str, str]] = field(default_factory=list)  # enrolment, how, reason
    begin: list[int] = field(default_factory=list)
    stay: list[int] = field(default_factory=list)
    release: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


def refresh(organization: Organization) -> Outcome:
    """Applies the rules to the customers that changed, or whose time has come; to everybody on a new day, and where a
    rule was changed."""
    with taken(organization, Stage.WORKFLOWS) as batch:
        customers = batch.customers(*(set(Kind) - {Kind.WORKFLOW}))
        live = list(Workflow.objects.filter(archived_at__isnull=True).order_by("pk"))
        full = [workflow for workflow in live if customers is None or workflow.swept_at is None]
        total, now = Outcome(), clock.now()
        if full:
            total = apply(organization, full)
            # A rule that was changed during the pass is applied again.
            for workflow in full:
                Workflow.objects.filter(pk=workflow.pk, updated_at=workflow.updated_at).update(swept_at=now)
        rest = [workflow for workflow in live if workflow not in full]
        if rest and customers:
            more = apply(organization, rest, customers)
            total = Outcome(total.entered + more.entered, total.left + more.left, total.broken | more.broken)
        # Applied to everybody as soon as the field is back.
        Workflow.objects.filter(pk__in=total.broken).update(swept_at=None)
        return total


def due_to_leave() -> dict[int, set[int]]:
    """The customers, by organization and of all of them, who have had a reason to leave for long enough."""
    found: dict[int, set[int]] = defaultdict(set)
    with scopes_disabled():
        waiting = Enrolment.objects.filter(left_at__isnull=True, leaving_since__isnull=False)
        days = Workflow.objects.order_by().values_list("leave_after_days", flat=True).distinct()
        now = clock.now()
        due = Q(pk__in=[])
        for number in days:
            due |= Q(workflow__leave_after_days=number, leaving_since__lte=now - timedelta(days=number))
        for organization, customer in waiting.filter(due).values_list("organization_id", "customer_id"):
            found[organization].add(customer)
    return found


def apply(
    organization: Organization, workflows: Sequence[Workflow], customer_ids: Collection[int] | None = None
) -> Outcome:
    """Applies the rules of these workflows to these customers (None: all). Workflows with a broken rule are left out.

    Some statements for every 5,000 customers, whatever the number of workflows.
    """
    outcome = Outcome()
    with organization_work(organization):
        facts = facts_of(organization)
        plans = list(_plans(workflows, facts))
        outcome.broken = {one.pk for one in workflows} - {plan.pk for plan in plans}
        needed = [facts[key] for key in facts if any(key in plan.programme.facts for plan in plans)]
        run = _Run(organization, plans, {one.key: one.terms for one in needed}, Wording(facts, organization.currency))
        for read in pages(organization, needed, customer_ids, archived=True) if plans else ():
            with enrolment_writer(organization):
                found = read()
                page = run.decide(found) if found else _Page()
                outcome.entered += run.write(page)
                outcome.left += len(page.leave)
    return outcome


def count(organization: Organization, programme: Programme) -> int:
    """How many customers the rule for entering would match now, whoever is enrolled. Reads only."""
    with organization_work(organization):
        facts = facts_of(organization)
        needed = [facts[key] for key in programme.facts]
        terms = {one.key: one.terms for one in needed}
        today = clock.today(organization.time_zone)
        return sum(
            matching(programme.enrol, terms, one.values, today) is not None
            for read in (pages(organization, needed) if programme.enrol else ())
            for one in read()
        )


def _plans(workflows: Sequence[Workflow], facts: Mapping[str, Fact]) -> Iterator[_Plan]:
    for workflow in workflows:
        try:
            yield _Plan(workflow.pk, programme_of(workflow, facts))
        except Broken:
            # Nobody is thrown out because a field went; the workflow's page says what to do.
            continue


class _Run:
    def __init__(
        self, organization: Organization, plans: Sequence[_Plan], terms: Mapping[str, Terms], words: Wording
    ) -> None:
        self.organization, self.plans, self.terms, self.words = organization, plans, terms, words
        self.now: datetime = clock.now()
        self.today: date = clock.today(organization.time_zone)

    def decide(self, found: Sequence[Known]) -> _Page:
        page = _Page()
        values = {
            "org": self.organization.pk,
            "first": found[0].customer_id,
            "last": found[-1].customer_id,
            "workflows": id_list([plan.pk for plan in self.plans]),
            "yes": True,
        }
        workflows = one_of("e.workflow_id", "workflows")
        opened = {(row[1], row[2]): row for row in fetch(_OPEN.format(workflows=workflows), values)}
        held_off = {(row[0], row[1]) for row in fetch(_HELD_OFF.format(workflows=workflows), values)}
        for plan in self.plans:
            for one in found:
                pair = (plan.pk, one.customer_id)
                row = opened.get(pair)
                if row is None and not plan.programme.enrol and pair not in held_off:
                    continue
                standing = _standing(row, pair in held_off)
                decision = decide(
                    plan.programme, standing, self.terms, one.values, self.now, self.today, archived=one.archived
                )
                if decision.step is not Step.NOTHING:
                    self._note(page, plan, one, row, decision, standing)
        return page

    def _note(
        self,
        page: _Page,
        plan: _Plan,
        one: Known,
        row: tuple[Any, ...] | None,
        decision: Decision,
        standing: Standing,
    ) -> None:
        step = decision.step
        if step is Step.ENTER:
            page.enter.append(
                Enrolment(
                    organization=self.organization,
                    workflow_id=plan.pk,
                    customer_id=one.customer_id,
                    entered_at=self.now,
                    entered_how=How.RULE,
                    entered_reason=self.words.because(decision.because or (), one.values),
                )
            )
        elif step is Step.RELEASE:
            page.release[plan.pk].append(one.customer_id)
        elif row is None:
            return
        elif step is Step.LEAVE:
            page.leave.append((row[0], How.RULE, self._why_left(plan.programme, decision, one, standing)))
        elif step is Step.ARCHIVED:
            page.leave.append((row[0], How.END, "The customer was archived."))
        elif step is Step.BEGIN:
            page.begin.append(row[0])
        elif step is Step.STAY:
            page.stay.append(row[0])

    def _why_left(self, programme: Programme, decision: Decision, one: Known, standing: Standing) -> str:
        if decision.because is not None:
            return self.words.because(decision.because, one.values)
        asked = names(programme.enrol)
        said = self.words.now([key for key in one.values if key in asked], one.values)
        if standing.leaving_since is None:
            return f"The rule no longer holds: {said}."[:500]
        days = (self.now - standing.leaving_since).days
        return f"The rule has not held for {days:,} day{'' if days == 1 else 's'}: {said}."[:500]

    def write(self, page: _Page) -> int:
        """Stores what was decided; gives how many entered."""
        org = self.organization.pk
        if page.enter:
            Enrolment.objects.bulk_create(page.enter, batch_size=500, ignore_conflicts=True)
        if page.leave:
            at = db_time(self.now)
            with connection.cursor() as cursor:
                cursor.executemany(_LEAVE, [(at, how, reason, org, pk) for pk, how, reason in page.leave])
        for ids, moment in ((page.begin, db_time(self.now)), (page.stay, None)):
            if ids:
                execute(_SINCE.format(ids=one_of("id", "ids")), {"org": org, "at": moment, "ids": id_list(ids)})
        for workflow, customers in page.release.items():
            execute(
                _RELEASE.format(customers=one_of("customer_id", "ids")),
                {"org": org, "workflow": workflow, "ids": id_list(customers), "yes": True, "no": False},
            )
        return len(page.enter)


def _standing(row: tuple[Any, ...] | None, hold_off: bool) -> Standing:
    if row is None:
        return Standing(hold_off=hold_off)
    since = row[4]
    if isinstance(since, str):
        # SQLite's text, which has no zone and means UTC.
        since = datetime.fromisoformat(since)
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return Standing(enrolled=True, by_rule=row[3] == How.RULE, leaving_since=since)
