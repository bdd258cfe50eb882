"""The statements that write usage health: one for each product, one for the mean over a customer's products.

Both forms of a pass, of all customers and of few, give the same rows; of few, PostgreSQL is kept to looking up each
customer, however old its statistics are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.storage.sql import db_time, differs, execute, fetch, id_list, is_postgres, one_of
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days, rollup
from startdeliver.usage.models import Product, ProductUsageType
from startdeliver.usage.sql import health_writer, tune
from startdeliver.usage.sweep import Swept, can_sweep, sweep, sweep_some
from startdeliver.usage.touches import Scope
from startdeliver.usage.verdicts import values, verdicts

# Beyond this share of all customers, reading everything in order beats looking up each.
_FEW = 0.2

_COUNTED = ("status", "value", "user_count", "good_count", "fair_count")
_MEANT = ("status", "score", "product_count")

# Only rows that differ are written: on most days most customers are as they were the day before.
_PRODUCT = """
INSERT INTO usage_producthealth (
    organization_id, customer_id, product_id, status, value, user_count, good_count, fair_count,
    changed_at, computed_at)
SELECT %(org)s, v.customer_id, %(product)s, v.status, v.value, v.user_count, v.good_count, v.fair_count,
       CASE WHEN v.status IS NOT NULL THEN %(now)s END, %(now)s
  FROM ({verdicts}) AS v
  LEFT JOIN {stored} ON h.customer_id = v.customer_id AND h.product_id = %(product)s
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
  FROM (SELECT customer_id, n AS product_count,
               CASE WHEN n > 0 THEN CAST(points AS double precision) / n END AS score,
               CASE WHEN n = 0 THEN NULL WHEN 2 * points >= 3 * n THEN 'good'
                    WHEN 2 * points >= n THEN 'fair' ELSE 'poor' END AS status
          FROM ({counted}) AS counted) AS v
  LEFT JOIN usage_usagehealth AS h ON h.customer_id = v.customer_id
 WHERE CASE WHEN h.customer_id IS NULL THEN v.status IS NOT NULL ELSE {any_differs} END
ON CONFLICT (customer_id) DO UPDATE SET
    previous_status = CASE WHEN {status_differs} THEN {row}status ELSE {row}previous_status END,
    changed_at = CASE WHEN {status_differs} THEN %(now)s ELSE {row}changed_at END,
    status = excluded.status, score = excluded.score, product_count = excluded.product_count,
    computed_at = excluded.computed_at
RETURNING customer_id, changed_at = %(now)s
"""

_POINTS = """
SELECT {customer} COUNT(CASE WHEN {counts} THEN 1 END) AS n,
       SUM(CASE WHEN NOT ({counts}) THEN 0 WHEN h.status = 'good' THEN 2 WHEN h.status = 'fair' THEN 1 ELSE 0 END)
           AS points
  FROM {rows} AS h JOIN usage_product AS p ON p.id = h.product_id
"""
_COUNTS = "h.status IS NOT NULL AND p.include_in_average AND p.archived_at IS NULL"
_LIVE = "c.organization_id = %(org)s AND c.archived_at IS NULL"
_LIVE_IDS = "SELECT c.id FROM customers_customer AS c WHERE {live} AND {only}"

# On PostgreSQL the sums first: old statistics otherwise look up the customer of each product's row.
_POINTS_OF_WHOLE = """
SELECT q.* FROM ({points} WHERE h.organization_id = %(org)s GROUP BY h.customer_id) AS q
  JOIN customers_customer AS c ON c.id = q.customer_id WHERE {live}
"""
_POINTS_OF_ALL = """
{points} JOIN customers_customer AS c ON c.id = h.customer_id WHERE {live}{only} GROUP BY h.customer_id
"""
# OFFSET 0 is what keeps the planner from turning the look-ups around, and from one look-up for each product.
_POINTS_OF_FEW = """
SELECT c.id AS customer_id, q.n, q.points
  FROM customers_customer AS c CROSS JOIN LATERAL ({points} OFFSET 0) AS q
 WHERE {live} AND {only}
"""
_ROWS_OF_ONE = "(SELECT * FROM usage_producthealth AS s WHERE s.customer_id = c.id OFFSET 0)"

_REMEMBER = """
INSERT INTO usage_healthchange (organization_id, customer_id, at, status, previous_status)
SELECT organization_id, customer_id, changed_at, status, previous_status
  FROM usage_usagehealth WHERE organization_id = %(org)s AND changed_at = %(now)s AND {only}
