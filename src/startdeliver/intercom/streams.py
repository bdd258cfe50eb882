"""Every listing of Intercom that is read page by page, as one table.

Mechanics are in ``client.py``; the evidence is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from startdeliver.intercom import wire
from startdeliver.intercom.decode import ListDecoder


@dataclass(frozen=True, slots=True)
class Stream:
    """One listing.

    ``selectors``: the key of the list in the answer. ``page_size``: what we ask for, ``max_page_size``: what Intercom
    allows.
    """

    name: str
    method: str
    path: str
    item: type[Any]
    selectors: tuple[str, ...]
    page_size: int
    max_page_size: int
    decoder: ListDecoder[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoder", ListDecoder(self.item, *self.selectors))


# 150 is the documented maximum; pages that time out are halved down to 20 (Estuary met "constant Intercom server
# timeouts"). No conversation_parts in search answers (OpenAPI 2.16). Keyset cursor, so inserts do not shift pages.
CONVERSATIONS_SEARCH = Stream(
    "conversations_search",
    "POST",
    "/conversations/search",
    wire.Conversation,
    ("conversations",),
    150,
    150,
)

# 2.16 only; older → 400 intercom_version_invalid. Newest first; page/per_page at most 60 (OpenAPI 2.16).
CONVERSATIONS_DELETED = Stream(
    "conversations_deleted",
    "GET",
    "/conversations/deleted",
    wire.DeletedConversation,
    ("conversations",),
    60,
    60,
)

# Same grammar as conversations, second granularity (Estuary, live). There is no GET list.
TICKETS_SEARCH = Stream("tickets_search", "POST", "/tickets/search", wire.TicketObject, ("tickets", "data"), 150, 150)

# Default page is 10 or 50 depending on whom one asks (Intercom-OpenAPI#639), so per_page is always sent. No filters;
# archived and merged contacts are left out.
CONTACTS_LIST = Stream("contacts_list", "GET", "/contacts", wire.Contact, ("data",), 150, 150)

# Day-granular up to 2.16; see search.contacts_changed.
CONTACTS_SEARCH = Stream("contacts_search", "POST", "/contacts/search", wire.Contact, ("data",), 150, 150)

# The description says "companies", live answers have been seen with "data". 50 a page.
CONTACT_COMPANIES = Stream(
    "contact_companies", "GET", "/contacts/{id}/companies", wire.Company, ("companies", "data"), 50, 50
)

# One open scroll per app; idle for a minute → expired; no page size can be set (100 in practice). The end is an empty
# page.
COMPANIES_SCROLL = Stream("companies_scroll", "GET", "/companies/scroll", wire.Company, ("data",), 100, 100)

# POST although it reads; sorted by last_request_at, which moves; stops with 400 beyond 10,000 (intercom-ruby#304). 60 a
# page is accepted by the server (Estuary); companies without contacts are invisible here as in the scroll.
COMPANIES_LIST = Stream("companies_list", "POST", "/companies/list", wire.Company, ("data", "companies"), 60, 60)

# Per contact, 90 days deep; pages.next is a full address (OpenAPI 2.16, /events). An empty list may come as {"events":
# []}.
EVENTS = Stream("events", "GET", "/events", wire.Event, ("events",), 50, 50)

# Never paged in practice, but written with page/per_page (2.16).
AUDIENCES = Stream("audiences", "GET", "/audiences", wire.Audience, ("data",), 50, 50)
