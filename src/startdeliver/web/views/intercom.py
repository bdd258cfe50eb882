"""Apps, and Apps → Intercom: connection, settings, field rules, sync and its history. Administrators only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.intercom import oauth, regions
from startdeliver.support.models import Ticket
from startdeliver.sync import connect, fields, overview, runs
from startdeliver.sync.alerts import alarm_of
from startdeliver.sync.connect import ConnectError
from startdeliver.sync.models import Connection, Skip, SyncRun
from startdeliver.tenancy.models import Organization
from startdeliver.usage.selectors import is_configured
from startdeliver.web import charts, formats
from startdeliver.web.access import is_swap, member_of, organization_of
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.templatetags.ui import Tab

HOME = "/apps/intercom"
_STATE = "intercom_state"
# The answers of the form, and their columns.
_ANSWERS = {
    "workspace": "workspace",
    "eu": "eu_answer",
    **{name: name for name in ("create_contacts", "create_customers", "match_domains", "sync_events")},
}
_ACTIVE = (SyncRun.Status.QUEUED, SyncRun.Status.RUNNING)


@dataclass(frozen=True)
class Progress:
    """What a running sync is doing."""

    title: str
    text: str
    done: int
    total: int


def apps(request: HttpRequest) -> HttpResponse:
    """The apps that can be connected."""
    connection = connect.connection_of(organization_of(request))
    return render(request, "web/apps/index.html", {"connection": connection, "alarm": alarm_of(connection)})


def page(request: HttpRequest) -> HttpResponse:
    """The connection: status, workspace ID, questions, last and next sync."""
    return _page(request)


def authorize(request: HttpRequest) -> HttpResponse:
    """Redirects to Intercom's authorize page. The region is the EU answer on the page."""
    eu = request.POST.get("eu") == "yes"
    australia = request.GET.get("region") == "AU"
    try:
        url, state = connect.authorize_url(organization_of(request), _callback_url(request), eu, australia)
    except ConnectError as error:
        return _page(request, error)
    request.session[_STATE] = {"value": state.value, "made_at": state.made_at, "eu": eu, "australia": australia}
    # Keep what was typed before the click.
    request.session["intercom_form"] = _answers(request)
    return HttpResponseRedirect(url)


def callback(request: HttpRequest) -> HttpResponse:
    """The return from Intercom. The state works once and for ten minutes."""
    kept = request.session.pop(_STATE, None) or {}
    if request.GET.get("error"):
        return _page(request, ConnectError("Authorizing was cancelled, so nothing was connected."))
    state = oauth.State(str(kept.get("value", "")), int(kept.get("made_at", 0)))
    if not kept or not state.accepts(request.GET.get("state"), clock.now().timestamp()):
        sentence = "This authentication was not started here or took over ten minutes, so nothing was connected."
        return _page(request, ConnectError(f"{sentence} Click to start authentication again."))
    try:
        connection = connect.finish_oauth(
            organization_of(request), request.GET.get("code", ""), bool(kept.get("eu")), bool(kept.get("australia"))
        )
    except ConnectError as error:
        return _page(request, error)
    return _connected(request, connection, "You are authenticated.")


def token(request: HttpRequest) -> HttpResponse:
    """A private app's access token, pasted."""
    try:
        connection = connect.connect_token(organization_of(request), request.POST.get("token", ""))
    except ConnectError as error:
        return _page(request, error if error.field else ConnectError(str(error), "token"))
    return _connected(request, connection, "The token works.")


def _connected(request: HttpRequest, connection: Connection, what: str) -> HttpResponse:
    then = "Syncing goes on." if connection.saved_at else "Enter the workspace ID and save."
    messages.success(request, f"{what} {then}")
    return redirect(HOME)


def save(request: HttpRequest) -> HttpResponse:
    """The workspace ID and the answers; the first save starts the first sync."""
    form = _answers(request)
    try:
        saved = connect.save_settings(organization_of(request), **form)
    except ConnectError as error:
        return _page(request, error, form)
    request.session.pop("intercom_form", None)
    messages.success(request, "Saved. The first sync has started." if saved.run else "Saved.")
    return redirect(HOME)


