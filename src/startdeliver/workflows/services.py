"""Making and changing workflows, enrolling and removing customers by hand: rules that the browser and the API share.

Every function takes keywords only; `by` is the e-mail address of the member or the name of the key. Values that cannot
be stored raise FieldError and nothing is saved. What a changed rule means is applied by the pipeline.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.customers.values import TAKEN, FieldError
from startdeliver.storage.sql import db_time, execute, id_list, one_of
from startdeliver.tenancy.models import Organization
from startdeliver.workflows.cleaning import facts_of, rule_of
from startdeliver.workflows.models import How, Leaves, Workflow
from startdeliver.workflows.rules import plain
from startdeliver.workflows.sql import enrolment_writer

__all__ = [
    "Enrolled",
    "FieldError",
    "enrol",
    "leave",
    "workflow_archive",
    "workflow_create",
    "workflow_restore",
    "workflow_update",
]

_FIELDS = ("name", "key", "description", "enrol_rule", "leaves", "leave_rule", "leave_after_days", "hand_leaves_too")
_RULES = ("enrol_rule", "leaves", "leave_rule", "leave_after_days", "hand_leaves_too")
MOST = 100
_MOST_DAYS = 365
_GONE = "This workflow is archived. Restore it first."

_ENROL = """
INSERT INTO workflows_enrolment (
    organization_id, workflow_id, customer_id, entered_at, entered_how, entered_by, entered_reason,
    left_how, left_by, left_reason, hold_off)
SELECT c.organization_id, %(workflow)s, c.id, %(at)s, %(how)s, %(by)s, %(reason)s, '', '', '', %(no)s
  FROM customers_customer AS c
 WHERE c.organization_id = %(org)s AND c.archived_at IS NULL AND {customers}
ON CONFLICT DO NOTHING
"""
_FORGET = """
UPDATE workflows_enrolment SET hold_off = %(no)s
 WHERE organization_id = %(org)s AND workflow_id = %(workflow)s AND hold_off = %(yes)s AND {customers}
"""
_LEAVE = """
UPDATE workflows_enrolment
   SET left_at = %(at)s, left_how = %(how)s, left_by = %(by)s, left_reason = %(reason)s, leaving_since = NULL,
       hold_off = %(hold_off)s
 WHERE organization_id = %(org)s AND workflow_id = %(workflow)s AND left_at IS NULL{customers}
"""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What enrolling did: how many customers entered, and how many were in the workflow already or are no more."""

    entered: int
    already: int


def workflow_create(*, organization: Organization, by: str, values: Mapping[str, Any]) -> Workflow:
    """A new workflow with `values` (names of the model's columns). Raises FieldError."""
    if Workflow.objects.filter(archived_at__isnull=True).count() >= MOST:
        raise FieldError({"name": f"There are {MOST} workflows already. Archive one that is no longer needed."})
    return _save(Workflow(organization=organization), {"name": "", **values}, by)


def workflow_update(*, workflow: Workflow, by: str, values: Mapping[str, Any]) -> Workflow:
    """Saves `values`; what they do not name stays as it is. The key is fixed. Raises FieldError."""
    with transaction.atomic():
        return _save(Workflow.objects.select_for_update().get(pk=workflow.pk), values, by)


def workflow_archive(*, workflow: Workflow, by: str) -> int:
    """Ends the workflow: everybody leaves, history stays. Gives how many left; doing it twice changes nothing."""
    with enrolment_writer(workflow.organization):
        done = Workflow.objects.filter(pk=workflow.pk, archived_at__isnull=True)
        if not done.update(archived_at=clock.now(), updated_at=clock.now(), updated_by=by):
            return 0
        values = _values(workflow, How.END, by, "The workflow was archived.") | {"hold_off": False}
        return execute(_LEAVE.format(customers=""), values)


def workflow_restore(*, workflow: Workflow, by: str) -> None:
    """Takes the workflow back; its rule enrols whoever fits. Raises FieldError when another one has its name by now."""
    if _taken(workflow):
        raise FieldError({"name": "Another workflow has this name by now. Rename one of them first."})
    done = Workflow.objects.filter(pk=workflow.pk, archived_at__isnull=False)
    with transaction.atomic():
        done.update(archived_at=None, swept_at=None, updated_at=clock.now(), updated_by=by)
        record(workflow.organization, Kind.WORKFLOW)


def enrol(
    *, workflow: Workflow, customers: Collection[int], by: str, reason: str = "", how: str = How.HAND
) -> Enrolled:
    """Enrols the customers with these ids, in one statement. Raises FieldError for an archived workflow.

    Who is in it already stays as it is; archived customers and ids of others are passed over.
    """
    ids = set(customers)
    with enrolment_writer(workflow.organization):
        if not Workflow.objects.filter(pk=workflow.pk, archived_at__isnull=True).exists():
            raise FieldError({"workflow": _GONE})
        values = _values(workflow, how, by, _reason(reason)) | {"ids": id_list(ids), "no": False, "yes": True}
        execute(_FORGET.format(customers=one_of("customer_id", "ids")), values)
        entered = execute(_ENROL.format(customers=one_of("c.id", "ids")), values)
    return Enrolled(entered, len(ids) - entered)


