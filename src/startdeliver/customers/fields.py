"""The organization's own fields: which there are, and making, changing and archiving them (Settings → Fields).

Every function takes keywords only; `by` is who does it. What cannot be stored raises FieldError and nothing is saved.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from startdeliver.changes.models import Kind as ChangeKind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.common.values import BadValue, Checkbox, Choice, FieldError, Kind, Text, clean
from startdeliver.customers.models import CustomField
from startdeliver.tenancy.models import Organization

PREFIX = "customfield"
MOST_FIELDS = 200
MOST_OPTIONS = 200


@dataclass(frozen=True)
class Options(Kind):
    """The options of a dropdown, in order, each once."""

    def clean(self, value: Any) -> list[str]:
        lines = [Text(10_000).clean(option) for option in value] if isinstance(value, list | tuple) else []
        options = list(dict.fromkeys(option for option in lines if option))
        if len(options) > MOST_OPTIONS or any(len(option) > 200 for option in options):
            raise BadValue(f"Use at most {MOST_OPTIONS} options of at most 200 characters.")
        if len({option.casefold() for option in options}) < len(options):
            raise BadValue("Two options differ only in capital letters. Keep one of them.")
        return options


_FIXED: dict[str, Kind] = {
    "entity": Choice(tuple(CustomField.Entity.values), "Choose customers or users."),
    "type": Choice(tuple(CustomField.Type.values), "Choose one of the types: Text, Number, Date, Boolean or Dropdown."),
}
_FIELDS: dict[str, Kind] = {
    "name": Text(80, required="Enter a name for the field."),
    "visibility": Choice(tuple(CustomField.Visibility.values), "Choose Editable, Visible or Hidden."),
    "required": Checkbox(),
    "description": Text(300),
    "options": Options(),
}


def fields_of(entity: str, *, archived: bool = False) -> list[CustomField]:
    """The fields of "customer" or "user" in the order in which they are shown."""
    rows = CustomField.objects.filter(entity=entity, archived_at__isnull=not archived)
    return list(rows.order_by("position", "pk"))


def alias_of(name: str, taken: Iterable[str] = ()) -> str:
    """The alias that a field named `name` gets: "Renewal risk" → "customfieldRenewalRisk", with a number if taken."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", plain)
    base = PREFIX + ("".join(word[:1].upper() + word[1:] for word in words)[:76] or "Field")
    used = {alias.casefold() for alias in taken}
    alias, number = base, 2
    while alias.casefold() in used:
        alias, number = f"{base}{number}", number + 1
    return alias


def field_create(
    *,
    organization: Organization,
    by: str,
    entity: str,
    name: str,
    type: str,  # the word that the pages and the API use
    visibility: str = CustomField.Visibility.EDITABLE,
    required: bool = False,
    description: str = "",
    options: Sequence[str] = (),
) -> CustomField:
    """A new field at the end of its list. Its alias comes from the name. Raises FieldError."""
    _, errors = clean(_FIXED, {"entity": entity, "type": type})
    field = CustomField(organization=organization, entity=entity, type=type, updated_by=by)
    given = {
        "name": name,
        "visibility": visibility,
        "required": required,
        "description": description,
        "options": options if type == CustomField.Type.DROPDOWN else (),
    }
    errors |= _set(field, given)
    if errors:
        raise FieldError(errors)
    of_entity = CustomField.objects.filter(entity=entity)
    if of_entity.filter(archived_at__isnull=True).count() >= MOST_FIELDS:
        raise FieldError({"name": f"There are {MOST_FIELDS} fields already. Archive one that is no longer needed."})
    field.alias = alias_of(field.name, of_entity.values_list("alias", flat=True))
    field.position = (of_entity.aggregate(last=Max("position"))["last"] or 0) + 1
    try:
        with transaction.atomic():
            field.save()
    except IntegrityError as error:
        sentence = "Somebody made a field of this name at the same moment. Check whether it fits."
        raise FieldError({"name": sentence}) from error
    return field


def field_update(*, field: CustomField, by: str, **values: Any) -> CustomField:
    """Changes name, visibility, required, description or options. Alias and type are fixed. Raises FieldError.

    An option that is taken away stays on the records that have it and can no longer be chosen.
    """
    if unknown := values.keys() - _FIELDS.keys():
        raise FieldError(dict.fromkeys(unknown, "This is fixed after creation."))
    errors = _set(field, values)
    if errors:
        field.refresh_from_db()
        raise FieldError(errors)
    field.updated_at, field.updated_by = clock.now(), by
    field.save()
    return field


def field_archive(*, field: CustomField, by: str) -> None:
    """Takes the field away from pages, lists and the API. Its values are kept for the day it is restored."""
    _set_archived(field, True, by)


def field_restore(*, field: CustomField, by: str) -> None:
    """Brings an archived field back with its values."""
    _set_archived(field, False, by)


def field_move(*, field: CustomField, up: bool, by: str) -> None:
    """Moves the field one place up or down among those of its entity."""
    with transaction.atomic():
        rows = fields_of(field.entity)
        place = next((number for number, row in enumerate(rows) if row.pk == field.pk), None)
        if place is None:
            return
        other = max(0, min(len(rows) - 1, place + (-1 if up else 1)))
        rows[place], rows[other] = rows[other], rows[place]
        for number, row in enumerate(rows, 1):
            if row.position != number:
                CustomField.objects.filter(pk=row.pk).update(position=number, updated_by=by)


def _set(field: CustomField, values: Mapping[str, Any]) -> dict[str, str]:
    """Sets the values that fit; returns a sentence for each field that is wrong."""
    cleaned, errors = clean(_FIELDS, values)
    for name, value in cleaned.items():
        setattr(field, name, value)
    if "name" not in errors and _taken(field):
        errors["name"] = "There is a field of this name already. Use another name, so that the two can be told apart."
    if field.required and field.visibility != CustomField.Visibility.EDITABLE:
        errors.setdefault("required", "Only an editable field can be required: nobody could fill in another one.")
    if field.type != CustomField.Type.DROPDOWN and field.options:
        errors["options"] = "Only a dropdown has options."
    if field.type == CustomField.Type.DROPDOWN and not field.options:
        errors.setdefault("options", "Enter at least one option.")
    return errors


def _taken(field: CustomField) -> bool:
    rows = CustomField.objects.filter(entity=field.entity, archived_at__isnull=True).exclude(pk=field.pk)
    return field.name.casefold() in {name.casefold() for name in rows.values_list("name", flat=True)}


def _set_archived(field: CustomField, archived: bool, by: str) -> None:
    if not archived and _taken(field):
        raise FieldError({"name": "A field of this name was made in the meantime. Rename that one first."})
    now = clock.now()
    rows = CustomField.objects.filter(pk=field.pk, archived_at__isnull=archived)
    with transaction.atomic():
        rows.update(archived_at=now if archived else None, updated_at=now, updated_by=by)
        # A rule that asks for the field can be applied again.
        record(field.organization, ChangeKind.WORKFLOW)
    field.refresh_from_db()
