"""The limiter against a model of Intercom's counting, in virtual time."""

import asyncio
import math
from email.utils import formatdate

import pytest

from startdeliver.intercom.limiter import Limiter

from .virtual_time import run

EPOCH = 1_700_000_003.7  # the true unix time at loop time 0


class Counting:
    """Ten-second windows as Intercom documents them. ``skew``: its clock minus ours."""

    def __init__(
        self,
        limit=1667,
        *,
        latency=0.06,
        skew=0.0,
        phase=0.0,
        rounding=math.floor,
        date=True,
        headers=True,
        retry_after=False,
    ) -> None:
        self.limit, self.latency, self.skew, self.phase = limit, latency, skew, phase
        self.rounding, self.date, self.headers, self.retry_after = rounding, date, headers, retry_after
        self.used: dict[int, int] = {}
        self.served: dict[int, int] = {}
        self.rejected: list[int] = []
        self.waves = 0

    def clock(self) -> float:
        return EPOCH + self.skew + asyncio.get_running_loop().time()

    def window(self) -> int:
        return math.floor((self.clock() - self.phase) / 10)

    def consume(self, count: int) -> None:
        self.used[self.window()] = min(self.limit, self.used.get(self.window(), 0) + count)

    async def answer(self) -> tuple[int, dict[str, str]]:
        self.waves += 1
        await asyncio.sleep(self.latency * (0.3 + 0.4 * (self.waves % 7) / 7))
        window = self.window()
        used = self.used.get(window, 0)
        status = 200 if used < self.limit else 429
        if status == 200:
            self.used[window] = used + 1
            self.served[window] = self.served.get(window, 0) + 1
        else:
            self.rejected.append(window)
        headers: dict[str, str] = {}
        end = (window + 1) * 10 + self.phase
        if self.headers:
            headers |= {
                "X-RateLimit-Limit": str(self.limit),
                "X-RateLimit-Remaining": str(self.limit - self.used[window]),
                "X-RateLimit-Reset": str(self.rounding(end)),
            }
        if self.date:
            headers["Date"] = formatdate(self.clock(), usegmt=True)
        if status == 429 and self.retry_after:
            headers["Retry-After"] = str(math.ceil(end - self.clock()))
        await asyncio.sleep(self.latency * 0.4)
        return status, headers


async def _use(server: Counting, seconds: float, *, width=64, reserve=0, background=None) -> Limiter:
    loop = asyncio.get_running_loop()
    limiter = Limiter(reserve=reserve, clock=loop.time, wall=lambda: EPOCH + loop.time(), sleep=asyncio.sleep)
    end = loop.time() + seconds

    async def worker() -> None:
        while loop.time() < end:
            await limiter.acquire()
            sent = limiter.now()
            status, headers = await server.answer()
            limiter.release(sent, status, headers)

    async def others() -> None:
        while loop.time() < end:
            server.consume(background)
            await asyncio.sleep(1)

    tasks = [asyncio.create_task(worker()) for _ in range(width)]
    if background:
        tasks.append(asyncio.create_task(others()))
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await limiter.close()
    return limiter


def _full_windows(server: Counting) -> list[int]:
    return sorted(server.used)[1:-1]


@pytest.mark.parametrize("limit", [1667, 167, 83, 20])
@pytest.mark.parametrize("skew", [0.0, 37.4, -3600.2])
def test_uses_the_allowance_without_429(limit, skew):
    server = Counting(limit, skew=skew)
    run(_use(server, 95))
    windows = _full_windows(server)
    assert len(windows) >= 8
    assert all(server.served[window] >= 0.95 * limit for window in windows)
    assert server.rejected == []


@pytest.mark.parametrize("rounding", [math.floor, math.ceil])
def test_windows_that_do_not_end_on_a_full_second(rounding):
    server = Counting(400, phase=3.63, rounding=rounding)
    run(_use(server, 95))
    assert all(server.served[window] >= 0.95 * 400 for window in _full_windows(server))
    # A reset rounded down names a moment too early; that is learnt from one lone request, never from a burst.
    assert len(server.rejected) <= 2
    assert len(set(server.rejected)) <= 1


def test_without_date_headers_the_own_clock_serves():
    server = Counting(167, date=False)
    run(_use(server, 65))
    assert all(server.served[window] >= 0.95 * 167 for window in _full_windows(server))
    assert server.rejected == []


