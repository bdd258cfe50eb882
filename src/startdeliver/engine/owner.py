"""Who holds a piece of work, in a form from which others can tell whether the holder still lives.

An owner is "host/boot/pid/start". A process id alone is not enough: ids are used again, and after a restart of the
machine (or of a container) another process may have the same one. The start time tells two processes with one id apart,
the boot tells machines, restarts and containers apart.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


@cache
def _machine() -> str:
    """host/boot of this machine; containers on one machine differ by their process-id namespace."""
    host = socket.gethostname().replace("/", "_")[:100]
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")[:16]
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return f"{host}/-"
    return f"{host}/{boot}.{namespace}"


def _start(pid: int) -> str:
    """When process `pid` started, in clock ticks since boot; empty when there is no such process, "-" when unknown."""
    try:
        # proc(5): the second field is the command in parentheses and may hold anything, so fields count from the last
        # ")".
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _start_without_proc(pid)
    except OSError:
        return ""
    # A zombie has ended already: it only waits for its parent to look.
    return "" if fields[0] in "ZX" else fields[19]


def _start_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "-"


def owner_id() -> str:
    """This process as an owner; different after a fork."""
    pid = os.getpid()
    return f"{_machine()}/{pid}/{_start(pid)}"


def is_alive(owner: str) -> bool | None:
    """Whether the process of `owner` lives. None: it is on another machine, so only its heartbeat can tell."""
    machine, _, rest = owner.rpartition("/")
    machine, _, pid = machine.rpartition("/")
    if machine != _machine() or not pid.isdecimal():
        return None
    return _start(int(pid)) == rest
