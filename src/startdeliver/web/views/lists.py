"""Saved lists of the customers page: save, overwrite, rename, share, delete; and the columns to show."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from startdeliver.customers import lists
from startdeliver.customers.models import SavedList
from startdeliver.customers.services import FieldError
from startdeliver.web.access import member_of
from startdeliver.web.listing import Asked, address, asked

_NOT_YOURS = "Only its owner or an administrator may change a shared list. Save it under another name to have your own."


def create(request: HttpRequest) -> HttpResponse:
    """Saves the current list as a new one."""
    member, now = member_of(request), _asked(request)
    try:
        saved = lists.list_create(
            member=member,
            name=request.POST.get("name", ""),
            shared=request.POST.get("shared") == "on",
            asks=now.params,
            columns=now.keys,
            sort=now.sort,
        )
    except FieldError as error:
        messages.error(request, f"The list was not saved. {error}")
        return redirect(now.address())
    messages.success(request, f"{saved.name} was saved.")
    return redirect(list_address(saved))


def change(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """overwrite, rename or delete for one list."""
    member = member_of(request)
    saved = lists.list_for(member, pk)
    if saved is None:
        raise Http404("There is no such list.")
    if not lists.may_change(member, saved):
        raise PermissionDenied(_NOT_YOURS)
    if action == "overwrite":
        now = _asked(request)
        lists.list_update(saved=saved, member=member, asks=now.params, columns=now.keys, sort=now.sort)
        messages.success(request, f"{saved.name} now shows this.")
    elif action == "rename":
        try:
            name, shared = request.POST.get("name", ""), request.POST.get("shared") == "on"
            lists.list_rename(saved=saved, member=member, name=name, shared=shared)
        except FieldError as error:
            messages.error(request, f"The list was not changed. {error}")
            saved.refresh_from_db()
        else:
            messages.success(request, f"{saved.name} was saved.")
    elif action == "delete":
        name = saved.name
        saved.delete()
        messages.success(request, f"The list {name} is deleted. Its customers stay.")
        return redirect("/customers")
    else:
        raise Http404("There is no such action.")
    return redirect(list_address(saved))


def columns(request: HttpRequest) -> HttpResponse:
    """Redirects to the list with the ticked columns."""
    params = request.GET.copy()
    params["columns"] = ",".join(request.GET.getlist("column"))
    return redirect(asked(params, member_of(request)).address())


def list_address(saved: SavedList) -> str:
    """Returns the address that shows a saved list."""
    return address(saved.asks, saved.columns, saved.sort, saved.pk)


def _asked(request: HttpRequest) -> Asked:
    return asked(QueryDict(request.POST.get("query", "")[:8000].lstrip("?")), member_of(request))
