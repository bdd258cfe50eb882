"""field: one of the organization's own fields on customers or users."""

from __future__ import annotations

from startdeliver.api.entities import common
from startdeliver.api.entity import Entity, field_of
from startdeliver.common.values import Words
from startdeliver.customers import fields
from startdeliver.customers.models import CustomField

_field = field_of(CustomField)

FIELD = Entity(
    name="field",
    plural="fields",
    description="One of the organization's own fields on customers or users. Its values are read, written, "
    "filtered and sorted by its alias.",
    model=CustomField,
    hidden=common.HIDE_ARCHIVED,
    writes=common.writes(
        CustomField,
        "field",
        lambda values, **more: fields.field_create(**more, **values),
        lambda values, **more: fields.field_update(**more, **values),
    ),
    removal=common.archive(
        CustomField,
        "field",
        fields.field_archive,
        "Archives the field: its values are kept. Answers the archived record.",
    ),
    fields=(
        common.IDENTITY,
        _field("entity", "", "Fixed after creation.", writable=True, required=True),
        _field("name", writable=True, required=True),
        _field("alias", "", "Made from the name, such as customfieldNextReview; fixed."),
        _field("type", "", "Fixed after creation.", writable=True, required=True),
        _field(
            "visibility",
            "",
            "On the pages: editable, visible or hidden. The API knows them all.",
            writable=True,
        ),
        _field("required", writable=True),
        _field("description", writable=True),
        _field("options", "", "Of a dropdown, in order.", kind=Words(), writable=True),
        _field("position"),
        *common.ARCHIVED,
        *common.STAMPS,
    ),
)
