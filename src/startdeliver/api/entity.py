"""What an entity of the API is: a declaration. Everything else here reads such declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Expression, F, Model, Q, QuerySet, Subquery

from startdeliver.api.auth import Caller
from startdeliver.api.kinds import Kind
from startdeliver.common import clock
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


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of an entity.

    `column` is the ORM path that holds it, None for a derived one; `needs` are further paths that `read` wants.
    `read` makes the answered value of a row (a dictionary by ORM path). `narrow` makes the condition of a filter with
    one value, for what is no plain column. `order` is what to sort by instead of the column; `compare` the path (and
    form of value) that equality looks at instead. `within` turns a condition on `column` into one on the record, for a
    column of another table; `arrange` gives the ids of a page sorted by the field alone, when that can be done
    faster than by `order`. `stored` is the name that the domain's services use, when it is not
    the column. `default` is what null and an absent field of a replaced record become.
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
        return self.column is not None or self.narrow is not None

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
        own = (self.column,) if self.column and self.read is None else ()
        return own + self.needs

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


@dataclass(frozen=True, kw_only=True)
class Writes:
    """How an entity is written. Values come by the services' names; `update` gets only those that differ.

    `create` gives the id of the new record. All raise `customers.services.FieldError` for what a rule forbids.
    """

    create: Callable[[Context, Mapping[str, Any]], int]
    update: Callable[[Context, int, Mapping[str, Any]], None]
    remove: Callable[[Context, int], None]
    #: A sentence for the documentation: what DELETE does.
    remove_means: str


@dataclass(frozen=True, kw_only=True)
class Removal:
    """How a record is deleted for good, of an entity that is not written otherwise. The answer is what it was."""

    remove: Callable[[Context, int], None]
    #: A sentence for the documentation: what DELETE does.
    means: str


@dataclass(frozen=True, kw_only=True)
class Intake:
    """How an entity takes what a POST sends, when that is more than one new record.

    `take` gets the JSON body and gives status and answer. The schemas are of the body, of the answer to one record
    (201) and of the answer to a list (200).
    """

    take: Callable[[Context, Any], tuple[int, Any]]
    body: Mapping[str, Any]
    one: Mapping[str, Any]
    many: Mapping[str, Any]
    description: str


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One kind of record that the API knows.

    `hidden` is a condition on records that lists leave out unless a filter names one of `shown_by`. `attach` adds to
    a page of rows what another table holds. `detail` gives what only the answer for a single record has. `fresh` runs
    before anything is read. `custom` gives the organization's own fields.
    """

    name: str
    plural: str
    description: str
    model: type[Model]
    fields: tuple[Field, ...]
    rows: Callable[[Context], QuerySet[Any]]
    writes: Writes | None = None
    intake: Intake | None = None
    removal: Removal | None = None
    administrators_only: bool = False
    hidden: Q | None = None
    shown_by: frozenset[str] = frozenset()
    attach: Callable[[list[Row], Context], None] | None = None
    detail: Callable[[int, Context], Mapping[str, Any]] | None = None
    fresh: Callable[[Context], None] | None = None
    custom: Callable[[Context], Sequence[Field]] | None = None

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {one.name: one for one in self.fields}

    def fields_for(self, context: Context) -> dict[str, Field]:
        """The fields by name, the organization's own ones included."""
        if self.custom is None:
            return self.by_name
        return self.by_name | {one.name: one for one in self.custom(context)}


_registry: dict[str, Entity] = {}


def register(entity: Entity) -> Entity:
    """Adds an entity to the API; the routes and the OpenAPI description follow from it."""
    if entity.name in _registry:
        raise ValueError(f"the API has an entity {entity.name!r} already")
    _registry[entity.name] = entity
    return entity


def entities() -> Iterable[Entity]:
    """Every registered entity, in the order of registration."""
    return tuple(_registry.values())
