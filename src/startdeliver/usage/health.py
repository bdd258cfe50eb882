"""Usage health and last logins of all customers, and what keeps them right as time goes by.

`recompute` computes; `refresh` computes only what changed since: the customers and products that a `Touch` names, and
everything when the day (and with it every window) has moved on or the organization has changed its time zone.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from startdeliver.common import clock
from startdeliver.storage.sql import execute, fetch, id_list, one_of, organization_work
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days, logins, passes, rollup
from startdeliver.usage.models import Product, Touch, UsageState
from startdeliver.usage.touches import Touched, read, scope_of

# Above so many, looking at everything takes less than looking at what each one says.
_MANY = 50_000

_HOMES = "SELECT id, customer_id FROM customers_customeruser WHERE organization_id = %(org)s AND {}"
_GONE = """
SELECT DISTINCT t.user_id FROM usage_touch AS t LEFT JOIN customers_customeruser AS u ON u.id = t.user_id
 WHERE t.organization_id = %(org)s AND t.user_id IS NOT NULL AND u.id IS NULL
"""
_ORPHANS = "DELETE FROM usage_usageevent WHERE organization_id = %(org)s AND {}"
_FORGET = "DELETE FROM usage_touch WHERE organization_id = %(org)s AND {}"


def recompute(organization: Organization, customer_ids: Iterable[int] | None = None) -> set[int]:
    """Computes health and last logins anew, of these customers or (None) of all.

    Archived customers keep what they had. Gives the ids of the customers whose usage health, or the status of one of
    whose products, changed.
    """
    ids = None if customer_ids is None else set(customer_ids)
    if ids is not None and not ids:
        return set()
    with organization_work(organization):
        rollup.count_new(organization)
        products = Product.objects.filter(archived_at__isnull=True)
        changed = passes.compute(organization, {product.pk: ids for product in products}, ids)
        users = None if ids is None else set(_homes(organization, "customer_id", ids))
        logins.compute(organization, users, ids)
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
        touches = list(Touch.objects.values_list("pk", flat=True))
        if state.computed_day == today and not touches:
            return set()
        now = clock.now()
        if state.computed_day == today and len(touches) <= _MANY:
            changed = _refresh_touched(organization, read(max(touches)))
        else:
            _delete_events(organization, {row[0] for row in fetch(_GONE, {"org": organization.pk})})
            changed = recompute(organization)
        with transaction.atomic():
            UsageState.objects.filter(pk=state.pk).update(computed_day=today, computed_at=now)
            forgotten = {"org": organization.pk, "ids": id_list(touches)}
            execute(_FORGET.format(one_of("id", "ids")), forgotten)
        return changed


def _refresh_touched(organization: Organization, touches: list[Touched]) -> set[int]:
    users = {touch.user_id for touch in touches if touch.user_id is not None}
    homes = _homes(organization, "id", users)
    _delete_events(organization, users - homes.keys())
    scope = scope_of(touches, homes)
    changed = passes.compute(organization, scope.products, passes.means_needed(scope))
    logins.compute(organization, scope.users, scope.customers)
    return changed


def _homes(organization: Organization, column: str, ids: set[int]) -> dict[int, int | None]:
    """The customer of each user whose `column` is one of `ids`; users who are no more are left out."""
    return dict(fetch(_HOMES.format(one_of(column, "ids")), {"org": organization.pk, "ids": id_list(ids)}))


def _delete_events(organization: Organization, gone: set[int]) -> None:
    """Deletes the events that deleted users leave behind (see `triggers.py`), in one pass for all of them."""
    if gone:
        execute(_ORPHANS.format(one_of("user_id", "ids")), {"org": organization.pk, "ids": id_list(gone)})
