"""The Activity tab of a customer's profile."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from startdeliver.customers.models import Customer
from startdeliver.web.activity import KINDS, moment, timeline
from startdeliver.web.activity_sources import SOURCES
from startdeliver.web.templatetags.ui import Tab


def tab_context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """One page of what happened: ?tab=activity&kind=health&before=<moment>, in days of the member's time zone."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in SOURCES else ""
    sources = SOURCES[kind] if kind else [source for each in SOURCES.values() for source in each]
    before = moment(request.GET.get("before", ""))
    url = f"/customers/{customer.pk}?tab=activity"
    return {
        "timeline": timeline(customer, sources, before, ZoneInfo(timezone.get_current_timezone_name())),
        "kind": kind,
        "before": before,
        "kinds": [Tab(label, f"{url}&kind={key}" if key else url, key == kind) for key, label in KINDS],
    }
