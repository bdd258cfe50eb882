"""Once a day: what no listing of changes tells. Contacts that left, and open conversations that are not open any
more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from startdeliver.common import clock
from startdeliver.customers.models import CustomerUser
from startdeliver.intercom import CursorExpired, search
from startdeliver.support.models import Ticket
from startdeliver.sync import fields, intercom_records
from startdeliver.sync.models import IntercomContact
from startdeliver.sync.pull import contacts
from startdeliver.sync.pull.messages import batches
from startdeliver.sync.pull.rematch import import_conversations
from startdeliver.sync.pull.store import Tally, store_page, with_facts
from startdeliver.sync.pull.work import Pull

_CHUNK = 200
OPEN = "open"


# ------------------------------------------------------------------------------------------------------------ has left


def has_left(pull: Pull) -> None:
    """Asks for every linked contact that the whole listing did not name: archived or deleted (404) marks the user as
    left when no other contact of the user is there, merged (410) makes the survivor take its place."""
    state = pull.stage_cursor(contacts.STAGE)
    if not state.get("whole"):
        contacts.sweep(pull)
        state = pull.stage_cursor(contacts.SWEEP)
    began = datetime.fromtimestamp(state["began"], UTC)
    unseen = IntercomContact.objects.filter(
        workspace=pull.workspace, state=IntercomContact.State.ACTIVE, user__isnull=False, seen_at__lt=began
    )
    pull.people.forget()
    for chunk in batches(_refs(pull, unseen.order_by("pk").values_list("pk", "ref")), _CHUNK):
        intercom_records.ask_contacts(pull, chunk)
        pull.commit(_mark, pull, chunk)
    # What nobody is linked to needs no question: it is in no listing any more.
    pull.commit(_retire, pull, began)


def _refs(pull: Pull, rows: object) -> Iterator[str]:
    last = 0
    while True:
        chunk = list(rows.filter(pk__gt=last)[:_CHUNK])  # type: ignore[attr-defined]
        for pk, ref in chunk:
            last = pk
            yield ref
        if len(chunk) < _CHUNK:
            return


def _mark(pull: Pull, refs: list[str]) -> None:
    now = clock.now()
    rows = IntercomContact.objects.filter(workspace=pull.workspace, ref__in=refs)
    gone = list(rows.exclude(state=IntercomContact.State.ACTIVE).values_list("state", "ref", "merged_into", "user_id"))
    pull.cursor["contacts_gone"] = pull.cursor.get("contacts_gone", 0) + len(gone)
    heirs = {merged_into: user for state, _, merged_into, user in gone if state == "merged" and merged_into and user}
    survivors = IntercomContact.objects.filter(workspace=pull.workspace, ref__in=heirs, user__isnull=True)
    linked = intercom_records.link_contacts(pull, list(survivors.values_list("ref", flat=True)))
    others = survivors.exclude(ref__in=linked).values_list("pk", "ref")
    links = [intercom_records.LinkRow(pk, heirs[ref], "merged") for pk, ref in others]
    intercom_records.save_links(pull, links)
    users = {user for state, _, _, user in gone if user is not None}
    present = IntercomContact.objects.filter(user__in=users, state=IntercomContact.State.ACTIVE).values("user")
    left = CustomerUser.objects.filter(pk__in=users, has_left_at__isnull=True).exclude(pk__in=present)
    for user in left:
        source = {"source": fields.SOURCE, "at": now.isoformat(timespec="seconds"), "by": "Intercom"}
        user.has_left_at = user.updated_at = now
        user.updated_by = "Intercom"
        user.field_sources = {**user.field_sources, "has_left_at": source}
        user.save(update_fields=["has_left_at", "updated_at", "updated_by", "field_sources"])
        pull.counts.users_updated += 1
    pull.people.forget()


def _retire(pull: Pull, began: datetime) -> None:
    IntercomContact.objects.filter(
        workspace=pull.workspace, state=IntercomContact.State.ACTIVE, user__isnull=True, seen_at__lt=began
    ).update(state=IntercomContact.State.ARCHIVED)


# -------------------------------------------------------------------------------------------------- open conversations


def open_conversations(pull: Pull) -> None:
    """Not every change of state moves updated_at (airbyte#66292), so the open ones are compared as a whole: those that
    Intercom lists are stored, those that only we hold open are asked for one by one."""
    state = pull.stage_cursor(OPEN)
    began = state.setdefault("began", clock.now().timestamp())
    pull.people.forget()
    try:
        _read_open(pull, state.get("cursor"))
    except CursorExpired:
        _read_open(pull, None)
    unseen = Ticket.objects.filter(
        workspace=pull.workspace, status=Ticket.Status.OPEN, synced_at__lt=datetime.fromtimestamp(began, UTC)
    )
    for chunk in batches(_refs(pull, unseen.order_by("pk").values_list("pk", "external_id")), _CHUNK):
        import_conversations(pull, chunk)


def _read_open(pull: Pull, cursor: str | None) -> None:
    state = pull.stage_cursor(OPEN)
    pages = pull.client.conversations_search(search.conversations_open(), cursor=cursor)
    for page, facts in pull.fetcher.iter_pages(with_facts(pull, pages)):
        state["cursor"] = page.next_cursor
        state["done"] = state.get("done", 0) + len(page.items)
        pull.progress(state["done"], page.total_count)
        store_page(pull, facts, page.failures, tally=Tally.CHANGES, seen=True)
