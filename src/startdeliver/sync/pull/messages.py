"""Phase two: the messages of every conversation that changed, newest activity first.

What is due is written on the tickets themselves (`messages_due`), so a run that died has nothing to resume: the next
one reads what is still due. A conversation that cannot be read costs the others nothing; it stays due, and the run
says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar

from startdeliver.common import clock
from startdeliver.intercom import (
    AuthError,
    IntercomError,
    NotFound,
    PlanRestricted,
    RateLimited,
    ScopeMissing,
    wire,
)
from startdeliver.storage import bulk
from startdeliver.support.models import Thread, Ticket
from startdeliver.sync.pull import threads
from startdeliver.sync.pull.deleted import remove_missing
from startdeliver.sync.pull.store import Old, Page, Tally, prepare, read_old, write
from startdeliver.sync.pull.ticket_facts import TicketFacts
from startdeliver.sync.pull.work import Pull

STAGE = "messages"
_BATCH = 100
_CHUNK = 500
# After this many failures in a row it is not the conversations.
_PATIENCE = 20

_COLUMNS = (
    "stored_part_count",
    "message_count",
    "incomplete",
    "part_count",
    "messages_due",
    "messages_read_at",
    "clock_from",
    "clock_exact",
)
_REPLIES = (
    "first_reply_at",
    "first_reply_seconds",
    "resolved_at",
    "resolution_seconds",
    "last_contact_reply_at",
    "last_admin_reply_at",
)

T = TypeVar("T")


def run(pull: Pull) -> None:
    pull.people.forget()
    total = Ticket.objects.filter(messages_due=True, workspace=pull.workspace).count()
    done = failed = in_a_row = 0
    last: IntercomError | None = None
    answers = pull.fetcher.map_unordered(pull.client.conversation, due(pull))
    for batch in batches(answers, _BATCH):
        found: list[wire.Conversation] = []
        gone: list[str] = []
        for ref, answer in batch:
            if isinstance(answer, wire.Conversation):
                found.append(answer)
                in_a_row = 0
            elif isinstance(answer, NotFound):
                gone.append(ref)
            elif isinstance(answer, AuthError | ScopeMissing | PlanRestricted | RateLimited):
                store(pull, found)
                raise answer
            else:
                failed, in_a_row, last = failed + 1, in_a_row + 1, answer
        done += len(batch)
        pull.progress(done, max(total, done))
        store(pull, found, gone)
        if in_a_row >= _PATIENCE and last is not None:
            raise last
    if failed and last is not None:
        few = "The messages of 1 conversation" if failed == 1 else f"The messages of {failed:,} conversations"
        pull.failure = (
            f"{few} could not be read, so the sync is not complete; the next one tries again. {last.sentence}"
        )


def due(pull: Pull) -> Iterator[str]:
    """The conversations whose messages are due, newest activity first, read from the database as they are wanted."""
    before: tuple[datetime, int] | None = None
    while True:
        rows = Ticket.objects.filter(messages_due=True, workspace=pull.workspace)
        if before is not None:
            rows = rows.filter(updated_at__lte=before[0]).exclude(updated_at=before[0], pk__gte=before[1])
        chunk = list(rows.order_by("-updated_at", "-pk").values_list("updated_at", "pk", "external_id")[:_CHUNK])
        for updated_at, pk, ref in chunk:
            before = (updated_at, pk)
            yield ref
        if len(chunk) < _CHUNK:
            return


def batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch


def store(pull: Pull, found: list[wire.Conversation], gone: list[str] | None = None) -> Page | None:
    """Stores conversations that were read by id, with their messages, and removes those that Intercom does not have any
    more; one transaction. What was read is the newest truth of the ticket too."""
    if not found and not gone:
        return None
    page = prepare(pull, found, whole=True)
    pull.commit(_store, pull, page, found, gone or [], Tally.NOTHING)
    return page


def _store(pull: Pull, page: Page, found: list[wire.Conversation], gone: list[str], tally: Tally) -> None:
    if page.fresh:
        write(pull, page, tally=tally)
    write_threads(pull, page, found)
    if gone:
        remove_missing(pull, gone)


def write_threads(pull: Pull, page: Page, found: list[wire.Conversation]) -> None:
    """Stores the threads of conversations of a page that are tickets. Must run inside `Pull.commit`."""
    now = int(clock.now().timestamp())
    facts_by_id = {facts.id: facts for facts in page.facts}
    old = {**page.old, **read_old(pull, page.imported)} if page.imported else page.old
    rest = [one for one in found if one.id in old and len(one.parts) < (facts_by_id[one.id].part_count or 0)]
    kept = _stored(pull, [old[one.id].pk for one in rest])
    updates: list[bulk.Row] = []
    replies: list[bulk.Row] = []
    documents: list[bulk.Row] = []
    for one in found:
        ticket, facts = old.get(one.id), facts_by_id.get(one.id)
        if ticket is None or facts is None:
            continue
        read = threads.reading(one, pull.names.link(one.id), kept.get(ticket.pk, ()))
        started, exact = _clock(facts, read, ticket.clock_from)
        updates.append(
            (
                ticket.pk,
                read.stored_part_count,
                read.message_count,
                read.incomplete,
                read.part_count,
                _asks_again(one, read, ticket),
                now,
                started,
                exact,
            )
        )
        if one.statistics is None:
            replies.append(_replies(ticket.pk, facts, read))
        documents.append((ticket.pk, threads.encode(read.entries).decode()))
        pull.counts.messages += max(0, read.message_count - ticket.message_count)
    pull.tickets_changed(ticket.customer_id for one in found if (ticket := old.get(one.id)) is not None)
    bulk.update(Ticket, pull.organization_id, _COLUMNS, updates)
    bulk.update(Ticket, pull.organization_id, _REPLIES, replies)
    bulk.upsert(
        Thread, pull.organization_id, ("ticket_id", "entries"), documents, key=("ticket_id",), update=("entries",)
    )


def _asks_again(conversation: wire.Conversation, read: threads.Reading, before: Old) -> bool:
    """Whether parts are missing that Intercom does not withhold: they may only be late, so the next run reads the
    conversation once more. When they are missing then too, its count is what is wrong."""
    return read.incomplete and len(conversation.parts) < threads.MOST_PARTS and not before.incomplete


def _stored(pull: Pull, tickets: list[int]) -> dict[int, list[threads.Entry]]:
    if not tickets:
        return {}
    rows = Thread.objects.filter(ticket__in=tickets).values_list("ticket_id", "entries")
    return {pk: threads.decode(entries) for pk, entries in rows}


def _clock(facts: TicketFacts, read: threads.Reading, before: int) -> tuple[int, bool]:
    """From when overdue counts, now that the parts say when the conversation was last opened again (13.1)."""
    if not facts.is_open:
        return before, False
    if read.reopened_at is not None:
        return max(facts.created_at, read.reopened_at), True
    # Parts that Intercom withholds may hold the reopening; the last close is the best that is known then.
    if read.incomplete:
        return max(facts.created_at, facts.last_close or 0), False
    return facts.created_at, True


def _replies(pk: int, facts: TicketFacts, read: threads.Reading) -> bulk.Row:
    """What the statistics would say, worked out from the messages, for conversations that have none."""
    first = read.first_reply_at
    resolved = None if facts.is_open else read.last_close_at or facts.updated_at
    return (
        pk,
        first,
        None if first is None else max(0, first - facts.created_at),
        resolved,
        None if resolved is None else max(0, resolved - facts.created_at),
        read.last_contact_reply_at,
        read.last_admin_reply_at,
    )
