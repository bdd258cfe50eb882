"""Which user an item of usage speaks of: one look-up for each field that a list of items is matched on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from startdeliver.common.values import BadValue, Number
from startdeliver.customers import custom
from startdeliver.customers.models import CustomField, UserValue, email_key
from startdeliver.storage.sql import fetch, id_list, one_of
from startdeliver.tenancy.models import Organization

_LOOK_UP = """
SELECT id, {column} FROM customers_customeruser WHERE organization_id = %(org)s AND archived_at IS NULL AND {one_of}
"""


class Result(NamedTuple):
    """What became of one item: stored, a duplicate of a stored one, or refused with a sentence for one field."""

    status: str
    field: str = ""
    code: str = ""
    message: str = ""

    @property
    def ok(self) -> bool:
        return self.status != "error"


class _Field(NamedTuple):
    """A field that users are matched on: how a value becomes a key (None: nobody can have it), and who has the keys."""

    key: Callable[[str], Any]
    look_up: Callable[[set[Any]], Iterable[tuple[int, Any]]]


class Users:
    """The users that a list of items speaks of, by (field, value). Archived users are nobody."""

    def __init__(self, organization: Organization, wanted: Iterable[tuple[Any, Any]]) -> None:
        self._organization = organization
        self._fields: dict[str, _Field | None] = {}
        self._found: dict[tuple[str, Any], int | Result] = {}
        keys: dict[str, set[Any]] = defaultdict(set)
        for match_on, value in wanted:
            key = self._key(match_on, value)
            if key is not None:
                keys[match_on].add(key)
        for match_on, some in keys.items():
            field = self._fields[match_on]
            for user, key in field.look_up(some) if field else ():
                known = (match_on, key) in self._found
                self._found[match_on, key] = _ambiguous(match_on, key) if known else user

    def find(self, match_on: Any, value: Any) -> int | Result:
        """The id of the user whose field `match_on` has `value`, or why there is none."""
        key = self._key(match_on, value)
        user = None if key is None else self._found.get((match_on, key))
        if user is not None:
            return user
        if type(match_on) is not str or self._fields.get(match_on) is None:
            text = f"Users cannot be matched on {str(match_on)[:100]!r}. Use email, externalId, id or a custom field."
            return Result("error", "startdeliverUserFieldToMatchOn", "bad_field", text)
        if value in (None, ""):
            return Result("error", "userId", "unknown_user", "The user is missing.")
        text = f"No user has {match_on} {str(value)[:254]!r}. Add the user first, then send the event again."
        return Result("error", "userId", "unknown_user", text)

    def _key(self, match_on: Any, value: Any) -> Any:
        """The value as it is looked up; None when no user can have it."""
        if type(match_on) is not str:
            return None
        if match_on not in self._fields:
            self._fields[match_on] = self._field(match_on)
        field = self._fields[match_on]
        if field is None or type(value) not in (str, int):
            return None
        return field.key(value if type(value) is str else str(value))

    def _field(self, name: str) -> _Field | None:
        if name == "email":
            return _Field(_email, lambda keys: self._look_up("email_key", "text", keys))
        if name == "externalId":
            return _Field(_text, lambda keys: self._look_up("external_id", "text", keys))
        if name == "id":
            return _Field(_id, lambda keys: self._look_up("id", "bigint", keys))
        field = _custom_field(name)
        if field is None:
            return None
        column = custom.column_of(field)
        has = UserValue.objects.filter(field=field, user__archived_at__isnull=True)
        return _Field(
            _number if column == "number" else _text,
            lambda keys: has.filter(**{f"{column}__in": keys}).values_list("user_id", column),
        )

    def _look_up(self, column: str, kind: str, keys: set[Any]) -> Iterable[tuple[int, Any]]:
        statement = _LOOK_UP.format(column=column, one_of=one_of(column, "keys", kind))
        return fetch(statement, {"org": self._organization.pk, "keys": id_list(sorted(keys))})


def _custom_field(alias: str) -> CustomField | None:
    kinds = (CustomField.Type.TEXT, CustomField.Type.DROPDOWN, CustomField.Type.NUMBER)
    live = CustomField.objects.filter(entity=CustomField.Entity.USER, archived_at__isnull=True, type__in=kinds)
    return live.filter(alias=alias).first() if custom.is_alias(alias) and "\x00" not in alias else None


def _email(value: str) -> str | None:
    return _text(email_key(value))


def _text(value: str) -> str | None:
    value = value.strip()
    return value if value and "\x00" not in value else None


def _id(value: str) -> int | None:
    return int(value) if re.fullmatch(r"\s*[0-9]{1,18}\s*", value) else None


def _number(value: str) -> float | None:
    try:
        number = Number().clean(value)
    except BadValue:
        return None
    return None if number is None else float(number)


def _ambiguous(match_on: str, value: Any) -> Result:
    text = f"Several users have {match_on} {value!r}, so the event is nobody's. Match on externalId or id instead."
    return Result("error", "userId", "ambiguous_user", text)
