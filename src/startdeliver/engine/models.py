"""Work that happens in the background, kept in the same database as everything else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from startdeliver.common import clock


class Job(models.Model):
    """One piece of background work. The tick and the workers read across organizations, so it has no tenant scope."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting for a worker"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=200, help_text="At most one live job has it: enqueuing again gives the same job.")
    organization = models.ForeignKey(
        "tenancy.Organization", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    payload: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    not_before: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=clock.now)
    attempts = models.IntegerField(default=0)
    cancel_requested = models.BooleanField(default=False, help_text="Asked to stop while it ran.")
    owner = models.CharField(max_length=200, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    progress: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(status__in=["queued", "running"]), name="job_one_live"
            )
        ]
        indexes = [
            models.Index(fields=["status", "not_before"], name="job_ready"),
            models.Index(fields=["kind", "-created_at"], name="job_kind"),
            # Fairness asks whose turn was longest ago.
            models.Index(fields=["organization", "-started_at"], name="job_turn"),
        ]

    organization_id: int | None

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.status})"


class Worker(models.Model):
    """A worker process that lives, or lived."""

    owner = models.CharField(max_length=200, unique=True)
    started_at = models.DateTimeField(default=clock.now)
    heartbeat_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.owner


class TickTurn(models.Model):
    """When something that happens at intervals was last begun, and the worker that is at it now."""

    name = models.CharField(max_length=100, unique=True)
    owner = models.CharField(max_length=200, blank=True, help_text="Empty: nobody is at it.")
    taken_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
