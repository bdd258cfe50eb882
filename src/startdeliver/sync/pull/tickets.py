"""Intercom's own Ticket objects: their type and state are shown on the ticket that shares the conversation's id."""

from __future__ import annotations

from typing import NamedTuple

from startdeliver.intercom import CursorExpired, PlanRestricted, ScopeMissing, VersionUnsupported, search, wire
from startdeliver.storage import bulk
from startdeliver.support.models import Ticket
from startdeliver.sync.models import Skip
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.text import key, moment, short

STAGE = "tickets"


def run(pull: Pull) -> None:
    """Reads the Ticket objects that changed (OpenAPI 2.16, /tickets/search). Without the permission that is a
    warning."""
    state = pull.stage_cursor(STAGE)
    link = pull.connection
    query = search.conversations_changed(pull.since(link.tickets_until))
    try:
        try:
            _read(pull, query, state.get("cursor"))
        except CursorExpired:
            _read(pull, query, None)
    except (ScopeMissing, PlanRestricted, VersionUnsupported) as error:
        pull.warn(f"Type and state of Intercom's tickets could not be read: {error.sentence}")
        return

    def finish() -> None:
        link.tickets_until = max(min(state.get("newest", 0), pull.started_at), link.tickets_until or 0)
        link.save(update_fields=["tickets_until"])

    pull.commit(finish)


def _read(pull: Pull, query: search.Query, cursor: str | None) -> None:
    state = pull.stage_cursor(STAGE)
    for page in pull.fetcher.iter_pages(pull.client.tickets_search(query, cursor=cursor), prefetch=1):
        state["cursor"] = page.next_cursor
        state["newest"] = max([state.get("newest", 0), *(moment(item.updated_at) or 0 for item in page.items)])
        state["done"] = state.get("done", 0) + len(page.items)
        pull.progress(state["done"], page.total_count)
        pull.commit(_store, pull, page.items)
        last = page.items[-1].updated_at if page.items else None
        if last is not None and last > pull.started_at and state["done"] >= (page.total_count or 0):
            return


class TicketObjectRow(NamedTuple):
    """Type and state of an Intercom Ticket, written on its ticket here."""

    id: int
    ticket_type: str
    ticket_state: str


def _store(pull: Pull, items: list[wire.TicketObject]) -> None:
    facts = {
        ref: (short(item.type_name, 255), short(item.state_label, 255)) for item in items if (ref := key(item.id, 128))
    }
    here = {"workspace": pull.workspace, "external_id__in": facts}
    rows = Ticket.objects.filter(**here).values_list("external_id", "pk", "ticket_type", "ticket_state")
    changed = [TicketObjectRow(pk, *facts[ref]) for ref, pk, *known in rows if tuple(known) != facts[ref]]
    bulk.update(Ticket, pull.organization_id, changed)
    # A conversation that is still skipped gets them when it arrives, since its Ticket object may not change again.
    for skip in Skip.objects.filter(**here, resolved_at__isnull=True):
        kind, state = facts[skip.external_id]
        if (skip.refs.get("ticket_type"), skip.refs.get("ticket_state")) != (kind, state):
            skip.refs = {**skip.refs, "ticket_type": kind, "ticket_state": state}
            skip.save(update_fields=["refs"])
