"""One page of conversations: compare with what is stored, match, store. The heart of the sync.

Everything is done for the page as a whole; no query depends on the number of records. What Intercom must be asked first
(contacts that the mirror lacks) is asked before the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from startdeliver.common import clock
from startdeliver.customers.models import email_key
from startdeliver.intercom import DecodeFailure, wire
from startdeliver.storage import bulk
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.sync import intercom_records
from startdeliver.sync.matching import Person, ticket_customer
from startdeliver.sync.models import OutboundMessage, Skip
from startdeliver.sync.pull.ticket_facts import LISTED, Ref, TicketFacts, overdue_clock, ticket_facts
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.text import key, short, unix

_json = msgspec.json.Encoder().encode

_TICKET_KEY = ("organization_id", "workspace", "external_id")
_ALWAYS = (
    *LISTED,
    "part_count",
    "customer_id",
    "clock_from",
    "clock_exact",
    "messages_due",
    "synced_at",
    "fingerprint",
)
_ONCE = ("stored_part_count", "message_count", "incomplete", "messages_read_at", "ticket_type", "ticket_state")
_TICKET = ("workspace", "external_id", *_ALWAYS, *_ONCE)
_FRESH = (0, 0, False, None)
_SKIP = (
    "workspace",
    "external_id",
    "contact_ref",
    "reason",
    "detail",
    "title",
    "contact_name",
    "contact_email",
    "refs",
    "conversation_updated_at",
    "first_seen_at",
    "last_seen_at",
    "resolved_at",
)
_SKIP_UPDATE = tuple(name for name in _SKIP[2:] if name != "first_seen_at")
_PARTICIPANT = ("ticket_id", "contact_ref", "contact_external_ref", "email", "name", "user_id", "match")


class Old(NamedTuple):
    """A ticket as it is stored."""

    external_id: str
    pk: int
    fingerprint: str
    updated_at: int
    clock_from: int
    clock_exact: bool
    customer_id: int | None
    part_count: int
    messages_due: bool
    message_count: int
    incomplete: bool


class Tally(Enum):
    """What a page adds to the run's numbers."""

    LISTING = "everything"
    CHANGES = "imported, updated and skipped"
    NOTHING = "nothing"


@dataclass(slots=True)
class Page:
    """A page between reading and writing. `fresh` are the conversations whose facts differ from the stored ones."""

    facts: list[TicketFacts]
    old: dict[str, Old]
    fresh: list[TicketFacts]
    failures: tuple[DecodeFailure, ...] = ()
    imported: list[str] = field(default_factory=list)


def store_page(
    pull: Pull,
    conversations: Iterable[wire.Conversation],
    failures: tuple[DecodeFailure, ...] = (),
    *,
    tally: Tally = Tally.LISTING,
    seen: bool = False,
) -> None:
    """Stores one page of a listing with the run's position, in a transaction of its own. `seen`: also notes that the
    unchanged ones were listed."""
    page = prepare(pull, conversations, failures)

    def store() -> None:
        write(pull, page, tally=tally)
        if seen:
            Ticket.objects.filter(pk__in=[one.pk for one in page.old.values()]).update(synced_at=clock.now())

    pull.commit(store)


def prepare(
    pull: Pull,
    conversations: Iterable[wire.Conversation],
    failures: tuple[DecodeFailure, ...] = (),
    *,
    whole: bool = False,
) -> Page:
    """Compares a page with what is stored and asks Intercom for contacts that the mirror lacks. `whole`: the
    conversations were read one by one, so they are never older than what is stored."""
    now = int(clock.now().timestamp())
    found = {c.id: c for c in conversations}
    facts = [ticket_facts(c, pull.names, now) for c in found.values() if key(c.id, 128)]
    if len(facts) < len(found):
        pull.warn("Conversations without a usable ID (none, or one of over 128 characters) were passed over.")
    old = read_old(pull, [one.id for one in facts])
    fresh = []
    for one in facts:
        known = old.get(one.id)
        # The search index lags behind: an answer older than what is stored says nothing new.
        if known is None or (known.fingerprint != one.fingerprint and (whole or one.updated_at >= known.updated_at)):
            fresh.append(one)
    unknown = pull.people.load_contacts(ref.ref for one in fresh if not one.outbound for ref in one.contacts)
    if unknown:
        intercom_records.ask_contacts(pull, unknown)
        pull.people.load_contacts(unknown)
    return Page(facts, old, fresh, failures)


