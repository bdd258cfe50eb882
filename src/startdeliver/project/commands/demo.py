"""demo: everything at once, with a simulated Intercom workspace."""

from __future__ import annotations

import os
import sys

import click

from startdeliver.project.console import setup


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Taken ones are skipped.")
@click.option("--simulator-port", type=click.IntRange(1, 65535), default=8790, show_default=True)
def demo(port: int, simulator_port: int) -> None:
    """Start everything with sample data and a simulated Intercom workspace.

    The data is kept in ./data/demo (or STARTDELIVER_DATA_DIR) between starts. Connect Intercom yourself: Apps →
    Intercom.
    """
    from startdeliver.project import demo as it
    from startdeliver.project import processes

    if "MAKELEVEL" in os.environ:
        # With `make demo` the person started make, and may kill it.
        processes.end_with_parent()
    try:
        with it.place(port, simulator_port) as place:
            it.set_environment(place)
            setup(migrated=False)
            from startdeliver.project.commands.run import bring_up_to_date

            bring_up_to_date()
            it.seed()
            tree = processes.Tree()
            tree.add("simulator", it.simulator_command(place), quiet=True)
            tree.add("serve", processes.startdeliver("serve", f"--port={place.port}"))
            tree.add("worker", processes.startdeliver("worker"))
            status = tree.run(
                ready=lambda: (
                    processes.answers(f"http://127.0.0.1:{place.port}/healthz")
                    and processes.listens(place.simulator_port)
                ),
                announce=lambda: _announce(place.url, place.simulator_url),
            )
    except it.Running as other:
        click.echo(f"The demo runs already at {other}.")
        return
    sys.exit(status)


def _announce(url: str, simulator_url: str) -> None:
    from startdeliver.project import demo as it

    lines = [
        "",
        f"Startdeliver demo:  {url}",
        "",
        f"  Administrator     {it.ADMINISTRATOR[1]:<20} password {it.PASSWORD}",
        f"  CSM               {it.CSM[1]:<20} password {it.PASSWORD}",
        "",
        "Log in as the administrator, then Apps → Intercom → Click to start authentication.",
        f"Intercom workspace ID to enter: {it.WORKSPACE}",
        f"(The simulated Intercom workspace is at {simulator_url}.)",
        "",
        "Ctrl-C ends everything; the data stays for the next time.",
        "",
    ]
    click.echo("\n".join(lines))
    sys.stdout.flush()
