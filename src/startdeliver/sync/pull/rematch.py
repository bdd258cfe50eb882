"""Looks again at what did not match before: conversations that were skipped, tickets without a customer, participants
without a user, and the tickets of users that moved to another customer.

Decided from what is stored; Intercom is asked only for the conversations that are tickets now. Nothing is looked at
while nothing changed here that could matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Model, Q, QuerySet

from startdeliver.changes.models import Kind, Stage
from startdeliver.changes.queue import Batch, taken
from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.intercom import AuthError, IntercomError, NotFound, PlanRestricted, RateLimited, ScopeMissing
from startdeliver.storage import bulk
from startdeliver.storage.sql import among
from startdeliver.support.models import Ticket, TicketParticipant
from startdeliver.sync import intercom_records
from startdeliver.sync.matching import Person, Ref, ticket_customer
from startdeliver.sync.models import IntercomCompany, IntercomContact, Skip
from startdeliver.sync.pull.deleted import remove_missing
from startdeliver.sync.pull.messages import ReadThread, batches, read_conversations, read_threads, write_threads
from startdeliver.sync.pull.store import Page, Tally, close_skips, merged, prepare, store_participants, write
from startdeliver.sync.pull.threads import Delivered
from startdeliver.sync.pull.work import Pull

STAGE = "rematch"
_CHUNK = 500
_IMPORT = 50
_AT_ONCE = 1_000_000


class MovedTicket(NamedTuple):
    """The customer that a ticket belongs to now."""

    id: int
    customer_id: int


class SkipReason(NamedTuple):
    """Why a conversation is skipped now."""

    id: int
    reason: str
    detail: str


def run(pull: Pull) -> None:
    # The first listing has just matched everything as it was read, unless companies came after it.
    first = bool(pull.cursor.get("first")) and "companies_again" not in pull.cursor
    moved = any(pull.cursor.get(name) for name in ("contacts_changed", "companies_changed", "contacts_gone"))
    with taken(pull.organization, Stage.REMATCH, _AT_ONCE) as batch:
        if not first and (batch.ids or moved):
            _look(pull, batch)
    if pull.cursor.get("sweeping"):
        _read_unreadable(pull)


def _look(pull: Pull, batch: Batch) -> None:
    everything = batch.has(Kind.MATCHING)
    changed_users = {one.user_id for one in batch.changes if one.user_id is not None}
    changed_customers = batch.customers(Kind.CUSTOMER, Kind.CUSTOMER_DETAILS) or set()
    users = CustomerUser.objects.filter(among("id", changed_users, "bigint"))
    customers = Customer.objects.filter(among("id", changed_customers, "bigint"))
    pull.people.forget()
    _align(pull, users, customers, everything, clock.now())
    _link_contacts(pull, users)
    companies = _link_companies(pull, customers, everything)
    _attach_users(pull)
    pull.people.forget()
    _retarget(pull, _tickets(pull, users, companies))
    _look_at_skips(pull)


def _chunks(rows: QuerySet[Any], size: int = _CHUNK) -> Iterator[list[Any]]:
    """The rows in the order of their key, a chunk at a time. Each chunk is a query, so that rows may change
    meanwhile."""
    last = 0
    while True:
        chunk = list(rows.filter(pk__gt=last).order_by("pk")[:size])
        if chunk:
            last = _pk(chunk[-1])
            yield chunk
        if len(chunk) < size:
            return


def _pk(row: Any) -> int:
    return int(row.pk if isinstance(row, Model) else row[0])


# ---------------------------------------------------------------------------------------- records first, then tickets


def _align(pull: Pull, users: QuerySet[Any], customers: QuerySet[Any], everything: bool, now: datetime) -> None:
    """What was edited here follows the field rules again; after a change of the rules, everything that is linked
    does."""
    linked_customers: QuerySet[Any] = customers.values_list("pk")
    linked_users: QuerySet[Any] = users.values_list("pk")
    if everything:
        linked_customers = Customer.objects.filter(pk__in=_linked(pull, IntercomCompany, "customer")).values_list("pk")
        linked_users = CustomerUser.objects.filter(pk__in=_linked(pull, IntercomContact, "user")).values_list("pk")
    for chunk in _chunks(linked_customers):
        pull.commit(intercom_records.align_customers, pull, Q(customer__in=[pk for (pk,) in chunk]), now)
    for chunk in _chunks(linked_users):
        pull.commit(intercom_records.align_users, pull, Q(user__in=[pk for (pk,) in chunk]), now)


def _linked(pull: Pull, model: type[IntercomCompany] | type[IntercomContact], name: str) -> QuerySet[Any, Any]:
    rows: QuerySet[Any] = model.objects.filter(workspace=pull.workspace, **{f"{name}__isnull": False})
    return rows.values(name)


def _link_contacts(pull: Pull, users: QuerySet[Any]) -> None:
    """Contacts that a new or edited user is."""
    for chunk in _chunks(users.values_list("pk", "external_id", "email_key")):
        same = Q(external_id__in=[external for _, external, _ in chunk if external]) | Q(
            email_key__in=[email for _, _, email in chunk if email]
        )
        unlinked = IntercomContact.objects.filter(same, workspace=pull.workspace, user__isnull=True)
        refs = list(unlinked.values_list("ref", flat=True))

        def write(refs: list[str] = refs) -> None:
            pull.people.forget()
            linked = intercom_records.link_contacts(pull, refs)
            intercom_records.align_users(pull, Q(ref__in=linked), clock.now())

        if refs:
            pull.commit(write)


def _link_companies(pull: Pull, customers: QuerySet[Any], everything: bool) -> set[str]:
    """Companies that a new or edited customer is. Returns the companies whose tickets may belong to
    another customer now."""
    found: set[str] = set()
    unlinked = IntercomCompany.objects.filter(workspace=pull.workspace, customer__isnull=True)
    if everything or pull.connection.match_domains:
        groups: Iterable[list[Any]] = _chunks(unlinked.values_list("pk", "ref"))
    else:
        groups = (
            list(
                unlinked.filter(company_id__in=[external for _, external in chunk if external]).values_list("pk", "ref")
            )
            for chunk in _chunks(customers.values_list("pk", "external_id"))
        )
    for group in groups:
        refs = [ref for _, ref in group]

        def write(refs: list[str] = refs) -> list[str]:
            if not intercom_records.link_companies(pull, Q(ref__in=refs), clock.now()):
                return []
            intercom_records.align_customers(pull, Q(ref__in=refs), clock.now())
            linked = IntercomCompany.objects.filter(workspace=pull.workspace, ref__in=refs, customer__isnull=False)
            return list(linked.values_list("ref", flat=True))

        if refs:
            found.update(pull.commit(write))
    return found


def _attach_users(pull: Pull) -> None:
    """Users without a customer get the one that their companies are by now."""
    rows = IntercomContact.objects.filter(
        workspace=pull.workspace, user__isnull=False, user__customer__isnull=True
    ).values_list("pk", "user_id")
    for chunk in _chunks(rows):
        pull.commit(intercom_records.align_users, pull, Q(user__in=[user for _, user in chunk]), clock.now())


# -------------------------------------------------------------------------------------------------------------- tickets


def _tickets(pull: Pull, users: QuerySet[Any], companies: set[str]) -> Iterator[list[int]]:
    """The tickets whose people or customer may be others now, a chunk of keys at a time; one may come twice."""
    here = Ticket.objects.filter(workspace=pull.workspace)
    people = TicketParticipant.objects.all()
    for chunk in _chunks(here.filter(customer__isnull=True).values_list("pk")):
        yield [pk for (pk,) in chunk]
    for chunk in _chunks(people.filter(user__isnull=True).values_list("pk", "ticket_id")):
        yield [ticket for _, ticket in chunk]
    gone = IntercomContact.objects.filter(workspace=pull.workspace, state=IntercomContact.State.MERGED)
    for group in _chunks(gone.values_list("pk", "ref")):
        refs = [ref for _, ref in group]
        for chunk in _chunks(people.filter(contact_ref__in=refs).values_list("pk", "ticket_id")):
            yield [ticket for _, ticket in chunk]
    for group in _chunks(users.values_list("pk")):
        ids = [pk for (pk,) in group]
        for chunk in _chunks(people.filter(user__in=ids).values_list("pk", "ticket_id")):
            yield [ticket for _, ticket in chunk]
    for part in batches(iter(sorted(companies)), _CHUNK):
        for chunk in _chunks(here.filter(company_ref__in=part).values_list("pk")):
            yield [pk for (pk,) in chunk]


def _retarget(pull: Pull, groups: Iterable[list[int]]) -> None:
    for group in groups:
        pull.commit(_retarget_chunk, pull, group)


def _retarget_chunk(pull: Pull, ids: Sequence[int]) -> None:
    people = pull.people
    here = Ticket.objects.filter(workspace=pull.workspace, pk__in=ids)
    tickets = list(here.values_list("pk", "customer_id", "author_ref", "company_ref"))
    named: dict[int, list[Ref]] = {}
    rows = TicketParticipant.objects.filter(ticket__in=[pk for pk, *_ in tickets]).order_by("pk")
    for pk, *known in rows.values_list("ticket_id", "contact_ref", "contact_external_ref", "email", "name"):
        named.setdefault(pk, []).append(Ref(*known))
    refs = [ref for one in named.values() for ref in one]
    people.load_participants(refs)
    people.load_companies(company for *_, company in tickets)
    if pull.connection.create_contacts:
        # The switch may have been turned on after the ticket arrived.
        participants = map(people.participant, refs)
        intercom_records.create_users(pull, [person.ref for person in participants if people.is_new(person)])
    moved: list[MovedTicket] = []
    persons: list[tuple[int, Ref, Person]] = []
    for pk, customer_id, author_ref, company_ref in tickets:
        participants_of = merged((ref, people.participant(ref)) for ref in named.get(pk, ()))
        persons += [(pk, ref, person) for ref, person in participants_of]
        company = people.companies.get(company_ref) if company_ref else None
        customer = ticket_customer(company, author_ref, [person for _, person in participants_of])
        if customer is not None and customer != customer_id:
            moved.append(MovedTicket(pk, customer))
            pull.tickets_changed([customer_id, customer])
    store_participants(pull, persons, {pk for pk, *_ in tickets})
    bulk.update(Ticket, pull.organization_id, moved)


# ---------------------------------------------------------------------------------------------------------------- skips


def _look_at_skips(pull: Pull) -> None:
    reasons = [Skip.Reason.NO_USER, Skip.Reason.AMBIGUOUS]
    skips = Skip.objects.filter(workspace=pull.workspace, resolved_at__isnull=True, reason__in=reasons)
    pull.people.forget()
    for chunk in _chunks(skips.values_list("pk", "external_id", "reason", "refs")):
        people = pull.people
        named = {pk: [Ref(**contact) for contact in refs.get("contacts", ())] for pk, _, _, refs in chunk}
        people.load_participants([ref for refs in named.values() for ref in refs])
        arriving: list[str] = []
        changed: list[SkipReason] = []
        for pk, conversation, reason, _ in chunk:
            persons = [people.participant(ref) for ref in named[pk]]
            if any(
                person.user is not None or (pull.connection.create_contacts and people.is_new(person))
                for person in persons
            ):
                arriving.append(conversation)
                continue
            now_is = "ambiguous" if any(person.ambiguous for person in persons) else "no_user"
            if now_is != reason:
                changed.append(SkipReason(pk, now_is, _WHY[now_is]))
        if changed:
            pull.commit(bulk.update, Skip, pull.organization_id, changed)
        import_conversations(pull, arriving)


_WHY = {
    "ambiguous": "The contact fits several users here; choose the right one by hand.",
    "no_user": "The contact matches no user here.",
}


def _read_unreadable(pull: Pull) -> None:
    rows = Skip.objects.filter(
        workspace=pull.workspace, resolved_at__isnull=True, reason=Skip.Reason.UNREADABLE
    ).values_list("pk", "external_id")
    for chunk in _chunks(rows):
        import_conversations(pull, [ref for _, ref in chunk], patient=True)


def import_conversations(
    pull: Pull, refs: Iterable[str], *, create: bool | None = None, patient: bool = False
) -> list[str]:
    """Reads conversations by id and stores them with their messages, whatever they are now: tickets, skips, or gone.
    Returns those that became tickets. `patient`: one that still cannot be read is passed over in silence."""
    imported: list[str] = []
    for batch in batches(read_conversations(pull, refs), _IMPORT):
        found: list[Delivered] = []
        gone: list[str] = []
        for ref, answer in batch:
            if isinstance(answer, Delivered):
                found.append(answer)
            elif isinstance(answer, NotFound):
                gone.append(ref)
            elif isinstance(answer, AuthError | ScopeMissing | PlanRestricted | RateLimited) or pull.run is None:
                raise answer
            elif not patient:
                _postpone(pull, answer)
        page = prepare(pull, (conversation.facts for conversation in found), whole=True)
        pull.commit(_import, pull, page, read_threads(page, found), gone, create)
        imported += page.imported
    return imported


def _postpone(pull: Pull, error: IntercomError) -> None:
    """A skipped conversation that cannot be read now keeps its place, and the run says that it is not complete."""
    pull.failure = pull.failure or f"A conversation that can be imported now could not be read. {error.sentence}"


def _import(pull: Pull, page: Page, threads: list[ReadThread], gone: list[str], create: bool | None) -> None:
    write(pull, page, tally=Tally.CHANGES, create=create)
    write_threads(pull, page, threads)
    # One that could not be read before may turn out to be what is stored already.
    close_skips(pull, list(page.stored))
    remove_missing(pull, gone)
