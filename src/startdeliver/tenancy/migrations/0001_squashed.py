"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import startdeliver.common.clock


class Migration(migrations.Migration):
    replaces = [
        ("tenancy", "0001_initial"),
        ("tenancy", "0002_session_salt"),
        ("tenancy", "0003_operators"),
        ("tenancy", "0004_session_length"),
    ]

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("currency", models.CharField(default="EUR", max_length=3)),
                ("session_days", models.PositiveSmallIntegerField(default=14, help_text="How long a log-in lasts.")),
                (
                    "session_sliding",
                    models.BooleanField(default=False, help_text="Counted from the last visit, not the log-in."),
                ),
                (
                    "advanced",
                    models.BooleanField(default=False, help_text="The advanced tier; only the operator changes it."),
                ),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[("administrator", "Administrator"), ("main", "Main"), ("lite", "Lite")],
                        default="main",
                        max_length=16,
                    ),
                ),
                ("time_zone", models.CharField(blank=True, help_text="Empty: the organization's.", max_length=64)),
                (
                    "session_salt",
                    models.CharField(
                        blank=True, help_text="Changed to end every session of the member.", max_length=32
                    ),
                ),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="members", to="tenancy.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(django.db.models.functions.text.Lower("email"), name="member_email_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Throttle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "subject",
                    models.CharField(help_text="SHA-256 of the kind and the subject.", max_length=64, unique=True),
                ),
                ("tokens", models.FloatField()),
                ("updated_at", models.DateTimeField(default=startdeliver.common.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="OneTimeLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Operator",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254)),
                ("password", models.CharField(blank=True, help_text="Empty: not set yet.", max_length=128)),
                (
                    "session_salt",
                    models.CharField(blank=True, help_text="Changed to end every session.", max_length=32),
                ),
                (
                    "link_hash",
                    models.CharField(
                        blank=True, help_text="Of the link that sets the password; one use.", max_length=64
                    ),
                ),
                ("link_expires_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("last_login_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"), name="operator_email_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TierChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The organization's name at that time.", max_length=200)),
                ("advanced", models.BooleanField(help_text="What it was switched to.")),
                ("by", models.CharField(max_length=254)),
                ("at", models.DateTimeField(db_index=True, default=startdeliver.common.clock.now)),
                (
                    "organization",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(max_length=12)),
                ("key_hash", models.CharField(max_length=64, unique=True)),
                (
                    "access",
                    models.CharField(
                        choices=[("admin", "Admin"), ("read", "Read only")], default="admin", max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "member",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
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
                "indexes": [models.Index(fields=["organization", "revoked_at"], name="apikey_org")],
            },
        ),
    ]
