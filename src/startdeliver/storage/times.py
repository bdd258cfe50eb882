"""Reads moments from PostgreSQL with psycopg's compiled loader."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    from psycopg.abc import AdaptContext, Buffer, Loader


def use_compiled_loader(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Makes a new connection read `timestamptz` in C (receiver of `connection_created`). Values stay the same, in UTC.

    Django uses a loader in Python that sets the zone, which is most of the work on a row with a few moments. If the
    connection's zone is UTC, there is nothing to set. Other databases and zones are not changed.
    """
    if connection.vendor != "postgresql" or connection.timezone is not UTC:
        return
    if connection.connection.info.parameter_status("TimeZone") == "UTC":
        connection.connection.adapters.register_loader("timestamptz", _loader())


@lru_cache(maxsize=1)
def _loader() -> type[Loader]:
    # SQLite works without PostgreSQL's driver.
    import psycopg
    from psycopg.adapt import Loader as Base
    from psycopg.pq import Format

    loader = psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, Format.TEXT)
    assert loader is not None
    compiled = loader

    class UtcLoader(Base):
        # Django checks the zone of the loader.
        timezone = UTC

        def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._compiled = compiled(oid, context)
            # The driver then calls it directly, not through the method below.
            self.load = self._compiled.load  # type: ignore[method-assign]

        def load(self, data: Buffer) -> datetime:
            moment: datetime = self._compiled.load(data)
            return moment

    return UtcLoader
