"""What touches call for: which products at which customers, and whose last logins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from startdeliver.usage.models import Product, ProductUsageType, Touch, UsageType


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

    @property
    def measured(self) -> set[int] | None:
        """The customers of whom any product is measured."""
        found: set[int] = set()
        for customers in self.products.values():
            if customers is None:
                return None
            found |= customers
        return found


class Touched(NamedTuple):
    """A `Touch` as it is read: there are thousands."""

    customer_id: int | None
    user_id: int | None
    usage_type_id: int | None
    product_id: int | None
    login_only: bool


def read(up_to: int) -> list[Touched]:
    """The touches up to that id, of the open scope's organization."""
    return [Touched(*row) for row in Touch.objects.filter(pk__lte=up_to).values_list(*Touched._fields)]


def scope_of(touches: Sequence[Touched], homes: Mapping[int, int | None]) -> Scope:
    """What `touches` call for; `homes` has the customer of each user that they name."""
    products, by_type = _products()
    logins = set(UsageType.objects.filter(is_login=True).values_list("pk", flat=True))
    scope = Scope(products, set(), set(), set())
    for touch in touches:
        if touch.customer_id is None and touch.user_id is None:
            _whole(scope, touch)
            continue
        home = touch.customer_id or homes.get(touch.user_id or 0)
        if touch.usage_type_id is None or touch.usage_type_id in logins:
            if scope.users is not None and touch.user_id is not None:
                scope.users.add(touch.user_id)
            if scope.customers is not None and home is not None:
                scope.customers.add(home)
        if home is not None and not touch.login_only:
            if touch.usage_type_id is None:
                scope.unsettled.add(home)
            _add(products, products if touch.usage_type_id is None else by_type[touch.usage_type_id], home)
    return scope


def _whole(scope: Scope, touch: Touched) -> None:
    if touch.product_id is not None:
        # Also of a product that is archived by now: the means were computed with it.
        scope.products[touch.product_id] = None
        return
    scope.users = scope.customers = None
    if not touch.login_only:
        scope.products.update(dict.fromkeys(scope.products))


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