def read_old(pull: Pull, ids: Sequence[str]) -> dict[str, Old]:
    columns = (
        "external_id",
        "pk",
        "fingerprint",
        "updated_at",
        "clock_from",
        "clock_exact",
        "customer_id",
        "part_count",
        "messages_due",
        "message_count",
        "incomplete",
    )
    rows = Ticket.objects.filter(workspace=pull.workspace, external_id__in=ids).values_list(*columns)
    return {row[0]: Old(row[0], row[1], row[2], unix(row[3]) or 0, unix(row[4]) or 0, *row[5:]) for row in rows}


class MatchOutcome(NamedTuple):
    """What becomes of a conversation: a ticket of these people, or a skip with its reason."""

    facts: TicketFacts
    people: list[tuple[Ref, Person]]
    reason: str = ""


def write(pull: Pull, page: Page, *, tally: Tally, create: bool | None = None) -> None:
    """Stores a prepared page. Must run inside `Pull.commit`. `create`: whether unmatched contacts become users; None:
    as the connection says."""
    now = int(clock.now().timestamp())
    counts = pull.counts
    _store_failures(pull, page.failures, now)
    outbound = [one for one in page.fresh if one.outbound and one.id not in page.old]
    inbound = [one for one in page.fresh if not one.outbound or one.id in page.old]
    _load(pull, inbound)
    outcomes = _decide(pull, inbound, page.old, pull.connection.create_contacts if create is None else create)
    kept = [outcome for outcome in outcomes if not outcome.reason]
    skipped = [outcome for outcome in outcomes if outcome.reason]
    _store_links(pull, kept)
    customers = _store_tickets(pull, kept, page, now)
    close_skips(pull, [outcome.facts.id for outcome in kept])
    _store_skips(pull, skipped, now)
    _store_outbound(pull, outbound)
    pull.tickets_changed(customers)
    page.imported = [outcome.facts.id for outcome in kept if outcome.facts.id not in page.old]
    if tally is not Tally.NOTHING:
        counts.imported += len(page.imported)
        counts.updated += len(kept) - len(page.imported)
    if tally is Tally.LISTING:
        counts.listed += len(page.facts) + len(page.failures)
        counts.unchanged += len(page.facts) - len(page.fresh)
        counts.outbound += len(outbound)
        counts.skipped.update(outcome.reason for outcome in skipped)


# ------------------------------------------------------------------------------------------------------------- matching


def _load(pull: Pull, facts: Sequence[TicketFacts]) -> None:
    people = pull.people
    refs = [ref for one in facts for ref in one.contacts]
    people.load_contacts(ref.ref for ref in refs)
    remains = [ref for ref in refs if _is_remains(pull, ref.ref)]
    people.load_users(
        (ref.ref for ref in refs),
        (ref.external_id for ref in remains),
        (email_key(ref.email) for ref in remains),
    )
    unknown = people.load_companies(one.company.id for one in facts if one.company is not None)
    if unknown:
        # The conversation carries its whole company, so one that the sweep has not seen yet is known from here on.
        found = {one.company.id: one.company for one in facts if one.company is not None and one.company.id in unknown}
        intercom_records.store_companies(pull, found.values())
        people.load_companies(unknown)


def _is_remains(pull: Pull, ref: str) -> bool:
    """Whether Intercom gives nothing for this contact any more (404, 410 without a survivor, or never known)."""
    row = pull.people.contacts.get(ref)
    return row is None or row.state != "active"


def person_of(pull: Pull, ref: Ref) -> Person:
    """Who a participant is. What the conversation says of a contact counts only when Intercom says nothing (13.9)."""
    if _is_remains(pull, ref.ref):
        return pull.people.person(ref.ref, ref.external_id, email_key(ref.email))
    return pull.people.person(ref.ref)


