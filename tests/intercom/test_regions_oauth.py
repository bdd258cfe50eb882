import asyncio

import pytest
from aiohttp import web

from startdeliver.intercom import BadAnswer, Unreachable, oauth, regions

from .server import script, serve


@pytest.mark.parametrize(
    ("code", "api", "app"),
    [
        ("US", "https://api.intercom.io", "https://app.intercom.com"),
        ("eu", "https://api.eu.intercom.io", "https://app.eu.intercom.com"),
        ("AU", "https://api.au.intercom.io", "https://app.au.intercom.com"),
        (None, "https://api.intercom.io", "https://app.intercom.com"),
        ("mars", "https://api.intercom.io", "https://app.intercom.com"),
    ],
)
def test_hosts(code, api, app):
    assert regions.api_url(code) == api
    assert regions.app_url(code) == app


def test_overrides_redirect_requests_but_never_links():
    assert regions.api_url("EU", "http://127.0.0.1:9000/") == "http://127.0.0.1:9000"
    assert regions.app_url("EU", "http://127.0.0.1:9000") == "http://127.0.0.1:9000"
    link = regions.region("EU").conversation_link("ws 1", "12")
    assert link == "https://app.eu.intercom.com/a/inbox/ws%201/inbox/conversation/12"


def test_links():
    us = regions.region("US")
    assert us.conversation_link("w", "12", "34").endswith("/conversation/12#part_id=comment-12-34")
    assert us.contact_link("w", "c1") == "https://app.intercom.com/a/apps/w/users/c1"
    assert us.company_link("w", "co/1") == "https://app.intercom.com/a/apps/w/companies/co%2F1"


def test_authorize_url():
    url = oauth.authorize_url("id&1", "s=1", region="EU", redirect_uri="https://cs.example.com/back?x=1")
    assert url == (
        "https://app.eu.intercom.com/oauth?client_id=id%261&state=s%3D1"
        "&redirect_uri=https%3A%2F%2Fcs.example.com%2Fback%3Fx%3D1"
    )
    assert oauth.authorize_url("a", "b", override="http://sim:1").startswith("http://sim:1/oauth?")
    assert "scope" not in url


def test_state_is_unguessable_and_lives_ten_minutes():
    state = oauth.State.new(1000)
    assert state.value != oauth.State.new(1000).value
    assert len(state.value) >= 32
    assert state.accepts(state.value, 1000 + 600)
    assert not state.accepts(state.value, 1000 + 601)
    assert not state.accepts(state.value, 999)
    assert not state.accepts(state.value + "x", 1001)
    assert not state.accepts("", 1001)
    assert not state.accepts(None, 1001)
    assert not state.accepts("é", 1001)
    assert state.value not in repr(state)


def exchange(handler, code="code=="):
    async def story():
        async with serve(handler) as server:
            try:
                return await oauth.exchange_code(
                    code, client_id="cid", client_secret="csecret", api_override=server.url
                ), server
            except Exception as error:
                return error, server

    return asyncio.run(story())


def test_the_code_keeps_its_equals_signs():
    token, server = exchange(script({"token_type": "Bearer", "token": "t1", "access_token": "t1"}))
    assert token == "t1"
    assert server.last.path == "/auth/eagle/token"
    assert server.last.body == {"code": "code==", "client_id": "cid", "client_secret": "csecret"}
    assert "Authorization" not in server.last.headers


@pytest.mark.parametrize("answer", [{"token": "t2"}, {"access_token": "t2"}])
def test_either_name_of_the_token(answer):
    assert exchange(script(answer))[0] == "t2"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refused_code_names_the_settings_and_no_secret(status):
    error, server = exchange(script((status, {"errors": [{"message": "csecret"}]})))
    assert isinstance(error, oauth.CodeRefused)
    assert "INTERCOM_CLIENT_SECRET" in str(error)
    assert "csecret" not in f"{error!r}{error}{error.__dict__}"
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "answer", [(500, {}), {}, {"token": ""}, lambda request: web.Response(text="<html>", content_type="text/html")]
)
def test_an_answer_without_a_token(answer):
    error, server = exchange(script(answer))
    assert isinstance(error, BadAnswer)
    assert len(server.seen) == 1


def test_no_answer():
    with pytest.raises(Unreachable):
        asyncio.run(oauth.exchange_code("c", client_id="i", client_secret="s", api_override="http://127.0.0.1:9"))
