"""The Intercom connection of one organization: connect, sync, status."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click

from startdeliver.project.console import Refused, answer, find_organization, json_option, setup

ALREADY_RUNNING = 75  # EX_TEMPFAIL of sysexits.h: try again later


@click.group()
def intercom() -> None:
    """The connection of an organization to its Intercom workspace."""


@intercom.command()
@click.argument("organization", metavar="ORG")
@click.option(
    "--token",
    envvar="INTERCOM_TOKEN",
    help="Access token of the workspace's app; - reads it from standard input. Better not written on the command line: "
    "without this option INTERCOM_TOKEN is used, or you are asked.",
)
@click.option("--workspace", required=True, metavar="ID", help="Intercom workspace ID.")
@click.option("--eu", is_flag=True, help="Intercom stores your data in the EU.")
@click.option("--create-contacts", is_flag=True, help="Create users from Intercom contacts that match nobody.")
@click.option("--create-customers", is_flag=True, help="Create customers from Intercom companies.")
@click.option("--match-domains", is_flag=True, help="Also match companies by a customer's e-mail domain.")
@click.option("--sync-events", is_flag=True, help="Sync events from Intercom as usage.")
@json_option
def connect(organization: str, token: str | None, workspace: str, eu: bool, as_json: bool, **answers: bool) -> None:
    """Connect ORG to an Intercom workspace with an access token, and store the answers.

    Intercom reports the workspace of the token; a different workspace ID is refused. The worker starts the first sync
    within a minute; `startdeliver intercom sync ORG` starts it at once.
    """
    token = _token(token)
    setup()
    from startdeliver.sync import connect as sync_connect
    from startdeliver.tenancy.scope import organization_scope

    owner = find_organization(organization)
    with organization_scope(owner):
        try:
            sync_connect.connect_token(owner, token, eu=eu)
            saved = sync_connect.save_settings(owner, workspace=workspace, eu=eu, start=False, **answers)
        except sync_connect.ConnectError as error:
            raise Refused(str(error)) from error
        connection = saved.connection
        if as_json:
            answer({"organization": _organization(owner), **_connection(connection)})
            return
        click.echo(
            f"{owner.name} is connected to {connection.workspace_name or 'Intercom'} "
            f"(workspace {connection.workspace}, data region {connection.region})."
        )
        click.echo(f"Sync now: startdeliver intercom sync {owner.slug}; a running worker starts it by itself.")


def _token(given: str | None) -> str:
    if given == "-":
        given = sys.stdin.readline().strip()
    elif not given and sys.stdin.isatty():
        given = str(click.prompt("Access token", hide_input=True, err=True)).strip()
    if not given:
        raise Refused("No access token was given; use --token -, or set INTERCOM_TOKEN.", 2)
    return given


@intercom.command()
@click.argument("organization", metavar="ORG")
@click.option("--no-messages", is_flag=True, help="Only the listing: tickets and health, not the threads.")
@json_option
def sync(organization: str, no_messages: bool, as_json: bool) -> None:
    """Sync ORG with Intercom now, in this process.

    Exit status 0 if the run is complete, 1 if it failed, 75 if a sync is already running.
    """
    setup()
    from startdeliver.project.progress import ProgressLine
    from startdeliver.sync import connect as sync_connect
    from startdeliver.sync import runs
    from startdeliver.sync.models import SyncRun
    from startdeliver.tenancy.scope import organization_scope

    owner = find_organization(organization)
    with organization_scope(owner):
        if not sync_connect.connection_of(owner).is_ready:
            raise Refused(
                f"{owner.name} is not connected to Intercom, so nothing can sync; "
                f"see `startdeliver intercom status {owner.slug}`."
            )
        # A run that is told to stop records this. A run that is killed is recovered.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with ProgressLine() as line:
                run = runs.run_now(owner, messages=not no_messages, on_progress=line.show)
        except KeyboardInterrupt:
            raise Refused("The sync was stopped; what was imported stays, and the next one continues.", 130) from None
        except runs.NotConnected as error:
            raise Refused(str(error)) from error
        except runs.AlreadyRunning as error:
            sentence = f"already running since {error.since:%Y-%m-%d %H:%M:%S} UTC"
            if as_json:
                answer({"status": "already_running", "since": error.since.isoformat(), "error": sentence})
            raise Refused(f"A sync of {owner.name} is {sentence}.", ALREADY_RUNNING) from error
        finally:
            signal.signal(signal.SIGTERM, before)
        if as_json:
            answer(run_document(run))
        else:
            _print_run(run)
        if run.status != SyncRun.Status.SUCCESS:
            raise Refused(run.error or "The sync did not complete.")


@intercom.command()
@click.argument("organization", metavar="ORG")
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
@json_option
def push(organization: str, dry_run: bool, as_json: bool) -> None:
    """Push ORG's data to Intercom now, in this process: chosen attributes (advanced tier) and core fields.

    Without --dry-run this accepts what --dry-run would show: a push then follows every sync. Exit status 0 if the push
    is complete (single records may have failed), 1 if it is not, 75 if a push or a sync is running.
    """
    setup()
    from startdeliver.project.progress import ProgressLine
    from startdeliver.sync import connect as sync_connect
    from startdeliver.sync.models import PushRun
    from startdeliver.sync.push import choices, preview, runs
    from startdeliver.tenancy.scope import organization_scope

    owner = find_organization(organization)
    with organization_scope(owner):
        link = sync_connect.connection_of(owner)
        if not link.is_ready:
            raise Refused(f"{owner.name} is not connected to Intercom, so nothing can be pushed.")
        wanted = runs.specs(owner, link, accepted_only=False)
        if not owner.advanced and not any(spec.core for spec in wanted):
            raise Refused(choices.locked_sentence())
        if not owner.advanced:
            click.echo("note: only core fields go out; attributes are advanced functionality.", err=True)
        if dry_run:
            with ProgressLine() as line:
                plan = preview.preview(owner, link, on_progress=line.show)
            answer({"dryRun": True, **preview.document(plan)}) if as_json else _print_plan(plan)
            return
        choices.accept(owner, "the command line")
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with ProgressLine() as line:
                run = runs.run_now(owner, on_progress=line.show)
        except KeyboardInterrupt:
            raise Refused(
                "The push was stopped; what was written stays, and the next one does the rest.", 130
            ) from None
        except runs.NotReady as error:
            raise Refused(str(error)) from error
        except runs.AlreadyPushing as error:
            if as_json:
                answer({"status": "already_running", "error": str(error)})
            raise Refused(f"A push of {owner.name} cannot start: {error}.", ALREADY_RUNNING) from error
        finally:
            signal.signal(signal.SIGTERM, before)
        if as_json:
            answer(_push_document(run))
        else:
            click.echo(f"defined    {run.defined:,}\nplanned    {run.planned:,}\nwritten    {run.written:,}")
            click.echo(f"failed     {run.failed:,}\nrequests   {run.requests:,}\nseconds    {run.seconds:.1f}")
        if run.status != PushRun.Status.SUCCESS:
            raise Refused(run.error or "The push did not complete.")
        if run.failed:
            click.echo(f"note: {run.failed:,} failed and are tried again; see Apps → Intercom → Advanced.", err=True)


@intercom.command()
@click.argument("organization", metavar="ORG")
@json_option
def resume(organization: str, as_json: bool) -> None:
    """Resume the syncs and pushes of ORG, which were paused when a backup was restored."""
    setup()
    from startdeliver.sync import connect as sync_connect
    from startdeliver.tenancy.scope import organization_scope

    owner = find_organization(organization)
    with organization_scope(owner):
        resumed = sync_connect.resume(owner)
    if as_json:
        answer({"organization": owner.slug, "resumed": resumed})
    else:
        click.echo(f"{owner.name} syncs by itself again." if resumed else f"{owner.name} was not paused.")


def _push_document(run: Any) -> dict[str, Any]:
    return {
        "id": run.pk,
        "status": run.status,
        "trigger": run.trigger,
        "startedAt": _iso(run.started_at),
        "finishedAt": _iso(run.finished_at),
        "defined": run.defined,
        "planned": run.planned,
        "written": run.written,
        "failed": run.failed,
        "requests": run.requests,
        "seconds": round(run.seconds, 3),
        "error": run.error,
    }


def _print_plan(plan: Any) -> None:
    for definition in plan.definitions:
        click.echo(
            f"{definition.action:<8} {definition.model:<8} {definition.name} ({definition.data_type})"
            + f"  {definition.sentence}".rstrip()
        )
    for line in plan.lines:
        click.echo(f"{line.records:>8,} {line.model:<8} {line.key}")
    click.echo(f"{plan.companies:,} companies and {plan.contacts:,} contacts would be written.")
    if plan.problem:
        click.echo(f"note: {plan.problem}", err=True)


@intercom.command()
@click.argument("organization", metavar="ORG")
@json_option
def status(organization: str, as_json: bool) -> None:
    """Show the connection of ORG, its last and next sync, and what was skipped."""
    setup()
    from startdeliver.sync import overview
    from startdeliver.sync.connect import connection_of
    from startdeliver.sync.models import SyncRun
    from startdeliver.tenancy.scope import organization_scope

    owner = find_organization(organization)
    with organization_scope(owner):
        connection = connection_of(owner)
        newest = list(SyncRun.objects.order_by("-created_at")[:5])
        live = next((run for run in newest if run.status in (SyncRun.Status.QUEUED, SyncRun.Status.RUNNING)), None)
        ended = next((run for run in newest if run is not live), None)
        skips = overview.skip_counts(owner)
        following = overview.next_sync(connection)
        if as_json:
            answer(
                {
                    "organization": _organization(owner),
                    **_connection(connection),
                    "running": run_document(live) if live else None,
                    "lastRun": run_document(ended) if ended else None,
                    "nextSyncAt": _iso(following),
                    "skipped": skips,
                    "outbound": overview.outbound_count(owner),
                    "events": _events(owner, connection),
                }
            )
            return
        click.echo(f"Status:     {_status_words(connection)}")
        if connection.workspace:
            click.echo(f"Workspace:  {connection.workspace_name} ({connection.workspace}), region {connection.region}")
        if connection.problem:
            click.echo(f"Problem:    {connection.problem}")
        if live is not None:
            click.echo(f"Running:    since {_minute(live.started_at or live.created_at)}, {live.stage or 'waiting'}")
        click.echo("Last sync:  " + (_ended_words(ended) if ended else "none yet"))
        click.echo(f"Next sync:  {_minute(following) if following else 'none: the connection is not complete'}")
        standing = _events(owner, connection)
        click.echo(
            f"Events:     {standing['words']}"
            + (f"; {standing['waiting']:,} wait for a usage type" if standing["waiting"] else "")
            + (f"; {standing['problem']}" if standing["problem"] else "")
        )
        click.echo("Skipped:    " + (", ".join(f"{reason} {number:,}" for reason, number in skips.items()) or "none"))


def _events(organization: Any, connection: Any) -> dict[str, Any]:
    """Returns whether events count as usage, or what is missing."""
    from startdeliver.sync import events
    from startdeliver.sync.events.standing import WORDS
    from startdeliver.sync.models import WaitingEvent

    standing = events.standing(organization, connection)
    return {
        "status": standing.value,
        "words": WORDS[standing],
        "readAt": _iso(connection.events_at),
        "waiting": WaitingEvent.objects.count(),
        "problem": connection.events_problem,
    }


def run_document(run: Any) -> dict[str, Any]:
    """Returns a sync run as the JSON of the command line, with the API's names."""
    seconds = run.seconds
    return {
        "id": run.pk,
        "status": run.status,
        "trigger": run.trigger,
        "startedAt": _iso(run.started_at),
        "finishedAt": _iso(run.finished_at),
        "listed": run.listed,
        "imported": run.imported,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "deleted": run.deleted,
        "skipped": run.skipped,
        "outbound": run.outbound,
        "messages": run.messages,
        "events": run.events,
        "usersCreated": run.users_created,
        "usersUpdated": run.users_updated,
        "customersCreated": run.customers_created,
        "customersUpdated": run.customers_updated,
        "requests": run.requests,
        "seconds": None if seconds is None else round(seconds, 3),
        "sweepRequests": run.sweep_requests,
        "sweepSeconds": round(run.sweep_seconds, 3),
        "warnings": run.warnings,
        "error": run.error,
    }


