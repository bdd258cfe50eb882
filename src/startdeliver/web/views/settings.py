"""Settings, and Settings → Health rules. Administrators only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from startdeliver.support import health
from startdeliver.support.models import SupportHealth
from startdeliver.support.rules import rule
from startdeliver.web.access import member_of, organization_of


def _whole_number(label: str, most: int, what: str, help_text: str) -> forms.IntegerField:
    sentence = f"Enter a whole number of {what} from 1 to {most:,}."
    errors = dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence)
    return forms.IntegerField(label=label, min_value=1, max_value=most, help_text=help_text, error_messages=errors)


class SupportRuleForm(forms.Form):
    """The two settings of support health."""

    days = _whole_number(
        "Days until ticket is overdue",
        3650,
        "days",
        "An open ticket older than this is overdue; seconds count, from creation or the last reopening.",
    )
    poor = _whole_number(
        "Overdue tickets until Poor",
        100_000,
        "tickets",
        "A customer with at least this many overdue tickets is Poor; with fewer, but at least one, Fair.",
    )


def index(request: HttpRequest) -> HttpResponse:
    """The index of Settings."""
    return render(request, "web/settings/index.html", {"rule": rule(organization_of(request))})


def health_rules(request: HttpRequest) -> HttpResponse:
    """The rule of support health. A change applies to every customer at once."""
    organization = organization_of(request)
    current = rule(organization)
    if request.method == "POST":
        form = SupportRuleForm(request.POST)
        if form.is_valid():
            health.set_rule(
                organization, form.cleaned_data["days"], form.cleaned_data["poor"], member_of(request).email
            )
            messages.success(request, "Saved. Every customer's support health follows the new rule.")
            return redirect("/settings/health")
    else:
        form = SupportRuleForm({"days": current.days_until_overdue, "poor": current.overdue_until_poor})
    health.refresh_due(organization)
    context: dict[str, Any] = {"form": form, "rule": current, "counts": _counts()}
    return render(request, "web/settings/health.html", context, status=422 if form.errors else 200)


def _counts() -> dict[str, int]:
    rows = SupportHealth.objects.filter(status__isnull=False, customer__archived_at__isnull=True)
    return {str(status): number for status, number in rows.values_list("status").annotate(Count("pk")).order_by()}
