"""A token bucket in the database: log-in attempts, password links, API calls."""

from __future__ import annotations

import hashlib

from django.db import transaction

from startdeliver.common import clock
from startdeliver.tenancy.models import Throttle


def take(kind: str, subject: str, *, capacity: float, per_second: float) -> float:
    """Takes one token from the bucket of `kind` and `subject`.

    `capacity` is the size of the bucket, `per_second` its refill rate. Returns 0.0 if a token was available, otherwise
    the seconds until the next one.
    """
    key = hashlib.sha256(f"{kind}:{subject}".encode()).hexdigest()
    with transaction.atomic():
        now = clock.now()
        bucket, made = Throttle.objects.select_for_update().get_or_create(
            subject=key, defaults={"tokens": capacity, "updated_at": now}
        )
        filled = (now - bucket.updated_at).total_seconds() * per_second
        tokens = capacity if made else min(capacity, bucket.tokens + max(0.0, filled))
        wait = 0.0 if tokens >= 1 else (1 - tokens) / per_second
        bucket.tokens = tokens - 1 if tokens >= 1 else tokens
        bucket.updated_at = now
        bucket.save(update_fields=["tokens", "updated_at"])
    return wait


def forget(kind: str, subject: str) -> None:
    """Refills the bucket, after a success."""
    Throttle.objects.filter(subject=hashlib.sha256(f"{kind}:{subject}".encode()).hexdigest()).delete()
