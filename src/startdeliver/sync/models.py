"""What joins the hub to one Intercom workspace: connection, runs, the mirror used for matching, and skips."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.scope import TenantModel


class Connection(TenantModel):
    """The organization's link to one Intercom workspace."""

    class Status(models.TextChoices):
        NEW = "new", "Not connected"
        AUTHENTICATED = "authenticated", "Authenticated"
        REVOKED = "revoked", "Revoked"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.NEW)
    token_cipher = models.BinaryField(null=True, blank=True)
    token_kind = models.CharField(max_length=8, blank=True, help_text="oauth or token")
    authenticated_at = models.DateTimeField(null=True, blank=True)
    workspace = models.CharField(max_length=64, blank=True, help_text="The workspace ID, once checked against /me.")
    workspace_name = models.CharField(max_length=255, blank=True)
    region = models.CharField(max_length=2, default="US", help_text="US, EU or AU; as /me says.")
    eu_answer = models.BooleanField(default=False)
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="The workspace's; contact search uses its days."
    )
    create_contacts = models.BooleanField(default=False)
    create_customers = models.BooleanField(default=False)
    match_domains = models.BooleanField(default=False)
    sync_events = models.BooleanField(default=False)
    field_rules = models.JSONField(
        default=dict,
        blank=True,
        help_text='Changed mappings only: {"customer.plan": {"from": "plan", "rule": "intercom"}}.',
    )
    rate_reserve = models.PositiveIntegerField(default=0, help_text="Requests per 10 s left to other apps.")
    saved_at = models.DateTimeField(
        null=True, blank=True, help_text="First save; from then on it syncs every 24 hours."
    )
    next_sync_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    problem_code = models.CharField(max_length=64, blank=True)
    problem = models.CharField(max_length=500, blank=True, help_text="One sentence: what is wrong and how to mend it.")
    problem_at = models.DateTimeField(null=True, blank=True)
    problem_version = models.CharField(max_length=32, blank=True, help_text="The version that met the problem.")
    paused_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Nothing runs by itself, since a backup was restored that another copy may use.",
    )
    alerted_at = models.DateTimeField(null=True, blank=True, help_text="When the administrators were last written to.")
    # Watermarks are unix seconds of Intercom's clock; null: nothing was read yet.
    conversations_until = models.BigIntegerField(null=True, blank=True)
    contacts_until = models.BigIntegerField(null=True, blank=True)
    tickets_until = models.BigIntegerField(null=True, blank=True)
    deleted_until = models.BigIntegerField(null=True, blank=True)
    swept_at = models.DateTimeField(null=True, blank=True, help_text="Last complete daily sweep.")
    events_at = models.DateTimeField(null=True, blank=True, help_text="When events were last read to their end.")
    events_problem = models.CharField(max_length=500, blank=True, help_text="Why events cannot be read, in a sentence.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="connection_one")]
        indexes = [models.Index(fields=["next_sync_at"], name="connection_due")]

    def __str__(self) -> str:
        return f"{self.workspace_name or self.workspace or 'Intercom'} ({self.get_status_display()})"

    @property
    def _place(self) -> str:
        # Bound to the organization, not the row's own id, so a token can be set before the first save.
        return f"sync_connection.token.{self.organization_id}"

    @property
    def token(self) -> str:
        """The access token in plain text; empty when there is none. Raises crypto.DecryptionError."""
        return settings.KEY_RING.decrypt(bytes(self.token_cipher), self._place) if self.token_cipher else ""

    @token.setter
    def token(self, value: str) -> None:
        self.token_cipher = settings.KEY_RING.encrypt(value, self._place) if value else None

    @property
    def is_authenticated(self) -> bool:
        return self.status == self.Status.AUTHENTICATED and bool(self.token_cipher)

    @property
    def is_ready(self) -> bool:
        """Whether runs may start: authenticated, and the workspace ID was checked and saved."""
        return self.is_authenticated and bool(self.workspace) and self.saved_at is not None


class SyncRun(TenantModel):
    """One execution of the sync, with counts, duration and outcome. At most one of an organization is running."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting for a worker"
        RUNNING = "running", "Running"
        SUCCESS = "success", "Complete"
        FAILED = "failed", "Failed"

    class Trigger(models.TextChoices):
        BUTTON = "button", "Sync now"
        SCHEDULE = "schedule", "Every 24 hours"
        CLI = "cli", "Command line"
        SAVE = "save", "First save"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    messages_wanted = models.BooleanField(default=True, help_text="False: --no-messages.")
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0, help_text="How many processes began it and did not end it in good order.")
    stage = models.CharField(max_length=32, blank=True)
    cursor = models.JSONField(default=dict, blank=True, help_text="Where the run resumes; written with each page.")
    progress = models.JSONField(default=dict, blank=True, help_text='{"stage", "done", "total"} for people.')
    listed = models.IntegerField(default=0)
    imported = models.IntegerField(default=0)
    updated = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    deleted = models.IntegerField(default=0)
    skipped = models.JSONField(default=dict, blank=True, help_text="{reason: number} of this run's listing.")
    outbound = models.IntegerField(default=0, help_text="Outbound messages without a contact's reply.")
    messages = models.IntegerField(default=0)
    events = models.JSONField(default=dict, blank=True, help_text="{what: number} of the events read, see pull/events.")
    users_created = models.IntegerField(default=0)
    users_updated = models.IntegerField(default=0)
    customers_created = models.IntegerField(default=0)
    customers_updated = models.IntegerField(default=0)
    requests = models.IntegerField(default=0)
    sweep_requests = models.IntegerField(default=0, help_text="Part of requests: the once-a-day sweeps.")
    sweep_seconds = models.FloatField(default=0)
    warnings = models.JSONField(default=list, blank=True, help_text="Sentences about what could not be read.")
    error_code = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=500, blank=True, help_text="One sentence for the person.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(status__in=["queued", "running"]),
                name="syncrun_one_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="syncrun_latest"),
            models.Index(fields=["status", "created_at"], name="syncrun_status"),
        ]

    connection_id: int

    def __str__(self) -> str:
        return f"{self.get_status_display()} ({self.created_at:%Y-%m-%d %H:%M} UTC)"

    @property
    def skipped_total(self) -> int:
        """Conversations that this run's listing skipped, whatever the reason."""
        return sum(self.skipped.values())

    @property
    def seconds(self) -> float | None:
        """How long the run has taken so far, or took; None before it starts."""
        if self.started_at is None:
            return None
        return ((self.finished_at or clock.now()) - self.started_at).total_seconds()


class IntercomCompany(TenantModel):
    """What Intercom knows of a company, as far as matching and field rules need it."""

    workspace = models.CharField(max_length=64)
    ref = models.CharField(max_length=128, help_text="Intercom's id.")
    company_id = models.CharField(max_length=255, blank=True, help_text="The id that the organization gave it.")
    name = models.CharField(max_length=255, blank=True)
    facts: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, help_text="website, plan, size, industry, monthly_spend, tags, custom attributes."
    )
    fingerprint = models.CharField(max_length=32, blank=True)
    customer = models.ForeignKey(Customer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    matched_by = models.CharField(max_length=16, blank=True, help_text="external_id, domain, manual or created")
    match_note = models.CharField(max_length=16, blank=True, help_text="ambiguous, when several customers fit")
    changed_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now, help_text="Last sweep that listed it.")
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "workspace", "ref"], name="intercomcompany_key")]
        indexes = [models.Index(fields=["organization", "company_id"], name="intercomcompany_company_id")]

    customer_id: int | None

    def __str__(self) -> str:
        return self.name or self.ref


