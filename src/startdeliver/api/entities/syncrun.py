"""syncrun: one execution of the sync, with its counts."""

from __future__ import annotations

from startdeliver.api.entities import common
from startdeliver.api.entity import Entity, Field, Object, field_of
from startdeliver.common.values import Text, Words
from startdeliver.sync.models import SyncRun

_field = field_of(SyncRun)

SYNCRUN = Entity(
    name="syncrun",
    plural="sync runs",
    description="One execution of the sync with Intercom: counts, times, outcome.",
    model=SyncRun,
    administrators_only=True,
    fields=(
        common.IDENTITY,
        _field("status"),
        _field("trigger"),
        _field("createdAt"),
        _field("startedAt"),
        _field("finishedAt"),
        _field("stage"),
        _field("progress", kind=Object()),
        _field("listed", "", "Conversations that Intercom listed."),
        _field("imported", "", "New tickets."),
        _field("updated"),
        _field("unchanged"),
        _field("deleted"),
        _field("skipped", "", "Number by reason.", kind=Object()),
        _field("outbound", "", "Outbound messages without a contact's reply."),
        _field("messages"),
        _field("usersCreated"),
        _field("usersUpdated"),
        _field("customersCreated"),
        _field("customersUpdated"),
        _field("requests", "", "Requests to Intercom."),
        _field("sweepRequests", "", "Part of requests: the once-a-day sweeps."),
        _field("sweepSeconds"),
        _field("attempts"),
        Field(
            name="warnings",
            kind=Words(),
            needs=("warnings",),
            read=lambda row, context: row["warnings"],
            nullable=False,
        ),
        common.text_or_null("errorCode", "error_code", Text(64)),
        common.text_or_null("error", "error", Text(500), "One sentence; null when nothing went wrong."),
    ),
)
