"""What would be written, as data: the records whose values differ from what Intercom last confirmed.

The comparison is made by the database over all linked records at once: what a record looks like is folded into its
`mark` by SQL, and only records whose mark is not the one stored with the last comparison are looked at here. So a push
with nothing to do costs one statement for companies and one for contacts, and no request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import Count

from startdeliver.common import clock
from startdeliver.storage.sql import fetch, id_list, one_of
from startdeliver.sync import fields
from startdeliver.sync.fields import Action, FieldMap
from startdeliver.sync.models import Connection, IntercomContact
from startdeliver.sync.push.choices import Choice
from startdeliver.sync.push.sources import COMPANY, CONTACT, MAX_TEXT, Value
from startdeliver.sync.text import short

CORE = "core."
"""Begins the keys of core fields among a record's values; attribute names cannot hold a point."""
_BATCH = 2_000
_IDENTITY = frozenset({"email", "external_id"})

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spec:
    """What goes out to companies or to contacts. `keep`: also put right what was changed in Intercom."""

    model: str
    attributes: Sequence[Choice]
    core: Sequence[FieldMap]
    keep: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.attributes and not self.core

    @property
    def types(self) -> dict[str, str]:
        """Data types by attribute name."""
        return {one.field.name: one.source.data_type for one in self.attributes}


@dataclass(slots=True)
class Change:
    """One record to be written. `before` and `after` have the keys that change: attribute names, core.name and such.

    None is no value. `target`: the mirror's row; `record`: the customer's or user's number; `confirmed`: all that was.
    """

    model: str
    target: int
    ref: str
    label: str
    record: int
    before: Values
    after: Values
    mark: str


