"""member: a person of the organization who logs in. Read only; its id is what `csmId` takes."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, register
from startdeliver.api.kinds import Choice, Email, Moment, Text
from startdeliver.tenancy.models import Member, Role


def _rows(context: Context) -> QuerySet[Any]:
    # Members are found before any organization is known, so their manager has no scope of its own.
    return Member.objects.filter(organization=context.organization)


MEMBER = register(
    Entity(
        name="member",
        plural="members",
        description="A person of the organization who logs in.",
        model=Member,
        rows=_rows,
        hidden=common.ARCHIVED_HIDDEN,
        shown_by=common.ARCHIVED_SHOWN_BY,
        fields=(
            common.IDENTITY,
            Field(name="name", kind=Text(200), column="name"),
            Field(name="email", kind=Email(), column="email", nullable=False),
            Field(name="role", kind=Choice(tuple(Role.values)), column="role", nullable=False),
            Field(name="createdAt", kind=Moment(), column="created_at", nullable=False),
            *common.ARCHIVED,
        ),
    )
)
