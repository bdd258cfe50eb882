"""Listings and questions: what is sent, what comes back, and each of Intercom's paging traps."""

import asyncio

import pytest
from aiohttp import web

from startdeliver.intercom import (
    Backoff,
    CursorExpired,
    Invalid,
    ListLimit,
    NotFound,
    ServerFault,
    VersionUnsupported,
    search,
)

from .server import Naps, client_for, conversation, error_list, listing, script, serve

QUERY = search.conversations_changed(1000, 2000)


def collect(handler, call, **options):
    """All pages of ``call(client)``; returns (pages, server, naps)."""
    naps = Naps()

    async def story():
        async with serve(handler) as server, client_for(server, naps, **options) as client:
            return [page async for page in call(client)], server

    pages, server = asyncio.run(story())
    return pages, server, naps


def ask(handler, call, **options):
    async def story():
        async with serve(handler) as server, client_for(server, **options) as client:
            return await call(client), server

    return asyncio.run(story())


def ids(pages):
    return [item.id for page in pages for item in page.items]


def page(*names, after=None, total=None):
    return listing([conversation(name) for name in names], "conversations", after=after, total=total)


# --------------------------------------------------------------------------------------------------------------- search


def test_search_follows_the_cursor_in_the_body():
    pages, server, _ = collect(
        script(page("1", "2", after="x", total=3), page("3")), lambda c: c.conversations_search(QUERY)
    )
    assert ids(pages) == ["1", "2", "3"]
    assert [item.next_cursor for item in pages] == ["x", None]
    assert pages[0].total_count == 3
    first, second = (seen.body for seen in server.seen)
    assert first == {
        "query": QUERY,
        "pagination": {"per_page": 150},
        "sort": {"field": "updated_at", "order": "ascending"},
    }
    assert second["pagination"] == {"per_page": 150, "starting_after": "x"}
    assert server.last.path == "/conversations/search"


def test_search_continues_from_a_cursor():
    pages, server, _ = collect(script(page("3")), lambda c: c.conversations_search(QUERY, cursor="x", per_page=999))
    assert ids(pages) == ["3"]
    assert server.last.body["pagination"] == {"per_page": 150, "starting_after": "x"}


def test_search_stops_when_the_cursor_stands_still():
    pages, _, _ = collect(script(page("1", after="x")), lambda c: c.conversations_search(QUERY))
    assert len(pages) == 2


def test_search_keeps_the_good_records_of_a_page():
    bad = {"id": "2", "state": [], "created_at": 1}
    answer = listing([conversation("1"), bad, conversation("3")], "conversations")
    pages, _, _ = collect(script(answer), lambda c: c.conversations_search(QUERY))
    assert ids(pages) == ["1", "3"]
    assert [failure.id for failure in pages[0].failures] == ["2"]


def test_expired_cursor_is_its_own_error():
    answer = (400, error_list("parameter_invalid", "pagination cursor is invalid or expired"))
    with pytest.raises(CursorExpired):
        collect(script(answer), lambda c: c.conversations_search(QUERY, cursor="old"))


@pytest.mark.parametrize("status", [502, 503, 504, 408])
def test_a_page_that_times_out_is_asked_for_smaller(status):
    def handler(request):
        async def answer():
            size = (await request.json())["pagination"]["per_page"]
            return web.json_response(page("1")) if size <= 40 else web.json_response({}, status=status)

        return answer()

    pages, server, _ = collect(handler, lambda c: c.conversations_search(QUERY))
    assert ids(pages) == ["1"]
    sizes = [seen.body["pagination"]["per_page"] for seen in server.seen]
    assert sizes[0] == 150
    assert sizes[-1] == 37
    assert sorted(sizes, reverse=True) == sizes


def test_pages_are_not_made_smaller_than_twenty():
    naps = Naps()

    async def story():
        async with serve(script((504, {}))) as server, client_for(server, naps) as client:
            with pytest.raises(ServerFault):
                async for _ in client.conversations_search(QUERY):
                    pass
            return [seen.body["pagination"]["per_page"] for seen in server.seen]

    sizes = asyncio.run(story())
    assert min(sizes) == 20
    assert len(sizes) <= 15


def test_a_500_for_a_search_body_is_not_asked_forever():
    async def story():
        async with serve(script((500, error_list("server_error")))) as server, client_for(server) as client:
            with pytest.raises(ServerFault):
                async for _ in client.conversations_search(QUERY):
                    pass
            return len(server.seen)

    assert asyncio.run(story()) == 3


