"""The Usage tab of a customer and the usage of one user: each product with its reason, and who did what.

Days are calendar days of the time zone that the rollup has; the last one is today. Users who left are listed, since
what they did is part of the customer's past, but they reach no target; archived users are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Count, Max, Sum

from startdeliver.common.health import Health
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days as calendar
from startdeliver.usage import rules
from startdeliver.usage.measures import ProductRule, User, product_rules
from startdeliver.usage.measures import people as measured
from startdeliver.usage.models import (
    Basis,
    Goal,
    Product,
    ProductHealth,
    ProductUsageType,
    UsageType,
)
from startdeliver.usage.rules import Person
from startdeliver.usage.selectors import Badge, badge, live_products, today, usage_rows, usage_since

# So many usage types have a column of their own in the table of users; what others count is summed.
TYPE_COLUMNS = 4


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
    last = today(customer.organization)
    stored = {row.product_id: row for row in ProductHealth.objects.filter(customer=customer)}
    names: dict[int, list[str]] = defaultdict(list)
    attached = ProductUsageType.objects.order_by("usage_type__name")
    for product_id, name in attached.values_list("product_id", "usage_type__name"):
        names[product_id].append(name)
    cards = []
    for product in live_products():
        row = stored.get(product.pk)
        cards.append(
            ProductCard(
                badge=badge(product, row),
                product=product,
                first=calendar.as_date(rules.window(last, product.look_back_days).start),
                last=calendar.as_date(last),
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

    `sort`: "name", "login", "days", "events", or "type-" and the id of a usage type, with "-" for the other way round.
    The busiest come first when it is none of these.
    """
    users = CustomerUser.objects.filter(customer=customer, archived_at__isnull=True)
    names, logins = {}, {}
    for pk, name, email, login in users.values_list("pk", "name", "email", "last_login_at"):
        names[pk], logins[pk] = (name or email).casefold(), login
    usage = usage_rows(customer, days)
    counts: dict[int, Counter[int]] = {pk: Counter() for pk in names}
    totals: Counter[int] = Counter()
    for pk, usage_type, number in usage.values_list("user_id", "usage_type_id").annotate(n=Sum("count")).order_by():
        if pk in names:
            counts[pk][usage_type] = number
            totals[usage_type] += number
    active = dict(usage.values_list("user_id").annotate(n=Count("day", distinct=True)).order_by())

    def of_type(kind: int) -> Callable[[int], Any]:
        return lambda pk: counts[pk][kind]

    long_ago = datetime.min.replace(tzinfo=UTC)
    keys: dict[str, Callable[[int], Any]] = {
        "name": lambda pk: names[pk],
        "login": lambda pk: logins[pk] or long_ago,
        "days": lambda pk: active.get(pk, 0),
        "events": lambda pk: counts[pk].total(),
        **{f"type-{kind}": of_type(kind) for kind in totals},
    }
    column = sort.removeprefix("-")
    by_name = sorted(names, key=lambda pk: (names[pk], pk))
    busiest_first = sort.startswith("-") or column not in keys
    ordered = sorted(by_name, key=keys.get(column, keys["events"]), reverse=busiest_first)
    if column == "login":
        # Users who never logged in come last, in either direction.
        ordered.sort(key=lambda pk: logins[pk] is None)

    types = UsageType.objects.in_bulk(list(totals))
    columns = sorted(types.values(), key=lambda kind: (-totals[kind.pk], kind.name))[:TYPE_COLUMNS]
    found = CustomerUser.objects.in_bulk(ordered[start:stop])
    shown = [found[pk] for pk in ordered[start:stop] if pk in found]
    targets = reached(shown, customer.organization)
    rows = []
    for user in shown:
        each, total = [counts[user.pk][kind.pk] for kind in columns], counts[user.pk].total()
        rows.append(PersonUsage(user, active.get(user.pk, 0), total, each, total - sum(each), targets[user.pk]))
    return People(
        rows=rows,
        count=len(names),
        active=sum(1 for own in counts.values() if own),
        events=totals.total(),
        types=columns,
        has_other=len(types) > len(columns),
        has_targets=any(row.reached for row in rows),
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
    usage = usage_since(user.organization, days).filter(user=user)
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
    for product, persons in zip(products, measured(organization, products, facts, today(organization)), strict=True):
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
