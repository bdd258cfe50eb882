"""Assessments with their evidence, what members said of them, the settings of Settings → AI, and tones of messages."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from startdeliver.assessment.statuses import Status, Trend
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support.models import Ticket
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import TenantModel


class Assessor(models.TextChoices):
    """Who assessed."""

    BUILT_IN = "built_in", "Built in"
    MODEL = "model", "Language model"


class Assessment(TenantModel):
    """One verdict on a customer, with the evidence that it rests on. Kept for ever; the newest is `LatestAssessment`.

    `summary` and `action` are lists of {"text", "facts": [ids]}; `analysis` is a list of {"area", "weight", "text",
    "facts"}; `facts` is the evidence as it was: [{"id", "kind", "value", "at", "link", "text", "quote"}].
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="assessments", db_index=False)
    status = models.CharField(max_length=9, choices=Status.choices)
    summary = models.JSONField(default=list)
    action = models.JSONField(default=list)
    analysis = models.JSONField(default=list)
    facts = models.JSONField(default=list)
    evidence_hash = models.CharField(max_length=32)
    assessor = models.CharField(max_length=8, choices=Assessor.choices, default=Assessor.BUILT_IN)
    model_name = models.CharField(max_length=200, blank=True, help_text="Of the language model.")
    note = models.CharField(
        max_length=500, blank=True, help_text="Why the built-in assessor stands in, or what limits this assessment."
    )
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(
        default=clock.now, help_text="When the same verdict last came out of newer evidence, which then replaced this."
    )

    class Meta:
        indexes = [models.Index(fields=["organization", "customer", "-created_at"], name="assessment_history")]

    customer_id: int

    def __str__(self) -> str:
        return f"{self.get_status_display()} on {self.created_at:%d %b %Y}"


class LatestAssessment(TenantModel):
    """Where a customer stands: its newest assessment, and the status and trend that lists are filtered by."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, primary_key=True, related_name="assessment")
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=9, choices=Status.choices)
    line = models.CharField(max_length=300, blank=True, help_text="The summary's first sentence, for lists.")
    trend = models.CharField(max_length=13, choices=Trend.choices, default=Trend.STEADY)
    evidence_hash = models.CharField(max_length=32)
    previous_status = models.CharField(max_length=9, choices=Status.choices, null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="When the status last changed.")
    assessed_at = models.DateTimeField(default=clock.now)
    problem = models.CharField(max_length=500, blank=True, help_text="Why no newer assessment could be made.")

    class Meta:
        db_table = "assessment_current"
        indexes = [
            models.Index(fields=["organization", "status"], name="current_status"),
            models.Index(fields=["organization", "changed_at"], name="current_changed"),
        ]

    customer_id: int
    assessment_id: int

    def __str__(self) -> str:
        return self.get_status_display()


class Feedback(TenantModel):
    """A member said that an assessment is wrong. Later assessments are given it."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="feedback")
    member = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    member_name = models.CharField(max_length=254, blank=True)
    reason = models.CharField(max_length=1000)
    status = models.CharField(
        max_length=9, choices=Status.choices, blank=True, help_text="What the member holds to be right."
    )
    concerns = models.JSONField(default=list, help_text="What weighed against the customer at that time, by code.")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["organization", "customer", "-created_at"], name="feedback_customer")]

    customer_id: int

    def __str__(self) -> str:
        return self.reason


class Provider(models.TextChoices):
    """Who answers for the language model."""

    NONE = "", "Built in (offline)"
    OPENAI = "openai", "OpenAI, or any server that speaks its API"
    ANTHROPIC = "anthropic", "Anthropic"


class AiSettings(TenantModel):
    """Settings → AI. Without a provider the built-in assessor does all the work."""

    instructions = models.TextField(blank=True, max_length=4000)
    provider = models.CharField(max_length=16, choices=Provider.choices, blank=True, default=Provider.NONE)
    model = models.CharField(max_length=200, blank=True)
    base_url = models.CharField(
        max_length=500, blank=True, help_text="For a server of your own; empty: the provider's."
    )
    key_cipher = models.BinaryField(null=True, blank=True, editable=False)
    daily_budget = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="In the currency of the prices below, a day of the organization; empty: no limit.",
    )
    daily_calls = models.PositiveIntegerField(default=1000, help_text="Assessments by the model a day.")
    input_price = models.DecimalField(
        max_digits=10, decimal_places=4, default=0, help_text="Per million tokens that are sent."
    )
    output_price = models.DecimalField(
        max_digits=10, decimal_places=4, default=0, help_text="Per million tokens that come back."
    )
    concurrency = models.PositiveSmallIntegerField(default=4, validators=[MinValueValidator(1), MaxValueValidator(32)])
    timeout_seconds = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(600)]
    )
    mask_people = models.BooleanField(default=True, help_text="Names and e-mail addresses become Person 1, Person 2 …")
    send_quotes = models.BooleanField(default=True, help_text="Short extracts of messages go along.")
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="aisettings_one")]

    def __str__(self) -> str:
        return self.get_provider_display()

    @property
    def has_key(self) -> bool:
        return bool(self.key_cipher)


class ModelCall(TenantModel):
    """One request to the language model: what it cost and how it ended."""

    customer = models.ForeignKey(
        Customer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    day = models.DateField(help_text="The calendar day of the organization.")
    model_name = models.CharField(max_length=200)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    seconds = models.FloatField(default=0)
    outcome = models.CharField(max_length=16, help_text="accepted, rejected or failed")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="modelcall_day")]

    def __str__(self) -> str:
        return f"{self.model_name}: {self.outcome}"


class TicketTone(TenantModel):
    """How the customer's messages of one ticket sound, and what the ticket is about. Computed once per message.

    `data` is JSON, see tone.Reading: the messages' tones by entry id, and the few short quotes worth showing.
    """

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, primary_key=True, related_name="tone")
    read_at = models.DateTimeField(null=True, blank=True, help_text="The ticket's `messages_read_at` that this is of.")
    topic = models.CharField(max_length=20, blank=True)
    last_at = models.DateTimeField(null=True, blank=True, help_text="The customer's newest message.")
    data = models.TextField(default="{}")
    reader = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="The tone.VERSION that read it; 0: one before there were versions."
    )
    computed_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["organization", "last_at"], name="tickettone_last")]

    ticket_id: int

    def __str__(self) -> str:
        return f"tone of ticket {self.ticket_id}"


class AssessmentState(TenantModel):
    """How far the reading of tones is."""

    reader = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="No stored tone that counts is of a reader older than this tone.VERSION."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="assessmentstate_one")]

    def __str__(self) -> str:
        return f"read by reader {self.reader}"
