"""Generated conversations as JSON without making the records: one template per state, filled by a single `%`.

The template is cut from what the ordinary way renders, so both ways give the same bytes; a test holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import msgspec

from startdeliver.simulator import conversation_shapes
from startdeliver.simulator.bulk import PART_IDS, SOURCE_IDS, SUBJECTS, BulkConversations
from startdeliver.simulator.people import PeopleVerbs

_EPOCH = 7_000_000_000  # No real time, so that every time in a template can be told from other numbers.
_FIRST = 8_800_000
_CONTACT, _NAME, _MAIL = "@contact", "@name", "@mail"
_COMPANY = b'"@company"'
_NUMBERS = {"closed": 0, "open": 7, "snoozed": 9}
_SLOT = re.compile(
    rb'(?P<time>(?<![\d"])70\d{8}(?!\d))'
    rb'|(?P<contact>"@contact"(?P<external>,"external_id":null)?)|(?P<name>"@name")|(?P<mail>"@mail")'
    rb'|(?P<company>"@company")|(?P<body>(?<="body":)"<p>[^"]*</p>")|(?P<subject>(?<="subject":)"[^"]*")'
    rb'|(?P<record>"88000\d\d")|(?P<source>"30000000\d\d")|(?P<part>"1000\d{6}")'
)

Cells = list[Any]


class BulkEncoder:
    """Encodes the conversations of one range, with or without parts."""

    def __init__(self, state: PeopleVerbs, source: BulkConversations) -> None:
        self._state = state
        self._source = source
        self._templates: dict[tuple[str, bool], tuple[bytes, Callable[[Cells], Any], list[int], list[int]]] = {}
        self._people: dict[str, tuple[bytes, bytes, bytes]] = {}

    def encode(self, record_id: str, with_parts: bool, company: bytes) -> bytes:
        """Return the conversation's JSON; `company` is its company's JSON, or `null`."""
        source = self._source
        number = int(record_id) - source.first
        contact_id, name, email, _ = source.person(number)
        person = self._people.get(contact_id)
        if person is None:
            encode = msgspec.json.encode
            person = self._people[contact_id] = (encode(contact_id), encode(name), encode(email))
        contact = self._state.contacts.get(contact_id)
        external = msgspec.json.encode(contact.external_id if contact is not None else None)
        key = (source.state(number), with_parts)
        template, order, offsets, bodies = self._templates.get(key) or self._make(key)
        created = source.created(number)
        first_part = PART_IDS + number * 1000
        cells: Cells = [
            person[0],
            person[0] + b',"external_id":' + external,
            person[1],
            person[2],
            company,
            b'"%d"' % int(record_id),
            b'"%d"' % (SOURCE_IDS + number),
            b'"' + SUBJECTS[number % len(SUBJECTS)].encode() + b'"',
        ]
        cells += [b"%d" % (created + offset) for offset in offsets]
        cells += [b'"' + source.body(number, position).encode() + b'"' for position in bodies]
        if with_parts:
            cells += [b'"%d"' % (first_part + position) for position in range(source.parts)]
        filled: bytes = template % order(cells)
        return filled

    def _make(self, key: tuple[str, bool]) -> tuple[bytes, Callable[[Cells], Any], list[int], list[int]]:
        state, with_parts = key
        sample = self._source.sample((_CONTACT, _NAME, _MAIL, None), _FIRST, _EPOCH)
        record = sample.make(str(_FIRST + _NUMBERS[state]))
        shown = conversation_shapes.conversation(
            self._state, record, with_parts=with_parts, company_shown=msgspec.Raw(_COMPANY)
        )
        encoded = msgspec.json.encode(shown)
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
        made = self._templates[key] = (b"%b".join(pieces), itemgetter(*order), offsets, bodies)
        return made