class IntercomContact(TenantModel):
    """What Intercom knows of a contact, and the user that it was matched to."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        ARCHIVED = "archived", "Archived or deleted"
        MERGED = "merged", "Merged"

    workspace = models.CharField(max_length=64)
    ref = models.CharField(max_length=128, help_text="Intercom's id.")
    external_id = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=254, blank=True)
    email_key = models.CharField(max_length=254, blank=True)
    name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=32, blank=True)
    company_refs: models.JSONField[list[str], list[str]] = models.JSONField(
        default=list, help_text="Intercom's ids of its companies, in order."
    )
    facts: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, help_text="phone, last_seen_at, tags, custom attributes."
    )
    fingerprint = models.CharField(max_length=32, blank=True)
    remote_updated_at = models.BigIntegerField(default=0, help_text="Unix seconds.")
    last_seen_at = models.BigIntegerField(default=0, help_text="Unix seconds; 0: never.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    merged_into = models.CharField(max_length=128, blank=True)
    user = models.ForeignKey(CustomerUser, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    matched_by = models.CharField(max_length=16, blank=True, help_text="external_id, email, manual, created or merged")
    match_note = models.CharField(max_length=16, blank=True, help_text="ambiguous, when several users fit")
    events_read_at = models.BigIntegerField(
        null=True, help_text="Unix seconds of Intercom's clock up to which its events were read; null: never."
    )
    events_user = models.BigIntegerField(null=True, help_text="The user that they were read for.")
    changed_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now, help_text="Last time that Intercom listed it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "workspace", "ref"], name="intercomcontact_key")]
        indexes = [
            models.Index(fields=["organization", "email_key"], name="intercomcontact_email"),
            models.Index(fields=["organization", "external_id"], name="intercomcontact_external_id"),
            models.Index(fields=["organization", "seen_at"], name="intercomcontact_seen"),
        ]

    user_id: int | None

    def __str__(self) -> str:
        return self.name or self.email or self.ref


class Skip(TenantModel):
    """A conversation that did not become a ticket, with its reason; kept with `resolved_at` once the ticket arrived."""

    class Reason(models.TextChoices):
        NO_USER = "no_user", "No user matches"
        AMBIGUOUS = "ambiguous", "Several users match"
        NO_CONTACT = "no_contact", "The conversation has no contact"
        UNREADABLE = "unreadable", "Intercom's answer could not be read"

    workspace = models.CharField(max_length=64)
    external_id = models.CharField(max_length=128, help_text="The conversation's id.")
    contact_ref = models.CharField(max_length=128, blank=True)
    reason = models.CharField(max_length=16, choices=Reason.choices)
    detail = models.CharField(max_length=500, blank=True, help_text="One sentence that explains this very skip.")
    title = models.CharField(max_length=500, blank=True)
    contact_name = models.CharField(max_length=255, blank=True)
    contact_email = models.CharField(max_length=254, blank=True)
    refs: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, help_text="What matching needs to decide again without asking Intercom."
    )
    conversation_updated_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "workspace", "external_id"], name="skip_key")]
        indexes = [
            models.Index(fields=["organization", "resolved_at", "reason"], name="skip_open"),
            models.Index(fields=["organization", "contact_ref"], name="skip_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id}: {self.get_reason_display()}"


class OutboundMessage(TenantModel):
    """An outbound conversation that no contact has replied to: counted, nothing else."""

    workspace = models.CharField(max_length=64)
    external_id = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "workspace", "external_id"], name="outbound_key")
        ]

    def __str__(self) -> str:
        return self.external_id


# ------------------------------------------------------------------------------------------------ what goes to Intercom


class PushSettings(TenantModel):
    """How the organization's data goes to Intercom; which fields go is `PushField`."""

    prefix = models.CharField(max_length=40, default="startdeliver_", help_text="Begins the names of new attributes.")
    keep_in_line = models.BooleanField(
        default=False, help_text="Values changed by hand in Intercom are put right at the next run."
    )
    create_companies = models.BooleanField(default=False)
    create_contacts = models.BooleanField(default=False)
    accepted_at = models.DateTimeField(null=True, blank=True, help_text="When a preview was first accepted.")
    accepted_by = models.CharField(max_length=254, blank=True)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)
    retry_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When a push is to be made without waiting for the next sync."
    )
    retries = models.IntegerField(default=0, help_text="Pushes in a row that Intercom could not take in full.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="pushsettings_one")]

    def __str__(self) -> str:
        return "accepted" if self.accepted_at else "not accepted yet"


class PushField(TenantModel):
    """One attribute of Intercom that Startdeliver fills: what it is filled from, its name there, whether it goes."""

    class Model(models.TextChoices):
        COMPANY = "company", "Companies"
        CONTACT = "contact", "Contacts"

    model = models.CharField(max_length=7, choices=Model.choices)
    source = models.CharField(max_length=120, help_text="usage_health, last_login … or the alias of a custom field.")
    name = models.CharField(max_length=190, help_text="The attribute's name in Intercom; fixed once it is there.")
    ticked = models.BooleanField(default=False)
    accepted_at = models.DateTimeField(
        null=True, blank=True, help_text="When a preview with it was accepted; before that it goes nowhere by itself."
    )
    workspace = models.CharField(max_length=64, blank=True, help_text="Where the attribute is known to exist.")
    attribute_id = models.CharField(max_length=64, blank=True)
    options: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    defined_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, help_text="Why the attribute cannot be filled.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "model", "source"], name="pushfield_source"),
            models.UniqueConstraint(fields=["organization", "name"], name="pushfield_name"),
        ]

    def __str__(self) -> str:
        return self.name


