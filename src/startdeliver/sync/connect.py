"""Connecting an organization to its Intercom workspace, changing the answers, and ending it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import connection as database
from django.db import transaction

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.intercom import AuthError, Fetcher, IntercomClient, IntercomError, Limiter, oauth, regions, wire
from startdeliver.intercom.transport import Backoff, Timeouts
from startdeliver.sync import links
from startdeliver.sync.events.store import PREFIX
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.sync.push import choices
from startdeliver.tenancy.models import Organization
from startdeliver.usage import services as usage

log = logging.getLogger(__name__)

# A person waits for these answers, so they give up sooner than a run does.
_PATIENCE = Timeouts(total=20.0)


class ConnectError(Exception):
    """The connection could not be made or changed; `str(error)` is one sentence for the administrator.

    `field` names the form field that the sentence is about, "" when it is about the whole.
    """

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Saved:
    """What a save did: the connection, and the first run when this save started it."""

    connection: Connection
    run: SyncRun | None


def connection_of(organization: Organization) -> Connection:
    """The organization's connection, made when there is none yet. Call it inside the organization's scope."""
    found, _ = Connection.objects.get_or_create(organization=organization)
    return found


def oauth_available() -> bool:
    """Whether the operator has set INTERCOM_CLIENT_ID and INTERCOM_CLIENT_SECRET."""
    return bool(settings.CONFIG.intercom_client_id)


def authorize_url(
    organization: Organization, redirect_uri: str, eu: bool, australia: bool = False
) -> tuple[str, oauth.State]:
    """Where to send the administrator, and the state to keep in the session (single use, ten minutes).

    The region picks the authorize host; what it really is, `/me` says afterwards. Raises ConnectError without a
    client id.
    """
    if not oauth_available():
        raise ConnectError(
            "Authentication by click is not set up, so nothing was connected. Ask the operator to set "
            "INTERCOM_CLIENT_ID and INTERCOM_CLIENT_SECRET, or paste an access token."
        )
    state = oauth.State.new(clock.now().timestamp())
    url = oauth.authorize_url(
        settings.CONFIG.intercom_client_id,
        state.value,
        region=_asked_region(eu, australia),
        redirect_uri=redirect_uri,
        override=settings.CONFIG.intercom_app_url,
    )
    return url, state


def finish_oauth(organization: Organization, code: str, eu: bool = False, australia: bool = False) -> Connection:
    """Exchanges the callback's `code` and stores the token. Raises ConnectError; then nothing has changed."""
    config = settings.CONFIG
    client = IntercomClient("", regions.api_url(None, config.intercom_api_url))
    try:
        with Fetcher(client) as fetcher:
            token = fetcher.call(
                oauth.exchange_code(
                    code,
                    client_id=config.intercom_client_id,
                    client_secret=config.intercom_client_secret,
                    api_override=config.intercom_api_url,
                )
            )
    except IntercomError as error:
        log.warning("oauth exchange failed: %r %s", error, error.detail)
        raise ConnectError(error.sentence) from error
    return _authenticate(organization, token, "oauth", eu, australia)


def connect_token(organization: Organization, token: str, eu: bool = False, australia: bool = False) -> Connection:
    """Stores a private app's access token after Intercom has accepted it. Raises ConnectError."""
    token = token.strip()
    if not token:
        raise ConnectError("No access token was given; paste the one that Intercom's Developer Hub shows.", "token")
    if any(ord(character) < 33 or ord(character) > 126 for character in token):
        raise ConnectError("This is not an access token: it holds spaces or special characters.", "token")
    return _authenticate(organization, token, "token", eu, australia)


def save_settings(
    organization: Organization,
    *,
    workspace: str,
    eu: bool,
    create_contacts: bool,
    create_customers: bool = False,
    match_domains: bool = False,
    sync_events: bool = False,
    start: bool = True,
) -> Saved:
    """Checks the workspace ID against Intercom and stores the answers; the first save starts the first sync.

    `start=False` leaves the first run to the caller (the command line). Raises ConnectError; then nothing has changed.
    """
    from startdeliver.sync import runs

    workspace = workspace.strip()
    if not workspace:
        raise ConnectError("Enter your Intercom workspace ID; it is in the address of any Intercom page.", "workspace")
    found = connection_of(organization)
    if not found.is_authenticated:
        raise ConnectError("Authenticate with Intercom first; then the workspace ID can be checked.")
    me, region = _identify(found.token, found.region)
    if me.workspace_id.lower() != workspace.lower():
        raise ConnectError(
            f"You entered workspace ID {workspace}, but you authenticated with workspace {_called(me)}. "
            "Nothing syncs until they agree: correct the ID, or authenticate again in the other workspace.",
            "workspace",
        )
    answers = {
        "create_contacts": create_contacts,
        "create_customers": create_customers,
        "match_domains": match_domains,
    }
    now = clock.now()
    with transaction.atomic():
        found = Connection.objects.select_for_update().get(pk=found.pk)
        moved = found.workspace != me.workspace_id
        first = found.saved_at is None
        if moved or any(getattr(found, name) != value for name, value in answers.items()):
            record(organization, Kind.MATCHING)
        if moved:
            _forget_position(found)
            # What was accepted was to be written to the other workspace.
            choices.forget(organization)
        for name, value in answers.items():
            setattr(found, name, value)
        found.sync_events = sync_events
        found.eu_answer = eu
        found.workspace = me.workspace_id
        _describe(found, me, region)
        found.saved_at = found.saved_at or now
        found.next_sync_at = found.next_sync_at or now
        found.problem, found.problem_code, found.problem_at = "", "", None
        found.paused_at = None
        found.save()
        links.rewrite(found)
    run = None
    if start and (first or moved):
        try:
            run = runs.request_run(organization, SyncRun.Trigger.SAVE)
        except runs.AlreadyRunning:
            log.info("organization %s saved its settings during a run", organization.pk)
    return Saved(found, run)


