"""What users did with products, read from the daily rollup and from custom fields, as the rule takes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import QuerySet

from startdeliver.storage.sql import fetch, id_list, is_postgres, literals, one_of
from startdeliver.tenancy.models import Organization
from startdeliver.usage.models import Basis, Goal, Product, ProductUsageType
from startdeliver.usage.rules import Person, Rule, window

# The days of a window are bits, 60 to a number: both databases have numbers of 64 bits, one of them the sign.
_BITS = 60

_USED = """
SELECT d.user_id, {columns}
  FROM usage_usageday AS d
 WHERE d.organization_id = %(org)s AND {users} AND d.usage_type_id IN {types}
   AND d.day BETWEEN %(start)s AND %(today)s
 GROUP BY d.user_id
"""
_USED_BEFORE = """
SELECT DISTINCT d.user_id FROM usage_usageday AS d
 WHERE d.organization_id = %(org)s AND {users} AND d.usage_type_id IN {types} AND d.day < %(start)s
"""


class User(NamedTuple):
    """What of a user counts besides its usage. `custom`: its custom fields, where a product asks for one."""

    pk: int
    customer_id: int | None
    is_non_user: bool
    custom: Any = None


@dataclass(frozen=True)
class ProductRule:
    """A product with its rule and the ids of the usage types that count for it."""

    product: Product
    rule: Rule
    types: frozenset[int]

    @property
    def is_measured(self) -> bool:
        """Whether the product has anything to measure: a usage type, or a field."""
        if self.rule.goal == Goal.FIELD_VALUE:
            return bool(self.product.field_alias)
        dependent = self.rule.goal != Goal.DEPENDENT_COUNT or self.product.dependent_type_id is not None
        return bool(self.types) and dependent

    @property
    def all_types(self) -> frozenset[int]:
        """The ids of the usage types that are read, the dependent type included."""
        if self.rule.goal == Goal.DEPENDENT_COUNT and self.product.dependent_type_id is not None:
            return self.types | {self.product.dependent_type_id}
        return self.types

    def number_in(self, custom: Any) -> float | None:
        """The number in the product's field among these custom fields; None when there is none."""
        value = custom.get(self.product.field_alias) if isinstance(custom, dict) else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def product_rules(products: QuerySet[Product]) -> list[ProductRule]:
    """These products with their rules, in the order of the query."""
    types: dict[int, set[int]] = defaultdict(set)
    for product_id, type_id in ProductUsageType.objects.values_list("product_id", "usage_type_id"):
        types[product_id].add(type_id)
    return [ProductRule(product, Rule.of(product), frozenset(types[product.pk])) for product in products]


def people(
    organization: Organization, products: Sequence[ProductRule], users: Sequence[User], today: int
) -> list[dict[int, Person]]:
    """For each product, by user id, what these users did in its window that ends `today` (days since 1970)."""
    used = _used(organization, products, users, today)
    columns = iter(range(1, 1 + sum(len(_columns(product, today)) for product in products)))
    found = []
    for product in products:
        places = [next(columns) for _ in _columns(product, today)]
        persons = {user.pk: _person(product, user, used.get(user.pk), places) for user in users}
        for user_id in _used_before(organization, product, users, persons, today):
            persons[user_id] = persons[user_id]._replace(has_used=True)
        found.append(persons)
    return found


def _columns(product: ProductRule, today: int) -> list[str]:
    """SQL for what is read of one user's days in the product's window: the days as bits, or the quantities."""
    if product.rule.goal == Goal.FIELD_VALUE or not product.is_measured:
        return []
    start = window(today, product.rule.look_back_days).start
    counts = f"d.usage_type_id IN {literals(product.types)} AND d.day"
    if product.rule.goal == Goal.UNIQUE_DAYS:
        # Several types may have been used on the same day.
        form = "BIT_OR({})" if is_postgres() else "SUM(DISTINCT {})"
        return [
            form.format(f"CAST(1 AS bigint) << (d.day - {first})")
            + f" FILTER (WHERE {counts} BETWEEN {first} AND {first + _BITS - 1})"
            for first in range(start, today + 1, _BITS)
        ]
    # Not as whole numbers, of which a sum may be too large.
    quantity = "SUM(CAST(d.quantity AS double precision))"
    columns = [f"{quantity} FILTER (WHERE {counts} >= {start})"]
    if product.rule.goal == Goal.DEPENDENT_COUNT:
        dependent_type = product.product.dependent_type_id
        columns.append(f"{quantity} FILTER (WHERE d.usage_type_id = {dependent_type} AND d.day >= {start})")
    return columns


def _used(
    organization: Organization, products: Sequence[ProductRule], users: Sequence[User], today: int
) -> dict[int, tuple[Any, ...]]:
    """The columns of all products by user; each row begins with the user's id."""
    counted = [product for product in products if _columns(product, today)]
    if not counted:
        return {}
    statement = _USED.format(
        columns=", ".join(column for product in counted for column in _columns(product, today)),
        users=one_of("d.user_id", "users"),
        types=literals(frozenset[int]().union(*(product.all_types for product in counted))),
    )
    start = min(window(today, product.rule.look_back_days).start for product in counted)
    values = {"org": organization.pk, "users": id_list([user.pk for user in users]), "start": start, "today": today}
    return {row[0]: row for row in fetch(statement, values)}


def _person(product: ProductRule, user: User, row: tuple[Any, ...] | None, places: Sequence[int]) -> Person:
    if product.rule.goal == Goal.FIELD_VALUE:
        return Person(number=product.number_in(user.custom), non_user=user.is_non_user)
    if row is None or not places:
        return Person(non_user=user.is_non_user)
    if product.rule.goal == Goal.UNIQUE_DAYS:
        days = row[places[0]] or 0
        for part, place in enumerate(places[1:], 1):
            days |= (row[place] or 0) << _BITS * part
        return Person(days=days, has_used=days > 0, non_user=user.is_non_user)
    quantity = row[places[0]] or 0.0
    dependent = row[places[1]] or 0.0 if len(places) > 1 else 0.0
    return Person(0, quantity, dependent, quantity > 0, None, user.is_non_user)


def _used_before(
    organization: Organization, product: ProductRule, users: Iterable[User], found: dict[int, Person], today: int
) -> set[int]:
    """The users who used the product before its window and not in it; looked up only where that decides something."""
    rule = product.rule
    if rule.goal == Goal.FIELD_VALUE or not product.is_measured:
        return set()
    per_user = rule.basis == Basis.PER_USER
    idle = [user for user in users if not found[user.pk].has_used]
    if not (per_user and rule.only_users_with_product):
        if rule.no_news_is_good_news or rule.goal == Goal.DEPENDENT_COUNT:
            return set()
        # One user with data is enough for the customer to have data.
        active = {user.customer_id for user in users if found[user.pk].has_used and not (per_user and user.is_non_user)}
        idle = [user for user in idle if user.customer_id not in active]
    if not idle:
        return set()
    statement = _USED_BEFORE.format(users=one_of("d.user_id", "users"), types=literals(product.types))
    values = {
        "org": organization.pk,
        "users": id_list([user.pk for user in idle]),
        "start": window(today, rule.look_back_days).start,
    }
    return {row[0] for row in fetch(statement, values)}
