"""One push: at most one at a time per organization, repeatable at any point, bounded by what Intercom allows.

A push plans, then empties the queue. One that dies is not continued but done again: what was confirmed differs no more,
and of what was sent without an answer Intercom is asked first. So no value is written twice and none is missed.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, close_old_connections, connections, transaction
from django.db.models import F, Q, QuerySet
from django_scopes import scopes_disabled

from startdeliver.common import clock
from startdeliver.common.crypto import DecryptionError
from startdeliver.engine import jobs
from startdeliver.engine.models import Job
from startdeliver.engine.owner import is_alive, owner_id
from startdeliver.intercom import Fetcher, Gone, IntercomError, Kind, NotFound, wire
from startdeliver.intercom.fetcher import FetcherClosed
from startdeliver.sync import session
from startdeliver.sync.models import Connection, IntercomContact, PushItem, PushLog, PushRun, PushSettings, SyncRun
from startdeliver.sync.push import choices, create, definitions, queue, record
from startdeliver.sync.push.choices import Choice
from startdeliver.sync.push.plan import CORE, Spec, batches, outward, same
from startdeliver.sync.push.queue import Item
from startdeliver.sync.push.sources import COMPANY, CONTACT
from startdeliver.sync.push.writer import Done, write
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope

log = logging.getLogger(__name__)

SILENCE = timedelta(seconds=60)
LOG_KEPT = timedelta(days=90)
_HEARTBEAT = 10.0
_KEEP_EVERY, _KEEP_AFTER = 50, 1.0
_MOST_IN_A_ROW = 25
# What Intercom could not take is tried again after 15 min, 30 min, 1 h … instead of after the next sync, as syncs are.
_RETRY_FIRST, _RETRY_LAST = timedelta(minutes=15), timedelta(hours=4)

Progress = Callable[[dict[str, Any]], object]


class AlreadyPushing(Exception):
    """A push or a sync of the organization is under way. The message says since when."""


class NotReady(Exception):
    """Nothing can be pushed; the message says why."""


class Stop(Exception):
    """Raised by `on_progress` to end the push early; what is left is planned again by the next one."""


class _Ended(Exception):
    """The push may not go on: it was taken over, or the tier was locked, or Intercom fails again and again.

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
        _check(organization, clock.now())
        _enqueue(organization, PushRun.Trigger.BUTTON)


def _enqueue(organization: Organization, trigger: str) -> None:
    job = jobs.enqueue("push", f"push:{organization.pk}", {"trigger": str(trigger)}, organization)
    if job.status == job.Status.RUNNING:
        # It may be past what was changed just now, so another one follows it.
        _at(organization, clock.now())


def waiting(organization: Organization) -> Job | None:
    """The push that waits for a worker, or that a worker has just taken, if there is one."""
    live = (Job.Status.QUEUED, Job.Status.RUNNING)
    return Job.objects.filter(key=f"push:{organization.pk}", status__in=live).first()


def _at(organization: Organization, at: datetime) -> None:
    """Notes that a push is to be made at `at`, or sooner if that was noted before."""
    found, _ = PushSettings.objects.get_or_create(organization=organization)
    later = PushSettings.objects.filter(Q(retry_at__isnull=True) | Q(retry_at__gt=at), pk=found.pk)
    later.update(retry_at=at)


def start_due(now: datetime) -> int:
    """Asks a worker for the pushes, of all organizations, that are to be tried again by now. Gives how many."""
    with scopes_disabled():
        due = list(PushSettings.objects.filter(retry_at__lte=now).select_related("organization"))
    started = 0
    for one in due:
        with organization_scope(one.organization):
            running = PushRun.objects.filter(status=PushRun.Status.RUNNING).first()
            if running is not None and not is_dead(running):
                continue
            if PushSettings.objects.filter(pk=one.pk, retry_at=one.retry_at).update(retry_at=None):
                _enqueue(one.organization, PushRun.Trigger.RETRY)
                started += 1
    return started


def retry_delay(failures: int) -> timedelta:
    """How long to wait after the `failures`-th push in a row (from 1) that Intercom could not take in full."""
    return min(_RETRY_LAST, _RETRY_FIRST * (1 << min(max(failures - 1, 0), 10)))


def _try_again(run: PushRun, again: bool) -> None:
    """After a push: sets when it is tried again, sooner than with the next sync, if time may mend what failed."""
    found, _ = PushSettings.objects.get_or_create(organization_id=run.organization_id)
    if not again:
        PushSettings.objects.filter(pk=found.pk).update(retries=0)
        return
    PushSettings.objects.filter(pk=found.pk).update(retries=F("retries") + 1)
    _at(found.organization, clock.now() + retry_delay(found.retries + 1))


def follow(run: SyncRun) -> None:
    """After a successful sync: pushes, when something goes out by itself. A sync of the command line pushes in its own
    process, others hand it to a worker."""
    organization = Organization.objects.get(pk=run.organization_id)
    with organization_scope(organization):
        link = run.connection
        if not goes_by_itself(organization, link):
            return
        if run.trigger != SyncRun.Trigger.CLI:
            _enqueue(organization, PushRun.Trigger.SYNC)
            return
        try:
            execute(organization, PushRun.Trigger.SYNC)
        except (AlreadyPushing, NotReady):
            return


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


