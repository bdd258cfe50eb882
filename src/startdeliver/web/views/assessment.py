"""Assessments: the panel of the profile, the full analysis, assessing again, marking as wrong, and Settings → AI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from startdeliver.assessment import ai_settings, selectors, services
from startdeliver.assessment.evidence import instructions
from startdeliver.assessment.models import AiSettings, LatestAssessment, ModelCall
from startdeliver.assessment.statuses import LEVELS, Status
from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.web import charts
from startdeliver.web.access import administrators_only, member_of, organization_of, writers_only


def panel_context(customer: Customer) -> dict[str, Any]:
    """Returns the context of the profile's panel; `panel` is None until the customer has been assessed."""
    panel = selectors.panel(customer)
    if panel is None:
        return {"panel": None}
    points = [charts.Point(at.date(), None if level is None else float(level)) for at, level in panel.line]
    known = [point for point in points if point.value is not None]
    if len(known) < 2:
        # One point is no line, so the page shows since when there is an assessment.
        return {"panel": panel, "panel_line": "", "first_assessed": panel.first_at}
    line = charts.sparkline(
        [point.value for point in points], title="Assessment over twelve weeks, 0 is At Risk, 4 is Strongly Thriving"
    )
    return {"panel": panel, "panel_line": line}


def attach(rows: Iterable[Customer]) -> None:
    """Sets the `verdict` of each customer (LatestAssessment or None), in one query."""
    customers = list(rows)
    newest = {
        assessment.customer_id: assessment
        for assessment in LatestAssessment.objects.filter(customer__in=[row.pk for row in customers])
    }
    for row in customers:
        row.verdict = newest.get(row.pk)  # type: ignore[attr-defined]


@require_safe
def analysis(request: HttpRequest, pk: int) -> HttpResponse:
    """The full analysis: every signal with its facts, each with a link to its source."""
    customer = get_object_or_404(Customer, pk=pk)
    context = panel_context(customer)
    panel = context["panel"]
    if panel is not None:
        points = [charts.Point(at.date(), None if level is None else float(level)) for at, level in panel.line]
        context |= {
            "signals": selectors.analysis(panel.assessment),
            "history": selectors.history(customer, 12),
            "chart": charts.trend_line(
                [charts.Series("Assessment", points)], title="Assessment over twelve weeks", unit="level"
            ),
            "statuses": Status.choices,
        }
    return render(request, "web/assessment/analysis.html", context | {"customer": customer})


@require_POST
@writers_only
def assess(request: HttpRequest, pk: int) -> HttpResponse:
    """Assesses again, although nothing changed."""
    customer = get_object_or_404(Customer, pk=pk)
    job = services.reassess(customer)
    done = "The customer is being assessed again; the result shows here within a minute." if job else "Assessed again."
    messages.success(request, done)
    return redirect(f"/customers/{pk}/assessment")


@require_POST
@writers_only
def wrong(request: HttpRequest, pk: int) -> HttpResponse:
    """Stores that the assessment is wrong, and why."""
    customer = get_object_or_404(Customer, pk=pk)
    current = get_object_or_404(LatestAssessment.objects.select_related("assessment"), customer=customer)
    try:
        services.mark_wrong(
            current.assessment,
            member=member_of(request),
            reason=request.POST.get("reason", ""),
            status=request.POST.get("status", ""),
        )
    except ValueError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Thank you. Your correction is kept, and the customer is assessed again with it.")
    return redirect(f"/customers/{pk}/assessment")


if TYPE_CHECKING:
    _AiModelForm = forms.ModelForm[AiSettings]
else:  # Django's form classes take no parameter.
    _AiModelForm = forms.ModelForm


class AiForm(_AiModelForm):
    """Settings → AI. The key can be set, but is never shown."""

    key = forms.CharField(
        label="API key",
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Stored encrypted and never shown again. Leave empty to keep the stored one.",
    )
    forget_key = forms.BooleanField(label="Forget the stored key", required=False)

    class Meta:
        model = AiSettings
        fields = ai_settings.FIELDS
        labels = {
            "instructions": "AI instructions",
            "provider": "Who assesses",
            "model": "Model",
            "base_url": "Address of your own server",
            "daily_budget": "Budget a day",
            "daily_calls": "Assessments by the model a day",
            "input_price": "Price per million tokens sent",
            "output_price": "Price per million tokens received",
            "concurrency": "Requests at a time",
            "timeout_seconds": "Seconds to wait for an answer",
            "mask_people": "Mask people's names and addresses",
            "send_quotes": "Send short extracts of messages",
        }
        help_texts = {
            "instructions": "What a good colleague should know when judging your customers, such as "
            "“Silence in August is normal for Education.” A language model reads them all; the built-in assessor "
            "understands the forms that are listed beside.",
        }
        widgets = {"instructions": forms.Textarea(attrs={"rows": 5})}


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def settings_ai(request: HttpRequest) -> HttpResponse:
    """Who assesses, with which instructions, and within which limits; what is sent can be read first."""
    organization = organization_of(request)
    stored = ai_settings.ai_settings(organization)
    form = AiForm(request.POST or None, instance=stored)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        key = "" if given["forget_key"] else (given["key"] or None)
        try:
            ai_settings.save(
                organization, {name: given[name] for name in ai_settings.FIELDS}, member_of(request).email, key
            )
        except ValidationError as error:
            for name, sentences in error.message_dict.items():
                form.add_error(name if name in form.fields else None, sentences)
        else:
            messages.success(request, "Saved. Assessments follow the new settings as they are made.")
            return redirect("/settings/ai")
    today = ModelCall.objects.filter(day=clock.today(organization.time_zone))
    context = {
        "form": form,
        "stored": stored,
        "calls_today": today.count(),
        "spent_today": sum(call.cost for call in today),
        "failed": today.exclude(outcome="accepted").order_by("-pk").first(),
        "reading": instructions.read(stored.instructions),
        "forms": instructions.FORMS,
        "customers": Customer.objects.filter(archived_at__isnull=True).order_by("name")[:200],
    }
    return render(request, "web/assessment/settings.html", context, status=422 if form.errors else 200)


@administrators_only
@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """Exactly what would be sent to the provider about one customer."""
    from startdeliver.assessment.llm import provider

    chosen = request.GET.get("customer", "")
    customer = get_object_or_404(Customer, pk=int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0)
    context = {"customer": customer, "text": provider.preview(customer)}
    context["masked"] = ai_settings.ai_settings(organization_of(request)).mask_people
    return render(request, "web/assessment/preview.html", context)


@administrators_only
@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """Asks the model about an invented customer."""
    from startdeliver.assessment.llm import provider

    try:
        messages.success(request, provider.try_out(organization_of(request)))
    except provider.ProviderError as error:
        messages.error(request, str(error))
    return redirect("/settings/ai")


def strip_counts(among: QuerySet[Customer] | None = None) -> list[tuple[str, str, int]]:
    """(status, label, customers) best first, of the customers in `among` or of all; none while nobody was assessed."""
    counts = selectors.status_counts(among)
    if not any(counts.values()) and (among is None or not any(selectors.status_counts().values())):
        return []
    return [(status, str(Status(status).label), counts[status]) for status in LEVELS]
