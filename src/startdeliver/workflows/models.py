"""Workflows, and who was enrolled in them when, why and by whom."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.tenancy.scope import TenantModel


class Leaves(models.TextChoices):
    """How customers leave a workflow by themselves."""

    BY_HAND = "by_hand", "Only by hand"
    NO_LONGER = "no_longer", "When the rule for entering no longer holds"
    RULE = "rule", "When a rule of its own holds"


class How(models.TextChoices):
    """Who enrolled or removed a customer."""

    HAND = "hand", "By hand"
    API = "api", "By a program"
    RULE = "rule", "By rule"
    END = "end", "Because the customer or the workflow was archived"


class Workflow(TenantModel):
    """A programme that customers are enrolled in. Its rules are lists of groups of conditions (see `rules`)."""

    name = models.CharField(max_length=60)
    key = models.CharField(max_length=60, help_text="The name that programs use, such as at_risk; fixed.")
    description = models.CharField(max_length=500, blank=True)
    enrol_rule: models.JSONField[list[Any], list[Any]] = models.JSONField(
        default=list, blank=True, help_text="Who enters by itself; empty: nobody."
    )
    leaves = models.CharField(max_length=9, choices=Leaves.choices, default=Leaves.NO_LONGER)
    leave_rule: models.JSONField[list[Any], list[Any]] = models.JSONField(default=list, blank=True)
    leave_after_days = models.PositiveSmallIntegerField(
        default=7, validators=[MaxValueValidator(365)], help_text="How long the reason to leave must have held."
    )
    hand_leaves_too = models.BooleanField(
        default=False, help_text="Customers who were enrolled by hand leave by the rule like the others."
    )
    swept_at = models.DateTimeField(
        null=True, blank=True, help_text="When the rules were last applied to every customer; None: to be done."
    )
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="workflow_key")]
        indexes = [models.Index(fields=["organization", "archived_at", "name"], name="workflow_name")]

    def __str__(self) -> str:
        return self.name


class Enrolment(TenantModel):
    """One stay of a customer in a workflow, kept for ever. Open while `left_at` is None; at most one is."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="enrolments", db_index=False)
    entered_at = models.DateTimeField(default=clock.now)
    entered_how = models.CharField(max_length=4, choices=How.choices, default=How.HAND)
    entered_by = models.CharField(max_length=254, blank=True, help_text="A member's e-mail address or a key's name.")
    entered_reason = models.CharField(max_length=500, blank=True, help_text="In words, with the values of then.")
    leaving_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when there is a reason to leave by rule, without a break."
    )
    left_at = models.DateTimeField(null=True, blank=True)
    left_how = models.CharField(max_length=4, choices=How.choices, blank=True)
    left_by = models.CharField(max_length=254, blank=True)
    left_reason = models.CharField(max_length=500, blank=True)
    hold_off = models.BooleanField(
        default=False, help_text="Removed by hand: the rule leaves the customer alone until it has not held once."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "customer"], condition=models.Q(left_at__isnull=True), name="enrolment_open"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "customer", "-entered_at"], name="enrolment_customer"),
            models.Index(fields=["organization", "workflow", "-entered_at"], name="enrolment_entered"),
            models.Index(fields=["organization", "workflow", "-left_at"], name="enrolment_left"),
            models.Index(fields=["organization", "entered_at"], name="enrolment_new"),
            models.Index(
                fields=["organization", "left_at"], condition=models.Q(left_at__isnull=False), name="enrolment_ended"
            ),
            models.Index(
                fields=["workflow", "leaving_since"],
                condition=models.Q(leaving_since__isnull=False, left_at__isnull=True),
                name="enrolment_leaving",
            ),
            models.Index(fields=["workflow", "customer"], condition=models.Q(hold_off=True), name="enrolment_hold_off"),
        ]

    workflow_id: int
    customer_id: int

    def __str__(self) -> str:
        return f"customer {self.customer_id} in workflow {self.workflow_id}"
