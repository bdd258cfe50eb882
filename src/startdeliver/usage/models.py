"""Products, usage types, usage events with their daily rollup, and the usage health that follows from them."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from startdeliver.common import clock
from startdeliver.common.health import Health
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.scope import TenantModel


def _organization() -> Any:
    """The reference of a row that is written by the thousand: PostgreSQL would check it again for every single row."""
    return models.ForeignKey(
        "tenancy.Organization", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )


class Goal(models.TextChoices):
    """What of a product's usage is compared with the targets."""

    UNIQUE_DAYS = "unique_days", "Unique days"
    USAGE_COUNT = "usage_count", "Usage count"
    DEPENDENT_COUNT = "dependent_count", "Dependent count"
    FIELD_VALUE = "field_value", "Field value"


class Basis(models.TextChoices):
    """Whose usage is compared: every user's on its own, or the customer's in total."""

    PER_USER = "per_user", "Per user"
    CUSTOMER = "customer", "Customer total"


class UsageType(TenantModel):
    """One kind of thing that users do, for example "Invoice created"."""

    name = models.CharField(max_length=100)
    alias = models.CharField(max_length=100, help_text="The name that programs use; fixed after creation.")
    unit = models.CharField(max_length=30, blank=True, help_text="What a quantity counts, for example minutes.")
    is_login = models.BooleanField(default=False, help_text="Its newest event is the user's last login.")
    intercom_event_name = models.CharField(max_length=255, blank=True, help_text="Empty: not read from Intercom.")
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "alias"], name="usagetype_alias"),
            models.UniqueConstraint(
                fields=["organization", "intercom_event_name"],
                condition=~models.Q(intercom_event_name=""),
                name="usagetype_intercom_event",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Product(TenantModel):
    """One thing whose usage is measured, with the rule of its health (Settings → Products)."""

    name = models.CharField(max_length=100)
    abbreviation = models.CharField(max_length=3, help_text="1 to 3 characters, shown on the customer's Usage tile.")
    look_back_days = models.PositiveSmallIntegerField(
        default=35,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Calendar days of the organization's time zone, today included.",
    )
    goal = models.CharField(max_length=16, choices=Goal.choices, default=Goal.UNIQUE_DAYS)
    basis = models.CharField(max_length=8, choices=Basis.choices, default=Basis.CUSTOMER)
    percent = models.PositiveSmallIntegerField(
        default=50,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Per user: how many of a hundred users must reach the target.",
    )
    fair_target = models.DecimalField(max_digits=14, decimal_places=3)
    good_target = models.DecimalField(max_digits=14, decimal_places=3)
    dependent_type = models.ForeignKey(
        UsageType,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Dependent count: the targets are percentages of this type's count.",
    )
    field_alias = models.CharField(max_length=100, blank=True, help_text="Field value: the alias of a number field.")
    only_users_with_product = models.BooleanField(default=False, help_text="Per user: leave out who never used it.")
    no_news_is_good_news = models.BooleanField(default=False, help_text="Less is better, and nothing is Good.")
    include_in_average = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)
    usage_types = models.ManyToManyField(UsageType, through="ProductUsageType", related_name="products")
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=models.Q(archived_at__isnull=True), name="product_name"
            )
        ]
        indexes = [models.Index(fields=["organization", "archived_at", "position"], name="product_position")]

    dependent_type_id: int | None

    def __str__(self) -> str:
        return self.name


