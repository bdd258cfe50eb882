"""/api/v1/docs: the API's description as a page, with a form to try each call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from startdeliver.api.entities import ENTITIES
from startdeliver.api.entity import Entity, Field
from startdeliver.api.site import api

_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "login": {"email": "", "password": "", "remember": False},
    "healthrule_support_update": {"daysUntilOverdue": 7, "overdueUntilPoor": 3},
    "customer_create": {"name": "Acme Corp", "externalId": "acme", "domain": "acme.com"},
    "customer_update": {"plan": "Pro"},
    "customer_replace": {"name": "Acme Corp"},
    "user_create": {"name": "Ada", "email": "ada@acme.com", "customerId": 1},
    "user_update": {"isStakeholder": True},
    "user_replace": {"name": "Ada", "email": "ada@acme.com"},
    "field_create": {"entity": "customer", "name": "Next review", "type": "date"},
    "field_update": {"description": "When we talk next"},
    "field_replace": {"entity": "customer", "name": "Next review", "type": "date"},
    "usagetype_create": {"name": "Invoice created"},
    "usagetype_update": {"unit": "invoices"},
    "usagetype_replace": {"name": "Invoice created"},
    "product_create": {"name": "Invoices", "fairTarget": 2, "goodTarget": 5, "usageTypeIds": [1]},
    "product_update": {"goodTarget": 6},
    "product_replace": {"name": "Invoices", "fairTarget": 2, "goodTarget": 5},
    "usage_create": {"userId": "ada@acme.com", "usageType": "invoiceCreated"},
}


@dataclass(frozen=True)
class Call:
    """One operation, as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    needs_id: bool
    finds: bool
    body: str
    answers: list[tuple[str, str]]


@dataclass(frozen=True)
class Column:
    """One field of an entity, as the page shows it."""

    name: str
    kind: str
    description: str
    can: str


@dataclass(frozen=True)
class Section:
    """The calls of one entity."""

    name: str
    description: str
    calls: list[Call]
    columns: list[Column]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page. Reading it needs no key; the key for trying is typed into it and stays in the browser's memory."""
    return render(request, "api/explorer.html", {"sections": sections(), "api": api})


def sections() -> list[Section]:
    """Everything on the page, from the OpenAPI description and the declared entities."""
    declared = {entity.name: entity for entity in ENTITIES}
    calls_of: dict[str, list[Call]] = {}
    for path, operations in api.get_openapi_schema()["paths"].items():
        for method, operation in operations.items():
            calls_of.setdefault(operation["tags"][0], []).append(_call(method, path, operation))
    return [
        Section(name, declared[name].description if name in declared else "", calls, _columns(declared.get(name)))
        for name, calls in calls_of.items()
    ]


def _call(method: str, path: str, operation: Mapping[str, Any]) -> Call:
    name = operation["operationId"]
    example = _EXAMPLES.get(name, {}) if "requestBody" in operation else None
    return Call(
        name=name,
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", "").split("\n\n")[0],
        needs_id="{id}" in path,
        finds=name.endswith("_find"),
        body="" if example is None else json.dumps(example, indent=2),
        answers=[(str(status), answer["description"]) for status, answer in operation["responses"].items()],
    )


def _columns(entity: Entity | None) -> list[Column]:
    return [] if entity is None else [_column(field) for field in entity.fields]


def _column(field: Field) -> Column:
    schema = field.kind.schema()
    kind = " | ".join(schema["enum"]) if "enum" in schema else schema.get("format") or schema["type"]
    required = ["required"] if field.required else []
    can = [*required, *(word for word, yes in _abilities(field) if yes)]
    return Column(field.name, kind + (" | null" if field.nullable else ""), field.description, ", ".join(can))


def _abilities(field: Field) -> list[tuple[str, bool]]:
    return [("set", field.writable), ("filter", field.filterable), ("sort", field.sortable)]