def _print_run(run: Any) -> None:
    skipped = ", ".join(f"{reason} {number:,}" for reason, number in sorted(run.skipped.items()))
    rows = [
        ("listed", f"{run.listed:,}"),
        ("imported", f"{run.imported:,}"),
        ("updated", f"{run.updated:,}"),
        ("unchanged", f"{run.unchanged:,}"),
        ("deleted", f"{run.deleted:,}"),
        ("skipped", f"{sum(run.skipped.values()):,}" + (f"  ({skipped})" if skipped else "")),
        ("outbound", f"{run.outbound:,}"),
        ("messages", f"{run.messages:,}"),
        ("events", _events_words(run.events)),
        ("requests", f"{run.requests:,}  (daily sweeps {run.sweep_requests:,})"),
        ("seconds", f"{run.seconds or 0:.1f}  (daily sweeps {run.sweep_seconds:.1f})"),
    ]
    for name, value in rows:
        click.echo(f"{name:<10} {value}")
    for warning in run.warnings:
        click.echo(f"note: {warning}", err=True)


def _events_words(counts: dict[str, int]) -> str:
    if not counts:
        return "not asked"
    words = {
        "stored": "counted",
        "brought_in": "brought in",
        "known": "known already",
        "unknown": "without a usage type",
    }
    parts = [f"{label} {counts[key]:,}" for key, label in words.items() if counts.get(key)]
    read = f"{counts.get('read', 0):,}  (of {counts.get('asked', 0):,} contacts"
    return read + "".join(f", {part}" for part in parts) + ")"


def _organization(organization: Any) -> dict[str, Any]:
    return {"id": organization.pk, "name": organization.name, "slug": organization.slug}


def _connection(connection: Any) -> dict[str, Any]:
    return {
        "status": connection.status,
        "workspace": connection.workspace,
        "workspaceName": connection.workspace_name,
        "region": connection.region,
        "createContacts": connection.create_contacts,
        "createCustomers": connection.create_customers,
        "matchDomains": connection.match_domains,
        "syncEvents": connection.sync_events,
        "lastSuccessAt": _iso(connection.last_success_at),
        "problem": connection.problem,
    }


def _status_words(connection: Any) -> str:
    if connection.is_ready:
        return "Authenticated"
    if connection.is_authenticated:
        return "Authenticated; the workspace ID and the answers are not saved yet"
    return str(connection.get_status_display())


def _ended_words(run: Any) -> str:
    from startdeliver.sync.overview import run_sentence

    took = f" in {run.seconds:.0f} s" if run.seconds is not None else ""
    outcome = f"{run.get_status_display().lower()}: {run_sentence(run)}"
    words = f"{_minute(run.started_at or run.created_at)}{took}, {outcome}"
    return f"{words}. {run.error}" if run.error else words


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _minute(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
