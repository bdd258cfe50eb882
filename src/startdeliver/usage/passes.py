"""Computes usage health of chunks of customers: reads, applies the rule, writes the rows that differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from startdeliver.common import clock, garbage
from startdeliver.common.health import Health
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.storage import bulk
from startdeliver.storage.sql import among
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import TenantModel
from startdeliver.usage import days, rollup
from startdeliver.usage.measures import ProductRule, User, people, product_rules
from startdeliver.usage.models import Goal, HealthChange, Product, ProductHealth, UsageHealth
from startdeliver.usage.rules import Person, Verdict, judge, mean
from startdeliver.usage.sql import health_writer, tune

# SQLite has one writer, who is to be free again within moments.
_AT_ONCE = {"postgresql": 10_000, "sqlite": 1_000}

_HEALTH: dict[str | None, Health | None] = {None: None, **{health.value: health for health in Health}}


class ProductHealthRow(NamedTuple):
    """A row to write; moments in unix seconds. `changed_at` None: the status stays as it is."""

    customer_id: int
    product_id: int
    status: Health | None
    value: float | None
    user_count: int
    good_count: int
    fair_count: int
    previous_status: Health | None
    changed_at: int | None
    computed_at: int


class UsageHealthRow(NamedTuple):
    """As `ProductHealthRow`, of the mean."""

    customer_id: int
    status: Health | None
    score: float | None
    product_count: int
    previous_status: Health | None
    changed_at: int | None
    computed_at: int


class HealthChangeRow(NamedTuple):
    """A change of a customer's usage health to remember; `at` in unix seconds."""

    customer_id: int
    at: int
    status: Health | None
    previous_status: Health | None


def compute(organization: Organization, product_ids: Collection[int], customer_ids: Collection[int] | None) -> set[int]:
    """Writes the health of these products at these customers (None: all), then the customers' means.

    Archived products and customers stay as they are. Returns the ids of the customers of whom a status changed.

    Each chunk is one transaction in which nobody else writes usage health, so what it read is not written over what
    another pass computed from later events.
    """
    products = product_rules(Product.objects.filter(pk__in=product_ids, archived_at__isnull=True).order_by("pk"))
    if customer_ids is None:
        customer_ids = Customer.objects.filter(archived_at__isnull=True).values_list("pk", flat=True)
    ids = sorted(customer_ids)
    today = days.today(rollup.state(organization).time_zone)
    changed: set[int] = set()
    at_once = _AT_ONCE[connection.vendor]
    for start in range(0, len(ids), at_once):
        with health_writer(organization), garbage.paused():
            tune()
            changed |= _compute(organization, products, ids[start : start + at_once], today)
    return changed


def _compute(organization: Organization, products: Sequence[ProductRule], ids: Sequence[int], today: int) -> set[int]:
    has_fields = any(product.rule.goal == Goal.FIELD_VALUE for product in products)
    columns = User._fields if has_fields else User._fields[:-1]
    present = CustomerUser.objects.filter(among("customer_id", ids, "bigint"), has_left_at=None, archived_at=None)
    users = [User(*row) for row in present.values_list(*columns)]
    live = Customer.objects.filter(among("id", ids, "bigint"), archived_at=None)
    customers: dict[int, Any] = dict.fromkeys(live.values_list("pk", flat=True))
    if has_fields:
        customers = dict(live.values_list("pk", "custom"))

    stored: dict[int, dict[int, Verdict]] = defaultdict(dict)
    known = ProductHealth.objects.filter(among("customer_id", ids, "bigint"))
    for customer, product_id, *verdict in known.values_list("customer_id", "product_id", *Verdict._fields):
        stored[customer][product_id] = Verdict(_HEALTH[verdict[0]], *verdict[1:])

    now = int(clock.now().timestamp())
    rows: list[ProductHealthRow] = []
    for product, persons in zip(products, people(organization, products, users, today), strict=True):
        product_id = product.product.pk
        by_customer: dict[int | None, list[Person]] = defaultdict(list)
        for user in users:
            by_customer[user.customer_id].append(persons[user.pk])
        for customer, custom in customers.items():
            number = product.number_in(custom)
            verdict = judge(product.rule, by_customer.get(customer, ()), number, product.is_measured)
            before = stored[customer].get(product_id)
            if verdict != before and (before or verdict.status):
                status = before.status if before else None
                changed_at = now if verdict.status != status else None
                rows.append(ProductHealthRow(customer, product_id, *verdict, status, changed_at, now))
                stored[customer][product_id] = verdict
    _write(organization, ProductHealth, rows, ("customer_id", "product_id"))
    means = _means(customers, stored, now)
    _write(organization, UsageHealth, means, ("customer_id",))
    changes = [
        HealthChangeRow(row.customer_id, now, row.status, row.previous_status) for row in means if row.changed_at
    ]
    bulk.upsert(HealthChange, organization.pk, changes, key=("id",))
    return {row.customer_id for row in rows if row.changed_at} | {change.customer_id for change in changes}


def _means(customers: Collection[int], verdicts: Mapping[int, Mapping[int, Verdict]], now: int) -> list[UsageHealthRow]:
    """The means that differ from what is stored."""
    averaged = Product.objects.filter(archived_at__isnull=True, include_in_average=True)
    product_ids = set(averaged.values_list("pk", flat=True))
    found = UsageHealth.objects.filter(among("customer_id", customers, "bigint"))
    stored = {
        customer: (_HEALTH[status], score, count)
        for customer, status, score, count in found.values_list("customer_id", "status", "score", "product_count")
    }
    rows = []
    for customer in customers:
        of_customer = verdicts.get(customer, {})
        statuses = [verdict.status for pk, verdict in of_customer.items() if pk in product_ids]
        status, score = mean(statuses)
        count = len(statuses) - statuses.count(None)
        before = stored.get(customer)
        if (status, score, count) != before and (before or status):
            previous = before[0] if before else None
            changed_at = now if status != previous else None
            rows.append(UsageHealthRow(customer, status, score, count, previous, changed_at, now))
    return rows


def _write(
    organization: Organization,
    model: type[TenantModel],
    rows: Sequence[ProductHealthRow] | Sequence[UsageHealthRow],
    key: Sequence[str],
) -> None:
    """Rows whose status stays keep when it changed, and what it was before."""
    kept = ("previous_status", "changed_at")
    changed = [row for row in rows if row.changed_at]
    for some, excluded in ((changed, key), ([row for row in rows if not row.changed_at], (*key, *kept))):
        if some:
            update = [column for column in bulk.columns_of(type(some[0])) if column not in excluded]
            bulk.upsert(model, organization.pk, some, key=key, update=update)
