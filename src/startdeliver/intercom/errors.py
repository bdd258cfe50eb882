"""What can go wrong between us and Intercom, as one table: answer → exception, retry, and the sentence for the
administrator.

Sources: Intercom's list of error codes (developers.intercom.com, REST API, errors), OpenAPI 2.16 examples, and codes
that other connectors saw live (``scroll_exists``, ``company_not_found``, ``invalid_sort_order``).

Every exception carries one plain sentence (``str(error)``) that says what happened, what it means for the data and what
to do. The technical rest is in ``error.detail`` for the log. Neither ever holds a token: the transport scrubs it before
an error is built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Who can mend it: the administrator (config), time (transient, rate_limited), us (system), or nobody (a fact about
    a record).
    """

    CONFIG = "config"
    TRANSIENT = "transient"
    SYSTEM = "system"
    GONE = "gone"
    CONFLICT = "conflict"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"


class Retry(StrEnum):
    """What the transport does with an answer: give up, wait a growing while, or wait for the next rate-limit window."""

    NEVER = "never"
    BACKOFF = "backoff"
    WINDOW = "window"


class IntercomError(Exception):
    """Base of everything that this package raises on purpose.

    ``sentence``: for the person. ``kind``: see :class:`Kind`. ``code``: Intercom's error code or "". ``status``: HTTP
    status or None when there was no answer. ``request_id``: Intercom's, for its support. ``detail``: for the log.
    """

    default_kind: Kind = Kind.SYSTEM

    def __init__(
        self,
        sentence: str,
        *,
        kind: Kind | None = None,
        code: str = "",
        status: int | None = None,
        request_id: str | None = None,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.kind = kind or self.default_kind
        self.code = code
        self.status = status
        self.request_id = request_id
        self.detail = detail
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status={self.status}, code={self.code!r}, request_id={self.request_id!r})"


class AuthError(IntercomError):
    """The token is dead (revoked, blocked, unknown); nothing works until an administrator authenticates again."""

    default_kind = Kind.CONFIG


class ScopeMissing(IntercomError):
    """The app lacks a permission; ``scope`` is its name in Intercom's Developer Hub, "" when unknown."""

    default_kind = Kind.CONFIG
    scope: str = ""


class PlanRestricted(IntercomError):
    """The workspace's Intercom plan does not include what was asked for."""

    default_kind = Kind.CONFIG


class NotFound(IntercomError):
    """The record does not exist, or is an archived contact (Intercom answers 404 for those)."""

    default_kind = Kind.NOT_FOUND


class Gone(IntercomError):
    """410: the contact was merged; ``merged_into`` is the survivor's id, None when Intercom did not say."""

    default_kind = Kind.GONE
    merged_into: str | None = None


class Conflict(IntercomError):
    """409: a record with those details exists.

    ``existing_id`` names it when Intercom does, ``archived`` whether it is archived.
    """

    default_kind = Kind.CONFLICT
    existing_id: str | None = None
    archived: bool = False


class RateLimited(IntercomError):
    """429 again and again: other programs use up the workspace's allowance."""

    default_kind = Kind.RATE_LIMITED


class Invalid(IntercomError):
    """Intercom refused what was sent (400, 413, 415, 422); ``field`` is the parameter it names, when it does."""

    default_kind = Kind.SYSTEM
    field: str | None = None


class VersionUnsupported(Invalid):
    """400 ``intercom_version_invalid``: the API version in use does not have this endpoint."""


class CursorExpired(Invalid):
    """The position in a listing is no longer accepted; start the listing again from its query."""

    default_kind = Kind.TRANSIENT


class ScrollBusy(IntercomError):
    """400 ``scroll_exists``: another program holds the workspace's only company scroll."""

    default_kind = Kind.TRANSIENT


class ScrollLost(IntercomError):
    """The company scroll expired or broke; it cannot be continued, only started again."""

    default_kind = Kind.TRANSIENT


class ListLimit(IntercomError):
    """400 on /companies/list beyond 10,000 companies."""


class BadAnswer(IntercomError):
    """An answer that is not what the API promises: HTML, truncated JSON, a wrong shape, too large, or a redirect
    elsewhere.
    """

    default_kind = Kind.TRANSIENT


class Unreachable(IntercomError):
    """No answer: DNS, refused or reset connection, TLS, time-out. ``timed_out`` tells a time-out from the others."""

    default_kind = Kind.TRANSIENT
    timed_out: bool = False


class ServerFault(IntercomError):
    """Intercom answered 5xx (or 408) after every retry."""

    default_kind = Kind.TRANSIENT


# ------------------------------------------------------------------------------------------------------------ the table

