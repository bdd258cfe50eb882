"""Intercom's OAuth flow: authorize address, state, exchange of the code, uninstall. Pure where it can be; storing is
the caller's.

Source: docs "Setting up OAuth". No scopes in the address (they are set in Developer Hub), no expiry, no refresh token.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
import msgspec

from startdeliver.intercom import wire
from startdeliver.intercom.errors import IntercomError, Kind, bad_answer, unreachable
from startdeliver.intercom.regions import TOKEN_HOST, app_url

STATE_LIFETIME = 600  # seconds


@dataclass(frozen=True, slots=True)
class State:
    """A login attempt to remember in the session: an unguessable value and when it was made (unix seconds)."""

    value: str = field(repr=False)
    made_at: int

    @classmethod
    def new(cls, now: float) -> State:
        return cls(secrets.token_urlsafe(32), int(now))

    def accepts(self, returned: str | None, now: float) -> bool:
        """Whether what came back is this attempt, within ten minutes.

        The caller forgets the state on any return (single use).
        """
        if not returned or not 0 <= now - self.made_at <= STATE_LIFETIME:
            return False
        return hmac.compare_digest(self.value.encode(), returned.encode())


def authorize_url(
    client_id: str, state: str, *, region: str | None = None, redirect_uri: str = "", override: str = ""
) -> str:
    """Where to send the administrator. ``region`` picks the host, ``override`` (INTERCOM_APP_URL) replaces it."""
    query = {"client_id": client_id, "state": state}
    if redirect_uri:
        query["redirect_uri"] = redirect_uri
    return f"{app_url(region, override)}/oauth?{urlencode(query)}"


class CodeRefused(IntercomError):
    """Intercom did not accept the code, the client id or the client secret."""

    default_kind = Kind.CONFIG


class _Answer(wire.Wire):
    token: str | None = None
    access_token: str | None = None


_answer = msgspec.json.Decoder(_Answer)


async def exchange_code(
    code: str, *, client_id: str, client_secret: str, api_override: str = "", patience: float = 20.0
) -> str:
    """The access token for a code from the callback (POST /auth/eagle/token, the same host for every region).

    The code is sent as received: it may end in "=". Sent once, since a code works once. Raises CodeRefused, BadAnswer,
    Unreachable.
    """
    url = f"{(api_override or TOKEN_HOST).rstrip('/')}/auth/eagle/token"
    form: Mapping[str, str] = {"code": code, "client_id": client_id, "client_secret": client_secret}
    limits = aiohttp.ClientTimeout(total=patience)
    try:
        async with (
            aiohttp.ClientSession(timeout=limits, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(url, json=form, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
        ):
            raw = await answer.content.read(64 * 1024)
            status = answer.status
    except TimeoutError:
        raise unreachable("it did not answer in time", timed_out=True) from None
    except (aiohttp.ClientError, OSError):
        raise unreachable("the connection failed") from None
    if status in (400, 401, 403, 404, 422):
        raise CodeRefused(
            "Intercom did not accept the authentication, so nothing was connected. "
            "Click to start authentication again; if it keeps "
            "failing, the operator should check INTERCOM_CLIENT_ID and INTERCOM_CLIENT_SECRET.",
            status=status,
            detail=f"token exchange: HTTP {status}",
        )
    if status != 200:
        raise bad_answer("to the authentication was an error", status=status, detail=f"token exchange: HTTP {status}")
    try:
        body = _answer.decode(raw)
    except msgspec.DecodeError:
        raise bad_answer("to the authentication was not data", status=status) from None
    token = body.access_token or body.token
    if not token:
        raise bad_answer("to the authentication held no token", status=status)
    return token
