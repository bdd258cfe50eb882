"""What contacts and companies share."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from startdeliver.sync.models import IntercomCompany, IntercomContact
from startdeliver.sync.text import short

pack = msgspec.msgpack.Encoder(order="deterministic").encode
to_json = msgspec.json.Encoder().encode

KEY = ("organization_id", "workspace", "ref")


class NoteRow(NamedTuple):
    """Why a contact or company is linked to nothing."""

    id: int
    match_note: str


def mark(value: object) -> str:
    """A short hash of plain values."""
    return blake2b(pack(value), digest_size=16).hexdigest()


def fingerprint(row: IntercomCompany | IntercomContact) -> str:
    """The mark of a stored row: the same that a scan computes when it finds just this in Intercom."""
    if isinstance(row, IntercomCompany):
        return mark((row.company_id, row.name, row.facts))
    return mark((row.external_id, row.email, row.name, row.role, row.company_refs, row.facts))


def custom(values: dict[str, Any] | None) -> dict[str, Any]:
    """Custom attributes without what JSON columns cannot hold."""
    if not values:
        return {}
    clean = {
        short(name, 255): short(v, 2000) if isinstance(v, str) else v for name, v in values.items() if v is not None
    }
    return {name: value for name, value in clean.items() if isinstance(value, str | int | float | bool)}
