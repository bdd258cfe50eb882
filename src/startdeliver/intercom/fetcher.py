"""A bridge for synchronous callers: an event loop in a thread of its own, with the client's connections.

Work is handed over in batches, because waking another thread for every answer costs more than the answer. Whatever the
caller has not taken yet is bounded, so memory does not grow with the number of records.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from startdeliver.intercom.client import IntercomClient
from startdeliver.intercom.errors import IntercomError

T = TypeVar("T")
R = TypeVar("R")

_BATCH = 32
_LINGER = 0.02  # seconds that a finished result may wait for company
_END = object()


class FetcherClosed(RuntimeError):
    """Used after close, or closed while a caller was waiting."""


class Fetcher:
    """Runs an ``IntercomClient``'s coroutines for a thread that has no event loop.

    Use as a context manager. Methods may be called from several threads; iterators belong to the thread that uses them,
    and the ids given to ``map_unordered`` are drawn there too, so they may come from a database cursor.
    """

    def __init__(self, client: IntercomClient) -> None:
        self.client = client
        self._loop = asyncio.new_event_loop()
        self._closed = False
        self._running: set[_Work] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="intercom", daemon=True)
        self._thread.start()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine to its end. An interrupt of the caller (Ctrl-C) cancels it."""
        if self._closed:
            coroutine.close()
            raise FetcherClosed("the fetcher is closed")
        future: Future[T] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise FetcherClosed("the fetcher was closed") from None
        except BaseException:
            future.cancel()
            raise

    def iter_pages(self, pages: AsyncIterator[T], prefetch: int = 2) -> Iterator[T]:
        """Yield what an async generator yields, up to ``prefetch`` items ahead.

        Its exceptions are raised here, in their place.
        """
        work = _Work(self, lambda work: _produce(work, pages, max(1, prefetch)))
        try:
            while True:
                item = work.take()
                if item is _END:
                    return
                yield item
                work.tell(work.more)
        finally:
            work.stop()

    def map_unordered(
        self,
        function: Callable[[T], Awaitable[R]],
        arguments: Iterable[T],
        concurrency: int = 0,
        *,
        ahead: int = 0,
    ) -> Iterator[tuple[T, R | IntercomError]]:
        """Call ``function`` for every argument, ``concurrency`` at once (default: the client's), and yield as answers
        come.

        A call that raises an IntercomError yields it as a value; any other exception is raised here. At most ``ahead``
        arguments (default: eight times the concurrency) are asked for and not taken at any time.
        """
        width = concurrency or self.client.concurrency
        most = max(width, ahead or 8 * width)
        source = iter(arguments)
        work = _Work(self, lambda work: _consume(work, function, width))
        outstanding = 0
        exhausted = False
        try:
            while True:
                if not exhausted and outstanding <= most - min(_BATCH, width):
                    batch = list(islice(source, most - outstanding))
                    exhausted = len(batch) < most - outstanding
                    outstanding += len(batch)
                    if batch:
                        work.tell(work.feed, batch)
                if not outstanding:
                    return
                results: list[tuple[T, R | IntercomError]] = work.take()
                outstanding -= len(results)
                yield from results
        finally:
            work.stop()

    def close(self) -> None:
        """Cancel what runs, close the connections, end the thread. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for work in list(self._running):
            work.stop()
            work.queue.put(FetcherClosed("the fetcher was closed"))
        try:
            asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(timeout=10)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
            if not self._thread.is_alive():
                self._loop.close()

    async def _shut(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.client.close()


class _Work:
    """One iterator's other half, living in the loop.

    ``queue`` carries items, batches, _END or an exception to the caller.
    """

    def __init__(self, fetcher: Fetcher, main: Callable[[_Work], Coroutine[Any, Any, None]]) -> None:
        if fetcher._closed:
            raise FetcherClosed("the fetcher is closed")
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.pending: deque[Any] = deque()
        self.wanted: asyncio.Event
        self.slots: asyncio.Semaphore
        self._fetcher = fetcher
        self._loop = fetcher._loop
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        fetcher._running.add(self)
        self.tell(self._start, main)

    # in the caller's thread

    def tell(self, function: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def take(self) -> Any:
        item = self.queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._fetcher._running.discard(self)
            self.tell(self._cancel)

    # in the loop's thread

    def _start(self, main: Callable[[_Work], Coroutine[Any, Any, None]]) -> None:
        self.wanted = asyncio.Event()
        self._task = self._loop.create_task(self._guard(main))

    async def _guard(self, main: Callable[[_Work], Coroutine[Any, Any, None]]) -> None:
        try:
            await main(self)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # the caller gets whatever it was
            self.queue.put(error)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def more(self) -> None:
        self.slots.release()

    def feed(self, batch: list[Any]) -> None:
        self.pending.extend(batch)
        self.wanted.set()


async def _produce(work: _Work, pages: AsyncIterator[Any], prefetch: int) -> None:
    work.slots = asyncio.Semaphore(prefetch)
    try:
        await work.slots.acquire()
        async for page in pages:
            work.queue.put(page)
            await work.slots.acquire()
    finally:
        close = getattr(pages, "aclose", None)
        if close is not None:
            await close()
    work.queue.put(_END)


async def _consume(work: _Work, function: Callable[[Any], Awaitable[Any]], width: int) -> None:
    loop = asyncio.get_running_loop()
    done: list[tuple[Any, Any]] = []
    linger: asyncio.TimerHandle | None = None
    busy = 0

    def flush() -> None:
        nonlocal done, linger
        if linger is not None:
            linger.cancel()
            linger = None
        if done:
            work.queue.put(done)
            done = []

    async def worker() -> None:
        nonlocal busy, linger
        while True:
            while not work.pending:
                work.wanted.clear()
                await work.wanted.wait()
            argument = work.pending.popleft()
            busy += 1
            try:
                result: Any = await function(argument)
            except IntercomError as error:
                result = error
            finally:
                busy -= 1
            done.append((argument, result))
            if len(done) >= _BATCH or not (busy or work.pending):
                flush()
            elif linger is None:
                linger = loop.call_later(_LINGER, flush)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    finally:
        if linger is not None:
            linger.cancel()
