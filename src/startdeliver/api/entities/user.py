"""user: a person at a customer."""

from __future__ import annotations

from startdeliver.api.entities import common, own
from startdeliver.api.entity import Entity, field_of
from startdeliver.common.values import Email, Words
from startdeliver.customers import services
from startdeliver.customers.models import CustomerUser, email_key

_field = field_of(CustomerUser)

USER = Entity(
    name="user",
    plural="users",
    description="A person at a customer. Not a member: members are the people who log in here.",
    model=CustomerUser,
    hidden=common.HIDE_ARCHIVED,
    custom=own.fields_for("user"),
    writes=common.writes(
        CustomerUser, "user", services.user_create, services.user_update, administrators=False, source="api"
    ),
    removal=common.archive(
        CustomerUser,
        "user",
        services.user_archive,
        "Archives the user: it leaves the lists, its tickets stay. Answers the archived record.",
        administrators=False,
    ),
    fields=(
        common.IDENTITY,
        _field("customerId", "", "Null: not assigned to a customer.", stored="customer", writable=True),
        _field("name", writable=True),
        _field(
            "email",
            "",
            "Several users may share one; then tickets cannot be matched by it.",
            kind=Email(),
            compare=("email_key", email_key),
            writable=True,
        ),
        _field(
            "externalId",
            "",
            "The id in your own system; unique. Intercom's external_id is matched with it.",
            writable=True,
        ),
        _field("phone", writable=True),
        _field("role", "", "user or lead; comes in from Intercom."),
        _field("tags", "", "Come in from Intercom.", kind=Words()),
        _field("isStakeholder", writable=True),
        _field("isNonUser", "", "A person of the customer who does not use the product.", writable=True),
        common.is_set("hasLeft", "has_left_at", "The contact was archived or deleted in Intercom."),
        _field("hasLeftAt", writable=True),
        _field("lastSeenAt"),
        _field("lastLoginAt"),
        *common.ARCHIVED,
        *common.STAMPS,
    ),
)
