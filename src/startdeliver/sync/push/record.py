"""Keeping what Intercom confirmed: values, the mirror, the queue and the log, in one transaction for many writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F

from startdeliver.common import clock
from startdeliver.intercom import wire
from startdeliver.storage import bulk
from startdeliver.sync import fields, intercom_records
from startdeliver.sync.models import IntercomCompany, IntercomContact, PushField, PushItem, PushLog, PushRecord, PushRun
from startdeliver.sync.push import queue
from startdeliver.sync.push.plan import CORE, Values, outward, same
from startdeliver.sync.push.queue import Item, RecordRow, pair
from startdeliver.sync.push.sources import COMPANY
from startdeliver.sync.push.writer import Done
from startdeliver.sync.text import short

_json = msgspec.json.Encoder().encode
Outcome = PushLog.Outcome


def keep(run: PushRun, results: Sequence[Done]) -> bool:
    """Stores how writes ended. What was confirmed counts from here on; what failed stays in the queue with its
    reason. Gives whether something failed that time alone may mend."""
    again = False
    with transaction.atomic():
        for model in {one.item.model for one in results}:
            _confirm(run, model, [one for one in results if one.item.model == model and one.sent])
        finished, log = [], []
        written = failed = 0
        for one in results:
            if one.sent:
                written += 1
                log.append(_line(run, one.item, one.sent, Outcome.WRITTEN, ""))
            if one.reason:
                failed += 1
                lost = {key: one.item.after[key] for key in one.refused} if one.refused else one.item.after
                log.append(_line(run, one.item, lost, Outcome.FAILED, one.sentence))
                soon = one.reason == PushItem.Reason.TRANSIENT or any(map(_is_undefined, one.refused.values()))
                again = again or soon
                queue.failed(one.item.pk, one.reason, one.sentence, soon=soon)
            else:
                finished.append(one.item.pk)
        queue.done(finished)
        PushLog.objects.bulk_create(log)
        PushRun.objects.filter(pk=run.pk).update(written=F("written") + written, failed=F("failed") + failed)
        _undefined(results)
    return again


def found_there(run: PushRun, item: Item, values: Values, answer: wire.Company | wire.Contact) -> None:
    """A write whose answer was lost had taken effect: it is confirmed without writing again."""
    done = Done(item, sent=values, answer=answer)
    with transaction.atomic():
        _confirm(run, item.model, [done])
        PushLog.objects.bulk_create(
            [_line(run, item, values, Outcome.CONFIRMED, "An interrupted push had written this already.")]
        )


def _line(run: PushRun, item: Item, after: Values, outcome: str, sentence: str) -> PushLog:
    return PushLog(
        organization_id=run.organization_id,
        run=run,
        model=item.model,
        ref=item.ref,
        record=item.record,
        label=item.label,
        before={key: item.before.get(key) for key in after},
        after=after,
        outcome=outcome,
        sentence=sentence[:500],
        at=clock.now(),
    )


def _undefined(results: Sequence[Done]) -> None:
    """An attribute that is gone from Intercom is looked for anew at the next push."""
    gone = {key for one in results for key, why in one.refused.items() if _is_undefined(why)}
    if gone:
        PushField.objects.filter(name__in=gone).update(defined_at=None, workspace="")


def _is_undefined(sentence: str) -> bool:
    return "does not exist" in sentence


def _confirm(run: PushRun, model: str, results: Sequence[Done]) -> None:
    if not results:
        return
    now = int(clock.now().timestamp())
    targets = [one.item.target for one in results]
    rows: dict[int, Any] = (IntercomCompany if model == COMPANY else IntercomContact).objects.in_bulk(targets)
    column = f"{model}_id"
    stored = dict(PushRecord.objects.filter(**{f"{column}__in": targets}).values_list(column, "values"))
    records = []
    for one in results:
        row = rows.get(one.item.target)
        if row is None:
            continue
        values = dict(stored.get(row.pk) or {})
        answered = _answered(one)
        for key, value in one.sent.items():
            values[key] = {"v": value, "at": now}
            if not same(answered[key], value):
                values[key]["a"] = answered[key]
        _bring_home(row, answered)
        # What was refused is to be compared again.
        mark = "" if one.refused else one.item.mark
        records.append(RecordRow(*pair(model, row.pk), _json(values).decode(), mark, row.fingerprint))
    bulk.upsert(PushRecord, run.organization_id, records, key=(column,), update=RecordRow._fields[2:])
    changed = [rows[one.item.target] for one in results if one.item.target in rows]
    if model == COMPANY:
        IntercomCompany.objects.bulk_update(changed, ["name", "facts", "fingerprint"])
    else:
        IntercomContact.objects.bulk_update(changed, ["name", "email", "external_id", "facts", "fingerprint"])


def _answered(one: Done) -> Values:
    """What Intercom made of each value that was sent; the value itself where it does not say."""
    answer = one.answer
    custom: Mapping[str, Any] = (answer.custom_attributes or {}) if answer is not None else {}
    found: Values = {}
    for key, value in one.sent.items():
        if not key.startswith(CORE):
            found[key] = custom.get(key, value)
            if isinstance(found[key], str) and not found[key]:
                found[key] = None
            continue
        name = key.removeprefix(CORE)
        given = getattr(answer, "plan_name" if name == "plan" else name, None)
        found[key] = value if fields.is_empty(given) else outward(name, given)
    return found


def _bring_home(row: IntercomCompany | IntercomContact, answered: Values) -> None:
    """Makes the mirror say what was just written, so that the next scan does not take it for a change over there.
    Nothing else of the answer is taken: what changed there meanwhile must be found by the scan."""
    facts = dict(row.facts)
    custom = dict(facts.get("custom_attributes") or {})
    for key, value in answered.items():
        name = key.removeprefix(CORE)
        if not key.startswith(CORE):
            if value is None:
                custom.pop(key, None)
            else:
                custom[key] = value
        elif name in ("name", "email", "external_id"):
            setattr(row, name, short(value, 254 if name == "email" else 255))
        else:
            facts[name] = value
    facts["custom_attributes"] = custom
    row.facts = facts
    row.fingerprint = intercom_records.fingerprint(row)