def sync(request: HttpRequest) -> HttpResponse:
    """Sync now."""
    organization = organization_of(request)
    error = ""
    try:
        if not connect.connection_of(organization).is_ready:
            error = "Nothing can sync yet. Authenticate and save the settings first."
        else:
            # The click confirms that this copy should sync.
            connect.resume(organization)
            runs.request_run(organization, SyncRun.Trigger.BUTTON)
    except runs.AlreadyRunning:
        pass  # the card shows the running sync
    if request.headers.get("HX-Request") != "true":
        if error:
            messages.error(request, error)
        return redirect(HOME)
    return render(request, "web/apps/_sync.html", _sync_context(request, error))


def progress(request: HttpRequest) -> HttpResponse:
    """The sync card alone. When the run has ended, the whole page is reloaded, because other parts change too."""
    context = _sync_context(request)
    if not context["active"]:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "web/apps/_sync.html", context)


def revoke(request: HttpRequest) -> HttpResponse:
    """Ends the connection; tickets stay."""
    notice = connect.revoke(organization_of(request))
    done = "The connection is revoked. Tickets stay readable, marked as no longer synced."
    return _disconnected(request, done, notice)


def delete(request: HttpRequest) -> HttpResponse:
    """Ends the connection and deletes what was imported."""
    notice = connect.disconnect_and_delete(organization_of(request))
    return _disconnected(request, "Disconnected. The imported tickets and their health are deleted.", notice)


def _disconnected(request: HttpRequest, done: str, notice: str) -> HttpResponse:
    messages.success(request, done)
    if notice:
        messages.warning(request, notice)
    return redirect(HOME)


def tabs(request: HttpRequest, current: str) -> list[Tab]:
    """Returns the parts of Apps → Intercom."""
    skipped = sum(overview.skip_counts(organization_of(request)).values())
    return [
        Tab("Connection", HOME, current == "connection"),
        Tab("Skipped", f"{HOME}/skips", current == "skips", skipped),
        Tab("Fields", f"{HOME}/fields", current == "fields"),
        Tab("Sync history", f"{HOME}/runs", current == "runs"),
        Tab("Advanced", f"{HOME}/advanced", current == "advanced"),
    ]


def _page(request: HttpRequest, error: ConnectError | None = None, form: dict[str, Any] | None = None) -> HttpResponse:
    context = frame(request, "connection") | _sync_context(request)
    connection: Connection = context["connection"]
    if form is None:
        form = {name: getattr(connection, field) for name, field in _ANSWERS.items()}
        if connection.saved_at is None:
            form |= request.session.get("intercom_form") or {}
    organization = organization_of(request)
    context |= {
        "region_notice": overview.region_notice(connection),
        "events_note": _events_note(connection),
        "oauth": connect.oauth_available(),
        "dead": bool(connection.problem) and connection.problem_code in overview.AUTH_CODES,
        "form": form,
        "error": str(error) if error else "",
        "error_field": error.field if error else "",
        "steps": overview.steps(connection),
        "waiting": overview.waiting(organization).sentence,
        "outbound": overview.outbound_count(organization),
        "tickets": Ticket.objects.exists(),
    }
    return _allow_authorize(render(request, "web/apps/intercom.html", context, status=422 if error else 200))


def _sync_context(request: HttpRequest, error: str = "") -> dict[str, Any]:
    organization, connection = connection_of(request)
    latest = overview.latest_run(organization)
    active = latest is not None and latest.status in _ACTIVE
    last = overview.last_finished(organization)
    recent = overview.recent_runs(organization)
    return {
        "connection": connection,
        "active": active,
        "progress": _progress(latest) if latest is not None and active else None,
        "estimate": _estimate(latest, connection) if latest is not None and active else "",
        "last": last,
        "last_sentence": _outcome(last) if last else "",
        "next": overview.next_sync(connection),
        "strip": _strip(request, recent),
        "strip_count": len(recent),
        "sync_error": error,
    }


