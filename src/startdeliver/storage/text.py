"""Finding a text inside columns, as quickly as each database can."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Q
from django.db.models.functions import Collate, Upper
from django.db.models.lookups import Contains

from startdeliver.storage.sql import is_postgres


def contains(text: str, columns: Iterable[str]) -> Q:
    """`text`, in any case, somewhere in one of the columns.

    PostgreSQL looks up the case of each letter of each row, unless told that only those of ASCII matter. SQLite's LIKE
    folds ASCII only, so there other letters are tried in the cases in which names are written.
    """
    if is_postgres():
        if not text.isascii():
            return _any(Q(**{f"{column}__icontains": text}) for column in columns)
        return _any(Q(Contains(Upper(Collate(F(column), "C")), text.upper())) for column in columns)
    forms = {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}
    return _any(Q(**{f"{column}__icontains": form}) for form in forms for column in columns)


def _any(conditions: Iterable[Q]) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found
