"""user: a person at a customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from startdeliver.api.entities import common, own
from startdeliver.api.entity import Context, Entity, Field, Writes, register
from startdeliver.api.kinds import ID, Boolean, Email, Moment, Text, Words
from startdeliver.customers import services
from startdeliver.customers.models import CustomerUser, email_key


def _rows(context: Context) -> QuerySet[Any]:
    return CustomerUser.objects.all()


def _create(context: Context, values: Mapping[str, Any]) -> int:
    made = services.user_create(organization=context.organization, by=context.caller.name, values=values, source="api")
    return made.pk


def _update(context: Context, pk: int, values: Mapping[str, Any]) -> None:
    user = CustomerUser.objects.get(pk=pk)
    services.user_update(user=user, by=context.caller.name, values=values, source="api")


def _archive(context: Context, pk: int) -> None:
    services.user_archive(user=CustomerUser.objects.get(pk=pk), by=context.caller.name)


USER = register(
    Entity(
        name="user",
        plural="users",
        description="A person at a customer. Not a member: members are the people who log in here.",
        model=CustomerUser,
        rows=_rows,
        hidden=common.ARCHIVED_HIDDEN,
        shown_by=common.ARCHIVED_SHOWN_BY,
        custom=own.fields_for("user"),
        writes=Writes(
            create=_create,
            update=_update,
            remove=_archive,
            remove_means="Archives the user: it leaves the lists, its tickets stay. Answers the archived record.",
        ),
        fields=(
            common.IDENTITY,
            Field(
                name="customerId",
                kind=ID,
                column="customer_id",
                stored="customer",
                writable=True,
                description="Null: not assigned to a customer.",
            ),
            Field(name="name", kind=Text(255), column="name", writable=True, default=""),
            Field(
                name="email",
                kind=Email(),
                column="email",
                compare=("email_key", email_key),
                writable=True,
                default="",
                description="Several users may share one; then tickets cannot be matched by it.",
            ),
            Field(
                name="externalId",
                kind=Text(255),
                column="external_id",
                writable=True,
                description="The id in your own system; unique. Intercom's external_id is matched with it.",
            ),
            Field(name="phone", kind=Text(64), column="phone", writable=True, default=""),
            Field(name="role", kind=Text(64), column="role", description="user or lead; comes in from Intercom."),
            Field(name="tags", kind=Words(), column="tags", nullable=False, description="Come in from Intercom."),
            Field(
                name="isStakeholder",
                kind=Boolean(),
                column="is_stakeholder",
                writable=True,
                nullable=False,
                default=False,
            ),
            Field(
                name="isNonUser",
                kind=Boolean(),
                column="is_non_user",
                writable=True,
                nullable=False,
                default=False,
                description="A person of the customer who does not use the product.",
            ),
            Field(
                name="hasLeft",
                kind=Boolean(),
                needs=("has_left_at",),
                read=lambda row, context: row["has_left_at"] is not None,
                narrow=lambda value, context: Q(has_left_at__isnull=not value),
                nullable=False,
                description="The contact was archived or deleted in Intercom.",
            ),
            Field(name="hasLeftAt", kind=Moment(), column="has_left_at", writable=True),
            Field(name="lastSeenAt", kind=Moment(), column="last_seen_at"),
            Field(name="lastLoginAt", kind=Moment(), column="last_login_at"),
            *common.ARCHIVED,
            *common.STAMPS,
        ),
    )
)
