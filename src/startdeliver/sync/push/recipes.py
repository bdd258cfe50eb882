"""Recipes for targeted messages: who matches here, how many contacts match in Intercom, and the rule to choose there.

Contact search knows no company attribute, so a recipe counts by the contact-side attribute. Intercom's API makes no
message audiences; the one kind that it makes are Fin's (OpenAPI 2.16, /audiences).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models.fields.json import KeyTransform

from startdeliver.intercom import IntercomError, search
from startdeliver.sync import session
from startdeliver.sync.models import Connection, IntercomContact, PushItem, PushRecord
from startdeliver.sync.push import choices
from startdeliver.sync.push.choices import Choice
from startdeliver.sync.push.plan import FROM, WHERE
from startdeliver.sync.push.sources import CONTACT, Value
from startdeliver.tenancy.models import Organization


class RecipeError(Exception):
    """What was asked for cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A contact-side source and the value it must have: `stored` as the database has it, `value` as Intercom does."""

    source: str
    stored: str
    value: Value


@dataclass(frozen=True, slots=True)
class Recipe:
    """A group of contacts worth a message."""

    key: str
    title: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Usable:
    """A recipe whose sources exist, with what was chosen for them. `source_key`: the first source that is not out."""

    recipe: Recipe
    parts: tuple[tuple[Condition, Choice], ...]

    @property
    def missing(self) -> list[Choice]:
        return [choice for _, choice in self.parts if not choice.field.ticked or choice.field.defined_at is None]

    @property
    def source_key(self) -> str:
        return next((one.key for one in self.missing if not one.field.ticked), "")


@dataclass(slots=True)
class Row:
    """A recipe with its counts. `there` is None while Intercom cannot be asked; `missing` says why."""

    recipe: Recipe
    here: int
    customers: int
    there: int | None = None
    missing: str = ""
    difference: str = ""
    rules: list[tuple[str, str, str]] = field(default_factory=list)
    to_tick: list[str] = field(default_factory=list)


_POOR_USAGE = Condition("usage_health", "poor", "Poor")
_RECIPES: tuple[Recipe, ...] = (
    Recipe("usage-poor", "Usage health is Poor", (_POOR_USAGE,)),
    Recipe(
        "usage-poor-not-at-risk",
        "Usage health is Poor, and not in the at-risk workflow",
        (_POOR_USAGE, Condition("at_risk", "0", False)),
    ),
    Recipe("usage-good", "Usage health is Good", (Condition("usage_health", "good", "Good"),)),
    Recipe("support-poor", "Support health is Poor", (Condition("support_health", "poor", "Poor"),)),
    Recipe("assessed-at-risk", "The assessment is At Risk", (Condition("assessment", "risk", "At Risk"),)),
)


def available(organization: Organization) -> list[Usable]:
    """The recipes whose sources exist in this installation."""
    known = {one.source.key: one for one in choices.choices(organization) if one.source.model == CONTACT}
    return [
        Usable(recipe, tuple((one, known[one.source]) for one in recipe.conditions))
        for recipe in _RECIPES
        if all(one.source in known for one in recipe.conditions)
    ]


def counted(organization: Organization, link: Connection) -> list[Row]:
    """Every recipe with its counts on both sides; one search for each that Intercom can answer."""
    usable = available(organization)
    rows = [_here(link, one) for one in usable]
    askable = [(row, one) for row, one in zip(rows, usable, strict=True) if not one.missing]
    if askable:
        try:
            with session.line(link, quick=True) as fetcher:
                for row, one in askable:
                    row.there = fetcher.call(fetcher.client.contacts_count(_query(one)))
        except IntercomError as error:
            for row, _ in askable:
                row.missing = row.missing or error.sentence if row.there is None else ""
    for row, one in zip(rows, usable, strict=True):
        row.difference = _difference(row, link, one)
    return rows


def _query(usable: Usable) -> search.Query:
    return search.all_of(
        *(search.attribute_equals(choice.field.name, one.value or False) for one, choice in usable.parts)
    )


def _here(link: Connection, usable: Usable) -> Row:
    joins = " ".join(dict.fromkeys(choice.source.join for _, choice in usable.parts if choice.source.join))
    tests = " AND ".join(
        f"CAST({choice.source.sql} AS text) = %(v{at})s" for at, (_, choice) in enumerate(usable.parts)
    )
    values: dict[str, Any] = {f"v{at}": one.stored for at, (one, _) in enumerate(usable.parts)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*), COUNT(DISTINCT c.id) FROM {FROM[CONTACT]} {joins} "  # noqa: S608 -- our own names
            f"WHERE m.organization_id = %(organization)s AND m.workspace = %(workspace)s AND {WHERE[CONTACT]} "
            f"AND {tests}",
            {"organization": link.organization_id, "workspace": link.workspace, **values},
        )
        here, customers = cursor.fetchone()
    row = Row(usable.recipe, here, customers)
    row.rules = [(choice.field.name, "is", _words(one.value)) for one, choice in usable.parts]
    if usable.missing:
        row.missing = "Not in Intercom yet"
        row.to_tick = [one.key for one in usable.missing if not one.field.ticked][:1]
    return row


def _words(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _difference(row: Row, link: Connection, usable: Usable) -> str:
    """Why the counts differ, in numbers as far as they are known: what Intercom has confirmed lies between the two."""
    if row.there is None or row.there == row.here:
        return ""
    sent = _sent(link, usable)
    failed = PushItem.objects.filter(contact__isnull=False).exclude(reason="").count()
    reasons = []
    if sent != row.here:
        text = f"{_contacts(sent)} had it when Intercom last confirmed their values; the next push brings the rest"
        reasons.append(text + (f", as far as the {_contacts(failed)} that failed allow it" if failed else ""))
    if row.there < sent:
        reasons.append(
            f"Intercom finds {_contacts(sent - row.there)} fewer than it confirmed: its search lags some minutes "
            "behind, and somebody may have changed or archived them there"
        )
    if row.there > sent:
        reasons.append(
            f"{_contacts(row.there - sent)} more have it in Intercom without a push of now: they are linked to nobody "
            "here any more, or somebody gave it to them by hand"
        )
    return f"The counts differ. {'. '.join(reason[:1].upper() + reason[1:] for reason in reasons)}."


def _contacts(number: int) -> str:
    return f"{number:,} contact" if number == 1 else f"{number:,} contacts"


def _sent(link: Connection, usable: Usable) -> int:
    """The contacts of which Intercom has confirmed these very values, and that are linked still."""
    rows = PushRecord.objects.filter(
        contact__workspace=link.workspace,
        contact__state=IntercomContact.State.ACTIVE,
        contact__user__isnull=False,
        contact__user__archived_at__isnull=True,
    )
    for at, (one, choice) in enumerate(usable.parts):
        # An attribute's name may hold what the ORM's look-ups give another meaning, so it is a parameter here.
        rows = rows.annotate(**{f"v{at}": KeyTransform("v", KeyTransform(choice.field.name, "values"))})
        rows = rows.filter(**{f"v{at}": one.value})
    return rows.count()


def create_audience(organization: Organization, link: Connection, key: str) -> str:
    """Makes a Fin audience of the recipe's rule and gives its name. Raises RecipeError and IntercomError."""
    choices.require_advanced(organization)
    usable = next((one for one in available(organization) if one.recipe.key == key), None)
    if usable is None:
        raise RecipeError("There is no such recipe.")
    if usable.missing:
        raise RecipeError("Its attribute is not in Intercom yet, so there is nothing to choose by. Push it first.")
    name = f"Startdeliver: {usable.recipe.title}"
    predicates = [
        {
            "attribute": f"custom_attributes.{choice.field.name}",
            "type": "boolean" if isinstance(one.value, bool) else "string",
            "comparison": "eq",
            "value": one.value,
        }
        for one, choice in usable.parts
    ]
    with session.line(link, quick=True) as fetcher:
        if any(one.name == name for one in fetcher.call(fetcher.client.audiences())):
            raise RecipeError(f"The Fin audience “{name}” is in Intercom already.")
        fetcher.call(fetcher.client.create_audience(name, predicates))
    return name
