"""Usage health of all customers in a few set-based statements a product, and what keeps it right as time goes by.

`recompute` computes; `refresh` computes only what changed since: the customers and products that a `Touch` names, and
everything when the day (and with it every window) has moved on or the organization has changed its time zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days, logins, rollup
from startdeliver.usage.models import Product, ProductUsageType, Touch, UsageState, UsageType
from startdeliver.usage.sql import (
    db_time,
    differs,
    execute,
    fetch,
    health_writer,
    id_list,
    is_postgres,
    one_of,
    organization_work,
    user_ids_of,
)
from startdeliver.usage.verdicts import values, verdicts

# Beyond this share of all customers, reading everything in order beats looking up each.
_FEW = 0.2

_COUNTED = ["status", "value", "user_count", "good_count", "fair_count"]

# Only rows that differ are written: on most days most customers are as they were the day before.
_PRODUCT = """
INSERT INTO usage_producthealth (
    organization_id, customer_id, product_id, status, value, user_count, good_count, fair_count,
    changed_at, computed_at)
SELECT %(org)s, v.customer_id, %(product)s, v.status, v.value, v.user_count, v.good_count, v.fair_count,
       CASE WHEN v.status IS NOT NULL THEN %(now)s END, %(now)s
  FROM ({verdicts}) AS v
  LEFT JOIN usage_producthealth AS h ON h.customer_id = v.customer_id AND h.product_id = %(product)s
 WHERE CASE WHEN h.customer_id IS NULL THEN v.status IS NOT NULL ELSE {any_differs} END
ON CONFLICT (customer_id, product_id) DO UPDATE SET
    previous_status = CASE WHEN {status_differs} THEN {row}status ELSE {row}previous_status END,
    changed_at = CASE WHEN {status_differs} THEN %(now)s ELSE {row}changed_at END,
    status = excluded.status, value = excluded.value, user_count = excluded.user_count,
    good_count = excluded.good_count, fair_count = excluded.fair_count, computed_at = excluded.computed_at
RETURNING customer_id, changed_at = %(now)s
"""

_MEAN = """
INSERT INTO usage_usagehealth (
    organization_id, customer_id, status, score, product_count, changed_at, computed_at)
SELECT %(org)s, v.customer_id, v.status, v.score, v.product_count,
       CASE WHEN v.status IS NOT NULL THEN %(now)s END, %(now)s
  FROM (SELECT c.id AS customer_id, COALESCE(p.n, 0) AS product_count,
               CAST(p.points AS double precision) / p.n AS score,
               CASE WHEN p.n IS NULL THEN NULL WHEN 2 * p.points >= 3 * p.n THEN 'good'
                    WHEN 2 * p.points >= p.n THEN 'fair' ELSE 'poor' END AS status
          FROM customers_customer AS c
          LEFT JOIN (SELECT h.customer_id, COUNT(*) AS n,
                            SUM(CASE h.status WHEN 'good' THEN 2 WHEN 'fair' THEN 1 ELSE 0 END) AS points
                       FROM usage_producthealth AS h JOIN usage_product AS p ON p.id = h.product_id
                      WHERE h.organization_id = %(org)s AND h.status IS NOT NULL
                        AND p.include_in_average AND p.archived_at IS NULL{only_h}
                      GROUP BY h.customer_id) AS p ON p.customer_id = c.id
         WHERE c.organization_id = %(org)s AND c.archived_at IS NULL{only_c}) AS v
  LEFT JOIN usage_usagehealth AS h ON h.customer_id = v.customer_id
 WHERE CASE WHEN h.customer_id IS NULL THEN v.status IS NOT NULL ELSE {any_differs} END
ON CONFLICT (customer_id) DO UPDATE SET
    previous_status = CASE WHEN {status_differs} THEN {row}status ELSE {row}previous_status END,
    changed_at = CASE WHEN {status_differs} THEN %(now)s ELSE {row}changed_at END,
    status = excluded.status, score = excluded.score, product_count = excluded.product_count,
    computed_at = excluded.computed_at
