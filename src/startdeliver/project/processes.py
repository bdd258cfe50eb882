"""Runs several processes together: starts them, restarts those that die, and ends them all."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from types import FrameType
from urllib.parse import urlsplit

import click

_PR_SET_PDEATHSIG = 1
_PAUSE_SECONDS = 20.0
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def startdeliver(*arguments: str) -> list[str]:
    """Returns the command line of a `startdeliver` subcommand, run by this very Python."""
    return [sys.executable, "-m", "startdeliver.project.cli", *arguments]


def end_with_parent() -> None:
    """Makes this process get SIGTERM when its parent ends in any way (on Linux; does nothing elsewhere)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def answers(url: str) -> bool:
    """Returns whether `url`, on this machine, answers 200."""
    parts = urlsplit(url)
    # Not urllib.request, which would use a proxy of the environment for this machine's own ports.
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def listens(port: int) -> bool:
    """Returns whether something listens on `port` of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class _Child:
    name: str
    command: list[str]
    quiet: bool
    essential: bool
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)
    start_at: float = 0.0


class Tree:
    """Processes that belong together. They end when this process ends in any way."""

    GRACE_SECONDS = 12.0

    def __init__(self) -> None:
        self._children: list[_Child] = []
        self._ending = False

    def add(self, name: str, command: list[str], *, quiet: bool = False, essential: bool = True) -> None:
        """Adds a process, started by `run` with this process's environment; `quiet`: without its standard output.

        If an `essential` process dies three times within a minute, everything ends. Another process is started again
        after a pause, so that workers that crash do not end the web server.
        """
        self._children.append(_Child(name, command, quiet, essential))

    def run(self, ready: Callable[[], bool] = lambda: True, announce: Callable[[], None] = lambda: None) -> int:
        """Starts the processes, calls `announce` once `ready` holds, and ends them all on SIGTERM or SIGINT.

        A process that dies is started again (see `add`). Returns the exit status.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # nohup(1) makes the process ignore a closed terminal; keep that.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._end)
        failed = announced = False
        for child in self._children:
            self._start(child)
        while not self._ending and not failed:
            failed = any(not self._look_after(child) for child in self._children)
            if not announced and not failed and ready():
                announced = True
                announce()
            time.sleep(0.1)
        self._end_all()
        return 1 if failed else 0

    def _end(self, signum: int, frame: FrameType | None) -> None:
        self._ending = True

    def _start(self, child: _Child) -> None:
        parent = os.getpid()

        def before_exec() -> None:
            # prctl(2): the kernel tells the child when this process dies, even by kill -9, which nobody can handle.
            end_with_parent()
            if os.getppid() != parent:
                os._exit(1)

        # Their own group: Ctrl-C in the terminal reaches only this process, which then ends them in order.
        child.process = subprocess.Popen(  # noqa: S603
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if child.quiet else None,
            process_group=0,
            preexec_fn=before_exec,
        )

    def _look_after(self, child: _Child) -> bool:
        if self._ending:
            return True
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._start(child)
            return True
        if child.process.poll() is None:
            return True
        child.deaths = [*(at for at in child.deaths if at > now - 60), now]
        status = child.process.returncode
        if (child.essential and len(child.deaths) >= 3) or status == 2:
            click.echo(f"startdeliver: {child.name} ended with status {status}; everything is ended.", err=True)
            return False
        pause = 0.0 if len(child.deaths) < 3 else _PAUSE_SECONDS
        click.echo(f"startdeliver: {child.name} ended with status {status}; it is started again.", err=True)
        child.process, child.start_at = None, now + pause
        return True

    def _end_all(self) -> None:
        living = [child.process for child in self._children if child.process and child.process.poll() is None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + self.GRACE_SECONDS
        for process in living:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
