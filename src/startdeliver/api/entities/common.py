"""Field declarations and helpers that several entities share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, IntegerField, Q, Value, When

from startdeliver.api.entity import Context, Field, Row
from startdeliver.api.kinds import ID, Boolean, Choice, Moment, Text
from startdeliver.common.health import Health
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

ARCHIVED = (
    Field(
        name="archived",
        kind=Boolean(),
        needs=("archived_at",),
        read=lambda row, context: row["archived_at"] is not None,
        narrow=lambda value, context: Q(archived_at__isnull=not value),
        nullable=False,
        description="Archived records are in a list only when a filter names this field.",
    ),
    Field(name="archivedAt", kind=Moment(), column="archived_at"),
)
#: What an entity with `ARCHIVED` leaves out of lists, and the fields that show it again.
ARCHIVED_HIDDEN = Q(archived_at__isnull=False)
ARCHIVED_SHOWN_BY = frozenset({"archived", "archivedAt"})

HEALTH = Choice(tuple(Health.values))


def health_order(column: str) -> Case:
    """Sorts health from poor to good."""
    return Case(*(When(**{column: one}, then=Value(one.points)) for one in Health), output_field=IntegerField())


def overdue_cutoff(context: Context) -> datetime:
    """Open tickets whose clock started at this moment or before are overdue."""
    if "overdue_cutoff" not in context.memo:
        context.memo["overdue_cutoff"] = overdue_since(health.rule(context.organization), context.now)
    cutoff: datetime = context.memo["overdue_cutoff"]
    return cutoff


def refresh_health(context: Context) -> None:
    """Makes stored support health right for this moment before it is read."""
    health.refresh_due(context.organization)


def text_or_null(column: str) -> Any:
    """Reads a text column in which an empty string means "none"."""

    def read(row: Row, context: Context) -> str | None:
        return row[column] or None

    return read