class ProductUsageType(TenantModel):
    """A usage type that counts for a product."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", db_index=False)
    usage_type = models.ForeignKey(UsageType, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "usage_type"], name="product_usagetype")]

    product_id: int
    usage_type_id: int

    def __str__(self) -> str:
        return f"usage type {self.usage_type_id} of product {self.product_id}"


class UsageEvent(TenantModel):
    """User X did Y at time Z. The unique key is what makes an event count once, whatever is retried.

    The key begins with the time, since events come in about the order of time: a thousand of them change a few pages of
    the index, where a key that began with the user would change a thousand.

    References to user and type are not constraints of the database: checking them on every event, and searching all
    events whenever a user is deleted, would cost more than all the rest. `health.refresh` deletes what deleted users
    leave behind.
    """

    organization = _organization()
    user = models.ForeignKey(
        CustomerUser, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    usage_type = models.ForeignKey(
        UsageType, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    timestamp = models.BigIntegerField(help_text="Milliseconds since 1970, UTC.")
    external_id = models.CharField(max_length=255, default="", blank=True, help_text="The sender's id, if it has one.")
    quantity = models.BigIntegerField(default=1, help_text="How much, in the type's unit; at least 1.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "timestamp", "user", "usage_type", "external_id"], name="usageevent_once"
            )
        ]

    user_id: int
    usage_type_id: int

    def __str__(self) -> str:
        return f"usage type {self.usage_type_id} by user {self.user_id} at {self.timestamp}"


class NewEvent(TenantModel):
    """An event that the rollup has not counted yet. Only ever appended to, and emptied by `rollup.count_new`.

    Counting many at once, sorted, changes each page of the rollup once instead of once for each event.
    """

    organization = _organization()
    user_id = models.BigIntegerField()
    usage_type_id = models.BigIntegerField()
    timestamp = models.BigIntegerField()
    quantity = models.BigIntegerField()

    def __str__(self) -> str:
        return f"not counted yet: usage type {self.usage_type_id} by user {self.user_id}"


class UsageDay(TenantModel):
    """The events of one user, type and calendar day, counted. Health, charts and last login read only this.

    It names the user and not the customer, so that it stays right when a user moves to another customer.
    """

    pk = models.CompositePrimaryKey("organization", "user", "usage_type", "day")
    organization = _organization()
    user = models.ForeignKey(
        CustomerUser, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    usage_type = models.ForeignKey(
        UsageType, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    day = models.IntegerField(help_text="Days since 1970-01-01, in the time zone of `UsageState`.")
    count = models.IntegerField()
    quantity = models.BigIntegerField()
    last_at = models.BigIntegerField(help_text="The newest event's milliseconds since 1970, UTC.")

    user_id: int
    usage_type_id: int

    def __str__(self) -> str:
        return f"{self.count} × usage type {self.usage_type_id} by user {self.user_id} on day {self.day}"


class UsageState(TenantModel):
    """How far this organization's rollup and health are."""

    time_zone = models.CharField(max_length=64, help_text="Whose calendar days the rollup has.")
    computed_day = models.IntegerField(null=True, blank=True, help_text="The day that the last full pass was about.")
    computed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="usagestate_one")]

    def __str__(self) -> str:
        return f"usage of organization {self.organization_id} up to day {self.computed_day}"


class ProductHealth(TenantModel):
    """Health of one product at one customer. No row or a null status: no data."""

    pk = models.CompositePrimaryKey("customer", "product")
    organization = _organization()
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="product_health", db_index=False, db_constraint=False
    )
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    value = models.FloatField(
        null=True,
        blank=True,
        help_text="Customer total: what was compared with the targets. Per user: percent of users at the good target.",
    )
    user_count = models.IntegerField(default=0, help_text="The users that count.")
    good_count = models.IntegerField(default=0, help_text="Per user: how many reach the good target.")
    fair_count = models.IntegerField(default=0, help_text="Per user: how many reach the fair target or the good one.")
    previous_status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="When the status last changed.")
    computed_at = models.DateTimeField(default=clock.now, help_text="When anything in this row last changed.")

    class Meta:
        indexes = [models.Index(fields=["organization", "product", "status"], name="producthealth_status")]

    customer_id: int
    product_id: int

    def __str__(self) -> str:
        return f"product {self.product_id} at customer {self.customer_id}: {self.status or 'no data'}"


class HealthChange(TenantModel):
    """A customer's usage health changed: what the Activity tab and trends are made of. Only ever appended to."""

    organization = _organization()
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    previous_status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "customer", "at"], name="usage_healthchange_order")]

    customer_id: int

    def __str__(self) -> str:
        return f"{self.previous_status or 'no data'} → {self.status or 'no data'}"


class UsageHealth(TenantModel):
    """Usage health of one customer: the mean over its products. No row or a null status: no data."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, primary_key=True, related_name="usage_health")
    status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    score = models.FloatField(null=True, blank=True, help_text="The mean of Good 2, Fair 1, Poor 0.")
    product_count = models.IntegerField(default=0, help_text="The products that the mean is of.")
    previous_status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="When the status last changed.")
    computed_at = models.DateTimeField(default=clock.now, help_text="When anything in this row last changed.")

    class Meta:
        indexes = [
            # In the order of a list of customers: by status, and in each what changed last.
            models.Index(fields=["organization", "status", "changed_at", "customer"], name="usagehealth_order"),
            models.Index(fields=["organization", "changed_at"], name="usagehealth_changed"),
        ]

    customer_id: int

    def __str__(self) -> str:
        return self.status or "no data"
