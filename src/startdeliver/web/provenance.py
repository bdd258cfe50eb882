"""Where a value came from and when, in words, from a record's `field_sources`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import Customer, CustomerUser, CustomField
from startdeliver.web import formats
from startdeliver.web.templatetags.lists import own_words


@dataclass(frozen=True)
class Fact:
    """One field of a record as a page shows it. `kind` tells the template how: text, date, time, money, link, mail."""

    label: str
    value: Any
    source: str
    at: datetime | None
    kind: str = "text"


CUSTOMER_FACTS: Sequence[tuple[str, str, str]] = (
    ("name", "Name", "text"),
    ("external_id", "Your ID", "text"),
    ("csm", "CSM", "text"),
    ("arr", "ARR", "money"),
    ("renewal_date", "Renewal date", "date"),
    ("domain", "Domain", "text"),
    ("website", "Website", "link"),
    ("plan", "Plan", "text"),
    ("size", "Employees", "number"),
    ("industry", "Industry", "text"),
    ("monthly_spend", "Monthly spend", "money"),
    ("tags", "Tags", "tags"),
)
USER_FACTS: Sequence[tuple[str, str, str]] = (
    ("name", "Name", "text"),
    ("email", "E-mail", "mail"),
    ("phone", "Phone", "text"),
    ("external_id", "Your ID", "text"),
    ("customer", "Customer", "customer"),
    ("is_stakeholder", "Stakeholder", "flag"),
    ("is_non_user", "Non-user", "flag"),
    ("role", "Role in Intercom", "text"),
    ("last_seen_at", "Last seen", "time"),
    ("has_left_at", "Has left since", "time"),
    ("tags", "Tags", "tags"),
)


def facts_of(record: Customer | CustomerUser) -> list[Fact]:
    """Returns every field of a customer or user that is not hidden, with its source."""
    rows = CUSTOMER_FACTS if isinstance(record, Customer) else USER_FACTS
    sources = record.field_sources if isinstance(record.field_sources, dict) else {}
    facts = []
    for name, label, kind in rows:
        value = getattr(record, name)
        # Imported values may be anything, so only a web address becomes a link.
        safe = kind != "link" or str(value).lower().startswith(("http://", "https://"))
        facts.append(Fact(label, value, *describe(sources.get(name)), kind if safe else "text"))
    return facts + _own_facts(record, sources)


def _own_facts(record: Customer | CustomerUser, sources: dict[str, Any]) -> list[Fact]:
    custom = record.custom if isinstance(record.custom, dict) else {}
    return [
        Fact(field.name, own_words(custom.get(field.alias), field), *describe(sources.get(field.alias)))
        for field in fields_of("customer" if isinstance(record, Customer) else "user")
        if field.visibility != CustomField.Visibility.HIDDEN
    ]


def describe(source: Any) -> tuple[str, datetime | None]:
    """Returns a source in words ("From Intercom", "By ada@acme.test") and its moment; "" if nothing is known.

    `source` is `{"source", "at", "by"}`.
    """
    if not isinstance(source, dict):
        return "", None
    kind, by = str(source.get("source") or ""), str(source.get("by") or "")
    words = {"intercom": "From Intercom", "api": f"Through the API by {by}" if by else "Through the API"}
    words |= {"csv": f"From a CSV file by {by}" if by else "From a CSV file"}
    words |= {"member": f"By {by}" if by else "By a member"}
    try:
        at = datetime.fromisoformat(str(source.get("at") or ""))
    except ValueError:
        return words.get(kind, by), None
    return words.get(kind, by), at if at.tzinfo else at.replace(tzinfo=UTC)


def attributes_of(custom: Any, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """Returns Intercom's custom attributes as (name, value), sorted by name; yes and no for flags.

    `without`: the names of attributes that Startdeliver wrote, which are shown elsewhere.
    """
    if not isinstance(custom, dict):
        return []
    there = {name: value for name, value in custom.items() if value not in (None, "") and name not in without}
    shown = [(name, _value(name, value)) for name, value in there.items()]
    return sorted(shown, key=lambda pair: pair[0].casefold())


def _value(name: str, value: Any) -> str:
    if formats.is_intercom_date(name, value):
        return formats.intercom_date(value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)
