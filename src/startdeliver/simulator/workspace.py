"""The simulated workspace: its state, the operations that change it, and what the API reads from it. No HTTP here."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from startdeliver.simulator.errors import invalid
from startdeliver.simulator.model.conversations import Conversations
from startdeliver.simulator.model.generated import GeneratedConversations, Person
from startdeliver.simulator.model.records import (
    Company,
    Contact,
    Conversation,
    ConversationAttribute,
    DataAttribute,
    Event,
)
from startdeliver.simulator.model.state import locked
from startdeliver.simulator.model.store import Store
from startdeliver.simulator.search.fields import contact_value, conversation_value, ticket_value
from startdeliver.simulator.search.query import Filter
from startdeliver.simulator.search.searcher import Order, Page, Searcher
from startdeliver.simulator.serializers import conversations, people
from startdeliver.simulator.serializers.generated import GeneratedEncoder

EVENT_DAYS = 90
ATTRIBUTE_NAME = re.compile(r"[^.$~`!@#%^&*'{}\[\]|\\\"\x00]+")
ATTRIBUTE_TYPES = frozenset({"string", "integer", "float", "boolean", "datetime", "date"})
MAX_TEXT = 255
_CACHE_LIMIT = 20_000
_encoder = msgspec.json.Encoder()


class Workspace(Conversations):
    """One Intercom workspace in memory. Every public method may be called from any thread.

    `id_code` is app.id_code of /me. The options are those of `State`: `name`, `region`, `timezone` (the day boundaries
    of contact search) and `now` (the clock in unix seconds). Operations return the record. Do not change records that
    were read from the workspace.
    """

    def __init__(self, id_code: str = "sim1work", **options: Any) -> None:
        super().__init__(id_code, **options)
        self.conversation_search = Searcher(self.conversations, conversation_value)
        self.contact_search = Searcher(self.contacts, contact_value)
        self.null_clears_lead_attributes = False
        self._encoded: dict[tuple[str, bool], tuple[Any, bytes]] = {}
        self._encoded_companies: dict[str, tuple[Any, msgspec.Raw]] = {}
        self._encoders: dict[int, GeneratedEncoder] = {}

    @property
    def index_lag(self) -> float:
        """Seconds until a change shows in search."""
        return self.conversations.lag

    @index_lag.setter
    def index_lag(self, seconds: float) -> None:
        with self.lock:
            self.conversations.lag = self.contacts.lag = seconds

    # Encoded conversations

    def search_json(self, conversation_id: str) -> msgspec.Raw:
        """Return a conversation without its parts, as the search index knows it, as JSON."""
        encoded = self._generated_json(conversation_id, with_parts=False)
        if encoded is None:
            record = self.conversations.indexed(conversation_id)
            assert record is not None
            if self.conversations.is_stale(conversation_id):
                encoded = self._encode(record, with_parts=False)
            else:
                encoded = self._cached(record, with_parts=False)
        return msgspec.Raw(encoded)

    def conversation_json(self, conversation_id: str) -> bytes | None:
        """Return a conversation with its parts as JSON, or None when there is none."""
        if (encoded := self._generated_json(conversation_id, with_parts=True)) is not None:
            return encoded
        record = self.conversations.get(conversation_id)
        return None if record is None else self._cached(record, with_parts=True)

    def _generated_json(self, conversation_id: str, with_parts: bool) -> bytes | None:
        lazy = self.conversations.lazy(conversation_id)
        encoder = None if lazy is None else self._encoders.get(lazy.first)
        if encoder is None:
            return None
        company_id = encoder.source.person(int(conversation_id) - encoder.source.first).company_id
        company = b"null" if company_id is None else bytes(self._company_json(self.companies[company_id]))
        return encoder.encode(conversation_id, with_parts, company)

    def _cached(self, record: Conversation, with_parts: bool) -> bytes:
        """Return the encoded conversation. It is valid while it, its company and all contacts are unchanged."""
        company = self.companies.get(record.company_id) if record.company_id else None
        stamp = (record.version, company.version if company else -1, self.references_version)
        key = (record.id, with_parts)
        cached = self._encoded.get(key)
        if cached is None or cached[0] != stamp:
            if len(self._encoded) > _CACHE_LIMIT:
                self._encoded.clear()
            cached = self._encoded[key] = (stamp, self._encode(record, with_parts))
        return cached[1]

    def _encode(self, record: Conversation, with_parts: bool) -> bytes:
        company = self.companies.get(record.company_id) if record.company_id else None
        company_json = self._company_json(company) if company else None
        return _encoder.encode(
            conversations.conversation(self, record, with_parts=with_parts, company_json=company_json)
        )

    def _company_json(self, record: Company) -> msgspec.Raw:
        stamp = (record.version, self.references_version)
        cached = self._encoded_companies.get(record.id)
        if cached is None or cached[0] != stamp:
            encoded = msgspec.Raw(_encoder.encode(people.company(self, record)))
            cached = self._encoded_companies[record.id] = (stamp, encoded)
        return cached[1]

    def search_tickets(self, filter_: Filter, order: Order, per_page: int, cursor: str | None) -> Page:
        """Search the conversations that are tickets. There are few of them, so each search indexes them again."""
        store: Store[Conversation] = Store(self.now, lambda c: True)
        for conversation_id in self.tickets:
            if (record := self.conversations.indexed(conversation_id)) is not None and record.ticket is not None:
                store.add(record)
        return Searcher(store, ticket_value).page(filter_, order, per_page, cursor, "")

    # Generated conversations

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
        """Add `count` generated conversations over `span` seconds from `start`. Return their contacts.

        The default is the 180 days up to two days ago. The conversations belong to `contacts` new contacts (default:
        one per 20) of `companies` new companies (default: one per 5 contacts), with the external ids `bulk-user-N` and
        `bulk-co-N` and the e-mail addresses `userN@bulkM.example`.
        """
        contacts = max(1, count // 20) if contacts is None else contacts
        companies = max(1, contacts // 5) if companies is None else companies
        span = 180 * 86_400 if span is None else span
        start = self.seconds() - span - 2 * 86_400 if start is None else start
        new_companies = [
            self.add_company(f"Bulk company {n}", f"bulk-co-{n}", created_at=start, last_request_at=start + n)
            for n in range(companies)
        ]
        new_contacts = [
            self.add_contact(
                f"Bulk user {n}",
                f"user{n}@bulk{n % companies if companies else 0}.example",
                external_id=f"bulk-user-{n}",
                created_at=start,
                companies=[new_companies[n % companies]] if companies else [],
            )
            for n in range(contacts)
        ]
        first = self.count("conversation", 100_001)
        self._counters["conversation"] = first + count
        generated = GeneratedConversations(
            first,
            count,
            people=[
                Person(c.id, c.name or "", c.email or "", c.company_ids[0] if c.company_ids else None)
                for c in new_contacts
            ],
            agent=self.author_of(None),
            start=start,
            span=span,
            parts=parts,
            body_bytes=body_bytes,
        )
        self.conversations.add_range(generated)
        self._encoders[first] = GeneratedEncoder(self, generated)
        return new_contacts

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
        """Define a custom attribute by Intercom's rules. Raise ApiError 400 like `POST /data_attributes`."""
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
        for attribute in self.attributes.values():
            if attribute.name == name:
                data = {"contact": "people", "company": "company"}
                raise invalid(
                    f"You already have '{name}' in your {data[attribute.model]} data. "
                    f"To save this as new {data[model]} data, use a different name."
                )
        if sum(not a.archived for a in self.attributes.values()) >= self.custom_data_limit:
            raise invalid("You have reached the limit of custom data attributes", code="custom_data_limit_reached")
        now = self.seconds()
        # A list is returned as `string` with options, and a datetime as `date`: up to 2.16 there are no other types.
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
        active = (a for a in self.attributes.values() if not a.archived)
        return next((a for a in active if (a.model, a.name) == (model, name)), None)

    def check_attributes(self, model: str, values: Any, role: str = "user") -> dict[str, Any]:
        """Return custom attribute values as stored. Raise ApiError 400 for unknown names and wrong types.

        `""` clears a value of any type. So does null, except for leads (a known refusal of Intercom) unless
        `null_clears_lead_attributes` is set.
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
        if value == "":
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
        """Add an event of a contact. Return None for a repetition: the same contact, name and second."""
        at = self.seconds() if at is None else at
        contact = self.contact(contact_id)
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
        recent = [e for e in self.events.get(contact_id, ()) if e.created_at > oldest]
        return sorted(recent, key=lambda e: (e.created_at, e.id), reverse=True)

    # Lookups

    def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation for reading. Raise KeyError when there is none."""
        conversation = self.conversations.get(conversation_id)
        if conversation is None:
            raise KeyError(conversation_id)
        return conversation

    def contact(self, contact_id: str) -> Contact:
        """Return a contact for reading, even an archived or merged one. Raise KeyError when there is none."""
        contact = self.contacts.get(contact_id)
        if contact is None:
            raise KeyError(contact_id)
        return contact

    def company(self, company_id: str) -> Company:
        """Return a company by Intercom id or by the customer's own id. Raise KeyError when there is none."""
        return self.companies.get(company_id) or self.companies[self.companies_by_external[company_id]]
