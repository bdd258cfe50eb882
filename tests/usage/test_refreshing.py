"""After any changes in any order, a refresh leads to the same result as computing everything again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health, services
from startdeliver.usage.ingest import Event, store
from startdeliver.usage.models import Goal, Product, ProductHealth, UsageHealth, UsageType
from startdeliver.usage.rules import Rule
from tests.usage.factories import NOW, make_customer, make_product, make_type, make_user

_RULES = [Rule(Goal.USAGE_COUNT, 2, 5), Rule(Goal.UNIQUE_DAYS, 1, 3), Rule(Goal.USAGE_COUNT, 3, 4)]
_CUSTOMERS, _USERS = 3, 5
_ACTS = ("use", "customer", "move", "leave", "delete", "average", "product", "target", "a day")


@dataclass
class World:
    """Three products at three customers with five users."""

    types: list[UsageType]
    products: list[Product]
    customers: list[Customer]
    users: list[CustomerUser]
    days: int = 0

    @classmethod
    def new(cls) -> World:
        types = [make_type() for _ in _RULES]
        products = [make_product(rule, kind) for rule, kind in zip(_RULES, types, strict=True)]
        customers = [make_customer(f"Customer {n}") for n in range(_CUSTOMERS)]
        users = [make_user(customers[n % _CUSTOMERS]) for n in range(_USERS)]
        return cls(types, products, customers, users)

    def act(self, organization: Organization, what: str, one: int, other: int) -> None:
        product = Product.objects.get(pk=self.products[one % len(_RULES)].pk)
        customer = Customer.objects.get(pk=self.customers[one % _CUSTOMERS].pk)
        user = CustomerUser.objects.filter(pk=self.users[one % _USERS].pk).first()
        if what == "use" and user is not None:
            at = clock.now() - timedelta(hours=9 * other)
            event = Event(user.pk, self.types[other % len(_RULES)].pk, int(at.timestamp() * 1000), quantity=1 + one % 3)
            store(organization, [event])
        elif what == "customer":
            customer.archived_at = None if customer.archived_at else clock.now()
            customer.save()
        elif what in ("move", "leave") and user is not None:
            if what == "move":
                user.customer = self.customers[other % _CUSTOMERS] if other else None
            else:
                user.has_left_at = None if user.has_left_at else clock.now()
            user.save()
        elif what == "delete" and user is not None:
            user.delete()
        elif what == "average":
            values = {"include_in_average": not product.include_in_average}
            services.product_update(product=product, by="test", values=values)
        elif what == "product":
            turn = services.product_restore if product.archived_at else services.product_archive
            turn(product=product, by="test")
        elif what == "target":
            values = {"fair_target": str(1 + other % 2), "good_target": str(3 + other)}
            services.product_update(product=product, by="test", values=values)
        elif what == "a day":
            self.days += 1

    def seen(self) -> list[Any]:
        """All that is stored of live customers and products."""
        of_products = ProductHealth.objects.filter(
            customer__archived_at__isnull=True, product__archived_at__isnull=True
        )
        means = UsageHealth.objects.filter(customer__archived_at__isnull=True)
        return [
            sorted(
                of_products.filter(status__isnull=False).values_list(
                    "customer", "product", "status", "value", "user_count", "good_count", "fair_count"
                )
            ),
            sorted(means.filter(status__isnull=False).values_list("customer", "status", "score", "product_count")),
            sorted(Customer.objects.filter(archived_at__isnull=True).values_list("pk", "last_login_at"), key=str),
        ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(_ACTS), st.integers(0, 11), st.integers(0, 11), st.booleans()),
        min_size=2,
        max_size=14,
    )
)
def test_a_refresh_leaves_what_computing_everything_leaves(db: None, acts: list[tuple[str, int, int, bool]]) -> None:
    organization = Organization.objects.create(name="Any", slug=f"any-{Organization.objects.count()}")
    with organization_scope(organization):
        with clock.frozen(NOW):
            world = World.new()
        for what, one, other, refreshed in acts:
            with clock.frozen(NOW + timedelta(days=world.days)):
                world.act(organization, what, one, other)
                if refreshed:
                    health.refresh(organization)
        with clock.frozen(NOW + timedelta(days=world.days)):
            health.refresh(organization)
            refreshed_rows = world.seen()
            health.recompute(organization)
            assert refreshed_rows == world.seen()
