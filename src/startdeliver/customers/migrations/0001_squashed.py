"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import startdeliver.common.clock


class Migration(migrations.Migration):
    replaces = [
        ("customers", "0001_initial"),
        ("customers", "0002_fields_lists_imports"),
        ("customers", "0003_users_list"),
        ("customers", "0004_activity"),
        ("customers", "0005_list_indexes"),
    ]

    initial = True

    dependencies = [
        ("tenancy", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="CsvImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("target", models.CharField(help_text="customer, user or another registered target.", max_length=16)),
                ("filename", models.CharField(max_length=200)),
                (
                    "content",
                    models.BinaryField(
                        default=bytes, help_text="The text in UTF-8, compressed; emptied when it is imported."
                    ),
                ),
                ("encoding", models.CharField(max_length=16)),
                ("separator", models.CharField(max_length=1)),
                ("heads", models.JSONField(default=list)),
                ("row_count", models.PositiveIntegerField(default=0)),
                ("mapping", models.JSONField(default=dict, help_text="{column number from 0: field}")),
                ("options", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("uploaded", "Uploaded"),
                            ("checked", "Checked"),
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="uploaded",
                        max_length=8,
                    ),
                ),
                ("done_rows", models.PositiveIntegerField(default=0)),
                ("created_count", models.PositiveIntegerField(default=0)),
                ("updated_count", models.PositiveIntegerField(default=0)),
                ("unchanged_count", models.PositiveIntegerField(default=0)),
                ("failed_count", models.PositiveIntegerField(default=0)),
                ("by", models.CharField(max_length=254)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
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
                "indexes": [models.Index(fields=["organization", "created_at"], name="csvimport_created")],
            },
        ),
        migrations.CreateModel(
            name="CsvProblem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row", models.PositiveIntegerField(help_text="As a spreadsheet numbers it: the heads are row 1.")),
                (
                    "column",
                    models.CharField(
                        blank=True, help_text="The head of the column; empty: the whole row.", max_length=200
                    ),
                ),
                ("value", models.CharField(blank=True, max_length=200)),
                ("sentence", models.CharField(max_length=300)),
                (
                    "csv_import",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.csvimport",
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
                "indexes": [models.Index(fields=["organization", "csv_import", "row"], name="csvproblem_row")],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                ("external_id", models.CharField(blank=True, max_length=255, null=True)),
                ("domain", models.CharField(blank=True, max_length=255)),
                ("website", models.CharField(blank=True, max_length=500)),
                ("plan", models.CharField(blank=True, max_length=255)),
                ("size", models.IntegerField(blank=True, help_text="Number of employees.", null=True)),
                ("industry", models.CharField(blank=True, max_length=255)),
                ("monthly_spend", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("tags", models.JSONField(blank=True, default=list)),
                ("arr", models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True)),
                ("renewal_date", models.DateField(blank=True, null=True)),
                (
                    "last_login_at",
                    models.DateTimeField(blank=True, help_text="The newest of its users (UTC).", null=True),
                ),
                ("custom", models.JSONField(blank=True, default=dict, help_text="Custom field values by alias.")),
                (
                    "field_sources",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Where each value came from: {field: {"source", "at", "by"}}.',
                    ),
                ),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_by", models.CharField(blank=True, max_length=254)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "csm",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    models.Index(fields=["organization", "csm"], name="customer_csm"),
                    models.Index(fields=["organization", "domain"], name="customer_domain"),
                    models.Index(fields=["organization", "updated_at"], name="customer_updated"),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True)),
                        fields=["organization", "id"],
                        name="customer_active",
                    ),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", False)),
                        fields=["organization", "id"],
                        name="customer_archived",
                    ),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True)),
                        fields=["organization", "name", "id"],
                        name="customer_name",
                    ),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True)),
                        fields=["organization", "last_login_at", "id"],
                        name="customer_login",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "external_id"), name="customer_external_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user_id",
                    models.BigIntegerField(
                        help_text="The user it is about; its name is read when it is shown.", null=True
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("changed", "Fields changed"),
                            ("archived", "Archived"),
                            ("restored", "Restored"),
                            ("user_in", "A user came from elsewhere"),
                            ("user_out", "A user went elsewhere"),
                            ("user_left", "A user has left"),
                            ("user_back", "A user is back"),
                            ("user_archived", "A user was archived"),
                            ("user_restored", "A user was restored"),
                        ],
                        max_length=13,
                    ),
                ),
                (
                    "changes",
                    models.JSONField(
                        default=dict, help_text='{field or alias: [before, after, its source as in "field_sources"]}'
                    ),
                ),
                ("at", models.DateTimeField()),
                ("by", models.CharField(blank=True, max_length=254)),
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
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "customer", "at"], name="activity_order")],
            },
        ),
        migrations.CreateModel(
            name="CustomerUser",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=255)),
                ("email", models.CharField(blank=True, max_length=254)),
                (
                    "email_key",
                    models.CharField(blank=True, help_text="The e-mail address in lower case.", max_length=254),
                ),
                ("external_id", models.CharField(blank=True, max_length=255, null=True)),
                ("phone", models.CharField(blank=True, max_length=64)),
                (
                    "role",
                    models.CharField(
                        blank=True, help_text="Intercom's role (user or lead); comes in only.", max_length=64
                    ),
                ),
                ("tags", models.JSONField(blank=True, default=list)),
                ("is_stakeholder", models.BooleanField(default=False)),
                ("is_non_user", models.BooleanField(default=False)),
                ("has_left_at", models.DateTimeField(blank=True, null=True)),
                ("last_seen_at", models.DateTimeField(blank=True, null=True)),
                ("last_login_at", models.DateTimeField(blank=True, null=True)),
                ("custom", models.JSONField(blank=True, default=dict)),
                ("field_sources", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_by", models.CharField(blank=True, max_length=254)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="users",
                        to="customers.customer",
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
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True)),
                        fields=["organization", "id"],
                        name="customeruser_active",
                    ),
                    models.Index(fields=["organization", "email_key"], name="customeruser_email"),
                    models.Index(fields=["organization", "customer"], name="customeruser_customer"),
                    models.Index(fields=["organization", "updated_at"], name="customeruser_updated"),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True), ("has_left_at__isnull", True)),
                        fields=["organization", "name", "id"],
                        name="customeruser_name",
                    ),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True), ("has_left_at__isnull", True)),
                        fields=["organization", "last_login_at", "id"],
                        name="customeruser_login",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("archived_at__isnull", True), ("has_left_at__isnull", True), ("is_stakeholder", True)
                        ),
                        fields=["organization", "name", "id"],
                        name="customeruser_stakeholder",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("archived_at__isnull", True), ("has_left_at__isnull", True), ("is_non_user", True)
                        ),
                        fields=["organization", "name", "id"],
                        name="customeruser_non_user",
                    ),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", True), ("has_left_at__isnull", False)),
                        fields=["organization", "name", "id"],
                        name="customeruser_has_left",
                    ),
                    models.Index(
                        condition=models.Q(("archived_at__isnull", False)),
                        fields=["organization", "name", "id"],
                        name="customeruser_archived",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "external_id"), name="customeruser_external_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(choices=[("customer", "Customers"), ("user", "Users")], max_length=8)),
                ("name", models.CharField(max_length=80)),
                (
                    "alias",
                    models.CharField(help_text="The name that programs use; fixed after creation.", max_length=99),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("date", "Date"),
                            ("boolean", "Boolean"),
                            ("dropdown", "Dropdown"),
                        ],
                        help_text="Fixed after creation.",
                        max_length=8,
                    ),
                ),
                (
                    "visibility",
                    models.CharField(
                        choices=[("editable", "Editable"), ("visible", "Visible"), ("hidden", "Hidden")],
                        default="editable",
                        max_length=8,
                    ),
                ),
                ("required", models.BooleanField(default=False)),
                ("description", models.CharField(blank=True, max_length=300)),
                ("options", models.JSONField(blank=True, default=list)),
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
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "entity", "alias"), name="customfield_alias")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerValue",
            fields=[
                ("text", models.CharField(blank=True, max_length=500, null=True)),
                ("number", models.FloatField(blank=True, null=True)),
                ("date", models.DateField(blank=True, null=True)),
                ("flag", models.BooleanField(blank=True, null=True)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization",
                        "customer",
                        "field",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "field",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customfield",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("text__isnull", False)),
                        fields=["organization", "field", "text", "customer"],
                        name="customervalue_text",
                    ),
                    models.Index(
                        condition=models.Q(("number__isnull", False)),
                        fields=["organization", "field", "number", "customer"],
                        name="customervalue_number",
                    ),
                    models.Index(
                        condition=models.Q(("date__isnull", False)),
                        fields=["organization", "field", "date", "customer"],
                        name="customervalue_date",
                    ),
                    models.Index(
                        condition=models.Q(("flag__isnull", False)),
                        fields=["organization", "field", "flag", "customer"],
                        name="customervalue_flag",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("shared", models.BooleanField(default=False, help_text="Every member of the organization sees it.")),
                (
                    "asks",
                    models.JSONField(
                        default=dict,
                        help_text='The list\'s address: {"health": ["poor"], "csm": ["me"]}; "me" is who looks.',
                    ),
                ),
                ("columns", models.JSONField(default=list)),
                ("sort", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_by", models.CharField(blank=True, max_length=254)),
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
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "shared", "name"], name="savedlist_shared")],
            },
        ),
        migrations.CreateModel(
            name="UserValue",
            fields=[
                ("text", models.CharField(blank=True, max_length=500, null=True)),
                ("number", models.FloatField(blank=True, null=True)),
                ("date", models.DateField(blank=True, null=True)),
                ("flag", models.BooleanField(blank=True, null=True)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization", "user", "field", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "field",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customfield",
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
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customeruser",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("text__isnull", False)),
                        fields=["organization", "field", "text", "user"],
                        name="uservalue_text",
                    ),
                    models.Index(
                        condition=models.Q(("number__isnull", False)),
                        fields=["organization", "field", "number", "user"],
                        name="uservalue_number",
                    ),
                    models.Index(
                        condition=models.Q(("date__isnull", False)),
                        fields=["organization", "field", "date", "user"],
                        name="uservalue_date",
                    ),
                    models.Index(
                        condition=models.Q(("flag__isnull", False)),
                        fields=["organization", "field", "flag", "user"],
                        name="uservalue_flag",
                    ),
                ],
            },
        ),
    ]
