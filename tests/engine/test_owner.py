"""Whether the holder of a piece of work still lives."""

from __future__ import annotations

import os
import subprocess
import sys

from startdeliver.engine.owner import is_alive, owner_id

SHOW = "from startdeliver.engine.owner import owner_id; print(owner_id(), flush=True); input()"


def child() -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-c", SHOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_process_is_alive_until_it_ends() -> None:
    process, owner = child()
    assert is_alive(owner) is True
    process.kill()
    process.wait()
    assert is_alive(owner) is False


def test_a_killed_process_counts_as_dead_before_its_parent_has_looked() -> None:
    process, owner = child()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(owner) is False
    process.wait()


def test_another_process_with_the_same_id_is_not_the_owner() -> None:
    machine, _, start = owner_id().rpartition("/")
    assert is_alive(f"{machine}/{int(start) - 1}") is False


def test_of_another_machine_or_boot_nothing_is_known() -> None:
    host, boot, pid, start = owner_id().split("/")
    assert is_alive(f"elsewhere/{boot}/{pid}/{start}") is None
    assert is_alive(f"{host}/{'0' * 8}/{pid}/{start}") is None
    assert is_alive("") is None
    assert is_alive("nonsense") is None
