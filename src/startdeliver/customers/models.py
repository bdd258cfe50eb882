"""Customers (companies that the organization serves) and their users (people there)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from startdeliver.common import clock
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import TenantModel

_ACTIVE = models.Q(archived_at__isnull=True)


class Customer(TenantModel):
    """A company that the organization serves. Intercom: company."""

    name = models.CharField(max_length=255)
    external_id = models.CharField(max_length=255, null=True, blank=True)
    domain = models.CharField(max_length=255, blank=True)
    website = models.CharField(max_length=500, blank=True)
    plan = models.CharField(max_length=255, blank=True)
    size = models.IntegerField(null=True, blank=True, help_text="Number of employees.")
    industry = models.CharField(max_length=255, blank=True)
    monthly_spend = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    # Indexed below, with the organization.
    csm = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    arr = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    renewal_date = models.DateField(null=True, blank=True)
    last_login_at = models.DateTimeField(null=True, blank=True, help_text="The newest of its users (UTC).")
    custom = models.JSONField(default=dict, blank=True, help_text="Custom field values by alias.")
    field_sources = models.JSONField(
        default=dict, blank=True, help_text='Where each value came from: {field: {"source", "at", "by"}}.'
    )
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "external_id"], name="customer_external_id")]
        indexes = [
            models.Index(fields=["organization", "csm"], name="customer_csm"),
            models.Index(fields=["organization", "domain"], name="customer_domain"),
            models.Index(fields=["organization", "updated_at"], name="customer_updated"),
            # Pages of a list, however deep, are found in one of these alone.
            models.Index(fields=["organization", "id"], condition=_ACTIVE, name="customer_active"),
            models.Index(
                fields=["organization", "id"], condition=models.Q(archived_at__isnull=False), name="customer_archived"
            ),
            models.Index(fields=["organization", "name", "id"], condition=_ACTIVE, name="customer_name"),
            models.Index(fields=["organization", "last_login_at", "id"], condition=_ACTIVE, name="customer_login"),
        ]

    csm_id: int | None

    def __str__(self) -> str:
        return self.name


_HERE = models.Q(archived_at__isnull=True, has_left_at__isnull=True)


class CustomerUser(TenantModel):
    """A person at a customer, never a Member. Intercom: contact."""

    customer = models.ForeignKey(
        Customer, on_delete=models.SET_NULL, null=True, blank=True, related_name="users", db_index=False
    )
    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=254, blank=True)
    email_key = models.CharField(max_length=254, blank=True, help_text="The e-mail address in lower case.")
    external_id = models.CharField(max_length=255, null=True, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    role = models.CharField(max_length=64, blank=True, help_text="Intercom's role (user or lead); comes in only.")
    tags = models.JSONField(default=list, blank=True)
    is_stakeholder = models.BooleanField(default=False)
    is_non_user = models.BooleanField(default=False)
    has_left_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    last_login_at = models.DateTimeField(null=True, blank=True)
    custom = models.JSONField(default=dict, blank=True)
    field_sources = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "external_id"], name="customeruser_external_id")]
        indexes = [
            models.Index(fields=["organization", "id"], condition=_ACTIVE, name="customeruser_active"),
            models.Index(fields=["organization", "email_key"], name="customeruser_email"),
            models.Index(fields=["organization", "customer"], name="customeruser_customer"),
            models.Index(fields=["organization", "updated_at"], name="customeruser_updated"),
            # The views of the users list, each in the orders that it can be read in.
            models.Index(fields=["organization", "name", "id"], condition=_HERE, name="customeruser_name"),
            models.Index(fields=["organization", "last_login_at", "id"], condition=_HERE, name="customeruser_login"),
            models.Index(
                fields=["organization", "name", "id"],
                condition=_HERE & models.Q(is_stakeholder=True),
                name="customeruser_stakeholder",
            ),
            models.Index(
                fields=["organization", "name", "id"],
                condition=_HERE & models.Q(is_non_user=True),
                name="customeruser_non_user",
            ),
            models.Index(
                fields=["organization", "name", "id"],
                condition=models.Q(archived_at__isnull=True, has_left_at__isnull=False),
                name="customeruser_has_left",
            ),
            models.Index(
                fields=["organization", "name", "id"],
                condition=models.Q(archived_at__isnull=False),
                name="customeruser_archived",
            ),
        ]

    customer_id: int | None

    def __str__(self) -> str:
        return self.name or self.email or f"User {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves with the e-mail key that follows the e-mail address."""
        self.email_key = email_key(self.email)
        update_fields = kwargs.get("update_fields")
        if update_fields is not None and "email" in update_fields:
            kwargs["update_fields"] = {*update_fields, "email_key"}
        super().save(*args, **kwargs)


def email_key(email: str | None) -> str:
    """The form in which e-mail addresses are compared: trimmed, lower case; empty for none."""
    return (email or "").strip().casefold()


class CustomField(TenantModel):
    """A field that the organization added to its customers or its users."""

    class Entity(models.TextChoices):
        CUSTOMER = "customer", "Customers"
        USER = "user", "Users"

    class Type(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        BOOLEAN = "boolean", "Boolean"
        DROPDOWN = "dropdown", "Dropdown"

    class Visibility(models.TextChoices):
        EDITABLE = "editable", "Editable"
        VISIBLE = "visible", "Visible"
        HIDDEN = "hidden", "Hidden"

    entity = models.CharField(max_length=8, choices=Entity.choices)
    name = models.CharField(max_length=80)
    alias = models.CharField(max_length=99, help_text="The name that programs use; fixed after creation.")
    type = models.CharField(max_length=8, choices=Type.choices, help_text="Fixed after creation.")
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.EDITABLE)
    required = models.BooleanField(default=False)
    description = models.CharField(max_length=300, blank=True)
    options: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "entity", "alias"], name="customfield_alias")]

    def __str__(self) -> str:
        return self.name


