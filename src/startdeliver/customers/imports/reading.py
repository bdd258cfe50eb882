"""The cells of a row as values that `customers.services` would store, with a sentence for each that is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from startdeliver.customers import custom
from startdeliver.customers.fields import fields_of
from startdeliver.customers.imports import forms
from startdeliver.customers.imports.targets import Column, Options
from startdeliver.customers.models import CustomField
from startdeliver.customers.services import Cleaner, FieldError

_KINDS = {
    CustomField.Type.TEXT: "text",
    CustomField.Type.DROPDOWN: "text",
    CustomField.Type.NUMBER: "number",
    CustomField.Type.DATE: "date",
    CustomField.Type.BOOLEAN: "flag",
}
_REMEMBERED = 20_000


def custom_columns(entity: str) -> list[Column]:
    """The columns of the organization's own fields; a file may name them by name or alias."""
    own = fields_of(entity)
    return [Column(one.alias, one.name, _KINDS[CustomField.Type(one.type)], group="Your fields") for one in own]


class Reader:
    """Reads cells by field and remembers what a text stood for: columns repeat themselves."""

    def __init__(self, options: Options, columns: list[Column], cleaners: Mapping[str, Cleaner], entity: str) -> None:
        self._options = options
        self._kinds = {column.key: column.kind for column in columns}
        self._cleaners = cleaners
        self.custom = {one.alias: one for one in fields_of(entity)}
        self._known: dict[tuple[str, str], tuple[Any, str]] = {}

    def read(self, cells: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        """The values by field and the sentences by field. Empty cells are passed over: they change nothing."""
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        known = self._known
        for key, text in cells.items():
            if not text:
                continue
            found = known.get((key, text))
            if found is None:
                found = self._one(key, text)
                if len(known) < _REMEMBERED:
                    known[(key, text)] = found
            if found[1]:
                problems[key] = found[1]
            else:
                values[key] = found[0]
        return values, problems

    def _one(self, key: str, text: str) -> tuple[Any, str]:
        try:
            value: Any = self._formed(self._kinds.get(key, "text"), text)
        except ValueError as error:
            return None, str(error)
        try:
            if key in self.custom:
                return custom.value_of(self.custom[key], value), ""
            cleaner: Callable[..., Any] | None = self._cleaners.get(key)
            return (cleaner(self._options.organization, key, value) if cleaner else value), ""
        except FieldError as error:
            return None, " ".join(error.errors.values())

    def _formed(self, kind: str, text: str) -> Any:
        if "\x00" in text:
            raise ValueError("Remove the character that cannot be shown.")
        if kind == "number":
            return forms.number(text, self._options.decimal)
        if kind == "date":
            return forms.day(text, self._options.day_order).isoformat()
        return forms.flag(text) if kind == "flag" else text
