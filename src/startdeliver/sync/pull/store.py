"""One page of conversations: compare with what is stored, match, store.

Everything is done for the page as a whole; no query depends on the number of records. What Intercom must be asked first
(contacts that are not known here) is asked before the transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from startdeliver.common import clock
from startdeliver.intercom import DecodeFailure, wire
from startdeliver.intercom import Page as ListedPage
from startdeliver.storage import bulk
from startdeliver.storage.sql import among, epoch, execute, fetch, id_list, one_of
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.sync import intercom_records
from startdeliver.sync.intercom_records import LinkRow, NoteRow
from startdeliver.sync.matching import Person, Ref, ticket_customer
from startdeliver.sync.models import OutboundMessage, Skip
from startdeliver.sync.pull.ticket_facts import TicketFacts, TicketRow, overdue_clock, ticket_facts
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.text import key, short

_json = msgspec.json.Encoder().encode

_KEY = ("organization_id", "workspace", "external_id")
_ONLY_NEW = {
    "stored_part_count",
    "message_count",
    "incomplete",
    "messages_read_at",
    "ticket_type",
    "ticket_state",
}
_UPDATED = tuple(column for column in bulk.columns_of(TicketRow) if column not in _ONLY_NEW.union(_KEY))
_STORED = """SELECT id, external_id, fingerprint, {updated_at}, {clock_from}, clock_exact, customer_id, part_count,
    messages_due, message_count, incomplete
FROM support_ticket WHERE organization_id = %(organization)s AND workspace = %(workspace)s AND {ids}"""
_FORGET_OUTBOUND = """DELETE FROM sync_outboundmessage
WHERE organization_id = %(organization)s AND workspace = %(workspace)s AND {ids}"""


@dataclass(slots=True)
class StoredTicket:
    """A ticket as it is stored. Moments are unix seconds."""

    id: int
    external_id: str
    fingerprint: str
    updated_at: int
    clock_from: int
    clock_exact: bool
    customer_id: int | None
    part_count: int
    messages_due: bool
    message_count: int
    incomplete: bool


@dataclass(slots=True, kw_only=True)
class SkipRow:
    """The columns of a `Skip`. Moments are unix seconds."""

    workspace: str
    external_id: str
    reason: str
    detail: str
    first_seen_at: int
    last_seen_at: int
    contact_ref: str = ""
    title: str = ""
    contact_name: str = ""
    contact_email: str = ""
    refs: str = "{}"
    conversation_updated_at: int | None = None
    resolved_at: int | None = None


@dataclass(slots=True)
class ParticipantRow:
    """The columns of a `TicketParticipant`."""

    ticket_id: int
    contact_ref: str
    contact_external_ref: str
    email: str
    name: str
    user_id: int | None
    match: str


class OutboundRow(NamedTuple):
    """The columns of an `OutboundMessage`."""

    workspace: str
    external_id: str


class Tally(Enum):
    """What a page adds to the run's numbers."""

    LISTING = "everything"
    CHANGES = "imported, updated and skipped"
    NOTHING = "nothing"


@dataclass(slots=True)
class Page:
    """A page between reading and writing.

    `stored` are the tickets before the page is written, `created` those that it made, both by Intercom's id. `changed`
    are the conversations whose facts differ from the stored ones.
    """

    facts: list[TicketFacts]
    stored: dict[str, StoredTicket]
    changed: list[TicketFacts]
    failures: tuple[DecodeFailure, ...] = ()
    created: dict[str, StoredTicket] = field(default_factory=dict)

    @property
    def imported(self) -> list[str]:
        """Ids of the conversations that became tickets."""
        return list(self.created)


