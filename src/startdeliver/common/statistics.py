"""The query planner's statistics, which PostgreSQL keeps by itself and SQLite does not."""

from __future__ import annotations

from django.db import connection


def refresh() -> None:
    """Lets SQLite look at samples of its tables; nothing on PostgreSQL.

    Without it SQLite reads all rows of an organization where an index would find a few. Takes milliseconds, since it
    looks at 1,000 rows an index at most. Call it outside of a transaction. Source: sqlite.org/lang_analyze.html.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA analysis_limit=1000")
        cursor.execute("ANALYZE")
