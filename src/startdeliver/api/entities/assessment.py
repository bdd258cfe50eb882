"""assessment: the verdict on one customer at one time, with what it rests on."""

from __future__ import annotations

from startdeliver.api.entities import common
from startdeliver.api.entity import Entity, Field, Object, field_of
from startdeliver.assessment.models import Assessment
from startdeliver.common.values import Text

_field = field_of(Assessment)


def _joined(name: str, description: str = "") -> Field:
    """The sentences of `summary` or `action` as one text."""
    return Field(
        name=name,
        kind=Text(2000),
        needs=(name,),
        read=lambda row, context: " ".join(sentence["text"] for sentence in row[name]),
        nullable=False,
        description=description,
    )


ASSESSMENT = Entity(
    name="assessment",
    plural="assessments",
    description="The verdict on a customer; the newest one stands, earlier ones are its history.",
    model=Assessment,
    fields=(
        common.IDENTITY,
        _field("customerId"),
        _field("status"),
        _joined("summary"),
        _joined("action", "The next step that it suggests."),
        _field("analysis", "", "Every signal: area, weight, text, and the ids of its facts.", kind=Object()),
        _field("facts", "", "The evidence: id, value, text, at, link, quote.", kind=Object()),
        _field("assessor"),
        _field("createdAt"),
        _field("confirmedAt", "", "When the same verdict last came out of newer evidence."),
    ),
)
