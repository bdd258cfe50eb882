"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import startdeliver.common.clock

_KEY = (
    "ALTER TABLE usage_usageday DROP CONSTRAINT usage_usageday_pkey, "
    "ADD CONSTRAINT usage_usageday_pkey PRIMARY KEY (organization_id, user_id, usage_type_id, day)"
)


def cover(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(f"{_KEY} INCLUDE (quantity)")


def uncover(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(_KEY)


class Migration(migrations.Migration):
    replaces = [
        ("usage", "0001_initial"),
        ("usage", "0002_count_later"),
        ("usage", "0003_unconstrained"),
        ("usage", "0004_health_change"),
        ("usage", "0005_covering_key"),
        ("usage", "0006_list_order"),
    ]

    initial = True

    dependencies = [
        ("customers", "0001_squashed"),
        ("tenancy", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="NewEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField()),
                ("usage_type_id", models.BigIntegerField()),
                ("timestamp", models.BigIntegerField()),
                ("quantity", models.BigIntegerField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="UsageType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "alias",
                    models.CharField(help_text="The name that programs use; fixed after creation.", max_length=100),
                ),
                (
                    "unit",
                    models.CharField(
                        blank=True, help_text="What a quantity counts, for example minutes.", max_length=30
                    ),
                ),
                (
                    "is_login",
                    models.BooleanField(default=False, help_text="Its newest event is the user's last login."),
                ),
                (
                    "intercom_event_name",
                    models.CharField(blank=True, help_text="Empty: not read from Intercom.", max_length=255),
                ),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_by", models.CharField(blank=True, max_length=254)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "alias"), name="usagetype_alias"),
                    models.UniqueConstraint(
                        condition=models.Q(("intercom_event_name", ""), _negated=True),
                        fields=("organization", "intercom_event_name"),
                        name="usagetype_intercom_event",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "abbreviation",
                    models.CharField(help_text="1 to 3 characters, shown on the customer's Usage tile.", max_length=3),
                ),
                (
                    "look_back_days",
                    models.PositiveSmallIntegerField(
                        default=35,
                        help_text="Calendar days of the organization's time zone, today included.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                    ),
                ),
                (
                    "goal",
                    models.CharField(
                        choices=[
                            ("unique_days", "Unique days"),
                            ("usage_count", "Usage count"),
                            ("dependent_count", "Dependent count"),
                            ("field_value", "Field value"),
                        ],
                        default="unique_days",
                        max_length=16,
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[("per_user", "Per user"), ("customer", "Customer total")],
                        default="customer",
                        max_length=8,
                    ),
                ),
                (
                    "percent",
                    models.PositiveSmallIntegerField(
                        default=50,
                        help_text="Per user: how many of a hundred users must reach the target.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                ("fair_target", models.DecimalField(decimal_places=3, max_digits=14)),
                ("good_target", models.DecimalField(decimal_places=3, max_digits=14)),
                (
                    "field_alias",
                    models.CharField(blank=True, help_text="Field value: the alias of a number field.", max_length=100),
                ),
                (
                    "only_users_with_product",
                    models.BooleanField(default=False, help_text="Per user: leave out who never used it."),
                ),
                (
                    "no_news_is_good_news",
                    models.BooleanField(default=False, help_text="Less is better, and nothing is Good."),
                ),
                ("include_in_average", models.BooleanField(default=True)),
                ("position", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_by", models.CharField(blank=True, max_length=254)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "dependent_type",
                    models.ForeignKey(
                        blank=True,
                        help_text="Dependent count: the targets are percentages of this type's count.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="usage.usagetype",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "archived_at", "position"], name="product_position")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("archived_at__isnull", True)),
                        fields=("organization", "name"),
                        name="product_name",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("timestamp", models.BigIntegerField(help_text="Milliseconds since 1970, UTC.")),
                (
                    "external_id",
                    models.CharField(
                        blank=True, default="", help_text="The sender's id, if it has one.", max_length=255
                    ),
                ),
                ("quantity", models.BigIntegerField(default=1, help_text="How much, in the type's unit; at least 1.")),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="customers.customeruser",
                    ),
                ),
                (
                    "usage_type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="usage.usagetype",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "timestamp", "user", "usage_type", "external_id"),
                        name="usageevent_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization",
                        "user",
                        "usage_type",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.IntegerField(help_text="Days since 1970-01-01, in the time zone of `UsageState`.")),
                ("count", models.IntegerField()),
                ("quantity", models.BigIntegerField()),
                ("last_at", models.BigIntegerField(help_text="The newest event's milliseconds since 1970, UTC.")),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="customers.customeruser",
                    ),
                ),
                (
                    "usage_type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="usage.usagetype",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ProductUsageType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="usage.product",
                    ),
                ),
                (
                    "usage_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="usage.usagetype"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("product", "usage_type"), name="product_usagetype")],
            },
        ),
        migrations.CreateModel(
            name="HealthChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[("good", "Good"), ("fair", "Fair"), ("poor", "Poor")],
                        max_length=4,
                        null=True,
                    ),
                ),
                (
                    "previous_status",
                    models.CharField(
                        blank=True,
                        choices=[("good", "Good"), ("fair", "Fair"), ("poor", "Poor")],
                        max_length=4,
                        null=True,
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "customer", "at"], name="usage_healthchange_order")],
            },
        ),
        migrations.CreateModel(
            name="ProductHealth",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "customer", "product", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[("good", "Good"), ("fair", "Fair"), ("poor", "Poor")],
                        max_length=4,
                        null=True,
                    ),
                ),
                (
                    "value",
                    models.FloatField(
                        blank=True,
                        help_text="Customer total: what was compared with the targets. Per user: percent of users at the good target.",
                        null=True,
                    ),
                ),
                ("user_count", models.IntegerField(default=0, help_text="The users that count.")),
                ("good_count", models.IntegerField(default=0, help_text="Per user: how many reach the good target.")),
                (
                    "fair_count",
                    models.IntegerField(
                        default=0, help_text="Per user: how many reach the fair target or the good one."
                    ),
                ),
                (
                    "previous_status",
                    models.CharField(
                        blank=True,
                        choices=[("good", "Good"), ("fair", "Fair"), ("poor", "Poor")],
                        max_length=4,
                        null=True,
                    ),
                ),
                ("changed_at", models.DateTimeField(blank=True, help_text="When the status last changed.", null=True)),
                (
                    "computed_at",
                    models.DateTimeField(
                        default=startdeliver.common.clock.now, help_text="When anything in this row last changed."
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="product_health",
                        to="customers.customer",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="usage.product",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "product", "status"], name="producthealth_status")],
            },
        ),
        migrations.CreateModel(
            name="Touch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customer_id",
                    models.BigIntegerField(
                        help_text="None: the customer that the user has when it is read.", null=True
                    ),
                ),
                ("user_id", models.BigIntegerField(null=True)),
                (
                    "usage_type_id",
                    models.BigIntegerField(help_text="Only products that this type counts for.", null=True),
                ),
                ("product_id", models.BigIntegerField(help_text="Given without a customer: all customers.", null=True)),
                (
                    "login_only",
                    models.BooleanField(
                        db_default=False, default=False, help_text="No product's health depends on it, only last login."
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "id"], name="touch_order")],
            },
        ),
        migrations.CreateModel(
            name="UsageHealth",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="usage_health",
                        serialize=False,
                        to="customers.customer",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[("good", "Good"), ("fair", "Fair"), ("poor", "Poor")],
                        max_length=4,
                        null=True,
                    ),
                ),
                ("score", models.FloatField(blank=True, help_text="The mean of Good 2, Fair 1, Poor 0.", null=True)),
                ("product_count", models.IntegerField(default=0, help_text="The products that the mean is of.")),
                (
                    "previous_status",
                    models.CharField(
                        blank=True,
                        choices=[("good", "Good"), ("fair", "Fair"), ("poor", "Poor")],
                        max_length=4,
                        null=True,
                    ),
                ),
                ("changed_at", models.DateTimeField(blank=True, help_text="When the status last changed.", null=True)),
                (
                    "computed_at",
                    models.DateTimeField(
                        default=startdeliver.common.clock.now, help_text="When anything in this row last changed."
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "status", "changed_at", "customer"], name="usagehealth_order"),
                    models.Index(fields=["organization", "changed_at"], name="usagehealth_changed"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("time_zone", models.CharField(help_text="Whose calendar days the rollup has.", max_length=64)),
                (
                    "computed_day",
                    models.IntegerField(blank=True, help_text="The day that the last full pass was about.", null=True),
                ),
                ("computed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization",), name="usagestate_one")],
            },
        ),
        migrations.AddField(
            model_name="Product",
            name="usage_types",
            field=models.ManyToManyField(
                related_name="products", through="usage.ProductUsageType", to="usage.usagetype"
            ),
        ),
        # On PostgreSQL the key of the rollup carries the quantity along, so usage health reads the index alone.
        migrations.RunPython(cover, uncover),
    ]
