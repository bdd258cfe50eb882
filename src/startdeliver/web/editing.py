"""Pages with a form for one record, and actions on one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from django.contrib import messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from startdeliver.customers.values import FieldError
from startdeliver.web.access import member_of
from startdeliver.web.forms import ServiceForm

Actions: TypeAlias = Mapping[str, tuple[Callable[..., Any], str]]
"""By the word in the address: what is called with the record and `by`, and the sentence afterwards, {} its name."""


def form_page(
    request: HttpRequest,
    template: str,
    form: ServiceForm,
    service: Callable[..., Any],
    *,
    done: Callable[[Any], str],
    to: Callable[[Any], str],
    record: Model | None = None,
    **context: Any,
) -> HttpResponse:
    """Shows `form` and, when it is sent, saves it with `service(values=…)`.

    `done` and `to` return the message and the next address for the saved record. `record` is the record to change, None
    for a new one. It is read again after an error, because the service may have modified it.
    """
    if request.method == "POST":
        saved = form.save(service)
        if saved is not None:
            messages.success(request, done(saved))
            return redirect(to(saved))
        if record is not None:
            record.refresh_from_db()
    context |= {"form": form, "record": record}
    return render(request, template, context, status=422 if form.errors else 200)


def record_action(request: HttpRequest, actions: Actions, action: str, to: str, **record: Any) -> HttpResponse:
    """Calls the service that `actions` names for `action` with the record, and goes to `to`.

    A FieldError is shown. Raises Http404 for an unknown action.
    """
    if action not in actions:
        raise Http404("There is no such action.")
    service, sentence = actions[action]
    try:
        service(**record, by=member_of(request).email)
    except FieldError as error:
        messages.error(request, str(error))
    else:
        if sentence:
            messages.success(request, sentence.format(*record.values()))
    return redirect(to)
