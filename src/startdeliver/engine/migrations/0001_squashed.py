"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.db.models.deletion
from django.db import migrations, models

import startdeliver.common.clock


class Migration(migrations.Migration):
    replaces = [("engine", "0001_initial"), ("engine", "0002_ticks_and_turns")]

    initial = True

    dependencies = [
        ("tenancy", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="TickTurn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("owner", models.CharField(blank=True, help_text="Empty: nobody is at it.", max_length=200)),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner", models.CharField(max_length=200, unique=True)),
                ("started_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("heartbeat_at", models.DateTimeField(default=startdeliver.common.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=64)),
                (
                    "key",
                    models.CharField(
                        help_text="At most one live job has it: enqueuing again gives the same job.", max_length=200
                    ),
                ),
                ("payload", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting for a worker"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("not_before", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("attempts", models.IntegerField(default=0)),
                ("cancel_requested", models.BooleanField(default=False, help_text="Asked to stop while it ran.")),
                ("owner", models.CharField(blank=True, max_length=200)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("progress", models.JSONField(default=dict)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["status", "not_before"], name="job_ready"),
                    models.Index(fields=["kind", "-created_at"], name="job_kind"),
                    models.Index(fields=["organization", "-started_at"], name="job_turn"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])), fields=("key",), name="job_one_live"
                    )
                ],
            },
        ),
    ]
