"""What both halves of the mirror use."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from startdeliver.sync.models import IntercomCompany, IntercomContact
from startdeliver.sync.text import short

pack = msgspec.msgpack.Encoder(order="deterministic").encode
to_json = msgspec.json.Encoder().encode

KEY = ("organization_id", "workspace", "ref")


def mark(value: object) -> str:
    """A short hash of plain values."""
    return blake2b(pack(value), digest_size=16).hexdigest()


def fingerprint(row: IntercomCompany | IntercomContact) -> str:
    """The mark of a row of the mirror as it stands: the same as a scan gives that finds just this in Intercom."""
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
