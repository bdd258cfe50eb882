"""field: one of the organization's own fields on customers or users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, Writes, register
from startdeliver.api.errors import Forbidden
from startdeliver.api.kinds import Boolean, Choice, Integer, Text, Words
from startdeliver.customers import fields
from startdeliver.customers.models import CustomField


def require_administrator(context: Context) -> None:
    """Raises Forbidden for a member who is no administrator: settings are theirs."""
    if not context.caller.can_administrate:
        raise Forbidden("Only administrators may change this. Use an admin key, or ask an administrator.")


def _rows(context: Context) -> QuerySet[Any]:
    return CustomField.objects.all()


def _create(context: Context, values: Mapping[str, Any]) -> int:
    require_administrator(context)
    return fields.field_create(organization=context.organization, by=context.caller.name, **values).pk


def _update(context: Context, pk: int, values: Mapping[str, Any]) -> None:
    require_administrator(context)
    fields.field_update(field=CustomField.objects.get(pk=pk), by=context.caller.name, **values)


def _archive(context: Context, pk: int) -> None:
    require_administrator(context)
    fields.field_archive(field=CustomField.objects.get(pk=pk), by=context.caller.name)


FIELD = register(
    Entity(
        name="field",
        plural="fields",
        description="One of the organization's own fields on customers or users. Its values are read, written, "
        "filtered and sorted by its alias.",
        model=CustomField,
        rows=_rows,
        hidden=common.ARCHIVED_HIDDEN,
        shown_by=common.ARCHIVED_SHOWN_BY,
        writes=Writes(
            create=_create,
            update=_update,
            remove=_archive,
            remove_means="Archives the field: its values are kept. Answers the archived record.",
        ),
        fields=(
            common.IDENTITY,
            Field(
                name="entity",
                kind=Choice(tuple(CustomField.Entity.values)),
                column="entity",
                writable=True,
                required=True,
                nullable=False,
                description="Fixed after creation.",
            ),
            Field(name="name", kind=Text(80), column="name", writable=True, required=True, nullable=False),
            Field(
                name="alias",
                kind=Text(99),
                column="alias",
                nullable=False,
                description="Made from the name, such as customfieldNextReview; fixed.",
            ),
            Field(
                name="type",
                kind=Choice(tuple(CustomField.Type.values)),
                column="type",
                writable=True,
                required=True,
                nullable=False,
                description="Fixed after creation.",
            ),
            Field(
                name="visibility",
                kind=Choice(tuple(CustomField.Visibility.values)),
                column="visibility",
                writable=True,
                nullable=False,
                default="editable",
                description="On the pages: editable, visible or hidden. The API knows them all.",
            ),
            Field(name="required", kind=Boolean(), column="required", writable=True, nullable=False, default=False),
            Field(name="description", kind=Text(300), column="description", writable=True, default=""),
            Field(
                name="options",
                kind=Words(),
                column="options",
                writable=True,
                nullable=False,
                default=[],
                description="Of a dropdown, in order.",
            ),
            Field(name="position", kind=Integer(), column="position", nullable=False),
            *common.ARCHIVED,
            *common.STAMPS,
        ),
    )
)
