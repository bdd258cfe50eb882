"""A clock that tests can move; real time by default."""

from __future__ import annotations

import time


class Clock:
    """Returns unix seconds when called."""

    def __init__(self, at: float | None = None) -> None:
        self._offset = 0.0
        self._frozen = at

    def __call__(self) -> float:
        return (time.time() if self._frozen is None else self._frozen) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward. A frozen clock stays frozen."""
        self._offset += seconds

    def freeze(self, at: float | None = None) -> None:
        """Stop the clock at `at` (default: the present reading)."""
        now = self()
        self._frozen, self._offset = (now if at is None else float(at)), 0.0

    def reset(self) -> None:
        """Return to real time."""
        self._frozen, self._offset = None, 0.0
