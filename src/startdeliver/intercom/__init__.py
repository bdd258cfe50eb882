"""Everything that speaks Intercom, and nothing that knows Django or the product.

In short::

    client = IntercomClient(token, regions.api_url("EU"), limiter=Limiter(reserve=0))
    with Fetcher(client) as fetcher:                                   # for synchronous callers
        me = fetcher.call(client.me())                                 # wire.Me
        query = search.conversations_changed(since, until)             # unix seconds, both included
        for page in fetcher.iter_pages(client.conversations_search(query, cursor=saved)):
            page.items, page.failures, page.next_cursor                # wire.Conversation, DecodeFailure, str | None
        for id_, found in fetcher.map_unordered(client.conversation, ids):
            ...                                                        # wire.Conversation, or an IntercomError

Listings (async generators of ``Page``; ``cursor=page.next_cursor`` continues after a page, ``per_page`` is capped):
``conversations_search(query)``, ``conversations_deleted()`` newest first, ``tickets_search(query)``,
``contacts_list()``, ``contacts_search(query)``, ``contacts_changed(watermark)`` newest first, ``companies_scroll()``
(no cursor; see ``Page.restarted`` and ``Page.truncated``), ``companies_list()``, ``events(contact_id)`` newest first.

Single questions (coroutines): ``me()``, ``admins()``, ``teams()``, ``tags()``, ``contact(id)``,
``contact_companies(id)``, ``contacts_count(query)``,
``conversations_count(query)``, ``conversation(id)``, ``company(id)``, ``find_company_by_external_id(id)``,
``data_attributes(model)``, ``audiences()``.

Writes (coroutines): ``update_contact(id, changes)``, ``create_contact(fields)``,
``attach_contact(contact_id, company_id)``, ``update_company(id, changes)``, ``upsert_company(fields)``,
``create_data_attribute(model, name, data_type)``, ``update_data_attribute(id, changes)``, ``create_audience(name,
…)``, ``uninstall()``. OAuth: ``oauth.authorize_url``, ``oauth.State``, ``oauth.exchange_code``.

``client.requests`` counts what was sent. Everything that goes wrong is an ``IntercomError``: ``str(error)`` is the
sentence for the administrator, ``error.kind`` says who can mend it; classes in ``errors.py`` (``Gone.merged_into``,
``Conflict.existing_id``, ``ScopeMissing.scope``, ``CursorExpired`` → start the listing again).
"""

from startdeliver.intercom import errors, oauth, regions, search, wire
from startdeliver.intercom.client import API_VERSION, IntercomClient
from startdeliver.intercom.decode import DecodeFailure
from startdeliver.intercom.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    CursorExpired,
    Gone,
    IntercomError,
    Invalid,
    Kind,
    ListLimit,
    NotFound,
    PlanRestricted,
    RateLimited,
    ScopeMissing,
    ServerFault,
    Unreachable,
    VersionUnsupported,
)
from startdeliver.intercom.fetcher import Fetcher
from startdeliver.intercom.limiter import Limiter
from startdeliver.intercom.paging import Page
from startdeliver.intercom.transport import Backoff, Timeouts

__all__ = [
    "API_VERSION",
    "AuthError",
    "Backoff",
    "BadAnswer",
    "Conflict",
    "CursorExpired",
    "DecodeFailure",
    "Fetcher",
    "Gone",
    "IntercomClient",
    "IntercomError",
    "Invalid",
    "Kind",
    "Limiter",
    "ListLimit",
    "NotFound",
    "Page",
    "PlanRestricted",
    "RateLimited",
    "ScopeMissing",
    "ServerFault",
    "Timeouts",
    "Unreachable",
    "VersionUnsupported",
    "errors",
    "oauth",
    "regions",
    "search",
    "wire",
]
