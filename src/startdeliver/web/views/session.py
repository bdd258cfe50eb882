"""Logging in and out, and setting a password with a one-time link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, password_validation
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from startdeliver.tenancy import throttle
from startdeliver.tenancy.addresses import client_address
from startdeliver.tenancy.models import Member, OneTimeLink
from startdeliver.tenancy.services import LinkUsed, password_set
from startdeliver.web import formats

T = TypeVar("T")
HOME = "/customers"
WRONG = "This e-mail address and password do not belong together. Check both and try again."


def _password(label: str, required: str, *, help_text: str = "", **attrs: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs=attrs),
        error_messages={"required": required},
    )


class LoginForm(forms.Form):
    """E-mail address and password."""

    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Enter your e-mail address."},
    )
    password = _password("Password", "Enter your password.", autocomplete="current-password")


class PasswordForm(forms.Form):
    """A new password, entered twice; `member` is its owner, None for an operator."""

    password = _password(
        "New password",
        "Enter a password.",
        help_text="At least 10 characters. A few words in a row are easy to remember and hard to guess.",
        autocomplete="new-password",
        autofocus=True,
    )
    again = _password("The same password again", "Enter the password a second time.", autocomplete="new-password")

    def __init__(self, member: Member | None, *args: Any, **kwargs: Any) -> None:
        self.member = member
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, self.member)
        return password

    def clean(self) -> None:
        given = self.cleaned_data
        if "password" in given and "again" in given and given["password"] != given["again"]:
            self.add_error("again", ValidationError("The two passwords differ. Enter the same one twice."))


@dataclass(frozen=True)
class Limit:
    """A token bucket of `tenancy.throttle` for attempts to log in."""

    kind: str
    capacity: int
    per_second: float


def try_log_in(
    request: HttpRequest,
    form: LoginForm,
    authenticate: Callable[[str, str], T | None],
    by_email: Limit,
    by_address: Limit,
) -> tuple[T | None, str, int]:
    """Returns who logged in, or the error and the HTTP status of the page.

    Attempts are throttled by e-mail address and by the address of the browser.
    """
    if request.method != "POST" or not form.is_valid():
        return None, "", 200
    email, password = form.cleaned_data["email"].strip(), form.cleaned_data["password"]
    wait = max(
        throttle.take(limit.kind, subject, capacity=limit.capacity, per_second=limit.per_second)
        for limit, subject in ((by_email, email.casefold()), (by_address, client_address(request)))
    )
    if wait:
        return None, f"Too many attempts. Wait {formats.duration(max(60, wait))} and try again.", 429
    account = authenticate(email, password)
    if account is None:
        return None, WRONG, 400
    throttle.forget(by_email.kind, email.casefold())
    return account, "", 200


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """The log-in page. A wrong e-mail and a wrong password get the same answer; both are throttled."""
    after = _safe_next(request)
    if isinstance(request.user, Member):
        return redirect(after)
    form = LoginForm(request.POST or None)

    def member_of(email: str, password: str) -> Member | None:
        account = authenticate(request, username=email, password=password)
        return account if isinstance(account, Member) else None

    by_email, by_address = Limit("login-email", 8, 1 / 60), Limit("login-address", 40, 1 / 10)
    member, error, status = try_log_in(request, form, member_of, by_email, by_address)
    if member is not None:
        login(request, member)
        return redirect(after)
    return render(request, "web/session/login.html", {"form": form, "error": error, "next": after}, status=status)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    messages.success(request, "You are logged out.")
    return redirect("/login")


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Sets the password of the link's member and logs in. The link works once and for seven days."""
    wait = throttle.take("password-link", client_address(request), capacity=30, per_second=1 / 20)
    link = None if wait else OneTimeLink.find(token)
    if link is None:
        return link_used(request, 429 if wait else 404)
    form = PasswordForm(link.member, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            member = password_set(link, form.cleaned_data["password"])
        except LinkUsed:
            return link_used(request, 404)
        # Another person's session in this browser must not continue under the new log-in.
        request.session.flush()
        login(request, member, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, "Your password is set. You are logged in.")
        return redirect(HOME)
    return render(request, "web/session/password.html", {"form": form, "who": link.member})


def link_used(request: HttpRequest, status: int) -> HttpResponse:
    """The page of a link that was used, has expired or never existed."""
    context = {
        "heading": "This link no longer works",
        "text": "A link for setting a password works once and for seven days. "
        "Ask an administrator of your organization for a new one.",
        "url": "/login",
        "label": "Go to the log-in page",
    }
    return render(request, "web/bare_message.html", context, status=status)


def _safe_next(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return target if safe and not target.startswith(("/login", "/logout")) else HOME