def test_reset_on_a_clock_that_has_nothing_to_do_with_date():
    server = Counting(167)
    original = server.clock
    server.clock = lambda: original() + 50_000_000  # windows on one clock …

    async def answer():
        status, headers = await Counting.answer(server)
        return status, {**headers, "Date": formatdate(original(), usegmt=True)}  # … dates on another

    server.answer = answer
    run(_use(server, 95))
    assert sum(server.served.values()) >= 0.8 * 9 * 167
    assert len(server.rejected) <= 10


def test_leaves_the_reserve_to_other_apps():
    server = Counting(200)
    run(_use(server, 65, reserve=50))
    windows = _full_windows(server)
    assert all(0.95 * 150 <= server.served[window] <= 150 for window in windows)


def test_a_reserve_larger_than_the_limit_still_lets_work_proceed():
    server = Counting(20)
    run(_use(server, 65, reserve=5000))
    assert all(server.served[window] >= 1 for window in _full_windows(server))


def test_other_apps_eating_from_the_same_allowance():
    server = Counting(500)
    run(_use(server, 95, background=30))  # 300 of 500 a window are theirs
    windows = _full_windows(server)
    assert all(server.used[window] >= 0.95 * 500 for window in windows)
    assert len(server.rejected) <= len(windows) * 3


def test_429_without_any_headers_backs_off():
    server = Counting(100, headers=False, date=False)
    run(_use(server, 60, width=8))
    assert sum(server.served.values()) >= 400
    assert len(server.rejected) <= 8 * 6 * 4


def test_429_with_retry_after_only():
    server = Counting(100, headers=False, retry_after=True)
    run(_use(server, 60, width=8))
    assert all(server.served[window] >= 95 for window in _full_windows(server))


def test_no_headers_no_limit():
    server = Counting(10_000_000, headers=False, date=False)
    run(_use(server, 10, width=64))
    assert sum(server.served.values()) > 5000


def test_first_request_goes_alone_so_a_used_up_window_costs_one_429():
    async def story():
        server = Counting(50)
        server.consume(50)
        await _use(server, 15)
        return server

    server = run(story())
    assert len(server.rejected) == 1


def test_lost_answers_are_counted_as_used():
    async def story():
        loop = asyncio.get_running_loop()
        limiter = Limiter(clock=loop.time, wall=lambda: EPOCH + loop.time())
        server = Counting(10)
        await limiter.acquire()
        limiter.release(limiter.now(), *await server.answer())
        before = limiter.remaining
        await limiter.acquire()
        limiter.release(limiter.now(), None, None)
        await limiter.close()
        return before, limiter.remaining, limiter.in_flight

    assert run(story()) == (9, 8, 0)


def test_a_cancelled_waiter_leaves_no_trace():
    async def story():
        loop = asyncio.get_running_loop()
        limiter = Limiter(clock=loop.time, wall=lambda: EPOCH + loop.time())
        await limiter.acquire()  # the scout is out, so the next must wait
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        server = Counting(10)
        limiter.release(limiter.now(), *await server.answer())
        await asyncio.wait_for(limiter.acquire(), 1)
        await limiter.close()
        return limiter.in_flight

    assert run(story()) == 1


def test_a_straggler_of_the_old_window_holds_nothing_up():
    now = 1000.0

    def headers(remaining, reset):
        return {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": str(reset)}

    limiter = Limiter(clock=lambda: now, wall=lambda: 1_700_000_000 + now)
    assert limiter.try_acquire()
    limiter.release(now, 200, headers(9, 1_700_001_010))
    assert limiter.try_acquire()  # its answer will be late
    sent_late = now
    now = 1010.0
    assert limiter.try_acquire()  # goes ahead into the new window
    assert not limiter.try_acquire()
    limiter.release(sent_late, 200, headers(0, 1_700_001_010))
    assert not limiter.try_acquire()
    limiter.release(now, 200, headers(9, 1_700_001_020))
    assert [limiter.try_acquire() for _ in range(10)] == [True] * 9 + [False]


@pytest.mark.parametrize("skew", [-3600.2, 0.0, 37.4])
def test_knows_intercoms_clock(skew):
    server = Counting(200, skew=skew)

    async def story():
        limiter = Limiter(clock=asyncio.get_running_loop().time)
        before = limiter.server_now()
        for _ in range(60):
            await limiter.acquire()
            sent = limiter.now()
            limiter.release(sent, *await server.answer())
        await limiter.close()
        return before, abs(limiter.server_now() - server.clock())

    before, error = run(story())
    assert before is None
    assert error < 0.1