"""

_STORED = "usage_producthealth AS h"
_STORED_OF_FEW = (
    "LATERAL (SELECT * FROM usage_producthealth AS s "
    "WHERE s.customer_id = v.customer_id AND s.product_id = %(product)s OFFSET 0) AS h"
)


def compute(organization: Organization, scope: dict[int, set[int] | None], customers: set[int] | None) -> set[int]:
    """Writes the products' health at the customers that `scope` names for each, then the mean where it may be another.

    None: of all customers; the mean is also computed of `customers`. Products that `scope` does not name stay as they
    are. Gives the ids of the customers of whom a status changed.

    On PostgreSQL all is one transaction, since only other passes wait for it there, and what was swept must not be
    written after another pass has counted later events. On SQLite each statement is one, so that other writers wait for
    one at most.
    """
    with health_writer(organization) if is_postgres() else nullcontext():
        return _compute(organization, scope, customers)


def means_needed(scope: Scope) -> set[int] | None:
    """The customers of whom `compute` has to be told to compute the mean.

    A mean depends on nothing but statuses, so those of whom one changes are enough, and `compute` knows these. On
    SQLite a pass may end between the products and the mean, and the next one does not see that a status changed.
    """
    return scope.unsettled if is_postgres() and scope.measured is not None else scope.measured


def _compute(organization: Organization, scope: dict[int, set[int] | None], customers: set[int] | None) -> set[int]:
    wanted = {product_id: ids for product_id, ids in scope.items() if ids is None or ids}
    total = _total([*wanted.values(), customers])
    today = days.today(rollup.state(organization).time_zone)
    types: dict[int, set[int]] = defaultdict(set)
    for product_id, type_id in ProductUsageType.objects.values_list("product_id", "usage_type_id"):
        types[product_id].add(type_id)
    changed: set[int] = set()
    whole: list[Product] = []
    some: dict[Product, set[int]] = {}
    for product in Product.objects.filter(pk__in=wanted, archived_at__isnull=True).order_by("pk"):
        ids = _few(wanted[product.pk], total)
        if not is_postgres() or not can_sweep(product, types[product.pk]):
            changed |= _measure(organization, product, types[product.pk], today, ids)
        elif ids is None:
            whole.append(product)
        else:
            some[product] = ids
    if whole:
        changed |= _measure_whole(organization, [(product, types[product.pk]) for product in whole], today)
    if some:
        changed |= _measure_some(organization, some, types, today)
    if customers is not None:
        customers = _few(customers | changed, total)
    if customers is None or customers:
        changed |= _mean(organization, customers)
    return changed


def _measure_whole(organization: Organization, products: list[tuple[Product, set[int]]], today: int) -> set[int]:
    changed: set[int] = set()
    tune(everything=True)
    found = sweep(organization.pk, products, today)
    for product, types in products:
        changed |= _measure(organization, product, types, today, None, found[product.pk])
    return changed


def _measure_some(
    organization: Organization, customers: dict[Product, set[int]], types: dict[int, set[int]], today: int
) -> set[int]:
    changed: set[int] = set()
    tune(everything=False)
    live = _live(organization, set().union(*customers.values()))
    scope = {product.pk: ids & live for product, ids in customers.items()}
    found = sweep_some(organization.pk, [(product, types[product.pk]) for product in customers], scope, today)
    for product in customers:
        changed |= _measure(organization, product, types[product.pk], today, scope[product.pk], found[product.pk])
    return changed


def _measure(
    organization: Organization,
    product: Product,
    types: set[int],
    today: int,
    few: set[int] | None,
    swept: Swept | None = None,
) -> set[int]:
    statement = _PRODUCT.format(
        verdicts=verdicts(product, types, few is not None, swept),
        stored=_STORED_OF_FEW if few is not None and is_postgres() else _STORED,
        any_differs=" OR ".join(differs(f"h.{name}", f"v.{name}") for name in _COUNTED),
        status_differs=differs("usage_producthealth.status", "excluded.status"),
        row="usage_producthealth.",
    )
    with health_writer(organization):
        tune(everything=few is None)
        given = {
            "org": organization.pk,
            "now": db_time(clock.now()),
            "product": product.pk,
            "ids": id_list(sorted(few or [])),
        }
        rows = fetch(statement, {**given, **values(product, today)})
    return {customer for customer, is_new in rows if is_new}


def _mean(organization: Organization, few: set[int] | None) -> set[int]:
    statement = _MEAN.format(
        counted=_points(few is not None),
        any_differs=" OR ".join(differs(f"h.{name}", f"v.{name}") for name in _MEANT),
        status_differs=differs("usage_usagehealth.status", "excluded.status"),
        row="usage_usagehealth.",
    )
    with health_writer(organization):
        tune(everything=few is None)
        now = db_time(clock.now())
        rows = fetch(statement, {"org": organization.pk, "now": now, "ids": id_list(few or [])})
        changed = {customer for customer, is_new in rows if is_new}
        execute(
            _REMEMBER.format(only=one_of("customer_id", "ids")),
            {"org": organization.pk, "now": now, "ids": id_list(changed)},
        )
    return changed


def _points(few: bool) -> str:
    if few and is_postgres():
        points = _POINTS.format(customer="", counts=_COUNTS, rows=_ROWS_OF_ONE)
        return _POINTS_OF_FEW.format(points=points, live=_LIVE, only=one_of("c.id", "ids"))
    points = _POINTS.format(customer="h.customer_id,", counts=_COUNTS, rows="usage_producthealth")
    if is_postgres():
        return _POINTS_OF_WHOLE.format(points=points, live=_LIVE)
    only = f" AND {one_of('h.customer_id', 'ids')}" if few else ""
    return _POINTS_OF_ALL.format(points=points, live=_LIVE, only=only)


def _total(of: Sequence[set[int] | None]) -> int:
    """The customers, counted as far as `_few` has to know."""
    most = int(sum(len(ids) for ids in of if ids is not None) / _FEW)
    return Customer.objects.filter(archived_at__isnull=True)[:most].count() if most else 0


def _few(ids: set[int] | None, total: int) -> set[int] | None:
    return None if ids is None or len(ids) > total * _FEW + 100 else ids


def _live(organization: Organization, ids: set[int]) -> set[int]:
    """Those of `ids` that are customers and not archived."""
    statement = _LIVE_IDS.format(live=_LIVE, only=one_of("c.id", "ids"))
    return {row[0] for row in fetch(statement, {"org": organization.pk, "ids": id_list(sorted(ids))})}
