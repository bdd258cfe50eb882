"""Pauses garbage collection while many long-lived objects are created."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_pausing = 0
_was_on = False


@contextmanager
def paused() -> Iterator[None]:
    """Disables garbage collection in this block. With several threads, the last one to leave enables it again.

    With hundreds of thousands of small long-lived objects, collection takes a quarter of the time and finds nothing.
    """
    global _pausing, _was_on
    with _lock:
        if not _pausing:
            _was_on = gc.isenabled()
            gc.disable()
        _pausing += 1
    try:
        yield
    finally:
        with _lock:
            _pausing -= 1
            if not _pausing and _was_on:
                gc.enable()
