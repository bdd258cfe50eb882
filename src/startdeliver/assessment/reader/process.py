"""Messages are read in a process of their own: the model takes some hundred MB, which are given back with its end."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

import msgspec

from startdeliver.assessment.reader.tone import Tone

# Texts per request. A request from another thread waits for the one under way.
_BATCH = 200


class ReaderFailed(Exception):
    """The process that reads messages ended or did not answer in time. A retry starts another one."""


class ReaderProcess:
    """Starts the process when there is something to read, and ends it `idle` seconds after the last request.

    `timeout`: seconds after which a request has failed. Safe for use by several threads.
    """

    def __init__(self, idle: float = 10, timeout: float = 120) -> None:
        self.idle, self.timeout = idle, timeout
        self.child: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._has_encoder: bool | None = None
        self._requests = 0
        atexit.register(self.close)

    def has_encoder(self) -> bool:
        """Whether the encoder loads, as the newest process found. Raises ReaderFailed."""
        with self._lock:
            if self._has_encoder is None:
                self._start()
                self._close_later()
            return bool(self._has_encoder)

    def tones(self, texts: Sequence[str]) -> list[Tone]:
        """The tone of each text, in order; see `model.tones`. Raises ReaderFailed."""
        tones: list[Tone] = []
        for start in range(0, len(texts), _BATCH):
            with self._lock:
                self._start()
                answer = self._ask(msgspec.json.encode(texts[start : start + _BATCH]) + b"\n")
                self._close_later()
            tones += msgspec.json.decode(answer, type=list[Tone])
        return tones

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            child, self.child = self.child, None
            if child is None:
                return
            try:
                child.communicate(timeout=1)
            except (OSError, subprocess.TimeoutExpired):
                child.kill()
                child.wait()

    def _start(self) -> None:
        if self.child is not None and self.child.poll() is None:
            return
        self.close()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "startdeliver.assessment.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._has_encoder = msgspec.json.decode(self._ask(b""), type=bool)

    def _ask(self, request: bytes) -> bytes:
        """The next line of the process's output, after this input."""
        child = self.child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        watchdog = threading.Timer(self.timeout, child.kill)
        watchdog.start()
        try:
            child.stdin.write(request)
            child.stdin.flush()
            answer = child.stdout.readline()
        except OSError:
            answer = b""
        finally:
            watchdog.cancel()
        if not answer.endswith(b"\n"):
            child.kill()
            self.close()
            raise ReaderFailed("The process that reads messages ended or did not answer in time.")
        return answer

    def _close_later(self) -> None:
        self._requests += 1
        timer = threading.Timer(self.idle, self._close_unless_used, [self._requests])
        timer.daemon = True
        timer.start()

    def _close_unless_used(self, requests: int) -> None:
        with self._lock:
            if self._requests == requests:
                self.close()


reader = ReaderProcess()
"""The reader of this process."""
