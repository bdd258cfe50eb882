"""One customer: profile with tiles and tabs; creating, changing, archiving."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import SafeString

from startdeliver.common import clock
from startdeliver.common.health import health_label
from startdeliver.customers import selectors, services
from startdeliver.customers.models import Customer
from startdeliver.support import charts as support_charts
from startdeliver.support.listing import tickets_page
from startdeliver.support.tile import feedback, support_tile
from startdeliver.sync import links
from startdeliver.sync.models import Connection, IntercomCompany
from startdeliver.sync.push import standing
from startdeliver.web import activity, charts, formats
from startdeliver.web.access import is_swap, member_of, organization_of
from startdeliver.web.editing import Actions, form_page, record_action
from startdeliver.web.forms import CustomerForm, customer_initial
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.params import choice
from startdeliver.web.provenance import attributes_of, facts_of
from startdeliver.web.templatetags.ui import Tab
from startdeliver.web.views import usage
from startdeliver.web.views.assessment import panel_context
from startdeliver.web.views.workflows import tab_context as workflows_context

TREND_DAYS = 90
_TABS = ("tickets", "users", "usage", "workflows", "activity", "details")
_SHOW = (("", "All"), ("open", "Open"), ("overdue", "Overdue"), ("resolved", "Resolved"))
_ACTIONS: Actions = {
    "archive": (services.customer_archive, "{} is archived. Its users and tickets are kept."),
    "restore": (services.customer_restore, "{} is back in your customers."),
}
_VIEWS = {
    "all": "All users",
    "stakeholders": "Stakeholders",
    "non-users": "Non-users",
    "has-left": "Has left",
}


def customer_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The profile. Tabs and their filters are in the address: ?tab=users&view=stakeholders."""
    customer = get_object_or_404(Customer.objects.select_related("csm"), pk=pk)
    tab = choice(request.GET, "tab", _TABS, "tickets")
    tile = support_tile(customer)
    context: dict[str, Any] = {
        "customer": customer,
        "tab": tab,
        "today": clock.today(organization_of(request).time_zone),
        "tile": tile,
    }
    parts = {
        "tickets": _tickets,
        "users": _users,
        "usage": usage.tab_context,
        "workflows": workflows_context,
        "activity": activity.tab_context,
        "details": _details,
    }
    context |= parts[tab](request, customer)
    views = selectors.user_view_counts(customer)
    url = f"/customers/{pk}"
    context["tabs"] = [
        Tab("Tickets", url, tab == "tickets", tile.health.ticket_count),
        Tab("Users & stakeholders", f"{url}?tab=users", tab == "users", views["all"]),
        Tab("Usage", f"{url}?tab=usage", tab == "usage"),
        Tab("Workflows", f"{url}?tab=workflows", tab == "workflows"),
        Tab("Activity", f"{url}?tab=activity", tab == "activity"),
        Tab("Details", f"{url}?tab=details", tab == "details"),
    ]
    context["user_new_url"] = f"/users/new?customer={pk}"
    context["user_views"] = [
        Tab(label, f"{url}?tab=users&view={key}", context.get("view") == key, views[key])
        for key, label in _VIEWS.items()
    ]
    if is_swap(request, "tab"):
        return render(request, "web/customers/_tab.html", context)
    context |= _pictures(customer, tile.rule.days_until_overdue)
    context |= panel_context(customer)
    context |= usage.tile_context(customer)
    context |= {
        "feedback": feedback(customer),
        "intercom_link": _intercom_link(customer),
        "overdue_tone": (tile.health.status or "") if tile.health.overdue_count else "",
        "archive_title": f"Archive {customer.name}?",
        "archive_url": f"/customers/{pk}/archive",
    }
    return render(request, "web/customers/profile.html", context)


def customer_new(request: HttpRequest) -> HttpResponse:
    """Creates a customer."""
    organization, member = organization_of(request), member_of(request)
    return form_page(
        request,
        "web/customers/form.html",
        CustomerForm(organization, request.POST or None, initial={"csm": member.pk}),
        partial(services.customer_create, organization=organization, by=member.email),
        done=lambda customer: f"{customer.name} was added.",
        to=lambda customer: f"/customers/{customer.pk}",
    )


