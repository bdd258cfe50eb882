"""Settings → Team and Settings → API keys. Administrators only; everybody may end their own sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from startdeliver.common import clock
from startdeliver.engine.mail import enqueue_mail
from startdeliver.tenancy import members, sessions, throttle
from startdeliver.tenancy.addresses import client_address
from startdeliver.tenancy.members import MemberError
from startdeliver.tenancy.models import ApiKey, Member, OneTimeLink, Organization, Role
from startdeliver.web import formats
from startdeliver.web.access import member_of, organization_of

TEAM = "/settings/team"
KEYS = "/settings/apikeys"
_ACTIONS: dict[str, tuple[Callable[[Member], None], str]] = {
    "archive": (members.member_archive, "{} is archived and can no longer log in."),
    "restore": (members.member_restore, "{} can log in again."),
    "signout": (members.sign_out_everywhere, "{} is logged out everywhere."),
}


def team(request: HttpRequest) -> HttpResponse:
    """The members, and a form to invite one."""
    form: dict[str, str] = {"email": "", "name": "", "role": Role.MAIN}
    error, field = "", ""
    if request.method == "POST":
        form = {name: request.POST.get(name, "").strip()[:254] for name in form}
        try:
            member, token = members.member_invite(organization_of(request), **form)
        except MemberError as problem:
            error, field = str(problem), problem.field
        else:
            _invite(request, member, token)
            return redirect(TEAM)
    invite = request.session.pop("invite", None)
    rows = Member.objects.filter(organization=organization_of(request)).order_by("archived_at", "name", "email")
    context = {
        "rows": [row for row in rows if row.archived_at is None],
        "archived": [row for row in rows if row.archived_at is not None],
        "roles": Role.choices,
        "form": form,
        "error": error,
        "error_field": field,
        "invited": rows.filter(pk=invite["member"]).first() if invite else None,
        "invite_link": invite["link"] if invite else "",
        "longest": sessions.LONGEST_DAYS,
        "emails": bool(settings.CONFIG.email_url),
    }
    return render(request, "web/settings/team.html", context, status=422 if error else 200)


def session_length(request: HttpRequest) -> HttpResponse:
    """How long a log-in lasts."""
    organization = organization_of(request)
    try:
        days = request.POST.get("days", "").strip()
        sessions.set_length(organization, days, request.POST.get("counted") == "visit")
    except MemberError as problem:
        messages.error(request, f"{problem} Nothing was changed.")
    else:
        messages.success(request, f"Saved. {_lasts(organization)}")
    return redirect(f"{TEAM}#session")


def member(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """role, archive, restore, link or signout for one member of this organization."""
    person = get_object_or_404(Member, organization=organization_of(request), pk=pk)
    try:
        if action == "role":
            members.member_set_role(person, request.POST.get("role", ""))
            messages.success(request, f"{person} is now {person.get_role_display()}.")
        elif action == "link":
            _invite(request, person, members.member_link(person))
        elif action in _ACTIONS:
            service, sentence = _ACTIONS[action]
            service(person)
            messages.success(request, sentence.format(person))
        else:
            raise Http404("There is no such action.")
    except MemberError as problem:
        messages.error(request, str(problem))
    return redirect(TEAM)


def _invite(request: HttpRequest, member: Member, token: str) -> None:
    """Sends the link by e-mail, and stores it for the page that shows it once."""
    _send(member, token)
    request.session["invite"] = {"member": member.pk, "link": _link(token)}


def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """Ends the member's other sessions; this one continues."""
    person = member_of(request)
    members.sign_out_everywhere(person)
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    messages.success(request, "You are logged out everywhere else.")
    return redirect("/customers")


@never_cache
def api_keys(request: HttpRequest) -> HttpResponse:
    """The organization's API keys, and a form to create one, whose text is shown once."""
    error = ""
    if request.method == "POST":
        name = request.POST.get("name", "").strip()
        access = request.POST.get("access", "")
        if not name:
            error = "Give the key a name that says which program uses it."
        elif len(name) > 100:
            error = "The name is too long; use at most 100 characters."
        elif access not in ApiKey.Access.values:
            error = "Choose what the key may do."
        else:
            key, text = ApiKey.issue(organization_of(request), name, access=access)
            return render(request, "web/settings/apikeys.html", _keys(key, text))
    context = _keys() | {"error": error, "name": request.POST.get("name", "")}
    return render(request, "web/settings/apikeys.html", context, status=422 if error else 200)


def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a key at once."""
    changed = ApiKey.objects.filter(pk=pk, revoked_at__isnull=True).update(revoked_at=clock.now())
    if not changed:
        raise Http404("There is no such key.")
    messages.success(request, "The key is revoked. Programs that use it are refused from now on.")
    return redirect(KEYS)


@never_cache
def forgot(request: HttpRequest) -> HttpResponse:
    """Asks for a link by e-mail. The answer is the same whether or not the address is a member's."""
    sent = False
    if request.method == "POST":
        email = request.POST.get("email", "").strip()[:254]
        wait = max(
            throttle.take("forgot-email", email.casefold(), capacity=3, per_second=1 / 600),
            throttle.take("forgot-address", client_address(request), capacity=20, per_second=1 / 60),
        )
        person = Member.objects.filter(email__iexact=email, archived_at__isnull=True).first() if not wait else None
        if person is not None:
            _send(person, OneTimeLink.issue(person), reset=True)
        sent = True
    return render(request, "web/session/forgot.html", {"sent": sent})


def _keys(made: ApiKey | None = None, text: str = "") -> dict[str, Any]:
    rows = ApiKey.objects.filter(member__isnull=True).order_by("-created_at", "-pk")
    return {
        "keys": [one for one in rows if one.revoked_at is None],
        "revoked": [one for one in rows if one.revoked_at is not None],
        "made": made,
        "text": text,
        "accesses": ApiKey.Access.choices,
    }


def _lasts(organization: Organization) -> str:
    counted = "without a visit" if organization.session_sliding else "after the log-in"
    return f"Members are logged out {formats.plural(organization.session_days, 'day')} {counted}."


def _link(token: str) -> str:
    return f"{settings.CONFIG.base_url}/password/{token}"


def _send(to: Member, token: str, *, reset: bool = False) -> None:
    subject = "Set a new password" if reset else f"You are invited to {to.organization.name} on Startdeliver"
    text = (
        f"Set your password here; the link works once and for seven days:\n\n{_link(token)}\n\n"
        "If you did not expect this e-mail, you can ignore it."
    )
    enqueue_mail(to=to.email, subject=subject, text=text)
