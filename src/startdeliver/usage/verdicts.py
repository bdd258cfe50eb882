"""The rule of `rules.py` as one SELECT over many customers, for SQLite and PostgreSQL.

`verdicts(...)` gives a query with the columns customer_id, status, value, user_count, good_count, fair_count, one row
per customer. Parameters are named: org, start and today (days since 1970), and those that `values` adds.

Two forms: of all customers the rollup is read from end to end; of few, through its key, user by user. On PostgreSQL
either is done once for all products, see `sweep`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from startdeliver.storage.sql import is_postgres, literals, one_of
from startdeliver.usage.models import Basis, Goal, Product
from startdeliver.usage.sweep import SWEPT, Swept

_DOUBLE = "double precision"

_PER_USER = """
WITH {people}measured AS ({measured}),
judged AS (
    SELECT u.customer_id,
           {counts} AS counts,
           CASE WHEN {data} THEN 1 ELSE 0 END AS data,
           CASE WHEN {good} THEN 1 ELSE 0 END AS good,
           CASE WHEN {good} OR {fair} THEN 1 ELSE 0 END AS fair
      FROM {users} LEFT JOIN measured AS m ON m.key = u.id
     WHERE {active} AND NOT u.is_non_user),
counted AS (
    SELECT customer_id, SUM(counts) AS user_count, SUM(counts * data) AS with_data,
           SUM(counts * good) AS good_count, SUM(counts * fair) AS fair_count
      FROM judged GROUP BY customer_id),
verdict AS (
    SELECT c.id AS customer_id, n.user_count, n.good_count, n.fair_count,
           CASE WHEN {nothing} THEN NULL
                WHEN n.user_count = 0 OR n.good_count * 100 >= %(percent)s * n.user_count THEN 'good'
                WHEN n.fair_count * 100 >= %(percent)s * n.user_count THEN 'fair'
                ELSE 'poor' END AS status
      FROM {of_customers} LEFT JOIN counted AS n ON n.customer_id = c.id
     WHERE {customers})
SELECT customer_id, status,
       CASE WHEN status IS NOT NULL AND user_count > 0
            THEN CAST(good_count AS double precision) * 100.0 / user_count END AS value,
       COALESCE(user_count, 0) AS user_count,
       CASE WHEN status IS NULL THEN 0 ELSE good_count END AS good_count,
       CASE WHEN status IS NULL THEN 0 ELSE fair_count END AS fair_count
  FROM verdict
"""

# Those of the parameter ids, which are known to be there and not archived.
_GIVEN_CUSTOMERS = "unnest(%(ids)s::bigint[]) AS c(id)"

# Looked up once for all parts of the query.
_PEOPLE = """people AS MATERIALIZED (
    SELECT u.id, u.customer_id, u.is_non_user, u.custom FROM {users} WHERE {active}),
"""

_PEOPLE_SWEPT = """people AS MATERIALIZED (
    SELECT s.user_id AS id, s.customer_id, s.is_non_user FROM {table} AS s WHERE {one_of}),
"""

_IN_TOTAL = """
WITH {people}measured AS ({measured}),
counted AS (SELECT u.customer_id, COUNT(*) AS user_count FROM {users} WHERE {active} GROUP BY u.customer_id),
verdict AS (
    SELECT c.id AS customer_id, COALESCE(n.user_count, 0) AS user_count, {shown} AS value,
           CASE WHEN {nothing} THEN NULL WHEN {good} THEN 'good' WHEN {fair} THEN 'fair' ELSE 'poor' END AS status
      FROM {of_customers}
      LEFT JOIN measured AS m ON m.key = c.id
      LEFT JOIN counted AS n ON n.customer_id = c.id
     WHERE {customers})
SELECT customer_id, status, CASE WHEN status IS NOT NULL THEN value END AS value,
       user_count, 0 AS good_count, 0 AS fair_count
  FROM verdict
"""

_UNMEASURED = """
SELECT c.id AS customer_id, CAST(NULL AS varchar) AS status, CAST(NULL AS double precision) AS value,
       0 AS user_count, 0 AS good_count, 0 AS fair_count
  FROM customers_customer AS c WHERE {customers}