RETURNING customer_id, changed_at = %(now)s
"""

_HOMES = """
SELECT id, customer_id FROM customers_customeruser
 WHERE organization_id = %(org)s AND customer_id IS NOT NULL AND {}
"""


@dataclass
class _Scope:
    """What a refresh has to look at. None: everything."""

    products: dict[int, set[int] | None] = field(default_factory=dict)
    users: set[int] | None = field(default_factory=set)
    customers: set[int] | None = field(default_factory=set)


def recompute(organization: Organization, customer_ids: Iterable[int] | None = None) -> set[int]:
    """Computes health and last logins anew, of these customers or (None) of all.

    Archived customers keep what they had. Gives the ids of the customers whose usage health, or the status of one of
    whose products, changed.
    """
    ids = None if customer_ids is None else set(customer_ids)
    if ids is not None and not ids:
        return set()
    with health_writer(organization):
        products = Product.objects.filter(archived_at__isnull=True)
        changed = _compute(organization, {product.pk: ids for product in products}, ids)
    with health_writer(organization):
        people = None if ids is None else _users_of(organization, ids)
        logins.compute(organization, users=people, customers=ids)
    return changed


def refresh(organization: Organization) -> set[int]:
    """Computes what changed since it was last called; three small look-ups when nothing did.

    Gives the ids of the customers whose usage health, or the status of one of whose products, changed. What it works
    on is forgotten only at the end, so a refresh that dies is done again by the next one.
    """
    with organization_work(organization):
        state = rollup.state(organization)
        if state.time_zone != organization.time_zone:
            rollup.rebuild(organization)
            state.refresh_from_db()
        rollup.count_new(organization)
        today = days.today(state.time_zone)
        columns = ("pk", "customer_id", "user_id", "usage_type_id", "product_id", "login_only")
        touches = list(Touch.objects.values_list(*columns))
        if state.computed_day == today and not touches:
            return set()
        now = clock.now()
        _delete_events_of_deleted_users(organization, {touch[2] for touch in touches if touch[2] is not None})
        moved_on = state.computed_day != today
        changed = recompute(organization) if moved_on else _refresh_touched(organization, touches)
        with transaction.atomic():
            UsageState.objects.filter(pk=state.pk).update(computed_day=today, computed_at=now)
            execute(
                f"DELETE FROM usage_touch WHERE organization_id = %(org)s AND {one_of('id', 'ids')}",  # noqa: S608
                {"org": organization.pk, "ids": id_list([touch[0] for touch in touches])},
            )
        return changed


_ORPHANS = "DELETE FROM usage_usageevent WHERE organization_id = %(org)s AND {}"


def _delete_events_of_deleted_users(organization: Organization, users: set[int]) -> None:
    """Deletes what deleted users leave behind (see `triggers.py`): one pass over the events for all of them."""
    gone = users - user_ids_of(organization, users)
    if gone:
        execute(_ORPHANS.format(one_of("user_id", "ids")), {"org": organization.pk, "ids": id_list(gone)})


def _refresh_touched(organization: Organization, touches: list[tuple[Any, ...]]) -> set[int]:
    scope = _scope_of(organization, touches)
    with health_writer(organization):
        ids: set[int] | None = set()
        for only in scope.products.values():
            ids = None if ids is None or only is None else ids | only
        changed = _compute(organization, scope.products, ids)
    with health_writer(organization):
        logins.compute(organization, users=scope.users, customers=scope.customers)
    return changed


def _scope_of(organization: Organization, touches: list[tuple[Any, ...]]) -> _Scope:
    """Which products at which customers, and whose last logins, the touches call for."""
    by_type: dict[int, list[int]] = defaultdict(list)
    products: dict[int, set[int] | None] = {}
    for product in Product.objects.filter(archived_at__isnull=True):
        products[product.pk] = set()
        if product.dependent_type_id:
            by_type[product.dependent_type_id].append(product.pk)
    for product_id, type_id in ProductUsageType.objects.values_list("product_id", "usage_type_id"):
        if product_id in products:
            by_type[type_id].append(product_id)
    login_types = set(UsageType.objects.filter(is_login=True).values_list("pk", flat=True))
    scope = _Scope(products)

    def add(product_ids: Iterable[int], customer: int | None) -> None:
        for product_id in product_ids:
            known = products.get(product_id)
            if customer is None:
                products[product_id] = None
            elif known is not None:
                known.add(customer)

    homes = _customers_of(organization, {touch[2] for touch in touches if touch[1] is None and touch[2] is not None})
    for _, customer, user, usage_type, product, login_only in touches:
        if product is not None and customer is None and user is None:
            add([product], None)
            continue
        if customer is None and user is None:
            add([] if login_only else products, None)
            scope.users = scope.customers = None
            continue
        home = homes.get(user) if customer is None else customer
        if usage_type is None or usage_type in login_types:
            if scope.users is not None and user is not None:
                scope.users.add(user)
            if scope.customers is not None and home is not None:
                scope.customers.add(home)
        if home is not None and not login_only:
            add(products if usage_type is None else by_type[usage_type], home)
    return scope


def _customers_of(organization: Organization, users: set[int]) -> dict[int, int]:
    values = {"org": organization.pk, "ids": id_list(users)}
    return dict(fetch(_HOMES.format(one_of("id", "ids")), values))


def _users_of(organization: Organization, customers: set[int]) -> set[int]:
    values = {"org": organization.pk, "ids": id_list(customers)}
    return {user for user, _ in fetch(_HOMES.format(one_of("customer_id", "ids")), values)}


def _compute(organization: Organization, scope: dict[int, set[int] | None], customers: set[int] | None) -> set[int]:
    """Writes the products' health at the customers that `scope` names for each, then the mean of `customers`."""
    wanted = {product_id for product_id, ids in scope.items() if ids is None or ids}
    today = days.today(rollup.state(organization).time_zone)
    total = Customer.objects.filter(archived_at__isnull=True).count()
    types: dict[int, set[int]] = defaultdict(set)
    for product_id, type_id in ProductUsageType.objects.values_list("product_id", "usage_type_id"):
        types[product_id].add(type_id)
    if is_postgres() and any(_few(ids, total) is None for ids in [customers, *scope.values()]):
        with connection.cursor() as cursor:
            # Aggregates over a whole rollup; the default of 4 MB would send them through files.
            cursor.execute("SET LOCAL work_mem = '256MB'")
    common = {"org": organization.pk, "now": db_time(clock.now())}
    changed: set[int] = set()
    for product in Product.objects.filter(pk__in=wanted, archived_at__isnull=True).order_by("pk"):
        few = _few(scope[product.pk], total)
        statement = _PRODUCT.format(
            verdicts=verdicts(product, types[product.pk], few is not None),
            any_differs=" OR ".join(differs(f"h.{name}", f"v.{name}") for name in _COUNTED),
            status_differs=differs("usage_producthealth.status", "excluded.status"),
            row="usage_producthealth.",
        )
        given = {**common, **values(product, today), "product": product.pk, "ids": id_list(few or [])}
        changed.update(customer for customer, is_new in fetch(statement, given) if is_new)
    few = _few(customers, total)
    statement = _MEAN.format(
        only_h="" if few is None else f" AND {one_of('h.customer_id', 'ids')}",
        only_c="" if few is None else f" AND {one_of('c.id', 'ids')}",
        any_differs=" OR ".join(differs(f"h.{name}", f"v.{name}") for name in ("status", "score", "product_count")),
        status_differs=differs("usage_usagehealth.status", "excluded.status"),
        row="usage_usagehealth.",
    )
    changed.update(customer for customer, is_new in fetch(statement, {**common, "ids": id_list(few or [])}) if is_new)
    return changed


def _few(ids: set[int] | None, total: int) -> set[int] | None:
    return None if ids is None or len(ids) > total * _FEW + 100 else ids