def revoke(organization: Organization) -> str:
    """Ends the connection: tells Intercom, deletes the token, stops schedules and runs. Tickets stay.

    Gives a sentence when Intercom could not be told, "" otherwise.
    """
    found = connection_of(organization)
    notice = ""
    if found.token_cipher:
        try:
            with _open(found.token, found.region) as fetcher:
                fetcher.call(fetcher.client.uninstall())
        except AuthError:
            pass  # dead already: there is nothing to tell
        except IntercomError as error:
            log.warning("uninstall of organization %s failed: %r %s", organization.pk, error, error.detail)
            notice = "Intercom could not be reached, so please remove Startdeliver in Intercom's app settings too."
    now = clock.now()
    with transaction.atomic():
        found.token = ""
        found.status = Connection.Status.REVOKED
        found.saved_at = found.next_sync_at = None
        found.problem, found.problem_code, found.problem_at = "", "", None
        found.save()
        SyncRun.objects.filter(status__in=[SyncRun.Status.QUEUED, SyncRun.Status.RUNNING]).update(
            status=SyncRun.Status.FAILED,
            finished_at=now,
            error_code="revoked",
            error="The connection was revoked during this sync; what was imported until then stays.",
        )
    return notice


def resume(organization: Organization) -> bool:
    """Ends the pause of a connection that came with a restored backup; returns whether there was one."""
    paused = Connection.objects.filter(organization=organization, paused_at__isnull=False)
    return bool(paused.update(paused_at=None))


# Children before parents; every statement names the organization.
_IMPORTED = (
    "support_ticketparticipant",
    "support_thread",
    "support_ticket",
    "support_supporthealth",
    "support_supportsnapshot",
    "sync_skip",
    "sync_outboundmessage",
    "sync_waitingevent",
    "sync_eventname",
    "sync_pushlog",
    "sync_pushpreview",
    "sync_pushitem",
    "sync_pushrecord",
    "sync_intercomcontact",
    "sync_intercomcompany",
)


def disconnect_and_delete(organization: Organization) -> str:
    """Revokes and deletes what was imported: tickets with threads, health and its history, skips, events, what Intercom
    knew.

    Customers and users stay, also those created from Intercom. Gives `revoke`'s notice.
    """
    notice = revoke(organization)
    with transaction.atomic(), database.cursor() as cursor:
        for table in _IMPORTED:
            cursor.execute(f"DELETE FROM {table} WHERE organization_id = %s", [organization.pk])  # noqa: S608 -- our names
        usage.events_forget(organization=organization, prefix=PREFIX)
        choices.forget(organization)
        found = connection_of(organization)
        _forget_position(found)
        found.status = Connection.Status.NEW
        found.workspace = found.workspace_name = ""
        found.last_success_at = None
        found.save()
    return notice


def _authenticate(organization: Organization, token: str, kind: str, eu: bool, australia: bool) -> Connection:
    me, region = _identify(token, _asked_region(eu, australia))
    found = connection_of(organization)
    if found.workspace and found.saved_at is not None and found.workspace != me.workspace_id:
        raise ConnectError(
            f"You authenticated with workspace {_called(me)}, but this organization is connected to workspace "
            f"{found.workspace}, so nothing was changed. Choose {found.workspace} in Intercom, or revoke first."
        )
    found.token = token
    found.token_kind = kind
    found.status = Connection.Status.AUTHENTICATED
    found.authenticated_at = clock.now()
    found.eu_answer = eu
    _describe(found, me, region)
    found.problem, found.problem_code, found.problem_at = "", "", None
    if found.saved_at is not None:
        # A dead token was replaced: what was missed is made up at once.
        found.next_sync_at = clock.now()
    with transaction.atomic():
        found.save()
        links.rewrite(found)
    return found


def _identify(token: str, region: str) -> tuple[wire.Me, str]:
    """Who the token belongs to, and its true region. A 401 on one regional host may only mean another region."""
    override = settings.CONFIG.intercom_api_url
    order = [region] if override else [region, *(code for code in regions.REGIONS if code != region)]
    refused: IntercomError | None = None
    for code in order:
        try:
            with _open(token, code) as fetcher:
                me = fetcher.call(fetcher.client.me())
        except AuthError as error:
            refused = refused or error
            continue
        except IntercomError as error:
            log.warning("/me failed: %r %s", error, error.detail)
            raise ConnectError(error.sentence) from error
        if not me.workspace_id:
            raise ConnectError("Intercom did not say which workspace this token belongs to, so nothing was connected.")
        return me, me.region if me.region in regions.REGIONS else code
    raise ConnectError(str(refused)) from refused


def _open(token: str, region: str) -> Fetcher:
    base = regions.api_url(region, settings.CONFIG.intercom_api_url)
    return Fetcher(
        IntercomClient(token, base, limiter=Limiter(), concurrency=2, timeouts=_PATIENCE, backoff=Backoff(attempts=3))
    )


def _asked_region(eu: bool, australia: bool) -> str:
    return "AU" if australia else "EU" if eu else "US"


def _describe(found: Connection, me: wire.Me, region: str) -> None:
    found.region = region
    if me.app is not None:
        found.workspace_name = (me.app.name or "")[:255]
        found.time_zone = (me.app.timezone or "UTC")[:64]


def _called(me: wire.Me) -> str:
    name = me.app.name if me.app else ""
    return f"{me.workspace_id} ({name})" if name else me.workspace_id


def _forget_position(found: Connection) -> None:
    found.conversations_until = found.contacts_until = found.tickets_until = found.deleted_until = None
    found.swept_at = found.events_at = None
    found.events_problem = ""
