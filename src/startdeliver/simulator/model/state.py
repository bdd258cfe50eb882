"""What every part of the workspace shares: the clock, ids, the records, the lock, and the list of changes."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from startdeliver.simulator.model.records import (
    Admin,
    Audience,
    Change,
    Company,
    Contact,
    Conversation,
    ConversationAttribute,
    DataAttribute,
    DeletedConversation,
    Event,
    Note,
    Segment,
    Tag,
    Team,
)
from startdeliver.simulator.model.store import Store

F = TypeVar("F", bound=Callable[..., Any])

REGIONS = ("US", "EU", "AU")


def locked(method: F) -> F:
    """Run a method under the workspace's lock, so that tests can call it while the server answers."""

    @functools.wraps(method)
    def wrapper(self: State, *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            return method(self, *args, **kwargs)

    return cast(F, wrapper)


class State:
    """The records of one workspace. `now` returns unix seconds. Ids are counted, so equal calls make equal ids."""

    def __init__(
        self,
        id_code: str = "sim1work",
        *,
        name: str = "Simulated workspace",
        region: str = "US",
        timezone: str = "America/Los_Angeles",
        now: Callable[[], float] = time.time,
    ) -> None:
        if region not in REGIONS:
            raise ValueError(f"region must be one of {', '.join(REGIONS)}, not {region!r}")
        self.lock = threading.RLock()
        self.id_code = id_code
        self.name = name
        self.region = region
        self.timezone = timezone
        self.now = now
        self.created_at = 1_650_000_000
        self.custom_data_limit = 250
        self.conversations: Store[Conversation] = Store(lambda: self.now(), lambda c: True)
        self.contacts: Store[Contact] = Store(lambda: self.now(), lambda c: c.active)
        self.companies: dict[str, Company] = {}
        self.companies_by_external: dict[str, str] = {}
        self.contacts_by_external: dict[str, set[str]] = {}
        self.contacts_by_email: dict[str, set[str]] = {}
        self.conversations_of: dict[str, set[str]] = {}
        self.references_version = 0
        self.admins: dict[str, Admin] = {}
        self.teams: dict[str, Team] = {}
        self.tags: dict[str, Tag] = {}
        self.segments: dict[str, Segment] = {}
        self.notes: dict[str, Note] = {}
        self.attributes: dict[int, DataAttribute] = {}
        self.conversation_attributes: dict[int, ConversationAttribute] = {}
        self.events: dict[str, list[Event]] = {}
        self.event_keys: set[tuple[str, str, int]] = set()
        self.audiences: dict[str, Audience] = {}
        self.tickets: set[str] = set()
        self.ticket_types: dict[str, str] = {}
        self.deleted_conversations: list[DeletedConversation] = []
        self.changes: deque[Change] = deque(maxlen=100_000)
        self.listeners: list[Callable[[Change], None]] = []
        self._counters: dict[str, int] = {}
        self.me: Admin = self.add_admin("Robin Sand", "robin@support.example")

    def seconds(self) -> int:
        """Return the time as whole unix seconds."""
        return int(self.now())

    def count(self, kind: str, start: int = 1) -> int:
        """Return the next number of a kind of id, beginning at `start`."""
        number = self._counters.get(kind, start)
        self._counters[kind] = number + 1
        return number

    def hex_id(self, kind: str, prefix: int) -> str:
        """Return the next id of 24 hexadecimal digits, the form of contact and company ids."""
        return f"{prefix:08x}{self.count(kind):016x}"

    @staticmethod
    def set_fields(record: Company | Contact | Conversation, fields: dict[str, Any]) -> None:
        """Set fields by name; `custom_attributes` are merged key by key. Raise AttributeError for an unknown name."""
        for name, value in fields.items():
            if name not in type(record).__slots__:
                raise AttributeError(f"a {type(record).__name__.lower()} has no field {name!r}")
            if name != "custom_attributes":
                setattr(record, name, value)
            elif value:
                record.custom_attributes = {**record.custom_attributes, **value}

    def note_change(self, topic: str, item_type: str, item_id: str) -> None:
        """Record a change under its webhook topic and tell the listeners."""
        change = Change(self.count("change"), self.seconds(), topic, item_type, item_id)
        self.changes.append(change)
        for listener in self.listeners:
            listener(change)

    @locked
    def add_admin(self, name: str, email: str, **fields: Any) -> Admin:
        """Add a teammate."""
        admin = Admin(id=str(self.count("admin", 991_267_001)), name=name, email=email, **fields)
        self.admins[admin.id] = admin
        return admin

    @locked
    def add_team(self, name: str, admins: Iterable[Admin] = ()) -> Team:
        """Add a team of teammates."""
        team = Team(id=str(self.count("team", 5_017_001)), name=name, admin_ids=[int(a.id) for a in admins])
        self.teams[team.id] = team
        for admin_id in team.admin_ids:
            self.admins[str(admin_id)].team_ids.append(int(team.id))
        return team

    @locked
    def add_tag(self, name: str) -> Tag:
        """Return the tag of that name. Add it when there is none."""
        tag = next((t for t in self.tags.values() if t.name == name), None)
        if tag is None:
            tag = Tag(id=str(self.count("tag", 101)), name=name)
            self.tags[tag.id] = tag
        return tag

    @locked
    def add_segment(self, name: str, person_type: str = "user") -> Segment:
        segment = Segment(self.hex_id("segment", 0x6500_5E60), name, person_type, self.seconds())
        self.segments[segment.id] = segment
        return segment
