"""Customers, users, products and events, computed inside the database, so that every run has the same data."""

from __future__ import annotations

import time

from django.db import connection

from benchmarks.harness import settle
from startdeliver.changes.models import Change
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.tenancy.services import organization_create
from startdeliver.usage import rollup
from startdeliver.usage.models import Basis, Goal, Product, ProductUsageType, UsageType

# Events are within this many days, so that some are outside a window of 35 days.
SPREAD_DAYS = 45
TYPES = 10

_SERIES = "WITH {series}"
_SERIES_SQLITE = "RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count})"
_SERIES_POSTGRES = "series(n) AS (SELECT generate_series(1, CAST({count} AS bigint)))"

_CUSTOMERS = (
    """INSERT INTO customers_customer (organization_id, name, external_id, domain, website, plan, industry, tags,
           custom, field_sources, created_at, updated_at, updated_by)
"""
    + _SERIES
    + """
SELECT {org}, 'Customer ' || n, 'c' || n, 'customer' || n || '.example', '', 'pro', '', '[]',
       {json}, '{{}}', {now}, {now}, '' FROM series"""
)

_USERS = (
    """INSERT INTO customers_customeruser (organization_id, customer_id, name, email, email_key, external_id, phone,
           role, tags, is_stakeholder, is_non_user, custom, field_sources, created_at, updated_at, updated_by)
"""
    + _SERIES
    + """
SELECT {org}, {first} + (n - 1) % {customers}, 'User ' || n, 'user' || n || '@customer.example',
       'user' || n || '@customer.example', 'u' || n, '', 'user', '[]', false, false, '{{}}', '{{}}', {now}, {now}, ''
  FROM series"""
)

# h1 to h3 are three pseudo-random 32-bit numbers for each event. The id makes every event different.
_EVENTS = (
    """INSERT INTO usage_usageevent (organization_id, user_id, usage_type_id, timestamp, external_id, quantity)
"""
    + _SERIES
    + """,
hashed AS (SELECT n, (n * 2654435761) % 4294967296 AS h1, (n * 2246822519) % 4294967296 AS h2,
                  (n * 3266489917) % 4294967296 AS h3 FROM series)
SELECT {org}, {first} + (h1 / 16) * (h1 / 16) / 268435456 * {users} / 268435456, {first_type} + (h2 / 7) % {types},
       CAST({epoch} AS bigint) * 1000 - h3 * {days} * 86400 / 4294967, CAST(n AS text), 1 FROM hashed"""
)


def fill(*, customers: int, users: int, events: int) -> Organization:
    """Create an organization with customers, users and events, ten usage types and five products.

    A few users are far busier than the others. The products take every goal type and both bases; the rollup is counted.
    """
    organization, _, _ = organization_create(name="Bench", admin_email="admin@bench.test")
    postgres = connection.vendor == "postgresql"
    epoch = int(time.time())
    now = f"to_timestamp({epoch})" if postgres else f"strftime('%Y-%m-%d %H:%M:%S', {epoch}, 'unixepoch')"
    seats = "'{{\"customfieldSeats\": ' || n % 100 || '}}'"
    common = {"org": organization.pk, "now": now, "epoch": epoch, "customers": customers, "users": users}
    with organization_scope(organization):
        types = _products(organization)
        _run(_CUSTOMERS, count=customers, json=f"({seats.format()})" + ("::jsonb" if postgres else ""), **common)
        _run(_USERS, count=users, first=_first("customers_customer", organization), **common)
        first = _first("customers_customeruser", organization)
        _without_index(postgres)
        _run(_EVENTS, count=events, first=first, first_type=types[0], types=TYPES, days=SPREAD_DAYS, **common)
        _with_index(postgres)
        rollup.rebuild(organization)
        Change.objects.all().delete()
    settle()
    return organization


def _without_index(postgres: bool) -> None:
    """Build the indexes after the rows: PostgreSQL then needs half the time for twenty million rows."""
    if postgres:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE usage_usageevent DROP CONSTRAINT usageevent_once")


def _with_index(postgres: bool) -> None:
    if postgres:
        with connection.cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '1GB'")
            cursor.execute(
                "ALTER TABLE usage_usageevent ADD CONSTRAINT usageevent_once "
                "UNIQUE (organization_id, timestamp, user_id, usage_type_id, external_id)"
            )


def _products(organization: Organization) -> list[int]:
    types = [
        UsageType.objects.create(organization=organization, name=f"Type {n}", alias=f"type{n}", is_login=n == 1)
        for n in range(1, TYPES + 1)
    ]
    rules: list[dict[str, object]] = [
        {"goal": Goal.UNIQUE_DAYS, "basis": Basis.PER_USER, "fair_target": 2, "good_target": 4},
        {"goal": Goal.UNIQUE_DAYS, "basis": Basis.CUSTOMER, "fair_target": 5, "good_target": 10},
        {"goal": Goal.USAGE_COUNT, "basis": Basis.CUSTOMER, "fair_target": 10, "good_target": 40},
        {"goal": Goal.USAGE_COUNT, "basis": Basis.PER_USER, "fair_target": 2, "good_target": 8, "percent": 20}
        | {"only_users_with_product": True},
        {"goal": Goal.DEPENDENT_COUNT, "basis": Basis.CUSTOMER, "fair_target": 50, "good_target": 90}
        | {"dependent_type": types[0]},
    ]
    for number, rule in enumerate(rules):
        product = Product.objects.create(
            organization=organization, name=f"Product {number}", abbreviation=f"P{number}", position=number, **rule
        )
        for usage_type in types[number * 2 : number * 2 + 2]:
            ProductUsageType.objects.create(organization=organization, product=product, usage_type=usage_type)
    return [usage_type.pk for usage_type in types]


def _run(statement: str, count: int, **values: object) -> None:
    series = (_SERIES_POSTGRES if connection.vendor == "postgresql" else _SERIES_SQLITE).format(count=count)
    with connection.cursor() as cursor:
        cursor.execute(statement.format(series=series, **values).replace("%", "%%"), [])


def _first(table: str, organization: Organization) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MIN(id) FROM {table} WHERE organization_id = %s", [organization.pk])
        return int(cursor.fetchone()[0])
