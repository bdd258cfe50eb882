"""One push: at most one at a time per organization, repeatable at any point, bounded by what Intercom allows.

A push plans, then empties the queue. One that dies is not continued but done again: what was confirmed differs no more,
and of what was sent without an answer Intercom is asked first. So no value is written twice and none is missed.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.common.crypto import DecryptionError
from startdeliver.engine import jobs
from startdeliver.intercom import Fetcher, Gone, IntercomError, Kind, NotFound, wire
from startdeliver.intercom.fetcher import FetcherClosed
from startdeliver.sync import session
from startdeliver.sync.models import Connection, IntercomContact, PushItem, PushLog, PushRun, PushSettings, SyncRun
from startdeliver.sync.push import choices, create, definitions, queue, record
from startdeliver.sync.push.choices import Choice
from startdeliver.sync.push.plan import CORE, Only, Spec, batches, outward, same
from startdeliver.sync.push.queue import Item
from startdeliver.sync.push.sources import COMPANY, CONTACT
from startdeliver.sync.push.writer import Done, write
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

log = logging.getLogger(__name__)

KIND = "push"
LOG_KEPT = timedelta(days=90)
_KEEP_EVERY, _KEEP_AFTER = 50, 1.0
_MOST_IN_A_ROW = 25
# What Intercom could not take is tried again after 15 min, 30 min, 1 h … instead of after the next sync, as syncs are.
_RETRY_FIRST, _RETRY_LAST = timedelta(minutes=15), timedelta(hours=4)

Progress = Callable[[dict[str, Any]], object]


class AlreadyPushing(Exception):
    """A push or a sync of the organization is under way. The message says since when."""


class NotReady(Exception):
    """Nothing can be pushed; the message says why."""


class _Ended(Exception):
    """The push may not go on: the tier was locked, or Intercom fails again and again.

    `again`: whether trying again after a pause may help.
    """

    def __init__(self, sentence: str, *, again: bool = False) -> None:
        super().__init__(sentence)
        self.again = again


# --------------------------------------------------------------------------------------------------------------- asking


def request(organization: Organization) -> None:
    """Asks a worker for a push. Raises NotReady, and AlreadyPushing when one runs or a sync does (which pushes at its
    end)."""
    with organization_scope(organization):
        ready_connection(organization)
        _refuse_when_busy(organization)
        _enqueue(organization, PushRun.Trigger.BUTTON)


def _enqueue(organization: Organization, trigger: str) -> int:
    """A push that runs already may be past what was changed just now, so another one waits for its end."""
    person = trigger in (PushRun.Trigger.BUTTON, PushRun.Trigger.CLI)
    priority = jobs.Priority.PERSON if person else jobs.Priority.DERIVATION
    lock = session.lock_of(organization)
    payload = {"trigger": str(trigger)}
    return jobs.enqueue(KIND, _key(organization), payload, organization, lock=lock, priority=priority)


def _key(organization: Organization) -> str:
    return f"{KIND}:{organization.pk}"


def job_of(organization: Organization) -> jobs.Job | None:
    """The push that runs or waits for a worker, if there is one."""
    return jobs.find(_key(organization))


def _at(organization: Organization, at: datetime) -> None:
    """Notes that a push is to be made at `at`, or sooner if that was noted before."""
    found, _ = PushSettings.objects.get_or_create(organization=organization)
    later = PushSettings.objects.filter(Q(retry_at__isnull=True) | Q(retry_at__gt=at), pk=found.pk)
    later.update(retry_at=at)


def start_due(now: datetime) -> int:
    """Asks a worker for the pushes, of all organizations, that are to be tried again by now. Gives how many."""
    with scopes_disabled():
        due = PushSettings.objects.filter(retry_at__lte=now)
        with transaction.atomic():
            organizations = [settings.organization for settings in due.select_related("organization")]
            due.update(retry_at=None)
            jobs.enqueue_all(KIND, organizations, {"trigger": str(PushRun.Trigger.RETRY)}, lock=session.LOCK)
    return len(organizations)


def retry_delay(failures: int) -> timedelta:
    """How long to wait after the `failures`-th push in a row (from 1) that Intercom could not take in full."""
    return min(_RETRY_LAST, _RETRY_FIRST * (1 << min(max(failures - 1, 0), 10)))


def _try_again(run: PushRun, again: bool) -> None:
    """After a push: sets when it is tried again, sooner than with the next sync, if time may mend what failed."""
    found, _ = PushSettings.objects.get_or_create(organization_id=run.organization_id)
    if not again:
        if run.trigger != PushRun.Trigger.CHANGE:
            PushSettings.objects.filter(pk=found.pk).update(retries=0)
        return
    PushSettings.objects.filter(pk=found.pk).update(retries=F("retries") + 1)
    _at(found.organization, clock.now() + retry_delay(found.retries + 1))


def follow(organization: Organization, run: SyncRun, context: jobs.Context) -> None:
    """After a successful sync: pushes, when something goes out by itself. A sync of the command line pushes under its
    own job, others leave it to a worker."""
    if not goes_by_itself(organization, run.connection):
        return
    if run.trigger == SyncRun.Trigger.CLI:
        execute(context, PushRun.Trigger.SYNC)
    else:
        _enqueue(organization, PushRun.Trigger.SYNC)


def goes_by_itself(organization: Organization, link: Connection) -> bool:
    """Whether anything goes out after each sync."""
    return any(not spec.is_empty for spec in specs(organization, link, accepted_only=True))


def specs(organization: Organization, link: Connection, *, accepted_only: bool) -> list[Spec]:
    """What goes out to companies and to contacts. `accepted_only`: without what no accepted preview has shown."""
    found = choices.settings_of(organization)
    going = choices.going(organization, accepted_only=accepted_only)
    agreed = not accepted_only or found.accepted_at is not None
    return [
        Spec(
            model,
            [one for one in going if one.source.model == model],
            choices.core(link, model, accepted=agreed),
            found.keep_in_line,
        )
        for model in (COMPANY, CONTACT)
    ]


def ready_connection(organization: Organization) -> Connection:
    """The connection to push to. Raises NotReady."""
    link = Connection.objects.filter(organization=organization).first()
    if link is None or not link.is_ready:
        raise NotReady("Intercom is not connected, so nothing can be pushed.")
    return link


def _refuse_when_busy(organization: Organization) -> None:
    push = job_of(organization)
    if push is not None and push.status == jobs.Status.RUNNING and push.started_at is not None:
        raise AlreadyPushing(f"already running since {push.started_at:%Y-%m-%d %H:%M:%S} UTC")
    if SyncRun.objects.filter(status=SyncRun.Status.RUNNING).exists():
        raise AlreadyPushing("a sync is running, and the push follows it by itself")


# ------------------------------------------------------------------------------------------------------------ executing


def run_now(organization: Organization, *, on_progress: Progress | None = None) -> PushRun:
    """Pushes in this process and returns the run as it ended; for the command line. Raises AlreadyPushing, NotReady,
    and KeyboardInterrupt after recording the stop."""
    jobs.recover_stalled()
    with organization_scope(organization):
        ready_connection(organization)
        _refuse_when_busy(organization)
        with transaction.atomic():
            job = jobs.claim_here(_enqueue(organization, PushRun.Trigger.CLI))
            if job is None:
                transaction.set_rollback(True)
        if job is None:
            raise AlreadyPushing("already running")
        jobs.run_claimed(job, on_progress)
        run = PushRun.objects.order_by("-pk").first()
        if run is None:
            raise NotReady("The push did not begin; the log says why.")
        return run


@jobs.handler(KIND)
def push(context: jobs.Context) -> None:
    """Pushes for the job's organization; the payload's `trigger` says why."""
    try:
        execute(context, context.payload.get("trigger", PushRun.Trigger.SYNC))
    except NotReady:
        return


def execute(context: jobs.Context, trigger: str, only: Only | None = None) -> PushRun:
    """Pushes under the job of `context`, in its organization's scope, and returns the run as it ended.

    `only`: just the values of these records, without users and companies that are to be made in Intercom.

    What goes wrong with Intercom is in the run's record. Raises NotReady, and Requeue when the job is told to stop.
    """
    assert context.organization is not None
    organization = Organization.objects.get(pk=context.organization.pk)
    link = ready_connection(organization)
    run = _begin(context, organization, trigger)
    again = False
    try:
        with session.line(link) as fetcher:
            work = _Push(organization, link, run, fetcher, context, only)
            work.work()
        again = work.again
        _end(context, run, PushRun.Status.SUCCESS)
    except jobs.LeaseLost:
        raise
    except IntercomError as error:
        log.warning("push %d failed: %r %s", run.pk, error, error.detail)
        again = error.kind is not Kind.CONFIG
        _end(context, run, PushRun.Status.FAILED, error.sentence)
    except _Ended as error:
        again = error.again
        _end(context, run, PushRun.Status.FAILED, str(error))
    except DecryptionError:
        sentence = "The stored access token cannot be read, so nothing was pushed. Authenticate again."
        _end(context, run, PushRun.Status.FAILED, sentence)
    except (KeyboardInterrupt, SystemExit, jobs.Requeue, FetcherClosed):
        _end(context, run, PushRun.Status.FAILED, "The push was stopped before its end; the next one does the rest.")
        raise
    except Exception as error:
        # Without the message: a database's error quotes the row.
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("push %d failed with %s\n%s", run.pk, type(error).__name__, frames)
        sentence = (
            f"The push met an internal error ({type(error).__name__}) and stopped; what was written stays. "
            "It is tried again; if it keeps failing, report it with the push's number."
        )
        again = True
        _end(context, run, PushRun.Status.FAILED, sentence)
    _try_again(run, again)
    PushLog.objects.filter(at__lt=clock.now() - LOG_KEPT).delete()
    return PushRun.objects.get(pk=run.pk)


def _begin(context: jobs.Context, organization: Organization, trigger: str) -> PushRun:
    now = clock.now()
    with transaction.atomic():
        context.hold()
        # Whoever holds the job is alone, so a run that is still open belongs to a process that died in it.
        PushRun.objects.filter(status=PushRun.Status.RUNNING).update(
            status=PushRun.Status.FAILED,
            finished_at=now,
            error="The process ended in the middle of this push; the next one did the rest.",
        )
        if trigger != PushRun.Trigger.CHANGE:
            # This push covers whatever was to be tried again by now.
            PushSettings.objects.filter(retry_at__lte=now).update(retry_at=None)
        if trigger not in (PushRun.Trigger.RETRY, PushRun.Trigger.CHANGE):
            PushSettings.objects.update(retry_at=None)
        return PushRun.objects.create(organization=organization, trigger=trigger, started_at=now)


def _end(context: jobs.Context, run: PushRun, status: str, error: str = "") -> None:
    with transaction.atomic():
        context.hold()
        PushRun.objects.filter(pk=run.pk, status=PushRun.Status.RUNNING).update(
            status=status, finished_at=clock.now(), error=error[:500], requests=run.requests
        )


class _Push:
    """A push at work, in the organization's scope."""

    def __init__(
        self,
        organization: Organization,
        link: Connection,
        run: PushRun,
        fetcher: Fetcher,
        context: jobs.Context,
        only: Only | None,
    ) -> None:
        self.only = only
        self.organization, self.link, self.run, self.fetcher = organization, link, run, fetcher
        self._context = context
        self._done = 0
        self._failures = 0
        self._attributes_out = False
        self.again = False

    def work(self) -> None:
        try:
            self._settle_unanswered()
            wanted = specs(self.organization, self.link, accepted_only=True)
            self._attributes_out = self.organization.advanced
            wanted = self._defined(wanted)
            if self.only is None:
                create.run(self.organization, self.link, self.run, self.fetcher, self._alive)
            for spec in wanted:
                self._plan(spec)
            if self.only is None:
                queue.forget_others(self.run)
            self._write({name: kind for spec in wanted for name, kind in spec.types.items()})
        finally:
            self.run.requests = self.fetcher.client.requests

    def _settle_unanswered(self) -> None:
        """Finds out about writes whose answer was lost with their process."""
        lost = {one.pk: one for one in queue.unanswered()}
        client = self.fetcher.client
        if not lost:
            return

        async def ask(pk: int) -> wire.Company | wire.Contact:
            item = lost[pk]
            return await (client.company(item.ref) if item.model == COMPANY else client.contact(item.ref))

        for pk, answer in self.fetcher.map_unordered(ask, lost):
            item = lost[pk]
            if isinstance(answer, NotFound | Gone):
                queue.release([item])
                continue
            if isinstance(answer, IntercomError):
                raise answer
            if there := {key: value for key, value in item.after.items() if same(_value(answer, key), value)}:
                record.found_there(self.run, item, there, answer)
            queue.release([item])

    def _defined(self, wanted: list[Spec]) -> list[Spec]:
        """Makes the attributes that are missing; gives the specs without those that cannot be."""
        unknown = definitions.unknown([one for spec in wanted for one in spec.attributes], self.link.workspace)
        if not unknown:
            return wanted
        rows = {one.key: one for one in choices.ensure(self.organization)}
        made = 0
        refused: set[str] = set()
        compared = definitions.compare([rows[one.key] for one in unknown], definitions.read(self.fetcher))
        for definition in compared:
            self._alive()
            try:
                made_it = definitions.make(self.fetcher, definition, self.link.workspace)
            except definitions.Failed:
                made_it, self.again = False, True
            if not made_it:
                refused.add(definition.choice.key)
                self._log_definition(definition.choice, PushLog.Outcome.FAILED, definition.choice.field.problem)
            elif definition.is_write:
                made += 1
                self._log_definition(definition.choice, PushLog.Outcome.DEFINED, "")
        counts = {"defined": F("defined") + made, "failed": F("failed") + len(refused)}
        PushRun.objects.filter(pk=self.run.pk).update(**counts)
        return [
            replace(spec, attributes=[rows[one.key] for one in spec.attributes if one.key not in refused])
            for spec in wanted
        ]

    def _log_definition(self, choice: Choice, outcome: str, sentence: str) -> None:
        PushLog.objects.create(
            organization=self.organization,
            run=self.run,
            model=choice.source.model,
            ref=choice.field.attribute_id,
            label=choice.field.name,
            after={"type": choice.source.data_type},
            outcome=outcome,
            sentence=sentence,
        )

    def _plan(self, spec: Spec) -> None:
        planned = 0
        for batch in batches(self.link, spec, only=self.only):
            queue.enqueue(self.run, spec.model, batch)
            planned += len(batch.changes)
            self._alive()
        self.run.planned += planned
        PushRun.objects.filter(pk=self.run.pk).update(planned=F("planned") + planned)

    def _write(self, types: dict[str, str]) -> None:
        client = self.fetcher.client

        async def one(item: Item) -> Done:
            return await write(client, item, types)

        results: list[Done] = []
        kept_at = time.monotonic()
        for item, answer in self.fetcher.map_unordered(one, queue.due(self.run)):
            if isinstance(answer, IntercomError):
                # It concerns every write: nothing of what is on its way was taken by Intercom either.
                self._keep(results)
                PushItem.objects.filter(pk=item.pk).update(in_flight=False)
                raise answer
            results.append(self._followed(answer, types))
            if len(results) >= _KEEP_EVERY or time.monotonic() - kept_at >= _KEEP_AFTER:
                self._keep(results)
                results, kept_at = [], time.monotonic()
        self._keep(results)

    def _followed(self, done: Done, types: dict[str, str]) -> Done:
        """A merged contact's values go to the survivor, unless that is linked and gets its own."""
        if not done.merged_into:
            return done
        survivor = done.merged_into
        known = IntercomContact.objects.filter(ref=survivor, workspace=self.link.workspace, user__isnull=False)
        if not known.exists():
            done = self.fetcher.call(write(self.fetcher.client, done.item, types, survivor))
            if not done.merged_into:
                return done
        done.reason = PushItem.Reason.GONE
        done.sentence = (
            f"This contact was merged into another one in Intercom ({survivor}), which gets the values of the user "
            "that it is linked to. The next sync notes the merge."
        )
        return done

    def _keep(self, results: list[Done]) -> None:
        if results:
            self.again = record.keep(self.run, results) or self.again
            self._done += len(results)
        for one in results:
            transient = one.reason == PushItem.Reason.TRANSIENT
            self._failures = self._failures + 1 if transient else 0
            if self._failures >= _MOST_IN_A_ROW:
                raise _Ended(one.sentence, again=True)
        self._alive()
        self._context.report({"stage": "push", "done": self._done, "total": self.run.planned})

    def _alive(self) -> None:
        with transaction.atomic():
            self._context.hold()
        same = Connection.objects.filter(pk=self.link.pk, status=self.link.status, workspace=self.link.workspace)
        if not same.filter(saved_at__isnull=False).exists():
            raise _Ended("The connection was revoked or changed during this push, so it stopped.")
        if self._attributes_out and not Organization.objects.filter(pk=self.organization.pk, advanced=True).exists():
            raise _Ended("The advanced tier was locked during this push, so it stopped. What was written stays.")


def _value(answer: wire.Company | wire.Contact, key: str) -> Any:
    if not key.startswith(CORE):
        return (answer.custom_attributes or {}).get(key)
    name = key.removeprefix(CORE)
    return outward(name, getattr(answer, "plan_name" if name == "plan" else name, None))


def failures(organization: Organization) -> QuerySet[PushItem]:
    """The writes that failed and wait for the next push, newest first: a queryset to be paged."""
    rows = PushItem.objects.filter(organization=organization).exclude(reason="")
    return rows.select_related("company", "contact").order_by("-failed_at", "-pk")
