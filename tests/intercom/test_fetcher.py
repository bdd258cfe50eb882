"""The bridge between a synchronous caller and the loop: order, bounds, errors and ends."""

import asyncio
import gc
import threading
import weakref

import pytest

from startdeliver.intercom import Fetcher, IntercomClient, NotFound
from startdeliver.intercom.fetcher import FetcherClosed


@pytest.fixture
def fetcher():
    with Fetcher(IntercomClient("t", "http://127.0.0.1:9", concurrency=4)) as made:
        yield made


def test_call_runs_in_another_thread_and_returns(fetcher):
    async def where():
        return threading.current_thread()

    assert fetcher.call(where()) is not threading.current_thread()


def test_call_raises_what_the_coroutine_raises(fetcher):
    async def fail():
        raise NotFound("gone")

    with pytest.raises(NotFound):
        fetcher.call(fail())


def test_pages_in_order(fetcher):
    async def pages():
        for number in range(50):
            yield number

    assert list(fetcher.iter_pages(pages(), prefetch=3)) == list(range(50))


def test_pages_are_fetched_ahead_but_not_further(fetcher):
    made = []
    full = threading.Event()

    async def pages():
        for number in range(100):
            made.append(number)
            if len(made) == 2:
                full.set()
            yield number

    iterator = fetcher.iter_pages(pages(), prefetch=2)
    assert next(iterator) == 0
    assert full.wait(5)
    fetcher.call(asyncio.sleep(0))
    assert len(made) <= 3
    iterator.close()


def test_an_exception_comes_after_the_pages_before_it(fetcher):
    async def pages():
        yield 1
        yield 2
        raise NotFound("gone")

    iterator = fetcher.iter_pages(pages())
    assert [next(iterator), next(iterator)] == [1, 2]
    with pytest.raises(NotFound):
        next(iterator)


def test_leaving_early_closes_the_generator(fetcher):
    closed = threading.Event()

    async def pages():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    for _ in fetcher.iter_pages(pages()):
        break
    gc.collect()
    assert closed.wait(5)


def test_map_gives_every_argument_once_with_errors_as_values(fetcher):
    async def work(number):
        await asyncio.sleep(0)
        if number % 7 == 0:
            raise NotFound("gone")
        return number * 2

    results = dict(fetcher.map_unordered(work, range(1000)))
    assert len(results) == 1000
    assert all(isinstance(results[n], NotFound) if n % 7 == 0 else results[n] == n * 2 for n in range(1000))


def test_map_of_nothing(fetcher):
    assert list(fetcher.map_unordered(asyncio.sleep, [])) == []


def test_map_keeps_to_its_concurrency(fetcher):
    busy = peak = 0

    async def work(_):
        nonlocal busy, peak
        busy += 1
        peak = max(peak, busy)
        await asyncio.sleep(0.001)
        busy -= 1

    list(fetcher.map_unordered(work, range(100), concurrency=5))
    assert peak == 5


def test_map_draws_arguments_in_the_callers_thread_and_no_further_than_asked(fetcher):
    drawn = []
    threads = set()

    def source():
        for number in range(10_000):
            threads.add(threading.current_thread())
            drawn.append(number)
            yield number

    async def work(number):
        return number

    for taken, _ in enumerate(fetcher.map_unordered(work, source(), concurrency=4, ahead=64), start=1):
        assert len(drawn) - taken <= 64 + 32
        if taken == 500:
            break
    assert threads == {threading.current_thread()}


def test_map_does_not_keep_results_that_were_taken(fetcher):
    class Result:
        pass

    alive = weakref.WeakSet()
    most = 0

    async def work(_):
        result = Result()
        alive.add(result)
        return result

    for _ in fetcher.map_unordered(work, range(5000), concurrency=4, ahead=64):
        most = max(most, len(alive))
    assert most <= 64 + 64


def test_map_raises_a_bug_and_stops(fetcher):
    async def work(number):
        if number == 5:
            raise ZeroDivisionError
        return number

    with pytest.raises(ZeroDivisionError):
        list(fetcher.map_unordered(work, range(100)))


def test_leaving_map_early_cancels_what_runs(fetcher):
    cancelled = threading.Event()

    async def work(number):
        if number == 0:
            return number
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    for _ in fetcher.map_unordered(work, range(3), concurrency=3):
        break
    gc.collect()
    assert cancelled.wait(5)


def test_an_interrupt_of_the_caller_cancels_the_call(fetcher, monkeypatch):
    started, cancelled = threading.Event(), threading.Event()

    async def forever():
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def interrupted(self, timeout=None):
        assert started.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetcher.call(forever())
    assert cancelled.wait(5)
    monkeypatch.undo()


def test_close_frees_a_waiting_caller_and_ends_the_thread():
    fetcher = Fetcher(IntercomClient("t", "http://127.0.0.1:9"))
    started = threading.Event()
    outcome = []

    async def pages():
        started.set()
        await asyncio.Event().wait()
        yield 1

    def wait():
        try:
            list(fetcher.iter_pages(pages()))
        except FetcherClosed as error:
            outcome.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert started.wait(5)
    fetcher.close()
    waiting.join(5)
    assert len(outcome) == 1
    assert not fetcher._thread.is_alive()
    fetcher.close()
    with pytest.raises(FetcherClosed):
        fetcher.call(asyncio.sleep(0))
