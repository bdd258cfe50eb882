"""Answers: one record, or a page of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import F

from startdeliver.api import filters
from startdeliver.api.entity import Context, Entity, Field, Row
from startdeliver.api.errors import NotFound
from startdeliver.api.query import ListQuery


def page(entity: Entity, query: ListQuery, context: Context) -> list[dict[str, Any]]:
    """The records that a list request asks for. Raises Invalid."""
    narrow = filters.condition(entity, query, context)
    arranged = filters.arranging(entity, query, context)
    order = filters.ordering(entity, query, context) if arranged is None else [F("pk").asc()]
    if query.limit == 0:
        return []
    if entity.fresh is not None:
        entity.fresh(context)
    # First the ids alone, from an index, however deep the offset is; then the rows of this page only.
    rows_of = entity.rows(context).filter(narrow).order_by(*order)
    start, stop = query.offset, query.offset + query.limit
    if arranged is not None and arranged[0].arrange is not None:
        ids = arranged[0].arrange(rows_of, arranged[1], start, stop)
    else:
        ids = list(rows_of.values_list("pk", flat=True)[start:stop])
    return _read(entity, ids, context, lambda field: field.in_list) if ids else []


def single(entity: Entity, pk: int, context: Context) -> dict[str, Any]:
    """One record, with what only a single answer has. Raises NotFound."""
    if entity.fresh is not None:
        entity.fresh(context)
    answer = _one(entity, pk, context, lambda field: field.in_list)
    if entity.detail is not None:
        answer |= entity.detail(pk, context)
    return answer


def stored(entity: Entity, pk: int, context: Context) -> dict[str, Any]:
    """The writable fields of one record as they are stored. Raises NotFound."""
    return _one(entity, pk, context, lambda field: field.writable)


def _one(entity: Entity, pk: int, context: Context, chosen: Callable[[Field], bool]) -> dict[str, Any]:
    answers = _read(entity, [pk], context, chosen) if pk < 2**63 else []
    if not answers:
        raise NotFound(f"There is no {entity.name} with the id {str(pk)[:30]}.")
    return answers[0]


def _read(entity: Entity, ids: list[int], context: Context, chosen: Callable[[Field], bool]) -> list[dict[str, Any]]:
    """The chosen fields of the records with these ids, in their order."""
    fields = [field for field in entity.fields_for(context).values() if chosen(field)]
    columns = {"pk", *(column for field in fields for column in field.columns)}
    by_id = {row["pk"]: row for row in entity.rows(context).filter(pk__in=ids).order_by().values(*sorted(columns))}
    # A row can go between the query of the ids and this one.
    rows: list[Row] = [by_id[pk] for pk in ids if pk in by_id]
    if entity.attach is not None:
        entity.attach(rows, context)
    plain = [(field.name, field.column) for field in fields if field.read is None]
    derived = [(field.name, field.read) for field in fields if field.read is not None]
    answers = []
    for row in rows:
        answer: dict[str, Any] = {name: row[column] for name, column in plain if column}
        for name, read in derived:
            answer[name] = read(row, context)
        answers.append(answer)
    return answers
