"""Generated conversations as JSON without making the records: one template per state, filled by a single `%`.

The template is cut from the output of the ordinary serializer, so both return the same bytes. A test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from startdeliver.simulator.model.generated import PART_IDS, SOURCE_IDS, SUBJECTS, GeneratedConversations, Person
from startdeliver.simulator.model.people import People
from startdeliver.simulator.serializers import conversations

_EPOCH = 7_000_000_000  # Far from real times, so that times in a template cannot be mistaken for other numbers.
_FIRST = 8_800_000
_COMPANY = b'"@company"'
_NUMBERS = {"closed": 0, "open": 7, "snoozed": 9}
_SLOT = re.compile(
    rb'(?P<time>(?<![\d"])70\d{8}(?!\d))'
    rb'|(?P<contact>"@contact"(?P<external>,"external_id":null)?)|(?P<name>"@name")|(?P<mail>"@mail")'
    rb'|(?P<company>"@company")|(?P<body>(?<="body":)"<p>[^"]*</p>")|(?P<subject>(?<="subject":)"[^"]*")'
    rb'|(?P<record>"88000\d\d")|(?P<source>"30000000\d\d")|(?P<part>"1000\d{6}")'
)

Cells = list[Any]


class _Template(NamedTuple):
    """`select` picks the values for the slots of `text` from all cells. Times are offsets in seconds from creation."""

    text: bytes
    select: Callable[[Cells], Any]
    time_offsets: list[int]
    body_positions: list[int]


class GeneratedEncoder:
    """Encodes the conversations of one range, with or without parts."""

    def __init__(self, state: People, source: GeneratedConversations) -> None:
        self._state = state
        self.source = source
        self._templates: dict[tuple[str, bool], _Template] = {}
        self._people: dict[str, tuple[bytes, bytes, bytes]] = {}

    def encode(self, record_id: str, with_parts: bool, company: bytes) -> bytes:
        """Return the conversation's JSON; `company` is its company's JSON, or `null`."""
        source = self.source
        number = int(record_id) - source.first
        person = source.person(number)
        encoded_person = self._people.get(person.contact_id)
        if encoded_person is None:
            encode = msgspec.json.encode
            encoded_person = (encode(person.contact_id), encode(person.name), encode(person.email))
            self._people[person.contact_id] = encoded_person
        contact = self._state.contacts.get(person.contact_id)
        external = msgspec.json.encode(contact.external_id if contact is not None else None)
        key = (source.state(number), with_parts)
        template = self._templates.get(key) or self._make(key)
        created = source.created(number)
        first_part = PART_IDS + number * 1000
        cells: Cells = [
            encoded_person[0],
            encoded_person[0] + b',"external_id":' + external,
            encoded_person[1],
            encoded_person[2],
            company,
            b'"%d"' % int(record_id),
            b'"%d"' % (SOURCE_IDS + number),
            b'"' + SUBJECTS[number % len(SUBJECTS)].encode() + b'"',
        ]
        cells += [b"%d" % (created + offset) for offset in template.time_offsets]
        cells += [b'"' + source.body(number, position).encode() + b'"' for position in template.body_positions]
        if with_parts:
            cells += [b'"%d"' % (first_part + position) for position in range(source.parts)]
        filled: bytes = template.text % template.select(cells)
        return filled

    def _make(self, key: tuple[str, bool]) -> _Template:
        state, with_parts = key
        sample = self.source.sample(Person("@contact", "@name", "@mail", None), _FIRST, _EPOCH)
        record = sample.make(str(_FIRST + _NUMBERS[state]))
        fields = conversations.conversation(
            self._state, record, with_parts=with_parts, company_json=msgspec.Raw(_COMPANY)
        )
        encoded = msgspec.json.encode(fields)
        slots = list(_SLOT.finditer(encoded))
        offsets = sorted({int(m["time"]) - _EPOCH for m in slots if m["time"]})
        bodies = [0]
        if with_parts:
            bodies += [position + 1 for position, part in enumerate(record.parts) if part.body is not None]
        fixed = ["contact", "external", "name", "mail", "company", "record", "source", "subject"]
        body_start = len(fixed) + len(offsets)
        part_start = body_start + len(bodies)
        order: list[int] = []
        seen_bodies = 0
        for slot in slots:
            if slot["time"]:
                order.append(len(fixed) + offsets.index(int(slot["time"]) - _EPOCH))
            elif slot["body"]:
                order.append(body_start + seen_bodies)
                seen_bodies += 1
            elif slot["part"]:
                order.append(part_start + int(slot["part"].strip(b'"')) % 1000)
            else:
                order.append(fixed.index("external" if slot["external"] else str(slot.lastgroup)))
        pieces, position = [], 0
        for slot in slots:
            pieces.append(encoded[position : slot.start()].replace(b"%", b"%%"))
            position = slot.end()
        pieces.append(encoded[position:].replace(b"%", b"%%"))
        template = _Template(b"%b".join(pieces), itemgetter(*order), offsets, bodies)
        self._templates[key] = template
        return template
