"""Apps → Intercom → Advanced → Events as usage: on or off, what each name counts as, and the last reading.

Administrators only; all changes need the advanced tier.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from startdeliver.common import clock
from startdeliver.customers.values import FieldError
from startdeliver.sync import connect, events
from startdeliver.sync.events import Standing
from startdeliver.sync.models import Connection, EventName, SyncRun
from startdeliver.usage.models import UsageType
from startdeliver.web import formats
from startdeliver.web.access import member_of, organization_of
from startdeliver.web.views import push
from startdeliver.web.views.intercom import connection_of

HOME = f"{push.HOME}/events"
# The number counted during the request; the worker counts the rest within a minute.
_PATIENCE = 3.0


def page(request: HttpRequest) -> HttpResponse:
    """What is counted, or what is missing for it."""
    standing = events.standing(*connection_of(request))
    context = push.frame(request, "events") | {"standing": standing, "locked": standing is Standing.LOCKED}
    if standing is not Standing.LOCKED:
        names = events.overview()
        context |= {
            "names": names,
            "mapped": [(name, clock.from_unix(name.met.last_at) if name.met else None) for name in names.mapped],
            "unknown": [(name, clock.from_unix(name.last_at or None)) for name in names.unknown],
            "targets": events.targets(),
            "last": (last := last_read()),
            "figures": figures(last) if last else [],
        }
    return render(request, "web/push/events.html", context)


def switch(request: HttpRequest) -> HttpResponseBase:
    """Answers the third question of the connection: whether events count as usage."""
    wanted = request.POST.get("on") == "yes"
    Connection.objects.filter(organization=organization_of(request)).update(sync_events=wanted)
    if wanted:
        messages.success(request, "Events come in from the next sync on.")
    else:
        messages.success(request, "Events come in no more. What was counted stays.")
    return redirect(HOME)


def add(request: HttpRequest) -> HttpResponseBase:
    """Counts a name as a new usage type, or as an existing one."""
    organization = organization_of(request)
    name = request.POST.get("name", "").strip()[:255]
    try:
        usage_type = events.add(organization, name, request.POST.get("target", ""), by=member_of(request).email)
    except FieldError as error:
        messages.error(request, " ".join(error.errors.values()))
        return redirect(HOME)
    said = f"“{name}” counts as {usage_type} now."
    row = EventName.objects.filter(name=name).first()
    if row is not None and row.waiting and events.is_on(organization, connect.connection_of(organization)):
        before = row.counted
        events.bring_in(organization, seconds=_PATIENCE)
        row.refresh_from_db()
        brought = row.counted - before
        more = " The rest follows within minutes." if row.waiting else ""
        said += f" {formats.plural(brought, 'event')} that came before {'is' if brought == 1 else 'are'} counted.{more}"
    messages.success(request, f"{said} Usage health follows within a minute.")
    return redirect(HOME)


def remove(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Stops counting a name."""
    usage_type = get_object_or_404(UsageType, pk=pk)
    if usage_type.intercom_event_name:
        name = events.remove(usage_type, by=member_of(request).email)
        messages.success(request, f"“{name}” counts no more. What was counted stays; new events wait below.")
    return redirect(HOME)


def ignore(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ignores a name, or (`back`) offers it again."""
    row = get_object_or_404(EventName, pk=pk)
    if request.POST.get("back") == "yes":
        events.unignore(row.pk)
        messages.success(request, f"“{row.name}” is listed again.")
    else:
        events.ignore(row.pk)
        messages.success(request, f"“{row.name}” is ignored. Its events still wait, so you can take this back.")
    return redirect(HOME)


def last_read() -> SyncRun | None:
    """Returns the newest run that read events."""
    return SyncRun.objects.exclude(events={}).order_by("-created_at").first()


def figures(run: SyncRun) -> list[tuple[str, int, str]]:
    """Returns (name, number, explanation) for a run's events, without zeros."""
    counts = run.events
    rows = [
        ("Contacts asked", "asked", "seen since their events were last read, or never read before"),
        ("Events read", "read", ""),
        ("Counted as usage", "stored", ""),
        ("Brought in", "brought_in", "had waited for a usage type"),
        ("Known already", "known", "read before, or brought by a webhook; not counted again"),
        ("Without a usage type", "unknown", "they wait, see the names"),
        ("Contacts not asked", "unmatched", "seen, but no user here matches them; asked once one does"),
        ("Contacts gone", "gone", "archived, deleted or merged just now; the next sync finds out which"),
        ("Contacts failed", "failed", "Intercom's answer failed; the next sync asks again"),
        ("Impossible time", "bad_time", "in the future, or before the year 2000; left out"),
        ("Unreadable", "unreadable", "not what Intercom describes; left out"),
        ("No user any more", "no_user", "the user was deleted meanwhile"),
    ]
    always = ("asked", "read", "stored")
    return [(label, counts.get(key, 0), why) for label, key, why in rows if counts.get(key) or key in always]
