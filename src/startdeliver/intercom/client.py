"""What Startdeliver asks Intercom, one function per question, each with its source. Mechanics: ``transport.py``;
listings: ``streams.py``.

Sources "OAS" are the sections of Intercom's OpenAPI description 2.16.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

from startdeliver.intercom import paging, search, streams, wire
from startdeliver.intercom.decode import DecodeFailure, ItemDecoder, ListDecoder
from startdeliver.intercom.errors import BadAnswer
from startdeliver.intercom.limiter import Limiter
from startdeliver.intercom.paging import Page
from startdeliver.intercom.transport import Backoff, Safety, Timeouts, Transport

T = TypeVar("T")

API_VERSION = "2.16"

_me = ItemDecoder(wire.Me)
_contact = ItemDecoder(wire.Contact)
_company = ItemDecoder(wire.Company)
_conversation = ItemDecoder(wire.Conversation)
_attribute = ItemDecoder(wire.DataAttribute)
_audience = ItemDecoder(wire.Audience)
_admins = ListDecoder(wire.Admin, "admins")
_teams = ListDecoder(wire.Team, "teams")
_tags = ListDecoder(wire.Tag, "data")
_attributes = ListDecoder(wire.DataAttribute, "data")


class IntercomClient:
    """Speaks to one workspace with one token, inside one event loop.

    ``base_url``: from ``regions.api_url``. ``limiter``: shared by everything that uses this token; one of its own when
    None. Functions return plain values of ``wire.py`` and raise the exceptions of ``errors.py``. ``sleep`` is
    injectable for tests.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        version: str = API_VERSION,
        limiter: Limiter | None = None,
        concurrency: int = 64,
        timeouts: Timeouts | None = None,
        backoff: Backoff | None = None,
        user_agent: str = "Startdeliver",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.limiter = limiter or Limiter()
        self.concurrency = concurrency
        self._sleep = sleep
        self._transport = Transport(
            token,
            base_url,
            version=version,
            limiter=self.limiter,
            concurrency=concurrency,
            timeouts=timeouts,
            backoff=backoff,
            user_agent=user_agent,
            sleep=sleep,
        )
        self._request = self._transport.request

    def __repr__(self) -> str:
        return f"IntercomClient({self._transport.base_url!r})"

    async def __aenter__(self) -> IntercomClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._transport.requests

    # --------------------------------------------------------------------------------------------- workspace and people

    async def me(self) -> wire.Me:
        """Whose token this is, its workspace, region and time zone (OAS GET /me)."""
        return await self._request("me", "GET", "/me", _me.decode)

    async def admins(self) -> list[wire.Admin]:
        """All teammates (OAS GET /admins, unpaged)."""
        return (await self._request("admins", "GET", "/admins", _admins.decode)).items

    async def teams(self) -> list[wire.Team]:
        """All teams (OAS GET /teams, unpaged)."""
        return (await self._request("teams", "GET", "/teams", _teams.decode)).items

    async def tags(self) -> list[wire.Tag]:
        """All tags (OAS GET /tags, unpaged): contacts name theirs by id only."""
        return (await self._request("tags", "GET", "/tags", _tags.decode)).items

    async def uninstall(self) -> None:
        """Tell Intercom that the app is removed.

        The token is dead afterwards (docs "Installing and uninstalling apps").
        """
        await self._request("uninstall", "POST", "/auth/uninstall", _nothing)

    # --------------------------------------------------------------------------------------------------------- contacts

    async def contact(self, contact_id: str) -> wire.Contact:
        """One contact.

        Raises NotFound (also for archived ones) and Gone with ``merged_into`` (OAS GET /contacts/{id}).
        """
        return await self._request("contact", "GET", f"/contacts/{_q(contact_id)}", _contact.decode)

    async def contact_companies(self, contact_id: str) -> list[wire.Company]:
        """All companies of a contact, fully.

        OAS GET /contacts/{id}/companies; 50 a page, the contact itself lists only ten.
        """
        stream = streams.CONTACT_COMPANIES
        path = stream.path.replace("{id}", _q(contact_id))
        return [
            item async for page in paging.by_link(self._transport, stream, path, {}, None, None) for item in page.items
        ]

    def contacts_list(
        self, *, cursor: str | None = None, per_page: int | None = None
    ) -> AsyncIterator[Page[wire.Contact]]:
        """Every contact, archived and merged ones excepted (OAS GET /contacts)."""
        return paging.by_cursor(self._transport, streams.CONTACTS_LIST, cursor, per_page)

    def contacts_search(
        self,
        query: search.Query,
        *,
        sort: Mapping[str, str] | None = search.ASCENDING,
        cursor: str | None = None,
        per_page: int | None = None,
    ) -> AsyncIterator[Page[wire.Contact]]:
        """Contacts that match.

        OAS POST /contacts/search). Mind the day granularity of its moments; see ``contacts_changed``.
        """
        return paging.searched(self._transport, streams.CONTACTS_SEARCH, query, sort, cursor, per_page)

    async def contacts_changed(
        self, watermark: int, *, cursor: str | None = None, per_page: int | None = None
    ) -> AsyncIterator[Page[wire.Contact]]:
        """Contacts with updated_at ≥ ``watermark`` (unix seconds), newest first, whatever a moment means in the API
        version in use.

        Advance the watermark only after the last page: newest first, a contact changed meanwhile moves to the front and
        is found by the next run. A contact without updated_at is kept. An answer that is not in the order asked for is
        read to its end: behind an old contact a new one may come.
        """
        query = search.contacts_changed(watermark)
        previous, sorted_so_far = float("inf"), True
        async for page in self.contacts_search(query, sort=search.DESCENDING, cursor=cursor, per_page=per_page):
            fresh = [item for item in page.items if item.updated_at is None or item.updated_at >= watermark]
            for item in page.items:
                if item.updated_at is not None:
                    sorted_so_far = sorted_so_far and item.updated_at <= previous
                    previous = item.updated_at
            done = sorted_so_far and len(fresh) < len(page.items)
            yield Page(fresh, None if done else page.next_cursor, page.total_count, page.failures)
            if done:
                return

    async def contacts_count(self, query: search.Query) -> int:
        """How many contacts match (OAS POST /contacts/search, ``total_count``)."""
        body = search.body(query, per_page=1)
        decode = streams.CONTACTS_SEARCH.decoder.decode
        listing = await self._request("contacts_count", "POST", "/contacts/search", decode, body=body, attempts=3)
        if listing.total_count is None:
            raise BadAnswer("Intercom did not say how many contacts match. Try again later.", detail="no total_count")
        return listing.total_count

    async def update_contact(self, contact_id: str, changes: Mapping[str, Any]) -> wire.Contact:
        """Change the given fields only (OAS PUT /contacts/{id}). Sending it twice changes nothing, so it is retried."""
        return await self._request(
            "update_contact", "PUT", f"/contacts/{_q(contact_id)}", _contact.decode, body=dict(changes)
        )

    async def create_contact(self, fields: Mapping[str, Any]) -> wire.Contact:
        """Create a contact.

        No upsert. Raises Conflict with ``existing_id`` and ``archived`` (OAS POST /contacts; 409 is undocumented).
        """
        return await self._request(
            "create_contact", "POST", "/contacts", _contact.decode, body=dict(fields), safety=Safety.ONCE
        )

    async def attach_contact(self, contact_id: str, company_id: str) -> wire.Company:
        """Attach a contact to a company; both ids are Intercom's (OAS POST /contacts/{id}/companies)."""
        path = f"/contacts/{_q(contact_id)}/companies"
        return await self._request("attach_contact", "POST", path, _company.decode, body={"id": company_id})

    # -------------------------------------------------------------------------------------------------------- companies

    async def company(self, company_id: str) -> wire.Company:
        """One company by Intercom's id, also one without contacts (OAS GET /companies/{id})."""
        return await self._request("company", "GET", f"/companies/{_q(company_id)}", _company.decode)

    async def find_company_by_external_id(self, external_id: str) -> wire.Company:
        """One company by the customer's own id (OAS GET /companies?company_id=)."""
        return await self._request("company", "GET", "/companies", _company.decode, params={"company_id": external_id})

    async def update_company(self, company_id: str, changes: Mapping[str, Any]) -> wire.Company:
        """Change the given fields only; ``company_id`` is Intercom's id (OAS PUT /companies/{id})."""
        return await self._request(
            "update_company", "PUT", f"/companies/{_q(company_id)}", _company.decode, body=dict(changes)
        )

    async def upsert_company(self, fields: Mapping[str, Any]) -> wire.Company:
        """Create or change by ``company_id``, the customer's own id, which must be among the fields.

        OAS POST /companies.
        """
        if not fields.get("company_id"):
            raise ValueError("company_id is required")
        return await self._request("upsert_company", "POST", "/companies", _company.decode, body=dict(fields))

    def companies_list(
        self, *, cursor: str | None = None, per_page: int | None = None
    ) -> AsyncIterator[Page[wire.Company]]:
        """Companies by last activity, at most 10,000.

        Raises ListLimit beyond (OAS POST /companies/list). The cursor is a page number.
        """
        return paging.by_number(self._transport, streams.COMPANIES_LIST, {"order": "desc"}, cursor, per_page)

    def companies_scroll(
        self, *, attempts: int = paging.SCROLL_ATTEMPTS, wait: float = paging.SCROLL_WAIT, patient: bool = True
    ) -> AsyncIterator[Page[wire.Company]]:
        """All companies that have contacts (OAS GET /companies/scroll).

        Only one scroll may be open in a workspace and none can be continued after a failure. So: taken → wait ``wait``
        seconds and try again (not ``patient``: the list at once); expired or broken → start again
        (``Page.restarted``); after ``attempts`` failures of either kind → the plain list, whose last page says in
        ``truncated`` when Intercom cut it at 10,000 or it moved while it was read. Cannot be started from a cursor.
        """
        return paging.scrolled_companies(self._transport, attempts, wait, self._sleep, patient=patient)

    # ---------------------------------------------------------------------------------------- conversations and tickets

    def conversations_search(
        self,
        query: search.Query,
        *,
        sort: Mapping[str, str] | None = search.ASCENDING,
        cursor: str | None = None,
        per_page: int | None = None,
    ) -> AsyncIterator[Page[wire.Conversation]]:
        """Conversations that match, without parts, oldest change first (OAS POST /conversations/search).

        Ascending, a conversation that changes meanwhile moves to the end and comes again; it is never skipped.
        """
        return paging.searched(self._transport, streams.CONVERSATIONS_SEARCH, query, sort, cursor, per_page)

    async def conversation(self, conversation_id: str) -> wire.Conversation:
        """One conversation with its 500 most recent parts (OAS GET /conversations/{id})."""
        return await self._request("conversation", "GET", f"/conversations/{_q(conversation_id)}", _conversation.decode)

    async def conversations_count(self, query: search.Query) -> int | None:
        """How many conversations match, for an estimate; None when Intercom does not say."""
        body = search.body(query, per_page=1)
        decode = streams.CONVERSATIONS_SEARCH.decoder.decode
        return (
            await self._request("conversations_search", "POST", "/conversations/search", decode, body=body)
        ).total_count

    def conversations_deleted(
        self, *, cursor: str | None = None, per_page: int | None = None
    ) -> AsyncIterator[Page[wire.DeletedConversation]]:
        """Deleted conversations, newest deletion first.

        Raises VersionUnsupported before 2.16 (OAS GET /conversations/deleted).
        """
        return paging.by_number(self._transport, streams.CONVERSATIONS_DELETED, {"order": "desc"}, cursor, per_page)

    def tickets_search(
        self,
        query: search.Query,
        *,
        sort: Mapping[str, str] | None = search.ASCENDING,
        cursor: str | None = None,
        per_page: int | None = None,
    ) -> AsyncIterator[Page[wire.TicketObject]]:
        """Intercom's Ticket objects that match (OAS POST /tickets/search)."""
        return paging.searched(self._transport, streams.TICKETS_SEARCH, query, sort, cursor, per_page)

    # ----------------------------------------------------------------------------------------------------------- events

    def events(
        self, contact_id: str, *, cursor: str | None = None, per_page: int | None = None
    ) -> AsyncIterator[Page[wire.Event]]:
        """A contact's events of the last 90 days, newest first (OAS GET /events)."""
        params = {"type": "user", "intercom_user_id": contact_id}
        return paging.by_link(self._transport, streams.EVENTS, streams.EVENTS.path, params, cursor, per_page)

    async def events_since(
        self, contact_id: str, since: int, *, cursor: str | None = None, pages: int = 4
    ) -> Page[wire.Event]:
        """A contact's events, newest first, as far back as the page that reaches ``since`` (unix seconds).

        What those pages hold before ``since`` is in it too. After ``pages`` pages it stops with a ``next_cursor`` to go
        on from. The order is the documentation's only by example, so an answer in another one is read to its end.
        """
        items: list[wire.Event] = []
        failures: list[DecodeFailure] = []
        read, previous, sorted_so_far = 0, float("inf"), True
        async for page in self.events(contact_id, cursor=cursor):
            read += 1
            items += page.items
            failures += page.failures
            for item in page.items:
                sorted_so_far = sorted_so_far and item.created_at <= previous
                previous = item.created_at
            done = page.next_cursor is None or (sorted_so_far and previous < since)
            if done or read >= pages:
                return Page(items, None if done else page.next_cursor, failures=tuple(failures))
        return Page(items, failures=tuple(failures))

    # ----------------------------------------------------------------------------------------- attributes and audiences

    async def data_attributes(self, model: str, *, include_archived: bool = False) -> list[wire.DataAttribute]:
        """All attribute definitions of "contact" or "company" (OAS GET /data_attributes, unpaged)."""
        params = {"model": model, "include_archived": "true" if include_archived else "false"}
        return (
            await self._request("data_attributes", "GET", "/data_attributes", _attributes.decode, params=params)
        ).items

    async def create_data_attribute(
        self,
        model: str,
        name: str,
        data_type: str,
        *,
        description: str = "",
        options: Sequence[str] = (),
    ) -> wire.DataAttribute:
        """Define an attribute. ``data_type``: string, integer, float, boolean, date, datetime, or options with ≥ 2
        ``options``.

        Raises Invalid when the name exists in either model (OAS POST /data_attributes). Not sent twice.
        """
        body: dict[str, Any] = {"model": model, "name": name, "data_type": data_type}
        if description:
            body["description"] = description
        if options:
            body["options"] = [{"value": value} for value in options]
        return await self._request(
            "create_data_attribute", "POST", "/data_attributes", _attribute.decode, body=body, safety=Safety.ONCE
        )

    async def update_data_attribute(self, attribute_id: int | str, changes: Mapping[str, Any]) -> wire.DataAttribute:
        """Change description, options or archived; name and type cannot change (OAS PUT /data_attributes/{id})."""
        path = f"/data_attributes/{_q(str(attribute_id))}"
        return await self._request("update_data_attribute", "PUT", path, _attribute.decode, body=dict(changes))

    async def audiences(self) -> list[wire.Audience]:
        """All Fin audiences (OAS GET /audiences, 2.16)."""
        return [
            item
            async for page in paging.by_number(self._transport, streams.AUDIENCES, {}, None, None)
            for item in page.items
        ]

    async def create_audience(
        self, name: str, predicates: Sequence[Mapping[str, Any]], role_predicates: Sequence[Mapping[str, Any]] = ()
    ) -> wire.Audience:
        """Create a group of contacts that Fin can target (OAS POST /audiences, 2.16). Not sent twice."""
        body: dict[str, Any] = {"name": name, "predicates": [dict(item) for item in predicates]}
        if role_predicates:
            body["role_predicates"] = [dict(item) for item in role_predicates]
        return await self._request(
            "create_audience", "POST", "/audiences", _audience.decode, body=body, safety=Safety.ONCE
        )


def _nothing(raw: bytes) -> None:
    """For answers whose content does not matter."""


def _q(identifier: str) -> str:
    return quote(identifier, safe="")
