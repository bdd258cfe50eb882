"""/operator: operators see the organizations of the installation and unlock the advanced tier.

Operators log in here with accounts that are created on the command line. They are separate from members; being an
administrator of an organization gives no access.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_scopes import scopes_disabled

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.engine import jobs
from startdeliver.support.models import Ticket
from startdeliver.sync.models import Connection, SyncRun
from startdeliver.tenancy import operators, throttle
from startdeliver.tenancy.addresses import client_address
from startdeliver.tenancy.models import Member, Operator, Organization, TierChange
from startdeliver.usage.models import UsageEvent
from startdeliver.web import formats
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.params import search_text
from startdeliver.web.views.session import Limit, LoginForm, PasswordForm, try_log_in

HOME = "/operator"
_SIZE = 25


MOST = 100_000
"""Counting stops here: the page must answer at once, however much there is."""


@dataclass(frozen=True)
class Size:
    """The number of rows of a kind: at most MOST, with `is_more` if there are more."""

    number: int
    is_more: bool


@dataclass(frozen=True)
class Line:
    """One organization: people, connection and last run, sizes."""

    organization: Organization
    members: int
    connection: Connection | None
    last: SyncRun | None
    customers: Size
    users: Size
    tickets: Size
    events: Size


class OperatorRequest(HttpRequest):
    """A request of a signed-in operator (for type checking)."""

    operator: Operator


def operators_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Redirects everybody except signed-in operators to the operator's log-in, including members."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        operator = operators.signed_in(request.session)
        if operator is None:
            return redirect(f"{HOME}/login")
        cast(OperatorRequest, request).operator = operator
        # A member may be signed in too, in the same browser; the operator reads in UTC, like the log files.
        with timezone.override("UTC"):
            answer = view(request, *args, **kwargs)
        patch_cache_control(answer, private=True, no_cache=True, no_store=True)
        return answer

    return checked


@operators_only
@require_safe
def organizations(request: HttpRequest) -> HttpResponse:
    """The organizations with their size, last sync, and the switch of the advanced tier."""
    search = search_text(request.GET)
    rows = Organization.objects.order_by("name", "pk")
    if search:
        rows = rows.filter(name__icontains=search) | rows.filter(slug__icontains=search)
    page = paginate(rows, page_number(request), size=_SIZE)
    context = {"page": page, "lines": lines(page.rows), "search": search, "most": MOST}
    return _render(request, "organizations", context)


@operators_only
@require_POST
def advanced(request: HttpRequest, pk: int) -> HttpResponse:
    """Unlocks or locks one organization's advanced tier. The form says which: a second click changes nothing."""
    operator = cast(OperatorRequest, request).operator
    organization = get_object_or_404(Organization, pk=pk)
    state = request.POST.get("state", "")
    if wait := throttle.take("operator-switch", str(operator.pk), capacity=60, per_second=1):
        messages.error(request, f"Too many changes at once. Wait {formats.duration(max(1, wait))} and try again.")
    elif state not in ("on", "off"):
        messages.error(request, "Nothing was changed: it was not said whether to unlock or to lock.")
    else:
        changed = operators.set_advanced(organization, state == "on", operator.email)
        state_word = "unlocked" if state == "on" else "locked"
        also = "" if changed else " already"
        after = "" if state == "on" or not changed else " A push that is running stops; what is in Intercom stays."
        messages.success(request, f"The advanced tier of {organization.name} is {state_word}{also}.{after}")
    kept = {name: text for name in ("q", "page") if (text := request.POST.get(name, "")[:200])}
    return redirect(f"{HOME}{'?' + urlencode(kept) if kept else ''}#org-{pk}")


@operators_only
@require_safe
def failed_jobs(request: HttpRequest) -> HttpResponse:
    """The background jobs that failed for good in the last week, with their errors."""
    failed = jobs.select([jobs.Status.FAILED])
    names = Organization.objects.in_bulk([job.organization_id for job in failed if job.organization_id])
    rows = [(job, names.get(job.organization_id or 0)) for job in failed]
    return _render(request, "jobs", {"rows": rows})


