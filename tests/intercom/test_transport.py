"""What one request survives, and what it must never do."""

import asyncio
import logging

import pytest
from aiohttp import web

from startdeliver.intercom import (
    AuthError,
    Backoff,
    BadAnswer,
    Conflict,
    Gone,
    IntercomClient,
    Invalid,
    Kind,
    NotFound,
    PlanRestricted,
    RateLimited,
    ScopeMissing,
    ServerFault,
    Timeouts,
    Unreachable,
    VersionUnsupported,
)

from .server import TOKEN, Naps, client_for, conversation, error_list, script, serve

ME = {"type": "admin", "id": "1", "app": {"id_code": "ws1", "region": "EU", "timezone": "Europe/Berlin"}}


def html(status):
    return lambda request: web.Response(
        status=status, text="<html><body>Bad gateway</body></html>", content_type="text/html"
    )


def raw(body, **options):
    return lambda request: web.Response(body=body, content_type="application/json", **options)


def cut_off(request):
    """Promises more than it sends."""

    async def send():
        answer = web.StreamResponse(headers={"Content-Length": "5000", "Content-Type": "application/json"})
        await answer.prepare(request)
        await answer.write(b'{"id": "1", "ti')
        request.transport.abort()
        return answer

    return send()


def hang(request):
    async def sleep():
        await asyncio.sleep(30)
        return web.json_response({})

    return sleep()


def asking(handler, call, *, naps=None, **options):
    """Run ``call(client)`` against a handler; returns (result or exception, server)."""

    async def story():
        async with serve(handler) as server, client_for(server, naps, **options) as client:
            try:
                return await call(client), server, client.requests
            except Exception as error:
                return error, server, client.requests

    return asyncio.run(story())


def get_me(client):
    return client.me()


def test_sends_version_token_and_agent():
    me, server, _ = asking(script(ME), get_me, user_agent="Startdeliver/1")
    assert (me.workspace_id, me.region, me.app.timezone) == ("ws1", "EU", "Europe/Berlin")
    headers = server.last.headers
    assert headers["Intercom-Version"] == "2.16"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["User-Agent"] == "Startdeliver/1"


@pytest.mark.parametrize(
    "trouble",
    [
        (429, error_list("rate_limit_exceeded")),
        (408, error_list("request_timeout")),
        (500, error_list("server_error")),
        (503, error_list("service_unavailable")),
        html(502),
        html(200),
        html(404),  # a proxy's page must not read as "this record is gone"
        html(403),
        raw(b'{"type": "admin", "id": "1", "app": {"id_c'),
        raw(b""),
        cut_off,
    ],
)
def test_passing_trouble_is_retried(trouble):
    me, server, sent = asking(script(trouble, ME), get_me, limiter=_Open())
    assert me.workspace_id == "ws1"
    assert len(server.seen) == sent == 2


class _Open:
    """A limiter that never waits: the pauses under test are the transport's."""

    in_flight = 0

    async def acquire(self):
        pass

    def now(self):
        return 0.0

    def release(self, sent_at, status, headers):
        pass

    async def close(self):
        pass


@pytest.mark.parametrize(
    ("answer", "kind_of", "kind"),
    [
        ((401, error_list("unauthorized")), AuthError, Kind.CONFIG),
        ((401, error_list("token_revoked")), AuthError, Kind.CONFIG),
        ((402, {}), PlanRestricted, Kind.CONFIG),
        ((403, error_list("api_plan_restricted")), PlanRestricted, Kind.CONFIG),
        ((403, error_list("forbidden")), ScopeMissing, Kind.CONFIG),
        ((404, error_list("not_found")), VersionUnsupported, Kind.SYSTEM),
        ((409, error_list("conflict")), Conflict, Kind.CONFLICT),
        ((410, error_list("contact_merged")), Gone, Kind.GONE),
        ((400, error_list("parameter_invalid", "bad 'x' parameter")), Invalid, Kind.SYSTEM),
        ((422, error_list("data_invalid")), Invalid, Kind.SYSTEM),
    ],
)
def test_lasting_trouble_is_not_retried(answer, kind_of, kind):
    error, _, sent = asking(script(answer), get_me, limiter=_Open())
    assert type(error) is kind_of
    assert error.kind == kind
    assert sent == 1
    assert error.status == answer[0]


def test_a_missing_record_is_told_from_a_missing_address():
    def get_contact(client):
        return client.contact("c1")

    error, _, sent = asking(script((404, error_list("not_found"))), get_contact, limiter=_Open())
    assert type(error) is NotFound
    assert (error.kind, sent) == (Kind.NOT_FOUND, 1)


@pytest.mark.parametrize(
    ("trouble", "kind_of"),
    [
        ((500, error_list("server_error")), ServerFault),
        (html(502), ServerFault),
        (html(200), BadAnswer),
        (raw(b'{"id": "1'), BadAnswer),
        (cut_off, BadAnswer),
        ((429, error_list("rate_limit_exceeded")), RateLimited),
    ],
)
def test_lasting_trouble_ends_in_one_clear_error(trouble, kind_of):
    naps = Naps()
    error, _, sent = asking(script(trouble), get_me, naps=naps, limiter=_Open())
    assert isinstance(error, kind_of)
    assert 3 <= sent <= 20
    assert error.kind in (Kind.TRANSIENT, Kind.RATE_LIMITED)
    assert all(pause <= 20 for pause in naps.taken)


