"""Intercom's allowance of 1,667 requests in 10 s, enforced, at 60 ms latency: how much of it the sync uses."""

from __future__ import annotations

import threading
import time

from benchmarks.harness import Figures, arguments, fresh_database
from benchmarks.workspace import Intercom, connect, read_contacts, simulated_intercom, sync

ALLOWANCE, WINDOW, LATENCY_MS = 1667, 10, 60


class Windows(threading.Thread):
    """Records how many requests were answered and refused at the end of each of Intercom's windows."""

    def __init__(self, intercom: Intercom) -> None:
        super().__init__(daemon=True)
        self._intercom = intercom
        self._done = threading.Event()
        self.answered: list[int] = []
        self.refused: list[int] = []

    def run(self) -> None:
        while not self._done.wait(WINDOW - time.time() % WINDOW):
            self.note()

    def note(self) -> None:
        statuses = self._intercom.control("GET", "log")["statuses"]
        refused = int(statuses.get("429", 0))
        self.answered.append(sum(statuses.values()) - refused)
        self.refused.append(refused)

    def end(self) -> None:
        self._done.set()
        self.join()
        self.note()


def main() -> None:
    options = arguments(
        __doc__ or "", ("--conversations", {"type": int, "default": 10_000, "help": "one request each"})
    )
    conversations = options.conversations
    with (
        simulated_intercom(conversations, rate_limit=ALLOWANCE, latency_ms=LATENCY_MS) as intercom,
        fresh_database(options.database, INTERCOM_API_URL=intercom.url),
    ):
        organization = connect(conversations)
        started = read_contacts(organization, messages=True)
        windows = Windows(intercom)
        windows.start()
        result = sync(organization, started)
        windows.end()
        # Only complete windows in which messages were read: without the first and the last one.
        counts = [after - before for before, after in zip(windows.answered, windows.answered[1:], strict=False)]
        busy = [count for count in counts[:-1] if count > ALLOWANCE / 2][1:]
        figures = Figures("rate limit", options.database)
        figures.add("conversations with messages", result.run.imported)
        figures.add("requests", result.run.requests)
        figures.add("seconds", result.seconds, "s")
        figures.add("whole windows of 10 s", len(busy))
        figures.add("allowance used, mean", 100 * sum(busy) / len(busy) / ALLOWANCE, "%", "at least 95")
        figures.add("allowance used, least", 100 * min(busy) / ALLOWANCE, "%")
        figures.add("429 in the first window", windows.refused[0])
        figures.add("429 afterwards", windows.refused[-1] - windows.refused[0], "", "0")
        figures.show()


if __name__ == "__main__":
    main()
