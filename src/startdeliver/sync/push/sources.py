"""What can go to Intercom as an attribute: where each value is found (SQL) and the form that Intercom takes.

A source's `sql` speaks of the tables that the plan joins: `c` is the customer (also a contact's, then perhaps null),
`u` the user; `join` adds others. A package above this one (or one that may be absent) adds its own with `register`.

Forms (help centre "custom data attributes", OpenAPI 2.16 /data_attributes): text up to 255 characters, whole unix
seconds for dates, numbers, true and false, one of a list's options; never lists or objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

from startdeliver.common.health import Health
from startdeliver.customers.models import CustomField
from startdeliver.sync.models import PushField
from startdeliver.sync.text import short

COMPANY, CONTACT = PushField.Model.COMPANY.value, PushField.Model.CONTACT.value
HEALTH = tuple(map(str, Health.labels))
MAX_TEXT = 255
_EXACT = 2.0**53  # from here on floats are no exact whole numbers

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that can go out.

    `data_type`: of Intercom's definition (string, integer, float, boolean, date, or options with `options`). `wire`:
    what the database gives, which is never None, as Intercom takes it. `own_name`: the end of the default name.
    """

    model: str
    key: str
    label: str
    data_type: str
    sql: str
    wire: Callable[[Any], Value]
    description: str
    join: str = ""
    own_name: str = ""
    options: tuple[str, ...] = ()
    ticked: bool = False
    constant: bool = False

    @property
    def suffix(self) -> str:
        """The end of the attribute's default name; a date's ends in _at, which is how Intercom knows dates."""
        base = self.own_name or self.key
        base = base if self.model == COMPANY else f"contact_{base}"
        return f"{base}_at" if self.data_type == "date" and not base.endswith("_at") else base


def text(value: Any) -> Value:
    """Text of at most 255 characters; empty is none."""
    return short(value, MAX_TEXT).strip() or None


def whole(value: Any) -> Value:
    return int(value)


def number(value: Any) -> Value:
    """A number; whole ones without a point. What JSON does not hold as it is (not finite, or too large to be exact) is
    none: databases and programs would make different values of it."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not isfinite(found) or abs(found) >= _EXACT:
        return None
    return int(found) if found.is_integer() else found


def flag(value: Any) -> Value:
    """True or false, as JSON, SQLite (1, 0) and PostgreSQL (text) write it."""
    return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "t")


def day(value: Any) -> Value:
    """A calendar day as the unix seconds of its midnight, UTC: Intercom's date attributes are anchored to UTC days."""
    try:
        found = date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
    return int(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp())


def word(words: dict[str, str]) -> Callable[[Any], Value]:
    """A stored code as the word that people read."""
    return lambda value: words.get(str(value))


def epoch(column: str) -> str:
    """SQL for a moment's whole unix seconds."""
    if connection.vendor == "postgresql":
        return f"CAST(FLOOR(EXTRACT(EPOCH FROM {column})) AS bigint)"
    return f"CAST(strftime('%%s', {column}) AS integer)"


def json_value(column: str, alias: str) -> str:
    """SQL for one value of a JSON object. `alias`: letters and digits only."""
    if not alias.isalnum() or not alias.isascii():
        raise ValueError(f"{alias!r} is no alias")
    return f"({column} ->> '{alias}')" if connection.vendor == "postgresql" else f"json_extract({column}, '$.{alias}')"


_health = word({one.value: str(one.label) for one in Health})
_USAGE = "LEFT JOIN usage_usagehealth AS uh ON uh.customer_id = c.id"
_SUPPORT = "LEFT JOIN support_supporthealth AS sh ON sh.customer_id = c.id"


