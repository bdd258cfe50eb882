"""The `startdeliver` command."""

from __future__ import annotations

import sys
from typing import Any

import click

from startdeliver import __version__
from startdeliver.project.commands import backup, demo, doctor, intercom, jobs, operators, organizations, run
from startdeliver.project.console import Refused


class Commands(click.Group):
    """Turns expected errors into one sentence. All other errors keep their traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
            raise Refused(sentence) from error


def _sentence(error: Exception) -> str | None:
    # Without Django loaded, no database error can have been raised.
    if "django.db.utils" in sys.modules:
        from django.db.utils import InterfaceError, OperationalError

        if isinstance(error, OperationalError | InterfaceError):
            return f"The database cannot be used ({error}). Check DATABASE_URL, and `startdeliver doctor`."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="startdeliver")
def main() -> None:
    """Startdeliver: a self-hosted customer-success hub that integrates with Intercom.

    Settings come from the environment and from a .env file in the working directory. ORG is an organization's id, slug
    or name. Exit status: 0 success, 1 failure, 2 invalid setting or usage, 75 a sync is already running.
    """


main.add_command(run.up)
main.add_command(run.serve)
main.add_command(run.worker)
main.add_command(run.migrate)
main.add_command(backup.backup)
main.add_command(backup.restore)
main.add_command(organizations.org)
main.add_command(operators.operator)
main.add_command(intercom.intercom)
main.add_command(jobs.jobs_group)
main.add_command(doctor.doctor)
main.add_command(demo.demo)

if __name__ == "__main__":
    main(prog_name="startdeliver")
