"""The Usage tab of a customer and the usage of one user: each product with its reason, and who did what.

Days are calendar days of the time zone that the rollup has; the last one is today. Users who left are listed, since
what they did is part of the customer's past, but they reach no target; archived users are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum

from startdeliver.common.health import Health
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days as calendar
from startdeliver.usage import rollup, rules
from startdeliver.usage.measures import ProductRule, User, product_rules
from startdeliver.usage.measures import people as measured
from startdeliver.usage.models import (
    Basis,
    Goal,
    Product,
    ProductHealth,
    ProductUsageType,
    UsageDay,
    UsageType,
)
from startdeliver.usage.rules import Person
from startdeliver.usage.selectors import Badge, badges, every_type

# So many usage types have a column of their own in the table of users; what others count is summed.
TYPE_COLUMNS = 4
SORTS = ("name", "login", "days", "events")


@dataclass(frozen=True)
class ProductCard:
    """One product at a customer. `first` to `last` is the window that counts, `types` the names of what counts.

    `was`: the status before the last change. `users`, `good`, `fair` are filled where each user is looked at.
    """

    badge: Badge
    product: Product
    first: date
    last: date
    types: list[str]
    was: str | None
    users: int
    good: int
    fair: int

    @property
    def per_user(self) -> bool:
        return self.product.basis == Basis.PER_USER


@dataclass(frozen=True)
class Reached:
    """Where one user stands with a product that looks at each user. None: the user does not count for it."""

    product: int
    abbreviation: str
    name: str
    status: str | None
    sentence: str


@dataclass
class PersonUsage:
    """What one user did in the window. `counts` follows `People.types`; `other` is the rest of `events`."""

    user: CustomerUser
    active_days: int = 0
    events: int = 0
    counts: list[int] = field(default_factory=list)
    other: int = 0
    reached: list[Reached] = field(default_factory=list)


@dataclass(frozen=True)
class People:
    """One page of a customer's users with what they did, and what the table's columns are.

    Of all `count` users, `active` did something, `events` in all.
    """

    rows: list[PersonUsage]
    count: int
    active: int
    events: int
    types: list[UsageType]
    has_other: bool
    has_targets: bool


@dataclass(frozen=True)
class Summary:
    """The window in numbers: users who did something, their events, and of how many users (without those who left)."""

    active: int
    users: int
    events: int
    busiest_day: date | None
    busiest_count: int


def product_cards(customer: Customer) -> list[ProductCard]:
    """Every live product at the customer, in the products' order."""
    today = _today(customer.organization)
    products = {one.pk: one for one in Product.objects.filter(archived_at__isnull=True).select_related()}
    stored = {row.product_id: row for row in ProductHealth.objects.filter(customer=customer)}
    names: dict[int, list[str]] = defaultdict(list)
    attached = ProductUsageType.objects.filter(product__in=products).order_by("usage_type__name")
    for product_id, name in attached.values_list("product_id", "usage_type__name"):
        names[product_id].append(name)
    cards = []
    for badge in badges([customer.pk])[customer.pk]:
        product = products[badge.product]
        row = stored.get(badge.product)
        window = rules.window(today, product.look_back_days)
        cards.append(
            ProductCard(
                badge=badge,
                product=product,
                first=calendar.as_date(window.start),
                last=calendar.as_date(today),
                types=names[product.pk],
                was=row.previous_status if row and row.previous_status != row.status else None,
                users=row.user_count if row else 0,
                good=row.good_count if row else 0,
                fair=row.fair_count if row else 0,
            )
        )
    return cards


def people(customer: Customer, days: int, sort: str, start: int, stop: int) -> People:
    """The customer's users from `start` up to `stop`, by what they did in the last `days` days.

    `sort`: one of SORTS or "type-" and the id of a usage type, with "-" for the other way round. The busiest come first
    when it is none of these.
    """
    users = CustomerUser.objects.filter(customer=customer, archived_at__isnull=True)
    known = {pk: (name or email, seen) for pk, name, email, seen in _named(users)}
    usage = _window(customer.organization, days, user__organization=customer.organization_id, user__customer=customer)
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    totals: dict[int, int] = defaultdict(int)
    per_cell = usage.values_list("user_id", "usage_type_id").annotate(n=Sum("count")).order_by()
    for user, usage_type, number in per_cell:
        if user in known:
            counts[user][usage_type] = number
            totals[usage_type] += number
    active = dict(usage.values_list("user_id").annotate(n=Count("day", distinct=True)).order_by())
    key = _sort_key(sort.removeprefix("-"), known, counts, active)
    by_name = sorted(known, key=lambda pk: (known[pk][0].casefold(), pk))
    ordered = sorted(by_name, key=key, reverse=sort.startswith("-") or sort.removeprefix("-") not in _sorts(totals))
    if sort.removeprefix("-") == "login":
        # Who never logged in comes last, whichever way round.
        ordered.sort(key=lambda pk: known[pk][1] is None)
    shown = ordered[start:stop]
    types = UsageType.objects.in_bulk(list(totals))
    columns = sorted(types.values(), key=lambda one: (-totals[one.pk], one.name))[:TYPE_COLUMNS]
    rows = CustomerUser.objects.in_bulk(shown)
    targets = reached([rows[pk] for pk in shown if pk in rows], customer.organization)
    found = []
    for pk in shown:
        if pk in rows:
            own = counts.get(pk, {})
            each = [own.get(one.pk, 0) for one in columns]
            total = sum(own.values())
            found.append(PersonUsage(rows[pk], active.get(pk, 0), total, each, total - sum(each), targets.get(pk, [])))
    return People(
        rows=found,
        count=len(known),
        active=len(counts),
        events=sum(totals.values()),
        types=columns,
        has_other=len(types) > len(columns),
        has_targets=any(row.reached for row in found),
    )


