"""Access to the API: OAuth codes, tokens with scopes, versions, and the rate limit in fixed 10-second windows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from startdeliver.simulator.errors import ApiError

DEFAULT_CLIENT_ID = "sim-client-id"
DEFAULT_CLIENT_SECRET = "sim-client-secret"
DEFAULT_TOKEN = "sim-access-token"
_OAUTH_PREFIX = "sim-oauth-token-"


class Scope(StrEnum):
    """Permissions of an app, by their names in the Developer Hub (OAuth scopes page)."""

    READ_LIST = "Read and list users and companies"
    READ_ONE = "Read one user and one company"
    READ_WRITE_USERS = "Read and write users"
    WRITE_USERS = "Write users and companies"
    WRITE_ATTRIBUTES = "Write data attributes"
    READ_CONVERSATIONS = "Read conversations"
    WRITE_CONVERSATIONS = "Write conversations"
    DELETE_METRICS = "Delete conversations and metrics"
    READ_TICKETS = "Read tickets"
    WRITE_TICKETS = "Write tickets"
    READ_EVENTS = "Read events"
    WRITE_EVENTS = "Write events"
    READ_TAGS = "Read tags"
    READ_ADMINS = "Read admins"
    READ_ONE_ADMIN = "Read one admin"
    GATHER_APP_DATA = "Gather app data"


VERSIONS = frozenset({(1, n) for n in range(5)} | {(2, n) for n in range(17)})
CODE_SECONDS = 600
WINDOW = 10

_DEAD_MESSAGES = {
    "unauthorized": "Access Token Invalid",
    "token_revoked": "Access Token has been revoked",
    "token_blocked": "Access Token has been blocked",
    "token_not_found": "Access Token not found",
    "token_unauthorized": "Access Token is not authorized",
    "token_expired": "Access Token has expired",
}


@dataclass
class Token:
    """A bearer token. `dead` is the error code of its 401 answers once it no longer works."""

    value: str
    scopes: set[str] = field(default_factory=lambda: set(Scope))
    dead: str | None = None


class Access:
    """The developer's app in one workspace: credentials, registered redirect URIs, codes and tokens."""

    def __init__(
        self,
        *,
        client_id: str = DEFAULT_CLIENT_ID,
        client_secret: str = DEFAULT_CLIENT_SECRET,
        token: str = DEFAULT_TOKEN,
        redirect_uris: Iterable[str] = (),
        app_version: str = "2.16",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.redirect_uris = list(redirect_uris)
        self.app_version = app_version
        self.scopes: set[str] = set(Scope)
        self.tokens: dict[str, Token] = {token: Token(token)}
        self._codes: dict[str, float] = {}
        self._now = now
        self._issued = 0
        self.accept_earlier = False
        """Whether OAuth tokens that an earlier process of this workspace issued are accepted."""

    # OAuth (docs: setting up OAuth)

    def issue_code(self) -> str:
        """Return a code for one exchange. It ends in `=`, which clients that do not quote it correctly lose."""
        self._issued += 1
        code = f"simcode{self._issued:04d}YWJjZGVm="
        self._codes[code] = self._now() + CODE_SECONDS
        return code

    def exchange(self, code: str, client_id: str, client_secret: str) -> str:
        """Return a token for a code. Raise ApiError 401 for an unknown, used or expired code or wrong credentials."""
        if (client_id, client_secret) != (self.client_id, self.client_secret):
            raise ApiError(401, "unauthorized", "Unauthorized Client")
        due = self._codes.pop(code, 0.0)
        if due < self._now():
            raise ApiError(401, "unauthorized", "Unauthorized Code")
        self._issued += 1
        value = f"{_OAUTH_PREFIX}{self._issued:04d}"
        self.tokens[value] = Token(value, set(self.scopes))
        return value

    # Tokens

    def authenticate(self, header: str | None) -> Token:
        """Return the token of an Authorization header. Raise ApiError 401."""
        if not header:
            raise ApiError(401, "missing_authorization", "Authorization header is missing")
        kind, _, value = header.partition(" ")
        value = value.strip()
        token = self.tokens.get(value) if kind.lower() == "bearer" else None
        if token is None and self.accept_earlier and value.startswith(_OAUTH_PREFIX):
            token = self.tokens[value] = Token(value, set(self.scopes))
        if token is None:
            raise ApiError(401, "unauthorized", _DEAD_MESSAGES["unauthorized"])
        if token.dead is not None:
            raise ApiError(401, token.dead, _DEAD_MESSAGES.get(token.dead, "Access Token Invalid"))
        return token

    def kill_tokens(self, code: str = "token_revoked", value: str | None = None) -> None:
        """Make one token (default: every token) answer 401 with `code` from now on."""
        for token in self.tokens.values():
            if value is None or token.value == value:
                token.dead = code

    def revive_tokens(self) -> None:
        for token in self.tokens.values():
            token.dead = None

    def drop_scope(self, scope: str) -> None:
        """Remove a scope from the app and from every token."""
        self.scopes.discard(scope)
        for token in self.tokens.values():
            token.scopes.discard(scope)

    def grant_scope(self, scope: str) -> None:
        if scope not in set(Scope):
            raise ValueError(f"unknown scope {scope!r}")
        self.scopes.add(scope)
        for token in self.tokens.values():
            token.scopes.add(scope)

    def version(self, header: str | None) -> tuple[int, int]:
        """Return the version in a call's header, or else the app's. Raise ApiError 400 for an unknown one."""
        text = header or self.app_version
        major, _, minor = text.partition(".")
        if major.isdecimal() and minor.isdecimal() and (version := (int(major), int(minor))) in VERSIONS:
            return version
        raise ApiError(400, "intercom_version_invalid", f"The requested version '{text}' is invalid")


def require(token: Token, scopes: tuple[str, ...]) -> None:
    """Raise ApiError 403 unless the token has one of the scopes."""
    if scopes and not any(s in token.scopes for s in scopes):
        raise ApiError(403, "forbidden", f"The access token is missing the scope '{scopes[0]}'")


@dataclass
class Limiter:
    """Limits the calls per fixed 10-second window of one app and of all apps of the workspace. 0 means no limit.

    `clock` is real time by default, not the workspace's clock, because clients wait in real time.
    """

    limit: int = 0
    workspace_limit: int = 0
    clock: Callable[[], float] = time.time
    refused: int = 0
    _window: int = -1
    _used: int = 0
    _others: int = 0

    def take(self) -> tuple[bool, dict[str, str]]:
        """Count a call. Return whether it is allowed, and the X-RateLimit headers of the current window."""
        self._roll()
        limit = self.limit or 1_000_000
        left = limit - self._used
        if self.workspace_limit:
            left = min(left, self.workspace_limit - self._used - self._others)
        allowed = left > 0
        if allowed:
            self._used += 1
            left -= 1
        else:
            self.refused += 1
        return allowed, {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, left)),
            "X-RateLimit-Reset": str((self._window + 1) * WINDOW),
        }

    def others_use(self, calls: int) -> None:
        """Count calls of the workspace's other apps in the current window. Only `workspace_limit` includes them."""
        self._roll()
        self._others += calls

    def error(self) -> ApiError:
        return ApiError(429, "rate_limit_exceeded", f"Exceeded rate limit of {self.limit} in {WINDOW}_seconds")

    def _roll(self) -> None:
        window = int(self.clock()) // WINDOW
        if window != self._window:
            self._window, self._used, self._others = window, 0, 0
