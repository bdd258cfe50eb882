"""The simulated workspace: its state, the verbs that change it, and what the API asks of it. No HTTP here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import msgspec

from startdeliver.simulator import conversation_shapes, shapes
from startdeliver.simulator.bulk import BulkConversations
from startdeliver.simulator.bulk_json import BulkEncoder
from startdeliver.simulator.errors import invalid
from startdeliver.simulator.model import Company, Contact, Conversation, ConversationAttribute, DataAttribute, Event
from startdeliver.simulator.paging import Order, Page, Searcher
from startdeliver.simulator.query import Filter
from startdeliver.simulator.records import Records
from startdeliver.simulator.searchable import contact_value, conversation_value, ticket_value
from startdeliver.simulator.state import locked
from startdeliver.simulator.threads import ThreadVerbs

EVENT_DAYS = 90
ATTRIBUTE_NAME = re.compile(r"[^.$~`!@#%^&*'{}\[\]|\\\"\x00]+")
ATTRIBUTE_TYPES = frozenset({"string", "integer", "float", "boolean", "datetime", "date"})
MAX_TEXT = 255
_encoder = msgspec.json.Encoder()
_CACHE_LIMIT = 20_000


class Workspace(ThreadVerbs):
    """One Intercom workspace in memory. Every public method may be called from any thread.

    `id_code` is what /me answers as app.id_code; `timezone` decides the day boundaries of contact search; `now` is the
    clock in unix seconds. Verbs return the record; records read from the workspace must not be changed directly.
    """

    def __init__(
        self,
        id_code: str = "sim1work",
        *,
        name: str = "Simulated workspace",
        region: str = "US",
        timezone: str = "America/Los_Angeles",
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(id_code, name=name, region=region, timezone=timezone, now=now)
        self.conversation_search = Searcher(self.conversations, conversation_value)
        self.contact_search = Searcher(self.contacts, contact_value)
        self.null_clears_lead_attributes = False
        self._shells: dict[str, tuple[Any, msgspec.Raw]] = {}
        self._wholes: dict[str, tuple[Any, bytes]] = {}
        self._encoders: dict[int, BulkEncoder] = {}
        self._companies: dict[str, tuple[Any, msgspec.Raw]] = {}

    @property
    def index_lag(self) -> float:
        """Seconds until a change shows in search."""
        return self.conversations.lag

    @index_lag.setter
    def index_lag(self, seconds: float) -> None:
        with self.lock:
            self.conversations.lag = self.contacts.lag = seconds

    # Encoded conversations. An entry is good while the conversation, its company and all contacts are unchanged.

    def _stamp(self, record: Conversation) -> tuple[int, int, int]:
        company = self.companies.get(record.company_id) if record.company_id else None
        return (record.version, company.version if company else -1, self.references_version)

    def _encode(self, record: Conversation, with_parts: bool) -> bytes:
        company = self.companies.get(record.company_id) if record.company_id else None
        shown = self._company_json(company) if company else None
        return _encoder.encode(
            conversation_shapes.conversation(self, record, with_parts=with_parts, company_shown=shown)
        )

    def _company_json(self, record: Company) -> msgspec.Raw:
        stamp = (record.version, self.references_version)
        known = self._companies.get(record.id)
        if known is None or known[0] != stamp:
            known = self._companies[record.id] = (stamp, msgspec.Raw(_encoder.encode(shapes.company(self, record))))
        return known[1]

    def shell_json(self, conversation_id: str) -> msgspec.Raw:
        """Return a conversation without its parts, as search knows it, as JSON."""
        if (encoded := self._bulk_json(conversation_id, with_parts=False)) is not None:
            return msgspec.Raw(encoded)
        record = self.conversations.indexed(conversation_id)
        assert record is not None
        return self._shell(record)

    def _bulk_json(self, conversation_id: str, with_parts: bool) -> bytes | None:
        lazy = self.conversations.lazy(conversation_id)
        if lazy is None:
            return None
        encoder = self._encoders.get(lazy.first)
        if encoder is None or not isinstance(lazy, BulkConversations):
            return None
        owner = lazy.person(int(conversation_id) - lazy.first)[3]
        company = b"null" if owner is None else bytes(self._company_json(self.companies[owner]))
        return encoder.encode(conversation_id, with_parts, company)

    def _shell(self, record: Conversation) -> msgspec.Raw:
        if self.conversations.is_stale(record.id):
            return msgspec.Raw(self._encode(record, with_parts=False))
        stamp = self._stamp(record)
        known = self._shells.get(record.id)
        if known is None or known[0] != stamp:
            if len(self._shells) > _CACHE_LIMIT:
                self._shells.clear()
            raw = msgspec.Raw(self._encode(record, with_parts=False))
            known = self._shells[record.id] = (stamp, raw)
        return known[1]

    def whole_json(self, conversation_id: str) -> bytes | None:
        """Return a conversation with its parts as JSON, or None when there is none."""
        if (encoded := self._bulk_json(conversation_id, with_parts=True)) is not None:
            return encoded
        record = self.conversations.get(conversation_id)
        if record is None:
            return None
        stamp = self._stamp(record)
        known = self._wholes.get(conversation_id)
        if known is None or known[0] != stamp:
            if len(self._wholes) > _CACHE_LIMIT:
                self._wholes.clear()
            encoded = self._encode(record, with_parts=True)
            known = self._wholes[conversation_id] = (stamp, encoded)
        return known[1]

    def search_tickets(self, filter_: Filter, order: Order, per_page: int, cursor: str | None) -> Page:
        """Search the conversations that are tickets; there are few of them, so they are indexed anew each time."""
        records: Records[Conversation] = Records(self.now, lambda c: True)
        for conversation_id in self.tickets:
            if (record := self.conversations.indexed(conversation_id)) is not None and record.ticket is not None:
                records.add(record)
        return Searcher(records, ticket_value).page(filter_, order, per_page, cursor, "")

    # Volume

    @locked
    def add_bulk(
        self,
        count: int,
        *,
        parts: int = 5,
        body_bytes: int = 300,
        contacts: int | None = None,
        companies: int | None = None,
        start: int | None = None,
        span: int | None = None,
    ) -> list[Contact]:
        """Add `count` lazy conversations over `span` seconds from `start` (default: the 180 days up to a day ago).

        They belong to `contacts` new contacts (default one per 20) of `companies` new companies (default one per 5
        contacts), with external ids `bulk-user-N` and `bulk-co-N`, e-mails `userN@bulkM.example`. Returns the contacts.
        """
        contacts = max(1, count // 20) if contacts is None else contacts
        companies = max(1, contacts // 5) if companies is None else companies
        if span is None:
            span = 180 * 86_400
        if start is None:
            start = self.seconds() - span - 2 * 86_400
        made = [
            self.add_company(f"Bulk company {n}", f"bulk-co-{n}", created_at=start, last_request_at=start + n)
            for n in range(companies)
        ]
        people: list[Contact] = []
        for n in range(contacts):
            owner = made[n % companies] if companies else None
            people.append(
                self.add_contact(
                    f"Bulk user {n}",
                    f"user{n}@bulk{n % companies if companies else 0}.example",
                    external_id=f"bulk-user-{n}",
                    created_at=start,
                    companies=[owner] if owner else [],
                )
            )
        first = self.count("conversation", 100_001)
        self._counters["conversation"] = first + count
        made_on_demand = BulkConversations(
            first,
            count,
            people=[(p.id, p.name or "", p.email or "", p.company_ids[0] if p.company_ids else None) for p in people],
            admin=self.me,
            start=start,
            span=span,
            parts=parts,
            body_bytes=body_bytes,
        )
        self.conversations.add_range(made_on_demand)
        self._encoders[first] = BulkEncoder(self, made_on_demand)
        return people

    # Custom attributes

    @locked
    def define_attribute(
        self,
        model: str,
        name: str,
        data_type: str = "string",
        *,
        options: list[str] | None = None,
        description: str = "",
        messenger_writable: bool = False,
    ) -> DataAttribute:
        """Define a custom attribute with Intercom's rules. Raise ApiError 400 as `POST /data_attributes` does."""
        if model not in ("contact", "company"):
            raise invalid("The Data Attribute model field must be either contact or company")
        if not isinstance(name, str) or not ATTRIBUTE_NAME.fullmatch(name):
            raise invalid(
                "Your name for this attribute must only contain alphanumeric characters, currency symbols, and hyphens"
            )
        if data_type == "options":
            if options is None or len(options) < 2:
                raise invalid("The Data Attribute must have at least two options")
            data_type = "string"
        elif data_type not in ATTRIBUTE_TYPES:
            raise invalid("Data Type isn't an option")
        else:
            options = None
        for known in self.attributes.values():
            if known.name == name:
                has = "people" if known.model == "contact" else "company"
                wants = "people" if model == "contact" else "company"
                raise invalid(
                    f"You already have '{name}' in your {has} data. "
                    f"To save this as new {wants} data, use a different name."
                )
        if sum(not a.archived for a in self.attributes.values()) >= self.custom_data_limit:
            raise invalid("You have reached the limit of custom data attributes", code="custom_data_limit_reached")
        now = self.seconds()
        # A list answers as `string` with options, a datetime as `date`: up to 2.16 the answer knows no other types.
        attribute = DataAttribute(
            id=self.count("attribute", 31),
            model=model,
            name=name,
            data_type="date" if data_type == "datetime" else data_type,
            created_at=now,
            updated_at=now,
            description=description,
            options=options,
            messenger_writable=messenger_writable,
        )
        self.attributes[attribute.id] = attribute
        return attribute

    def attribute(self, model: str, name: str) -> DataAttribute | None:
        """Return a custom attribute that is not archived, by name."""
        return next(
            (a for a in self.attributes.values() if a.model == model and a.name == name and not a.archived), None
        )

    def check_attributes(self, model: str, values: Any, role: str = "user") -> dict[str, Any]:
        """Return custom attribute values as stored. Raise ApiError 400 for unknown names and values that do not fit.

        `""` clears any type; null clears too, except on leads (a known refusal) unless `null_clears_lead_attributes`.
        """
        if values is None:
            return {}
        if not isinstance(values, dict):
            raise invalid("custom_attributes must be an object", field="custom_attributes")
        return {name: self._attribute_value(model, name, value, role) for name, value in values.items()}

    def _attribute_value(self, model: str, name: str, value: Any, role: str) -> Any:
        definition = self.attribute(model, name)
        if definition is None:
            raise invalid(f"Custom attribute '{name}' does not exist", field=name)
        if value == "" and isinstance(value, str):
            return None
        if value is None:
            if role == "lead" and not self.null_clears_lead_attributes:
                raise invalid(f"Custom attribute '{name}' cannot be null", field=name)
            return None
        if isinstance(value, list | dict):
            raise invalid(f"Custom attribute '{name}' does not accept arrays or objects", field=name)
        kind = definition.data_type
        fits = {
            "string": isinstance(value, str),
            "integer": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
            "boolean": isinstance(value, bool),
            "date": isinstance(value, int) and not isinstance(value, bool),
        }[kind]
        if not fits:
            raise invalid(f"Custom attribute '{name}' must be of type {kind}", field=name, code="type_mismatch")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise invalid(f"Custom attribute '{name}' is longer than {MAX_TEXT} characters", field=name)
        return value

    @locked
    def archive_attribute(self, attribute_id: int, archived: bool = True) -> None:
        self.attributes[attribute_id].archived = archived
        self.attributes[attribute_id].updated_at = self.seconds()

    @locked
    def define_conversation_attribute(
        self, name: str, data_type: str = "string", options: list[str] | None = None
    ) -> ConversationAttribute:
        attribute = ConversationAttribute(
            self.count("conversation_attribute", 3), name, data_type, self.seconds(), options=options
        )
        self.conversation_attributes[attribute.id] = attribute
        return attribute

    # Events

    @locked
    def add_event(
        self, contact_id: str, name: str, *, at: int | None = None, metadata: dict[str, Any] | None = None
    ) -> Event | None:
        """Add an event of a contact. The same contact, name and second again is ignored: None."""
        at = self.seconds() if at is None else at
        contact = self.contacts.get(contact_id)
        if contact is None:
            raise KeyError(contact_id)
        key = (contact.external_id or contact.id, name, at)
        if key in self.event_keys:
            return None
        self.event_keys.add(key)
        number = self.count("event")
        event = Event(f"{0x4ADF0000 + number:08x}-0000-11f0-8000-000000000000", contact_id, name, at, metadata or {})
        self.events.setdefault(contact_id, []).append(event)
        self.note_change("event.created", "event", event.id)
        return event

    def recent_events(self, contact_id: str) -> list[Event]:
        """Return a contact's events of the last 90 days, newest first."""
        oldest = self.seconds() - EVENT_DAYS * 86_400
        listed = [e for e in self.events.get(contact_id, ()) if e.created_at > oldest]
        return sorted(listed, key=lambda e: (e.created_at, e.id), reverse=True)

    # Looking up

    def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation for reading. KeyError when there is none."""
        found = self.conversations.get(conversation_id)
        if found is None:
            raise KeyError(conversation_id)
        return found

    def contact(self, contact_id: str) -> Contact:
        """Return a contact for reading, archived and merged ones included. KeyError when there is none."""
        found = self.contacts.get(contact_id)
        if found is None:
            raise KeyError(contact_id)
        return found

    def company(self, company_id: str) -> Company:
        """Return a company by Intercom id or by the customer's own id. KeyError when there is none."""
        return self.companies.get(company_id) or self.companies[self.companies_by_external[company_id]]
