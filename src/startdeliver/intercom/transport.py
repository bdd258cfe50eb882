"""One HTTP request to Intercom, done properly: paced, bounded, retried when that is safe, its token never sent
elsewhere.

Retries: 408, 429 and 5xx answers, resets, time-outs, truncated JSON and HTML error pages, with growing, jittered
pauses. Never 409, and a write that may have taken effect is not sent twice unless doing so changes nothing
(``Safety``).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from startdeliver.intercom import wire
from startdeliver.intercom.decode import NotJson
from startdeliver.intercom.errors import (
    ErrorItem,
    IntercomError,
    RateLimited,
    Retry,
    bad_answer,
    error_for,
    unreachable,
)
from startdeliver.intercom.limiter import Limiter

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_ANSWER = 64 * 1024 * 1024
_ERROR_BODY = 64 * 1024
_MAX_THROTTLES = 12
_MAX_THROTTLED = 300.0  # seconds that one request waits for the rate limit after being refused
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_error_list: Callable[[bytes], wire.ErrorList] = msgspec.json.Decoder(wire.ErrorList, strict=False).decode
_to_json: Callable[[object], bytes] = msgspec.json.Encoder().encode


class Safety(Enum):
    """Whether a request may be sent again when nobody knows if the first one took effect."""

    REPEATABLE = "repeatable"  # reads, and writes that say the whole truth (PUT, upsert, attach)
    ONCE = "once"  # creates: sent again only when Intercom surely did nothing (refused connection, 429)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: ``connect`` to open a connection, ``read`` between two chunks, ``total`` for one attempt, ``deadline``
    for all of them together with the pauses between (waiting for the rate limit does not count)."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 60.0
    deadline: float = 90.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """``attempts`` in all; pauses of ``first`` seconds, doubled up to ``longest``, each times 0.5–1.0 at random."""

    attempts: int = 5
    first: float = 0.5
    longest: float = 20.0

    def pause(self, failed: int) -> float:
        return float(min(self.longest, self.first * 2 ** (failed - 1)) * random.uniform(0.5, 1.0))  # noqa: S311


class Transport:
    """Sends requests to one API origin with one token.

    Belongs to one event loop; opens its session at the first request.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        version: str,
        limiter: Limiter,
        concurrency: int = 64,
        timeouts: Timeouts | None = None,
        backoff: Backoff | None = None,
        user_agent: str = "Startdeliver",
        max_answer: int = MAX_ANSWER,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be an http(s) address")
        self.base_url = base_url.rstrip("/")
        self.limiter = limiter
        self.requests = 0
        self._token = token
        self._headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "Intercom-Version": version,
            "User-Agent": user_agent,
        }
        self._headers_with_body = {**self._headers, "Content-Type": "application/json"}
        self._timeouts = timeouts or Timeouts()
        self._backoff = backoff or Backoff()
        self._concurrency = concurrency
        self._max_answer = max_answer
        self._sleep = sleep
        self._proxy = _proxy_for(parts.scheme, parts.hostname)
        self._session: aiohttp.ClientSession | None = None
        self._places: asyncio.Semaphore | None = None

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    async def close(self) -> None:
        await self.limiter.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        endpoint: str,
        method: str,
        path: str,
        decode: Callable[[bytes], T],
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        safety: Safety = Safety.REPEATABLE,
        attempts: int | None = None,
        cursor_sent: bool = False,
    ) -> T:
        """Send until there is an answer and return it decoded. ``path`` is already quoted; ``decode`` may raise
        NotJson.

        Raises the exceptions of ``errors.py``.
        """
        url = self._url(path, params)
        data = None if body is None else _to_json(body)
        most = attempts or self._backoff.attempts
        failed = throttled = 0
        spent = refused_at = 0.0
        session, places = self._ready()
        while True:
            try:
                async with places:
                    await self.limiter.acquire()
                    started = self.limiter.now()
                    return await self._attempt(session, endpoint, method, url, data, decode, cursor_sent)
            except _Failed as failure:
                error, retry, sent = failure.error, failure.retry, failure.maybe_done
            spent += self.limiter.now() - started
            if retry is Retry.WINDOW:
                refused_at = refused_at if throttled else self.limiter.now()
            late = retry is Retry.WINDOW and self.limiter.now() - refused_at > _MAX_THROTTLED
            if retry is Retry.WINDOW and throttled < _MAX_THROTTLES and not late:
                throttled += 1
                continue
            failed += 1
            pause = max(self._backoff.pause(failed), error.retry_after or 0.0)
            if (
                retry is not Retry.BACKOFF
                or failed >= most
                or (sent and safety is Safety.ONCE)
                or spent + pause > self._timeouts.deadline
            ):
                raise error from None
            log.info(
                "Intercom %s: %s; attempt %d of %d failed, next in %.1f s", endpoint, error.detail, failed, most, pause
            )
            spent += pause
            await self._sleep(pause)

    # ------------------------------------------------------------------------------------------------------ one attempt

    async def _attempt(
        self,
        session: aiohttp.ClientSession,
        endpoint: str,
        method: str,
        url: URL,
        data: bytes | None,
        decode: Callable[[bytes], T],
        cursor_sent: bool,
    ) -> T:
        headers = self._headers if data is None else self._headers_with_body
        released = False
        sent_at = self.limiter.now()
        self.requests += 1
        try:
            async with session.request(
                method, url, data=data, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as answer:
                released = True
                self.limiter.release(sent_at, answer.status, answer.headers)
                raw = await self._read(answer)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            slow = isinstance(error, TimeoutError)
            raise _Failed(unreachable(_reason(error), timed_out=slow), Retry.BACKOFF, maybe_done=False) from None
        except TimeoutError:
            raise _Failed(unreachable("it did not answer in time", timed_out=True), Retry.BACKOFF) from None
        except aiohttp.ClientPayloadError:
            raise _Failed(bad_answer("broke off before its end"), Retry.BACKOFF) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Failed(unreachable(_reason(error)), Retry.BACKOFF) from None
        finally:
            if not released:
                self.limiter.release(sent_at, None, None)
        if 200 <= answer.status < 300:
            try:
                return decode(raw)
            except NotJson as error:
                raise self._undecodable(answer, raw, str(error), endpoint) from None
        raise self._refused(endpoint, answer, raw, cursor_sent)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        length = answer.content_length
        if length is not None and length > self._max_answer:
            answer.close()
            raise _Failed(bad_answer("was larger than we accept", status=answer.status), Retry.NEVER)
        if length is not None and "Content-Encoding" not in answer.headers:
            return await answer.read()
        chunks: list[bytes] = []
        size = 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > self._max_answer:
                answer.close()
                raise _Failed(bad_answer("was larger than we accept", status=answer.status), Retry.NEVER)
            chunks.append(chunk)
        return b"".join(chunks)

    def _undecodable(self, answer: aiohttp.ClientResponse, raw: bytes, why: str, endpoint: str) -> _Failed:
        request_id = answer.headers.get("X-Request-Id")
        detail = f"HTTP {answer.status} {answer.content_type} endpoint={endpoint}: {self._scrub(why)[:300]}"
        if _looks_like_html(answer, raw):
            reason, retry = "was a web page instead of data", Retry.BACKOFF
        elif not raw.rstrip().endswith((b"}", b"]")):
            reason, retry = "broke off before its end", Retry.BACKOFF
        else:
            reason, retry = "did not have the expected form", Retry.NEVER
        return _Failed(bad_answer(reason, status=answer.status, request_id=request_id, detail=detail), retry)

    def _refused(self, endpoint: str, answer: aiohttp.ClientResponse, raw: bytes, cursor_sent: bool) -> _Failed:
        status = answer.status
        if status in _REDIRECTS:
            error = bad_answer(
                "was a redirect to another address, which is not followed because the access token must not go there",
                status=status,
                detail=f"HTTP {status} redirect endpoint={endpoint}",
            )
            return _Failed(error, Retry.NEVER)
        request_id = answer.headers.get("X-Request-Id")
        item = ErrorItem()
        try:
            body = _error_list(raw[:_ERROR_BODY])
            request_id = body.request_id or request_id
            if body.errors:
                first = body.errors[0]
                item = ErrorItem(first.code or "", self._scrub(first.message or ""), first.field)
        except (msgspec.DecodeError, RecursionError):
            if 400 <= status < 500 and status not in (408, 429) and _looks_like_html(answer, raw):
                # A proxy's page, not Intercom's word: a 404 in HTML must not read as "this record is gone".
                return self._undecodable(answer, raw, "HTML error page", endpoint)
        after = answer.headers.get("Retry-After")
        refusal, retry = error_for(
            status,
            item,
            endpoint=endpoint,
            request_id=request_id,
            link=answer.headers.get("Link", ""),
            cursor_sent=cursor_sent,
            retry_after=min(float(after), 60.0) if after and after.isascii() and after.isdigit() else None,
        )
        return _Failed(refusal, retry, maybe_done=not isinstance(refusal, RateLimited))

    # --------------------------------------------------------------------------------------------------------- plumbing

    def _ready(self) -> tuple[aiohttp.ClientSession, asyncio.Semaphore]:
        if self._session is None or self._places is None:
            self._places = asyncio.Semaphore(self._concurrency)
            self._session = self._open()
        return self._session, self._places

    def _open(self) -> aiohttp.ClientSession:
        limits = self._timeouts
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._concurrency, keepalive_timeout=15, ttl_dns_cache=300),
            timeout=aiohttp.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.read),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _url(self, path: str, params: Mapping[str, str] | None) -> URL:
        query = urlencode(params) if params else ""
        joined = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
        if not path.startswith("/"):  # "https://api.intercom.io" + ".evil.example" would be another host
            raise ValueError("a request must stay at the API's own address")
        return URL(self.base_url + joined, encoded=True)

    def _scrub(self, text: str) -> str:
        return text.replace(self._token, "[token]") if self._token else text


class _Failed(Exception):
    """One attempt's failure, and what may be done about it."""

    def __init__(self, error: IntercomError, retry: Retry, *, maybe_done: bool = True) -> None:
        super().__init__()
        self.error = error
        self.retry = retry
        self.maybe_done = maybe_done


def _proxy_for(scheme: str, host: str) -> str | None:
    """The environment's proxy, looked up once: asking for every request costs more than the request."""
    if host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return None
    proxies: dict[str, Any] = getproxies()
    return proxies.get(scheme) or proxies.get("all")


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name could not be resolved"
    if isinstance(error, TimeoutError):
        return "the connection could not be opened in time"
    if isinstance(error, aiohttp.ClientSSLError):
        return "the secure connection failed"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "the connection was refused"
    if isinstance(error, (aiohttp.ServerDisconnectedError, ConnectionResetError, aiohttp.ClientOSError)):
        return "the connection was cut"
    return "the connection failed"


def _looks_like_html(answer: aiohttp.ClientResponse, raw: bytes) -> bool:
    return answer.content_type in ("text/html", "application/xhtml+xml") or raw[:200].lstrip().startswith(b"<")