_KEPT = "What was imported before stays."


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: which exception, whether to try again, and the sentence ({message} and {scope} are filled in)."""

    error: type[IntercomError]
    retry: Retry
    sentence: str


_DEAD = Rule(
    AuthError,
    Retry.NEVER,
    "Intercom no longer accepts the access token, so nothing can be synced. "
    + _KEPT
    + " Authenticate again under Apps → Intercom.",
)
_SCOPE = Rule(
    ScopeMissing,
    Retry.NEVER,
    "The Intercom app lacks the permission {scope}, so this part of the sync cannot run. "
    "Tick it for the app in Intercom's "
    "Developer Hub (Configure → Authentication), then authenticate again.",
)
_PLAN = Rule(
    PlanRestricted,
    Retry.NEVER,
    "The Intercom plan of this workspace does not include this part of the API, "
    "so that data cannot be read or written. "
    "Change the plan in Intercom, or leave this part off.",
)
_RATE = Rule(
    RateLimited,
    Retry.WINDOW,
    "Intercom's rate limit for this workspace was used up again and again, probably by other apps. "
    + _KEPT
    + " The next sync continues; if it keeps happening, raise the reserve or ask Intercom for a higher limit.",
)
_FAULT = Rule(
    ServerFault,
    Retry.BACKOFF,
    "Intercom had an internal error and did not recover while we retried. "
    + _KEPT
    + " The next sync continues from there.",
)
_TIMEOUT = Rule(
    ServerFault,
    Retry.BACKOFF,
    "Intercom took too long to answer, even after retries. " + _KEPT + " The next sync continues from there.",
)
_MISSING = Rule(
    NotFound,
    Retry.NEVER,
    "Intercom does not have this record any more (or it is archived there), so it is passed over.",
)
_ABSENT = Rule(
    VersionUnsupported,
    Retry.NEVER,
    "Intercom does not offer this at the API address in use, so this part is left out. "
    "If nothing else arrives either, check the API address and any proxy between this server and Intercom.",
)
_CONFLICT = Rule(
    Conflict,
    Retry.NEVER,
    "Intercom already has a record with those details, so none was created. Link the existing one instead.",
)
_MERGED = Rule(
    Gone, Retry.NEVER, "This contact was merged into another one in Intercom; its tickets follow the surviving contact."
)
_INVALID = Rule(
    Invalid,
    Retry.NEVER,
    "Intercom refused a request ({message}), so that part was not done. "
    "Nothing else is affected; please report it with the run.",
)

BY_CODE: Mapping[str, Rule] = {
    **dict.fromkeys(
        (
            "unauthorized",
            "token_revoked",
            "token_blocked",
            "token_not_found",
            "token_unauthorized",
            "token_expired",
            "missing_authorization",
        ),
        _DEAD,
    ),
    "forbidden": _SCOPE,
    "action_forbidden": _SCOPE,
    "api_plan_restricted": _PLAN,
    "rate_limit_exceeded": _RATE,
    "too_many_requests": _RATE,
    "not_found": _MISSING,
    "company_not_found": _MISSING,
    "admin_not_found": _MISSING,
    "team_not_found": _MISSING,
    "field_not_found": _MISSING,
    "contact_merged": _MERGED,
    "not_restorable": Rule(
        NotFound, Retry.NEVER, "This contact is blocked in Intercom and cannot be restored, so it is passed over."
    ),
    "conflict": _CONFLICT,
    "resource_conflict": _CONFLICT,
    "scroll_exists": Rule(
        ScrollBusy,
        Retry.NEVER,  # the client waits a minute and falls back to the list; see client.companies_scroll
        "Another program is reading the companies of this Intercom workspace, and Intercom allows one at a time. "
        "Companies are read at the next sync; nothing is lost.",
    ),
    "intercom_version_invalid": Rule(
        VersionUnsupported,
        Retry.NEVER,
        "Intercom does not offer this in the API version in use, so this part is left out. "
        "Startdeliver expects version 2.16.",
    ),
}

BY_STATUS: Mapping[int, Rule] = {
    400: _INVALID,
    401: _DEAD,
    402: _PLAN,
    403: _SCOPE,
    404: _MISSING,
    408: _TIMEOUT,
    409: _CONFLICT,
    410: _MERGED,
    413: _INVALID,
    415: _INVALID,
    422: _INVALID,
    429: _RATE,
    504: _TIMEOUT,
}

_PERMISSIONS: Mapping[str, str] = {
    # The permission to tick in Developer Hub (Intercom: "OAuth scopes" in its docs) → endpoint names, as in streams.py
    # and client.py. Where a narrower one would do, the one that the integration needs anyhow is named.
    "Read admins": "admins teams",
    "Read tags": "tags",
    "Read and list users and companies": (
        "contact contact_companies company contacts_list contacts_search contacts_count companies_scroll "
        "companies_list data_attributes audiences"
    ),
    "Write users and companies": (
        "update_contact create_contact attach_contact update_company upsert_company create_audience"
    ),
    "Read conversations": "conversations_search conversation conversations_deleted",
    "Read tickets": "tickets_search",
    "Read events": "events",
    "Write data attributes": "create_data_attribute update_data_attribute",
    "Gather app data": "me",
}
SCOPES = {endpoint: permission for permission, endpoints in _PERMISSIONS.items() for endpoint in endpoints.split()}

# Where a 404 cannot mean that a record is missing, since none was named.
_UNNAMED = (
    "me admins teams tags contacts_list contacts_search contacts_count companies_list conversations_search "
    "conversations_deleted tickets_search data_attributes audiences"
)
NAME_NO_RECORD = frozenset(_UNNAMED.split())

_LINKED_CONTACT = re.compile(r"</contacts/([^>/?]+)>")
_EXISTING_ID = re.compile(r"\bid[=:]\s*[\"']?([0-9A-Za-z-]{6,128})")
_CURSOR_WORDS = re.compile(r"starting_after|cursor|page token|pagination", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """One entry of Intercom's ``error.list``."""

    code: str = ""
    message: str = ""
    field: str | None = None


