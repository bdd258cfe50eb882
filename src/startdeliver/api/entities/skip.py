"""skip: a conversation that did not become a ticket, with its reason."""

from __future__ import annotations

from django.db.models import Q

from startdeliver.api.entities import common
from startdeliver.api.entity import Entity, Hidden, field_of
from startdeliver.common.values import Email, Text
from startdeliver.sync.models import Skip

_field = field_of(Skip)

SKIP = Entity(
    name="skip",
    plural="skips",
    description="A conversation that did not become a ticket. Once its ticket arrived it is in a list only when "
    "a filter names resolved or resolvedAt.",
    model=Skip,
    administrators_only=True,
    hidden=Hidden(Q(resolved_at__isnull=False), frozenset({"resolved", "resolvedAt"})),
    fields=(
        common.IDENTITY,
        _field("externalId", "", "Intercom's conversation id."),
        common.text_or_null("contactId", "contact_ref", Text(128), "Intercom's contact id."),
        _field("contactName"),
        _field("contactEmail", kind=Email()),
        _field("title"),
        _field("reason"),
        _field("detail", "", "One sentence on this very skip."),
        _field("firstSeenAt"),
        _field("lastSeenAt"),
        common.is_set("resolved", "resolved_at"),
        _field("resolvedAt", "", "When its ticket arrived."),
    ),
)