class PushRecord(TenantModel):
    """What Intercom is known to have of one company or contact, from writes that it confirmed.

    `mark` and `fingerprint` are what the record looked like here and there when it was last compared: while both are
    the same nothing can have changed.
    """

    company = models.OneToOneField(IntercomCompany, on_delete=models.CASCADE, null=True, related_name="pushed")
    contact = models.OneToOneField(IntercomContact, on_delete=models.CASCADE, null=True, related_name="pushed")
    values: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, help_text='{attribute: {"v": value sent, "at": unix seconds, "a": Intercom\'s form if another}}'
    )
    mark = models.TextField(default="", blank=True)
    fingerprint = models.CharField(max_length=32, blank=True)

    company_id: int | None
    contact_id: int | None

    def __str__(self) -> str:
        return f"company {self.company_id}" if self.company_id else f"contact {self.contact_id}"


class PushRun(TenantModel):
    """One push. At most one of an organization is running."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCESS = "success", "Complete"
        FAILED = "failed", "Failed"

    class Trigger(models.TextChoices):
        SYNC = "sync", "After a sync"
        BUTTON = "button", "Push now"
        CLI = "cli", "Command line"
        RETRY = "retry", "Tried again"
        CHANGE = "change", "After a change"

    trigger = models.CharField(max_length=8, choices=Trigger.choices)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    defined = models.IntegerField(default=0, help_text="Attribute definitions made or changed.")
    planned = models.IntegerField(default=0)
    written = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    requests = models.IntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(status="running"), name="pushrun_one_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["organization", "-started_at"], name="pushrun_latest")]

    def __str__(self) -> str:
        return f"{self.get_status_display()} ({self.started_at:%Y-%m-%d %H:%M} UTC)"

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or took."""
        return ((self.finished_at or clock.now()) - self.started_at).total_seconds()


