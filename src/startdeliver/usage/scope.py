"""What changes call for: which products at which customers, and whose last logins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import Facts
from startdeliver.usage.models import Product, ProductUsageType, UsageType


@dataclass
class Scope:
    """What a refresh has to look at. None: everything.

    `users`, `customers`: whose last logins. `unsettled`: customers that changed themselves and not only their usage, so
    that the mean may be another though no product's status is.
    """

    products: dict[int, set[int] | None]
    users: set[int] | None
    customers: set[int] | None
    unsettled: set[int]


def scope_of(changes: Sequence[Facts]) -> Scope:
    """What `changes` call for."""
    products, by_type = _products()
    logins = set(UsageType.objects.filter(is_login=True).values_list("pk", flat=True))
    scope = Scope(products, set(), set(), set())
    for change in changes:
        kind, customer, user, usage_type, product = change
        if kind in (Kind.DAY, Kind.EVENTS):
            continue
        if product is not None:
            # Also of a product that is archived by now: the means were computed with it.
            scope.products[product] = None
        elif change.is_all:
            scope.users = scope.customers = None
            if kind not in (Kind.LOGINS, Kind.USER_DETAILS):
                scope.products.update(dict.fromkeys(scope.products))
        else:
            if usage_type is None or usage_type in logins:
                if scope.users is not None and user is not None:
                    scope.users.add(user)
                if scope.customers is not None and customer is not None:
                    scope.customers.add(customer)
            if customer is not None and kind != Kind.USER_DETAILS:
                if usage_type is None:
                    scope.unsettled.add(customer)
                _add(products, products if usage_type is None else by_type[usage_type], customer)
    return scope


def _add(products: dict[int, set[int] | None], wanted: Iterable[int], customer: int) -> None:
    for product in wanted:
        known = products[product]
        if known is not None:
            known.add(customer)


def _products() -> tuple[dict[int, set[int] | None], dict[int, list[int]]]:
    """The live products, each with nobody to look at yet, and for each usage type those that it counts for."""
    products: dict[int, set[int] | None] = {}
    by_type: dict[int, list[int]] = defaultdict(list)
    for product in Product.objects.filter(archived_at__isnull=True):
        products[product.pk] = set()
        if product.dependent_type_id:
            by_type[product.dependent_type_id].append(product.pk)
    for product_id, type_id in ProductUsageType.objects.values_list("product_id", "usage_type_id"):
        if product_id in products:
            by_type[type_id].append(product_id)
    return products, by_type
