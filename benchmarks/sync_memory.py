"""Peak memory of the process `startdeliver intercom sync`, with messages, as the number of conversations grows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from benchmarks.harness import Figures, Watch, arguments, fresh_database
from benchmarks.workspace import connect, simulated_intercom

SIZES = (20_000, 200_000)


def main() -> None:
    options = arguments(__doc__ or "")
    figures = Figures("memory", options.database)
    for size in SIZES[:1] if options.small else SIZES:
        run = f"from benchmarks.sync_memory import measure; measure({options.database!r}, {size})"
        done = subprocess.run([sys.executable, "-c", run], stdout=subprocess.PIPE, text=True, check=True)
        peak, own, seconds, imported, messages = json.loads(done.stdout.splitlines()[-1])
        figures.add(f"{imported:,} conversations: peak memory", peak, "MB", "under 250")
        figures.add(f"{imported:,} conversations: of which not the mapped database file", own, "MB")
        figures.add(f"{imported:,} conversations: messages", messages)
        figures.add(f"{imported:,} conversations: seconds", seconds, "s")
    figures.show()


def measure(database: str, conversations: int) -> None:
    """Sync `conversations` in a new database with the command. Print what it needed as a line of JSON."""
    with simulated_intercom(conversations) as intercom, fresh_database(database, INTERCOM_API_URL=intercom.url):
        organization = connect(conversations)
        command = [sys.executable, "-m", "startdeliver.project.cli", "intercom", "sync", str(organization.pk), "--json"]
        with Watch() as watch:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            own = Own(process.pid)
            own.start()
            assert process.stdout is not None
            answer = json.loads(process.stdout.read())
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, answer
        peak = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
        print(json.dumps([peak, own.peak, watch.seconds, answer["imported"], answer["messages"]]))


class Own(threading.Thread):
    """Watches a process's own memory, without the mapped database file, on systems with /proc."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.peak = 0.0

    def run(self) -> None:
        while self._status.exists():
            try:
                lines = self._status.read_text().splitlines()
            except OSError:
                return
            self.peak = max([self.peak, *(int(line.split()[1]) / 1024 for line in lines if line[:7] == "RssAnon")])
            time.sleep(0.2)


if __name__ == "__main__":
    main()
