"""Events in, each once: what counts becomes usage, what no usage type counts waits.

An event is the same as another one when it has the same moment, name and id of Intercom's, whoever reports it: another
run, a webhook, or the contact that the first one was merged into. An event without an id (old ones lack it) is known by
its user, name and second, which is how Intercom itself tells events apart (OpenAPI 2.16, createDataEvent).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from startdeliver.common import clock
from startdeliver.intercom import wire
from startdeliver.storage import bulk
from startdeliver.storage.sql import fetch, id_list, one_of, one_writer
from startdeliver.sync.events.standing import is_on
from startdeliver.sync.models import Connection, EventName, IntercomContact, WaitingEvent
from startdeliver.sync.text import key, moment, short
from startdeliver.tenancy.models import Organization
from startdeliver.usage import ingest
from startdeliver.usage.models import UsageType
from startdeliver.usage.sql import user_ids_of

DAYS = 90  # Intercom lists no event that is older (OpenAPI 2.16, lisDataEvents)
# First key of PostgreSQL's advisory locks of this module; the second is the organization.
LOCK = 73_126
PREFIX = "intercom:"
_AHEAD = 3_600  # the clock of whoever sent the event to Intercom may be a little ahead
_OLDEST = 946_684_800  # the year 2000

STORED, KNOWN, UNKNOWN, NO_USER, BAD_TIME, OFF = "stored", "known", "unknown", "no_user", "bad_time", "off"

_KEY = ("organization_id", "at", "key")

_USAGE = "SELECT timestamp / 1000, user_id, external_id FROM usage_usageevent WHERE organization_id = %(org)s AND {}"
_WAITING = "SELECT at, user_id, key FROM sync_waitingevent WHERE organization_id = %(org)s AND {}"


class Incoming(NamedTuple):
    """One event of a user of ours. `at`: unix seconds; `id`: Intercom's, or empty."""

    user: int
    name: str
    at: int
    id: str = ""

    @property
    def key(self) -> str:
        """What tells it from other events of its second, within 255 characters."""
        return f"{PREFIX}{_part(self.id.replace(':', '_').lstrip('-')) or f'-{self.user}'}:{_part(self.name)}"


class WaitingRow(NamedTuple):
    """The columns of a `WaitingEvent`."""

    name_id: int
    user_id: int
    at: int
    key: str


def _part(text: str) -> str:
    return text if len(text) <= 110 else f"{text[:70]}~{blake2b(text.encode(), digest_size=16).hexdigest()}"


def incoming(event: wire.Event, user: int) -> Incoming | None:
    """An event as Intercom gives it, as one of our user; None when it has no name or its moment cannot be one."""
    at = moment(event.created_at)
    # As the event name of a usage type is stored, so that both compare.
    name = short(" ".join(event.event_name.split()), 255)
    if not name or at is None or not _OLDEST <= at <= clock.now().timestamp() + _AHEAD:
        return None
    return Incoming(user, name, at, key(event.id, 1_000))


class _Known:
    """The events of some moments that are here already, as usage of whatever type or waiting."""

    def __init__(self, organization: Organization, moments: Collection[int], *, waiting: bool = True) -> None:
        self._keys: set[tuple[int, str]] = set()
        self._named: set[tuple[int, int, str]] = set()
        self._without_id: set[tuple[int, int, str]] = set()
        values = {"org": organization.pk, "at": id_list(moments), "ms": id_list([at * 1000 for at in moments])}
        rows = fetch(_USAGE.format(one_of("timestamp", "ms")), values)
        if waiting:
            rows += fetch(_WAITING.format(one_of("at", "at")), values)
        for at, user, stored in rows:
            if stored.startswith(PREFIX):
                self._note(at, user, stored)

    def _note(self, at: int, user: int, stored: str) -> None:
        _, ref, name = stored.split(":", 2)
        self._keys.add((at, stored))
        self._named.add((at, user, name))
        if ref.startswith("-"):
            self._without_id.add((at, user, name))

    def takes(self, event: Incoming) -> bool:
        """Whether the event is new; from now on it is known."""
        person = (event.at, event.user, _part(event.name))
        known = (event.at, event.key) in self._keys or person in (self._without_id if event.id else self._named)
        if not known:
            self._note(event.at, event.user, event.key)
        return not known


