"""Conditions that Django has no lookup for, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Value

_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def like_pattern(text: str) -> str:
    """The LIKE pattern of a text in which `*` stands for anything."""
    pattern = text.translate(_ESCAPED).replace("*", "%")
    while "%%" in pattern:
        pattern = pattern.replace("%%", "%")
    return pattern


class Like(Func):
    """Whether a text column matches `*` wildcards, regardless of case (on SQLite: of ASCII letters)."""

    output_field = BooleanField()
    template = "%(expressions)s ESCAPE '\\'"
    arg_joiner = " LIKE "

    def __init__(self, path: str, text: str) -> None:
        super().__init__(F(path), Value(like_pattern(text)))

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, arg_joiner=" ILIKE ", **extra)


class HasWord(Func):
    """Whether a JSON list of texts has this very text in it."""

    output_field = BooleanField()

    def __init__(self, path: str, word: str) -> None:
        self.word = word
        super().__init__(F(path))

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        column, params = compiler.compile(self.source_expressions[0])
        # `column` is what Django compiled, never text of a caller.
        condition = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE json_each.value = %s)"  # noqa: S608
        return condition, [*params, self.word]

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        column, params = compiler.compile(self.source_expressions[0])
        return f"({column} @> %s::jsonb)", [*params, json.dumps([self.word])]