@operators_only
@require_POST
def retry_job(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts a failed job back into the queue. A second click changes nothing."""
    if jobs.retry(pk):
        messages.success(request, "The job waits for a worker again.")
    else:
        messages.info(request, "That job has not failed, or it is gone. Nothing was changed.")
    return redirect(f"{HOME}/jobs")


@operators_only
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """The log of changes of the tier."""
    page = paginate(TierChange.objects.order_by("-at", "-pk"), page_number(request))
    return _render(request, "changes", {"page": page, "changes": page.rows})


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """The operator's log-in. A wrong address and a wrong password get the same answer, after the same time."""
    if operators.signed_in(request.session) is not None:
        return redirect(HOME)
    form = LoginForm(request.POST or None)
    by_email, by_address = Limit("operator-email", 5, 1 / 120), Limit("operator-address", 20, 1 / 30)
    operator, error, status = try_log_in(request, form, operators.authenticate, by_email, by_address)
    if operator is not None:
        _sign_in(request, operator)
        return redirect(HOME)
    return _render(request, "login", {"form": form, "error": error}, status)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """Ends the operator's part of the session."""
    operators.sign_out(request.session)
    request.session.cycle_key()
    messages.success(request, "You are logged out.")
    return redirect(f"{HOME}/login")


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Sets the password of the link's operator and logs in. The link works once and for seven days."""
    wait = throttle.take("operator-link", client_address(request), capacity=30, per_second=1 / 20)
    who = None if wait else operators.of_link(token)
    if who is None:
        return _link_used(request, 429 if wait else 404)
    form = PasswordForm(None, request.POST or None)
    if request.method == "POST" and form.is_valid():
        operator = operators.set_password(token, form.cleaned_data["password"])
        if operator is None:
            return _link_used(request, 404)
        _sign_in(request, operator)
        messages.success(request, "Your password is set. You are logged in.")
        return redirect(HOME)
    return _render(request, "password", {"form": form, "who": who})


def _link_used(request: HttpRequest, status: int) -> HttpResponse:
    context = {
        "heading": "This link no longer works",
        "text": "A link for setting a password works once and for seven days.",
        "command": "startdeliver operator link EMAIL",
        "url": f"{HOME}/login",
        "label": "Go to the operator's log-in",
        "member": None,
        "organization": None,
    }
    return render(request, "web/bare_message.html", context, status=status)


def _sign_in(request: HttpRequest, operator: Operator) -> None:
    request.session.cycle_key()
    rotate_token(request)
    operators.sign_in(request.session, operator)


def _render(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    # A member who is signed in in this browser does not matter here.
    frame = {"organization": None, "member": None, "operator": getattr(request, "operator", None), "current": name}
    return render(request, f"web/operator/{name}.html", frame | context, status=status)


def lines(organizations: Sequence[Organization]) -> list[Line]:
    """Returns a line for each organization of a page."""
    ids = [organization.pk for organization in organizations]
    with scopes_disabled():
        members = dict(
            Member.objects.filter(organization__in=ids, archived_at__isnull=True)
            .order_by()
            .values_list("organization")
            .annotate(Count("pk"))
        )
        links = {link.organization_id: link for link in Connection.objects.filter(organization__in=ids)}
        return [
            Line(
                organization,
                members.get(organization.pk, 0),
                links.get(organization.pk),
                SyncRun.objects.filter(Q(organization=organization), finished_at__isnull=False)
                .order_by("-created_at")
                .first(),
                _size(Customer, organization),
                _size(CustomerUser, organization),
                _size(Ticket, organization),
                _size(UsageEvent, organization),
            )
            for organization in organizations
        ]


def _size(model: type[Model], organization: Organization) -> Size:
    rows = model._default_manager.filter(organization=organization).order_by().values("pk")
    number = rows[: MOST + 1].count()
    return Size(min(number, MOST), number > MOST)