def test_an_answer_of_another_shape_is_not_asked_for_again():
    error, _, sent = asking(script({"type": "list", "data": {}}), lambda client: client.admins())
    assert isinstance(error, BadAnswer)
    assert sent == 1


def test_pauses_grow_and_stay_capped():
    naps = Naps()
    asking(script((500, {})), get_me, naps=naps, backoff=Backoff(attempts=8, first=1, longest=8), limiter=_Open())
    for index, pause in enumerate(naps.taken):
        full = min(8, 2**index)
        assert full / 2 <= pause <= full
    assert len(naps.taken) == 7


def test_the_deadline_ends_retrying():
    naps = Naps()
    limits = Timeouts(deadline=10)
    asking(
        script((500, {})), get_me, naps=naps, backoff=Backoff(attempts=50, first=4), timeouts=limits, limiter=_Open()
    )
    assert sum(naps.taken) <= 10


def test_retry_after_of_a_503_is_obeyed():
    naps = Naps()
    busy = raw(b"{}", status=503, headers={"Retry-After": "7"})
    asking(script(busy, ME), get_me, naps=naps, limiter=_Open())
    assert naps.taken == [7.0]


def test_time_out_is_retried_then_named():
    limits = Timeouts(connect=1, read=0.05, total=0.05)
    error, _, sent = asking(script(hang), get_me, timeouts=limits, backoff=Backoff(attempts=2), limiter=_Open())
    assert isinstance(error, Unreachable)
    assert error.timed_out
    assert sent == 2


def test_connection_refused_is_named():
    async def story():
        async with IntercomClient(TOKEN, "http://127.0.0.1:9", sleep=Naps(), backoff=Backoff(attempts=2)) as client:
            await client.me()

    with pytest.raises(Unreachable, match="refused"):
        asyncio.run(story())


def test_unknown_host_is_named():
    async def story():
        async with IntercomClient(TOKEN, "http://api.invalid", sleep=Naps(), backoff=Backoff(attempts=1)) as client:
            await client.me()

    with pytest.raises(Unreachable):
        asyncio.run(story())


def test_too_large_an_answer_is_refused():
    async def story():
        async with serve(script(raw(b'{"id": "' + b"x" * 5000 + b'"}'))) as server:
            client = client_for(server)
            client._transport._max_answer = 1000
            async with client:
                await client.me()

    with pytest.raises(BadAnswer, match="larger"):
        asyncio.run(story())


def test_too_large_an_answer_is_refused_also_compressed():
    def squeezed(request):
        answer = web.Response(body=b'{"id": "' + b"x" * 500_000 + b'"}', content_type="application/json")
        answer.enable_compression()
        return answer

    async def story():
        async with serve(script(squeezed)) as server:
            client = client_for(server)
            client._transport._max_answer = 100_000
            async with client:
                await client.me()

    with pytest.raises(BadAnswer, match="larger"):
        asyncio.run(story())


# --------------------------------------------------------------------------------------------------------------- writes


def create(client):
    return client.create_contact({"email": "a@b.c"})


@pytest.mark.parametrize("trouble", [(500, error_list("server_error")), html(502), cut_off, raw(b'{"id": "')])
def test_a_create_that_may_have_happened_is_not_sent_twice(trouble):
    error, _, sent = asking(script(trouble, {"id": "c1"}), create, limiter=_Open())
    assert isinstance(error, (ServerFault, BadAnswer, Unreachable))
    assert sent == 1


def test_a_create_that_was_rate_limited_is_sent_again():
    contact, _, sent = asking(script((429, error_list("rate_limit_exceeded")), {"id": "c1"}), create, limiter=_Open())
    assert contact.id == "c1"
    assert sent == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.update_contact("c1", {"name": "X"}),
        lambda client: client.update_company("co1", {"name": "X"}),
        lambda client: client.upsert_company({"company_id": "7", "name": "X"}),
        lambda client: client.attach_contact("c1", "co1"),
    ],
)
def test_writes_that_say_the_whole_truth_are_retried(call):
    result, server, sent = asking(script((502, {}), {"id": "x"}), call, limiter=_Open())
    assert result.id == "x"
    assert sent == 2
    assert server.seen[0].body == server.seen[1].body


# -------------------------------------------------------------------------------------------------------------- secrets


def test_a_redirect_to_another_host_is_not_followed():
    async def story():
        async with serve(script(ME)) as other:

            def away(request):
                return web.Response(status=302, headers={"Location": other.url + "/me"})

            async with serve(away) as server, client_for(server) as client:
                with pytest.raises(BadAnswer, match="redirect"):
                    await client.me()
            return other.seen

    assert asyncio.run(story()) == []


def test_the_token_is_in_no_message_repr_or_log(caplog):
    caplog.set_level(logging.DEBUG)
    echo = (400, error_list("parameter_invalid", f"your token {TOKEN} is odd"))
    error, _, _ = asking(script(echo), get_me)
    assert "is odd" in error.sentence
    told = f"{error} {error!r} {error.detail} {error.__dict__} {caplog.text}"
    assert TOKEN not in told

    async def story():
        async with serve(script((500, {}))) as server, client_for(server) as client:
            with pytest.raises(ServerFault) as caught:
                await client.me()
            return f"{client!r} {client._transport!r} {caught.value.__dict__} {caught.value.__context__!r}"

    assert TOKEN not in asyncio.run(story()) + caplog.text


def test_an_id_cannot_leave_its_place_in_the_path():
    _, server, _ = asking(script(conversation()), lambda client: client.conversation("../me?x=1"))
    assert server.last.path != "/me"
    assert server.last.query == {}
