"""Error pages: 400, 403, 404, 500, and a form whose page was open too long."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from startdeliver.tenancy.models import Member


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    signed_in = isinstance(getattr(request, "user", None), Member)
    template = "web/errors/inside.html" if signed_in else "web/bare_message.html"
    context = {"heading": title, "text": text, "code": status, "url": "/login", "label": "Go to the log-in page"}
    return render(request, template, context, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        400,
        "This request was not understood",
        "Nothing was changed. Go back, check what you entered, and try again.",
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = str(exception) if exception and str(exception) else "Your member type does not allow this."
    return _page(request, 403, "You cannot open this page", text)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = "There is nothing at this address, or it belongs to another organization. Search for it, or go to customers."
    return _page(request, 404, "Not found", text)


def server_error(request: HttpRequest) -> HttpResponse:
    # No database queries here, because the database may have failed.
    text = (
        "Startdeliver could not make this page. What you had saved before is safe; what you sent just now may not be "
        "saved. Go back and try again. If it fails again, tell the person who runs this installation: the log says "
        "what happened."
    )
    context = {"heading": "Something failed here", "text": text, "url": "/customers", "label": "Go to customers"}
    return HttpResponse(render_to_string("web/bare_message.html", context), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The view of settings.CSRF_FAILURE_VIEW."""
    text = "The page was open too long, or the browser sends no cookies. Nothing was changed. Load the page and repeat."
    return _page(request, 403, "This form has expired", text)