async def with_facts(
    pull: Pull, pages: AsyncIterator[ListedPage[wire.Conversation]]
) -> AsyncIterator[tuple[ListedPage[wire.Conversation], list[TicketFacts]]]:
    """The pages of a listing with the facts of their conversations.

    Runs in the fetcher's thread, so that facts are made while this thread waits for the database.
    """
    async with aclosing(pages) as listing:  # type: ignore[type-var]
        async for page in listing:
            now = int(clock.now().timestamp())
            yield page, [ticket_facts(conversation, pull.names, now) for conversation in page.items]


def store_page(
    pull: Pull,
    facts: Iterable[TicketFacts],
    failures: tuple[DecodeFailure, ...] = (),
    *,
    tally: Tally = Tally.LISTING,
    seen: bool = False,
) -> None:
    """Stores one page of a listing with the run's position, in one transaction. `seen`: also notes that the unchanged
    ones were listed."""
    page = prepare(pull, facts, failures)

    def store() -> None:
        write(pull, page, tally=tally)
        if seen:
            Ticket.objects.filter(pk__in=[ticket.id for ticket in page.stored.values()]).update(synced_at=clock.now())

    pull.commit(store)


def prepare(
    pull: Pull,
    listed: Iterable[TicketFacts],
    failures: tuple[DecodeFailure, ...] = (),
    *,
    whole: bool = False,
) -> Page:
    """Compares a page with what is stored and asks Intercom for contacts that are not known here. `whole`: the
    conversations were read one by one, so they are never older than what is stored."""
    by_id = {facts.id: facts for facts in listed}
    usable = [facts for facts in by_id.values() if key(facts.id, 128)]
    if len(usable) < len(by_id):
        pull.warn("Conversations without a usable ID (none, or one of over 128 characters) were passed over.")
    stored = stored_tickets(pull, [facts.id for facts in usable])
    changed = []
    for facts in usable:
        ticket, row = stored.get(facts.id), facts.row
        # The search index lags behind: an answer older than what is stored says nothing new.
        if ticket is None or (ticket.fingerprint != row.fingerprint and (whole or row.updated_at >= ticket.updated_at)):
            changed.append(facts)
    unknown = pull.people.load_contacts(ref.ref for facts in changed if not facts.outbound for ref in facts.contacts)
    if unknown:
        intercom_records.ask_contacts(pull, unknown)
        pull.people.load_contacts(unknown)
    return Page(usable, stored, changed, failures)


def stored_tickets(pull: Pull, ids: Sequence[str]) -> dict[str, StoredTicket]:
    """The tickets of these conversations by Intercom's id."""
    if not ids:
        return {}
    statement = _STORED.format(
        updated_at=epoch("updated_at"), clock_from=epoch("clock_from"), ids=one_of("external_id", "ids", "text")
    )
    tickets = (StoredTicket(*row) for row in fetch(statement, _here(pull, ids)))
    return {ticket.external_id: ticket for ticket in tickets}


def _here(pull: Pull, ids: Sequence[str]) -> dict[str, Any]:
    return {"organization": pull.organization_id, "workspace": pull.workspace, "ids": id_list(ids)}


@dataclass(slots=True)
class MatchOutcome:
    """What becomes of a conversation: a ticket of these people, or a skip with its reason."""

    facts: TicketFacts
    people: list[tuple[Ref, Person]]
    reason: str = ""


