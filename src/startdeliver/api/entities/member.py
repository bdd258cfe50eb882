"""member: a person of the organization who logs in. Read only; its id is what `csmId` takes."""

from __future__ import annotations

from startdeliver.api.entities import common
from startdeliver.api.entity import Entity, field_of
from startdeliver.common.values import Email
from startdeliver.tenancy.models import Member

_field = field_of(Member)

MEMBER = Entity(
    name="member",
    plural="members",
    description="A person of the organization who logs in.",
    model=Member,
    # Members are found before any organization is known, so their manager has no scope of its own.
    rows_for=lambda context: Member.objects.filter(organization=context.organization),
    hidden=common.HIDE_ARCHIVED,
    fields=(
        common.IDENTITY,
        _field("name", nullable=True),
        _field("email", kind=Email()),
        _field("role"),
        _field("createdAt"),
        *common.ARCHIVED,
    ),
)