def _decide(pull: Pull, facts: Sequence[TicketFacts], old: dict[str, Old], create: bool) -> list[MatchOutcome]:
    people = {ref.ref: person_of(pull, ref) for one in facts for ref in one.contacts}
    if create:
        wanted = [
            person.ref
            for one in facts
            for ref in one.contacts
            if (person := people[ref.ref]).user is None and not person.ambiguous and not _is_remains(pull, person.ref)
        ]
        if wanted:
            made = set(intercom_records.create_users(pull, wanted))
            for one in facts:
                for ref in one.contacts:
                    if people[ref.ref].ref in made:
                        people[ref.ref] = person_of(pull, ref)
    outcomes = []
    for one in facts:
        those = _merged((ref, people[ref.ref]) for ref in one.contacts)
        reason = ""
        # What is a ticket already stays one, whatever the settings are now.
        if one.id not in old and all(person.user is None for _, person in those):
            if not those:
                reason = Skip.Reason.NO_CONTACT.value
            elif any(person.ambiguous for _, person in those):
                reason = Skip.Reason.AMBIGUOUS.value
            else:
                reason = Skip.Reason.NO_USER.value
        outcomes.append(MatchOutcome(one, those, reason))
    return outcomes


def _merged(people: Iterable[tuple[Ref, Person]]) -> list[tuple[Ref, Person]]:
    """One entry for each contact after merges: of two that are one contact now, the first."""
    found: dict[str, tuple[Ref, Person]] = {}
    for ref, person in people:
        found.setdefault(person.ref, (ref, person))
    return list(found.values())


def _store_links(pull: Pull, outcomes: Sequence[MatchOutcome]) -> None:
    links: dict[int, tuple[int, int, str, str]] = {}
    notes: dict[int, tuple[int, str]] = {}
    for outcome in outcomes:
        for _, person in outcome.people:
            row = pull.people.contacts.get(person.ref)
            if row is None or row.pk is None:
                continue
            if person.user is not None and row.user_id != person.user.id:
                how = pull.people.find(person.ref).how or "external_id"
                links[row.pk] = (row.pk, person.user.id, "external_id" if how == "stored" else how, "")
                row.user_id = person.user.id
            elif person.user is None and person.ambiguous and row.match_note != "ambiguous":
                notes[row.pk] = (row.pk, "ambiguous")
                row.match_note = "ambiguous"
    intercom_records.save_links(pull, list(links.values()), list(notes.values()))


# -------------------------------------------------------------------------------------------------------------- tickets


def _store_tickets(pull: Pull, outcomes: Sequence[MatchOutcome], page: Page, now: int) -> set[int | None]:
    if not outcomes:
        return set()
    extra = _ticket_object_columns(pull, [outcome.facts.id for outcome in outcomes if outcome.facts.id not in page.old])
    rows, customers = [], set()
    for one, people, _ in outcomes:
        known = page.old.get(one.id)
        company = pull.people.companies.get(one.company.id) if one.company is not None else None
        customer = ticket_customer(company, one.author_ref, [person for _, person in people])
        if known is None:
            started, exact = overdue_clock(one, None, False)
            due, parts = True, one.part_count or 0
        else:
            # A ticket whose customer an administrator chose by hand keeps it while nothing says better.
            customer = known.customer_id if customer is None else customer
            started, exact = overdue_clock(one, known.clock_from, known.clock_exact)
            parts = known.part_count if one.part_count is None else one.part_count
            due = known.messages_due or one.updated_at != known.updated_at or parts != known.part_count
            customers.add(known.customer_id)
        customers.add(customer)
        always = (*one.values, parts, customer, started, exact, due, now, one.fingerprint)
        rows.append((pull.workspace, one.id, *always, *_FRESH, *extra.get(one.id, ("", ""))))
    bulk.upsert(Ticket, pull.organization_id, _TICKET, rows, key=_TICKET_KEY, update=_ALWAYS)
    ids = {one.external_id: one.pk for one in page.old.values()}
    missing = [outcome.facts.id for outcome in outcomes if outcome.facts.id not in ids]
    if missing:
        found = Ticket.objects.filter(workspace=pull.workspace, external_id__in=missing)
        ids.update(found.values_list("external_id", "pk"))
    store_participants(
        pull,
        [(ids[outcome.facts.id], ref, person) for outcome in outcomes for ref, person in outcome.people],
        {page.old[outcome.facts.id].pk for outcome in outcomes if outcome.facts.id in page.old},
    )
    return customers


