"""What an entity of the API is: a declaration. Everything else here reads such declarations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Expression, F, Model, Q, QuerySet, Subquery
from ninja import Schema

from startdeliver.api.auth import Caller
from startdeliver.common import clock
from startdeliver.common.values import BadValue, Boolean, Choice, Day, Integer, Kind, Moment, Number, Text
from startdeliver.tenancy.models import Organization

Row = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """One request: who asks, and when."""

    caller: Caller
    now: datetime = field(default_factory=clock.now)
    #: What was looked up once for this request.
    memo: dict[str, Any] = field(default_factory=dict)

    @property
    def organization(self) -> Organization:
        return self.caller.organization


@dataclass(frozen=True)
class Object(Kind):
    """A structure that is only read. `properties` are JSON schemas by name; `many`: a list of such structures."""

    many: bool = False
    properties: Mapping[str, dict[str, Any]] | None = None

    def parse(self, value: object) -> Any:
        raise BadValue("This cannot be filtered or written.")

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object"}
        if self.properties:
            schema["properties"] = dict(self.properties)
        return {"type": "array", "items": schema} if self.many else schema


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of an entity; `field_of` declares those that a model's column holds.

    `column` is the ORM path that holds it, None for a derived one; `needs` are further paths that `read` wants.
    `read` makes the answered value of a row (a dictionary by ORM path). `narrow` makes the condition of a filter with
    one value, for what is no plain column. `order` is what to sort by instead of the column; `compare` the path (and
    form of value) that equality looks at instead. `within` turns a condition on `column` into one on the record, for a
    column of another table; `arrange` returns the ids of a page sorted by the field alone, when that can be done
    faster than by `order`. `stored` is the name that the domain's services use, when it is not the column. `default`
    is what null and an absent field of a replaced record become.
    """

    name: str
    kind: Kind
    column: str | None = None
    needs: tuple[str, ...] = ()
    read: Callable[[Row, Context], Any] | None = None
    narrow: Callable[[Any, Context], Q] | None = None
    order: Expression | F | Subquery | None = None
    compare: tuple[str, Callable[[Any], Any]] | None = None
    within: Callable[[Q], Q] | None = None
    arrange: Callable[[QuerySet[Any], bool, int, int], list[int]] | None = None
    writable: bool = False
    stored: str = ""
    required: bool = False
    nullable: bool = True
    in_list: bool = True
    default: Any = None
    description: str = ""

    @property
    def filterable(self) -> bool:
        return (self.column is not None and not isinstance(self.kind, Object)) or self.narrow is not None

    @property
    def sortable(self) -> bool:
        return self.order is not None or (self.column is not None and self.kind.ordered)

    @property
    def service_name(self) -> str:
        """What the domain's services call the field."""
        return self.stored or self.column or self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The ORM paths that an answer needs."""
        return (self.column, *self.needs) if self.column and self.within is None else self.needs

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the field in an answer."""
        schema = self.kind.schema()
        if self.nullable:
            schema = {"anyOf": [schema, {"type": "null"}]}
        if self.description:
            schema["description"] = self.description
        if not self.writable:
            schema["readOnly"] = True
        return schema


def field_of(model: type[Model]) -> Callable[..., Field]:
    """Returns a constructor of fields (name, column, description, **settings of Field) that columns of `model` hold.

    Unless they are given, the column follows from the name ("lookBackDays" → "look_back_days"), and kind, nullability
    and default from the column. To a caller, empty optional text is null.
    """

    def declare(name: str, column: str = "", description: str = "", **settings: Any) -> Field:
        path = column or re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)
        stored = _model_field(model, path)
        optional_text = stored.blank and isinstance(stored, models.CharField | models.TextField)
        derived: dict[str, Any] = {
            "nullable": not settings.get("required") and (stored.null or optional_text or "__" in path)
        }
        if settings.get("writable"):
            derived["default"] = stored.get_default()
        if "kind" not in settings:
            derived["kind"] = _kind_of(stored)
        return Field(name=name, column=path, description=description, **(derived | settings))

    return declare


def _model_field(model: type[Model], path: str) -> models.Field[Any, Any]:
    *relations, name = path.split("__")
    for relation in relations:
        related = model._meta.get_field(relation).related_model
        assert isinstance(related, type)
        model = related
    stored = model._meta.pk if name == "pk" else model._meta.get_field(name)
    assert isinstance(stored, models.Field)
    return stored


def _kind_of(stored: models.Field[Any, Any]) -> Kind:
    if stored.choices:
        return Choice(tuple(str(value) for value, _ in stored.flatchoices))
    if isinstance(stored, models.AutoField | models.ForeignKey):
        return Integer(minimum=0)
    if isinstance(stored, models.DecimalField):
        return Number(10 ** (stored.max_digits - stored.decimal_places))
    for model_field, kind in _KINDS.items():
        if isinstance(stored, model_field):
            return kind
    return Text(stored.max_length or 500)


_KINDS: dict[type[models.Field[Any, Any]], Kind] = {
    models.IntegerField: Integer(),
    models.FloatField: Number(),
    models.BooleanField: Boolean(),
    # A moment is a day to Django too.
    models.DateTimeField: Moment(),
    models.DateField: Day(),
}


@dataclass(frozen=True, kw_only=True)
class Writes:
    """How an entity is written. Values come by the services' names; `update` gets only those that differ.

    `create` returns the id of the new record. Both raise FieldError for what a rule forbids.
    """

    create: Callable[[Context, Mapping[str, Any]], int]
    update: Callable[[Context, int, Mapping[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What DELETE does, and a sentence for the documentation that says it.

    The answer is the record as it is then, or as it was when it is gone.
    """

    remove: Callable[[Context, int], None]
    means: str


@dataclass(frozen=True, kw_only=True)
class Intake:
    """How an entity takes what a POST sends, when that is more than one new record.

    `take` gets the JSON body (one `item` or a list of at most `most`) and returns status and answer: 201 and `result`
    for one, 200 and `results` for a list.
    """

    take: Callable[[Context, Any], tuple[int, Any]]
    item: type[Schema]
    most: int
    result: type[Schema]
    results: type[Schema]
    description: str


@dataclass(frozen=True)
class Hidden:
    """Records that lists leave out, unless a filter names one of the fields `shown_by`."""

    condition: Q
    shown_by: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One kind of record that the API knows.

    `rows`: the records, when they are not all of the model in the open scope. `attach` adds to a page of rows what
    another table holds. `detail` returns what only the answer for a single record has. `fresh` runs before anything is
    read. `custom` returns the organization's own fields.
    """

    name: str
    plural: str
    description: str
    model: type[Model]
    fields: tuple[Field, ...]
    rows_for: Callable[[Context], QuerySet[Any]] | None = None
    writes: Writes | None = None
    intake: Intake | None = None
    removal: Removal | None = None
    administrators_only: bool = False
    hidden: Hidden | None = None
    attach: Callable[[list[Row], Context], None] | None = None
    detail: Callable[[int, Context], Mapping[str, Any]] | None = None
    fresh: Callable[[Context], None] | None = None
    custom: Callable[[Context], Sequence[Field]] | None = None

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    def rows(self, context: Context) -> QuerySet[Any]:
        """Every record that the caller's organization has."""
        return self.rows_for(context) if self.rows_for else self.model._default_manager.all()

    def fields_for(self, context: Context) -> dict[str, Field]:
        """The fields by name, the organization's own ones included."""
        if self.custom is None:
            return self.by_name
        return self.by_name | {field.name: field for field in self.custom(context)}
