"""One run at work: what its stages share, and the transaction in which a page and the run's position are written
together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.engine import jobs
from startdeliver.intercom import Fetcher, IntercomClient
from startdeliver.sync import links
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.sync.people import People
from startdeliver.sync.pull.ticket_facts import Names
from startdeliver.tenancy.models import Organization

T = TypeVar("T")

_ATTEMPTS = 3
_MOST_WARNINGS = 50
_PIPELINE_SECONDS = 2

# More than Intercom's search index lags behind (seconds to minutes). What is read again is compared and left alone.
OVERLAP = 600


@dataclass(slots=True)
class Counts:
    """The numbers of a run, which are columns of SyncRun by the same name; `skipped` and `events` are JSON."""

    listed: int = 0
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    outbound: int = 0
    messages: int = 0
    users_created: int = 0
    users_updated: int = 0
    customers_created: int = 0
    customers_updated: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, run: SyncRun) -> Counts:
        numbers = {item.name: getattr(run, item.name) for item in fields(cls)}
        return cls(**numbers | {"skipped": Counter(run.skipped), "events": Counter(run.events)})

    def copy(self) -> Counts:
        return replace(self, skipped=Counter(self.skipped), events=Counter(self.events))

    def columns(self) -> dict[str, Any]:
        numbers: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        return numbers | {"skipped": dict(self.skipped), "events": dict(self.events)}


class Pull:
    """The hands of one run, or (`run` None) of one import by hand, which counts and resumes nothing.

    Must be used inside the organization's scope, by one thread.
    """

    def __init__(
        self,
        organization: Organization,
        link: Connection,
        fetcher: Fetcher,
        *,
        run: SyncRun | None = None,
        context: jobs.Context | None = None,
    ) -> None:
        self.organization = organization
        self.connection = link
        self.fetcher = fetcher
        self.run = run
        self.context = context
        self.counts = Counts.of(run) if run else Counts()
        self.cursor: dict[str, Any] = dict(run.cursor) if run else {}
        self.warnings: list[str] = list(run.warnings) if run else []
        self.people = People(link.workspace)
        self.names = Names(links.prefix(link))
        self.tag_names: dict[str, str] = {}
        self.tags_asked = False
        self.stage = run.stage if run else ""
        self.failure = ""
        self._requests_before = run.requests if run else 0
        self._sweep_requests = run.sweep_requests if run else 0
        self._sweep_seconds = run.sweep_seconds if run else 0.0
        self._progress: dict[str, Any] = {}
        self._pipeline_at = float("-inf")

    @property
    def client(self) -> IntercomClient:
        return self.fetcher.client

    @property
    def organization_id(self) -> int:
        return int(self.organization.pk)

    @property
    def workspace(self) -> str:
        return self.connection.workspace

    @property
    def started_at(self) -> int:
        """When the run began, in unix seconds of Intercom's clock; the upper edge of what it promises to have read."""
        return int(self.cursor["started_at"])

    def is_settled(self, watermark: int) -> bool:
        """Whether all that had changed up to `watermark` was surely searchable when the last complete run began."""
        before = self.cursor.get("previous")
        return before is not None and watermark <= before - OVERLAP

    def since(self, watermark: int | None) -> int | None:
        """Where reading changes begins: at the newest change seen so far (its second again: it may have got more), and
        earlier by the overlap while the search index may still have been behind. None: from the very beginning."""
        if watermark is None:
            return None
        return watermark if self.is_settled(watermark) else max(0, watermark - OVERLAP)

    @property
    def requests(self) -> int:
        return self._requests_before + self.client.requests

    def stage_cursor(self, stage: str) -> dict[str, Any]:
        """The position of a stage, to be read and changed in place; it is written with the next commit."""
        found: dict[str, Any] = self.cursor.setdefault(stage, {})
        return found

    def warn(self, sentence: str) -> None:
        """Keeps a sentence about what could not be read; the same one once."""
        if sentence not in self.warnings and len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(sentence)

    def progress(self, done: int, total: int | None = None) -> None:
        """How far the present stage is, for people; shown with the next commit."""
        self._progress = {"stage": self.stage, "done": done, "total": total}
        if (seconds := self.cursor.get("estimate_seconds")) is not None:
            self._progress["estimate_seconds"] = seconds

    def sweep(self, requests: int, seconds: float) -> None:
        """Counts what the once-a-day sweeps cost."""
        self._sweep_requests += requests
        self._sweep_seconds += seconds

    # -------------------------------------------------------------------------------------------------------- writing

    def commit(self, write: Callable[..., T], *arguments: Any) -> T:
        """Calls `write` and stores the run's position and counts, all in one transaction. Raises LeaseLost.

        A collision with somebody who edits the same rows (deadlock, lock time-out, a row made twice) is tried again, so
        `write` must bear being repeated.
        """
        before = self.counts.copy(), list(self.warnings)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                result = self._transaction(write, arguments)
            except BaseException as error:
                # What was rolled back was not done, and must not be counted.
                counts, warnings = before
                self.counts, self.warnings = counts.copy(), list(warnings)
                if attempt == _ATTEMPTS or not isinstance(error, IntegrityError | OperationalError):
                    raise
                self.people.forget()
                time.sleep(0.2 * attempt)
            else:
                if self.context is not None:
                    self.context.report(self.shown())
                return result
        raise AssertionError("unreachable")

    def _transaction(self, write: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                # A lost tail of pages is harmless: rows and position are lost together and read again.
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit TO OFF")
            result = write(*arguments)
            self._save()
        return result

    def shown(self) -> dict[str, Any]:
        """The state of the run for people: stage, done, total, and the counts."""
        return {**self._progress, "stage": self.stage, **self.counts.columns(), "requests": self.requests}

    def columns(self) -> dict[str, Any]:
        """What is stored of the run with each page."""
        return {
            **self.counts.columns(),
            "cursor": self.cursor,
            "stage": self.stage,
            "progress": self._progress,
            "warnings": self.warnings,
            "requests": self.requests,
            "sweep_requests": self._sweep_requests,
            "sweep_seconds": round(self._sweep_seconds, 3),
        }

    def _save(self) -> None:
        if self.run is None or self.context is None:
            return
        self.context.hold()
        if not SyncRun.objects.filter(pk=self.run.pk, status=SyncRun.Status.RUNNING).update(**self.columns()):
            raise jobs.LeaseLost  # The connection was revoked, or the organization deleted.

    def tickets_changed(self, customers: Iterable[int | None]) -> None:
        """Records that tickets of these customers changed. Must run inside `commit`.

        The pipeline is started at most every two seconds, since a page takes a fraction of one.
        """
        begin = time.monotonic() - self._pipeline_at >= _PIPELINE_SECONDS
        if begin:
            self._pipeline_at = time.monotonic()
        changed = {customer for customer in customers if customer is not None}
        record(self.organization, Kind.TICKET, changed, begin=begin)
