"""Uses Intercom's allowance to the last request without running into 429.

Intercom counts requests in fixed windows of ten seconds and tells the state with every answer: X-RateLimit-Limit,
-Remaining and -Reset (unix seconds on Intercom's clock; docs "Rate limiting"). Other apps of the workspace eat from the
same allowance, so the headers, not our own counting, are the truth.

How it works. ``remaining`` is the smallest value reported in this window, ``in_flight`` the requests sent and not
answered. Some of those are already in ``remaining``, so ``remaining - in_flight - reserve`` never promises too much,
and it becomes exact as answers come in. When a window ends, one request goes ahead and its answer opens the new window
for the rest: a clock that is off by a little costs one 429 at most, not one for every connection. The end of a window
is known on our clock by narrowing Intercom's clock between the Date headers of many answers.

Not thread-safe: one limiter belongs to one event loop. Use one per (workspace, token).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

WINDOW = 10.0
_MAX_WAIT = 60.0
_FIRST_PAUSE = 1.0
_NUDGE = 0.05
_MAX_GUARD = 1.5


class Limiter:
    """Admits requests; see the module's text.

    ``reserve``: requests per window left for the customer's other apps. ``clock``: seconds on a steady clock; ``wall``:
    unix seconds, used only until the first Date header; ``sleep``: both injectable for tests.
    """

    def __init__(
        self,
        *,
        reserve: int = 0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.reserve = max(0, reserve)
        self.limit: int | None = None
        self.remaining: int | None = None
        self.in_flight = 0
        self.throttled = 0
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.Task[None] | None = None
        self._reset_header: float | None = None
        self._window_end: float | None = None
        self._blocked_until: float | None = None
        self._blind_pauses = 0
        self._scouting = False
        self._scout_needed = True
        self._scout_at = float("-inf")
        self._ended_at = float("-inf")
        self._ended_early = False
        self._guard = 0.0
        self._offset_low = float("-inf")
        self._offset_high = float("inf")

    # -------------------------------------------------------------------------------------------------------- admission

    def try_acquire(self) -> bool:
        """Take a place if one is free now. Every True must be followed by ``release``."""
        if self._blocked_until is not None:
            if self._clock() < self._blocked_until:
                return False
            self._blocked_until = None
            self._scout_needed = True
        if self._window_end is not None and self._clock() >= self._window_end:
            self._ended_at, self._window_end, self.remaining = self._window_end, None, None
            self._scout_needed = True
        if self._scout_needed:
            if self._scouting:
                return False
            self._scouting = True
            self._scout_at = self._clock()
            self.in_flight += 1
            return True
        if self.remaining is not None and self.remaining - self.in_flight - self._reserved() <= 0:
            return False
        self.in_flight += 1
        return True

    async def acquire(self) -> None:
        """Wait, first come first served, until a request may be sent."""
        if not self._waiters and self.try_acquire():
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._arm()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.abandon()
            else:
                self._waiters.remove(waiter)
            raise

    def abandon(self) -> None:
        """Give back a place without having sent anything."""
        self.in_flight -= 1
        self._scouting = False
        self._wake()

    # ---------------------------------------------------------------------------------------------------------- answers

    def release(self, sent_at: float, status: int | None, headers: Mapping[str, str] | None) -> None:
        """An answer, or none (status and headers None), to a request sent at ``sent_at`` on the limiter's clock."""
        now = self._clock()
        self.in_flight -= 1
        scout = self._scouting and sent_at >= self._scout_at
        if scout:
            self._scouting = False
        if headers is None:
            self._count_unseen()
        else:
            self._see_date(headers.get("Date"), sent_at, now)
            self._see_window(headers, sent_at, now, scout=scout)
            if status == 429:
                self._throttle(headers, now)
            else:
                self._blind_pauses = 0
        self._wake()

    def now(self) -> float:
        """The limiter's clock, for ``release``."""
        return self._clock()

    def server_now(self) -> float | None:
        """The moment on Intercom's clock in unix seconds, from its Date headers; None before the first one."""
        return None if self._offset_low == float("-inf") else self._clock() + self._offset()

    def _see_window(self, headers: Mapping[str, str], sent_at: float, now: float, *, scout: bool) -> None:
        reported = _number(headers.get("X-RateLimit-Remaining"))
        if reported is None:
            if scout:  # nothing known any more, so nothing to hold back for
                self.remaining = self._window_end = None
            self._scout_needed = False
            self._count_unseen()
            return
        remaining = int(reported)
        limit = _number(headers.get("X-RateLimit-Limit"))
        if limit is not None:
            self.limit = int(limit)
        reset = _number(headers.get("X-RateLimit-Reset"))
        if reset is None:
            self.remaining = remaining
            self._scout_needed = False
            if self._window_end is None:
                self._window_end = now + WINDOW
            return
        same = reset == self._reset_header
        if self._reset_header is not None and reset < self._reset_header and not self._is_far(self._reset_header, now):
            return  # an answer from the window before: says nothing about this one
        if same and self._window_end is None:
            if sent_at < self._ended_at:
                return  # a straggler of the window that ended
            if remaining <= self._reserved():
                # The scout found the old window still open and used up: our idea of its end was early.
                self._ended_early = True
                self.remaining = remaining
                self._block(now + _NUDGE)
                return
        if self._ended_early and not same:
            self._guard = min(_MAX_GUARD, self._guard + max(0.0, now - self._ended_at))
            self._ended_early = False
        fresh = scout or not same or self.remaining is None
        self.remaining = remaining if fresh else min(self.remaining or 0, remaining)
        self._reset_header = reset
        self._scout_needed = False
        self._window_end = self._local_end(reset, now, fresh=not same or self._window_end is None)

    def _is_far(self, reset: float, now: float) -> bool:
        """Whether no window ends that late, so that such a header, once seen, must not make all later ones look old."""
        return reset - self._known_offset(now) > now + 3 * WINDOW

    def _known_offset(self, now: float) -> float:
        return self._offset_low if self._offset_low > float("-inf") else self._wall() - now

    def _local_end(self, reset: float, now: float, *, fresh: bool) -> float:
        """When this window has surely ended, on our clock."""
        if reset < 1_000_000:  # seconds from now instead of a moment
            return now + min(reset, _MAX_WAIT) + self._guard
        end = reset - self._known_offset(now) + self._guard
        if now - 2 * WINDOW <= end <= now + 3 * WINDOW:
            return max(end, now) if fresh else end
        # The header's clock has nothing to do with the Date header: count ten seconds from its first sight.
        return now + WINDOW if fresh or self._window_end is None else self._window_end

    def _throttle(self, headers: Mapping[str, str], now: float) -> None:
        self.throttled += 1
        self.remaining = 0
        wait = _retry_after(headers.get("Retry-After"), now + self._offset())
        if wait is not None and wait > 0:
            self._block(now + min(wait, _MAX_WAIT))
        elif self._window_end is not None and self._window_end > now:
            self._block(self._window_end)
        else:
            self._blind_pauses = min(self._blind_pauses + 1, 5)
            self._block(now + min(_FIRST_PAUSE * 2 ** (self._blind_pauses - 1), WINDOW))

    def _block(self, until: float) -> None:
        self._blocked_until = until if self._blocked_until is None else max(until, self._blocked_until)
        self._scout_needed = True

    def _count_unseen(self) -> None:
        """The request may have been counted although no header says so."""
        if self.remaining is not None and self.remaining > 0:
            self.remaining -= 1

    def _reserved(self) -> int:
        """The reserve, but never so much that nothing is left for us."""
        return min(self.reserve, max(0, self.limit - 1)) if self.limit else self.reserve

    def _see_date(self, date: str | None, sent_at: float, now: float) -> None:
        stamp = _date(date) if date else None
        if stamp is None:
            return
        # Intercom's clock showed [stamp, stamp + 1) at some moment between sending and receiving.
        low, high = stamp - now, stamp + 1.0 - sent_at
        if low > self._offset_high or high < self._offset_low:
            self._offset_low, self._offset_high = low, high  # a clock was set: start over
            return
        self._offset_low = max(self._offset_low, low)
        self._offset_high = min(self._offset_high, high)

    def _offset(self) -> float:
        if self._offset_low > float("-inf"):
            return (self._offset_low + min(self._offset_high, self._offset_low + 1.0)) / 2
        return self._wall() - self._clock()

    # ---------------------------------------------------------------------------------------------------------- waiting

    def _wake(self) -> None:
        while self._waiters:
            if self._waiters[0].done():
                self._waiters.popleft()
                continue
            if not self.try_acquire():
                self._arm()
                return
            self._waiters.popleft().set_result(None)

    def _arm(self) -> None:
        """Make sure that somebody wakes the waiters when time alone frees a place."""
        if self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._wait_and_wake())

    async def _wait_and_wake(self) -> None:
        while self._waiters:
            due = [moment for moment in (self._blocked_until, self._window_end) if moment is not None]
            if not due:
                return  # a request is out, and its answer wakes the next
            moment = self._blocked_until if self._blocked_until is not None else min(due)
            await self._sleep(max(moment - self._clock(), 0.001))
            self._wake()

    async def close(self) -> None:
        """Stop the timer. Waiters, if any, are left to their own tasks' cancellation."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None


def _retry_after(text: str | None, server_now: float) -> float | None:
    """Seconds to wait from Retry-After, which is seconds or a date."""
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    moment = _date(text)
    return None if moment is None else max(0.0, moment - server_now)


@lru_cache(maxsize=8)
def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
