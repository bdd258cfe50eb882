"""Apps → Intercom → Skipped: conversations that did not become tickets, and two remedies."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from startdeliver.customers.models import CustomerUser, email_key
from startdeliver.sync import connect, links, manual_matching, overview
from startdeliver.sync.models import Connection, Skip
from startdeliver.web.access import is_swap, organization_of
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.params import choice, row_of, search_text
from startdeliver.web.views.intercom import HOME, frame


@dataclass(frozen=True)
class SkipRow:
    """A skipped conversation as listed."""

    skip: Skip
    link: str
    can_create: bool


def skips(request: HttpRequest) -> HttpResponse:
    """Conversations that did not become tickets, with reasons and two remedies."""
    organization = organization_of(request)
    reason = choice(request.GET, "reason", Skip.Reason.values)
    resolved = request.GET.get("resolved") == "1"
    text = search_text(request.GET)
    counts = overview.skip_counts(organization)
    page = paginate(overview.skips(organization, reason=reason, text=text, resolved=resolved), page_number(request))
    context = frame(request, "skips")
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


def match(request: HttpRequest, pk: int) -> HttpResponse:
    """The page on which a skipped conversation's contact is matched to a user by hand."""
    skip = _skip(pk)
    text = request.GET.get("q", skip.contact_email or skip.contact_name).strip()[:200]
    context = frame(request, "skips") | {"row": _row(skip, connect.connection_of(organization_of(request))), "q": text}
    context["users"] = _candidates(text)
    template = "web/apps/_candidates.html" if is_swap(request, "candidates") else "web/apps/match.html"
    return render(request, template, context)


def match_to(request: HttpRequest, pk: int) -> HttpResponse:
    """Matches the contact to the chosen user and imports the conversation at once."""
    skip = _skip(pk)
    user = row_of(CustomerUser.objects, request.POST.get("user", ""))
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


def create_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Creates the user from the contact and imports the conversation at once."""
    try:
        ticket = manual_matching.create_user_for_skip(_skip(pk))
    except manual_matching.ManualMatchError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The user is created, and the ticket “{ticket}” has arrived.")
    return redirect(f"{HOME}/skips")


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