class PushItem(TenantModel):
    """One record's place in the queue of writes. What was to be written before the write was done is replaced."""

    class Reason(models.TextChoices):
        NONE = "", "Waiting"
        TRANSIENT = "transient", "Intercom could not take it just then"
        GONE = "gone", "Archived or deleted in Intercom"
        CONFLICT = "conflict", "Another record has this value"
        REFUSED = "refused", "Intercom refused the value"
        INTERNAL = "internal", "Internal error"

    company = models.OneToOneField(IntercomCompany, on_delete=models.CASCADE, null=True, related_name="+")
    contact = models.OneToOneField(IntercomContact, on_delete=models.CASCADE, null=True, related_name="+")
    label = models.CharField(max_length=255, blank=True)
    before: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    after: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    mark = models.TextField(default="", blank=True)
    run = models.ForeignKey(PushRun, on_delete=models.SET_NULL, null=True, related_name="+")
    not_before = models.DateTimeField(default=clock.now)
    attempts = models.IntegerField(default=0)
    in_flight = models.BooleanField(default=False, help_text="Sent, and the answer is not stored yet.")
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True, default="")
    sentence = models.CharField(max_length=500, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "in_flight", "not_before"], name="pushitem_due"),
            models.Index(fields=["organization", "reason"], name="pushitem_reason"),
        ]

    company_id: int | None
    contact_id: int | None

    def __str__(self) -> str:
        return self.label


