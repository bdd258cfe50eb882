"""Apps → Intercom → Advanced: what is sent, the preview, pushes and their log. Administrators only.

Choosing attributes needs the advanced tier. Core fields (Apps → Intercom → Fields) are sent without it, with the same
preview and log.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from startdeliver.common import clock
from startdeliver.engine.jobs import Status
from startdeliver.intercom import IntercomError
from startdeliver.sync.models import PushItem, PushLog, PushPreview, PushRun
from startdeliver.sync.push import choices, create, previews, recipes, runs
from startdeliver.sync.push.preview import Preview, invisible
from startdeliver.sync.push.sources import COMPANY, CONTACT
from startdeliver.web import formats
from startdeliver.web.access import is_swap, member_of, organization_of
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.params import choice
from startdeliver.web.templatetags.ui import Tab
from startdeliver.web.views import intercom
from startdeliver.web.views.intercom import connection_of

HOME = f"{intercom.HOME}/advanced"
_LONG = 90.0  # seconds without a worker, after which the page says so
_TITLES = ((COMPANY, "Companies"), (CONTACT, "Contacts"))


def page(request: HttpRequest) -> HttpResponse:
    """Which attributes are sent, or whom to ask; the last push and what failed."""
    return _page(request)


def save(request: HttpRequest) -> HttpResponseBase:
    """Stores what is sent. New attributes wait for the preview."""
    organization, link = connection_of(request)
    names = {key.removeprefix("name."): text for key, text in request.POST.items() if key.startswith("name.")}
    try:
        choices.save(
            organization,
            by=member_of(request).email,
            ticked=request.POST.getlist("field"),
            names={key: str(text) for key, text in names.items()},
            prefix=request.POST.get("prefix"),
            keep_in_line=request.POST.get("keep_in_line") == "yes",
            create_companies=request.POST.get("create_companies") == "yes",
            create_contacts=request.POST.get("create_contacts") == "yes",
        )
    except choices.ChoiceError as error:
        return _page(request, errors=error.errors, ticked=set(request.POST.getlist("field")), names=names)
    if any(create.counts(organization, link)) or any(
        one.field.accepted_at is None for one in choices.going(organization, accepted_only=False)
    ):
        return _preview_first(request)
    messages.success(request, "Saved. It counts from the next push on.")
    return redirect(HOME)


def preview(request: HttpRequest) -> HttpResponse:
    """The last preview: exactly what would be created and changed, on how many records, with samples."""
    _something_goes(request)
    return render(request, "web/push/preview.html", frame(request, "fields") | _preview_context(request))


def preview_progress(request: HttpRequest) -> HttpResponse:
    """Progress of the preview. When it is ready, the whole page is loaded."""
    _something_goes(request)
    context = _preview_context(request)
    if not context["working"]:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "web/push/_working.html", context)


def preview_start(request: HttpRequest) -> HttpResponse:
    """Starts a preview, unless one is being prepared."""
    _something_goes(request)
    return _preview_first(request)


def _preview_first(request: HttpRequest) -> HttpResponse:
    organization, link = connection_of(request)
    if link.is_ready:
        previews.ask(organization, member_of(request).email)
    return redirect(f"{HOME}/preview")


_WORKING = {
    "": "Starting",
    "health": "Bringing health up to date",
    "counting": "Looking for who is not in Intercom",
    "asking": "Asking Intercom which attributes it has",
    COMPANY: "Comparing companies",
    CONTACT: "Comparing contacts",
}


def _preview_context(request: HttpRequest) -> dict[str, Any]:
    organization, link = connection_of(request)
    found = previews.latest(organization) if link.is_ready else None
    plan = previews.result_of(found) if found is not None else None
    working = found is not None and found.status in (PushPreview.Status.QUEUED, PushPreview.Status.RUNNING)
    progress = found.progress if found is not None else {}
    waited = (clock.now() - found.asked_at).total_seconds() if found is not None else 0
    return {
        "connection": link,
        "asked": found,
        "working": working,
        "working_title": "Waiting for a worker"
        if found is not None and found.status == PushPreview.Status.QUEUED
        else _WORKING.get(str(progress.get("stage", "")), "Comparing"),
        "stuck": formats.duration(waited) if working and not progress and waited > _LONG else "",
        "done": int(progress.get("done") or 0),
        "total": int(progress.get("total") or 0),
        "plan": plan,
        "number": previews.number_of(found) if found is not None else "",
        "current": found is not None and previews.is_current(found, organization, link),
        "samples": _samples(plan) if plan else [],
    }


def _samples(plan: Preview) -> list[dict[str, Any]]:
    """Records as the page shows them, each value with its type."""
    return [
        {
            "model": sample.model,
            "record": sample.record,
            "label": sample.label,
            "rows": [
                (key, sample.before[key], value, plan.types.get(key, "string")) for key, value in sample.after.items()
            ],
        }
        for sample in plan.samples
    ]


def accept(request: HttpRequest) -> HttpResponse:
    """Accepts the preview as it was shown: pushes now, and after every sync."""
    _something_goes(request)
    organization, link = connection_of(request)
    try:
        previews.accept(organization, link, request.POST.get("preview", ""), member_of(request).email)
    except previews.Stale as error:
        messages.error(request, str(error))
        return redirect(f"{HOME}/preview")
    return _start(request, "Accepted. The push has started, and one follows every sync by itself.")


def push(request: HttpRequest) -> HttpResponse:
    """Pushes what was accepted now."""
    _something_goes(request)
    if not runs.goes_by_itself(*connection_of(request)):
        return _preview_first(request)
    return _start(request, "The push has started.")


def push_progress(request: HttpRequest) -> HttpResponse:
    """The push card alone. When the push has ended, the whole page is reloaded, because other parts change too."""
    context = _push_context(request)
    if not context["active"]:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "web/push/_push.html", context)


def log(request: HttpRequest) -> HttpResponse:
    """Every write of the last 90 days: before, after, outcome, time."""
    outcome = choice(request.GET, "outcome", PushLog.Outcome.values)
    rows = PushLog.objects.order_by("-at", "-pk")
    if outcome:
        rows = rows.filter(outcome=outcome)
    links = [("", "All", f"{HOME}/log"), *((key, key.label, f"{HOME}/log?outcome={key}") for key in PushLog.Outcome)]
    chips = [Tab(str(label), url, outcome == key) for key, label, url in links]
    shown_page = paginate(rows, page_number(request))
    entries = [
        (row, [(key, row.before.get(key), value) for key, value in row.after.items()]) for row in shown_page.rows
    ]
    context = frame(request, "log") | {"page": shown_page, "entries": entries, "chips": chips}
    return render(request, "web/push/_log.html" if is_swap(request, "log") else "web/push/log.html", context)


def messaging(request: HttpRequest) -> HttpResponse:
    """Recipes for targeted messages: who matches here and in Intercom, and the rule to choose there."""
    organization, link = connection_of(request)
    rows = recipes.counted(organization, link) if link.is_ready else []
    return render(request, "web/push/messaging.html", frame(request, "messaging") | {"rows": rows})


def tick(request: HttpRequest) -> HttpResponseBase:
    """Ticks the contact's attribute that a recipe needs; the preview follows."""
    organization = organization_of(request)
    wanted = {one.source_key for one in recipes.available(organization)} & {request.POST.get("field", "")}
    choices.tick(organization, wanted, by=member_of(request).email)
    return _preview_first(request)


