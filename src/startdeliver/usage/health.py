"""Usage health and last logins of all customers, and what keeps them right as time goes by.

`recompute` computes; `refresh` computes only what changed since: the customers and products that a change names, and
everything when the day (and with it every window) has moved on or the organization has changed its time zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from startdeliver.changes.models import Stage
from startdeliver.changes.queue import taken
from startdeliver.common import clock
from startdeliver.customers.models import CustomerUser
from startdeliver.storage.sql import among, execute, id_list, one_of, organization_work
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days, logins, passes, rollup
from startdeliver.usage.models import Product, UsageState
from startdeliver.usage.scope import Scope, scope_of
from startdeliver.usage.sql import user_ids_of

# Above so many, looking at everything takes less than looking at what each one says.
_MANY = 50_000
_AT_ONCE = 250_000
# Of more different sets of products, each product is computed by itself.
_MANY_SETS = 10

_ORPHANS = "DELETE FROM {table} WHERE organization_id = %(org)s AND {which}"


def recompute(organization: Organization, customer_ids: Iterable[int] | None = None) -> set[int]:
    """Computes health and last logins of these customers or (None) of all, whatever changed.

    Archived customers keep what they had. Returns the ids of the customers whose usage health, or the status of one of
    whose products, changed.
    """
    ids = None if customer_ids is None else set(customer_ids)
    if ids is not None and not ids:
        return set()
    with organization_work(organization):
        rollup.count_new(organization)
        products = Product.objects.filter(archived_at__isnull=True).values_list("pk", flat=True)
        changed = passes.compute(organization, set(products), ids)
        users = None if ids is None else CustomerUser.objects.filter(among("customer_id", ids, "bigint"))
        logins.compute(organization, None if users is None else set(users.values_list("pk", flat=True)), ids)
        return changed


def refresh(organization: Organization) -> set[int]:
    """Computes what changed since it was last called; a few small look-ups when nothing did.

    Returns the ids of the customers whose usage health, or the status of one of whose products, changed. What it works
    on is forgotten only at the end, so a refresh that dies is done again by the next one.
    """
    with organization_work(organization):
        state = rollup.state(organization)
        if state.time_zone != organization.time_zone:
            rollup.rebuild(organization)
            state.refresh_from_db()
        rollup.count_new(organization)
        today, now = days.today(state.time_zone), clock.now()
        with taken(organization, Stage.USAGE, _AT_ONCE) as batch:
            if state.computed_day == today and not batch.changes:
                return set()
            users = {change.user_id for change in batch.changes if change.user_id is not None}
            _delete_usage(organization, users - user_ids_of(organization, users))
            if state.computed_day == today and len(batch.changes) <= _MANY:
                changed = refresh_scope(organization, scope_of(batch.changes))
            else:
                changed = recompute(organization)
            UsageState.objects.filter(pk=state.pk).update(computed_day=today, computed_at=now)
        return changed


def refresh_scope(organization: Organization, scope: Scope) -> set[int]:
    """Computes what the scope names. Returns the ids of the customers of whom a status changed."""
    changed: set[int] = set()
    everywhere = {product for product, customers in scope.products.items() if customers is None}
    if everywhere:
        changed |= passes.compute(organization, everywhere, None)
    products_of: dict[int, set[int]] = {customer: set() for customer in scope.unsettled}
    for product, customers in scope.products.items():
        for customer in customers or ():
            products_of.setdefault(customer, set()).add(product)
    same: dict[frozenset[int], set[int]] = defaultdict(set)
    for customer, product_ids in products_of.items():
        same[frozenset(product_ids)].add(customer)
    if len(same) > _MANY_SETS:
        same = {frozenset([product]): customers or set() for product, customers in scope.products.items()}
    for products, customers in same.items():
        changed |= passes.compute(organization, products, customers)
    logins.compute(organization, scope.users, scope.customers)
    return changed


def _delete_usage(organization: Organization, gone: set[int]) -> None:
    """Deletes the usage that deleted users leave behind, in one pass for all of them."""
    values = {"org": organization.pk, "ids": id_list(gone)}
    for table in ("usage_usageevent", "usage_usageday") if gone else ():
        execute(_ORPHANS.format(table=table, which=one_of("user_id", "ids")), values)
