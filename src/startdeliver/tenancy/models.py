"""Organizations, the members who log in, and the secrets that stand for them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from startdeliver.common import clock, crypto
from startdeliver.tenancy.organization import Organization as Organization
from startdeliver.tenancy.scope import TenantModel


class Role(models.TextChoices):
    """What a member may do: everything, everything but settings and apps, or only read."""

    ADMINISTRATOR = "administrator", "Administrator"
    MAIN = "main", "Main"
    LITE = "lite", "Lite"


class MemberManager(BaseUserManager["Member"]):
    """Members are looked up by e-mail at log-in, before any organization is known, so this manager has no scope."""

    def get_by_natural_key(self, username: str | None) -> Member:
        return self.get(email__iexact=(username or "").strip())

    def of(self, organization: Organization) -> models.QuerySet[Member]:
        """Returns the organization's members who are not archived."""
        return self.filter(organization=organization, archived_at__isnull=True)


class Member(AbstractBaseUser):
    """A person of the organization who logs in."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="members")
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MAIN)
    time_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the organization's.")
    session_salt = models.CharField(max_length=32, blank=True, help_text="Changed to end every session of the member.")
    created_at = models.DateTimeField(default=clock.now)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[MemberManager] = MemberManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="member_email_unique")]

    organization_id: int

    def __str__(self) -> str:
        return self.display_name

    def get_session_auth_hash(self) -> str:
        """Returns the value that a session must match, so that it ends when the password or the salt changes."""
        return crypto.hash_token(f"{super().get_session_auth_hash()}:{self.session_salt}")

    @property
    def display_name(self) -> str:
        return self.name or self.email

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.archived_at is None

    @property
    def is_administrator(self) -> bool:
        return self.role == Role.ADMINISTRATOR

    @property
    def can_write(self) -> bool:
        return self.role in (Role.ADMINISTRATOR, Role.MAIN)

    @property
    def zone(self) -> str:
        """The IANA name of the time zone in which this member reads times."""
        return self.time_zone or self.organization.time_zone


class ApiKey(TenantModel):
    """A program's key, or a log-in through the API. Only its hash is stored."""

    class Access(models.TextChoices):
        ADMIN = "admin", "Admin"
        READ_ONLY = "read", "Read only"

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    key_hash = models.CharField(max_length=64, unique=True)
    access = models.CharField(max_length=8, choices=Access.choices, default=Access.ADMIN)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "revoked_at"], name="apikey_org")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def issue(cls, organization: Organization, name: str, **fields: Any) -> tuple[ApiKey, str]:
        """Stores a new key and returns it with its text, which is shown once and never stored."""
        text = "sd_" + secrets.token_urlsafe(32)
        key = cls(organization=organization, name=name, prefix=text[:8], key_hash=crypto.hash_token(text), **fields)
        key.save()
        return key, text


class OneTimeLink(models.Model):
    """A link that lets its holder set a password once."""

    LIFETIME = timedelta(days=7)

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"one-time link of {self.member_id}"

    member_id: int

    @classmethod
    def issue(cls, member: Member, lifetime: timedelta = LIFETIME) -> str:
        """Stores a new link and returns its token."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(member=member, token_hash=crypto.hash_token(token), expires_at=clock.now() + lifetime)
        return token

    @classmethod
    def find(cls, token: str) -> OneTimeLink | None:
        """Returns the unused, unexpired link of `token`, or None."""
        return (
            cls.objects.select_related("member__organization")
            .filter(
                token_hash=crypto.hash_token(token),
                used_at__isnull=True,
                expires_at__gt=clock.now(),
                member__archived_at__isnull=True,
            )
            .first()
        )


class Throttle(models.Model):
    """A token bucket per subject (an address, an e-mail, a key): how often something may be tried."""

    subject = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the kind and the subject.")
    tokens = models.FloatField()
    updated_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.subject[:12]


class Operator(models.Model):
    """An account of the person who runs the installation. It belongs to no organization.

    It is created only on the command line, so that no administrator can become an operator or take one over.
    """

    email = models.EmailField(max_length=254)
    password = models.CharField(max_length=128, blank=True, help_text="Empty: not set yet.")
    session_salt = models.CharField(max_length=32, blank=True, help_text="Changed to end every session.")
    link_hash = models.CharField(max_length=64, blank=True, help_text="Of the link that sets the password; one use.")
    link_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    last_login_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="operator_email_unique")]

    def __str__(self) -> str:
        return self.email


class TierChange(models.Model):
    """Who unlocked or locked the advanced tier of which organization, and when.

    It has no tenant scope, because operators read across organizations.
    """

    organization = models.ForeignKey(Organization, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=200, help_text="The organization's name at that time.")
    advanced = models.BooleanField(help_text="What it was switched to.")
    by = models.CharField(max_length=254)
    at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.name}: {'on' if self.advanced else 'off'} by {self.by}"
