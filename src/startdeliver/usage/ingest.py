"""Usage events in: a list of them in a handful of statements, each counted once whatever is retried.

`ingest` takes what programs send and answers for each item; `store` takes events whose user and type are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.storage.sql import organization_work
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days
from startdeliver.usage.matching import Result, Users
from startdeliver.usage.models import UsageType
from startdeliver.usage.sql import insert, user_ids_of

# A sender's clock may be a little ahead of ours.
_AHEAD_MS = 3_600_000
_MOST = 2**53


class Item(NamedTuple):
    """One event as a program sends it.

    `user`: the value that the field `match_on` of the user has (email, externalId, id, or a custom field's alias).
    `usage_type`: alias, id or name. `timestamp`: milliseconds since 1970, UTC; None is now. `external_id`: the
    sender's own id of the event, which tells two events of the same millisecond apart.
    """

    user: Any
    usage_type: Any
    timestamp: Any = None
    match_on: str = "email"
    external_id: Any = ""
    quantity: Any = 1


class Event(NamedTuple):
    """One event of a known user and usage type (their ids)."""

    user: int
    usage_type: int
    timestamp: int
    external_id: str = ""
    quantity: int = 1


STORED = Result("stored")
DUPLICATE = Result("duplicate")


def ingest(organization: Organization, items: Sequence[Item]) -> list[Result]:
    """Stores the events that can be stored, and answers for each item, in their order.

    Health is not computed here: the change is recorded, and the pipeline does the rest.
    """
    with organization_work(organization):
        users = Users(organization, ((item.match_on, item.user) for item in items))
        types = _types()
        now = int(clock.now().timestamp() * 1000)
        results: list[Result] = [STORED] * len(items)
        events: list[Event] = []
        places: list[int] = []
        for place, item in enumerate(items):
            event = _event(item, users, types, now)
            if isinstance(event, Result):
                results[place] = event
            else:
                events.append(event)
                places.append(place)
        for place, is_new in zip(places, _store(organization, events), strict=True):
            if not is_new:
                results[place] = DUPLICATE
        return results


def store(organization: Organization, events: Sequence[Event]) -> list[bool]:
    """Stores events and says of each whether it is new. Those of users that the organization lacks are not stored."""
    with organization_work(organization):
        ids = {event.user for event in events}
        known = user_ids_of(organization, ids)
        kept = [event for event in events if event.user in known]
        new = iter(_store(organization, kept))
        return [event.user in known and next(new) for event in events]


def _event(item: Item, users: Users, types: Mapping[Any, int], now: int) -> Event | Result:
    user = users.find(item.match_on, item.user)
    if isinstance(user, Result):
        return user
    given = item.usage_type
    usage_type = types.get(given) if type(given) in (str, int) else None
    if usage_type is None:
        usage_type = types.get(given.strip().casefold()) if type(given) is str else None
        if usage_type is None:
            return _unknown_type(given)
    timestamp = item.timestamp
    if timestamp is None:
        timestamp = now
    elif type(timestamp) is not int or not days.OLDEST_MS <= timestamp <= now + _AHEAD_MS:
        return _bad_timestamp(timestamp, now)
    external_id = item.external_id
    if type(external_id) is not str:
        external_id = "" if external_id is None else str(external_id)
    if len(external_id) > 255 or "\x00" in external_id:
        return Result("error", "id", "bad_id", "The event's own id is longer than 255 characters or not text.")
    quantity = item.quantity
    if type(quantity) is not int or not 1 <= quantity <= _MOST:
        if quantity is not None:
            return Result("error", "quantity", "bad_quantity", "The quantity is not a whole number of at least 1.")
        quantity = 1
    return Event(user, usage_type, timestamp, external_id, quantity)


def _unknown_type(given: Any) -> Result:
    if given in (None, ""):
        return Result("error", "usageType", "unknown_type", "The usage type is missing.")
    text = f"There is no usage type {str(given)[:100]!r}. Add it in Settings → Products, or send one that exists."
    return Result("error", "usageType", "unknown_type", text)


def _bad_timestamp(given: Any, now: int) -> Result:
    if type(given) is not int:
        text = "The timestamp is not a whole number of milliseconds since 1970 (UTC)."
    elif given > now:
        text = "The timestamp is in the future. Send milliseconds since 1970 in UTC, and check the sender's clock."
    elif 0 < given < days.OLDEST_MS // 10:
        text = "The timestamp looks like seconds. Send milliseconds since 1970 (UTC)."
    else:
        text = "The timestamp is before the year 2000. Send milliseconds since 1970 (UTC)."
    return Result("error", "timestamp", "bad_timestamp", text)


def _types() -> dict[Any, int]:
    """Ids of the usage types by id, alias and name, the latter two without regard to case; alias goes before name."""
    types: dict[Any, int] = {}
    rows = list(UsageType.objects.filter(archived_at__isnull=True).values_list("pk", "alias", "name").order_by("pk"))
    for pk, _, name in rows:
        types.setdefault(name.strip().casefold(), pk)
    for pk, alias, _ in rows:
        types[alias.casefold()] = types[alias] = pk
    for pk, _, _ in rows:
        types[pk] = pk
        types.setdefault(str(pk), pk)
    return types


def _store(organization: Organization, events: Sequence[Event]) -> list[bool]:
    """Says of each event whether it is new; an event that occurs twice in the list is new once."""
    new = [False] * len(events)
    if not events:
        return new
    first: dict[tuple[int, int, int, str], int] = {}
    for place, event in enumerate(events):
        first.setdefault((event[2], event[0], event[1], event[3]), place)
    # In the order of the keys, so that two senders of the same events wait for each other instead of locking up.
    rows = [events[first[key]] for key in sorted(first)]
    with transaction.atomic():
        stored = insert(
            "usage_usageevent (organization_id, user_id, usage_type_id, timestamp, external_id, quantity)",
            ("bigint", "bigint", "bigint", "text", "bigint"),
            organization.pk,
            rows,
            "ON CONFLICT DO NOTHING RETURNING timestamp, user_id, usage_type_id, external_id",
        )
        for key in stored:
            new[first[key]] = True
        insert(
            "usage_newevent (organization_id, user_id, usage_type_id, timestamp, quantity)",
            ("bigint", "bigint", "bigint", "bigint"),
            organization.pk,
            [(event[0], event[1], event[2], event[4]) for event, is_new in zip(events, new, strict=True) if is_new],
        )
        if stored:
            record(organization, Kind.EVENTS)
    return new
