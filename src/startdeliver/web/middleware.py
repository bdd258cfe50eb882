"""Middleware of the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError


class NoNullCharacters:
    """Removes the character U+0000 from addresses and forms: nobody types it, and PostgreSQL cannot store it.

    The API is excluded, because it reports the field.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, more: Any) -> None:
        """Runs after the check of the form's token, which reads the form."""
        if request.path.startswith("/api/"):
            return
        if "%00" in request.META.get("QUERY_STRING", ""):
            request.GET = _without(request.GET)
        if request.method != "POST":
            return
        try:
            form = request.POST
        except UnreadablePostError:
            return
        if any("\x00" in text for name, texts in form.lists() for text in (name, *map(str, texts))):
            request.POST = _without(form)


def _without(data: QueryDict) -> Any:
    cleaned = QueryDict(mutable=True, encoding=data.encoding)
    for name, texts in data.lists():
        cleaned.setlist(name.replace("\x00", ""), [str(text).replace("\x00", "") for text in texts])
    cleaned._mutable = False
    return cleaned
