"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.db.models.deletion
from django.db import migrations, models

import startdeliver.common.clock


class Migration(migrations.Migration):
    replaces = [
        ("sync", "0001_initial"),
        ("sync", "0002_push"),
        ("sync", "0003_events"),
        ("sync", "0004_push_previews"),
    ]

    initial = True

    dependencies = [
        ("customers", "0001_squashed"),
        ("tenancy", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Connection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[("new", "Not connected"), ("authenticated", "Authenticated"), ("revoked", "Revoked")],
                        default="new",
                        max_length=16,
                    ),
                ),
                ("token_cipher", models.BinaryField(blank=True, null=True)),
                ("token_kind", models.CharField(blank=True, help_text="oauth or token", max_length=8)),
                ("authenticated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "workspace",
                    models.CharField(
                        blank=True, help_text="The workspace ID, once checked against /me.", max_length=64
                    ),
                ),
                ("workspace_name", models.CharField(blank=True, max_length=255)),
                ("region", models.CharField(default="US", help_text="US, EU or AU; as /me says.", max_length=2)),
                ("eu_answer", models.BooleanField(default=False)),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC", help_text="The workspace's; contact search uses its days.", max_length=64
                    ),
                ),
                ("create_contacts", models.BooleanField(default=False)),
                ("create_customers", models.BooleanField(default=False)),
                ("match_domains", models.BooleanField(default=False)),
                ("sync_events", models.BooleanField(default=False)),
                (
                    "field_rules",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Changed mappings only: {"customer.plan": {"from": "plan", "rule": "intercom"}}.',
                    ),
                ),
                (
                    "rate_reserve",
                    models.PositiveIntegerField(default=0, help_text="Requests per 10 s left to other apps."),
                ),
                (
                    "saved_at",
                    models.DateTimeField(
                        blank=True, help_text="First save; from then on it syncs every 24 hours.", null=True
                    ),
                ),
                ("settings_changed_at", models.DateTimeField(blank=True, null=True)),
                ("next_sync_at", models.DateTimeField(blank=True, null=True)),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                ("problem_code", models.CharField(blank=True, max_length=64)),
                (
                    "problem",
                    models.CharField(
                        blank=True, help_text="One sentence: what is wrong and how to mend it.", max_length=500
                    ),
                ),
                ("problem_at", models.DateTimeField(blank=True, null=True)),
                (
                    "alerted_at",
                    models.DateTimeField(
                        blank=True, help_text="When the administrators were last written to.", null=True
                    ),
                ),
                ("conversations_until", models.BigIntegerField(blank=True, null=True)),
                ("contacts_until", models.BigIntegerField(blank=True, null=True)),
                ("tickets_until", models.BigIntegerField(blank=True, null=True)),
                ("deleted_until", models.BigIntegerField(blank=True, null=True)),
                ("swept_at", models.DateTimeField(blank=True, help_text="Last complete daily sweep.", null=True)),
                (
                    "matched_at",
                    models.DateTimeField(
                        blank=True, help_text="Last complete look at skips and unassigned tickets.", null=True
                    ),
                ),
                (
                    "events_at",
                    models.DateTimeField(blank=True, help_text="When events were last read to their end.", null=True),
                ),
                (
                    "events_problem",
                    models.CharField(blank=True, help_text="Why events cannot be read, in a sentence.", max_length=500),
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
                "indexes": [models.Index(fields=["next_sync_at"], name="connection_due")],
                "constraints": [models.UniqueConstraint(fields=("organization",), name="connection_one")],
            },
        ),
        migrations.CreateModel(
            name="EventName",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                (
                    "ignored_at",
                    models.DateTimeField(
                        blank=True, help_text="Set: no longer offered; its events still wait.", null=True
                    ),
                ),
                ("waiting", models.IntegerField(default=0, help_text="Its rows of WaitingEvent.")),
                ("counted", models.BigIntegerField(default=0, help_text="Its events that became usage.")),
                (
                    "last_at",
                    models.BigIntegerField(default=0, help_text="Unix seconds of the newest one that was read."),
                ),
                ("first_read_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "example",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who did it last.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.customeruser",
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
                "constraints": [models.UniqueConstraint(fields=("organization", "name"), name="eventname_key")],
            },
        ),
        migrations.CreateModel(
            name="MirrorCompany",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("workspace", models.CharField(max_length=64)),
                ("ref", models.CharField(help_text="Intercom's id.", max_length=128)),
                (
                    "company_id",
                    models.CharField(blank=True, help_text="The id that the organization gave it.", max_length=255),
                ),
                ("name", models.CharField(blank=True, max_length=255)),
                (
                    "facts",
                    models.JSONField(
                        default=dict, help_text="website, plan, size, industry, monthly_spend, tags, custom attributes."
                    ),
                ),
                ("fingerprint", models.CharField(blank=True, max_length=32)),
                (
                    "matched_by",
                    models.CharField(blank=True, help_text="external_id, domain, manual or created", max_length=16),
                ),
                (
                    "match_note",
                    models.CharField(blank=True, help_text="ambiguous, when several customers fit", max_length=16),
                ),
                ("changed_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "seen_at",
                    models.DateTimeField(default=startdeliver.common.clock.now, help_text="Last sweep that listed it."),
                ),
                ("gone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
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
                "indexes": [models.Index(fields=["organization", "company_id"], name="mirrorcompany_company_id")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "workspace", "ref"), name="mirrorcompany_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="MirrorContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("workspace", models.CharField(max_length=64)),
                ("ref", models.CharField(help_text="Intercom's id.", max_length=128)),
                ("external_id", models.CharField(blank=True, max_length=255)),
                ("email", models.CharField(blank=True, max_length=254)),
                ("email_key", models.CharField(blank=True, max_length=254)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("role", models.CharField(blank=True, max_length=32)),
                (
                    "company_refs",
                    models.JSONField(default=list, help_text="Intercom's ids of its companies, in order."),
                ),
                ("facts", models.JSONField(default=dict, help_text="phone, last_seen_at, tags, custom attributes.")),
                ("fingerprint", models.CharField(blank=True, max_length=32)),
                ("remote_updated_at", models.BigIntegerField(default=0, help_text="Unix seconds.")),
                ("last_seen_at", models.BigIntegerField(default=0, help_text="Unix seconds; 0: never.")),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "Active"), ("archived", "Archived or deleted"), ("merged", "Merged")],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("merged_into", models.CharField(blank=True, max_length=128)),
                (
                    "matched_by",
                    models.CharField(
                        blank=True, help_text="external_id, email, manual, created or merged", max_length=16
                    ),
                ),
                (
                    "match_note",
                    models.CharField(blank=True, help_text="ambiguous, when several users fit", max_length=16),
                ),
                (
                    "events_read_at",
                    models.BigIntegerField(
                        help_text="Unix seconds of Intercom's clock up to which its events were read; null: never.",
                        null=True,
                    ),
                ),
                ("events_user", models.BigIntegerField(help_text="The user that they were read for.", null=True)),
                ("changed_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "seen_at",
                    models.DateTimeField(
                        default=startdeliver.common.clock.now, help_text="Last time that Intercom listed it."
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
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.customeruser",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "email_key"], name="mirrorcontact_email"),
                    models.Index(fields=["organization", "external_id"], name="mirrorcontact_external_id"),
                    models.Index(fields=["organization", "seen_at"], name="mirrorcontact_seen"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "workspace", "ref"), name="mirrorcontact_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboundMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("workspace", models.CharField(max_length=64)),
                ("external_id", models.CharField(max_length=128)),
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
                    models.UniqueConstraint(fields=("organization", "workspace", "external_id"), name="outbound_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="PushField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model", models.CharField(choices=[("company", "Companies"), ("contact", "Contacts")], max_length=7)),
                (
                    "source",
                    models.CharField(
                        help_text="usage_health, last_login … or the alias of a custom field.", max_length=120
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="The attribute's name in Intercom; fixed once it is there.", max_length=190
                    ),
                ),
                ("ticked", models.BooleanField(default=False)),
                (
                    "accepted_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When a preview with it was accepted; before that it goes nowhere by itself.",
                        null=True,
                    ),
                ),
                (
                    "workspace",
                    models.CharField(blank=True, help_text="Where the attribute is known to exist.", max_length=64),
                ),
                ("attribute_id", models.CharField(blank=True, max_length=64)),
                ("options", models.JSONField(blank=True, default=list)),
                ("defined_at", models.DateTimeField(blank=True, null=True)),
                (
                    "problem",
                    models.CharField(blank=True, help_text="Why the attribute cannot be filled.", max_length=500),
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
                    models.UniqueConstraint(fields=("organization", "model", "source"), name="pushfield_source"),
                    models.UniqueConstraint(fields=("organization", "name"), name="pushfield_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PushPreview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting for a worker"),
                            ("running", "Being worked out"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=8,
                    ),
                ),
                ("asked_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("asked_by", models.CharField(blank=True, max_length=254)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "chosen",
                    models.CharField(
                        blank=True, help_text="What it was asked about; see `choices.chosen`.", max_length=32
                    ),
                ),
                ("progress", models.JSONField(default=dict)),
                ("result", models.JSONField(default=dict)),
                ("error", models.CharField(blank=True, max_length=500)),
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="pushpreview_one")],
            },
        ),
        migrations.CreateModel(
            name="PushRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "values",
                    models.JSONField(
                        default=dict,
                        help_text='{attribute: {"v": value sent, "at": unix seconds, "a": Intercom\'s form if another}}',
                    ),
                ),
                ("mark", models.TextField(blank=True, default="")),
                ("fingerprint", models.CharField(blank=True, max_length=32)),
                (
                    "company",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pushed",
                        to="sync.mirrorcompany",
                    ),
                ),
                (
                    "contact",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pushed",
                        to="sync.mirrorcontact",
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
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PushRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("sync", "After a sync"),
                            ("button", "Push now"),
                            ("cli", "Command line"),
                            ("retry", "Tried again"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("success", "Complete"), ("failed", "Failed")],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("owner", models.CharField(blank=True, max_length=200)),
                ("defined", models.IntegerField(default=0, help_text="Attribute definitions made or changed.")),
                ("planned", models.IntegerField(default=0)),
                ("written", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("requests", models.IntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=500)),
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
                "indexes": [models.Index(fields=["organization", "-started_at"], name="pushrun_latest")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")),
                        fields=("organization",),
                        name="pushrun_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PushLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model", models.CharField(choices=[("company", "Companies"), ("contact", "Contacts")], max_length=7)),
                ("ref", models.CharField(blank=True, help_text="Intercom's id.", max_length=128)),
                ("record", models.BigIntegerField(help_text="The customer's or user's number.", null=True)),
                ("label", models.CharField(blank=True, max_length=255)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("written", "Written"),
                            ("confirmed", "Was there already"),
                            ("failed", "Failed"),
                            ("defined", "Attribute defined"),
                        ],
                        max_length=10,
                    ),
                ),
                ("sentence", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField(default=startdeliver.common.clock.now)),
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
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="sync.pushrun",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-at"], name="pushlog_latest"),
                    models.Index(fields=["organization", "model", "record"], name="pushlog_record"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PushItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(blank=True, max_length=255)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("mark", models.TextField(blank=True, default="")),
                ("not_before", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("attempts", models.IntegerField(default=0)),
                ("in_flight", models.BooleanField(default=False, help_text="Sent, and the answer is not stored yet.")),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Waiting"),
                            ("transient", "Intercom could not take it just then"),
                            ("gone", "Archived or deleted in Intercom"),
                            ("conflict", "Another record has this value"),
                            ("refused", "Intercom refused the value"),
                            ("internal", "Internal error"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("sentence", models.CharField(blank=True, max_length=500)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "company",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sync.mirrorcompany",
                    ),
                ),
                (
                    "contact",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sync.mirrorcontact",
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
                    "run",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="sync.pushrun"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "in_flight", "not_before"], name="pushitem_due"),
                    models.Index(fields=["organization", "reason"], name="pushitem_reason"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PushSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "prefix",
                    models.CharField(
                        default="startdeliver_", help_text="Begins the names of new attributes.", max_length=40
                    ),
                ),
                (
                    "keep_in_line",
                    models.BooleanField(
                        default=False, help_text="Values changed by hand in Intercom are put right at the next run."
                    ),
                ),
                ("create_companies", models.BooleanField(default=False)),
                ("create_contacts", models.BooleanField(default=False)),
                (
                    "accepted_at",
                    models.DateTimeField(blank=True, help_text="When a preview was first accepted.", null=True),
                ),
                ("accepted_by", models.CharField(blank=True, max_length=254)),
                ("updated_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("updated_by", models.CharField(blank=True, max_length=254)),
                (
                    "retry_at",
                    models.DateTimeField(
                        blank=True,
                        db_index=True,
                        help_text="When a push is to be made without waiting for the next sync.",
                        null=True,
                    ),
                ),
                (
                    "retries",
                    models.IntegerField(default=0, help_text="Pushes in a row that Intercom could not take in full."),
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="pushsettings_one")],
            },
        ),
        migrations.CreateModel(
            name="Skip",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("workspace", models.CharField(max_length=64)),
                ("external_id", models.CharField(help_text="The conversation's id.", max_length=128)),
                ("contact_ref", models.CharField(blank=True, max_length=128)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("no_user", "No user matches"),
                            ("ambiguous", "Several users match"),
                            ("no_contact", "The conversation has no contact"),
                            ("unreadable", "Intercom's answer could not be read"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "detail",
                    models.CharField(
                        blank=True, help_text="One sentence that explains this very skip.", max_length=500
                    ),
                ),
                ("title", models.CharField(blank=True, max_length=500)),
                ("contact_name", models.CharField(blank=True, max_length=255)),
                ("contact_email", models.CharField(blank=True, max_length=254)),
                (
                    "refs",
                    models.JSONField(
                        default=dict, help_text="What matching needs to decide again without asking Intercom."
                    ),
                ),
                ("conversation_updated_at", models.DateTimeField(blank=True, null=True)),
                ("first_seen_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("last_seen_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
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
                    models.Index(fields=["organization", "resolved_at", "reason"], name="skip_open"),
                    models.Index(fields=["organization", "contact_ref"], name="skip_contact"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "workspace", "external_id"), name="skip_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("button", "Sync now"),
                            ("schedule", "Every 24 hours"),
                            ("cli", "Command line"),
                            ("save", "First save"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting for a worker"),
                            ("running", "Running"),
                            ("success", "Complete"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("messages_wanted", models.BooleanField(default=True, help_text="False: --no-messages.")),
                ("created_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.CharField(
                        blank=True, help_text="host/boot/pid/start of the process that runs it.", max_length=200
                    ),
                ),
                (
                    "attempts",
                    models.IntegerField(
                        default=0, help_text="How many processes have worked on it; over 1: taken over."
                    ),
                ),
                ("stage", models.CharField(blank=True, max_length=32)),
                (
                    "cursor",
                    models.JSONField(
                        blank=True, default=dict, help_text="Where the run resumes; written with each page."
                    ),
                ),
                (
                    "progress",
                    models.JSONField(blank=True, default=dict, help_text='{"stage", "done", "total"} for people.'),
                ),
                ("listed", models.IntegerField(default=0)),
                ("imported", models.IntegerField(default=0)),
                ("updated", models.IntegerField(default=0)),
                ("unchanged", models.IntegerField(default=0)),
                ("deleted", models.IntegerField(default=0)),
                (
                    "skipped",
                    models.JSONField(blank=True, default=dict, help_text="{reason: number} of this run's listing."),
                ),
                ("outbound", models.IntegerField(default=0, help_text="Outbound messages without a contact's reply.")),
                ("messages", models.IntegerField(default=0)),
                (
                    "events",
                    models.JSONField(
                        blank=True, default=dict, help_text="{what: number} of the events read, see pull/events."
                    ),
                ),
                ("users_created", models.IntegerField(default=0)),
                ("users_updated", models.IntegerField(default=0)),
                ("customers_created", models.IntegerField(default=0)),
                ("customers_updated", models.IntegerField(default=0)),
                ("requests", models.IntegerField(default=0)),
                (
                    "sweep_requests",
                    models.IntegerField(default=0, help_text="Part of requests: the once-a-day sweeps."),
                ),
                ("sweep_seconds", models.FloatField(default=0)),
                (
                    "warnings",
                    models.JSONField(blank=True, default=list, help_text="Sentences about what could not be read."),
                ),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error", models.CharField(blank=True, help_text="One sentence for the person.", max_length=500)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="sync.connection"
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
                    models.Index(fields=["organization", "-created_at"], name="syncrun_latest"),
                    models.Index(fields=["status", "created_at"], name="syncrun_status"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])),
                        fields=("organization",),
                        name="syncrun_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.BigIntegerField(help_text="Unix seconds.")),
                (
                    "key",
                    models.CharField(
                        help_text="What it would be called among usage events; see events.store.", max_length=255
                    ),
                ),
                (
                    "name",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sync.eventname",
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
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customeruser"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "name", "id"], name="waitingevent_name")],
                "constraints": [models.UniqueConstraint(fields=("organization", "at", "key"), name="waitingevent_key")],
            },
        ),
    ]
