"""Reading listings page by page, in each of the ways that Intercom pages. Which listing uses which: ``streams.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from startdeliver.intercom import search, streams, wire
from startdeliver.intercom.decode import DecodeFailure, Listing
from startdeliver.intercom.errors import (
    BadAnswer,
    Invalid,
    ListLimit,
    NotFound,
    ScrollBusy,
    ScrollLost,
    ServerFault,
    Unreachable,
    VersionUnsupported,
    bad_answer,
)
from startdeliver.intercom.streams import Stream
from startdeliver.intercom.transport import Transport

T = TypeVar("T")

SMALLEST_PAGE = 20
SCROLL_WAIT = 65.0  # a scroll expires after a minute without use (OpenAPI 2.16, /companies/scroll)
SCROLL_ATTEMPTS = 3
_LIST_MOVED = (
    "Intercom's list of companies changed while it was read, so some companies may be missing. "
    "They follow at the next sync."
)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    ``next_cursor``: hand it back as ``cursor`` to continue after this page; None at the end. ``total_count``: as
    Intercom says, or None. ``failures``: records that could not be read. ``restarted``: the listing started again, so
    records seen before come again. ``truncated``: a sentence when Intercom withheld the rest, "" otherwise.
    """

    items: list[T]
    next_cursor: str | None = None
    total_count: int | None = None
    failures: tuple[DecodeFailure, ...] = field(default=())
    restarted: bool = False
    truncated: str = ""


class _Trail:
    """The cursors of one reading, so that a listing that leads back to where it was ends, and does not pass for
    complete. Only their hashes are kept: a listing may have thousands of pages."""

    def __init__(self, cursor: str | None) -> None:
        self._whole = cursor is None
        self._now = cursor
        self._seen = {hash(cursor)}
        self._read = 0

    def leads_on(self, following: str, listing: Listing[Any]) -> bool:
        """Whether `following` is a page that was not read yet. False at an end that merely has no better sign; raises
        BadAnswer when the listing goes in a circle, or stands still although Intercom counts more."""
        self._read += len(listing.items) + len(listing.failures)
        if following == self._now:
            lacks = self._whole and listing.total_count is not None and self._read < listing.total_count
            if not lacks:
                return False
        elif hash(following) not in self._seen:
            self._seen.add(hash(following))
            self._now = following
            return True
        raise bad_answer("led back to a page of the listing that was read before")