def audience(request: HttpRequest, key: str) -> HttpResponseBase:
    """Creates a Fin audience from a recipe's rule."""
    try:
        name = recipes.create_audience(*connection_of(request), key)
        messages.success(request, f"The Fin audience “{name}” is in Intercom; choose it there for Fin.")
    except recipes.RecipeError as error:
        messages.error(request, str(error))
    except IntercomError as error:
        messages.error(request, error.sentence)
    return redirect(f"{HOME}/messaging")


def _something_goes(request: HttpRequest) -> None:
    """Raises 403 if the tier is locked and no core field is sent either."""
    specs = runs.specs(*connection_of(request), accepted_only=False)
    if not organization_of(request).advanced and not any(spec.core for spec in specs):
        raise PermissionDenied(choices.locked_sentence())


def _start(request: HttpRequest, done: str) -> HttpResponse:
    try:
        runs.request(organization_of(request))
        messages.success(request, done)
    except (runs.AlreadyPushing, runs.NotReady) as error:
        text = str(error)
        messages.info(request, text[:1].upper() + text[1:] + ("" if text.endswith(".") else "."))
    return redirect(HOME)


def _parts(request: HttpRequest, current: str) -> list[Tab]:
    """Returns the parts of Advanced. Locked parts are shown if they say whom to ask."""
    tabs = [
        Tab("What goes out", HOME, current == "fields"),
        Tab("Events as usage", f"{HOME}/events", current == "events"),
        Tab("Log", f"{HOME}/log", current == "log"),
    ]
    if organization_of(request).advanced:
        tabs.insert(1, Tab("Targeted messaging", f"{HOME}/messaging", current == "messaging"))
    return tabs


