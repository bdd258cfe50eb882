"""What the Apps → Intercom page says: the checklist, the last and next sync, who is waited for, the skips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, Q, QuerySet

from startdeliver.common import clock
from startdeliver.intercom import regions
from startdeliver.sync.models import Connection, OutboundMessage, Skip, SyncRun
from startdeliver.tenancy.models import Organization


class State(StrEnum):
    """A step of the checklist."""

    TODO = "todo"
    DONE = "done"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Step:
    """One line of the checklist."""

    title: str
    state: State
    text: str


@dataclass(frozen=True)
class Waiting:
    """Tickets that would arrive if their people were known."""

    tickets: int
    people: int

    @property
    def sentence(self) -> str:
        """Such as "12 tickets are waiting for 9 people we do not know."; empty when nobody is waited for."""
        if not self.tickets:
            return ""
        tickets = "1 ticket is" if self.tickets == 1 else f"{self.tickets:,} tickets are"
        people = "1 person" if self.people == 1 else f"{self.people:,} people"
        return f"{tickets} waiting for {people} we do not know."


_REGION_NAMES = {"US": "United States", "EU": "Europe", "AU": "Australia"}


def region_name(connection: Connection) -> str:
    """The data region in words."""
    return _REGION_NAMES.get(connection.region, connection.region)


def region_notice(connection: Connection) -> str:
    """A sentence when the EU answer and the true region differ, else ""."""
    if not connection.is_authenticated or connection.eu_answer == (connection.region == "EU"):
        return ""
    answer = "Yes" if connection.eu_answer else "No"
    host = regions.region(connection.region).api.removeprefix("https://")
    return (
        f"You answered {answer} to EU data hosting, but Intercom says this workspace is in {region_name(connection)}. "
        f"Startdeliver uses the right host, {host}; there is nothing to do."
    )


def steps(connection: Connection) -> list[Step]:
    """The checklist, in the order of the set-up."""
    authenticated = connection.is_authenticated
    dead = bool(connection.problem) and connection.problem_code in AUTH_CODES
    saved = connection.saved_at is not None
    synced = connection.last_success_at is not None
    if dead:
        first = Step("Authentication", State.ATTENTION, connection.problem)
    elif authenticated:
        first = Step("Authentication", State.DONE, f"Connected to {connection.workspace_name or 'Intercom'}.")
    else:
        first = Step("Authentication", State.TODO, "Authorize Startdeliver in your Intercom workspace.")
    checked = State.DONE if connection.workspace and saved else State.TODO
    second = Step(
        "Workspace ID",
        checked,
        f"{connection.workspace}, checked with Intercom." if checked == State.DONE else "Enter it below.",
    )
    third = Step("Settings", State.DONE if saved else State.TODO, "Saved." if saved else "Answer three questions.")
    if connection.problem and not dead:
        fourth = Step("Sync", State.ATTENTION, connection.problem)
    elif synced:
        fourth = Step("Sync", State.DONE, "Runs every 24 hours by itself.")
    else:
        fourth = Step("Sync", State.TODO, "Starts by itself when you save.")
    return [first, second, third, fourth]


AUTH_CODES = frozenset(
    {
        "unauthorized",
        "token_revoked",
        "token_blocked",
        "token_not_found",
        "token_unauthorized",
        "token_expired",
        "missing_authorization",
        "auth",
    }
)


def latest_run(organization: Organization) -> SyncRun | None:
    """The newest run, waiting or running ones included."""
    return SyncRun.objects.filter(organization=organization).order_by("-created_at").first()


def last_finished(organization: Organization) -> SyncRun | None:
    """The newest run that ended, well or not."""
    done = [SyncRun.Status.SUCCESS, SyncRun.Status.FAILED]
    return SyncRun.objects.filter(organization=organization, status__in=done).order_by("-created_at").first()


def run_sentence(run: SyncRun) -> str:
    """What a run did, such as "312 conversations, 41 changed, 3 skipped"."""
    changed = run.imported + run.updated
    parts = [f"{run.listed:,} {'conversation' if run.listed == 1 else 'conversations'}", f"{changed:,} changed"]
    if skipped := sum(run.skipped.values()):
        parts.append(f"{skipped:,} skipped")
    if run.deleted:
        parts.append(f"{run.deleted:,} deleted")
    if counted := run.events.get("stored", 0) + run.events.get("brought_in", 0):
        parts.append(f"{counted:,} {'event' if counted == 1 else 'events'} counted as usage")
    return ", ".join(parts)


def waiting(organization: Organization) -> Waiting:
    """How many tickets wait for how many unknown people."""
    row = Skip.objects.filter(
        organization=organization, resolved_at__isnull=True, reason=Skip.Reason.NO_USER
    ).aggregate(tickets=Count("pk"), people=Count("contact_ref", distinct=True))
    return Waiting(row["tickets"], row["people"])


def skip_counts(organization: Organization) -> dict[str, int]:
    """{reason: number} of the skips that still stand."""
    rows = Skip.objects.filter(organization=organization, resolved_at__isnull=True).values_list("reason")
    return dict(rows.annotate(Count("pk")).order_by())


def outbound_count(organization: Organization) -> int:
    """Outbound messages that nobody has answered."""
    return OutboundMessage.objects.filter(organization=organization).count()


def recent_runs(organization: Organization, number: int = 30) -> list[SyncRun]:
    """The newest finished runs, oldest first, for the chart."""
    done = [SyncRun.Status.SUCCESS, SyncRun.Status.FAILED]
    rows = SyncRun.objects.filter(organization=organization, status__in=done).order_by("-created_at")[:number]
    return list(reversed(rows))


def next_sync(connection: Connection) -> datetime | None:
    """When the next run is due (UTC); None while nothing is scheduled. A missed one is due now."""
    if not connection.is_ready or connection.next_sync_at is None:
        return None
    return max(connection.next_sync_at, clock.now())


def skips(organization: Organization, *, reason: str = "", text: str = "", resolved: bool = False) -> QuerySet[Skip]:
    """The skips to list, newest first: a queryset to be paged."""
    rows = Skip.objects.filter(organization=organization, resolved_at__isnull=not resolved)
    if reason:
        rows = rows.filter(reason=reason)
    if text:
        rows = rows.filter(
            Q(title__icontains=text)
            | Q(contact_name__icontains=text)
            | Q(contact_email__icontains=text)
            | Q(external_id=text)
        )
    return rows.order_by("-conversation_updated_at", "-pk")