# ------------------------------------------------------------------------------------------------------------- contacts


def contact(id_, updated_at):
    return {"type": "contact", "id": id_, "updated_at": updated_at}


def test_changed_contacts_stop_at_the_watermark():
    mark = 1_700_000_000
    answers = script(
        listing([contact("a", mark + 90_000), contact("b", mark)], "data", after="x"),
        listing([contact("c", mark), contact("d", mark - 1)], "data", after="y"),
        listing([contact("never", mark - 2)], "data"),
    )
    pages, server, _ = collect(answers, lambda c: c.contacts_changed(mark))
    assert ids(pages) == ["a", "b", "c"]
    assert len(server.seen) == 2
    assert pages[-1].next_cursor is None
    body = server.seen[0].body
    assert body["sort"] == {"field": "updated_at", "order": "descending"}
    assert body["query"] == {"field": "updated_at", "operator": ">", "value": mark - 2 * 86_400}


def test_changed_contacts_out_of_order_are_read_to_the_end():
    mark = 1_700_000_000
    answers = script(
        listing([contact("old", mark - 5), contact("new", mark + 5)], "data", after="x"),
        listing([contact("newer", mark + 9)], "data"),
    )
    pages, server, _ = collect(answers, lambda c: c.contacts_changed(mark))
    assert ids(pages) == ["new", "newer"]
    assert len(server.seen) == 2