"""

_NO_ROWS = "SELECT CAST(NULL AS bigint) AS key, 0 AS amount, 0 AS base WHERE false"

# Has this user, before the window, ever used one of the product's types?
_EARLIER = """EXISTS (SELECT 1 FROM usage_usageday AS e
    WHERE e.organization_id = %(org)s AND e.user_id = {user} AND e.usage_type_id IN {types} AND e.day < %(start)s)"""

_EARLIER_AT_CUSTOMER = """EXISTS (SELECT 1 FROM customers_customeruser AS x
    WHERE x.organization_id = %(org)s AND x.customer_id = c.id AND x.has_left_at IS NULL AND x.archived_at IS NULL
      AND {earlier})"""

_MEASURES = {
    "unique_days": "SELECT {key} AS key, COUNT(DISTINCT d.day) AS amount, 0 AS base {rows} GROUP BY {key}",
    # Two hash aggregates beat the sort that PostgreSQL takes for COUNT(DISTINCT).
    "days_hashed": (
        "SELECT key, COUNT(*) AS amount, 0 AS base "
        "FROM (SELECT {key} AS key, d.day {rows} GROUP BY {key}, d.day) AS days GROUP BY key"
    ),
    "usage_count": "SELECT {key} AS key, SUM(d.quantity) AS amount, 0 AS base {rows} GROUP BY {key}",
    "dependent_count": (
        "SELECT {key} AS key, SUM(CASE WHEN d.usage_type_id IN {types} THEN d.quantity ELSE 0 END) AS amount, "
        "SUM(CASE WHEN d.usage_type_id = {dependent} THEN d.quantity ELSE 0 END) AS base {rows} GROUP BY {key}"
    ),
}

_SWEPT_OF_USERS = "SELECT s.user_id AS key, {amount} AS amount, {base} AS base FROM {table} AS s WHERE {is_there}"
_SWEPT_OF_CUSTOMERS = (
    "SELECT u.customer_id AS key, {amount} AS amount, {base} AS base "
    "FROM {table} AS s JOIN {users} ON u.id = s.user_id WHERE {active} AND {is_there} GROUP BY u.customer_id"
)

_WINDOW = "d.organization_id = %(org)s AND d.usage_type_id IN {types} AND d.day BETWEEN %(start)s AND %(today)s"

# CROSS JOIN keeps SQLite to this order: users by customer, so that grouping needs no sorting.
_ROWS_SQLITE = "FROM {users} CROSS JOIN usage_usageday AS d ON d.user_id = u.id AND {window} WHERE {active}"
# OFFSET 0 keeps PostgreSQL from reading the whole rollup when its statistics are old.
_ROWS_FEW = (
    "FROM {users} CROSS JOIN LATERAL "
    "(SELECT d.* FROM usage_usageday AS d WHERE {window} AND d.user_id = u.id OFFSET 0) AS d WHERE {active}"
)
_ROWS_OF_USERS = "FROM usage_usageday AS d WHERE {window}"
_ROWS_OF_CUSTOMERS = "FROM usage_usageday AS d JOIN {users} ON u.id = d.user_id WHERE {window} AND {active}"


def is_measured(product: Product, types: Collection[int]) -> bool:
    """Whether the product has anything to measure: a usage type, or a field."""
    if product.goal == Goal.FIELD_VALUE:
        return bool(product.field_alias)
    return bool(types) and (product.goal != Goal.DEPENDENT_COUNT or product.dependent_type_id is not None)


def values(product: Product, today: int) -> dict[str, Any]:
    """The parameters of `verdicts` for this product, without org and ids."""
    return {
        "start": today - product.look_back_days + 1,
        "today": today,
        "percent": product.percent,
        "good": float(product.good_target),
        "fair": float(product.fair_target),
        "alias": product.field_alias,
        "path": f"$.{json.dumps(product.field_alias)}",
    }


def verdicts(product: Product, types: Collection[int], few: bool, swept: Swept | None = None) -> str:
    """The query for one product. `types`: ids of its usage types. `few`: only the customers of the parameter ids.

    `swept`: the product's amounts in the table of `sweep` or, of few, `sweep_some`, from which they are taken; the few
    are then known to be customers that are not archived.
    """
    customers = "c.organization_id = %(org)s AND c.archived_at IS NULL"
    active = "u.organization_id = %(org)s AND u.customer_id IS NOT NULL AND u.has_left_at IS NULL"
    active += " AND u.archived_at IS NULL"
    if few:
        customers += f" AND {one_of('c.id', 'ids')}"
        active += f" AND {one_of('u.customer_id', 'ids')}"
    if not is_measured(product, types):
        return _UNMEASURED.format(customers=customers)
    return _Build(product, types, few, customers, active, swept).query()


class _Build:
    def __init__(
        self,
        product: Product,
        types: Collection[int],
        few: bool,
        customers: str,
        active: str,
        swept: Swept | None,
    ) -> None:
        self.product, self.few, self.customers, self.active = product, few, customers, active
        self.swept = swept
        self.types = literals(types) if types else ""
        self.per_user = product.basis == Basis.PER_USER
        self.mirrored = product.no_news_is_good_news

        self.of_customers = "customers_customer AS c"
        self.people, self.users = "", "customers_customeruser AS u"
        if few and swept is not None:
            self.people = _PEOPLE_SWEPT.format(table=SWEPT, one_of=one_of("s.customer_id", "ids"))
            self.of_customers, self.customers = _GIVEN_CUSTOMERS, "true"
        elif few and is_postgres():
            self.people = _PEOPLE.format(users=self.users, active=active)
        if self.people:
            self.users, self.active = "people AS u", "true"

    def query(self) -> str:
        return self._per_user() if self.per_user else self._in_total()

    def _per_user(self) -> str:
        if self.product.goal == Goal.FIELD_VALUE:
            has = data = f"{self._number('u')} IS NOT NULL"
        else:
            has = f"(m.amount > 0 OR {_EARLIER.format(user='u.id', types=self.types)})"
            data = "m.key IS NOT NULL" if self.product.goal == Goal.DEPENDENT_COUNT else has
        return _PER_USER.format(
            measured=self._measured(),
            counts=f"CASE WHEN {has} THEN 1 ELSE 0 END" if self.product.only_users_with_product else "1",
            # Asked only where the answer decides something: it costs a look-up per user.
            data="true" if self.mirrored else data,
            good=self._reaches("good", self._number("u")),
            fair=self._reaches("fair", self._number("u")),
            nothing="n.user_count IS NULL" if self.mirrored else "COALESCE(n.with_data, 0) = 0",
            people=self.people,
            users=self.users,
            active=self.active,
            of_customers=self.of_customers,
            customers=self.customers,
        )

    def _in_total(self) -> str:
        number = self._number("c")
        shown = f"CAST(COALESCE(m.amount, 0) AS {_DOUBLE})"
        if self.product.goal == Goal.FIELD_VALUE:
            nothing, shown = "false" if self.mirrored else f"{number} IS NULL", number
        elif self.mirrored:
            nothing = "n.user_count IS NULL"
        elif self.product.goal == Goal.DEPENDENT_COUNT:
            nothing = "m.key IS NULL"
        else:
            earlier = _EARLIER_AT_CUSTOMER.format(earlier=_EARLIER.format(user="x.id", types=self.types))
            nothing = f"m.key IS NULL AND NOT {earlier}"
        if self.product.goal == Goal.DEPENDENT_COUNT:
            shown = f"CASE WHEN m.base > 0 THEN CAST(m.amount AS {_DOUBLE}) * 100.0 / m.base END"
        return _IN_TOTAL.format(
            measured=self._measured(),
            shown=shown,
            nothing=nothing,
            good=self._reaches("good", number),
            fair=self._reaches("fair", number),
            people=self.people,
            users=self.users,
            active=self.active,
            of_customers=self.of_customers,
            customers=self.customers,
        )

    def _reaches(self, target: str, number: str) -> str:
        limit = f"CAST(%({target})s AS {_DOUBLE})"
        compare = "<=" if self.mirrored else ">="
        if self.product.goal == Goal.FIELD_VALUE:
            # A number that is missing reaches nothing; with "no news is good news", everything.
            return f"COALESCE({number} {compare} {limit}, {'true' if self.mirrored else 'false'})"
        amount = f"CAST(COALESCE(m.amount, 0) AS {_DOUBLE})"
        if self.product.goal != Goal.DEPENDENT_COUNT:
            return f"{amount} {compare} {limit}"
        base = f"CAST(COALESCE(m.base, 0) AS {_DOUBLE})"
        some = "" if self.mirrored else " AND COALESCE(m.amount, 0) > 0"
        return f"({amount} * 100.0 {compare} {limit} * {base}{some})"

    def _number(self, table: str) -> str:
        if is_postgres():
            field = f"{table}.custom -> %(alias)s"
            return f"(CASE WHEN jsonb_typeof({field}) = 'number' THEN CAST({field} #>> '{{}}' AS {_DOUBLE}) END)"
        kind, value = f"json_type({table}.custom, %(path)s)", f"json_extract({table}.custom, %(path)s)"
        return f"(CASE WHEN {kind} IN ('integer', 'real') THEN CAST({value} AS {_DOUBLE}) END)"

    def _measured(self) -> str:
        """A query with the columns key (user or customer), amount, base: only of who has usage in the window."""
        goal, product = self.product.goal, self.product
        if goal == Goal.FIELD_VALUE:
            return _NO_ROWS
        if self.swept is not None:
            form = _SWEPT_OF_USERS if self.per_user else _SWEPT_OF_CUSTOMERS
            return form.format(
                table=SWEPT,
                amount=self.swept.amount if self.per_user else self.swept.total,
                base=self.swept.base if self.per_user else f"SUM({self.swept.base})",
                is_there=self.swept.is_there,
                users=self.users,
                active=self.active,
            )
        wanted = self.types
        if goal == Goal.DEPENDENT_COUNT:
            wanted = f"{self.types[:-1]}, {product.dependent_type_id})"
        form = _MEASURES["days_hashed" if goal == Goal.UNIQUE_DAYS and is_postgres() else goal]
        return form.format(
            key="d.user_id" if self.per_user else "u.customer_id",
            rows=self._rows(wanted),
            types=self.types,
            dependent=product.dependent_type_id,
        )

    def _rows(self, types: str) -> str:
        """FROM and WHERE of the rollup's rows `d` in the window, and of their users `u` where those are needed."""
        form = _ROWS_SQLITE
        if is_postgres():
            form = _ROWS_FEW if self.few else _ROWS_OF_USERS if self.per_user else _ROWS_OF_CUSTOMERS
        return form.format(window=_WINDOW.format(types=types), users=self.users, active=self.active)
