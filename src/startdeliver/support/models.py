"""Tickets with their threads, and the support health that follows from them."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from startdeliver.common import clock
from startdeliver.common.health import Health
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.scope import TenantModel


class Ticket(TenantModel):
    """A support conversation as of its last sync. All times are UTC.

    Overdue is derived, never stored: status is open and `clock_from` is at least "days until overdue" ago.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        RESOLVED = "resolved", "Resolved"

    workspace = models.CharField(max_length=64)
    external_id = models.CharField(max_length=128)
    link = models.CharField(max_length=500, blank=True)
    title = models.CharField(max_length=500, blank=True)
    preview = models.CharField(max_length=300, blank=True, help_text="The start of the first message, plain text.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    snoozed = models.BooleanField(default=False)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    priority = models.CharField(max_length=32, blank=True)
    channel = models.CharField(max_length=32, blank=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.SET_NULL, null=True, blank=True, related_name="tickets", db_index=False
    )
    users = models.ManyToManyField(CustomerUser, through="TicketParticipant", related_name="tickets")
    assignee_ref = models.CharField(max_length=64, blank=True, help_text="Intercom's admin id; empty: unassigned.")
    assignee_name = models.CharField(max_length=255, blank=True)
    team_ref = models.CharField(max_length=64, blank=True)
    team_name = models.CharField(max_length=255, blank=True)
    tags = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    clock_from = models.DateTimeField(help_text="Overdue counts from here: creation or the last reopening.")
    clock_exact = models.BooleanField(default=False, help_text="The last reopening was read from the parts.")
    waiting_since = models.DateTimeField(null=True, blank=True)
    first_reply_at = models.DateTimeField(null=True, blank=True)
    first_reply_seconds = models.IntegerField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution_seconds = models.IntegerField(null=True, blank=True)
    last_contact_reply_at = models.DateTimeField(null=True, blank=True)
    last_admin_reply_at = models.DateTimeField(null=True, blank=True)
    reopen_count = models.IntegerField(default=0)
    rating = models.SmallIntegerField(null=True, blank=True, help_text="1 to 5.")
    rating_remark = models.TextField(blank=True)
    rated_at = models.DateTimeField(null=True, blank=True)
    sla_name = models.CharField(max_length=255, blank=True)
    sla_status = models.CharField(max_length=32, blank=True)
    ticket_type = models.CharField(max_length=255, blank=True, help_text="Of Intercom's own Ticket object.")
    ticket_state = models.CharField(max_length=255, blank=True)
    author_ref = models.CharField(max_length=128, blank=True, help_text="Contact id of the conversation's author.")
    company_ref = models.CharField(max_length=128, blank=True, help_text="Intercom's id of the conversation's company.")
    company_external_ref = models.CharField(max_length=255, blank=True)
    part_count = models.IntegerField(default=0, help_text="What Intercom says it has; parts of every kind.")
    stored_part_count = models.IntegerField(default=0)
    message_count = models.IntegerField(default=0, help_text="Stored messages, the first one included.")
    incomplete = models.BooleanField(default=False, help_text="Parts are missing that Intercom withholds (over 500).")
    messages_due = models.BooleanField(default=True, help_text="Changed since its messages were last read.")
    messages_read_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(default=clock.now)
    fingerprint = models.CharField(max_length=32, blank=True, help_text="Hash of the listed facts, to see a change.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "workspace", "external_id"], name="ticket_key")]
        indexes = [
            # Health is one pass over this index: counts, overdue tickets, and the time at which the next one becomes
            # overdue.
            models.Index(fields=["organization", "customer", "status", "clock_from"], name="ticket_health"),
            models.Index(fields=["organization", "status", "clock_from"], name="ticket_status"),
            models.Index(fields=["organization", "updated_at"], name="ticket_updated"),
            # The few open tickets among many resolved ones, in the order of the list.
            models.Index(
                fields=["organization", "updated_at"], name="ticket_open_updated", condition=models.Q(status="open")
            ),
            models.Index(fields=["organization", "created_at"], name="ticket_created"),
            models.Index(
                fields=["organization", "resolved_at"], name="ticket_resolved", condition=models.Q(status="resolved")
            ),
            models.Index(
                fields=["organization", "messages_due", "updated_at"],
                name="ticket_due",
                condition=models.Q(messages_due=True),
            ),
            models.Index(
                fields=["organization", "customer", "rated_at"],
                name="ticket_rated",
                condition=models.Q(rated_at__isnull=False),
            ),
        ]

    customer_id: int | None

    def __str__(self) -> str:
        return self.title or f"Conversation {self.external_id}"


class TicketParticipant(TenantModel):
    """A person in the conversation and, if matched, the user."""

    class Match(models.TextChoices):
        MATCHED = "matched", "Matched"
        UNMATCHED = "unmatched", "No user matches"
        AMBIGUOUS = "ambiguous", "Several users match"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(CustomerUser, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    contact_ref = models.CharField(max_length=128)
    contact_external_ref = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=254, blank=True)
    name = models.CharField(max_length=255, blank=True)
    match = models.CharField(max_length=10, choices=Match.choices, default=Match.UNMATCHED)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "contact_ref"], name="participant_key")]
        indexes = [models.Index(fields=["organization", "contact_ref"], name="participant_contact")]

    ticket_id: int
    user_id: int | None

    def __str__(self) -> str:
        return self.name or self.email or self.contact_ref