@pytest.mark.parametrize("zone_hours", [-12, -7, 0, 5.5, 14])
@pytest.mark.parametrize("exact", [True, False], ids=["2.17 to the second", "2.16 by day"])
def test_changed_contacts_misses_none_under_either_meaning_of_a_moment(zone_hours, exact):
    """A model of Intercom's filter in any time zone: everything from the watermark on is found, nothing older is
    yielded.
    """
    mark = 1_700_000_000
    people = {str(moment): moment for moment in range(mark - 5 * 86_400, mark + 2 * 86_400, 3571)}
    people["edge"] = mark
    people["just before"] = mark - 1

    def matches(moment, bound):
        if exact:
            return moment > bound
        shift = int(zone_hours * 3600)
        next_midnight = ((bound + shift) // 86_400 + 1) * 86_400 - shift
        return moment >= next_midnight

    def handler(request):
        async def answer():
            body = await request.json()
            bound, start = body["query"]["value"], int(body["pagination"].get("starting_after", 0))
            found = sorted(((m, n) for n, m in people.items() if matches(m, bound)), reverse=True)
            cut = found[start : start + 50]
            after = str(start + 50) if start + 50 < len(found) else None
            return web.json_response(listing([contact(name, moment) for moment, name in cut], "data", after=after))

        return answer()

    pages, _, _ = collect(handler, lambda c: c.contacts_changed(mark))
    assert set(ids(pages)) == {name for name, moment in people.items() if moment >= mark}


def test_contacts_list_sends_a_page_size_and_the_cursor():
    pages, server, _ = collect(
        script(listing([contact("a", 1)], "data", after="x"), listing([contact("b", 1)], "data")),
        lambda c: c.contacts_list(),
    )
    assert ids(pages) == ["a", "b"]
    assert server.seen[0].query == {"per_page": "150"}
    assert server.seen[1].query == {"per_page": "150", "starting_after": "x"}


def test_all_companies_of_a_contact_without_following_the_given_host():
    def handler(request):
        number = int(request.query.get("page", 1))
        following = f"https://evil.example/steal?page={number + 1}&per_page=50" if number < 3 else None
        data = [{"type": "company", "id": f"co{number}"}]
        return web.json_response({"type": "list", "data": data, "pages": {"next": following}})

    found, server = ask(handler, lambda c: c.contact_companies("c1"))
    assert [company.id for company in found] == ["co1", "co2", "co3"]
    assert {seen.path for seen in server.seen} == {"/contacts/c1/companies"}


def test_companies_of_a_contact_under_the_documented_name():
    found, _ = ask(
        script({"type": "list", "companies": [{"id": "co1"}], "pages": {}}), lambda c: c.contact_companies("c1")
    )
    assert [company.id for company in found] == ["co1"]


def test_counting_contacts():
    count, server = ask(script(listing([contact("a", 1)], "data", total=42)), lambda c: c.contacts_count(QUERY))
    assert count == 42
    assert server.last.body["pagination"] == {"per_page": 1}


def test_merged_contact_names_the_survivor():
    def handler(request):
        headers = {"Link": '</contacts/c2>; rel="canonical"'}
        return web.json_response(error_list("contact_merged"), status=410, headers=headers)

    async def story():
        async with serve(handler) as server, client_for(server) as client:
            try:
                await client.contact("c1")
            except Exception as error:
                return error

    assert asyncio.run(story()).merged_into == "c2"


# ------------------------------------------------------------------------------------------------------------ companies


def company_page(*names, scroll="s1"):
    return {"type": "list", "data": [{"type": "company", "id": name} for name in names], "scroll_param": scroll}


BUSY = (400, error_list("scroll_exists", "scroll already exists for this workspace"))


def test_scroll_until_the_empty_page():
    pages, server, _ = collect(
        script(company_page("a", "b"), company_page("c", scroll="s2"), company_page()), lambda c: c.companies_scroll()
    )
    assert ids(pages) == ["a", "b", "c"]
    assert [seen.query.get("scroll_param") for seen in server.seen] == [None, "s1", "s2"]
    assert not any(item.restarted for item in pages)


def test_scroll_waits_while_another_program_holds_it():
    pages, _, naps = collect(script(BUSY, BUSY, company_page("a"), company_page()), lambda c: c.companies_scroll())
    assert ids(pages) == ["a"]
    assert len(naps.taken) == 2
    assert all(60 <= pause <= 75 for pause in naps.taken)


@pytest.mark.parametrize(
    "loss",
    [
        (404, error_list("not_found", "scroll parameter not found")),
        (400, error_list("bad_request", "scroll_param expired")),
        (
            500,
            error_list(
                "server_error", "Request failed due to an internal network error. Please restart the scroll operation."
            ),
        ),
    ],
)
def test_scroll_that_is_lost_begins_anew(loss):
    pages, server, _ = collect(
        script(company_page("a"), loss, company_page("a"), company_page("b"), company_page()),
        lambda c: c.companies_scroll(),
    )
    assert ids(pages) == ["a", "a", "b"]
    assert [item.restarted for item in pages] == [False, True, False]
    # A page of a scroll is asked for once: a repeat would get the page after it.
    assert [seen.query.get("scroll_param") for seen in server.seen] == [None, "s1", None, "s1", "s1"]


def test_scroll_that_stays_taken_falls_back_to_the_list():
    def handler(request):
        if request.path == "/companies/scroll":
            return web.json_response(BUSY[1], status=400)
        number = int(request.query["page"])
        following = f"https://api.intercom.io/companies/list?per_page=60&page={number + 1}" if number < 3 else None
        data = [{"id": f"co{number}"}]
        return web.json_response(
            {"type": "list", "data": data, "pages": {"type": "pages", "next": following, "page": number}}
        )

    pages, server, naps = collect(handler, lambda c: c.companies_scroll())
    assert ids(pages) == ["co1", "co2", "co3"]
    assert len(naps.taken) == 2
    listed = [seen for seen in server.seen if seen.path == "/companies/list"]
    assert {seen.method for seen in listed} == {"POST"}
    # The front once more: that is where a company moves that becomes active meanwhile.
    assert [seen.query["page"] for seen in listed] == ["1", "2", "3", "1"]
    assert listed[0].query["per_page"] == "60"


def test_who_cannot_wait_gets_the_list_at_once():
    def handler(request):
        if request.path == "/companies/scroll":
            return web.json_response(BUSY[1], status=400)
        return web.json_response({"data": [{"id": "co1"}], "total_count": 1})

    pages, server, naps = collect(handler, lambda c: c.companies_scroll(patient=False))
    assert ids(pages) == ["co1"]
    assert pages[-1].truncated == ""
    assert naps.taken == []
    assert [seen.path for seen in server.seen] == ["/companies/scroll", "/companies/list"]


@pytest.mark.parametrize(("total", "whole"), [(3, True), (4, False), (None, True)])
def test_a_list_that_moved_while_it_was_read(total, whole):
    """Page two's only company becomes active after page one was read: it is found at the front. What Intercom counts
    and nobody saw is said."""
    fronts = [["a", "b"], ["moved", "a"]]

    def handler(request):
        if request.path == "/companies/scroll":
            return web.json_response(BUSY[1], status=400)
        first = request.query["page"] == "1"
        names = fronts.pop(0) if first else ["b"]
        pages = {"next": "https://x/companies/list?page=2"} if first and len(fronts) else None
        return web.json_response({"data": [{"id": name} for name in names], "pages": pages, "total_count": total})

    pages, _, _ = collect(handler, lambda c: c.companies_scroll(patient=False))
    assert set(ids(pages)) == {"a", "b", "moved"}
    assert (pages[-1].truncated == "") is whole


LIMIT = (400, error_list("bad_request", "page limit reached, please use scroll API"))


def test_fallback_says_when_the_list_was_cut():
    def handler(request):
        if request.path == "/companies/scroll":
            return web.json_response(BUSY[1], status=400)
        if request.query["page"] == "2":
            return web.json_response(LIMIT[1], status=400)
        return web.json_response({"data": [{"id": "co1"}], "pages": {"next": "https://x/companies/list?page=2"}})

    pages, _, _ = collect(handler, lambda c: c.companies_scroll())
    assert ids(pages) == ["co1"]
    assert "10,000" in pages[-1].truncated


def test_company_list_by_itself_raises_at_its_limit():
    with pytest.raises(ListLimit):
        collect(script(LIMIT), lambda c: c.companies_list())


# --------------------------------------------------------------------------------------------- deleted, events, tickets


def test_deleted_conversations_by_page_number():
    def handler(request):
        number = int(request.query["page"])
        following = (
            f"https://api.intercom.io/conversations/deleted?per_page=60&order=desc&page={number + 1}"
            if number < 2
            else None
        )
        item = {"type": "conversation", "id": str(number), "deleted_at": 1000 - number, "metrics_retained": False}
        return web.json_response({"conversations": [item], "pages": {"next": following, "page": number}})

    pages, server, _ = collect(handler, lambda c: c.conversations_deleted())
    assert [(item.id, item.deleted_at) for item in pages[0].items + pages[1].items] == [("1", 999), ("2", 998)]
    assert server.seen[0].query == {"page": "1", "per_page": "60", "order": "desc"}
    assert pages[0].next_cursor == "2"


def test_deleted_conversations_before_2_16():
    answer = (
        400,
        error_list("intercom_version_invalid", "Requested resource is not available in current API version."),
    )
    with pytest.raises(VersionUnsupported):
        collect(script(answer), lambda c: c.conversations_deleted())


def test_events_follow_only_the_query_of_the_given_address():
    def handler(request):
        before = request.query.get("before")
        events = [{"type": "event", "event_name": "login", "created_at": 5, "id": "e2" if before else "e1"}]
        following = (
            None
            if before
            else "https://evil.example/events?per_page=2&before=138&intercom_user_id=someone-else&type=user"
        )
        return web.json_response({"type": "event.list", "events": events, "pages": {"next": following}})

    pages, server, _ = collect(handler, lambda c: c.events("c1"))
    assert ids(pages) == ["e1", "e2"]
    assert server.seen[1].path == "/events"
    assert server.seen[1].query == {"type": "user", "intercom_user_id": "c1", "per_page": "50", "before": "138"}


def test_events_end_with_an_empty_page():
    answer = {"type": "event.summary", "events": [], "pages": {"next": "http://api.intercom.test/events?next page"}}
    pages, server, _ = collect(script(answer), lambda c: c.events("c1"))
    assert ids(pages) == []
    assert len(server.seen) == 1


def test_tickets():
    ticket = {"type": "ticket", "id": "5", "ticket_state": {"category": "resolved"}, "ticket_type": {"name": "Bug"}}
    pages, _, _ = collect(script(listing([ticket], "tickets")), lambda c: c.tickets_search(QUERY))
    assert (pages[0].items[0].state_label, pages[0].items[0].type_name) == ("resolved", "Bug")


# --------------------------------------------------------------------------------------------------------------- others


def test_conversation_with_parts():
    parts = [
        {"id": "p1", "part_type": "comment", "body": "<p>Hi</p>", "author": None},
        {"id": 2, "part_type": "from_mars"},
    ]
    answer = conversation("7", conversation_parts={"conversation_parts": parts, "total_count": 2}, statistics=None)
    found, server = ask(script(answer), lambda c: c.conversation("7"))
    assert [part.id for part in found.parts] == ["p1", "2"]
    assert server.last.path == "/conversations/7"


def test_creating_attributes():
    _, server = ask(
        script({"name": "acme_health", "id": 1}),
        lambda c: c.create_data_attribute(
            "company", "acme_health", "options", description="d", options=["Good", "Poor"]
        ),
    )
    assert server.last.body == {
        "model": "company",
        "name": "acme_health",
        "data_type": "options",
        "description": "d",
        "options": [{"value": "Good"}, {"value": "Poor"}],
    }


def test_name_clash_of_attributes_keeps_intercoms_words():
    clash = "You already have 'x' in your company data. To save this as new people data, use a different name"

    async def story():
        async with serve(script((400, error_list("parameter_invalid", clash)))) as server, client_for(server) as client:
            with pytest.raises(Invalid, match="already have 'x'"):
                await client.create_data_attribute("contact", "x", "string")

    asyncio.run(story())


def test_audiences_and_counting_requests():
    async def story():
        answers = script({"data": [{"id": "1", "name": "VIP"}]}, {"id": "2", "name": "N"})
        everyone = {"attribute": "role", "type": "role", "comparison": "eq", "value": "user"}
        async with serve(answers) as server, client_for(server) as client:
            found = await client.audiences()
            made = await client.create_audience("N", [everyone])
            return found, made, client.requests

    found, made, requests = asyncio.run(story())
    assert (found[0].name, made.id, requests) == ("VIP", "2", 2)


def test_upsert_needs_the_customers_own_id():
    with pytest.raises(ValueError, match="company_id"):
        ask(script({}), lambda c: c.upsert_company({"name": "X"}))


def test_uninstall_and_teams():
    _, server = ask(script({}), lambda c: c.uninstall())
    assert (server.last.method, server.last.path) == ("POST", "/auth/uninstall")
    teams, _ = ask(script({"type": "team.list", "teams": [{"id": 5, "name": "A"}]}), lambda c: c.teams())
    assert (teams[0].id, teams[0].name) == ("5", "A")


def test_archived_contact_is_not_found():
    async def story():
        answer = (404, error_list("not_found", "User Not Found"))
        async with serve(script(answer)) as server, client_for(server, backoff=Backoff(attempts=4)) as client:
            with pytest.raises(NotFound):
                await client.contact("c1")
            return client.requests

    assert asyncio.run(story()) == 1


def event_pages(*moments):
    """Answers /events with one page for each list of moments, each naming the next."""

    def handler(request):
        number = int(request.query.get("before", 0))
        found = [{"type": "event", "event_name": "e", "created_at": at, "id": str(at)} for at in moments[number]]
        pages = {"next": f"{request.url.with_query({'before': str(number + 1)})}"} if number + 1 < len(moments) else {}
        return web.json_response({"type": "event.list", "events": found, "pages": pages})

    return handler


@pytest.mark.parametrize(
    ("pages", "since", "most", "read", "more"),
    [
        ([[9, 8], [7, 6], [5, 4]], 0, 4, [9, 8, 7, 6, 5, 4], False),
        ([[9, 8], [7, 6], [5, 4]], 7, 4, [9, 8, 7, 6], False),  # 6 comes with the page that it stands on
        ([[9, 8], [7, 7], [7, 4]], 7, 4, [9, 8, 7, 7, 7, 4], False),  # the second goes on over the page
        ([[9, 8], [7, 6], [5, 4]], 0, 2, [9, 8, 7, 6], True),
        ([[9, 8], [7, 6]], 0, 2, [9, 8, 7, 6], False),
        ([[3, 9], [8, 2], [7, 1]], 5, 4, [3, 9, 8, 2, 7, 1], False),  # not newest first: behind old ones new ones come
        ([[]], 5, 4, [], False),
    ],
)
def test_events_since_reads_as_far_back_as_needed(pages, since, most, read, more):
    found, _ = ask(event_pages(*pages), lambda c: c.events_since("c1", since, pages=most))
    assert [item.created_at for item in found.items] == read
    assert (found.next_cursor is not None) == more


def test_events_since_goes_on_from_its_cursor():
    async def both(client):
        first = await client.events_since("c1", 0, pages=1)
        return await client.events_since("c1", 0, cursor=first.next_cursor, pages=5)

    found, _ = ask(event_pages([9], [8], [7]), both)
    assert [item.created_at for item in found.items] == [8, 7]
