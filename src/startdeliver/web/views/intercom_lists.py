"""The lists of Apps → Intercom: skipped conversations, field rules, sync history. Administrators only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from startdeliver.common import clock
from startdeliver.customers.models import CustomerUser, email_key
from startdeliver.sync import connect, fields, links, manual_matching, overview
from startdeliver.sync.models import Connection, Skip, SyncRun
from startdeliver.web import charts, formats
from startdeliver.web.access import administrators_only, is_swap, organization_of
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.views.intercom import HOME, tabs

_FIELD_WORDS = {
    "name": "Name",
    "external_id": "External ID",
    "domain": "Domain",
    "website": "Website",
    "plan": "Plan",
    "size": "Size (employees)",
    "industry": "Industry",
    "monthly_spend": "Monthly spend",
    "tags": "Tags",
    "email": "E-mail",
    "phone": "Phone",
    "role": "Role",
    "last_seen_at": "Last seen",
}
RULE_WORDS = {
    fields.Rule.INTERCOM: "Intercom wins",
    fields.Rule.STARTDELIVER: "Startdeliver wins",
    fields.Rule.FILL: "Fill if empty",
}


@dataclass(frozen=True)
class SkipRow:
    """A skipped conversation as listed."""

    skip: Skip
    link: str
    can_create: bool


@dataclass(frozen=True)
class FieldRow:
    """A line of the field rules."""

    key: str
    label: str
    source: str
    rule: str
    in_only: bool


def _frame(request: HttpRequest, current: str) -> dict[str, Any]:
    connection = connect.connection_of(organization_of(request))
    return {
        "connection": connection,
        "region": overview.region_name(connection),
        "tabs": tabs(request, current),
    }


@administrators_only
@require_safe
def skips(request: HttpRequest) -> HttpResponse:
    """Conversations that did not become tickets, with reasons and two ways out."""
    organization = organization_of(request)
    reason = request.GET.get("reason", "")
    reason = reason if reason in Skip.Reason.values else ""
    resolved = request.GET.get("resolved") == "1"
    text = request.GET.get("q", "").strip()[:200]
    counts = overview.skip_counts(organization)
    page = paginate(overview.skips(organization, reason=reason, text=text, resolved=resolved), page_number(request))
    context = _frame(request, "skips")
    context |= {
        "page": page,
        "rows": [_row(skip, context["connection"]) for skip in page.rows],
        "reason": reason,
        "resolved": resolved,
        "q": text,
        "chips": [(value, label, counts.get(value, 0)) for value, label in Skip.Reason.choices if counts.get(value)],
        "total": sum(counts.values()),
        "waiting": overview.waiting(organization).sentence,
    }
    template = "web/apps/_skips.html" if is_swap(request, "skips") else "web/apps/skips.html"
    return render(request, template, context)


@administrators_only
@require_safe
def match(request: HttpRequest, pk: int) -> HttpResponse:
    """The page on which a skipped conversation's contact is matched to a user by hand."""
    skip = _skip(pk)
    text = request.GET.get("q", skip.contact_email or skip.contact_name).strip()[:200]
    context = _frame(request, "skips") | {"row": _row(skip, connect.connection_of(organization_of(request))), "q": text}
    context["users"] = _candidates(text)
    template = "web/apps/_candidates.html" if is_swap(request, "candidates") else "web/apps/match.html"
    return render(request, template, context)


@administrators_only
@require_POST
def match_to(request: HttpRequest, pk: int) -> HttpResponse:
    """Matches the contact to the chosen user and imports the conversation at once."""
    skip = _skip(pk)
    chosen = request.POST.get("user", "")
    user = CustomerUser.objects.filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 19 else None
    if user is None:
        messages.error(request, "Choose a user to match to.")
        return redirect(f"{HOME}/skips/{skip.pk}")
    try:
        ticket = manual_matching.match_skip(skip, user)
    except manual_matching.ManualMatchError as error:
        messages.error(request, str(error))
        return redirect(f"{HOME}/skips/{skip.pk}")
    messages.success(request, f"Matched to {user}. The ticket “{ticket}” has arrived.")
    return redirect(f"{HOME}/skips")


