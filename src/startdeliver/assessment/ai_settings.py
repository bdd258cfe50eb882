"""Settings → AI: who assesses, with which instructions, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError

from startdeliver.assessment.models import AiSettings, Provider
from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.storage.sql import organization_work
from startdeliver.tenancy.models import Organization

FIELDS = (
    "instructions", "provider", "model", "base_url", "daily_budget", "daily_calls", "input_price", "output_price",
    "concurrency", "timeout_seconds", "mask_people", "send_quotes",
)  # fmt: skip


def ai_settings(organization: Organization) -> AiSettings:
    """The organization's settings; the defaults, unsaved, when nobody has set any."""
    with organization_work(organization):
        return AiSettings.objects.first() or AiSettings(organization=organization)


def save(organization: Organization, values: Mapping[str, Any], by: str, key: str | None = None) -> AiSettings:
    """Saves the values given (names of FIELDS) and has every customer looked at again if the outcome depends on them.

    `key`: a new API key; empty forgets the stored one, None leaves it. Raises ValidationError by field.
    """
    with organization_work(organization):
        changed = ai_settings(organization)
        before = salt(changed)
        for name in FIELDS:
            if name in values:
                setattr(changed, name, values[name])
        changed.updated_at, changed.updated_by = clock.now(), by
        _check(changed)
        changed.save()
        if key is not None:
            changed.key_cipher = django_settings.KEY_RING.encrypt(key, _place(changed)) if key else None
            changed.save(update_fields=["key_cipher"])
        if salt(changed) != before:
            record(organization, Kind.EVIDENCE)
        return changed


def key_of(stored: AiSettings) -> str:
    """The API key in plain text, empty when there is none. Raises DecryptionError. Never log or show it."""
    if not stored.key_cipher:
        return ""
    plain: str = django_settings.KEY_RING.decrypt(bytes(stored.key_cipher), _place(stored))
    return plain


def salt(stored: AiSettings) -> str:
    """What an assessment depends on besides the evidence, as a text for the hash."""
    if not stored.provider:
        return f"built-in\n{stored.instructions}"
    names = ("provider", "model", "base_url", "instructions", "mask_people", "send_quotes")
    return "\n".join(str(getattr(stored, name)) for name in names)


def _check(stored: AiSettings) -> None:
    stored.full_clean(exclude=["organization", "key_cipher"])
    wrong: dict[str, str] = {}
    if stored.provider and not stored.model:
        wrong["model"] = "A provider is chosen, so a model has to be named. Enter the provider's name for it."
    if stored.base_url and not stored.base_url.startswith(("http://", "https://")):
        wrong["base_url"] = "This is not a web address. It begins with https:// (or http:// for a server of your own)."
    if stored.provider not in Provider.values:
        wrong["provider"] = "This provider is not known. Choose one of the list."
    if wrong:
        raise ValidationError(wrong)


def _place(stored: AiSettings) -> str:
    return f"assessment_aisettings.key_cipher.{stored.pk}"
