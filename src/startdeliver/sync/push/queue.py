"""The queue of writes: one row per record. Planned again before it was written, a row's content is replaced.

A row is marked as in flight before it is sent, in a transaction of its own. Rows that are still so when a push begins
were sent by a process that died before it could store the answer; Intercom is asked about those (`runs`), so that no
value is written twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from django.db import transaction
from django.db.models import F

from startdeliver.common import clock
from startdeliver.storage import bulk
from startdeliver.sync.models import PushItem, PushRecord, PushRun
from startdeliver.sync.push.plan import Batch, Values
from startdeliver.sync.push.sources import COMPANY

_json = msgspec.json.Encoder().encode
_CLAIM = 100
_PATIENCE = timedelta(hours=24)  # until the next sync, whose push tries everything again
_RENEWED = ("label", "before", "after", "mark", "run_id", "not_before")


class ItemRow(NamedTuple):
    """The columns of a new `PushItem`."""

    company_id: int | None
    contact_id: int | None
    label: str
    before: str
    after: str
    mark: str
    run_id: int
    not_before: int
    attempts: int = 0
    in_flight: bool = False
    reason: str = ""
    sentence: str = ""


class RecordRow(NamedTuple):
    """The columns of a `PushRecord`."""

    company_id: int | None
    contact_id: int | None
    values: str
    mark: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Item:
    """A queue row in work. `role`: the contact's (user, lead); empty for companies."""

    pk: int
    model: str
    target: int
    ref: str
    record: int
    label: str
    before: Values
    after: Values
    mark: str
    attempts: int = 0
    role: str = ""


def enqueue(run: PushRun, model: str, batch: Batch) -> None:
    """Stores a part of the plan: rows for what is to be written, and what was compared without a difference.

    A push that only tries again, or follows a change, leaves alone what must wait for a person, or for the next
    ordinary push (`not_before`).
    """
    renewed = [
        name
        for name in _RENEWED
        if name != "not_before" or run.trigger not in (PushRun.Trigger.RETRY, PushRun.Trigger.CHANGE)
    ]
    now = int(clock.now().timestamp())
    key = (f"{model}_id",)
    items = [
        ItemRow(*pair(model, one.target), one.label, _text(one.before), _text(one.after), one.mark, run.pk, now)
        for one in batch.changes
    ]
    settled = [
        RecordRow(*pair(model, pk), _text(values), mark, fingerprint) for pk, values, mark, fingerprint in batch.settled
    ]
    with transaction.atomic():
        bulk.upsert(PushItem, run.organization_id, items, key=key, update=renewed)
        bulk.upsert(PushRecord, run.organization_id, settled, key=key, update=RecordRow._fields[2:])


def pair(model: str, target: int) -> tuple[int | None, int | None]:
    """The columns company_id and contact_id of a row about the record `target`."""
    return (target, None) if model == COMPANY else (None, target)


def _text(value: Any) -> str:
    return _json(value).decode()


def forget_others(run: PushRun) -> int:
    """Removes rows that this run did not plan: what they were to write is there, or goes out no more."""
    return PushItem.objects.exclude(run=run).delete()[0]


def due(run: PushRun) -> Iterator[Item]:
    """The rows of this run, each once, marked as in flight before they are given."""
    last = 0
    while True:
        rows = list(_rows().filter(run=run, in_flight=False, pk__gt=last, not_before__lte=clock.now())[:_CLAIM])
        if not rows:
            return
        last = rows[-1].pk
        PushItem.objects.filter(pk__in=[row.pk for row in rows]).update(in_flight=True)
        yield from map(_item, rows)


def unanswered() -> list[Item]:
    """The rows that a process sent before it died."""
    return list(map(_item, _rows().filter(in_flight=True)))


def release(items: Sequence[Item]) -> None:
    """What was not sent after all, or whose state was found out."""
    PushItem.objects.filter(pk__in=[one.pk for one in items]).update(in_flight=False)


def done(pks: Sequence[int]) -> None:
    """Removes rows whose writes are confirmed."""
    PushItem.objects.filter(pk__in=pks).delete()


def failed(pk: int, reason: str, sentence: str, *, soon: bool) -> None:
    """Keeps a row with why it failed; the next ordinary push tries again. `soon`: so does one that follows after a
    pause because Intercom could not take something."""
    now = clock.now()
    PushItem.objects.filter(pk=pk).update(
        in_flight=False,
        attempts=F("attempts") + 1,
        reason=reason,
        sentence=sentence[:500],
        failed_at=now,
        not_before=now if soon else now + _PATIENCE,
    )


def _rows() -> Any:
    return PushItem.objects.select_related("company", "contact").order_by("pk")


def _item(row: PushItem) -> Item:
    if row.company is not None:
        company = row.company
        return Item(
            row.pk, COMPANY, company.pk, company.ref, company.customer_id or 0, row.label, row.before, row.after,
            row.mark, row.attempts,
        )  # fmt: skip
    contact = row.contact
    assert contact is not None
    return Item(
        row.pk, "contact", contact.pk, contact.ref, contact.user_id or 0, row.label, row.before, row.after, row.mark,
        row.attempts, contact.role,
    )  # fmt: skip