_STAGES = {
    "": "Starting",
    "preflight": "Checking the connection",
    "companies": "Reading companies",
    "contacts": "Reading contacts",
    "conversations": "Reading conversations",
    "tickets": "Reading ticket states",
    "deleted": "Looking for deleted conversations",
    "companies_again": "Waiting for the list of all companies",
    "left": "Looking for people who have left",
    "reconcile": "Comparing open conversations",
    "rematch": "Looking again at skipped conversations",
    "events": "Reading events",
    "messages": "Reading messages",
    "finish": "Finishing",
}


def _progress(run: SyncRun) -> Progress:
    if run.status == SyncRun.Status.QUEUED:
        waited = (clock.now() - run.created_at).total_seconds()
        text = "A worker takes it in a moment."
        if waited > 90:
            text = (
                f"No worker has taken it for {formats.duration(waited)}. Ask the operator whether a worker is running."
            )
        return Progress("Waiting for a worker", text, 0, 0)
    stage = str(run.progress.get("stage") or run.stage)
    done, total = int(run.progress.get("done") or 0), int(run.progress.get("total") or 0)
    parts = [formats.plural(run.listed, "conversation"), f"{run.imported:,} new"]
    if read := run.events.get("read"):
        parts.append(formats.plural(read, "event"))
    if run.messages:
        parts.append(formats.plural(run.messages, "message"))
    if total:
        parts.insert(0, f"{min(done, total):,} of {total:,}")
    return Progress(_STAGES.get(stage, stage.capitalize()), ", ".join(parts), min(done, total), total)


def _estimate(run: SyncRun, connection: Connection) -> str:
    seconds = run.progress.get("estimate_seconds")
    if connection.last_success_at is not None or not seconds:
        return ""
    return f"The first sync takes about {formats.duration(float(seconds))} at the rate that Intercom allows."


def _outcome(run: SyncRun) -> str:
    if run.status == SyncRun.Status.FAILED:
        return f"Failed. {overview.run_sentence(run).capitalize()}"
    return overview.run_sentence(run)


def _answers(request: HttpRequest) -> dict[str, Any]:
    given = {name: request.POST.get(name) == "yes" for name in _ANSWERS}
    return {**given, "workspace": request.POST.get("workspace", "").strip()[:64]}


def _events_note(connection: Connection) -> str:
    if not connection.organization.advanced:
        contact = settings.CONFIG.support_contact
        return f"Your answer is kept. Events come in with advanced functionality; to access it, contact {contact}."
    if not is_configured():
        return "Your answer is kept. It takes effect once a product with usage types exists in Settings → Products."
    return "What each event counts as is under Advanced → Events as usage."


def _callback_url(request: HttpRequest) -> str:
    """Returns the redirect URL: the installation's own, or the local one if the session's cookie belongs to it."""
    base = settings.CONFIG.base_url
    return (
        f"{base}{HOME}/callback"
        if urlsplit(base).netloc == request.get_host()
        else request.build_absolute_uri(f"{HOME}/callback")
    )


def _strip(request: HttpRequest, recent: Sequence[SyncRun]) -> str:
    """Returns the chart of recent runs; empty when there are none."""
    zone = member_of(request).zone
    bars = [
        charts.Run(run.status, run.seconds or 0, f"{formats.exact(run.created_at, zone)}: {_outcome(run)}")
        for run in recent
    ]
    return charts.run_strip(bars, title="Recent sync runs") if bars else ""


def _allow_authorize(answer: HttpResponse) -> HttpResponse:
    """Allows the authentication form to redirect to Intercom in the page's Content-Security-Policy."""
    override = urlsplit(settings.CONFIG.intercom_app_url)
    hosts = (
        [f"{override.scheme}://{override.netloc}"]
        if override.netloc
        else [region.app for region in regions.REGIONS.values()]
    )
    answer._csp_update = {"form-action": hosts}  # type: ignore[attr-defined]
    return answer


_FIELD_WORDS = {
    "name": "Name",
    "external_id": "External ID",
    "domain": "Domain",
    "website": "Website",
    "plan": "Plan",
    "size": "Size (employees)",
    "industry": "Industry",
    "monthly_spend": "Monthly spend",
    "tags": "Tags",
    "email": "E-mail",
    "phone": "Phone",
    "role": "Role",
    "last_seen_at": "Last seen",
}
RULE_WORDS = {
    fields.Rule.INTERCOM: "Intercom wins",
    fields.Rule.STARTDELIVER: "Startdeliver wins",
    fields.Rule.FILL: "Fill if empty",
}


