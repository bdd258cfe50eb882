"""The OpenAPI description of the entities, made from their declarations."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from startdeliver.api.entities import ENTITIES
from startdeliver.api.entity import Entity, Removal
from startdeliver.api.query import DEFAULT_LIMIT, MAX_LIMIT

_ERRORS = {
    400: "The request is wrong; field names what.",
    401: "No valid API key.",
    403: "The key may not do this.",
    404: "No such record in this organization.",
    409: "The value must be unique and is taken.",
    413: "The body is over 10 MB.",
    429: "Asked too often; see Retry-After.",
}


class Api(NinjaAPI):
    """django-ninja's API whose description knows the shared schemas below `components`."""

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> OpenAPISchema:
        description = super().get_openapi_schema(*args, **kwargs)
        description["components"].setdefault("schemas", {}).update(components())
        return description


def components() -> dict[str, Any]:
    """The schemas that operations refer to."""
    schemas: dict[str, Any] = {
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "code": {"type": "string"},
                        "message": {"type": "string", "description": "One sentence for people."},
                        "field": {"type": "string"},
                        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                }
            },
        }
    }
    for entity in ENTITIES:
        listed = {field.name: field.schema() for field in entity.fields if field.in_list}
        whole = {field.name: field.schema() for field in entity.fields}
        schemas[entity.name] = {"type": "object", "description": entity.description, "properties": whole}
        schemas[entity.name]["required"] = list(whole)
        schemas[_listed(entity)] = (
            {"type": "object", "properties": listed, "required": list(listed)}
            if listed != whole
            else {"$ref": f"#/components/schemas/{entity.name}"}
        )
        if entity.intake is not None:
            schemas[entity.intake.item.__name__] = entity.intake.item.model_json_schema()
        if entity.writes is not None:
            writable = {field.name: field.schema() for field in entity.fields if field.writable}
            required = [field.name for field in entity.fields if field.writable and field.required]
            schemas[f"{entity.name}_write"] = {
                "type": "object",
                "properties": writable,
                "description": "Read-only fields that are sent along are ignored.",
            }
            schemas[f"{entity.name}_create"] = {
                "allOf": [{"$ref": f"#/components/schemas/{entity.name}_write"}],
                **({"required": required} if required else {}),
            }
    return schemas


def responses(success: dict[str, Any], *errors: int, status: int = 200, text: str = "OK") -> dict[int, Any]:
    """The responses of an operation that answers `success` (a JSON schema) or one of the errors."""
    return {status: {"description": text, "content": {"application/json": {"schema": success}}}, **refusals(*errors)}


def refusals(*errors: int) -> dict[int, Any]:
    """The responses of an operation that refuses with these errors or those of every operation."""
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {code: {"description": _ERRORS[code], "content": refused} for code in sorted({*errors, 401, 429})}


def body(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON request body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def find(entity: Entity) -> dict[str, Any]:
    """GET of the collection."""
    filterable = ", ".join(field.name for field in entity.fields if field.filterable)
    sortable = ", ".join(field.name for field in entity.fields if field.sortable)
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{_listed(entity)}"}, "maxItems": MAX_LIMIT}
    result = {"type": "object", "required": ["result"], "properties": {"result": rows}}
    return _operation(
        entity,
        f"Find {entity.plural}",
        f"{entity.description}\n\nFilter by: {filterable}.\n\nSort by: {sortable}.",
        {
            "parameters": [
                {
                    "in": "query",
                    "name": "query",
                    "description": "JSON: {filter, limit, offset, sort}. A filter value is exact, a list (any of), a "
                    "text with * wildcards, or an object of gt, gte, lt, lte, eq, ne.",
                    "content": {"application/json": {"schema": _query_schema(entity)}},
                },
                {"in": "query", "name": "limit", "schema": {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT}},
                {"in": "query", "name": "offset", "schema": {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}},
                {"in": "query", "name": "sort", "schema": {"type": "string"}},
            ],
            "responses": responses(result, 400, 403),
        },
    )


def get(entity: Entity) -> dict[str, Any]:
    """GET of one record."""
    return _operation(entity, f"Read one {entity.name}", entity.description, {"responses": _one(entity, 403, 404)})


def create(entity: Entity) -> dict[str, Any]:
    """POST to the collection, which makes a record or takes what the entity's intake takes."""
    intake = entity.intake
    if intake is None:
        schema = {"$ref": f"#/components/schemas/{entity.name}_create"}
        more = {"requestBody": body(schema), "responses": _one(entity, 400, 403, 409, 413, status=201, text="Created")}
        return _operation(entity, f"Create a {entity.name}", "Answers the new record.", more)
    item = {"$ref": f"#/components/schemas/{intake.item.__name__}"}
    bodies = {"oneOf": [item, {"type": "array", "items": item, "maxItems": intake.most}]}
    answers: dict[int, Any] = {200: {"description": "A list was taken; see each result"}}
    answers |= {201: {"description": "One was taken"}} | refusals(400, 403, 413)
    more = {"requestBody": body(bodies), "responses": answers}
    operation = _operation(entity, f"Send {entity.plural}", intake.description, more)
    return operation | {"response": {200: intake.results, 201: intake.result}}


def update(entity: Entity) -> dict[str, Any]:
    """PATCH of one record."""
    return _change(entity, "Change", "write", "Sets the fields that are sent.")


def replace(entity: Entity) -> dict[str, Any]:
    """PUT of one record."""
    return _change(entity, "Replace", "create", "Sets every field that can be set; what is not sent is cleared.")


def _change(entity: Entity, verb: str, schema: str, description: str) -> dict[str, Any]:
    sent = body({"$ref": f"#/components/schemas/{entity.name}_{schema}"})
    answers = _one(entity, 400, 403, 404, 409, 413)
    return _operation(entity, f"{verb} a {entity.name}", description, {"requestBody": sent, "responses": answers})


def delete(entity: Entity, removal: Removal) -> dict[str, Any]:
    """DELETE of one record."""
    return _operation(entity, f"Delete a {entity.name}", removal.means, {"responses": _one(entity, 403, 404)})


def _one(entity: Entity, *errors: int, status: int = 200, text: str = "OK") -> dict[int, Any]:
    return responses({"$ref": f"#/components/schemas/{entity.name}"}, *errors, status=status, text=text)


def _operation(entity: Entity, summary: str, description: str, extra: dict[str, Any]) -> dict[str, Any]:
    success = {status: None for status in extra["responses"] if status < 300}
    return {
        "summary": summary,
        "description": description,
        "tags": [entity.name],
        "response": success,
        "openapi_extra": extra,
    }


def _listed(entity: Entity) -> str:
    return f"{entity.name}_listed" if any(not field.in_list for field in entity.fields) else f"{entity.name}_item"


def _query_schema(entity: Entity) -> dict[str, Any]:
    filters = {field.name: {"description": field.description} for field in entity.fields if field.filterable}
    own: dict[str, Any] = {"additionalProperties": False}
    if entity.custom is not None:
        own["patternProperties"] = {"^customfield": {"description": "One of your own fields, by its alias."}}
    return {
        "type": "object",
        "properties": {
            "filter": {"type": "object", "properties": filters, **own},
            "limit": {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            "offset": {"type": "integer", "minimum": 0, "default": 0},
            "sort": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        },
    }
