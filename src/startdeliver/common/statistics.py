"""The query planner's statistics, which PostgreSQL keeps by itself and SQLite does not."""

from __future__ import annotations

from django.db import connection


def refresh() -> None:
    """Updates SQLite's statistics from samples of its tables. Does nothing on PostgreSQL.

    Without statistics SQLite reads all rows of an organization where an index would find a few. Takes milliseconds,
    because it reads at most 1,000 rows per index. Call it outside a transaction. Source: sqlite.org/lang_analyze.html.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA analysis_limit=1000")
        cursor.execute("ANALYZE")
