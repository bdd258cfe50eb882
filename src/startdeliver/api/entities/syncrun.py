"""syncrun: one execution of the sync, with its counts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, register
from startdeliver.api.kinds import Choice, Integer, Moment, Number, Object, Text, Words
from startdeliver.sync.models import SyncRun


def _rows(context: Context) -> QuerySet[Any]:
    return SyncRun.objects.all()


def _count(name: str, column: str = "", description: str = "") -> Field:
    return Field(name=name, kind=Integer(), column=column or name, nullable=False, description=description)


SYNCRUN = register(
    Entity(
        name="syncrun",
        plural="sync runs",
        description="One execution of the sync with Intercom: counts, times, outcome.",
        model=SyncRun,
        rows=_rows,
        administrators_only=True,
        fields=(
            common.IDENTITY,
            Field(name="status", kind=Choice(tuple(SyncRun.Status.values)), column="status", nullable=False),
            Field(name="trigger", kind=Choice(tuple(SyncRun.Trigger.values)), column="trigger", nullable=False),
            Field(name="createdAt", kind=Moment(), column="created_at", nullable=False),
            Field(name="startedAt", kind=Moment(), column="started_at"),
            Field(name="finishedAt", kind=Moment(), column="finished_at"),
            Field(name="stage", kind=Text(32), column="stage"),
            Field(
                name="progress",
                kind=Object(),
                needs=("progress",),
                read=lambda row, context: row["progress"],
                nullable=False,
            ),
            _count("listed", description="Conversations that Intercom listed."),
            _count("imported", description="New tickets."),
            _count("updated"),
            _count("unchanged"),
            _count("deleted"),
            Field(
                name="skipped",
                kind=Object(),
                needs=("skipped",),
                read=lambda row, context: row["skipped"],
                nullable=False,
                description="Number by reason.",
            ),
            _count("outbound", description="Outbound messages without a contact's reply."),
            _count("messages"),
            _count("usersCreated", "users_created"),
            _count("usersUpdated", "users_updated"),
            _count("customersCreated", "customers_created"),
            _count("customersUpdated", "customers_updated"),
            _count("requests", description="Requests to Intercom."),
            _count("sweepRequests", "sweep_requests", "Part of requests: the once-a-day sweeps."),
            Field(name="sweepSeconds", kind=Number(), column="sweep_seconds", nullable=False),
            Field(name="attempts", kind=Integer(), column="attempts", nullable=False),
            Field(
                name="warnings",
                kind=Words(),
                needs=("warnings",),
                read=lambda row, context: row["warnings"],
                nullable=False,
            ),
            Field(
                name="errorCode",
                kind=Text(64),
                column="error_code",
                needs=("error_code",),
                read=common.text_or_null("error_code"),
            ),
            Field(
                name="error",
                kind=Text(500),
                column="error",
                needs=("error",),
                read=common.text_or_null("error"),
                description="One sentence; null when nothing went wrong.",
            ),
        ),
    )
)
