"""Words and text of a ticket's thread. `{% load tickets %}`."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.safestring import SafeString, mark_safe

from startdeliver.common import clock
from startdeliver.support.threads import Entry

register = template.Library()

# Intercom adds part types over time. A type that is not listed here is shown by its name.
_EVENTS = {
    "assignment": "changed the assignment",
    "default_assignment": "changed the assignment",
    "away_mode_assignment": "was away; the conversation was passed on",
    "assign_and_reopen": "assigned and reopened the conversation",
    "open": "reopened the conversation",
    "close": "closed the conversation",
    "snoozed": "snoozed the conversation",
    "unsnoozed": "ended the snooze",
    "timer_unsnooze": "The snooze ended",
    "participant_added": "added a participant",
    "participant_removed": "removed a participant",
    "conversation_rating_added": "rated the conversation",
    "conversation_rating_changed": "changed the rating",
    "conversation_rating_remark_added": "left a remark with the rating",
    "title_changed": "changed the title",
    "quick_reply": "chose a quick reply",
    "merged_secondary_into_primary_conversation": "merged another conversation into this one",
}


@register.filter
def age(since: datetime) -> float:
    """Seconds from `since` until now."""
    return (clock.now() - since).total_seconds()


@register.filter
def event_words(entry: Entry) -> str:
    """Returns an event as a line: "Ada closed the conversation"."""
    who = entry.by.name or entry.by.email or {"user": "The customer", "team": "The team"}.get(entry.by.kind, "Intercom")
    words = _EVENTS.get(entry.type)
    if words is None:
        return f"{who}: {entry.type.replace('_', ' ') or 'something changed'}"
    return words if words[0].isupper() else f"{who} {words}"


@register.filter
def stored_html(html: str) -> SafeString:
    """Returns a message's HTML, which was sanitised when it was stored (`common.html`)."""
    return mark_safe(html)  # noqa: S308 -- sanitised at storing; the page's policy allows no script either
