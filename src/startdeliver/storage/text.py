"""Searches for a text in columns, in the fastest way of each database."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Q
from django.db.models.functions import Collate, Upper
from django.db.models.lookups import Contains

from startdeliver.storage.sql import is_postgres


def contains(text: str, columns: Iterable[str]) -> Q:
    """Returns a condition: one of the columns contains `text`, regardless of case.

    PostgreSQL looks up the case of each letter of each row unless only ASCII letters matter. SQLite's LIKE folds ASCII
    only, so other letters are tried in the cases in which names are written.
    """
    if is_postgres():
        if not text.isascii():
            return _any(Q(**{f"{column}__icontains": text}) for column in columns)
        return _any(Q(Contains(Upper(Collate(F(column), "C")), text.upper())) for column in columns)
    forms = {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}
    return _any(Q(**{f"{column}__icontains": form}) for form in forms for column in columns)


def _any(conditions: Iterable[Q]) -> Q:
    combined = Q()
    for condition in conditions:
        combined |= condition
    return combined
