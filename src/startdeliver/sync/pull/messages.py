"""Phase two: the messages of every conversation that changed, newest activity first.

What is due is written on the tickets themselves (`messages_due`), so a run that died has nothing to resume: the next
one reads what is still due. A conversation that cannot be read costs the others nothing; it stays due, and the run
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar

from startdeliver.common import clock
from startdeliver.intercom import AuthError, IntercomError, NotFound, PlanRestricted, RateLimited, ScopeMissing
from startdeliver.storage import bulk
from startdeliver.support.models import Thread, Ticket
from startdeliver.support.threads import Entry, decode, encode
from startdeliver.sync.pull.deleted import remove_missing
from startdeliver.sync.pull.store import Page, StoredTicket, Tally, prepare, write
from startdeliver.sync.pull.threads import MOST_PARTS, Delivered, Reading, delivered, reading
from startdeliver.sync.pull.ticket_facts import TicketFacts
from startdeliver.sync.pull.work import Pull

STAGE = "messages"
_BATCH = 200
_CHUNK = 500
# After this many failures in a row it is not the conversations.
_PATIENCE = 20


@dataclass(slots=True)
class MessagesRow:
    """What reading the messages writes on a ticket. Moments are unix seconds."""

    id: int
    stored_part_count: int
    message_count: int
    incomplete: bool
    part_count: int
    messages_due: bool
    messages_read_at: int
    clock_from: int
    clock_exact: bool


@dataclass(slots=True)
class RepliesRow:
    """What the statistics would say, worked out from the messages, for a ticket that has none."""

    id: int
    first_reply_at: int | None
    first_reply_seconds: int | None
    resolved_at: int | None
    resolution_seconds: int | None
    last_contact_reply_at: int | None
    last_admin_reply_at: int | None


class ThreadRow(NamedTuple):
    """The columns of a `Thread`."""

    ticket_id: int
    entries: str


@dataclass(slots=True)
class ReadThread:
    """A conversation that was read by its id, and its thread as it is stored (JSON text)."""

    conversation: Delivered
    reading: Reading
    document: str


T = TypeVar("T")


def run(pull: Pull) -> None:
    pull.people.forget()
    total = Ticket.objects.filter(messages_due=True, workspace=pull.workspace).count()
    done = failed = in_a_row = 0
    last: IntercomError | None = None
    for batch in batches(read_conversations(pull, due(pull)), _BATCH):
        found: list[Delivered] = []
        gone: list[str] = []
        for ref, answer in batch:
            if isinstance(answer, Delivered):
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


def read_conversations(pull: Pull, ids: Iterable[str]) -> Iterator[tuple[str, Delivered | IntercomError]]:
    """Reads conversations by id. Their messages are sanitised in the fetcher's thread, while this one waits for the
    database."""

    async def read(ref: str) -> Delivered:
        conversation = await pull.client.conversation(ref)
        return delivered(conversation, pull.names, int(clock.now().timestamp()))

    return pull.fetcher.map_unordered(read, ids)


def store(pull: Pull, found: list[Delivered], gone: Sequence[str] = ()) -> None:
    """Stores conversations that were read by id, with their messages, and removes those that Intercom does not have any
    more; one transaction. What was read is the newest truth of the ticket too."""
    if not found and not gone:
        return
    page = prepare(pull, (conversation.facts for conversation in found), whole=True)
    threads = read_threads(page, found)

    def write_all() -> None:
        if page.changed:
            write(pull, page, tally=Tally.NOTHING)
        write_threads(pull, page, threads)
        if gone:
            remove_missing(pull, gone)

    pull.commit(write_all)


def read_threads(page: Page, found: Iterable[Delivered]) -> list[ReadThread]:
    """The threads of the conversations, with the stored entries that Intercom no longer delivers. Call it before the
    transaction in which `write_threads` stores them."""
    conversations = {conversation.facts.id: conversation for conversation in found}
    cut = {
        page.stored[ref].id: ref
        for ref, conversation in conversations.items()
        if ref in page.stored and len(conversation.parts) < (conversation.facts.part_count or 0)
    }
    kept: dict[str, list[Entry]] = {}
    if cut:
        rows = Thread.objects.filter(ticket__in=cut).values_list("ticket_id", "entries")
        kept = {cut[pk]: decode(entries) for pk, entries in rows}
    threads = []
    for ref, conversation in conversations.items():
        read = reading(conversation, kept.get(ref, ()))
        threads.append(ReadThread(conversation, read, encode(read.entries).decode()))
    return threads


def write_threads(pull: Pull, page: Page, threads: Iterable[ReadThread]) -> None:
    """Stores the threads of conversations of a page that are tickets. Must run inside `Pull.commit`."""
    now = int(clock.now().timestamp())
    tickets = page.stored | page.created
    updates: list[MessagesRow] = []
    replies: list[RepliesRow] = []
    documents: list[ThreadRow] = []
    customers: set[int | None] = set()
    for thread in threads:
        facts, read = thread.conversation.facts, thread.reading
        ticket = tickets.get(facts.id)
        if ticket is None:
            continue
        started, exact = _clock(facts, read, ticket.clock_from)
        updates.append(
            MessagesRow(
                id=ticket.id,
                stored_part_count=read.stored_part_count,
                message_count=read.message_count,
                incomplete=read.incomplete,
                part_count=read.part_count,
                messages_due=_asks_again(thread, ticket),
                messages_read_at=now,
                clock_from=started,
                clock_exact=exact,
            )
        )
        if not thread.conversation.has_statistics:
            replies.append(_replies(ticket.id, facts, read))
        documents.append(ThreadRow(ticket.id, thread.document))
        pull.counts.messages += max(0, read.message_count - ticket.message_count)
        customers.add(ticket.customer_id)
    pull.tickets_changed(customers)
    bulk.update(Ticket, pull.organization_id, updates)
    bulk.update(Ticket, pull.organization_id, replies)
    bulk.upsert(Thread, pull.organization_id, documents, key=("ticket_id",), update=("entries",))


def _asks_again(thread: ReadThread, before: StoredTicket) -> bool:
    """Whether parts are missing that Intercom does not withhold: they may only be late, so the next run reads the
    conversation once more. When they are missing then too, its count is what is wrong."""
    return thread.reading.incomplete and len(thread.conversation.parts) < MOST_PARTS and not before.incomplete


def _clock(facts: TicketFacts, read: Reading, before: int) -> tuple[int, bool]:
    """From when overdue counts, now that the parts say when the conversation was last opened again."""
    created = facts.row.created_at
    if not facts.is_open:
        return before, False
    if read.reopened_at is not None:
        return max(created, read.reopened_at), True
    # Parts that Intercom withholds may hold the reopening; the last close is the best that is known then.
    if read.incomplete:
        return max(created, facts.last_close or 0), False
    return created, True


def _replies(pk: int, facts: TicketFacts, read: Reading) -> RepliesRow:
    created, first = facts.row.created_at, read.first_reply_at
    resolved = None if facts.is_open else read.last_close_at or facts.row.updated_at
    return RepliesRow(
        id=pk,
        first_reply_at=first,
        first_reply_seconds=None if first is None else max(0, first - created),
        resolved_at=resolved,
        resolution_seconds=None if resolved is None else max(0, resolved - created),
        last_contact_reply_at=read.last_contact_reply_at,
        last_admin_reply_at=read.last_admin_reply_at,
    )
