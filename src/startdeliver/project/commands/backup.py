"""backup and restore."""

from __future__ import annotations

from pathlib import Path

import click

from startdeliver.project.console import Refused, answer, count, json_option, setup

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@file_argument
@click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
@json_option
def backup(file: Path, force: bool, as_json: bool) -> None:
    """Write the database to FILE while everything keeps running.

    With SQLite, FILE also contains the keys of the data directory: protect it like a password. With PostgreSQL, the
    keys are in your environment, and you must store them yourself; pg_dump, pg_restore and psql must be installed.
    """
    setup(migrated=False)
    from startdeliver.project import archive

    if file.exists() and not force:
        raise Refused(f"{file} exists already; choose another name, or use --force.")
    try:
        manifest = archive.backup(file.resolve())
    except archive.ArchiveError as error:
        raise Refused(str(error)) from error
    size = file.stat().st_size
    if as_json:
        answer(
            {
                "file": str(file),
                "bytes": size,
                "database": manifest.vendor,
                "organizations": manifest.organizations,
                "keys": bool(manifest.keys),
                "createdAt": manifest.created_at,
            }
        )
        return
    organizations = count(manifest.organizations, "organization")
    click.echo(f"{file} holds the database ({organizations}, {size:,} bytes).")
    if manifest.keys:
        click.echo("It holds the keys too: keep it as safe as a password.")
    else:
        click.echo("The keys are not in it: keep STARTDELIVER_ENCRYPTION_KEYS, or stored tokens cannot be read.")


@click.command()
@file_argument
@click.option("--yes", is_flag=True, help="Replace a database that is not empty.")
@click.option("--keep-syncing", is_flag=True, help="Do not pause the connections to Intercom.")
@json_option
def restore(file: Path, yes: bool, keep_syncing: bool, as_json: bool) -> None:
    """Replace the database by the one in FILE, and update it to this version.

    Stop the web server and the workers first. A database with an organization is replaced only with --yes.
    Everybody must log in again. Connections to Intercom are paused, because two copies must not use the same token.
    """
    setup(migrated=False)
    from startdeliver.project import archive

    try:
        with archive.opened(file) as (manifest, folder):
            archive.check(manifest)
            if living := archive.living_workers():
                raise Refused(
                    f"{count(living, 'worker')} at work on this database; stop all of them, and the web server, first."
                )
            if not yes and not archive.is_empty():
                raise Refused("The database is not empty; --yes replaces everything that is in it.")
            notes = archive.restore(manifest, folder, keep_syncing=keep_syncing)
    except archive.ArchiveError as error:
        raise Refused(str(error)) from error
    if as_json:
        answer(
            {
                "database": manifest.vendor,
                "organizations": manifest.organizations,
                "createdAt": manifest.created_at,
                "notes": notes,
            }
        )
        return
    organizations = count(manifest.organizations, "organization")
    click.echo(f"The database is the one of {manifest.created_at} ({organizations}).")
    for note in notes:
        click.echo(note)
    click.echo("Now run `startdeliver doctor`.")
