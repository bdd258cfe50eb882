"""Customers (companies that the organization serves) and their users (people there)."""

from __future__ import annotations

from typing import Any

from django.db import models

from startdeliver.common import clock
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import TenantModel


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
    csm = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
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
            models.Index(fields=["organization", "archived_at", "name"], name="customer_name"),
            models.Index(fields=["organization", "csm"], name="customer_csm"),
            models.Index(fields=["organization", "domain"], name="customer_domain"),
            models.Index(fields=["organization", "updated_at"], name="customer_updated"),
        ]

    csm_id: int | None

    def __str__(self) -> str:
        return self.name


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
            models.Index(fields=["organization", "email_key"], name="customeruser_email"),
            models.Index(fields=["organization", "customer"], name="customeruser_customer"),
            models.Index(fields=["organization", "updated_at"], name="customeruser_updated"),
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
