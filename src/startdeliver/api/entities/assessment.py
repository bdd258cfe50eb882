"""assessment: the verdict on one customer at one time, with what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet

from startdeliver.api.entities import common
from startdeliver.api.entity import Context, Entity, Field, register
from startdeliver.api.kinds import ID, Choice, Moment, Object, Text
from startdeliver.assessment.models import Assessment, Assessor
from startdeliver.assessment.statuses import Status


def _rows(context: Context) -> QuerySet[Any]:
    return Assessment.objects.all()


def _said(name: str) -> Callable[[Mapping[str, Any], Context], str]:
    """The sentences of `summary` or `action` as one text."""

    def read(row: Mapping[str, Any], context: Context) -> str:
        return " ".join(one["text"] for one in row[name])

    return read


def _list(name: str, description: str) -> Field:
    return Field(
        name=name,
        kind=Object(),
        needs=(name,),
        read=lambda row, context: row[name],
        nullable=False,
        description=description,
    )


ASSESSMENT = register(
    Entity(
        name="assessment",
        plural="assessments",
        description="The verdict on a customer; the newest one stands, earlier ones are its history.",
        model=Assessment,
        rows=_rows,
        fields=(
            common.IDENTITY,
            Field(name="customerId", kind=ID, column="customer_id", nullable=False),
            Field(name="status", kind=Choice(tuple(Status.values)), column="status", nullable=False),
            Field(name="summary", kind=Text(2000), needs=("summary",), read=_said("summary"), nullable=False),
            Field(
                name="action",
                kind=Text(2000),
                needs=("action",),
                read=_said("action"),
                nullable=False,
                description="The next step that it suggests.",
            ),
            _list("analysis", "Every signal: area, weight, text, and the ids of its facts."),
            _list("facts", "The evidence: id, value, text, at, link, quote."),
            Field(name="assessor", kind=Choice(tuple(Assessor.values)), column="assessor", nullable=False),
            Field(name="createdAt", kind=Moment(), column="created_at", nullable=False),
            Field(
                name="confirmedAt",
                kind=Moment(),
                column="confirmed_at",
                nullable=False,
                description="When the same verdict last came out of newer evidence.",
            ),
        ),
    )
)