async def searched(
    transport: Transport,
    stream: Stream,
    query: search.Query,
    sort: Mapping[str, str] | None,
    cursor: str | None,
    per_page: int | None,
) -> AsyncIterator[Page[Any]]:
    """POST, the cursor in the body. A page that keeps timing out is asked for at half its size, down to twenty."""
    size, trail = page_size(stream, per_page), _Trail(cursor)
    while True:
        body = search.body(query, per_page=size, cursor=cursor, sort=sort)
        try:
            # Few attempts: a slow page is asked for smaller instead, and a body that Intercom answers with 500 where it
            # should say 400 (intercom-node#344) will not get better.
            listing = await transport.request(
                stream.name, "POST", stream.path, stream.decoder.decode, body=body, attempts=3, cursor_sent=bool(cursor)
            )
        except (ServerFault, Unreachable) as error:
            slow = error.timed_out if isinstance(error, Unreachable) else error.status in (408, 502, 503, 504)
            if not slow or size <= SMALLEST_PAGE:
                raise
            size = max(SMALLEST_PAGE, size // 2)
            continue
        following = listing.next_page
        yield Page(listing.items, following, listing.total_count, listing.failures)
        if following is None or not trail.leads_on(following, listing):
            return
        cursor = following


async def by_cursor(
    transport: Transport, stream: Stream, cursor: str | None, per_page: int | None
) -> AsyncIterator[Page[Any]]:
    """GET, the cursor in the query."""
    size, trail = str(page_size(stream, per_page)), _Trail(cursor)
    while True:
        params = {"per_page": size, **({"starting_after": cursor} if cursor else {})}
        listing = await transport.request(
            stream.name, "GET", stream.path, stream.decoder.decode, params=params, cursor_sent=bool(cursor)
        )
        following = listing.next_page
        yield Page(listing.items, following, listing.total_count, listing.failures)
        if following is None or not trail.leads_on(following, listing):
            return
        cursor = following


async def by_number(
    transport: Transport, stream: Stream, params: Mapping[str, str], cursor: str | None, per_page: int | None
) -> AsyncIterator[Page[Any]]:
    """Page numbers; the cursor is the number."""
    size = str(page_size(stream, per_page))
    number = int(cursor) if cursor and cursor.isdigit() else 1
    while True:
        asked = {"page": str(number), "per_page": size, **params}
        listing = await transport.request(stream.name, stream.method, stream.path, stream.decoder.decode, params=asked)
        following = _next_number(listing, number)
        yield Page(listing.items, None if following is None else str(following), listing.total_count, listing.failures)
        if following is None:
            return
        number = following


async def by_link(
    transport: Transport, stream: Stream, path: str, params: Mapping[str, str], cursor: str | None, per_page: int | None
) -> AsyncIterator[Page[Any]]:
    """GET; the next page is given as an address, of which only the query counts, and that is the cursor.

    Its host and path are not followed, and what we asked for is not overruled.
    """
    asked, trail = {**params, "per_page": str(page_size(stream, per_page))}, _Trail(cursor)
    while True:
        extra = dict(parse_qsl(cursor, keep_blank_values=True)) if cursor else {}
        listing = await transport.request(stream.name, "GET", path, stream.decoder.decode, params={**extra, **asked})
        following = urlsplit(listing.next_page).query or None if listing.next_page else None
        if following == cursor or not (listing.items or listing.failures):
            following = None
        yield Page(listing.items, following, listing.total_count, listing.failures)
        if following is None or not trail.leads_on(following, listing):
            return
        cursor = following


async def scrolled_companies(
    transport: Transport,
    attempts: int,
    wait: float,
    sleep: Callable[[float], Awaitable[object]],
    *,
    patient: bool = True,
) -> AsyncIterator[Page[wire.Company]]:
    """The company scroll, else the plain list; see ``IntercomClient.companies_scroll``."""
    begun, failures = False, 0
    while failures < attempts:
        restarted = begun
        try:
            async for page in _one_scroll(transport, streams.COMPANIES_SCROLL):
                yield Page(page.items, page.next_cursor, page.total_count, page.failures, restarted)
                begun, restarted = True, False
            return
        except ScrollBusy:
            if not patient:
                break
            failures += 1
            if failures < attempts:
                await sleep(wait)
        except ScrollLost:
            failures += 1
        except (NotFound, VersionUnsupported):
            # The first call names no scroll, so it is the scroll itself that is not offered.
            break
    async for page in _listed_companies(transport, restarted=begun):
        yield page


async def _listed_companies(transport: Transport, *, restarted: bool) -> AsyncIterator[Page[wire.Company]]:
    """The plain list, checked for having been whole: it is sorted by last activity, so a company that becomes active
    while it is read moves from a page that is still to come to the front. So the front is read again until it holds
    nothing new, and what was seen is compared with Intercom's count."""
    known: set[str] = set()
    pages, unnamed, total = 0, 0, None
    try:
        async for page in by_number(transport, streams.COMPANIES_LIST, {"order": "desc"}, None, None):
            pages += 1
            known.update(item.id for item in page.items)
            known.update(failure.id for failure in page.failures if failure.id)
            unnamed += sum(not failure.id for failure in page.failures)
            total = page.total_count
            yield Page(page.items, page.next_cursor, page.total_count, page.failures, restarted)
            restarted = False
        if pages < 2:
            return
        async for page in by_number(transport, streams.COMPANIES_LIST, {"order": "desc"}, None, None):
            total = page.total_count
            fresh = [item for item in page.items if item.id not in known]
            if not fresh:
                break
            known.update(item.id for item in fresh)
            yield Page(fresh, None, page.total_count)
    except ListLimit as limit:
        yield Page([], truncated=limit.sentence)
        return
    if total is not None and len(known) + unnamed < total:
        yield Page([], truncated=_LIST_MOVED)


async def _one_scroll(transport: Transport, stream: Stream) -> AsyncIterator[Page[wire.Company]]:
    param: str | None = None
    while True:
        params = {"scroll_param": param} if param else {}
        # One attempt: Intercom may have moved the scroll on although its answer was lost; a repeat would skip a page.
        attempts = 1 if param else None
        try:
            listing: Listing[wire.Company] = await transport.request(
                stream.name, "GET", stream.path, stream.decoder.decode, params=params, attempts=attempts
            )
        except (NotFound, Invalid, ServerFault, Unreachable, BadAnswer) as error:
            if param is None:
                raise
            raise ScrollLost(error.sentence, status=error.status, detail=error.detail) from error
        if not listing.items and not listing.failures:
            return
        param = listing.scroll_param
        yield Page(listing.items, param, listing.total_count, listing.failures)
        if param is None:
            return


def page_size(stream: Stream, wanted: int | None) -> int:
    """What to ask for: ``wanted``, else the stream's usual size, within what Intercom allows."""
    return max(1, min(wanted or stream.page_size, stream.max_page_size))


def _next_number(listing: Listing[Any], number: int) -> int | None:
    """The next page's number: from the address Intercom gives, else from the page count; never backwards."""
    if not (listing.items or listing.failures):
        return None
    if listing.next_page:
        query = dict(parse_qsl(urlsplit(listing.next_page).query))
        named = query.get("page") or listing.next_page
        return int(named) if named.isdigit() and int(named) > number else number + 1
    if listing.total_pages is not None and number < listing.total_pages:
        return number + 1
    return None
