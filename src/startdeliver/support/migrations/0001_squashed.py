"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import startdeliver.common.clock


class Migration(migrations.Migration):
    replaces = [
        ("support", "0001_initial"),
        ("support", "0002_daily_pass"),
        ("support", "0003_list_indexes"),
        ("support", "0004_open_by_update"),
    ]

    initial = True

    dependencies = [
        ("customers", "0001_squashed"),
        ("tenancy", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Ticket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("workspace", models.CharField(max_length=64)),
                ("external_id", models.CharField(max_length=128)),
                ("link", models.CharField(blank=True, max_length=500)),
                ("title", models.CharField(blank=True, max_length=500)),
                (
                    "preview",
                    models.CharField(
                        blank=True, help_text="The start of the first message, plain text.", max_length=300
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("resolved", "Resolved")], default="open", max_length=10
                    ),
                ),
                ("snoozed", models.BooleanField(default=False)),
                ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                ("priority", models.CharField(blank=True, max_length=32)),
                ("channel", models.CharField(blank=True, max_length=32)),
                (
                    "assignee_ref",
                    models.CharField(blank=True, help_text="Intercom's admin id; empty: unassigned.", max_length=64),
                ),
                ("assignee_name", models.CharField(blank=True, max_length=255)),
                ("team_ref", models.CharField(blank=True, max_length=64)),
                ("team_name", models.CharField(blank=True, max_length=255)),
                ("tags", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "clock_from",
                    models.DateTimeField(help_text="Overdue counts from here: creation or the last reopening."),
                ),
                (
                    "clock_exact",
                    models.BooleanField(default=False, help_text="The last reopening was read from the parts."),
                ),
                ("waiting_since", models.DateTimeField(blank=True, null=True)),
                ("first_reply_at", models.DateTimeField(blank=True, null=True)),
                ("first_reply_seconds", models.IntegerField(blank=True, null=True)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolution_seconds", models.IntegerField(blank=True, null=True)),
                ("last_contact_reply_at", models.DateTimeField(blank=True, null=True)),
                ("last_admin_reply_at", models.DateTimeField(blank=True, null=True)),
                ("reopen_count", models.IntegerField(default=0)),
                ("rating", models.SmallIntegerField(blank=True, help_text="1 to 5.", null=True)),
                ("rating_remark", models.TextField(blank=True)),
                ("rated_at", models.DateTimeField(blank=True, null=True)),
                ("sla_name", models.CharField(blank=True, max_length=255)),
                ("sla_status", models.CharField(blank=True, max_length=32)),
                (
                    "ticket_type",
                    models.CharField(blank=True, help_text="Of Intercom's own Ticket object.", max_length=255),
                ),
                ("ticket_state", models.CharField(blank=True, max_length=255)),
                (
                    "author_ref",
                    models.CharField(blank=True, help_text="Contact id of the conversation's author.", max_length=128),
                ),
                (
                    "company_ref",
                    models.CharField(
                        blank=True, help_text="Intercom's id of the conversation's company.", max_length=128
                    ),
                ),
                ("company_external_ref", models.CharField(blank=True, max_length=255)),
                (
                    "part_count",
                    models.IntegerField(default=0, help_text="What Intercom says it has; parts of every kind."),
                ),
                ("stored_part_count", models.IntegerField(default=0)),
                ("message_count", models.IntegerField(default=0, help_text="Stored messages, the first one included.")),
                (
                    "incomplete",
                    models.BooleanField(
                        default=False, help_text="Parts are missing that Intercom withholds (over 500)."
                    ),
                ),
                (
                    "messages_due",
                    models.BooleanField(default=True, help_text="Changed since its messages were last read."),
                ),
                ("messages_read_at", models.DateTimeField(blank=True, null=True)),
                ("synced_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "fingerprint",
                    models.CharField(blank=True, help_text="Hash of the listed facts, to see a change.", max_length=32),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="tickets",
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
                    models.Index(fields=["organization", "customer", "status", "clock_from"], name="ticket_health"),
                    models.Index(fields=["organization", "status", "clock_from"], name="ticket_status"),
                    models.Index(fields=["organization", "updated_at"], name="ticket_updated"),
                    models.Index(
                        condition=models.Q(("status", "open")),
                        fields=["organization", "updated_at"],
                        name="ticket_open_updated",
                    ),
                    models.Index(fields=["organization", "created_at"], name="ticket_created"),
                    models.Index(
                        condition=models.Q(("status", "resolved")),
                        fields=["organization", "resolved_at"],
                        name="ticket_resolved",
                    ),
                    models.Index(
                        condition=models.Q(("messages_due", True)),
                        fields=["organization", "messages_due", "updated_at"],
                        name="ticket_due",
                    ),
                    models.Index(
                        condition=models.Q(("rated_at__isnull", False)),
                        fields=["organization", "customer", "rated_at"],
                        name="ticket_rated",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "workspace", "external_id"), name="ticket_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="TicketParticipant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contact_ref", models.CharField(max_length=128)),
                ("contact_external_ref", models.CharField(blank=True, max_length=255)),
                ("email", models.CharField(blank=True, max_length=254)),
                ("name", models.CharField(blank=True, max_length=255)),
                (
                    "match",
                    models.CharField(
                        choices=[
                            ("matched", "Matched"),
                            ("unmatched", "No user matches"),
                            ("ambiguous", "Several users match"),
                        ],
                        default="unmatched",
                        max_length=10,
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
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="participants", to="support.ticket"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.customeruser",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "contact_ref"], name="participant_contact")],
                "constraints": [models.UniqueConstraint(fields=("ticket", "contact_ref"), name="participant_key")],
            },
        ),
        migrations.CreateModel(
            name="SupportDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("taken_at", models.DateTimeField(default=startdeliver.common.clock.now)),
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="supportday_one")],
            },
        ),
        migrations.CreateModel(
            name="SupportHealth",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="support_health",
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
                ("ticket_count", models.IntegerField(default=0)),
                ("open_count", models.IntegerField(default=0)),
                ("overdue_count", models.IntegerField(default=0)),
                (
                    "oldest_open_at",
                    models.DateTimeField(
                        blank=True, help_text="Clock start of the ticket that has been open for longest.", null=True
                    ),
                ),
                (
                    "next_clock_from",
                    models.DateTimeField(
                        blank=True, help_text="Clock start of the open ticket that becomes overdue next.", null=True
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
                ("resolved_30", models.IntegerField(default=0)),
                ("resolved_90", models.IntegerField(default=0)),
                (
                    "median_first_reply",
                    models.IntegerField(blank=True, help_text="Seconds, tickets of 90 days.", null=True),
                ),
                (
                    "median_resolution",
                    models.IntegerField(blank=True, help_text="Seconds, tickets of 90 days.", null=True),
                ),
                ("rating_count", models.IntegerField(default=0, help_text="Ratings of 90 days.")),
                ("rating_mean", models.FloatField(blank=True, null=True)),
                ("computed_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("stats_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reconstructed_at",
                    models.DateTimeField(
                        blank=True, help_text="When the days before the first snapshot were worked out.", null=True
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
                    models.Index(fields=["organization", "status"], name="supporthealth_status"),
                    models.Index(fields=["organization", "next_clock_from"], name="supporthealth_next"),
                    models.Index(fields=["organization", "changed_at"], name="supporthealth_changed"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SupportRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "days_until_overdue",
                    models.PositiveIntegerField(
                        default=7,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                    ),
                ),
                (
                    "overdue_until_poor",
                    models.PositiveIntegerField(
                        default=3,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100000),
                        ],
                    ),
                ),
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="supportrule_one")],
            },
        ),
        migrations.CreateModel(
            name="SupportSnapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[("good", "Good"), ("fair", "Fair"), ("poor", "Poor")],
                        max_length=4,
                        null=True,
                    ),
                ),
                ("open_count", models.IntegerField(default=0)),
                ("overdue_count", models.IntegerField(default=0)),
                (
                    "reconstructed",
                    models.BooleanField(
                        default=False,
                        help_text="Worked out later from the tickets' dates, for days before the first sync.",
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
                    models.UniqueConstraint(fields=("organization", "customer", "day"), name="snapshot_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Thread",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="thread",
                        serialize=False,
                        to="support.ticket",
                    ),
                ),
                ("entries", models.TextField(default="[]")),
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
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="Ticket",
            name="users",
            field=models.ManyToManyField(
                related_name="tickets", through="support.TicketParticipant", to="customers.customeruser"
            ),
        ),
    ]
