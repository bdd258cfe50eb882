"""Events as usage: for each linked contact that was seen since its events were last read, those that came since.

Intercom lists events per contact only, newest first and 90 days deep (OpenAPI 2.16, /events), so a first reading asks
every linked contact, and a later one those that were seen. Up to which moment a contact's events were read is written
with the events, in one transaction; whatever died before that is read again, and stored once (`events.store`).

`SyncRun.events`: asked, gone, failed, unmatched are contacts; read, stored, known, unknown, bad_time, unreadable are
events; brought_in are those that had waited for a usage type.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from django.db.models import F, Q, QuerySet

from startdeliver.common import clock
from startdeliver.intercom import (
    AuthError,
    Gone,
    IntercomError,
    NotFound,
    Page,
    PlanRestricted,
    RateLimited,
    ScopeMissing,
    VersionUnsupported,
    wire,
)
from startdeliver.storage import bulk
from startdeliver.sync import events
from startdeliver.sync.events import Incoming
from startdeliver.sync.events.store import BAD_TIME
from startdeliver.sync.models import Connection, IntercomContact
from startdeliver.sync.pull.messages import batches
from startdeliver.sync.pull.work import OVERLAP, Pull
from startdeliver.usage import health

STAGE = "events"
_BATCH = 100
_CHUNK = 500
# Pages of one contact that are held at once; one with more is asked again for the rest.
_PAGES = 4
# After this many failures in a row it is not the contacts.
_PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Ask:
    """One contact's turn. `since`: what is older need not be read (unix seconds)."""

    pk: int
    ref: str
    user: int
    since: int
    cursor: str | None = None


class ContactRead(NamedTuple):
    """Up to when a contact's events were read (unix seconds), and for which user."""

    id: int
    events_read_at: int
    events_user: int


@dataclass(slots=True)
class _Batch:
    """What is stored together."""

    found: list[Incoming] = field(default_factory=list)
    bad_time: int = 0
    unreadable: int = 0
    finished: list[ContactRead] = field(default_factory=list)
    gone: int = 0
    failed: int = 0


class _Stop(Exception):
    """Nothing more can be read; `error` says why."""

    def __init__(self, error: IntercomError) -> None:
        super().__init__(error.sentence)
        self.error = error


def wanted(pull: Pull) -> bool:
    """Whether events come in: the tier unlocked, the question answered Yes, a product with usage types."""
    return pull.run is not None and events.is_on(pull.organization, pull.connection)


def run(pull: Pull) -> None:
    state = pull.stage_cursor(STAGE)
    # Names that were given a usage type since.
    pull.counts.events["brought_in"] += events.bring_in(pull.organization)
    state.setdefault("total", due(pull).count())
    if "unmatched" not in state:
        state["unmatched"] = True
        pull.counts.events["unmatched"] += _unmatched(pull)
    try:
        _read(pull)
    except _Stop as stop:
        sentence = f"Events could not be read, so usage from Intercom stands still: {stop.error.sentence}"
        pull.warn(sentence)
        _settle(pull, sentence)
        return
    _settle(pull, "")
    events.prune(pull.organization)
    if failed := pull.counts.events["failed"]:
        who = "1 contact" if failed == 1 else f"{failed:,} contacts"
        pull.warn(f"The events of {who} could not be read; the next sync asks again, and nothing is lost.")
    # Usage health is right before the messages are read, and goes out with the push that follows.
    health.refresh(pull.organization)


def due(pull: Pull) -> QuerySet[IntercomContact]:
    """The contacts to ask: users of ours whose events were never read, were read for another user, or that were seen
    since."""
    return IntercomContact.objects.filter(
        Q(events_read_at__isnull=True) | ~Q(events_user=F("user_id")) | Q(last_seen_at__gte=F("events_read_at")),
        workspace=pull.workspace,
        state=IntercomContact.State.ACTIVE,
        user__isnull=False,
        user__archived_at__isnull=True,
    )


def _unmatched(pull: Pull) -> int:
    """Contacts that were seen since events were last read and are nobody's user: their events are not asked for."""
    since = pull.connection.events_at
    floor = pull.started_at - events.DAYS * 86_400 if since is None else int(since.timestamp())
    rows = IntercomContact.objects.filter(
        workspace=pull.workspace, state=IntercomContact.State.ACTIVE, user__isnull=True
    )
    return rows.filter(last_seen_at__gte=floor).count()


