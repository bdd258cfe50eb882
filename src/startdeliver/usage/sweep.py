"""PostgreSQL: the rollup read once for all products of a pass.

`sweep` and `sweep_some` make a temporary table with a row for each user, which has for each product what the user did
in its window. Reading the rollup takes most of a pass, and once over all of it takes a fifth of what five times take.
The days on which something was done are bits, so that those of several users can be put together and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from startdeliver.storage.sql import execute, id_list, literals
from startdeliver.usage.models import Goal, Product

SWEPT = "usage_swept"
_BITS = 64
# Days of a longer window would not fit into a few numbers; such a product reads the rollup by itself.
_MOST_DAYS = 4 * _BITS

_SWEEP = """
CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS
SELECT d.user_id, {columns}
  FROM usage_usageday AS d
 WHERE d.organization_id = %(org)s AND d.usage_type_id IN {types} AND d.day BETWEEN %(start)s AND %(today)s
 GROUP BY d.user_id
"""

# In the order of the customers, so that each page of users is read once and not once for each product. OFFSET 0 keeps
# PostgreSQL to looking up, however old its statistics are. Types are joined: of a list it would read all of the user's.
_SWEEP_SOME = """
CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS
SELECT u.id AS user_id, u.customer_id, u.is_non_user, q.*
  FROM unnest(%(ids)s::bigint[], %(types)s::text[]) AS c(id, types)
 CROSS JOIN LATERAL (
       SELECT u.id, u.customer_id, u.is_non_user FROM customers_customeruser AS u
        WHERE u.organization_id = %(org)s AND u.customer_id = c.id
          AND u.has_left_at IS NULL AND u.archived_at IS NULL OFFSET 0) AS u
 CROSS JOIN LATERAL (
       SELECT {columns}
         FROM unnest(c.types::bigint[]) AS t(id)
        CROSS JOIN LATERAL (
              SELECT d.usage_type_id, d.day, d.quantity FROM usage_usageday AS d
               WHERE d.organization_id = %(org)s AND d.user_id = u.id AND d.usage_type_id = t.id
                 AND d.day BETWEEN %(start)s AND %(today)s OFFSET 0) AS d) AS q
"""


@dataclass(frozen=True)
class Swept:
    """SQL over the table's rows `s`: one user's amount and base, the amount of several users, whether there is any."""

    columns: tuple[str, ...]
    amount: str
    total: str
    base: str
    is_there: str


def can_sweep(product: Product, types: Collection[int]) -> bool:
    """Whether `sweep` can count for this product."""
    if product.goal == Goal.FIELD_VALUE or not types:
        return False
    if product.goal == Goal.DEPENDENT_COUNT:
        return product.dependent_type_id is not None
    return product.goal != Goal.UNIQUE_DAYS or product.look_back_days <= _MOST_DAYS


def sweep(organization_id: int, products: Sequence[tuple[Product, set[int]]], today: int) -> dict[int, Swept]:
    """Makes the table of all users, for the rest of the transaction, and says by product where its amounts are.

    `products`: each with the ids of its usage types; `can_sweep` holds for all of them.
    """
    wanted = {one for product, types in products for one in _types(product, types)}
    found = _make(_SWEEP, organization_id, products, today, types_of_all=literals(wanted))
    execute(f"ANALYZE {SWEPT}", {})
    return found


def sweep_some(
    organization_id: int,
    products: Sequence[tuple[Product, set[int]]],
    customers: Mapping[int, Collection[int]],
    today: int,
) -> dict[int, Swept]:
    """As `sweep`, of the users of a few customers: those that `customers` names for each product, and only for it."""
    # There are thousands of customers and only a few sets of products: a bit for each product.
    wanted: dict[int, int] = defaultdict(int)
    for number, (product, _) in enumerate(products):
        for customer in customers[product.pk]:
            wanted[customer] |= 1 << number
    lists = {}
    for bits in set(wanted.values()):
        chosen = [one for number, one in enumerate(products) if bits >> number & 1]
        lists[bits] = id_list(sorted({kind for one in chosen for kind in _types(*one)}))
    ids = sorted(wanted)
    given = {"ids": id_list(ids), "types": id_list([lists[wanted[customer]] for customer in ids])}
    return _make(_SWEEP_SOME, organization_id, products, today, given)


def _make(
    form: str,
    organization_id: int,
    products: Sequence[tuple[Product, set[int]]],
    today: int,
    given: Mapping[str, object] | None = None,
    types_of_all: str = "",
) -> dict[int, Swept]:
    found = {product.pk: _swept(product, types, today - product.look_back_days + 1) for product, types in products}
    columns = ", ".join(column for one in found.values() for column in one.columns)
    start = today - max(product.look_back_days for product, _ in products) + 1
    execute(f"DROP TABLE IF EXISTS {SWEPT}", {})
    execute(
        form.format(table=SWEPT, columns=columns, types=types_of_all),
        {"org": organization_id, "start": start, "today": today, **(given or {})},
    )
    return found


def _types(product: Product, types: set[int]) -> set[int]:
    return types | ({product.dependent_type_id} if product.dependent_type_id else set())


def _swept(product: Product, types: set[int], start: int) -> Swept:
    name = f"p{product.pk}"
    of_product = f"d.usage_type_id IN {literals(types)} AND d.day >= {start}"
    if product.goal == Goal.UNIQUE_DAYS:
        return _days(name, of_product, start, product.look_back_days)
    columns = [f"SUM(d.quantity) FILTER (WHERE {of_product}) AS {name}_a"]
    amount, base, is_there = f"COALESCE(s.{name}_a, 0)", "0", f"s.{name}_a IS NOT NULL"
    if product.goal == Goal.DEPENDENT_COUNT:
        of_base = f"d.usage_type_id = {product.dependent_type_id} AND d.day >= {start}"
        columns.append(f"SUM(d.quantity) FILTER (WHERE {of_base}) AS {name}_b")
        base, is_there = f"COALESCE(s.{name}_b, 0)", f"({is_there} OR s.{name}_b IS NOT NULL)"
    return Swept(tuple(columns), amount, f"SUM({amount})", base, is_there)


def _days(name: str, of_product: str, start: int, days: int) -> Swept:
    """One bit for each day of the window, 64 to a number."""
    columns, each, together, there = [], [], [], []
    for word, first in enumerate(range(start, start + days, _BITS)):
        column = f"{name}_d{word}"
        within = f"{of_product} AND d.day BETWEEN {first} AND {first + _BITS - 1}"
        columns.append(f"BIT_OR(CAST(1 AS bigint) << (d.day - {first})) FILTER (WHERE {within}) AS {column}")
        each.append(f"BIT_COUNT(CAST(COALESCE(s.{column}, 0) AS bit(64)))")
        together.append(f"BIT_COUNT(CAST(COALESCE(BIT_OR(s.{column}), 0) AS bit(64)))")
        there.append(f"s.{column} IS NOT NULL")
    return Swept(tuple(columns), " + ".join(each), " + ".join(together), "0", f"({' OR '.join(there)})")