def customer_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a customer's fields."""
    customer = get_object_or_404(Customer, pk=pk)
    return form_page(
        request,
        "web/customers/form.html",
        CustomerForm(organization_of(request), request.POST or None, initial=customer_initial(customer)),
        partial(services.customer_update, customer=customer, by=member_of(request).email),
        done=lambda customer: f"{customer.name} was saved.",
        to=lambda customer: f"/customers/{pk}?tab=details",
        record=customer,
    )


def customer_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive or restore: removes the customer from lists, or adds it again."""
    return record_action(request, _ACTIONS, action, f"/customers/{pk}", customer=get_object_or_404(Customer, pk=pk))


def _tickets(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    show = choice(request.GET, "show", dict(_SHOW))
    after = request.GET.get("after", "")
    page = tickets_page(show=show, customer=customer, after=after, size=25)
    url = f"/customers/{customer.pk}"
    links = [Tab(label, f"{url}?show={key}" if key else url, key == show) for key, label in _SHOW]
    return {"tickets": page.tickets, "next": page.next, "after": after, "show": show, "shows": links}


def _users(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    view = choice(request.GET, "view", _VIEWS, "all")
    page = paginate(selectors.users_of(customer, view), page_number(request))
    return {"users": page, "view": view}


def _details(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    companies = list(IntercomCompany.objects.filter(customer=customer, gone_at__isnull=True).order_by("name", "pk")[:5])
    ours = standing.pushed_names(companies)
    attributes = [
        (company, attributes_of(company.facts.get("custom_attributes"), ours.get(company.pk, ())))
        for company in companies
    ]
    return {"facts": facts_of(customer), "attributes": [pair for pair in attributes if pair[1]]}


def _pictures(customer: Customer, overdue_days: int) -> dict[str, Any]:
    points = support_charts.trend(customer, TREND_DAYS)
    weeks = support_charts.ticket_volume(customer, TREND_DAYS)
    opened = [charts.Point(point.day, point.open, point.reconstructed) for point in points]
    overdue = [charts.Point(point.day, point.overdue, point.reconstructed) for point in points]
    known = [point for point in points if point.status is not None]
    trend_rows = [
        (
            formats.day(point.day),
            health_label(point.status),
            formats.number(point.open),
            formats.number(point.overdue),
            "worked out" if point.reconstructed else "seen",
        )
        for point in reversed(known)
    ]
    volume_rows = [
        (f"{formats.day(week.start)} to {formats.day(week.end)}", f"{week.created:,}", f"{week.resolved:,}")
        for week in reversed(weeks)
    ]
    return {
        "trend_svg": charts.trend_line(
            [charts.Series("Open tickets", opened, "", area=True), charts.Series("Overdue tickets", overdue, "poor")],
            title=f"Open and overdue tickets, {TREND_DAYS} days",
            statuses=[point.status for point in points],
        ),
        "trend_legend": charts.legend([("Open", ""), ("Overdue", "poor")]),
        "volume_legend": charts.legend([("New", "bar"), ("Resolved", "bar:quiet")]),
        "trend_heads": ("Day", "Support health", "Open", "Overdue", "How it is known"),
        "trend_rows": trend_rows,
        "trend_reconstructed": any(point.reconstructed for point in points),
        "volume_svg": _volume(weeks),
        "volume_heads": ("Week", "New", "Resolved"),
        "volume_rows": volume_rows,
        "overdue_days": overdue_days,
    }


def _volume(weeks: Sequence[support_charts.VolumePoint]) -> SafeString:
    bars = [charts.Bar(f"{week.start.day} {week.start:%b}", week.created, week.resolved) for week in weeks]
    return charts.bars(bars, title="Tickets by week", names=("new", "resolved"))


def _intercom_link(customer: Customer) -> str:
    company = IntercomCompany.objects.filter(customer=customer, gone_at__isnull=True).order_by("-seen_at").first()
    if company is None:
        return ""
    connection = Connection.objects.filter(organization=customer.organization_id).only("region", "workspace").first()
    return links.region_of(connection, company.workspace).company_link(company.workspace, company.ref)
