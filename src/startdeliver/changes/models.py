"""The table of changes, and which stage of the pipeline hears of which kind of change."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from startdeliver.tenancy.scope import TenantModel


class Kind(models.TextChoices):
    """What changed. Kinds marked with * are recorded by triggers (see `triggers.py`)."""

    CUSTOMER = "customer"  # * a customer was added, archived, restored, or one of its custom fields changed
    CUSTOMER_DETAILS = "customer_details"  # * anything else of a customer was edited
    USER = "user"  # * a user was added, deleted, moved, archived, left, or one of its custom fields changed
    USER_DETAILS = "user_details"  # * anything else of a user was edited, or it was seen
    EVENTS = "events"  # usage events were stored that the rollup has not counted yet
    USAGE = "usage"  # the rollup of a user and usage type changed
    PRODUCT = "product"  # the rule of a product changed
    LOGINS = "logins"  # which usage types are logins changed
    TICKET = "ticket"  # a ticket of the customer was stored, moved or deleted
    OVERDUE = "overdue"  # time: a ticket became overdue
    DAY = "day"  # time: a new calendar day of the organization began, and with it every window moved
    LEAVING = "leaving"  # time: a customer has had a reason to leave a workflow for long enough
    USAGE_HEALTH = "usage_health"  # *
    SUPPORT_HEALTH = "support_health"  # *
    ASSESSMENT = "assessment"  # * the status or trend of a customer's newest assessment
    ENROLMENT = "enrolment"  # * a customer entered or left a workflow
    EVIDENCE = "evidence"  # tones of messages, feedback, or the settings of assessments
    REASSESS = "reassess"  # a member asked for a new assessment although nothing changed
    WORKFLOW = "workflow"  # the rule of a workflow, or a field that it asks for
    MATCHING = "matching"  # the settings by which Intercom's records are matched


class Stage(models.TextChoices):
    """Who takes a row. NEW: nobody yet; it is handed out to the stages that hear of its kind.

    MODEL, OUT and REMATCH are taken by jobs of their own: the language model, the push, and the next sync.
    """

    NEW = ""
    USAGE = "usage"
    SUPPORT = "support"
    FIGURES = "figures"
    ASSESSMENT = "assessment"
    MODEL = "model"
    WORKFLOWS = "workflows"
    PUSH = "push"
    OUT = "out"
    REMATCH = "rematch"


_PEOPLE = dict.fromkeys([Kind.CUSTOMER, Kind.CUSTOMER_DETAILS, Kind.USER, Kind.USER_DETAILS], 0)
_RESULTS = dict.fromkeys([Kind.USAGE_HEALTH, Kind.SUPPORT_HEALTH, Kind.ASSESSMENT], 0)

HEARS: dict[Stage, dict[Kind, int]] = {
    Stage.USAGE: {
        **dict.fromkeys([Kind.EVENTS, Kind.USAGE, Kind.PRODUCT, Kind.LOGINS, Kind.DAY], 0),
        **dict.fromkeys([Kind.CUSTOMER, Kind.USER, Kind.USER_DETAILS], 0),
    },
    # A sync stores the tickets of a customer page by page, so they are collected for a moment.
    Stage.SUPPORT: {**dict.fromkeys([Kind.USER, Kind.OVERDUE, Kind.DAY], 0), Kind.TICKET: 1},
    Stage.FIGURES: {Kind.TICKET: 15},
    Stage.ASSESSMENT: {
        **_PEOPLE,
        **dict.fromkeys([Kind.USAGE, Kind.PRODUCT, Kind.USAGE_HEALTH, Kind.EVIDENCE, Kind.REASSESS, Kind.DAY], 0),
        # Enrolments follow from assessments, so both could go around in a circle.
        **dict.fromkeys([Kind.TICKET, Kind.SUPPORT_HEALTH, Kind.ENROLMENT], 15),
    },
    Stage.WORKFLOWS: {**_PEOPLE, **_RESULTS, **dict.fromkeys([Kind.USAGE, Kind.WORKFLOW, Kind.LEAVING, Kind.DAY], 0)},
    # A login alone goes out with the push after the next sync.
    Stage.PUSH: {**_PEOPLE, **_RESULTS, Kind.ENROLMENT: 0},
    Stage.REMATCH: {**_PEOPLE, Kind.MATCHING: 0},
}
"""For each stage the kinds of change that it hears of, and after how many seconds."""


class Change(TenantModel):
    """Something changed. Written in the transaction of the change, deleted by id when a stage has done its work.

    Only ever appended to, so no two writers wait for each other. Without a customer and a user: it concerns all
    customers. A user without a customer: the customer that the user has when the row is handed out.
    """

    organization = models.ForeignKey(
        # Written by the thousand; PostgreSQL would check the reference for every single row.
        "tenancy.Organization", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )  # fmt: skip
    kind = models.CharField(max_length=16, help_text="See `Kind`.")
    stage = models.CharField(max_length=10, default="", db_default="", blank=True, help_text="See `Stage`.")
    customer_id = models.BigIntegerField(null=True)
    user_id = models.BigIntegerField(null=True)
    usage_type_id = models.BigIntegerField(null=True, help_text="USAGE: whose rollup changed.")
    product_id = models.BigIntegerField(null=True, help_text="PRODUCT: whose rule changed.")
    attempts = models.SmallIntegerField(default=0, db_default=0, help_text="How often the stage failed with this row.")
    not_before = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "stage", "id"], name="change_order"),
            # What waits for the pipeline, of all organizations. Rows for the next sync may be many, and wait for it.
            models.Index(fields=["organization"], condition=~Q(stage="rematch"), name="change_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of customer {self.customer_id}, user {self.user_id} for {self.stage or 'nobody yet'}"


class Day(TenantModel):
    """The calendar day, in the organization's time zone, whose beginning was last recorded as a change."""

    day = models.DateField()
    time_zone = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="day_one")]

    def __str__(self) -> str:
        return f"{self.day} in {self.time_zone}"
