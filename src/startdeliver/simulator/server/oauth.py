"""The authorize page and the token exchange (docs: setting up OAuth)."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from aiohttp import web

from startdeliver.simulator.api.access import Access
from startdeliver.simulator.api.routing import Answer
from startdeliver.simulator.errors import ApiError
from startdeliver.simulator.server import web_pages
from startdeliver.simulator.server.simulator import Simulator

EXCHANGE = "/auth/eagle/token"


async def handle(simulator: Simulator, request: web.BaseRequest) -> web.StreamResponse | None:
    """Answer GET /oauth and POST /oauth. Return None for any other request."""
    match (request.method, request.path):
        case ("GET", "/oauth"):
            return _authorize_page(simulator, request)
        case ("POST", "/oauth"):
            return await _decide(simulator, request)
    return None


def _target(access: Access, redirect_uri: str | None) -> str | None:
    """Return the URI to send the browser back to, or None when it is not a registered one.

    Without registered URIs, any http(s) URI is accepted, so that a demo needs no setup.
    """
    if not redirect_uri:
        return access.redirect_uris[0] if access.redirect_uris else None
    if access.redirect_uris:
        return redirect_uri if redirect_uri in access.redirect_uris else None
    parts = urlsplit(redirect_uri)
    return redirect_uri if parts.scheme in ("http", "https") and parts.netloc else None


def _refusal(message: str) -> web.Response:
    body = web_pages.document(
        "Authorization not possible", f"<h1>Authorization not possible</h1><p>{html.escape(message)}</p>"
    )
    return web.Response(text=body, status=400, content_type="text/html", headers=web_pages.HEADERS)


def _check(access: Access, client_id: str, redirect_uri: str | None) -> str | web.Response:
    if client_id != access.client_id:
        return _refusal("No app has this client_id.")
    target = _target(access, redirect_uri)
    return target if target is not None else _refusal("The redirect_uri is not registered for this app.")


def _authorize_page(simulator: Simulator, request: web.BaseRequest) -> web.Response:
    query = request.query
    target = _check(simulator.access, query.get("client_id", ""), query.get("redirect_uri"))
    if isinstance(target, web.Response):
        return target
    workspace, access = simulator.workspace, simulator.access
    scopes = "".join(f"<li>{html.escape(s)}</li>" for s in sorted(access.scopes))
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in (
            ("client_id", access.client_id),
            ("state", query.get("state", "")),
            ("redirect_uri", target),
        )
    )
    body = (
        f"<h1>Startdeliver wants to access {html.escape(workspace.name)}</h1>"
        f"<p>Workspace <strong>{html.escape(workspace.id_code)}</strong> ({html.escape(workspace.region)}), signed in "
        f"as {html.escape(workspace.me.name)}. The app asks for:</p><ul>{scopes}</ul>"
        f'<form method="post" action="/oauth">{hidden}<p class="actions">'
        '<button name="decision" value="authorize" class="primary">Authorize</button> '
        '<button name="decision" value="cancel">Cancel</button></p></form>'
        '<p class="muted">This is a simulated Intercom workspace. No real account is involved.</p>'
    )
    # The form's answer redirects the browser to the app, which a strict form-action would forbid.
    policy = web_pages.POLICY.replace("form-action 'self'", "form-action *")
    headers = {**web_pages.HEADERS, "Content-Security-Policy": policy}
    return web.Response(text=web_pages.document("Authorize access", body), content_type="text/html", headers=headers)


async def _decide(simulator: Simulator, request: web.BaseRequest) -> web.StreamResponse:
    form = {k: v[0] for k, v in parse_qs((await request.read()).decode(), keep_blank_values=True).items()}
    target = _check(simulator.access, form.get("client_id", ""), form.get("redirect_uri"))
    if isinstance(target, web.Response):
        return target
    answer = {"state": form["state"]} if form.get("state") else {}
    if form.get("decision") == "authorize":
        with simulator.workspace.lock:
            answer = {"code": simulator.access.issue_code(), **answer}
    else:
        answer = {"error": "access_denied", **answer}
    separator = "&" if urlsplit(target).query else "?"
    return web.Response(status=302, headers={"Location": f"{target}{separator}{urlencode(answer)}"})


async def exchange(access: Access, request: web.BaseRequest) -> Answer:
    """Exchange a code, sent as JSON or as a form, for a token."""
    raw = await request.read()
    try:
        if request.content_type == "application/json":
            params = {k: str(v) for k, v in msgspec.json.decode(raw, type=dict[str, Any]).items()}
        else:
            params = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
        token = access.exchange(params.get("code", ""), params.get("client_id", ""), params.get("client_secret", ""))
    except msgspec.DecodeError:
        return Answer(ApiError(400, "bad_request", "The request body is not valid JSON").body(), 400)
    except ApiError as error:
        return Answer(error.body(), error.status)
    return Answer({"token_type": "Bearer", "token": token, "access_token": token})
