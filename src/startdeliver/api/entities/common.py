"""Field declarations and helpers that several entities share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Case, IntegerField, Model, Q, Value, When

from startdeliver.api.entity import Context, Field, Hidden, Removal, Writes
from startdeliver.api.errors import Forbidden
from startdeliver.common.health import Health
from startdeliver.common.values import ID, Boolean, Choice, Kind, Moment, Text
from startdeliver.support import health
from startdeliver.support.rules import overdue_since

IDENTITY = Field(name="id", kind=ID, column="pk", nullable=False)

STAMPS = (
    Field(name="createdAt", kind=Moment(), column="created_at", nullable=False),
    Field(name="updatedAt", kind=Moment(), column="updated_at", nullable=False),
    Field(
        name="updatedBy",
        kind=Text(254),
        column="updated_by",
        description="Who changed it last: a member's e-mail address, the name of a key, or the sync.",
    ),
)
HEALTH = Choice(tuple(Health.values))


def is_set(name: str, column: str, description: str = "", *, when: bool = True) -> Field:
    """Whether a column has a value (`when` False: has none)."""
    return Field(
        name=name,
        kind=Boolean(),
        needs=(column,),
        read=lambda row, context: (row[column] is not None) == when,
        narrow=lambda value, context: Q(**{f"{column}__isnull": value != when}),
        nullable=False,
        description=description,
    )


def text_or_null(name: str, column: str, kind: Kind, description: str = "") -> Field:
    """A text column in which an empty string means "none"."""
    return Field(
        name=name,
        kind=kind,
        column=column,
        read=lambda row, context: row[column] or None,
        description=description,
    )


ARCHIVED = (
    is_set("archived", "archived_at", "Archived records are in a list only when a filter names this field."),
    Field(name="archivedAt", kind=Moment(), column="archived_at"),
)
#: What an entity with `ARCHIVED` leaves out of lists.
HIDE_ARCHIVED = Hidden(Q(archived_at__isnull=False), frozenset({"archived", "archivedAt"}))


def require_administrator(context: Context) -> None:
    """Raises Forbidden for a member who is no administrator: settings are theirs."""
    if not context.caller.can_administrate:
        raise Forbidden("Only administrators may change this. Use an admin key, or ask an administrator.")


def writes(
    model: type[Model],
    record: str,
    create: Callable[..., Any],
    update: Callable[..., Any],
    *,
    administrators: bool = True,
    **more: Any,
) -> Writes:
    """Writes by a domain's services. `record` is the name by which `update` takes the record; `more` is handed on."""

    def by(context: Context) -> dict[str, Any]:
        if administrators:
            require_administrator(context)
        return {"by": context.caller.name, **more}

    def make(context: Context, values: Mapping[str, Any]) -> int:
        pk: int = create(organization=context.organization, values=values, **by(context)).pk
        return pk

    def change(context: Context, pk: int, values: Mapping[str, Any]) -> None:
        update(values=values, **by(context), **{record: model._default_manager.get(pk=pk)})

    return Writes(create=make, update=change)


def archive(
    model: type[Model], record: str, service: Callable[..., Any], means: str, *, administrators: bool = True
) -> Removal:
    """DELETE that archives the record by a domain's service; see `writes`."""

    def remove(context: Context, pk: int) -> None:
        if administrators:
            require_administrator(context)
        service(by=context.caller.name, **{record: model._default_manager.get(pk=pk)})

    return Removal(remove=remove, means=means)


def health_order(column: str) -> Case:
    """Sorts health from poor to good."""
    return Case(
        *(When(**{column: status}, then=Value(status.points)) for status in Health), output_field=IntegerField()
    )


def overdue_cutoff(context: Context) -> datetime:
    """Open tickets whose clock started at this moment or before are overdue."""
    if "overdue_cutoff" not in context.memo:
        context.memo["overdue_cutoff"] = overdue_since(health.rule(context.organization), context.now)
    cutoff: datetime = context.memo["overdue_cutoff"]
    return cutoff


def refresh_health(context: Context) -> None:
    """Makes stored support health right for this moment before it is read."""
    health.refresh_due(context.organization)
