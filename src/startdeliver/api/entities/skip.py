"""skip: a conversation that did not become a ticket, with its reason."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, register
from startdeliver.api.kinds import Boolean, Choice, Email, Moment, Text
from startdeliver.sync.models import Skip


def _rows(context: Context) -> QuerySet[Any]:
    return Skip.objects.all()


SKIP = register(
    Entity(
        name="skip",
        plural="skips",
        description="A conversation that did not become a ticket. Once its ticket arrived it is in a list only when "
        "a filter names resolved or resolvedAt.",
        model=Skip,
        rows=_rows,
        administrators_only=True,
        hidden=Q(resolved_at__isnull=False),
        shown_by=frozenset({"resolved", "resolvedAt"}),
        fields=(
            common.IDENTITY,
            Field(
                name="externalId",
                kind=Text(128),
                column="external_id",
                nullable=False,
                description="Intercom's conversation id.",
            ),
            Field(
                name="contactId",
                kind=Text(128),
                needs=("contact_ref",),
                column="contact_ref",
                read=common.text_or_null("contact_ref"),
                description="Intercom's contact id.",
            ),
            Field(name="contactName", kind=Text(255), column="contact_name"),
            Field(name="contactEmail", kind=Email(), column="contact_email"),
            Field(name="title", kind=Text(500), column="title"),
            Field(name="reason", kind=Choice(tuple(Skip.Reason.values)), column="reason", nullable=False),
            Field(name="detail", kind=Text(500), column="detail", description="One sentence on this very skip."),
            Field(name="firstSeenAt", kind=Moment(), column="first_seen_at", nullable=False),
            Field(name="lastSeenAt", kind=Moment(), column="last_seen_at", nullable=False),
            Field(
                name="resolved",
                kind=Boolean(),
                needs=("resolved_at",),
                read=lambda row, context: row["resolved_at"] is not None,
                narrow=lambda value, context: Q(resolved_at__isnull=not value),
                nullable=False,
            ),
            Field(name="resolvedAt", kind=Moment(), column="resolved_at", description="When its ticket arrived."),
        ),
    )
)