def store(organization: Organization, events: Sequence[Incoming]) -> list[str]:
    """Stores events and says of each what it was: stored (as usage), known, unknown (its name counts as nothing, so it
    waits), or no_user (the user no longer exists). One transaction, and part of the caller's when there is one."""
    if not events:
        return []
    with one_writer(organization, LOCK):
        users = user_ids_of(organization, {event.user for event in events})
        known = _Known(organization, {event.at for event in events})
        types = types_by_name({event.name for event in events})
        results = [NO_USER] * len(events)
        usage: list[ingest.Event] = []
        waiting: list[Incoming] = []
        for place, event in enumerate(events):
            if event.user not in users:
                continue
            if not known.takes(event):
                results[place] = KNOWN
            elif (usage_type := types.get(event.name)) is not None:
                results[place] = STORED
                usage.append(ingest.Event(event.user, usage_type, event.at * 1000, event.key))
            else:
                results[place] = UNKNOWN
                waiting.append(event)
        ingest.store(organization, usage)
        _note(organization, events, results)
        names = dict(EventName.objects.filter(name__in={event.name for event in waiting}).values_list("name", "pk"))
        rows = [WaitingRow(names[event.name], event.user, event.at, event.key) for event in waiting]
        bulk.upsert(WaitingEvent, organization.pk, rows, key=_KEY)
    return results


def take(organization: Organization, link: Connection, event: wire.Event) -> str:
    """Stores one event that Intercom sent, for example by a webhook, and says what it was (see `store`); off: events do
    not come in. Safe to call again with the same event, and while a run reads it.

    A contact that is nobody's user yet loses nothing: its events are asked for once it is one.
    """
    if not is_on(organization, link):
        return OFF
    contacts = IntercomContact.objects.filter(
        workspace=link.workspace, state=IntercomContact.State.ACTIVE, user__archived_at__isnull=True
    )
    ref = key(event.intercom_user_id, 128)
    external = key(event.user_id, 255)
    found = contacts.filter(ref=ref) if ref else contacts.filter(external_id=external) if external else None
    users = set(found.exclude(user=None).values_list("user_id", flat=True)[:2]) if found is not None else set()
    if len(users) != 1:
        return NO_USER
    item = incoming(event, int(users.pop() or 0))
    return BAD_TIME if item is None else store(organization, [item])[0]


def types_by_name(names: Iterable[str]) -> dict[str, int]:
    """The live usage types that count events of these names: {name: id}."""
    rows = UsageType.objects.filter(archived_at__isnull=True, intercom_event_name__in=set(names))
    return dict(rows.values_list("intercom_event_name", "pk"))


def _note(organization: Organization, events: Sequence[Incoming], results: Sequence[str]) -> None:
    """Writes on each name how often it was met, when last, and who did it. The lock must be held."""
    counts = Counter(zip((event.name for event in events), results, strict=True))
    newest: dict[str, Incoming] = {}
    for event, result in zip(events, results, strict=True):
        if result != NO_USER and (event.name not in newest or newest[event.name].at < event.at):
            newest[event.name] = event
    rows = {row.name: row for row in EventName.objects.filter(name__in=newest)}
    fresh = [EventName(organization=organization, name=name) for name in newest if name not in rows]
    for name, event in newest.items():
        row = rows.get(name) or next(one for one in fresh if one.name == name)
        row.waiting += counts[name, UNKNOWN]
        row.counted += counts[name, STORED]
        if event.at > row.last_at:
            row.last_at, row.example_id = event.at, event.user
    EventName.objects.bulk_create(fresh)
    EventName.objects.bulk_update(rows.values(), ["waiting", "counted", "last_at", "example"])


def not_known(organization: Organization, rows: Sequence[WaitingEvent]) -> list[WaitingEvent]:
    """Those of the waiting events that are not usage already."""
    known = _Known(organization, {row.at for row in rows}, waiting=False)
    found = []
    for row in rows:
        _, ref, _ = row.key.split(":", 2)
        if known.takes(Incoming(row.user_id, row.name.name, row.at, "" if ref.startswith("-") else ref)):
            found.append(row)
    return found