def leave(*, workflow: Workflow, customers: Collection[int], by: str, reason: str = "", how: str = How.HAND) -> int:
    """Removes the customers with these ids, in one statement; gives how many were in the workflow.

    The rule leaves them alone until it has not held for them once.
    """
    with enrolment_writer(workflow.organization):
        values = _values(workflow, how, by, _reason(reason)) | {"ids": id_list(set(customers)), "hold_off": True}
        return execute(_LEAVE.format(customers=f" AND {one_of('customer_id', 'ids')}"), values)


def key_of(name: str) -> str:
    """The key that a workflow of this name gets: "At-risk" → "at_risk"."""
    plain_name = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain_name).strip("_")[:50] or "workflow"


def _values(workflow: Workflow, how: str, by: str, reason: str) -> dict[str, Any]:
    return {
        "org": workflow.organization_id,
        "workflow": workflow.pk,
        "at": db_time(clock.now()),
        "how": str(how),
        "by": by[:254],
        "reason": reason,
    }


def _reason(reason: str) -> str:
    line = " ".join(str(reason or "").replace("\x00", "").split())
    if len(line) > 500:
        raise FieldError({"reason": "Use at most 500 characters for the reason."})
    return line


def _save(workflow: Workflow, values: Mapping[str, Any], by: str) -> Workflow:
    errors: dict[str, str] = {}
    given = {name: values[name] for name in _FIELDS if name in values}
    if "name" in given:
        workflow.name = " ".join(str(given["name"] or "").replace("\x00", "").split())
        if not workflow.name:
            errors["name"] = "Enter a name for the workflow."
        elif len(workflow.name) > 60:
            errors["name"] = "Use at most 60 characters for the name."
        elif _taken(workflow):
            errors["name"] = "There is a workflow of this name already. Use another name."
    if "description" in given:
        workflow.description = " ".join(str(given["description"] or "").replace("\x00", "").split())
        if len(workflow.description) > 500:
            errors["description"] = "Use at most 500 characters."
    errors |= _key(workflow, str(given.get("key") or "").strip())
    before = [getattr(workflow, name) for name in _RULES]
    errors |= _rules(workflow, given)
    if errors:
        raise FieldError(errors)
    if [getattr(workflow, name) for name in _RULES] != before:
        workflow.swept_at = None
    workflow.updated_at, workflow.updated_by = clock.now(), by[:254]
    try:
        with transaction.atomic():
            workflow.save()
            if workflow.swept_at is None:
                record(workflow.organization, Kind.WORKFLOW)
    except IntegrityError:
        raise FieldError({"key": TAKEN}) from None
    return workflow


def _key(workflow: Workflow, key: str) -> dict[str, str]:
    if workflow.pk is not None:
        return {"key": "The key is fixed after creation."} if key and key != workflow.key else {}
    taken = set(Workflow.objects.values_list("key", flat=True))
    if key:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", key):
            return {"key": "Use small letters, digits and underscores, such as at_risk."}
        workflow.key = key
        return {"key": TAKEN} if key in taken else {}
    base = key_of(workflow.name)
    found, number = base, 2
    while found in taken:
        found, number = f"{base}_{number}", number + 1
    workflow.key = found
    return {}


def _rules(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if "leaves" in given:
        workflow.leaves = str(given["leaves"] or Leaves.NO_LONGER)
        if workflow.leaves not in Leaves.values:
            errors["leaves"] = "Choose how customers leave."
    if "leave_after_days" in given:
        text = str(0 if given["leave_after_days"] in (None, "") else given["leave_after_days"]).strip()
        if not re.fullmatch(r"\d{1,3}", text) or int(text) > _MOST_DAYS:
            errors["leave_after_days"] = f"Enter a number of days from 0 to {_MOST_DAYS}."
        else:
            workflow.leave_after_days = int(text)
    if "hand_leaves_too" in given:
        workflow.hand_leaves_too = bool(given["hand_leaves_too"])
    if "enrol_rule" in given or "leave_rule" in given:
        facts = facts_of(workflow.organization)
        for name in ("enrol_rule", "leave_rule"):
            if name in given:
                try:
                    setattr(workflow, name, plain(rule_of(facts, name, given[name] or [])))
                except FieldError as error:
                    errors |= error.errors
    if workflow.leaves == Leaves.RULE and not workflow.leave_rule and "leave_rule" not in errors:
        errors["leave_rule"] = "Add a condition for leaving, or choose another way to leave."
    return errors


def _taken(workflow: Workflow) -> bool:
    rows = Workflow.objects.filter(archived_at__isnull=True).exclude(pk=workflow.pk)
    return workflow.name.casefold() in {name.casefold() for name in rows.values_list("name", flat=True)}