def frame(request: HttpRequest, current: str) -> dict[str, Any]:
    """Context of every page of Advanced; `current` is the part that it is in."""
    return intercom.frame(request, "advanced") | {
        "parts": _parts(request, current),
        "locked": not organization_of(request).advanced,
        "support_contact": settings.CONFIG.support_contact,
    }


def _page(
    request: HttpRequest,
    errors: dict[str, str] | None = None,
    ticked: set[str] | None = None,
    names: dict[str, Any] | None = None,
) -> HttpResponse:
    organization, link = connection_of(request)
    rows = choices.choices(organization)
    groups = [
        (
            title,
            [
                {
                    "choice": one,
                    "ticked": one.key in ticked if ticked is not None else one.field.ticked,
                    "name": (names or {}).get(one.key, one.field.name),
                    "error": (errors or {}).get(one.key, ""),
                }
                for one in rows
                if one.source.model == model
            ],
        )
        for model, title in _TITLES
    ]
    core = [(title, choices.core(link, model, accepted=True)) for model, title in _TITLES]
    context = (
        frame(request, "fields")
        | _push_context(request)
        | {
            "groups": groups,
            "core": [(title, fields) for title, fields in core if fields],
            "push_settings": choices.settings_of(organization),
            "errors": errors or {},
            "waiting": any(one.field.ticked and one.field.accepted_at is None for one in rows)
            and organization.advanced,
            "failures": list(runs.failures(organization)[:20]),
            "failure_count": PushItem.objects.exclude(reason="").count(),
        }
    )
    return render(request, "web/push/page.html", context, status=422 if errors else 200)


def _push_context(request: HttpRequest) -> dict[str, Any]:
    """Returns the push card: the running or waiting push, the result of the last, the time of the next."""
    organization, link = connection_of(request)
    # The job is read before the run that it creates, so that at least one of them is found.
    job = runs.job_of(organization)
    last = PushRun.objects.order_by("-started_at", "-pk").first()
    running = last is not None and last.status == PushRun.Status.RUNNING
    queued = job is not None and job.status == Status.WAITING
    waited = (clock.now() - (job.created_at or clock.now())).total_seconds() if job is not None and queued else 0
    done = last.written + last.failed if last is not None else 0
    return {
        "connection": link,
        "last": last,
        "running": running,
        "active": running or job is not None,
        "stuck": formats.duration(waited) if not running and waited > _LONG else "",
        "push_done": min(done, last.planned) if last is not None else 0,
        "goes": runs.goes_by_itself(organization, link),
        "again_at": choices.settings_of(organization).retry_at,
        "invisible": invisible(link),
    }
