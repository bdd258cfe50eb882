"""The demo: one process tree with a simulated workspace, harmless to start twice, gone without a trace of a process."""

from __future__ import annotations

import http.cookiejar
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from startdeliver.simulator.demo import demo_companies, demo_people
from tests.project.running import COMMAND, Installation, alive, answers, descendants, free_port, until


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """A directory to start the demo in, without a setting."""
    return Installation(tmp_path / "here", {"STARTDELIVER_DATA_DIR": ""})


@pytest.fixture
def migrated_here(here: Installation, prepared_sqlite: Path) -> Installation:
    """The same, with the demo's database migrated already, but empty."""
    folder = here.folder / "data" / "demo"
    folder.mkdir(parents=True)
    shutil.copy(prepared_sqlite, folder / here.sqlite.name)
    return here


@contextmanager
def demo(here: Installation, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo, once it has said what there is to know: the process, and what it said."""
    ports = (f"--port={free_port()}", f"--simulator-port={free_port()}")
    with here.started("demo", *(more or ports)) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        assert "Ctrl-C" in said, said
        yield process, said


def address(said: str) -> str:
    found = re.search(r"http://localhost:\d+", said)
    assert found
    return found.group()


def simulator_address(said: str) -> str:
    found = re.search(r"http://127.0.0.1:\d+", said)
    assert found
    return found.group()


def log_in(base: str, email: str, password: str) -> str:
    """Logs in as a browser does; gives the address where it ends up."""
    opener = build_opener(HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = opener.open(f"{base}/login", timeout=30).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    names = re.findall(r'<input[^>]*name="(email|username|password)"', page)
    form = {"csrfmiddlewaretoken": token.group(1), names[0]: email, "password": password}
    request = Request(f"{base}/login", urlencode(form).encode(), {"Referer": f"{base}/login"})
    return str(opener.open(request, timeout=30).url)


def database(here: Installation, base: str, intercom: str) -> Installation:
    """The demo's own data, for the command."""
    settings = {
        "STARTDELIVER_DATA_DIR": str(here.folder / "data" / "demo"),
        "STARTDELIVER_BASE_URL": base,
        "INTERCOM_API_URL": intercom,
    }
    return Installation(here.folder, settings)


def test_everything_is_there_and_most_of_it_matches(here: Installation) -> None:
    with demo(here) as (process, said):
        base = address(said)
        assert answers(f"{base}/healthz")
        for email in ("alex@demo.example", "sam@demo.example"):
            assert email in said
            assert log_in(base, email, "startdeliver-demo").startswith(f"{base}/customers")
        assert "demo1abc" in said
        inside = database(here, base, simulator_address(said))
        # Connecting is left to the person.
        assert inside.json("intercom", "status", "demo")["status"] == "new"
        inside.settings["INTERCOM_TOKEN"] = "sim-access-token"
        inside.ok("intercom", "connect", "demo", "--workspace", "demo1abc")
        # The worker may have begun it by itself.
        until(lambda: inside.run("intercom", "sync", "demo").returncode == 0, "a complete sync")
        skipped = inside.json("intercom", "status", "demo")["skipped"]
        assert 0 < sum(skipped.values()) < 120
        children = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert not [pid for pid in children if alive(pid)]

    # The second start: the same data, and the connection still works in the workspace that was made anew. The token
    # here is one as the authorize page gives.
    with demo(here) as (process, said):
        inside = database(here, address(said), simulator_address(said))
        inside.settings["INTERCOM_TOKEN"] = "sim-oauth-token-0002"
        inside.ok("intercom", "connect", "demo", "--workspace", "demo1abc")
        until(lambda: inside.run("intercom", "sync", "demo").returncode == 0, "a complete sync")
        last = inside.json("intercom", "status", "demo")["lastRun"]
        assert (last["status"], last["imported"], last["updated"]) == ("success", 0, 0)
        assert [row["name"] for row in inside.json("org", "list")["organizations"]] == ["Demo"]


def test_it_ends_with_the_make_that_started_it(migrated_here: Installation) -> None:
    here = migrated_here
    # `make` stands between: killed, it cannot pass anything on.
    make = f'exec {sys.executable} -c "import subprocess, sys; subprocess.run(sys.argv[1:])"'
    ports = f"--port={free_port()} --simulator-port={free_port()}"
    environment = {**here.environment, "MAKELEVEL": "1"}
    process = subprocess.Popen(
        f"{make} {' '.join(COMMAND)} demo {ports}",
        shell=True,
        cwd=here.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: len(descendants(process.pid)) >= 4, "the start of every process")
    children = descendants(process.pid)
    process.kill()
    process.wait()
    until(lambda: not [pid for pid in children if alive(pid)], "the end of every process")


def test_taken_ports_are_stepped_over_and_a_second_one_leaves_the_first_alone(migrated_here: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with demo(migrated_here, f"--port={taken}", f"--simulator-port={taken}") as (process, said):
            ports = {int(address(said).rpartition(":")[2]), int(simulator_address(said).rpartition(":")[2])}
            assert len(ports) == 2
            assert all(taken < port < taken + 50 for port in ports)

            second = migrated_here.run("demo")
            assert second.returncode == 0
            assert second.stdout == f"The demo runs already at {address(said)}.\n"
            assert answers(f"{address(said)}/healthz")
            children = descendants(process.pid)
            process.kill()
            until(lambda: not [pid for pid in children if alive(pid)], "the end of every process after kill -9")


def test_a_real_installation_is_left_alone(migrated_sqlite: Installation) -> None:
    installation = migrated_sqlite
    installation.ok("org", "create", "Acme", "--admin", "a@acme.test")
    done = installation.run("demo")
    assert done.returncode == 1
    assert "STARTDELIVER_DATA_DIR" in done.stderr
    assert [row["name"] for row in installation.json("org", "list")["organizations"]] == ["Acme"]


def test_the_hub_starts_with_most_of_the_workspace() -> None:
    for rows in (demo_companies(), demo_people()):
        known = [row for row in rows if row["in_hub"]]
        assert 0.8 < len(known) / len(rows) < 1