def rule_for(status: int, code: str) -> Rule:
    """The table's row for an answer.

    A 408, 429 or 5xx is judged by its status: a code says nothing about whether to wait.
    """
    if status == 429:
        return _RATE
    if status >= 500 or status == 408:
        return BY_STATUS.get(status, _FAULT)
    return BY_CODE.get(code) or BY_STATUS.get(status, _INVALID)


def error_for(
    status: int,
    item: ErrorItem,
    *,
    endpoint: str = "",
    request_id: str | None = None,
    link: str = "",
    cursor_sent: bool = False,
    retry_after: float | None = None,
) -> tuple[IntercomError, Retry]:
    """The exception for an error answer, and what the transport should do about it.

    ``endpoint`` is a key of ``SCOPES``; ``link`` the answer's Link header (merged contacts); ``cursor_sent`` whether
    the request held a paging cursor, without which a complaint about one cannot mean that it expired.
    """
    rule = rule_for(status, item.code)
    if rule is _MISSING and endpoint in NAME_NO_RECORD:
        rule = _ABSENT
    message = " ".join(item.message.split())[:300]
    known = SCOPES.get(endpoint)
    sentence = rule.sentence.replace("{scope}", f"“{known}”" if known else "for this data")
    sentence = sentence.replace("{message}", message or item.code or f"HTTP {status}")
    kind_of = rule.error
    if kind_of is Invalid and cursor_sent and _CURSOR_WORDS.search(f"{item.code} {message} {item.field or ''}"):
        kind_of = CursorExpired
        sentence = (
            "Intercom no longer knows this position in a listing, "
            "so the listing is read again from its start. Nothing is lost."
        )
    elif kind_of is Invalid and endpoint == "companies_list" and "scroll" in message.lower():
        kind_of = ListLimit
        sentence = (
            "Another program was reading the companies of this Intercom workspace, and while it does "
            "Intercom lists only the 10,000 most recently active ones, so the others were not read this time. "
            "They follow at the next sync."
        )
    error = kind_of(
        sentence,
        code=item.code,
        status=status,
        request_id=request_id,
        detail=f"HTTP {status} {item.code} {message} endpoint={endpoint} request_id={request_id}",
        retry_after=retry_after,
    )
    if isinstance(error, ScopeMissing):
        error.scope = known or ""
    elif isinstance(error, Gone):
        found = _LINKED_CONTACT.search(link)
        error.merged_into = found.group(1) if found else None
    elif isinstance(error, Conflict):
        found = _EXISTING_ID.search(message)
        error.existing_id = found.group(1) if found else None
        error.archived = "archived" in message.lower()
    elif isinstance(error, Invalid):
        error.field = item.field
    return error, rule.retry


def unreachable(reason: str, *, timed_out: bool = False) -> Unreachable:
    """No usable answer at transport level.

    ``reason`` is a few words such as "the connection was refused", without addresses or secrets.
    """
    error = Unreachable(
        f"Intercom could not be reached ({reason}), even after retries. {_KEPT} "
        "Check this server's network and proxy; the next sync continues.",
        detail=reason,
    )
    error.timed_out = timed_out
    return error


def bad_answer(reason: str, *, status: int | None = None, request_id: str | None = None, detail: str = "") -> BadAnswer:
    """An answer that cannot be Intercom's API. ``reason`` completes "Intercom's answer …"."""
    return BadAnswer(
        f"Intercom's answer {reason}, so that part was not taken over. {_KEPT} "
        "If it happens again, check the API address and any proxy between this server and Intercom.",
        status=status,
        request_id=request_id,
        detail=detail or reason,
    )