@dataclass(slots=True)
class Batch:
    """A part of a plan: the records to write, and those compared without a difference (target, values, mark, print)."""

    changes: list[Change] = field(default_factory=list)
    settled: list[tuple[int, Values, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Only:
    """The records that a plan is about: those of these customers (None: of all), and these users."""

    customers: Collection[int] | None
    users: Collection[int] = ()


def targets(link: Connection, spec: Spec, only: Only | None = None) -> list[int]:
    """The ids of Intercom's records that may have to be written, in order. Inside the organization's scope."""
    if spec.is_empty:
        return []
    return sorted(pk for (pk,) in fetch(_statements(spec, only)[0], _given(link, spec, only)))


def batches(
    link: Connection, spec: Spec, look: Callable[[int, int], object] | None = None, only: Only | None = None
) -> Iterator[Batch]:
    """The plan of one model, in parts. Inside the organization's scope; reads only. `look` is told before each part
    how many records were compared, and of how many."""
    ids = targets(link, spec, only)
    if not ids:
        return
    _, records = _statements(spec, only)
    given = _given(link, spec, only)
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        if look is not None:
            look(start, len(ids))
        with connection.cursor() as cursor:
            cursor.execute(records, {**given, "first": part[0], "last": part[-1]})
            rows = cursor.fetchall()
        yield _batch(spec, rows)


# ------------------------------------------------------------------------------------------------------------- by SQL


def _config(spec: Spec) -> str:
    """Changes whenever what goes out, or how, changes: then every record is compared anew."""
    facts = [
        [(one.field.name, one.source.key, one.source.data_type) for one in spec.attributes],
        [(one.full_name, one.source, str(one.rule)) for one in spec.core],
        spec.keep,
        settings.CONFIG.base_url,
    ]
    return blake2b(msgspec.json.encode(facts), digest_size=8).hexdigest()


def _columns(spec: Spec) -> list[str]:
    record = "c" if spec.model == COMPANY else "u"
    return [*(one.source.sql for one in spec.attributes), *(f"{record}.{one.name}" for one in spec.core)]


def _mark(spec: Spec) -> str:
    separator = "chr(31)" if connection.vendor == "postgresql" else "char(31)"
    moving = [one.source.sql for one in spec.attributes if not one.source.constant]
    record = "c" if spec.model == COMPANY else "u"
    moving += [f"{record}.{one.name}" for one in spec.core]
    parts = ["%(config)s", *(f"COALESCE(CAST({sql} AS text), '')" for sql in moving)]
    return f" || {separator} || ".join(parts)


FROM = {
    COMPANY: """sync_intercomcompany AS m JOIN customers_customer AS c ON c.id = m.customer_id
  LEFT JOIN sync_pushrecord AS r ON r.company_id = m.id""",
    CONTACT: """sync_intercomcontact AS m JOIN customers_customeruser AS u ON u.id = m.user_id
  LEFT JOIN customers_customer AS c ON c.id = u.customer_id LEFT JOIN sync_pushrecord AS r ON r.contact_id = m.id""",
}
WHERE = {
    COMPANY: "m.gone_at IS NULL AND c.archived_at IS NULL",
    CONTACT: "m.state = 'active' AND u.archived_at IS NULL",
}
_FIXED = {
    COMPANY: 'm.id, m.ref, c.id, c.name, m.fingerprint, m.facts, r."values", m.name, m.company_id',
    CONTACT: (
        "m.id, m.ref, u.id, COALESCE(NULLIF(u.name, ''), u.email), m.fingerprint, m.facts, r.\"values\", "
        "m.name, m.email, m.external_id, m.role"
    ),
}
_FIXED_COUNT = {COMPANY: 9, CONTACT: 11}


def _given(link: Connection, spec: Spec, only: Only | None) -> dict[str, Any]:
    return {
        "config": _config(spec),
        "organization": link.organization_id,
        "workspace": link.workspace,
        "customers": id_list(only.customers or () if only else ()),
        "users": id_list(only.users if only else ()),
    }


def _statements(spec: Spec, only: Only | None = None) -> tuple[str, str]:
    """Which records may differ, all at once; and those of a range of them in full.

    The range is given by its ends: the same conditions find the same records between them, through the primary key.
    """
    mark = _mark(spec)
    joins = " ".join(dict.fromkeys(one.source.join for one in spec.attributes if one.source.join))
    seen = " OR r.fingerprint <> m.fingerprint" if spec.keep or spec.core else ""
    rest = (
        f"FROM {FROM[spec.model]} {joins} WHERE m.organization_id = %(organization)s AND m.workspace = %(workspace)s "
        f"AND {WHERE[spec.model]} AND (r.id IS NULL OR r.mark <> ({mark}){seen})"
    )
    if only is not None and only.customers is not None:
        of_customers = one_of("m.customer_id" if spec.model == COMPANY else "u.customer_id", "customers")
        rest += (
            f" AND ({of_customers} OR {one_of('m.user_id', 'users')})"
            if spec.model == CONTACT
            else f" AND {of_customers}"
        )
    columns = ", ".join([_FIXED[spec.model], mark, *_columns(spec)])
    return f"SELECT m.id {rest}", f"SELECT {columns} {rest} AND m.id BETWEEN %(first)s AND %(last)s ORDER BY m.id"


# ---------------------------------------------------------------------------------------------------------- by record


def _batch(spec: Spec, rows: Sequence[tuple[Any, ...]]) -> Batch:
    found = Batch()
    now = int(clock.now().timestamp())
    start = _FIXED_COUNT[spec.model] + 1
    shared = _shared(spec, rows)
    for row in rows:
        target, ref, record, label, fingerprint, facts, values = row[:7]
        facts = _json(facts)
        known: dict[str, Any] = _json(values)
        mark, raw = row[start - 1], row[start:]
        own = facts.get("custom_attributes") or {}
        before: Values = {}
        after: Values = {}
        for choice, given in zip(spec.attributes, raw, strict=False):
            name, value = choice.field.name, None if given is None else choice.source.wire(given)
            difference = compare(value, known.get(name), own.get(name), keep=spec.keep)
            if difference is CHANGED:
                before[name], after[name] = _standing(known.get(name), own.get(name), spec.keep), value
            elif difference is FOUND:
                known = {**known, name: {"v": value, "at": now}}
        if spec.core:
            remote = _remote(spec.model, row, facts)
            for one, given in zip(spec.core, raw[len(spec.attributes) :], strict=True):
                _compare_core(one, given, remote, known, shared.get(target, frozenset()), before, after)
        if after:
            change = Change(spec.model, target, ref, short(label, 255), record, before, after, mark)
            found.changes.append(change)
        else:
            found.settled.append((target, known, mark, fingerprint))
    return found


SAME, FOUND, CHANGED = "same", "found", "changed"


def compare(value: Value, known: Mapping[str, Any] | None, there: Any, *, keep: bool) -> str:
    """Whether an attribute has to be written: CHANGED, or FOUND when Intercom, never written to, has it already.

    `known`: the last confirmed write, {"v", "at"} and "a" where Intercom made another value of it. `there`: what the
    last scan has seen; it counts when nothing was written yet, and with `keep`.
    """
    if known is None:
        if same(value, there):
            return SAME if fields.is_empty(value) else FOUND
        return CHANGED
    if not same(value, known["v"]):
        return CHANGED
    return CHANGED if keep and not same(there, known.get("a", known["v"])) else SAME


def same(one: Any, other: Any) -> bool:
    """Whether two values are one; no value and empty text are, true and 1 are not."""
    if fields.is_empty(one) or fields.is_empty(other):
        return fields.is_empty(one) and fields.is_empty(other)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _standing(known: Mapping[str, Any] | None, there: Any, keep: bool) -> Any:
    """What Intercom has now, as far as is known."""
    return there if known is None or keep else known.get("a", known["v"])


def _remote(model: str, row: tuple[Any, ...], facts: dict[str, Any]) -> dict[str, Any]:
    if model == COMPANY:
        return {**facts, "name": row[7], "company_id": row[8]}
    return {**facts, "name": row[7], "email": row[8], "external_id": row[9], "role": row[10]}


def _compare_core(
    one: FieldMap,
    given: Any,
    remote: dict[str, Any],
    known: dict[str, Any],
    rivals: frozenset[str],
    before: Values,
    after: Values,
) -> None:
    """Adds a core field to what changes. What was sent and stands in Intercom in a form of its own is left alone."""
    here = fields.normal(one, given)
    decision = fields.decide(one.rule, here, fields.read(one, remote), "", in_only=one.in_only)
    if decision.action is not Action.SEND or one.source in rivals:
        return
    if one.source == "external_id" and remote.get("role") == "lead":
        # An external id makes a lead a user (OpenAPI 2.16, Contacts), and users cost money there.
        return
    out, there = outward(one.source, decision.value), outward(one.source, remote.get(one.source))
    sent = known.get(CORE + one.source)
    if same(out, there) or fields.is_empty(out):
        return
    if sent is not None and same(out, sent["v"]) and same(there, sent.get("a", sent["v"])):
        return
    before[CORE + one.source], after[CORE + one.source] = there, out


def outward(name: str, value: Any) -> Value:
    """A core field's value as Intercom takes it: whole money (decimals are cut there) and whole sizes, else text."""
    if fields.is_empty(value):
        return None
    if name in ("monthly_spend", "size"):
        try:
            number = int(float(value))
        except (TypeError, ValueError, OverflowError):
            return None
        return number if abs(number) < 2**31 else None
    return short(value, MAX_TEXT)


def _shared(spec: Spec, rows: Sequence[tuple[Any, ...]]) -> dict[int, frozenset[str]]:
    """Identities that must not be sent, by target: those of users that are several contacts, and external ids that
    another contact has. Intercom would answer 409."""
    if spec.model != CONTACT or not any(one.source in _IDENTITY for one in spec.core):
        return {}
    people = IntercomContact.objects.filter(state=IntercomContact.State.ACTIVE, user__in={row[2] for row in rows})
    several = {
        user
        for user, number in people.order_by().values_list("user").annotate(number=Count("pk"))
        if user is not None and number > 1
    }
    return {row[0]: _IDENTITY for row in rows if row[2] in several}


def _json(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str | bytes):
        value = msgspec.json.decode(value)
    return value if isinstance(value, dict) else {}
