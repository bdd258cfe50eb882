"""Customers, users, tickets and skipped conversations as CSV files: the rows of a list with its filters, in its order.

UTF-8 with a byte order mark, so that spreadsheets read it correctly. A text that a spreadsheet would run as a formula
gets a leading apostrophe: = + - @, a tab or a line break at the beginning can run commands on the reader's machine.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from startdeliver.common import clock
from startdeliver.customers import custom, people, selectors
from startdeliver.customers.fields import fields_of
from startdeliver.customers.imports import records
from startdeliver.customers.imports.targets import Column as ImportColumn
from startdeliver.customers.imports.targets import guess
from startdeliver.customers.models import CustomerUser, CustomField
from startdeliver.support import health, listing
from startdeliver.support.models import Ticket
from startdeliver.sync import overview
from startdeliver.sync.models import Skip
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.web.access import member_of, organization_of
from startdeliver.web.listing import Column, asked
from startdeliver.web.params import choice, customer_of, search_text
from startdeliver.web.views import usage, workflows
from startdeliver.web.views.assessment import attach
from startdeliver.web.views.users import asked_users

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BATCH = 500


def cell(value: Any, zone: ZoneInfo | None = None) -> str:
    """Formats a value for the file: moments in `zone` as 2026-11-02 13:00, decimal points, flags as yes and no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        # Not 1e-05, which an import refuses.
        return format(Decimal(str(value)), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(zone) if zone else value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    # A quotation mark or blanks before the sign do not make it safe.
    return f"'{text}" if text.lstrip(" '\"").startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text


def lines(rows: Iterable[Sequence[Any]], zone: ZoneInfo | None = None) -> Iterator[str]:
    """Yields the lines of the file, after the byte order mark."""
    yield "\ufeff"
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([cell(value, zone) for value in row])
        yield line.getvalue()


def safe_lines(rows: Iterable[Sequence[Any]], organization: Organization) -> Iterator[str]:
    """Yields the lines inside the organization's scope, because a streamed answer outlives the request's scope."""
    made = lines(rows, ZoneInfo(organization.time_zone))
    while True:
        with organization_scope(organization):
            line = next(made, None)
        if line is None:
            return
        yield line


def stream(
    organization: Organization,
    name: str,
    heads: Sequence[str],
    ids: Sequence[int],
    load: Callable[[list[int]], Iterable[Any]],
) -> StreamingHttpResponse:
    """A download of the records with these ids, in their order. `load` returns the rows of a few hundred ids."""

    def rows() -> Iterator[Sequence[Any]]:
        yield heads
        for start in range(0, len(ids), _BATCH):
            yield from load(list(ids[start : start + _BATCH]))

    response = StreamingHttpResponse(safe_lines(rows(), organization), content_type="text/csv; charset=utf-8")
    filename = f"{name} {clock.today(organization.time_zone).isoformat()}.csv"
    response["Content-Disposition"] = content_disposition_header(True, filename)
    return response


_CUSTOMER_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "usage": lambda row: (row.usage.status or "") if row.usage else "",
    "products": lambda row: ", ".join(f"{one.abbreviation} {one.status}" for one in row.badges if one.status),
    "workflows": lambda row: ", ".join(name for _, name in row.workflows),
    "health": lambda row: (row.health.status or "") if row.health else "",
    "open": lambda row: row.health.open_count if row.health else None,
    "overdue": lambda row: row.health.overdue_count if row.health else None,
    "users": lambda row: row.user_count,
    "login": lambda row: row.last_login_at,
    "renewal": lambda row: row.renewal_date,
    "csm": lambda row: row.csm.email if row.csm else "",
    "assessment": lambda row: row.verdict.get_status_display() if row.verdict else "",
}


def customers(request: HttpRequest) -> HttpResponseBase:
    """The customers list with its filters, columns and order."""
    organization = organization_of(request)
    health.refresh_due(organization)
    now = asked(request.GET, member_of(request))
    # An import matches by the ID, so that an exported file can be imported.
    columns = [column for column in now.columns if column.key != "external_id"]

    def load(ids: list[int]) -> Iterator[Sequence[Any]]:
        found = list(selectors.customers_by_ids(ids))
        attach(found)
        usage.attach(found, now.products)
        workflows.attach(found)
        for row in found:
            yield [row.name, row.external_id, *(_customer_value(row, column) for column in columns)]

    ids = selectors.customer_ids(now.filters, now.sort, now.search)
    known = records.customer_columns()
    own = [custom.is_alias(column.key) for column in columns]
    named = [_head(one.label, one.key, known) if mine else one.label for one, mine in zip(columns, own, strict=True)]
    heads = ["Name", "Your ID", *named]
    return stream(organization, "Customers", heads, ids, load)


