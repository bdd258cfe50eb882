"""Background jobs for operators: jobs list, show, retry, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from startdeliver.project.console import Refused, answer, json_option, setup

if TYPE_CHECKING:
    from startdeliver.engine.jobs import Job

_STATES = ["waiting", "running", "done", "failed", "cancelled"]


@click.group("jobs")
def jobs_group() -> None:
    """Background jobs: which wait, run or failed, and why."""


@jobs_group.command("list")
@click.option("--status", "states", type=click.Choice(_STATES), multiple=True, help="Only these; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def list_(states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List jobs, newest first."""
    setup()
    from startdeliver.engine import jobs

    wanted = [jobs.Status[state.upper()] for state in states] or None
    rows = [_document(job) for job in jobs.select(wanted, limit)]
    if as_json:
        answer({"jobs": rows})
        return
    for row in rows:
        click.echo(f"{row['id']:>8}  {row['status']:<9}  {row['kind']:<28} {row['key']:<36} {row['error']}".rstrip())
    if not rows:
        click.echo("There are none.")


@jobs_group.command()
@click.argument("job_id", type=int, metavar="ID")
@json_option
def show(job_id: int, as_json: bool) -> None:
    """Show one job."""
    setup()
    document = _document(_get(job_id))
    if as_json:
        answer(document)
        return
    for name, value in document.items():
        click.echo(f"{name:<16}{'' if value is None else value}")


@jobs_group.command()
@click.argument("job_id", type=int, metavar="ID")
@json_option
def retry(job_id: int, as_json: bool) -> None:
    """Put a failed or cancelled job back into the queue."""
    setup()
    from startdeliver.engine import jobs

    job = _get(job_id)
    if not jobs.retry(job.id):
        raise Refused(f"Job {job_id} is {job.status.name.lower()}; only a failed or cancelled one can be retried.")
    _say(job_id, as_json, f"Job {job_id} waits for a worker.")


@jobs_group.command()
@click.argument("job_id", type=int, metavar="ID")
@json_option
def cancel(job_id: int, as_json: bool) -> None:
    """End a waiting job, or ask a running one to stop."""
    setup()
    from startdeliver.engine import jobs

    job = _get(job_id)
    if not jobs.cancel(job.id):
        raise Refused(f"Job {job_id} has ended already ({job.status.name.lower()}).")
    _say(job_id, as_json, f"Job {job_id} is cancelled, or stops soon if it runs.")


def _get(job_id: int) -> Job:
    from startdeliver.engine import jobs

    job = jobs.get(job_id)
    if job is None:
        raise Refused(f"There is no job {job_id}; `startdeliver jobs list` shows those there are.")
    return job


def _say(job_id: int, as_json: bool, sentence: str) -> None:
    if as_json:
        answer(_document(_get(job_id)))
    else:
        click.echo(sentence)


def _document(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "key": job.key,
        "status": job.status.name.lower(),
        "organization": job.organization_id,
        "attempts": job.attempts,
        "failures": job.failures,
        "crashes": job.crashes,
        "progress": job.progress,
        "error": job.error,
        "notBefore": job.not_before.isoformat() if job.not_before else None,
        "startedAt": job.started_at.isoformat() if job.started_at else None,
    }