class PushLog(TenantModel):
    """One write to Intercom: what was there, what was sent, how it ended. Kept for 90 days."""

    class Outcome(models.TextChoices):
        WRITTEN = "written", "Written"
        CONFIRMED = "confirmed", "Was there already"
        FAILED = "failed", "Failed"
        DEFINED = "defined", "Attribute defined"

    run = models.ForeignKey(PushRun, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    model = models.CharField(max_length=7, choices=PushField.Model.choices)
    ref = models.CharField(max_length=128, blank=True, help_text="Intercom's id.")
    record = models.BigIntegerField(null=True, help_text="The customer's or user's number.")
    label = models.CharField(max_length=255, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    sentence = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-at"], name="pushlog_latest"),
            models.Index(fields=["organization", "model", "record"], name="pushlog_record"),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.get_outcome_display()}"


# --------------------------------------------------------------------------------------------------- events as usage


class EventName(TenantModel):
    """A name that events have in Intercom, and what became of them.

    Which usage type they count as is written on that (`UsageType.intercom_event_name`), and nowhere else.
    """

    name = models.CharField(max_length=255)
    ignored_at = models.DateTimeField(null=True, blank=True, help_text="Set: no longer offered; its events still wait.")
    waiting = models.IntegerField(default=0, help_text="Its rows of WaitingEvent.")
    counted = models.BigIntegerField(default=0, help_text="Its events that became usage.")
    last_at = models.BigIntegerField(default=0, help_text="Unix seconds of the newest one that was read.")
    example = models.ForeignKey(
        CustomerUser, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="Who did it last."
    )
    first_read_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="eventname_key")]

    example_id: int | None

    def __str__(self) -> str:
        return self.name


class WaitingEvent(TenantModel):
    """An event that no usage type counts yet. Kept for 90 days, since Intercom lists none that are older."""

    name = models.ForeignKey(EventName, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(CustomerUser, on_delete=models.CASCADE, related_name="+")
    at = models.BigIntegerField(help_text="Unix seconds.")
    key = models.CharField(max_length=255, help_text="What it would be called among usage events; see events.store.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "at", "key"], name="waitingevent_key")]
        indexes = [models.Index(fields=["organization", "name", "id"], name="waitingevent_name")]

    name_id: int
    user_id: int

    def __str__(self) -> str:
        return f"event name {self.name_id} of user {self.user_id} at {self.at}"


class PushPreview(TenantModel):
    """The organization's latest preview: asked for, worked out by a worker, and kept until the next one is."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting for a worker"
        RUNNING = "running", "Being worked out"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    asked_at = models.DateTimeField(default=clock.now)
    asked_by = models.CharField(max_length=254, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    chosen = models.CharField(max_length=32, blank=True, help_text="What it was asked about; see `choices.chosen`.")
    progress: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    result: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="pushpreview_one")]

    def __str__(self) -> str:
        return self.get_status_display()
