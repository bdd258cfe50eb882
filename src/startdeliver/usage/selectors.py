"""Reading usage: the tile and badges of customers, the charts of the Usage tab.

Charts show what the customer's present users did; they read the daily rollup, which may be some seconds
behind the events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, QuerySet, Sum

from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Organization
from startdeliver.usage import days as calendar
from startdeliver.usage import rollup, rules
from startdeliver.usage.models import (
    Basis,
    Goal,
    Product,
    ProductHealth,
    ProductUsageType,
    UsageDay,
    UsageHealth,
    UsageType,
)


@dataclass(frozen=True)
class Badge:
    """A product's health at a customer, as the tile shows it. `why`: one line in words. `status` None: no data."""

    product: int
    abbreviation: str
    name: str
    status: str | None
    value: float | None
    why: str
    in_average: bool
    changed_at: datetime | None


@dataclass(frozen=True)
class Tile:
    """The Usage tile of a customer. `active_users` of `users`: in the last 7 days, today included."""

    status: str | None
    score: float | None
    changed_at: datetime | None
    previous_status: str | None
    badges: list[Badge]
    active_users: int
    users: int
    last_login_at: datetime | None


@dataclass(frozen=True)
class TypeDays:
    """Events of one usage type by day, oldest day first, days without events included."""

    usage_type: UsageType
    days: list[tuple[date, int]]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.days)


def usage_tile(customer: Customer) -> Tile:
    """The Usage tile: health with a badge for each product, active users and last login."""
    health = UsageHealth.objects.filter(customer=customer).first()
    week = usage_rows(customer, 7)
    return Tile(
        status=health.status if health else None,
        score=health.score if health else None,
        changed_at=health.changed_at if health else None,
        previous_status=health.previous_status if health else None,
        badges=badges([customer.pk])[customer.pk],
        active_users=week.filter(user__has_left_at__isnull=True, user__archived_at__isnull=True).aggregate(
            users=Count("user", distinct=True)
        )["users"],
        users=customer.users.filter(archived_at__isnull=True, has_left_at__isnull=True).count(),
        last_login_at=customer.last_login_at,
    )


def live_products() -> list[Product]:
    """The products that are not archived, in their order, with the type that each depends on."""
    return list(
        Product.objects.filter(archived_at__isnull=True).select_related("dependent_type").order_by("position", "pk")
    )


def badge(product: Product, row: ProductHealth | None) -> Badge:
    """The badge of a product at a customer that has this row of it, or none."""
    return Badge(
        product=product.pk,
        abbreviation=product.abbreviation,
        name=product.name,
        status=row.status if row else None,
        value=row.value if row else None,
        why=why(product, row),
        in_average=product.include_in_average,
        changed_at=row.changed_at if row else None,
    )


def badges(customers: Collection[int], products: Sequence[Product] | None = None) -> dict[int, list[Badge]]:
    """By customer id, a badge for each product in the products' order; two queries for any number of customers.

    `products`: what `live_products` gave, when it was read already: one query less.
    """
    if products is None:
        products = live_products()
    rows: dict[tuple[int, int], ProductHealth] = {
        (row.customer_id, row.product_id): row for row in ProductHealth.objects.filter(customer__in=list(customers))
    }
    return {
        customer: [badge(product, rows.get((customer, product.pk))) for product in products] for customer in customers
    }


def is_configured() -> bool:
    """Whether there is a product with a usage type, without which events from Intercom could not count."""
    return ProductUsageType.objects.filter(
        product__archived_at__isnull=True, usage_type__archived_at__isnull=True
    ).exists()


def active_users_per_day(customer: Customer, days: int = 35) -> list[tuple[date, int]]:
    """How many different users did something on each of the last `days` days, today included, oldest first."""
    found = dict(usage_rows(customer, days).values_list("day").annotate(users=Count("user", distinct=True)).order_by())
    return [(calendar.as_date(day), found.get(day, 0)) for day in rules.window(today(customer.organization), days)]


def events_per_type_per_day(customer: Customer, days: int = 35) -> list[TypeDays]:
    """Events of each usage type on each of the last `days` days.

    Types without any are left out; the type with the most events comes first.
    """
    rows = usage_rows(customer, days)
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for usage_type, day, count in rows.values_list("usage_type_id", "day").annotate(n=Sum("count")).order_by():
        found[usage_type][day] = count
    window = rules.window(today(customer.organization), days)
    result = [
        TypeDays(usage_type, [(calendar.as_date(day), found[usage_type.pk].get(day, 0)) for day in window])
        for usage_type in UsageType.objects.filter(pk__in=found.keys())
    ]
    return sorted(result, key=lambda each: (-each.total, each.usage_type.name))


def why(product: Product, row: ProductHealth | None) -> str:
    """One line that says what a product's health at a customer rests on."""
    window = f"in the last {product.look_back_days} days" if product.look_back_days > 1 else "today"
    good, fair = _number(float(product.good_target)), _number(float(product.fair_target))
    unit = " %" if product.goal == Goal.DEPENDENT_COUNT else ""
    limit = "up to" if product.no_news_is_good_news else "from"
    targets = f"Good {limit} {good}{unit}, Fair {limit} {fair}{unit}"
    if row is None or row.status is None:
        if product.goal == Goal.FIELD_VALUE:
            return f"No data: the field has no number. {targets}."
        if product.goal == Goal.DEPENDENT_COUNT:
            return f"No data {window}. {targets}."
        return f"No data: nobody has used it. {targets}."
    if product.basis == Basis.PER_USER:
        return (
            f"{row.good_count:,} of {row.user_count:,} {_plural(row.user_count, 'user')} at the Good target, "
            f"{row.fair_count:,} at Fair; {product.percent} % needed. {targets} {window}."
        )
    if row.value is None:
        return f"Nothing to compare with {window}. {targets}."
    value = _number(row.value)
    if product.goal == Goal.UNIQUE_DAYS:
        measured = f"{value} {_plural(row.value, 'day')} with usage {window}"
    elif product.goal == Goal.USAGE_COUNT:
        measured = f"{value} {_plural(row.value, 'use')} {window}"
    elif product.goal == Goal.DEPENDENT_COUNT:
        measured = f"{value} % of {product.dependent_type} {window}"
    else:
        measured = f"The field says {value}"
    return f"{measured}. {targets}."


def usage_rows(customer: Customer, days: int) -> QuerySet[UsageDay]:
    """The rollup of the customer's users on the last `days` days, today included."""
    # The organization a second time, for the users: it leads their index.
    rows = usage_since(customer.organization, days)
    return rows.filter(user__organization=customer.organization_id, user__customer=customer)


def usage_since(organization: Organization, days: int) -> QuerySet[UsageDay]:
    """The rollup of the last `days` days, today included."""
    window = rules.window(today(organization), days)
    return UsageDay.objects.filter(usage_type__in=_every_type(), day__gte=window.start, day__lt=window.stop)


def today(organization: Organization) -> int:
    """The current day (days since 1970) in the time zone that the rollup has."""
    return calendar.today(rollup.state(organization).time_zone)


def _every_type() -> list[int]:
    """The ids of all usage types. Named, they let the key of the rollup find a user's days of a window, where otherwise
    all days of the user would be read."""
    return list(UsageType.objects.values_list("pk", flat=True))


def _number(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".") if value != int(value) else f"{int(value):,}"


def _plural(count: float, word: str) -> str:
    return word if count == 1 else f"{word}s"
