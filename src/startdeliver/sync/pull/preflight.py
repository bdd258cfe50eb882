"""Before anything is read: whose token it is, which workspace and region, what the teammates are called."""

from __future__ import annotations

from django.db import transaction

from startdeliver.common import clock
from startdeliver.intercom import AuthError, IntercomError, RateLimited, regions, search
from startdeliver.intercom.errors import bad_answer
from startdeliver.intercom.wire import Me
from startdeliver.sync import links
from startdeliver.sync.pull.ticket_facts import Names
from startdeliver.sync.pull.work import Pull

_USUAL_LIMIT = 1_666  # requests in ten seconds (Intercom's docs, rate limiting)
_OWN_SPEED = 1_000  # requests a second that this program can make use of


class WrongWorkspace(Exception):
    """The token belongs to another workspace than the one that was saved; nothing may be synced."""

    def __init__(self, saved: str, found: str) -> None:
        self.sentence = (
            f"The access token belongs to the Intercom workspace {found}, but {saved} was saved "
            "here, so nothing is synced. Authenticate again with the right workspace, or correct the ID, under "
            "Apps → Intercom."
        )
        super().__init__(self.sentence)


def run(pull: Pull) -> None:
    """Checks the workspace (WrongWorkspace), notes region and time zone, reads names. Done again when a run resumes."""
    me: Me = pull.fetcher.call(pull.client.me())
    if not me.workspace_id:
        # No word on the token, so nothing that an administrator could mend.
        raise bad_answer("did not say which workspace the access token belongs to", detail="/me without app.id_code")
    if me.workspace_id != pull.workspace:
        raise WrongWorkspace(pull.workspace, me.workspace_id)
    remember_workspace(pull, me)
    admins: dict[str, str] = {}
    teams: dict[str, str] = {}
    try:
        admins = {admin.id: admin.name or admin.email or "" for admin in pull.fetcher.call(pull.client.admins())}
        teams = {team.id: team.name or "" for team in pull.fetcher.call(pull.client.teams())}
    except AuthError:
        raise
    except IntercomError as error:
        pull.warn(f"The names of teammates could not be read: {error.sentence}")
    pull.names = Names(links.prefix(pull.connection), admins, teams)
    pull.cursor.setdefault("started_at", server_now(pull))
    if pull.connection.conversations_until is None and "estimate_seconds" not in pull.cursor:
        pull.cursor["estimate_seconds"] = estimate(pull)


def estimate(pull: Pull) -> int | None:
    """How many seconds the first sync takes at the rate that Intercom allows; None when Intercom does not say how much
    there is. A page for every 150 conversations, and one request for each one's messages."""
    try:
        count = pull.fetcher.call(pull.client.conversations_count(search.conversations_changed(None)))
    except (AuthError, RateLimited):
        raise
    except IntercomError:
        return None
    if count is None:
        return None
    requests = count / 150 + (count if pull.run is not None and pull.run.messages_wanted else 0)
    allowed = min((pull.client.limiter.limit or _USUAL_LIMIT) / 10, _OWN_SPEED)
    return round(requests / allowed)


def remember_workspace(pull: Pull, me: Me) -> None:
    """Stores what /me says of the workspace where it differs from what is known."""
    link, app = pull.connection, me.app
    facts = {
        "workspace_name": (app.name if app else "") or "",
        "region": regions.region(me.region).code if me.region else link.region,
        "time_zone": (app.timezone if app else "") or link.time_zone,
    }
    changed = [name for name, value in facts.items() if getattr(link, name) != value]
    for name in changed:
        setattr(link, name, facts[name])
    if changed:
        with transaction.atomic():
            link.save(update_fields=changed)
            if "region" in changed:
                links.rewrite(link)


def server_now(pull: Pull) -> int:
    """The moment on Intercom's clock (its Date headers), or on ours while it shows none; never later than either."""
    ours = clock.now().timestamp()
    theirs = pull.client.limiter.server_now() if hasattr(pull.client.limiter, "server_now") else None
    return int(ours if theirs is None else min(ours, theirs))