def write(pull: Pull, page: Page, *, tally: Tally, create: bool | None = None) -> None:
    """Stores a prepared page. Must run inside `Pull.commit`. `create`: whether unmatched contacts become users; None:
    as the connection says."""
    now = int(clock.now().timestamp())
    counts = pull.counts
    page.created = {}
    _store_failures(pull, page.failures, now)
    outbound = [facts for facts in page.changed if facts.outbound and facts.id not in page.stored]
    inbound = [facts for facts in page.changed if not facts.outbound or facts.id in page.stored]
    _load(pull, inbound)
    create = pull.connection.create_contacts if create is None else create
    outcomes = _match(pull, inbound, page.stored, create)
    kept = [outcome for outcome in outcomes if not outcome.reason]
    skipped = [outcome for outcome in outcomes if outcome.reason]
    _store_links(pull, kept)
    customers = _store_tickets(pull, kept, page, now)
    _store_skips(pull, skipped, now)
    rows = [OutboundRow(pull.workspace, facts.id) for facts in outbound]
    bulk.upsert(OutboundMessage, pull.organization_id, rows, key=_KEY)
    pull.tickets_changed(customers)
    if tally is not Tally.NOTHING:
        counts.imported += len(page.created)
        counts.updated += len(kept) - len(page.created)
    if tally is Tally.LISTING:
        counts.listed += len(page.facts) + len(page.failures)
        counts.unchanged += len(page.facts) - len(page.changed)
        counts.outbound += len(outbound)
        counts.skipped.update(outcome.reason for outcome in skipped)


# ------------------------------------------------------------------------------------------------------------- matching


def _load(pull: Pull, inbound: Sequence[TicketFacts]) -> None:
    people = pull.people
    refs = [ref for facts in inbound for ref in facts.contacts]
    people.load_participants(refs)
    companies = {facts.company.id: facts.company for facts in inbound if facts.company is not None}
    unknown = people.load_companies(companies)
    if unknown:
        # The conversation carries its whole company, so one that the sweep has not seen yet is known from here on.
        intercom_records.store_companies(pull, [companies[ref] for ref in unknown])
        people.load_companies(unknown)


def _match(
    pull: Pull, inbound: Sequence[TicketFacts], stored: dict[str, StoredTicket], create: bool
) -> list[MatchOutcome]:
    refs = {ref.ref: ref for facts in inbound for ref in facts.contacts}
    people = {name: pull.people.participant(ref) for name, ref in refs.items()}
    if create:
        new = [person.ref for person in people.values() if pull.people.is_new(person)]
        made = set(intercom_records.create_users(pull, new)) if new else set()
        people |= {name: pull.people.participant(refs[name]) for name, person in people.items() if person.ref in made}
    outcomes = []
    for facts in inbound:
        participants = merged((ref, people[ref.ref]) for ref in facts.contacts)
        reason = ""
        # What is a ticket already stays one, whatever the settings are now.
        if facts.id not in stored and all(person.user is None for _, person in participants):
            if not participants:
                reason = Skip.Reason.NO_CONTACT.value
            elif any(person.ambiguous for _, person in participants):
                reason = Skip.Reason.AMBIGUOUS.value
            else:
                reason = Skip.Reason.NO_USER.value
        outcomes.append(MatchOutcome(facts, participants, reason))
    return outcomes


def merged(people: Iterable[tuple[Ref, Person]]) -> list[tuple[Ref, Person]]:
    """One entry for each contact after merges: of two that are one contact now, the first."""
    first: dict[str, tuple[Ref, Person]] = {}
    for ref, person in people:
        first.setdefault(person.ref, (ref, person))
    return list(first.values())


def _store_links(pull: Pull, outcomes: Sequence[MatchOutcome]) -> None:
    links: dict[int, LinkRow] = {}
    notes: dict[int, NoteRow] = {}
    for outcome in outcomes:
        for _, person in outcome.people:
            contact = pull.people.contacts.get(person.ref)
            if contact is None or contact.pk is None:
                continue
            if person.user is not None and contact.user_id != person.user.id:
                how = pull.people.find(person.ref).how
                how = how if how in ("email", "merged") else "external_id"
                links[contact.pk] = LinkRow(contact.pk, person.user.id, how)
                contact.user_id = person.user.id
            elif person.user is None and person.ambiguous and contact.match_note != "ambiguous":
                notes[contact.pk] = NoteRow(contact.pk, "ambiguous")
                contact.match_note = "ambiguous"
    intercom_records.save_links(pull, list(links.values()), list(notes.values()))


# -------------------------------------------------------------------------------------------------------------- tickets


