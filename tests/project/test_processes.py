"""serve, worker and up as processes: they answer, refuse in a sentence, and end with all their children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.running import SOURCE, Installation, alive, answers, descendants, free_port, until


def test_serve_refuses_a_database_that_is_not_prepared(installation: Installation) -> None:
    done = installation.run("serve", f"--port={free_port()}")
    assert done.returncode == 1
    assert done.stderr == (
        "startdeliver: The database is not prepared for this version; run `startdeliver migrate` first.\n"
    )


def test_the_first_organization_prepares_a_new_database(installation: Installation) -> None:
    assert installation.json("org", "create", "Acme", "--admin", "a@acme.test")["slug"] == "acme"


def test_serve_refuses_a_taken_port(migrated: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = migrated.run("serve", f"--port={port}")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"Port {port} is taken" in done.stderr


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_ends_on_a_signal(migrated: Installation, signum: signal.Signals) -> None:
    port = free_port()
    with migrated.started("serve", f"--port={port}") as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "an answer")
        process.send_signal(signum)
        assert process.wait(timeout=30) == 0


class TestUp:
    def test_migrates_serves_and_works_and_ends_as_one(self, installation: Installation) -> None:
        port = free_port()
        with installation.started("up", f"--port={port}") as process:
            until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "an answer")
            until(lambda: "ok      worker" in installation.run("doctor").stdout, "the start of the worker")
            children = descendants(process.pid)
            assert len(children) >= 3
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
            assert not [pid for pid in children if alive(pid)]

    def test_kill_9_of_the_first_process_ends_the_others(self, migrated: Installation) -> None:
        port = free_port()
        with migrated.started("up", f"--port={port}") as process:
            until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "an answer")
            children = descendants(process.pid)
            process.kill()
            until(lambda: not [pid for pid in children if alive(pid)], "the end of every process")

    def test_a_worker_that_dies_is_started_again(self, migrated: Installation) -> None:
        with migrated.started("up", f"--port={free_port()}") as process:
            until(lambda: _of(process, "worker"), "the start of the worker")
            (first,) = _of(process, "worker")
            os.kill(first, signal.SIGKILL)
            until(lambda: _of(process, "worker") - {first}, "a new worker")

    def test_workers_that_die_again_and_again_do_not_end_the_web(self, migrated: Installation) -> None:
        port = free_port()
        with migrated.started("up", f"--port={port}") as process:
            killed: set[int] = set()
            for _ in range(3):
                until(lambda: _of(process, "--processes=1") - killed, "a worker")
                pid = min(_of(process, "--processes=1") - killed)
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            until(lambda: not [pid for pid in killed if alive(pid)], "the end of the workers")
            until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "an answer")
            assert process.poll() is None

    def test_a_worker_that_died_three_times_within_a_minute_is_started_again_after_a_pause(
        self, tmp_path: Path
    ) -> None:
        """The other processes run on meanwhile."""
        code = (
            "import sys; from startdeliver.project import processes; processes._PAUSE_SECONDS = 1.0; "
            "tree = processes.Tree(); python = sys.executable; "
            "tree.add('web', [python, '-c', 'import time; time.sleep(600)']); "
            "tree.add('worker', [python, 'die.py'], essential=False); sys.exit(tree.run())"
        )
        (tmp_path / "die.py").write_text("open('deaths', 'a').write('x')\nraise SystemExit(9)\n")
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment) as process:
            try:
                deaths = tmp_path / "deaths"
                until(lambda: deaths.exists() and len(deaths.read_text()) >= 5, "five deaths")
                assert process.poll() is None
                assert descendants(process.pid), "the web lives"
            finally:
                process.terminate()

    def test_a_wrong_setting_ends_it_with_its_line(self, installation: Installation) -> None:
        installation.settings["STARTDELIVER_DEBUG"] = "perhaps"
        done = installation.run("up", f"--port={free_port()}")
        assert done.returncode == 2
        assert done.stderr.startswith("startdeliver: STARTDELIVER_DEBUG: ")


def _of(process: subprocess.Popen[str], word: str) -> set[int]:
    """The descendants whose command line ends with `word`."""
    found = set()
    for pid in descendants(process.pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        except OSError:
            continue
        if word in words:
            found.add(pid)
    return found