def _ticket_object_columns(pull: Pull, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Type and state of Intercom's Ticket objects that were met while their conversation was still skipped."""
    if not ids:
        return {}
    rows = Skip.objects.filter(workspace=pull.workspace, external_id__in=ids).values_list("external_id", "refs")
    return {name: (refs.get("ticket_type", ""), refs.get("ticket_state", "")) for name, refs in rows}


def participant_row(pull: Pull, ticket: int, ref: Ref, person: Person) -> bulk.Row:
    row = pull.people.contacts.get(person.ref)
    match = TicketParticipant.Match
    verdict = match.MATCHED if person.user else match.AMBIGUOUS if person.ambiguous else match.UNMATCHED
    return (
        ticket,
        person.ref,
        ref.external_id or (row.external_id if row else ""),
        (row.email if row else "") or ref.email,
        (row.name if row else "") or ref.name,
        person.user.id if person.user else None,
        verdict.value,
    )


def store_participants(pull: Pull, people: Iterable[tuple[int, Ref, Person]], existing: set[int]) -> None:
    """Stores who takes part in tickets. `existing`: the tickets among them that may have participants already; those
    who are not named any more are removed."""
    rows = {(row[0], row[1]): row for row in (participant_row(pull, *one) for one in people)}
    if existing:
        gone = []
        for stored in TicketParticipant.objects.filter(ticket__in=existing).values_list("pk", *_PARTICIPANT):
            place = (stored[1], stored[2])
            if rows.get(place) == stored[1:]:
                del rows[place]
            elif place not in rows:
                gone.append(stored[0])
        if gone:
            TicketParticipant.objects.filter(pk__in=gone).delete()
    bulk.upsert(
        TicketParticipant,
        pull.organization_id,
        _PARTICIPANT,
        list(rows.values()),
        key=("ticket_id", "contact_ref"),
        update=_PARTICIPANT[2:],
    )


# ---------------------------------------------------------------------------------------------- what is no ticket (yet)


def _store_skips(pull: Pull, outcomes: Sequence[MatchOutcome], now: int) -> None:
    rows = []
    for one, people, reason in outcomes:
        # The one that a person has to decide about comes first.
        chosen = sorted(people, key=lambda entry: not entry[1].ambiguous)
        ref, person = chosen[0] if chosen else (Ref(""), Person("", None))
        row = pull.people.contacts.get(person.ref)
        name = (row.name if row else "") or ref.name
        email = (row.email if row else "") or ref.email
        rows.append(
            (
                pull.workspace,
                one.id,
                person.ref,
                reason,
                short(_sentence(reason, name, email, person, row is not None and row.state == "active"), 500),
                one.title,
                name,
                email,
                _json(skip_refs(one)).decode(),
                one.updated_at,
                now,
                now,
                None,
            )
        )
    bulk.upsert(Skip, pull.organization_id, _SKIP, rows, key=_TICKET_KEY, update=_SKIP_UPDATE)


def skip_refs(one: TicketFacts) -> dict[str, Any]:
    """What deciding again needs: the contacts as the conversation names them, its author and its company."""
    return {
        "contacts": [
            {"ref": r.ref, "external_id": r.external_id, "email": r.email, "name": r.name} for r in one.contacts
        ],
        "author": one.author_ref,
        "company": key(one.company.id, 128) if one.company else "",
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


def close_skips(pull: Pull, tickets: Sequence[str]) -> None:
    """Conversations that are tickets now are no skips and no mere outbound messages any more."""
    if tickets:
        moment = clock.now()
        Skip.objects.filter(workspace=pull.workspace, external_id__in=tickets, resolved_at__isnull=True).update(
            resolved_at=moment, last_seen_at=moment
        )
        OutboundMessage.objects.filter(workspace=pull.workspace, external_id__in=tickets).delete()


def _store_outbound(pull: Pull, facts: Sequence[TicketFacts]) -> None:
    rows = [(pull.workspace, one.id) for one in facts]
    bulk.upsert(OutboundMessage, pull.organization_id, ("workspace", "external_id"), rows, key=_TICKET_KEY)


def _store_failures(pull: Pull, failures: Sequence[DecodeFailure], now: int) -> None:
    """A conversation that cannot be read is listed as skipped and tried again daily, and costs the others nothing."""
    if not failures:
        return
    detail = "Intercom's answer for this conversation could not be read; it is tried again every day."
    reason = Skip.Reason.UNREADABLE.value
    rows = [
        (pull.workspace, ref, "", reason, detail, "", "", "", "{}", None, now, now, None)
        for ref in dict.fromkeys(failure.id for failure in failures)
        if key(ref, 128)
    ]
    bulk.upsert(Skip, pull.organization_id, _SKIP, rows, key=_TICKET_KEY, update=_SKIP_UPDATE)
    pull.counts.skipped[reason] += len(failures)
    pull.warn("Some conversations could not be read from Intercom's answer; they are listed as skipped.")
