"""Starts processes: up, serve, worker, migrate."""

from __future__ import annotations

import os
import sys

import click

from startdeliver.project.console import Refused, answer, count, json_option, setup

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
port_option = click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
threads_option = click.option(
    "--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Long jobs at a time in each process."
)
processes_option = click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=lambda: min(os.cpu_count() or 1, 4),
    show_default="one for each core, at most 4",
    help="Worker processes on this machine.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that answer requests."
)


@click.command()
@host_option
@port_option
@workers_option
def up(host: str, port: int, workers: int) -> None:
    """Migrate the database, serve the pages and run a worker, in one process tree.

    Press Ctrl-C to stop. Set STARTDELIVER_BASE_URL to the address that people open, unless it is this machine's.
    """
    from startdeliver.project import processes
    from startdeliver.project.server import check_port

    check_port(host, port)
    default_base_url(port)
    setup(migrated=False)
    from django.conf import settings

    from startdeliver.tenancy.models import Organization

    bring_up_to_date()
    tree = processes.Tree()
    tree.add("serve", processes.startdeliver("serve", f"--host={host}", f"--port={port}", f"--workers={workers}"))
    tree.add("worker", processes.startdeliver("worker"), essential=False)

    def announce() -> None:
        click.echo(f"Startdeliver is at {settings.CONFIG.base_url} (Ctrl-C ends it).", err=True)
        if not Organization.objects.exists():
            hint = 'startdeliver org create "Example Inc" --admin you@example.com'
            click.echo(f"Make your organization: {hint}", err=True)

    reached = host if host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104 -- the person's own choice
    address = f"[{reached}]" if ":" in reached else reached
    sys.exit(tree.run(lambda: processes.answers(f"http://{address}:{port}/healthz"), announce))


@click.command()
@host_option
@port_option
@workers_option
def serve(host: str, port: int, workers: int) -> None:
    """Serve the pages and the API."""
    from startdeliver.project.server import check_port, run

    check_port(host, port)
    default_base_url(port)
    setup()
    run(host, port, workers)


@click.command()
@processes_option
@threads_option
def worker(processes: int, threads: int) -> None:
    """Do the background work: syncs, pushes, health, schedules. Start as many as you like."""
    setup()
    if processes > 1:
        sys.exit(_several_workers(processes, threads))
    from startdeliver.engine.worker import run_process

    run_process(threads)
    sys.stdout.flush()
    sys.stderr.flush()
    # A job that did not stop in time is back in the queue; its thread must not keep the process alive.
    os._exit(0)


def _several_workers(number: int, threads: int) -> int:
    from startdeliver.project import processes

    tree = processes.Tree()
    for index in range(1, number + 1):
        command = processes.startdeliver("worker", "--processes=1", f"--threads={threads}")
        tree.add(f"worker {index}", command, essential=False)
    return tree.run()


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Update the database to this version."""
    setup(migrated=False)
    done = bring_up_to_date()
    if as_json:
        answer({"applied": done})
    elif done:
        click.echo(f"The database is prepared: {count(len(done), 'migration')} applied.")
    else:
        click.echo("The database is up to date.")


def bring_up_to_date() -> list[str]:
    """Migrates and returns the names of the migrations. Raises Refused if the database belongs to a newer version."""
    from startdeliver.project import database

    if database.state().unknown:
        raise Refused("The database belongs to a newer version of Startdeliver; install that version.")
    return database.migrate()


def default_base_url(port: int) -> None:
    """Makes links use the served port, unless STARTDELIVER_BASE_URL is set."""
    from startdeliver.project.config import given

    if not given("STARTDELIVER_BASE_URL"):
        os.environ["STARTDELIVER_BASE_URL"] = f"http://localhost:{port}"
