"""The tenant. It has its own module, because the tenant scope needs it and the other models need the scope."""

from __future__ import annotations

from django.db import models

from startdeliver.common import clock


class Organization(models.Model):
    """The company that uses Startdeliver: the tenant."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="EUR")
    session_days = models.PositiveSmallIntegerField(default=14, help_text="How long a log-in lasts.")
    session_sliding = models.BooleanField(default=False, help_text="Counted from the last visit, not the log-in.")
    advanced = models.BooleanField(default=False, help_text="The advanced tier; only the operator changes it.")
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name