def _read(pull: Pull) -> None:
    asks = _asks(pull)
    # The first alone: without the permission, one request is enough to know.
    rest: deque[Ask] = deque()
    _read_some(pull, islice(asks, 1), rest)
    _read_some(pull, asks, rest)
    while rest:
        _read_some(pull, [rest.popleft() for _ in range(len(rest))], rest)


def _asks(pull: Pull) -> Iterator[Ask]:
    """Who is due, last seen first, read from the database as they are wanted."""
    before: tuple[int, int] | None = None
    rows = due(pull).order_by("-last_seen_at", "-pk")
    while True:
        some = rows
        if before is not None:
            some = rows.filter(last_seen_at__lte=before[0]).exclude(last_seen_at=before[0], pk__gte=before[1])
        chunk = list(some.values_list("last_seen_at", "pk", "ref", "user_id", "events_read_at", "events_user")[:_CHUNK])
        for seen, pk, ref, user, read_at, read_for in chunk:
            before = (seen, pk)
            since = 0 if read_at is None or read_for != user else max(0, read_at - OVERLAP)
            yield Ask(pk, ref, int(user or 0), since)
        if len(chunk) < _CHUNK:
            return


def _read_some(pull: Pull, asks: Iterable[Ask], rest: deque[Ask]) -> None:
    """Asks for the events of contacts and stores them; those who have more than a few pages come into `rest`."""
    state = pull.stage_cursor(STAGE)
    in_a_row = 0

    async def ask(one: Ask) -> Page[wire.Event]:
        return await pull.client.events_since(one.ref, one.since, cursor=one.cursor, pages=_PAGES)

    for answers in batches(pull.fetcher.map_unordered(ask, asks), _BATCH):
        batch = _Batch()
        stop: IntercomError | None = None
        for one, answer in answers:
            if isinstance(answer, Page):
                in_a_row = 0
                _take(batch, one, answer, pull.started_at)
                if answer.next_cursor is not None:
                    rest.append(replace(one, cursor=answer.next_cursor))
            elif isinstance(answer, NotFound | Gone):
                # Archived, deleted or merged a moment ago. The sweep finds out which, and who takes its place.
                batch.gone += 1
            elif isinstance(answer, AuthError | RateLimited | ScopeMissing | PlanRestricted | VersionUnsupported):
                stop = answer
                break
            else:
                batch.failed, in_a_row = batch.failed + 1, in_a_row + 1
                if in_a_row >= _PATIENCE:
                    stop = answer
                    break
        state["done"] = state.get("done", 0) + len(batch.finished) + batch.gone + batch.failed
        pull.progress(state["done"], max(state["total"], state["done"]))
        pull.commit(_store, pull, batch)
        if isinstance(stop, AuthError | RateLimited):
            raise stop
        if stop is not None:
            raise _Stop(stop)


def _take(batch: _Batch, one: Ask, page: Page[wire.Event], until: int) -> None:
    for event in page.items:
        item = events.incoming(event, one.user)
        if item is None:
            batch.bad_time += 1
        else:
            batch.found.append(item)
    batch.unreadable += len(page.failures)
    if page.next_cursor is None:
        batch.finished.append(ContactRead(one.pk, until, one.user))


def _store(pull: Pull, batch: _Batch) -> None:
    """The events and how far each contact's were read, in one transaction."""
    counts = pull.counts.events
    counts.update(events.store(pull.organization, batch.found))
    counts["read"] += len(batch.found) + batch.bad_time + batch.unreadable
    counts[BAD_TIME] += batch.bad_time
    counts["unreadable"] += batch.unreadable
    counts["asked"] += len(batch.finished) + batch.gone + batch.failed
    counts["gone"] += batch.gone
    counts["failed"] += batch.failed
    bulk.update(IntercomContact, pull.organization_id, batch.finished)


def _settle(pull: Pull, problem: str) -> None:
    link = pull.connection

    def write() -> None:
        link.events_problem = problem[:500]
        if not problem:
            link.events_at = clock.now()
        Connection.objects.filter(pk=link.pk).update(events_problem=link.events_problem, events_at=link.events_at)

    pull.commit(write)