class Thread(TenantModel):
    """The messages and events of one ticket, as one document. It is read and written as a whole.

    `entries` is JSON, a list in order of time: {"id", "kind": "message"|"note"|"event", "type": Intercom's part type,
    "at": unix seconds, "by": {"kind": "user"|"team"|"bot", "id", "name", "email"}, "html": sanitised,
    "files": [{"name", "type", "size"}], "redacted": bool}. docs/adr/0005-one-document-per-thread.md gives the reasons.
    """

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, primary_key=True, related_name="thread")
    entries = models.TextField(default="[]")

    ticket_id: int

    def __str__(self) -> str:
        return f"thread of ticket {self.ticket_id}"


class SupportRule(TenantModel):
    """Settings → Health rules → Support."""

    days_until_overdue = models.PositiveIntegerField(
        default=7, validators=[MinValueValidator(1), MaxValueValidator(3650)]
    )
    overdue_until_poor = models.PositiveIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="supportrule_one")]

    def __str__(self) -> str:
        return f"overdue after {self.days_until_overdue} days, Poor from {self.overdue_until_poor}"


class SupportHealth(TenantModel):
    """The support health of one customer, as computed from its stored tickets. No row or a null status: no data."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, primary_key=True, related_name="support_health")
    status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    ticket_count = models.IntegerField(default=0)
    open_count = models.IntegerField(default=0)
    overdue_count = models.IntegerField(default=0)
    oldest_open_at = models.DateTimeField(
        null=True, blank=True, help_text="Clock start of the ticket that has been open for longest."
    )
    next_clock_from = models.DateTimeField(
        null=True, blank=True, help_text="Clock start of the open ticket that becomes overdue next."
    )
    previous_status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="When the status last changed.")
    resolved_30 = models.IntegerField(default=0)
    resolved_90 = models.IntegerField(default=0)
    median_first_reply = models.IntegerField(null=True, blank=True, help_text="Seconds, tickets of 90 days.")
    median_resolution = models.IntegerField(null=True, blank=True, help_text="Seconds, tickets of 90 days.")
    rating_count = models.IntegerField(default=0, help_text="Ratings of 90 days.")
    rating_mean = models.FloatField(null=True, blank=True)
    computed_at = models.DateTimeField(default=clock.now)
    stats_at = models.DateTimeField(null=True, blank=True)
    reconstructed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the days before the first snapshot were worked out."
    )

    class Meta:
        indexes = [
            models.Index(fields=["organization", "status"], name="supporthealth_status"),
            models.Index(fields=["organization", "next_clock_from"], name="supporthealth_next"),
            models.Index(fields=["organization", "changed_at"], name="supporthealth_changed"),
        ]

    customer_id: int

    def __str__(self) -> str:
        return f"{self.status or 'no data'} ({self.open_count} open, {self.overdue_count} overdue)"


class SupportSnapshot(TenantModel):
    """Support health of one customer on one calendar day of the organization's time zone."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    status = models.CharField(max_length=4, choices=Health.choices, null=True, blank=True)
    open_count = models.IntegerField(default=0)
    overdue_count = models.IntegerField(default=0)
    reconstructed = models.BooleanField(
        default=False, help_text="Worked out later from the tickets' dates, for days before the first sync."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "customer", "day"], name="snapshot_key")]

    customer_id: int

    def __str__(self) -> str:
        return f"{self.day}: {self.status or 'no data'}"