def _check(organization: Organization, now: datetime) -> Connection:
    link = Connection.objects.filter(organization=organization).first()
    if link is None or not link.is_ready:
        raise NotReady("Intercom is not connected, so nothing can be pushed.")
    running = PushRun.objects.filter(status=PushRun.Status.RUNNING).first()
    if running is not None and not is_dead(running):
        raise AlreadyPushing(f"already running since {running.started_at:%Y-%m-%d %H:%M:%S} UTC")
    sync = SyncRun.objects.filter(status=SyncRun.Status.RUNNING).first()
    if sync is not None and is_alive(sync.owner) is not False and _recent(sync.heartbeat_at, now):
        raise AlreadyPushing("a sync is running, and the push follows it by itself")
    return link


def is_dead(run: PushRun) -> bool:
    """Whether the process that runs it is gone."""
    alive = is_alive(run.owner) if run.owner else False
    return not alive if alive is not None else not _recent(run.heartbeat_at, clock.now())


def _recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and at > now - SILENCE


# ---------------------------------------------------------------------------------------------------------------- doing


def execute(organization: Organization, trigger: str, on_progress: Progress | None = None) -> PushRun:
    """Pushes in this thread and gives the run as it ended; what goes wrong with Intercom is in its record.

    Raises AlreadyPushing, NotReady, and Stop when `on_progress` does.
    """
    organization = Organization.objects.get(pk=organization.pk)
    with organization_scope(organization):
        link = _check(organization, clock.now())
        run = _claim(organization, trigger)
        again = False
        try:
            with _heartbeat(run) as lost, session.line(link) as fetcher:
                work = _Push(organization, link, run, fetcher, lost, on_progress)
                work.work()
            again = work.again
            _end(run, PushRun.Status.SUCCESS)
        except IntercomError as error:
            log.warning("push %d failed: %r %s", run.pk, error, error.detail)
            again = error.kind is not Kind.CONFIG
            _end(run, PushRun.Status.FAILED, error.sentence)
        except _Ended as error:
            again = error.again
            _end(run, PushRun.Status.FAILED, str(error))
        except DecryptionError:
            sentence = "The stored access token cannot be read, so nothing was pushed. Authenticate again."
            _end(run, PushRun.Status.FAILED, sentence)
        except (KeyboardInterrupt, SystemExit, Stop, FetcherClosed):
            _end(run, PushRun.Status.FAILED, "The push was stopped before its end; the next one does the rest.")
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
            _end(run, PushRun.Status.FAILED, sentence)
        _try_again(run, again)
        PushLog.objects.filter(at__lt=clock.now() - LOG_KEPT).delete()
        return PushRun.objects.get(pk=run.pk)


def _claim(organization: Organization, trigger: str) -> PushRun:
    now = clock.now()
    for dead in PushRun.objects.filter(status=PushRun.Status.RUNNING):
        if not is_dead(dead):
            continue
        PushRun.objects.filter(pk=dead.pk, owner=dead.owner, status=PushRun.Status.RUNNING).update(
            status=PushRun.Status.FAILED,
            finished_at=now,
            error="The process ended in the middle of this push; the next one did the rest.",
        )
    try:
        with transaction.atomic():
            # This push covers whatever was to be tried again by now.
            PushSettings.objects.filter(retry_at__lte=now).update(retry_at=None)
            if trigger != PushRun.Trigger.RETRY:
                PushSettings.objects.update(retry_at=None)
            return PushRun.objects.create(
                organization=organization, trigger=trigger, owner=owner_id(), heartbeat_at=now, started_at=now
            )
    except IntegrityError:
        raise AlreadyPushing("already running") from None


def _end(run: PushRun, status: str, error: str = "") -> None:
    PushRun.objects.filter(pk=run.pk, owner=run.owner, status=PushRun.Status.RUNNING).update(
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
        lost: threading.Event,
        on_progress: Progress | None,
    ) -> None:
        self.organization, self.link, self.run, self.fetcher = organization, link, run, fetcher
        self._lost, self._on_progress = lost, on_progress
        self._done = 0
        self._failures = 0
        self._attributes_out = False
        self.again = False

    def work(self) -> None:
        freshen(self.organization)
        try:
            self._settle_unanswered()
            wanted = specs(self.organization, self.link, accepted_only=True)
            self._attributes_out = self.organization.advanced
            wanted = self._defined(wanted)
            create.run(self.organization, self.link, self.run, self.fetcher, self._alive)
            for spec in wanted:
                self._plan(spec)
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
        for batch in batches(self.link, spec):
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
        if self._on_progress is not None:
            self._on_progress({"stage": "push", "done": self._done, "total": self.run.planned})

    def _alive(self) -> None:
        if self._lost.is_set():
            raise _Ended("Another process has taken this push over.")
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


def freshen(organization: Organization) -> None:
    """Health as of now, so that what goes out is not what was true a while ago."""
    from startdeliver.support import health as support
    from startdeliver.usage import health as usage

    support.refresh_due(organization)
    usage.refresh(organization)


@contextmanager
def _heartbeat(run: PushRun) -> Iterator[threading.Event]:
    """Says every ten seconds, from its own thread, that the push lives. Sets the event when it is no longer ours."""
    ended, lost = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not ended.wait(_HEARTBEAT):
                try:
                    close_old_connections()
                    with scopes_disabled():
                        held = PushRun.objects.filter(pk=run.pk, owner=run.owner, status=PushRun.Status.RUNNING)
                        if not held.update(heartbeat_at=clock.now()):
                            lost.set()
                            return
                except Exception as error:
                    log.warning("heartbeat of push %d failed: %s", run.pk, type(error).__name__)
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name=f"push-{run.pk}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join(timeout=5)


def failures(organization: Organization) -> QuerySet[PushItem]:
    """The writes that failed and wait for the next push, newest first: a queryset to be paged."""
    rows = PushItem.objects.filter(organization=organization).exclude(reason="")
    return rows.select_related("company", "contact").order_by("-failed_at", "-pk")
