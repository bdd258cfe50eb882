"""Tables of the background work. Workers read across organizations, so none of them has a tenant scope."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from startdeliver.common import clock


class Status(models.TextChoices):
    """The states of a job."""

    WAITING = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Job(models.Model):
    """One job of the embedded engine (SQLite). `jobs.Job` describes the columns that both engines have."""

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=200, help_text="At most one waiting job has it.")
    lock = models.CharField(max_length=200, blank=True, help_text="At most one running job has it.")
    queue = models.CharField(max_length=16, default="work")
    priority = models.IntegerField(default=0, help_text="Higher goes first.")
    organization = models.ForeignKey(
        "tenancy.Organization", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    payload: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    not_before: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=clock.now)
    attempts = models.IntegerField(default=0, help_text="How often it was claimed.")
    failures = models.IntegerField(default=0, help_text="How often its handler raised.")
    crashes = models.IntegerField(default=0, help_text="How often the worker process died in it.")
    cancel_requested = models.BooleanField(default=False, help_text="Asked to stop while it ran.")
    owner = models.CharField(max_length=200, blank=True)
    progress: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(status="queued"), name="job_one_waiting"),
            models.UniqueConstraint(
                fields=["lock"], condition=models.Q(status="running") & ~models.Q(lock=""), name="job_one_running"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-priority", "id"], name="job_order"),
            models.Index(fields=["status", "lock"], name="job_lock"),
        ]

    organization_id: int | None

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.status})"


class JobDetail(models.Model):
    """What Procrastinate does not keep of a job (PostgreSQL): its counters, how far it is and why it failed."""

    job_id = models.BigIntegerField(primary_key=True)
    failures = models.IntegerField(default=0)
    crashes = models.IntegerField(default=0)
    progress: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"detail of job {self.job_id}"


class Worker(models.Model):
    """A worker process that lives, or lived.

    `number`: its id in Procrastinate, whose heartbeat counts then. `suspected_at`: when it was first seen silent.
    """

    owner = models.CharField(max_length=200)
    number = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(default=clock.now)
    heartbeat_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=clock.now)
    suspected_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "number"], name="worker_once")]

    def __str__(self) -> str:
        return self.owner


class PeriodicCall(models.Model):
    """When a periodic task was last enqueued by the embedded engine."""

    name = models.CharField(max_length=100, unique=True)
    called_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