@administrators_only
@require_POST
def create_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Creates the user from the contact and imports the conversation at once."""
    try:
        ticket = manual_matching.create_user_for_skip(_skip(pk))
    except manual_matching.ManualMatchError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The user is created, and the ticket “{ticket}” has arrived.")
    return redirect(f"{HOME}/skips")


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def field_rules(request: HttpRequest) -> HttpResponse:
    """Which Intercom attribute fills which field, and who wins."""
    connection = connect.connection_of(organization_of(request))
    error = ""
    if request.method == "POST":
        changes, error = _changed_rules(request)
        if not error:
            connection.field_rules = changes
            connection.settings_changed_at = clock.now()
            connection.save(update_fields=["field_rules", "settings_changed_at"])
            messages.success(request, "Saved. The rules apply from the next sync on.")
            return redirect(f"{HOME}/fields")
    context = _frame(request, "fields") | {
        "groups": [
            ("Customers, from Intercom companies", _rows(connection, "customer")),
            ("Users, from Intercom contacts", _rows(connection, "user")),
        ],
        "rules": list(RULE_WORDS.items()),
        "error": error,
    }
    return render(request, "web/apps/fields.html", context, status=422 if error else 200)


@administrators_only
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Every sync run with its counts and outcome."""
    organization = organization_of(request)
    page = paginate(
        SyncRun.objects.filter(organization=organization).order_by("-created_at", "-pk"), page_number(request)
    )
    recent = overview.recent_runs(organization)
    zone = str(getattr(request.user, "zone", "UTC"))
    strip = [
        charts.Run(one.status, one.seconds or 0, f"{formats.exact(one.created_at, zone)}: {overview.run_sentence(one)}")
        for one in recent
    ]
    context = _frame(request, "runs") | {
        "page": page,
        "strip": charts.run_strip(strip, title="Recent sync runs") if strip else "",
    }
    template = "web/apps/_runs.html" if is_swap(request, "runs") else "web/apps/runs.html"
    return render(request, template, context)


@administrators_only
@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One sync run in full."""
    found = get_object_or_404(SyncRun.objects.select_related("connection"), pk=pk)
    reasons = dict(Skip.Reason.choices)
    context = _frame(request, "runs") | {
        "run": found,
        "skipped": [(reasons.get(reason, reason), number) for reason, number in found.skipped.items()],
    }
    return render(request, "web/apps/run.html", context)


def _skip(pk: int) -> Skip:
    found = Skip.objects.filter(pk=pk, resolved_at__isnull=True).first()
    if found is None:
        raise Http404("This conversation is no longer skipped.")
    return found


def _row(skip: Skip, connection: Connection) -> SkipRow:
    link = links.region_of(connection, skip.workspace).conversation_link(skip.workspace, skip.external_id)
    return SkipRow(skip, link, bool(skip.contact_ref) and skip.reason == Skip.Reason.NO_USER)


def _candidates(text: str) -> list[CustomerUser]:
    rows = CustomerUser.objects.filter(archived_at__isnull=True).select_related("customer")
    if not text:
        return []
    exact = list(rows.filter(email_key=email_key(text))[:10])
    rest = rows.filter(name__icontains=text) | rows.filter(email__icontains=text)
    return [*exact, *[one for one in rest.order_by("name", "pk")[:20] if one not in exact]]


def _rows(connection: Connection, model: str) -> list[FieldRow]:
    return [
        FieldRow(one.full_name, _FIELD_WORDS.get(one.name, one.name), one.source, one.rule, one.in_only)
        for one in fields.mapping(connection.field_rules, model)
    ]


def _changed_rules(request: HttpRequest) -> tuple[dict[str, Any], str]:
    """What differs from the defaults, as `Connection.field_rules` keeps it, or a sentence about what cannot be."""
    changes: dict[str, Any] = {}
    for default in fields.DEFAULTS:
        name = default.full_name
        rule = request.POST.get(f"{name}.rule", default.rule)
        source = request.POST.get(f"{name}.from", default.source).strip()[:200]
        if rule not in RULE_WORDS:
            return {}, f"{_FIELD_WORDS[default.name]}: choose one of the three rules."
        if not source:
            return {}, f"{_FIELD_WORDS[default.name]}: name the Intercom attribute that fills it."
        known = {one.source for one in fields.DEFAULTS if one.model == default.model}
        if source not in known and not source.startswith(fields.CUSTOM):
            return {}, (
                f"{_FIELD_WORDS[default.name]}: Intercom has no attribute {source}; a custom attribute is written "
                f"{fields.CUSTOM}name."
            )
        change = {}
        if rule != default.rule:
            change["rule"] = rule
        if source != default.source:
            change["from"] = source
        if change:
            changes[name] = change
    return changes, ""
