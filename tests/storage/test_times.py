"""Moments come back as they went in, whichever loader reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection

from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Organization

MOMENTS = [
    datetime(2026, 11, 2, 12, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, 0, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 11, 2, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=45))),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_comes_back_as_it_went_in(scoped: Organization, moment: datetime) -> None:
    pk = Customer.objects.create(organization=scoped, name="Acme", last_login_at=moment).pk

    found = Customer.objects.get(pk=pk).last_login_at
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC
    assert [one.last_login_at for one in Customer.objects.iterator()] == [moment]


def test_postgresql_reads_moments_without_python(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps moments as text")
    with connection.cursor() as cursor:
        loader = cursor.cursor.adapters.get_loader(1184, 0)
    assert loader.__name__ == "UtcLoader"


def test_no_moment_is_none(scoped: Organization) -> None:
    Customer.objects.create(organization=scoped, name="Acme")
    assert Customer.objects.get().last_login_at is None