def _store_tickets(pull: Pull, outcomes: Sequence[MatchOutcome], page: Page, now: int) -> set[int | None]:
    """Returns the customers whose tickets changed."""
    if not outcomes:
        return set()
    ticket_objects = close_skips(pull, [outcome.facts.id for outcome in outcomes])
    rows: list[TicketRow] = []
    customers = set()
    for outcome in outcomes:
        facts, row = outcome.facts, outcome.facts.row
        ticket = page.stored.get(facts.id)
        company = pull.people.companies.get(facts.company.id) if facts.company is not None else None
        customer = ticket_customer(company, row.author_ref, [person for _, person in outcome.people])
        row.workspace, row.synced_at = pull.workspace, now
        if ticket is None:
            row.clock_from, row.clock_exact = overdue_clock(facts, None, False)
            row.part_count, row.messages_due = facts.part_count or 0, True
            row.ticket_type, row.ticket_state = ticket_objects.get(facts.id, ("", ""))
        else:
            # A ticket whose customer an administrator chose by hand keeps it while nothing says better.
            customer = ticket.customer_id if customer is None else customer
            row.clock_from, row.clock_exact = overdue_clock(facts, ticket.clock_from, bool(ticket.clock_exact))
            row.part_count = ticket.part_count if facts.part_count is None else facts.part_count
            row.messages_due = bool(
                ticket.messages_due or row.updated_at != ticket.updated_at or row.part_count != ticket.part_count
            )
            customers.add(ticket.customer_id)
        row.customer_id = customer
        customers.add(customer)
        rows.append(row)
    bulk.upsert(Ticket, pull.organization_id, rows, key=_KEY, update=_UPDATED)
    page.created = stored_tickets(pull, [row.external_id for row in rows if row.external_id not in page.stored])
    tickets = page.stored | page.created
    store_participants(
        pull,
        [(tickets[outcome.facts.id].id, ref, person) for outcome in outcomes for ref, person in outcome.people],
        {page.stored[outcome.facts.id].id for outcome in outcomes if outcome.facts.id in page.stored},
    )
    return customers


def _participant_row(pull: Pull, ticket: int, ref: Ref, person: Person) -> ParticipantRow:
    contact = pull.people.contacts.get(person.ref)
    match = TicketParticipant.Match
    verdict = match.MATCHED if person.user else match.AMBIGUOUS if person.ambiguous else match.UNMATCHED
    return ParticipantRow(
        ticket_id=ticket,
        contact_ref=person.ref,
        contact_external_ref=ref.external_id or (contact.external_id if contact else ""),
        email=(contact.email if contact else "") or ref.email,
        name=(contact.name if contact else "") or ref.name,
        user_id=person.user.id if person.user else None,
        match=verdict.value,
    )


def store_participants(pull: Pull, people: Iterable[tuple[int, Ref, Person]], existing: set[int]) -> None:
    """Stores who takes part in tickets. `existing`: the tickets among them that may have participants already; those
    who are not named any more are removed."""
    rows = {(row.ticket_id, row.contact_ref): row for row in (_participant_row(pull, *entry) for entry in people)}
    columns = bulk.columns_of(ParticipantRow)
    if existing:
        gone = []
        for pk, *values in TicketParticipant.objects.filter(ticket__in=existing).values_list("pk", *columns):
            stored = ParticipantRow(*values)
            place = (stored.ticket_id, stored.contact_ref)
            if rows.get(place) == stored:
                del rows[place]
            elif place not in rows:
                gone.append(pk)
        if gone:
            TicketParticipant.objects.filter(pk__in=gone).delete()
    key_columns = ("ticket_id", "contact_ref")
    bulk.upsert(TicketParticipant, pull.organization_id, list(rows.values()), key=key_columns, update=columns[2:])


# ---------------------------------------------------------------------------------------------- what is no ticket (yet)