@dataclass(frozen=True)
class FieldRow:
    """A line of the field rules."""

    key: str
    label: str
    source: str
    rule: str
    in_only: bool


def connection_of(request: HttpRequest) -> tuple[Organization, Connection]:
    """Returns the member's organization and its connection to Intercom, which is created if there is none."""
    organization = organization_of(request)
    return organization, connect.connection_of(organization)


def frame(request: HttpRequest, current: str) -> dict[str, Any]:
    """Context of every page of Apps → Intercom; `current` is the tab that it is in."""
    _, connection = connection_of(request)
    return {
        "connection": connection,
        "region": overview.region_name(connection),
        "tabs": tabs(request, current),
    }


def field_rules(request: HttpRequest) -> HttpResponse:
    """Which Intercom attribute fills which field, and which side wins."""
    connection = connect.connection_of(organization_of(request))
    error = ""
    if request.method == "POST":
        changes, error = _changed_rules(request)
        if not error:
            connection.field_rules = changes
            connection.save(update_fields=["field_rules"])
            record(connection.organization, Kind.MATCHING)
            messages.success(request, "Saved. The rules apply from the next sync on.")
            return redirect(f"{HOME}/fields")
    context = frame(request, "fields") | {
        "groups": [
            ("Customers, from Intercom companies", _rows(connection, "customer")),
            ("Users, from Intercom contacts", _rows(connection, "user")),
        ],
        "rules": list(RULE_WORDS.items()),
        "error": error,
    }
    return render(request, "web/apps/fields.html", context, status=422 if error else 200)


def history(request: HttpRequest) -> HttpResponse:
    """Every sync run with its counts and outcome."""
    organization = organization_of(request)
    page = paginate(
        SyncRun.objects.filter(organization=organization).order_by("-created_at", "-pk"), page_number(request)
    )
    context = frame(request, "runs") | {
        "page": page,
        "strip": _strip(request, overview.recent_runs(organization)),
    }
    template = "web/apps/_runs.html" if is_swap(request, "runs") else "web/apps/runs.html"
    return render(request, template, context)


def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One sync run in full."""
    record = get_object_or_404(SyncRun.objects.select_related("connection"), pk=pk)
    reasons = dict(Skip.Reason.choices)
    context = frame(request, "runs") | {
        "run": record,
        "skipped": [(reasons.get(reason, reason), number) for reason, number in record.skipped.items()],
    }
    return render(request, "web/apps/run.html", context)


def _rows(connection: Connection, model: str) -> list[FieldRow]:
    return [
        FieldRow(one.full_name, _FIELD_WORDS.get(one.name, one.name), one.source, one.rule, one.in_only)
        for one in fields.mapping(connection.field_rules, model)
    ]


def _changed_rules(request: HttpRequest) -> tuple[dict[str, Any], str]:
    """Returns the differences from the defaults for `Connection.field_rules`, or a sentence about an invalid rule."""
    changes: dict[str, Any] = {}
    for default in fields.DEFAULTS:
        name = default.full_name
        rule = request.POST.get(f"{name}.rule", default.rule)
        source = request.POST.get(f"{name}.from", default.source).strip()[:200]
        if rule not in RULE_WORDS:
            return {}, f"{_FIELD_WORDS[default.name]}: choose one of the three rules."
        if not source:
            return {}, f"{_FIELD_WORDS[default.name]}: name the Intercom attribute that fills it."
        known = {one.source for one in fields.DEFAULTS if one.model == default.model}
        if source not in known and not source.startswith(fields.CUSTOM):
            return {}, (
                f"{_FIELD_WORDS[default.name]}: Intercom has no attribute {source}; a custom attribute is written "
                f"{fields.CUSTOM}name."
            )
        change = {}
        if rule != default.rule:
            change["rule"] = rule
        if source != default.source:
            change["from"] = source
        if change:
            changes[name] = change
    return changes, ""
