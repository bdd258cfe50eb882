"""doctor: check the installation."""

from __future__ import annotations

import sys

import click

from startdeliver.project.console import answer, json_option, setup


@click.command()
@click.option("--online", is_flag=True, help="Ask Intercom too, with each stored token.")
@json_option
def doctor(online: bool, as_json: bool) -> None:
    """Check the installation and say what to do. Exit status 1 if a check failed."""
    setup(migrated=False)
    from startdeliver.project import checks

    rows = []
    for check in checks.run(online=online):
        rows.append(check)
        if not as_json:
            colour = {"ok": "green", "warning": "yellow", "failed": "red"}[check.verdict]
            click.echo(click.style(f"{check.verdict:<8}", fg=colour) + f"{check.name}: {check.text}")
            if check.remedy:
                click.echo(f"        → {check.remedy}")
    failed = any(check.verdict == checks.Verdict.FAILED for check in rows)
    if as_json:
        document = [
            {"name": row.name, "status": str(row.verdict), "message": row.text, "whatToDo": row.remedy} for row in rows
        ]
        answer({"ok": not failed, "checks": document})
    if failed:
        sys.exit(1)
