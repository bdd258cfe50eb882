"""Logging in and out, and setting a password with a one-time link."""

from __future__ import annotations

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

HOME = "/customers"
WRONG = "This e-mail address and password do not belong together. Check both and try again."


class LoginForm(forms.Form):
    """E-mail address and password."""

    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Enter your e-mail address."},
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )


class PasswordForm(forms.Form):
    """A new password, twice."""

    password = forms.CharField(
        label="New password",
        help_text="At least 10 characters. A few words in a row are easy to remember and hard to guess.",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
        error_messages={"required": "Enter a password."},
    )
    again = forms.CharField(
        label="The same password again",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Enter the password a second time."},
    )

    def __init__(self, member: Member, *args: object, **kwargs: object) -> None:
        self.member = member
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, self.member)
        return password

    def clean(self) -> None:
        given = self.cleaned_data
        if "password" in given and "again" in given and given["password"] != given["again"]:
            self.add_error("again", ValidationError("The two passwords differ. Enter the same one twice."))


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """The log-in page. A wrong e-mail and a wrong password get the same answer; both are throttled."""
    after = _safe_next(request)
    if isinstance(request.user, Member):
        return redirect(after)
    form = LoginForm(request.POST or None)
    error, status = "", 200
    if request.method == "POST" and form.is_valid():
        email, password = form.cleaned_data["email"].strip(), form.cleaned_data["password"]
        wait = max(
            throttle.take("login-email", email.casefold(), capacity=8, per_second=1 / 60),
            throttle.take("login-address", client_address(request), capacity=40, per_second=1 / 10),
        )
        if wait:
            error = f"Too many attempts. Wait {formats.duration(max(60, wait))} and try again."
            status = 429
        else:
            member = authenticate(request, username=email, password=password)
            if isinstance(member, Member):
                throttle.forget("login-email", email.casefold())
                login(request, member)
                return redirect(after)
            error, status = WRONG, 400
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
        return render(request, "web/session/link_used.html", status=429 if wait else 404)
    form = PasswordForm(link.member, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            member = password_set(link, form.cleaned_data["password"])
        except LinkUsed:
            return render(request, "web/session/link_used.html", status=404)
        # A session of somebody else in this browser must not live on under the new log-in.
        request.session.flush()
        login(request, member, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, "Your password is set. You are logged in.")
        return redirect(HOME)
    return render(request, "web/session/password.html", {"form": form, "who": link.member})


def _safe_next(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return target if safe and not target.startswith(("/login", "/logout")) else HOME
