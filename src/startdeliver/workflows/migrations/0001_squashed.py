"""The schema as it was before jobs became the only leases and changes got their table, in one step."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import startdeliver.common.clock


class Migration(migrations.Migration):
    replaces = [("workflows", "0001_initial"), ("workflows", "0002_at_risk")]

    initial = True

    dependencies = [
        ("customers", "0001_squashed"),
        ("tenancy", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Workflow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                (
                    "key",
                    models.CharField(help_text="The name that programs use, such as at_risk; fixed.", max_length=60),
                ),
                ("description", models.CharField(blank=True, max_length=500)),
                (
                    "enrol_rule",
                    models.JSONField(blank=True, default=list, help_text="Who enters by itself; empty: nobody."),
                ),
                (
                    "leaves",
                    models.CharField(
                        choices=[
                            ("by_hand", "Only by hand"),
                            ("no_longer", "When the rule for entering no longer holds"),
                            ("rule", "When a rule of its own holds"),
                        ],
                        default="no_longer",
                        max_length=9,
                    ),
                ),
                ("leave_rule", models.JSONField(blank=True, default=list)),
                (
                    "leave_after_days",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="How long the reason to leave must have held.",
                        validators=[django.core.validators.MaxValueValidator(365)],
                    ),
                ),
                (
                    "hand_leaves_too",
                    models.BooleanField(
                        default=False,
                        help_text="Customers who were enrolled by hand leave by the rule like the others.",
                    ),
                ),
                (
                    "swept_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the rules were last applied to every customer; None: to be done.",
                        null=True,
                    ),
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
                "indexes": [models.Index(fields=["organization", "archived_at", "name"], name="workflow_name")],
                "constraints": [models.UniqueConstraint(fields=("organization", "key"), name="workflow_key")],
            },
        ),
        migrations.CreateModel(
            name="Enrolment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entered_at", models.DateTimeField(default=startdeliver.common.clock.now)),
                (
                    "entered_how",
                    models.CharField(
                        choices=[
                            ("hand", "By hand"),
                            ("api", "By a program"),
                            ("rule", "By rule"),
                            ("end", "Because the customer or the workflow was archived"),
                        ],
                        default="hand",
                        max_length=4,
                    ),
                ),
                (
                    "entered_by",
                    models.CharField(
                        blank=True, help_text="A member's e-mail address or a key's name.", max_length=254
                    ),
                ),
                (
                    "entered_reason",
                    models.CharField(blank=True, help_text="In words, with the values of then.", max_length=500),
                ),
                (
                    "leaving_since",
                    models.DateTimeField(
                        blank=True,
                        help_text="Since when there is a reason to leave by rule, without a break.",
                        null=True,
                    ),
                ),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                (
                    "left_how",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("hand", "By hand"),
                            ("api", "By a program"),
                            ("rule", "By rule"),
                            ("end", "Because the customer or the workflow was archived"),
                        ],
                        max_length=4,
                    ),
                ),
                ("left_by", models.CharField(blank=True, max_length=254)),
                ("left_reason", models.CharField(blank=True, max_length=500)),
                (
                    "hold_off",
                    models.BooleanField(
                        default=False,
                        help_text="Removed by hand: the rule leaves the customer alone until it has not held once.",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrolments",
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
                    "workflow",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workflows.workflow",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "customer", "-entered_at"], name="enrolment_customer"),
                    models.Index(fields=["organization", "workflow", "-entered_at"], name="enrolment_entered"),
                    models.Index(fields=["organization", "workflow", "-left_at"], name="enrolment_left"),
                    models.Index(fields=["organization", "entered_at"], name="enrolment_new"),
                    models.Index(
                        condition=models.Q(("left_at__isnull", False)),
                        fields=["organization", "left_at"],
                        name="enrolment_ended",
                    ),
                    models.Index(
                        condition=models.Q(("leaving_since__isnull", False), ("left_at__isnull", True)),
                        fields=["workflow", "leaving_since"],
                        name="enrolment_leaving",
                    ),
                    models.Index(
                        condition=models.Q(("hold_off", True)),
                        fields=["workflow", "customer"],
                        name="enrolment_hold_off",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("left_at__isnull", True)),
                        fields=("workflow", "customer"),
                        name="enrolment_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkflowState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "looked_at",
                    models.DateTimeField(blank=True, help_text="Changes up to here were looked at.", null=True),
                ),
                (
                    "swept_day",
                    models.DateField(blank=True, help_text="The day on which every customer was looked at.", null=True),
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="workflowstate_one")],
            },
        ),
    ]