def _builtin() -> list[Source]:
    base = settings.CONFIG.base_url.rstrip("/")
    health: dict[str, Any] = {"data_type": "options", "options": HEALTH, "wire": _health}
    found = [
        Source(
            COMPANY, "usage_health", "Usage health", sql="uh.status", join=_USAGE, ticked=True,
            description="How much the customer uses the product: Good, Fair or Poor.", **health,
        ),
        Source(
            COMPANY, "support_health", "Support health", sql="sh.status", join=_SUPPORT, ticked=True,
            description="How support is going for the customer: Good, Fair or Poor.", **health,
        ),
        Source(
            COMPANY, "last_login", "Last login", "date", epoch("c.last_login_at"), whole,
            "When somebody of the customer last logged in.", ticked=True,
        ),
        Source(
            COMPANY, "link", "Link to Startdeliver", "string", "c.id", lambda pk: f"{base}/customers/{pk}",
            "The customer's page in Startdeliver.", ticked=True, constant=True,
        ),
        Source(
            CONTACT, "last_login", "Last login", "date", epoch("u.last_login_at"), whole,
            "When this person last logged in.", ticked=True,
        ),
        Source(
            CONTACT, "usage_health", "Customer's usage health", sql="uh.status", join=_USAGE,
            description="Usage health of this person's company: Good, Fair or Poor.", **health,
        ),
        Source(
            CONTACT, "support_health", "Customer's support health", sql="sh.status", join=_SUPPORT,
            description="Support health of this person's company: Good, Fair or Poor.", **health,
        ),
        Source(
            CONTACT, "link", "Link to Startdeliver", "string", "u.id", lambda pk: f"{base}/users/{pk}",
            "This person's page in Startdeliver.", constant=True,
        ),
    ]  # fmt: skip
    if apps.is_installed("startdeliver.assessment"):
        from startdeliver.assessment.statuses import Status

        assessed = Source(
            COMPANY, "assessment", "Assessment", "options", "ac.status", word(dict(Status.choices)),
            "The AI's verdict on the customer.", "LEFT JOIN assessment_current AS ac ON ac.customer_id = c.id",
            "assessment_status", tuple(label for _, label in Status.choices),
        )  # fmt: skip
        found += [assessed, replace(assessed, model=CONTACT, label="Customer's assessment")]
    return found


_registered: list[Callable[[], Sequence[Source]]] = []


def register(give: Callable[[], Sequence[Source]]) -> Callable[[], Sequence[Source]]:
    """Adds sources that another package knows; `give` is asked each time, inside the organization's scope."""
    _registered.append(give)
    return give


_TYPES: dict[str, tuple[str, Callable[[Any], Value]]] = {
    CustomField.Type.TEXT: ("string", text),
    CustomField.Type.NUMBER: ("float", number),
    CustomField.Type.DATE: ("date", day),
    CustomField.Type.BOOLEAN: ("boolean", flag),
    CustomField.Type.DROPDOWN: ("options", text),
}


def _custom() -> list[Source]:
    found = []
    for field in CustomField.objects.filter(archived_at__isnull=True).order_by("entity", "position", "pk"):
        model = COMPANY if field.entity == CustomField.Entity.CUSTOMER else CONTACT
        data_type, wire = _TYPES[field.type]
        options = tuple(dict.fromkeys(short(one, MAX_TEXT) for one in field.options)) if data_type == "options" else ()
        if data_type == "options" and len(options) < 2:
            data_type, options = "string", ()
        sql = json_value("c.custom" if model == COMPANY else "u.custom", field.alias)
        name = _snake(field.alias.removeprefix("customfield")) or "field"
        description = field.description or f"The field “{field.name}” in Startdeliver."
        found.append(
            Source(model, field.alias, field.name, data_type, sql, wire, description, own_name=name, options=options)
        )
    return found


def _snake(name: str) -> str:
    return "".join(
        f"_{one.lower()}" if one.isupper() and at and not name[at - 1].isupper() else one.lower()
        for at, one in enumerate(name)
    )[:100]


def catalogue() -> list[Source]:
    """Everything that can go out, in the order in which it is shown. Inside the organization's scope."""
    return [*_builtin(), *(one for give in _registered for one in give()), *_custom()]
