"""Conversations that were deleted in Intercom disappear here too."""

from __future__ import annotations

from collections.abc import Sequence

from startdeliver.intercom import PlanRestricted, ScopeMissing, VersionUnsupported
from startdeliver.support.models import Thread, Ticket, TicketParticipant
from startdeliver.sync.models import OutboundMessage, Skip
from startdeliver.sync.pull.work import OVERLAP, Pull
from startdeliver.sync.text import key, moment

STAGE = "deleted"


def run(pull: Pull) -> None:
    """Reads the deletions since the last run, newest first (OpenAPI 2.16, /conversations/deleted)."""
    state = pull.stage_cursor(STAGE)
    link = pull.connection
    until = link.deleted_until
    # Nothing was stored before the first run, so only what is deleted while it runs matters to it.
    stop = (pull.started_at if until is None else until) - OVERLAP
    try:
        for page in pull.fetcher.iter_pages(pull.client.conversations_deleted(), prefetch=1):
            times = [found for item in page.items if (found := moment(item.deleted_at)) is not None]
            state["newest"] = max([state.get("newest", 0), *times])
            refs = [item.id for item in page.items if (found := moment(item.deleted_at)) is None or found >= stop]
            pull.commit(remove, pull, refs)
            # One odd moment in a page must not pass for the end of what is new.
            ordered = times == sorted(times, reverse=True)
            if times and (times[-1] if ordered else max(times)) < stop:
                break
    except (VersionUnsupported, ScopeMissing, PlanRestricted) as error:
        pull.warn(f"Deleted conversations could not be read: {error.sentence}")
        return

    def finish() -> None:
        # On Intercom's own clock, like every watermark; nothing deleted yet is the beginning of time.
        link.deleted_until = max(min(state.get("newest", 0), pull.started_at), until or 0)
        link.save(update_fields=["deleted_until"])

    pull.commit(finish)


def remove_missing(pull: Pull, refs: Sequence[str]) -> None:
    """Removes conversations that answered 404 when asked for by id. Must run inside `Pull.commit`.

    One that is an Intercom Ticket also answers so to an app that lost the permission for tickets (docs "OAuth scopes",
    August 2024), so those stay until they are listed as deleted.
    """
    here = {"workspace": pull.workspace, "external_id__in": list(refs)}
    kept = Ticket.objects.filter(**here).exclude(ticket_type="", ticket_state="")
    hidden = set(kept.values_list("external_id", flat=True))
    if hidden:
        kept.update(messages_due=False)
        pull.warn(
            "Intercom no longer shows some of its tickets; if they were not deleted, the app lacks the permission "
            "“Read tickets”."
        )
    remove(pull, [ref for ref in refs if ref not in hidden])


def remove(pull: Pull, refs: Sequence[str]) -> None:
    """Removes tickets with their threads, skips and counted messages. Must run inside `Pull.commit`."""
    ids = [ref for ref in refs if key(ref, 128)]
    if not ids:
        return
    here = {"workspace": pull.workspace, "external_id__in": ids}
    tickets = list(Ticket.objects.filter(**here).values_list("pk", "customer_id"))
    pks = [pk for pk, _ in tickets]
    if pks:
        TicketParticipant.objects.filter(ticket__in=pks).delete()
        Thread.objects.filter(ticket__in=pks).delete()
        Ticket.objects.filter(pk__in=pks).delete()
    Skip.objects.filter(**here).delete()
    OutboundMessage.objects.filter(**here).delete()
    pull.counts.deleted += len(pks)
    pull.tickets_changed(customer for _, customer in tickets)