def users(request: HttpRequest) -> HttpResponseBase:
    """Users: of a customer (?customer=) in one of its views, without a customer (?unassigned=1), or with the filters
    of /users.
    """
    organization = organization_of(request)
    search = search_text(request.GET)
    now = asked_users(request.GET, member_of(request))
    if now.customer is not None and request.GET.get("of") == "customer":
        customer = now.customer
        rows, name = selectors.users_of(customer, request.GET.get("view", "all"), search), f"Users of {customer.name}"
    elif request.GET.get("unassigned") == "1":
        rows, name = selectors.unassigned_users(search), "Unassigned users"
    else:
        rows, name = people.users_list(now.filters, now.sort, now.search), "Users"
    own = [field for field in fields_of("user") if field.visibility != CustomField.Visibility.HIDDEN]

    def load(ids: list[int]) -> Iterator[Sequence[Any]]:
        found = CustomerUser.objects.select_related("customer").in_bulk(ids)
        for user in (found[pk] for pk in ids if pk in found):
            customer = user.customer
            yield [
                user.name,
                user.email,
                user.external_id,
                user.phone,
                customer.external_id if customer else "",
                customer.name if customer else "",
                user.is_stakeholder,
                user.is_non_user,
                user.has_left_at is not None,
                user.last_seen_at,
                user.last_login_at,
                *(user.custom.get(field.alias) for field in own),
            ]

    known = records.user_columns()
    heads = ["Name", "E-mail", "Your ID", "Phone", "Customer’s ID", "Customer’s name", "Stakeholder", "Non-user"]
    heads += ["Has left", "Last seen", "Last login", *(_head(field.name, field.alias, known) for field in own)]
    return stream(organization, name, heads, list(rows.values_list("pk", flat=True)), load)


def tickets(request: HttpRequest) -> HttpResponseBase:
    """The tickets list with its filters and order."""
    organization = organization_of(request)
    health.refresh_due(organization)
    rows = listing.tickets_list(
        show=request.GET.get("show", ""),
        customer=customer_of(request.GET),
        search=search_text(request.GET),
        sort=request.GET.get("sort", "-updated"),
    )
    current = health.rule(organization)

    def load(ids: list[int]) -> Iterator[Sequence[Any]]:
        records = Ticket.objects.select_related("customer").in_bulk(ids)
        for row in (records[pk] for pk in ids if pk in records):
            yield [
                row.external_id,
                row.title or row.preview,
                row.status,
                listing.is_overdue(row, current),
                row.snoozed,
                row.customer.name if row.customer else "",
                row.assignee_name,
                row.team_name,
                row.priority,
                row.tags,
                row.message_count,
                row.rating,
                row.rating_remark,
                row.created_at,
                row.updated_at,
                row.first_reply_at,
                row.resolved_at,
                row.link,
            ]

    heads = ["Conversation", "Title", "Status", "Overdue", "Snoozed", "Customer", "Assignee", "Team", "Priority"]
    heads += ["Tags", "Messages", "Rating", "Remark", "Created", "Updated", "First reply", "Resolved", "Link"]
    return stream(organization, "Tickets", heads, list(rows.values_list("pk", flat=True)), load)


def skips(request: HttpRequest) -> HttpResponseBase:
    """The skipped conversations with their filters."""
    organization = organization_of(request)
    rows = overview.skips(
        organization,
        reason=choice(request.GET, "reason", Skip.Reason.values),
        text=search_text(request.GET),
        resolved=request.GET.get("resolved") == "1",
    )

    def load(ids: list[int]) -> Iterable[Sequence[Any]]:
        records = Skip.objects.in_bulk(ids)
        for row in (records[pk] for pk in ids if pk in records):
            about = [row.get_reason_display(), row.detail, row.first_seen_at, row.last_seen_at, row.resolved_at]
            yield [row.external_id, row.title, row.contact_name, row.contact_email, row.contact_ref, *about]

    heads = ["Conversation", "Title", "Contact", "E-mail", "Contact ID", "Reason", "Detail", "First seen", "Last seen"]
    return stream(
        organization, "Skipped conversations", [*heads, "Resolved"], list(rows.values_list("pk", flat=True)), load
    )


def _customer_value(row: Any, column: Column) -> Any:
    if column.field is not None:
        return row.custom.get(column.key)
    read = _CUSTOMER_VALUES.get(column.key)
    return read(row) if read else getattr(row, column.key)


def _head(name: str, alias: str, known: Sequence[ImportColumn]) -> str:
    """Returns the header of a custom field: its name, or its alias if the name would match another field."""
    return name if guess([name], known).get("0") == alias else alias