def summary(customer: Customer, found: People, active: Sequence[tuple[date, int]]) -> Summary:
    """The window in a few numbers; `active`: the users of each day, as `selectors.active_users_per_day` gives them."""
    here = CustomerUser.objects.filter(customer=customer, archived_at__isnull=True, has_left_at__isnull=True)
    busiest = max(active, key=lambda pair: pair[1], default=None)
    return Summary(
        active=found.active,
        users=here.count(),
        events=found.events,
        busiest_day=busiest[0] if busiest and busiest[1] else None,
        busiest_count=busiest[1] if busiest else 0,
    )


def user_usage(user: CustomerUser, days: int) -> tuple[list[tuple[UsageType, int, int, datetime]], int]:
    """What one user did in the last `days` days: (type, events, days, newest) by events; and its active days."""
    usage = _window(user.organization, days, user=user)
    rows = usage.values_list("usage_type_id").annotate(n=Sum("count"), d=Count("day"), at=Max("last_at")).order_by()
    found = {pk: (number, active, newest) for pk, number, active, newest in rows}
    types = UsageType.objects.in_bulk(list(found))
    listed = [
        (types[pk], number, active, datetime.fromtimestamp(newest / 1000, UTC))
        for pk, (number, active, newest) in found.items()
        if pk in types
    ]
    listed.sort(key=lambda row: (-row[1], row[0].name))
    return listed, usage.aggregate(n=Count("day", distinct=True))["n"]


def reached(users: Collection[CustomerUser], organization: Organization) -> dict[int, list[Reached]]:
    """By user id, where each of these users stands with every product that looks at each user by itself."""
    live = Product.objects.filter(archived_at__isnull=True, basis=Basis.PER_USER).select_related("dependent_type")
    products = product_rules(live.order_by("position", "pk"))
    facts = [User(user.pk, user.customer_id, user.is_non_user, user.custom) for user in users]
    found: dict[int, list[Reached]] = {user.pk: [] for user in users}
    for product, persons in zip(products, measured(organization, products, facts, _today(organization)), strict=True):
        for user in users:
            is_present = not (user.has_left_at or user.archived_at)
            found[user.pk].append(_reached(product, persons[user.pk], is_present))
    return found


def _reached(product: ProductRule, person: Person, is_present: bool) -> Reached:
    counts = is_present and rules.counts(product.rule, person)
    status = rules.reach(product.rule, person) if counts else None
    words = {
        None: "does not count for this product",
        Health.GOOD: "reaches the Good target",
        Health.FAIR: "reaches the Fair target",
        Health.POOR: "reaches neither target",
    }
    amount = rules.amount(product.rule, person)
    if amount is None:
        value = "no number"
    elif product.rule.goal == Goal.DEPENDENT_COUNT:
        value = f"{amount:,.0f} against {person.dependent:,.0f} of {product.product.dependent_type}"
    else:
        value = f"{amount:,.10g}{' days' if product.rule.goal == Goal.UNIQUE_DAYS else ''}"
    settings = product.product
    return Reached(settings.pk, settings.abbreviation, settings.name, status, f"{value}: {words[status]}")


def _named(users: QuerySet[CustomerUser]) -> Any:
    return users.values_list("pk", "name", "email", "last_login_at")


def _sorts(types: Collection[int]) -> set[str]:
    return {*SORTS, *(f"type-{pk}" for pk in types)}


def _sort_key(
    sort: str,
    known: dict[int, tuple[str, datetime | None]],
    counts: dict[int, dict[int, int]],
    active: dict[int, int],
) -> Callable[[int], Any]:
    if sort == "name":
        return lambda pk: known[pk][0].casefold()
    if sort == "login":
        long_ago = datetime.min.replace(tzinfo=UTC)
        return lambda pk: known[pk][1] or long_ago
    if sort == "days":
        return lambda pk: active.get(pk, 0)
    if sort.startswith("type-") and sort[5:].isdecimal():
        wanted = int(sort[5:])
        return lambda pk: counts.get(pk, {}).get(wanted, 0)
    return lambda pk: sum(counts.get(pk, {}).values())


def _window(organization: Organization, days: int, **conditions: Any) -> QuerySet[UsageDay]:
    today = _today(organization)
    return UsageDay.objects.filter(usage_type__in=every_type(), day__gt=today - days, day__lte=today, **conditions)


def _today(organization: Organization) -> int:
    return calendar.today(rollup.state(organization).time_zone)
