"""Stores the records of one kind, with sorted indexes, a search index that can lag, and lazy ranges."""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

Key = tuple[int, str]
INFINITY = 1 << 62
_LAST = "\uffff"


class Record(Protocol):
    """What every stored record has. Ids are strings; times are unix seconds."""

    id: str
    created_at: int
    updated_at: int
    version: int


T = TypeVar("T", bound=Record)
T_co = TypeVar("T_co", bound=Record, covariant=True)


class LazyRange(Protocol[T_co]):
    """Records with consecutive numeric ids, made on demand, so that hundreds of thousands need no memory."""

    first: int
    count: int

    def make(self, record_id: str) -> T_co:
        """Return the record; equal ids return equal records."""
        ...

    def times(self) -> Iterator[tuple[str, int, int]]:
        """Yield (id, created_at, updated_at) of every record."""
        ...

    def value(self, record_id: str, field: str) -> Any:
        """Return a searchable field without making the record. Raise KeyError when that is not possible."""
        ...


class Store(Generic[T]):
    """All records of one kind.

    `updated` and `created` are sorted lists of (time, id) of what search can see. With `lag` > 0 seconds, a change
    appears there only after that time. Until then search returns the earlier state, and no new records, like Intercom's
    index.
    """

    def __init__(self, now: Callable[[], float], visible: Callable[[T], bool]) -> None:
        self.lag = 0.0
        self.version = 0
        self.updated: list[Key] = []
        self.created: list[Key] = []
        self._now = now
        self._visible = visible
        self._items: dict[str, T] = {}
        self._lazy: list[LazyRange[T]] = []
        self._gone: set[str] = set()
        self._keys: dict[str, tuple[int, int]] = {}
        self._pending: dict[str, tuple[float, T | None]] = {}

    def __len__(self) -> int:
        return len(self._items) + sum(r.count for r in self._lazy) - len(self._gone)

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._items or self._range(record_id) is not None

    def __iter__(self) -> Iterator[T]:
        """Iterate over every record, lazy ones included."""
        yield from list(self._items.values())
        for lazy in self._lazy:
            for number in range(lazy.first, lazy.first + lazy.count):
                if str(number) not in self._gone:
                    yield lazy.make(str(number))

    def _range(self, record_id: str) -> LazyRange[T] | None:
        if not self._lazy or record_id in self._gone or not record_id.isdecimal():
            return None
        number = int(record_id)
        return next((r for r in self._lazy if r.first <= number < r.first + r.count), None)

    def lazy(self, record_id: str) -> LazyRange[T] | None:
        """Return the range that makes the record, or None when it is stored or unknown."""
        return None if record_id in self._items else self._range(record_id)

    def get(self, record_id: str) -> T | None:
        """Return the record for reading, or None. A lazy one is made again each time."""
        item = self._items.get(record_id)
        if item is None and (lazy := self._range(record_id)) is not None:
            item = lazy.make(record_id)
        return item

    def edit(self, record_id: str) -> T:
        """Return the record for changing; call `changed` afterwards. Raise KeyError when unknown."""
        item = self.get(record_id)
        if item is None:
            raise KeyError(record_id)
        if record_id not in self._items:
            self._items[record_id] = item
            self._gone.add(record_id)
        if self.lag and record_id not in self._pending:
            self._pending[record_id] = (INFINITY, copy.deepcopy(item))
        return item

    def add(self, item: T) -> None:
        self._items[item.id] = item
        if self.lag:
            self._pending[item.id] = (self._now() + self.lag, None)
        else:
            self._index(item.id)
        self.version += 1

    def add_range(self, lazy: LazyRange[T]) -> None:
        """Add a lazy range; its records are searchable at once."""
        self._lazy.append(lazy)
        for record_id, created_at, updated_at in lazy.times():
            self._keys[record_id] = (updated_at, created_at)
            self.updated.append((updated_at, record_id))
            self.created.append((created_at, record_id))
        self.updated.sort()
        self.created.sort()
        self.version += 1

    def changed(self, record_id: str) -> None:
        """Record that a record returned by `edit` was changed."""
        self._items[record_id].version += 1
        if self.lag:
            self._pending[record_id] = (self._now() + self.lag, self._pending[record_id][1])
        else:
            self._pending.pop(record_id, None)
            self._index(record_id)
        self.version += 1

    def remove(self, record_id: str) -> None:
        """Remove a record at once, from the search index too."""
        if self._items.pop(record_id, None) is None and self._range(record_id) is not None:
            self._gone.add(record_id)
        self._pending.pop(record_id, None)
        self._unindex(record_id)
        self.version += 1

    def settle(self) -> None:
        """Add the changes that are due to the search index."""
        if not self._pending:
            return
        now = self._now()
        for record_id in [i for i, (due, _) in self._pending.items() if due <= now or not self.lag]:
            del self._pending[record_id]
            self._index(record_id)
            self.version += 1

    def indexed(self, record_id: str) -> T | None:
        """Return the record as the search index knows it."""
        pending = self._pending.get(record_id)
        return pending[1] if pending is not None else self.get(record_id)

    def is_stale(self, record_id: str) -> bool:
        return record_id in self._pending

    def _unindex(self, record_id: str) -> None:
        old = self._keys.pop(record_id, None)
        if old is not None:
            for index, time in ((self.updated, old[0]), (self.created, old[1])):
                del index[bisect_left(index, (time, record_id))]

    def _index(self, record_id: str) -> None:
        item = self._items[record_id]
        new = (item.updated_at, item.created_at) if self._visible(item) else None
        if self._keys.get(record_id) == new:
            return
        self._unindex(record_id)
        if new is not None:
            self._keys[record_id] = new
            insort(self.updated, (new[0], record_id))
            insort(self.created, (new[1], record_id))


def span(index: list[Key], low: int, high: int) -> tuple[int, int]:
    """Return the half-open range of positions of the keys whose time is in low..high, both inclusive."""
    return bisect_left(index, (low, "")), bisect_right(index, (high, _LAST))