class _Value(TenantModel):
    """One custom value of one record, in the column of its type: what filters and sort orders look at.

    The record's `custom` column is what is shown; `customers.custom` keeps both alike. References are not checked by
    the database, which would search these large tables for every deleted record.
    """

    field = models.ForeignKey(
        CustomField, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    text = models.CharField(max_length=500, null=True, blank=True)
    number = models.FloatField(null=True, blank=True)
    date = models.DateField(null=True, blank=True)
    flag = models.BooleanField(null=True, blank=True)

    class Meta:
        abstract = True

    field_id: int


def _value_indexes(record: str) -> list[models.Index]:
    return [
        models.Index(
            fields=["organization", "field", column, record],
            condition=models.Q(**{f"{column}__isnull": False}),
            name=f"{record}value_{column}",
        )
        for column in ("text", "number", "date", "flag")
    ]


class CustomerValue(_Value):
    """A custom value of a customer."""

    pk = models.CompositePrimaryKey("organization", "customer", "field")
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        indexes = _value_indexes("customer")

    customer_id: int

    def __str__(self) -> str:
        return f"field {self.field_id} of customer {self.customer_id}"


class UserValue(_Value):
    """A custom value of a user."""

    pk = models.CompositePrimaryKey("organization", "user", "field")
    user = models.ForeignKey(
        CustomerUser, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        indexes = _value_indexes("user")

    user_id: int

    def __str__(self) -> str:
        return f"field {self.field_id} of user {self.user_id}"


class Activity(TenantModel):
    """What was changed at a customer, whoever changed it: its fields, and users who moved, left or came back.

    Written by the database itself (see `triggers.py`) and only ever appended to; `ticks.py` forgets what is old. What
    other tables remember anyway (health, assessments, when a user was added) is not in it.
    """

    class Kind(models.TextChoices):
        CHANGED = "changed", "Fields changed"
        ARCHIVED = "archived", "Archived"
        RESTORED = "restored", "Restored"
        USER_IN = "user_in", "A user came from elsewhere"
        USER_OUT = "user_out", "A user went elsewhere"
        USER_LEFT = "user_left", "A user has left"
        USER_BACK = "user_back", "A user is back"
        USER_ARCHIVED = "user_archived", "A user was archived"
        USER_RESTORED = "user_restored", "A user was restored"

    # Not checked by the database: rows come by the thousand when a sync changes many customers.
    organization = models.ForeignKey(
        "tenancy.Organization", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    user_id = models.BigIntegerField(null=True, help_text="The user it is about; its name is read when it is shown.")
    kind = models.CharField(max_length=13, choices=Kind.choices)
    changes: models.JSONField[dict[str, list[Any]], dict[str, list[Any]]] = models.JSONField(
        default=dict, help_text='{field or alias: [before, after, its source as in "field_sources"]}'
    )
    at = models.DateTimeField()
    by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "customer", "at"], name="activity_order")]

    customer_id: int

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at customer {self.customer_id}"


class SavedList(TenantModel):
    """A named view of the customers list: what it asks for, its columns and its order."""

    name = models.CharField(max_length=60)
    owner = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    shared = models.BooleanField(default=False, help_text="Every member of the organization sees it.")
    asks: models.JSONField[dict[str, list[str]], dict[str, list[str]]] = models.JSONField(
        default=dict, help_text='The list\'s address: {"health": ["poor"], "csm": ["me"]}; "me" is who looks.'
    )
    columns: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    sort = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "shared", "name"], name="savedlist_shared")]

    owner_id: int

    def __str__(self) -> str:
        return self.name


class CsvImport(TenantModel):
    """One CSV file on its way in: uploaded, mapped, checked, imported in the background."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Uploaded"
        CHECKED = "checked", "Checked"
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    target = models.CharField(max_length=16, help_text="customer, user or another registered target.")
    filename = models.CharField(max_length=200)
    content: models.BinaryField[bytes, bytes] = models.BinaryField(
        default=bytes, help_text="The text in UTF-8, compressed; emptied when it is imported."
    )
    encoding = models.CharField(max_length=16)
    separator = models.CharField(max_length=1)
    heads: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    row_count = models.PositiveIntegerField(default=0)
    mapping: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(
        default=dict, help_text="{column number from 0: field}"
    )
    options: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.UPLOADED)
    done_rows = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    by = models.CharField(max_length=254)
    error = models.CharField(max_length=500, blank=True)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "created_at"], name="csvimport_created")]

    def __str__(self) -> str:
        return self.filename


class CsvProblem(TenantModel):
    """Why a row of a file was not imported, or not whole. A file's first 10,000 are kept."""

    csv_import = models.ForeignKey(CsvImport, on_delete=models.CASCADE, related_name="+", db_index=False)
    row = models.PositiveIntegerField(help_text="As a spreadsheet numbers it: the heads are row 1.")
    column = models.CharField(max_length=200, blank=True, help_text="The head of the column; empty: the whole row.")
    value = models.CharField(max_length=200, blank=True)
    sentence = models.CharField(max_length=300)

    class Meta:
        indexes = [models.Index(fields=["organization", "csv_import", "row"], name="csvproblem_row")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.sentence}"
