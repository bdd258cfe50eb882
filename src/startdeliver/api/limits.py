"""How often one key may ask, counted in this process.

In memory, not in the database: a write for every read would make the limit dearer than what it guards. With several
web processes each counts for itself, so the limit of a key is at most that many times as high.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

BURST: Final = 1000.0
PER_SECOND: Final = 200.0
_MOST_SUBJECTS: Final = 10_000


class Buckets:
    """A token bucket per subject: `burst` at once, filled again by `per_second`."""

    def __init__(
        self, burst: float = BURST, per_second: float = PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.burst = burst
        self.per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[int, tuple[float, float]] = {}

    def take(self, subject: int) -> float:
        """Takes a token. Returns 0.0, or the seconds until there is one."""
        now = self._clock()
        with self._lock:
            tokens, at = self._buckets.pop(subject, (self.burst, now))
            tokens = min(self.burst, tokens + (now - at) * self.per_second)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self.per_second
            # Put back last, so that the first ones in the dictionary are those that asked longest ago.
            self._buckets[subject] = (tokens if wait else tokens - 1, now)
            while len(self._buckets) > _MOST_SUBJECTS:
                del self._buckets[next(iter(self._buckets))]
        return wait