def _store_skips(pull: Pull, outcomes: Sequence[MatchOutcome], now: int) -> None:
    rows = []
    for outcome in outcomes:
        # The one that a person has to decide about comes first.
        ref, person = min(outcome.people, key=lambda entry: not entry[1].ambiguous, default=(Ref(""), Person("", None)))
        contact = pull.people.contacts.get(person.ref)
        name = (contact.name if contact else "") or ref.name
        email = (contact.email if contact else "") or ref.email
        known = contact is not None and contact.state == "active"
        rows.append(
            SkipRow(
                workspace=pull.workspace,
                external_id=outcome.facts.id,
                contact_ref=person.ref,
                reason=outcome.reason,
                detail=short(_sentence(outcome.reason, name, email, person, known), 500),
                title=outcome.facts.row.title,
                contact_name=name,
                contact_email=email,
                refs=_json(_skip_refs(outcome.facts)).decode(),
                conversation_updated_at=outcome.facts.row.updated_at,
                first_seen_at=now,
                last_seen_at=now,
            )
        )
    _upsert_skips(pull, rows)


def _upsert_skips(pull: Pull, rows: Sequence[SkipRow]) -> None:
    update = [column for column in bulk.columns_of(SkipRow) if column not in (*_KEY, "first_seen_at")]
    bulk.upsert(Skip, pull.organization_id, rows, key=_KEY, update=update)


def _skip_refs(facts: TicketFacts) -> dict[str, Any]:
    """What deciding again needs: the contacts as the conversation names them, its author and its company."""
    return {
        "contacts": [contact._asdict() for contact in facts.contacts],
        "author": facts.row.author_ref,
        "company": facts.row.company_ref,
    }


def _sentence(reason: str, name: str, email: str, person: Person, known: bool) -> str:
    who = (
        f"{name} ({email})"
        if name and email
        else name or email or (f"Contact {person.ref}" if person.ref else "Nobody")
    )
    if reason == Skip.Reason.NO_CONTACT:
        return "The conversation names no contact, so it cannot be anybody's ticket."
    if reason == Skip.Reason.AMBIGUOUS:
        return f"{who} fits several users here; choose the right one by hand."
    if not known:
        return f"{who} no longer exists in Intercom, and no user here matches what the conversation says of them."
    return f"{who} matches no user here, and creating contacts from Intercom is off."


def close_skips(pull: Pull, tickets: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Conversations that are tickets now are no skips and no mere outbound messages any more.

    Returns type and state of Intercom's Ticket objects that were met while their conversation was skipped.
    """
    if not tickets:
        return {}
    skips = Skip.objects.filter(among("external_id", tickets), workspace=pull.workspace)
    rows = list(skips.values_list("external_id", "refs", "resolved_at"))
    if any(resolved_at is None for _, _, resolved_at in rows):
        now = clock.now()
        skips.filter(resolved_at__isnull=True).update(resolved_at=now, last_seen_at=now)
    execute(_FORGET_OUTBOUND.format(ids=one_of("external_id", "ids", "text")), _here(pull, tickets))
    return {ref: (refs.get("ticket_type", ""), refs.get("ticket_state", "")) for ref, refs, _ in rows}


def _store_failures(pull: Pull, failures: Sequence[DecodeFailure], now: int) -> None:
    """A conversation that cannot be read is listed as skipped and tried again daily, and costs the others nothing."""
    if not failures:
        return
    reason = Skip.Reason.UNREADABLE.value
    rows = [
        SkipRow(
            workspace=pull.workspace,
            external_id=ref,
            reason=reason,
            detail="Intercom's answer for this conversation could not be read; it is tried again every day.",
            first_seen_at=now,
            last_seen_at=now,
        )
        for ref in dict.fromkeys(failure.id for failure in failures)
        if key(ref, 128)
    ]
    _upsert_skips(pull, rows)
    pull.counts.skipped[reason] += len(failures)
    pull.warn("Some conversations could not be read from Intercom's answer; they are listed as skipped.")
