"""The addresses of records in Intercom: those that are stored follow the region when it changes."""

from __future__ import annotations

from django.db.models import TextField, Value
from django.db.models.functions import Replace

from startdeliver.intercom import regions
from startdeliver.support.models import Thread, Ticket
from startdeliver.sync.models import Connection


def prefix(link: Connection) -> str:
    """What the address of a conversation of the connection's workspace begins with."""
    return regions.region(link.region).conversation_link(link.workspace, "")


def rewrite(link: Connection) -> int:
    """Sets the host of the connection's region in the links of stored tickets and of the images in their messages.
    One statement for each other region, and nothing is written when all is right. Tickets of a workspace that was
    connected before keep theirs. Call it inside the organization's scope, in the transaction that changes the region;
    returns how many tickets changed.
    """
    if not link.workspace:
        return 0
    here, changed = prefix(link), 0
    for other in regions.REGIONS.values():
        there = other.conversation_link(link.workspace, "")
        if there == here:
            continue
        old, new = Value(there), Value(here)
        tickets = Ticket.objects.filter(workspace=link.workspace, link__startswith=there)
        changed += tickets.update(link=Replace("link", old, new))
        threads = Thread.objects.filter(ticket__workspace=link.workspace, entries__contains=there)
        threads.update(entries=Replace("entries", old, new, output_field=TextField()))
    return changed


def region_of(link: Connection | None, workspace: str) -> regions.Region:
    """The region of a workspace whose records are stored here: the connection's, or for a workspace that was connected
    before the one that its tickets point to."""
    if link is None:
        return regions.US
    if workspace != link.workspace:
        stored = Ticket.objects.filter(workspace=workspace).exclude(link="").values_list("link", flat=True).first()
        for region in regions.REGIONS.values():
            if stored and stored.startswith(f"{region.app}/"):
                return region
    return regions.region(link.region)
