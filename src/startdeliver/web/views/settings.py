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


class SupportRuleForm(forms.Form):
    """The two settings of support health."""

    days = forms.IntegerField(
        label="Days until ticket is overdue",
        min_value=1,
        max_value=3650,
        help_text="An open ticket older than this is overdue; seconds count, from creation or the last reopening.",
        error_messages={
            "required": "Enter a number of days from 1 to 3,650.",
            "invalid": "Enter a whole number of days from 1 to 3,650.",
            "min_value": "Enter a number of days from 1 to 3,650.",
            "max_value": "Enter a number of days from 1 to 3,650.",
        },
    )
    poor = forms.IntegerField(
        label="Overdue tickets until Poor",
        min_value=1,
        max_value=100_000,
        help_text="A customer with at least this many overdue tickets is Poor; with fewer, but at least one, Fair.",
        error_messages={
            "required": "Enter a number of tickets from 1 to 100,000.",
            "invalid": "Enter a whole number of tickets from 1 to 100,000.",
            "min_value": "Enter a number of tickets from 1 to 100,000.",
            "max_value": "Enter a number of tickets from 1 to 100,000.",
        },
    )


def index(request: HttpRequest) -> HttpResponse:
    """What can be set."""
    return render(request, "web/settings/index.html", {"rule": rule(organization_of(request))})


def health_rules(request: HttpRequest) -> HttpResponse:
    """The support health rule; a change applies to every customer at once."""
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
