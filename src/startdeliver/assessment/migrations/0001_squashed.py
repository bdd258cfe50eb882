"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import startdeliver.common.clock


class Migration(migrations.Migration):
    replaces = [
        ("assessment", "0001_assessment"),
        ("assessment", "0002_base_url_help"),
        ("assessment", "0003_tone_reader"),
    ]

    initial = True

    dependencies = [
        ("customers", "0001_squashed"),
        ("support", "0001_squashed"),
        ("tenancy", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Assessment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("thriving", "Strongly Thriving"),
                            ("engaged", "Actively Engaged"),
                            ("neutral", "Neutral"),
                            ("attention", "Needs Attention"),
                            ("risk", "At Risk"),
                        ],
                        max_length=9,
                    ),
                ),
                ("summary", models.JSONField(default=list)),
                ("action", models.JSONField(default=list)),
                ("analysis", models.JSONField(default=list)),
                ("facts", models.JSONField(default=list)),
                ("evidence_hash", models.CharField(max_length=32)),
                (
                    "assessor",
                    models.CharField(
                        choices=[("built_in", "Built in"), ("model", "Language model")],
                        default="built_in",
                        max_length=8,
                    ),
                ),
                ("model_name", models.CharField(blank=True, help_text="Of the language model.", max_length=200)),
                (
                    "note",
                    models.CharField(
                        blank=True,
                        help_text="Why the built-in assessor stands in, or what limits this assessment.",
                        max_length=500,
                    ),
                ),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "confirmed_at",
                    models.DateTimeField(
                        default=startdeliver.common.clock.now,
                        help_text="When the same verdict last came out of newer evidence, which then replaced this.",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assessments",
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
                    models.Index(fields=["organization", "customer", "-created_at"], name="assessment_history")
                ],
            },
        ),
        migrations.CreateModel(
            name="AssessmentState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("looked_at", models.DateTimeField(blank=True, help_text="Changes up to here are noted.", null=True)),
                (
                    "swept_day",
                    models.DateField(
                        blank=True, help_text="The day on which every customer was last looked at.", null=True
                    ),
                ),
                (
                    "reader",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        help_text="No stored tone that counts is of a reader older than this tone.VERSION.",
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="assessmentstate_one")],
            },
        ),
        migrations.CreateModel(
            name="Current",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="assessment",
                        serialize=False,
                        to="customers.customer",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("thriving", "Strongly Thriving"),
                            ("engaged", "Actively Engaged"),
                            ("neutral", "Neutral"),
                            ("attention", "Needs Attention"),
                            ("risk", "At Risk"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "line",
                    models.CharField(blank=True, help_text="The summary's first sentence, for lists.", max_length=300),
                ),
                (
                    "trend",
                    models.CharField(
                        choices=[("improving", "Improving"), ("steady", "Steady"), ("deteriorating", "Deteriorating")],
                        default="steady",
                        max_length=13,
                    ),
                ),
                ("evidence_hash", models.CharField(max_length=32)),
                (
                    "previous_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("thriving", "Strongly Thriving"),
                            ("engaged", "Actively Engaged"),
                            ("neutral", "Neutral"),
                            ("attention", "Needs Attention"),
                            ("risk", "At Risk"),
                        ],
                        max_length=9,
                        null=True,
                    ),
                ),
                ("changed_at", models.DateTimeField(blank=True, help_text="When the status last changed.", null=True)),
                ("assessed_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "problem",
                    models.CharField(blank=True, help_text="Why no newer assessment could be made.", max_length=500),
                ),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="assessment.assessment"
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
                    models.Index(fields=["organization", "status"], name="current_status"),
                    models.Index(fields=["organization", "changed_at"], name="current_changed"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Dirty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer_id", models.BigIntegerField(help_text="None: every customer.", null=True)),
                ("force", models.BooleanField(default=False, help_text="Assess even if the evidence is the same.")),
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
                "indexes": [models.Index(fields=["organization", "id"], name="dirty_order")],
            },
        ),
        migrations.CreateModel(
            name="Feedback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("member_name", models.CharField(blank=True, max_length=254)),
                ("reason", models.CharField(max_length=1000)),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("thriving", "Strongly Thriving"),
                            ("engaged", "Actively Engaged"),
                            ("neutral", "Neutral"),
                            ("attention", "Needs Attention"),
                            ("risk", "At Risk"),
                        ],
                        help_text="What the member holds to be right.",
                        max_length=9,
                    ),
                ),
                (
                    "concerns",
                    models.JSONField(
                        default=list, help_text="What weighed against the customer at that time, by code."
                    ),
                ),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="feedback", to="assessment.assessment"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        blank=True,
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
                "indexes": [models.Index(fields=["organization", "customer", "-created_at"], name="feedback_customer")],
            },
        ),
        migrations.CreateModel(
            name="ModelCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(help_text="The calendar day of the organization.")),
                ("model_name", models.CharField(max_length=200)),
                ("input_tokens", models.PositiveIntegerField(default=0)),
                ("output_tokens", models.PositiveIntegerField(default=0)),
                ("cost", models.DecimalField(decimal_places=6, default=0, max_digits=12)),
                ("seconds", models.FloatField(default=0)),
                ("outcome", models.CharField(help_text="accepted, rejected or failed", max_length=16)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
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
            ],
            options={
                "indexes": [models.Index(fields=["organization", "day"], name="modelcall_day")],
            },
        ),
        migrations.CreateModel(
            name="TicketTone",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="tone",
                        serialize=False,
                        to="support.ticket",
                    ),
                ),
                (
                    "read_at",
                    models.DateTimeField(
                        blank=True, help_text="The ticket's `messages_read_at` that this is of.", null=True
                    ),
                ),
                ("topic", models.CharField(blank=True, max_length=20)),
                ("last_at", models.DateTimeField(blank=True, help_text="The customer's newest message.", null=True)),
                ("data", models.TextField(default="{}")),
                (
                    "reader",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        help_text="The tone.VERSION that read it; 0: one before there were versions.",
                    ),
                ),
                ("computed_at", models.DateTimeField(default=startdeliver.common.clock.now)),
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
                "indexes": [models.Index(fields=["organization", "last_at"], name="tickettone_last")],
            },
        ),
        migrations.CreateModel(
            name="AiSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("instructions", models.TextField(blank=True, max_length=4000)),
                (
                    "provider",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Built in (offline)"),
                            ("openai", "OpenAI, or any server that speaks its API"),
                            ("anthropic", "Anthropic"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=200)),
                (
                    "base_url",
                    models.CharField(
                        blank=True, help_text="For a server of your own; empty: the provider's.", max_length=500
                    ),
                ),
                ("key_cipher", models.BinaryField(blank=True, null=True)),
                (
                    "daily_budget",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="In the currency of the prices below, a day of the organization; empty: no limit.",
                        max_digits=10,
                        null=True,
                    ),
                ),
                ("daily_calls", models.PositiveIntegerField(default=1000, help_text="Assessments by the model a day.")),
                (
                    "input_price",
                    models.DecimalField(
                        decimal_places=4, default=0, help_text="Per million tokens that are sent.", max_digits=10
                    ),
                ),
                (
                    "output_price",
                    models.DecimalField(
                        decimal_places=4, default=0, help_text="Per million tokens that come back.", max_digits=10
                    ),
                ),
                (
                    "concurrency",
                    models.PositiveSmallIntegerField(
                        default=4,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(32),
                        ],
                    ),
                ),
                (
                    "timeout_seconds",
                    models.PositiveSmallIntegerField(
                        default=60,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(600),
                        ],
                    ),
                ),
                (
                    "mask_people",
                    models.BooleanField(
                        default=True, help_text="Names and e-mail addresses become Person 1, Person 2 …"
                    ),
                ),
                ("send_quotes", models.BooleanField(default=True, help_text="Short extracts of messages go along.")),
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
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization",), name="aisettings_one")],
            },
        ),
    ]
