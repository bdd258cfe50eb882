"""SQLite learns how large its tables are."""

from __future__ import annotations

import pytest
from django.db import connection

from startdeliver.common import statistics
from startdeliver.tenancy.models import Organization


@pytest.mark.django_db(transaction=True)
def test_the_planner_knows_the_tables_afterwards() -> None:
    Organization.objects.create(name="A", slug="a")
    statistics.refresh()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'tenancy_organization'")
            assert cursor.fetchone()[0] > 0
