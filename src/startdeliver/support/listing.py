"""Lists of tickets: filters, and pages whose cost does not grow with their number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from startdeliver.customers.models import Customer
from startdeliver.support.models import SupportRule, Ticket
from startdeliver.support.rules import overdue_since, rule
from startdeliver.support.sql import required_organization
from startdeliver.tenancy.models import Organization

SHOW = ("open", "overdue", "resolved", "unassigned")
# Column behind each name of a sort; a leading "-" turns it round. "waiting": since creation or the last reopening.
SORTS = {"updated": "updated_at", "created": "created_at", "waiting": "clock_from"}
DEFAULT_SORT = "-updated"
COUNT_LIMIT = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class TicketPage:
    """One page. `next`: what to pass as `after` for the following one, empty on the last."""

    tickets: list[Ticket]
    next: str


def overdue_q(organization: Organization) -> Q:
    """The condition under which a ticket of `organization` is overdue now."""
    return Q(status=Ticket.Status.OPEN, clock_from__lte=overdue_since(rule(organization)))


def is_overdue(ticket: Ticket, current: SupportRule, now: datetime | None = None) -> bool:
    """Whether `ticket` is overdue under the rule `current`. Snoozed ones can be."""
    return ticket.status == Ticket.Status.OPEN and ticket.clock_from <= overdue_since(current, now)


def tickets_list(
    *, show: str = "", customer: Customer | int | None = None, search: str = "", sort: str = DEFAULT_SORT
) -> QuerySet[Ticket]:
    """Tickets of the open scope's organization, each with its customer and the attribute `overdue` (bool).

    `show` is one of SHOW or empty for all; "unassigned" are those without a customer. `search` looks in title,
    beginning, conversation id and the participants' names and e-mail addresses. `sort` is a name of SORTS, with "-"
    for the newest first; an unknown one is the default.
    """
    overdue = overdue_q(required_organization())
    rows = Ticket.objects.select_related("customer")
    rows = rows.annotate(overdue=ExpressionWrapper(overdue, output_field=BooleanField()))
    if show == "overdue":
        rows = rows.filter(overdue)
    elif show == "open":
        rows = rows.filter(status=Ticket.Status.OPEN)
    elif show == "resolved":
        rows = rows.filter(status=Ticket.Status.RESOLVED)
    elif show == "unassigned":
        rows = rows.filter(customer__isnull=True)
    if customer is not None:
        rows = rows.filter(customer=customer)
    for word in search.split():
        rows = rows.filter(Q(title__icontains=word) | Q(preview__icontains=word) | Q(external_id=word))
    column, descending = _sort(sort)
    mark = "-" if descending else ""
    return rows.order_by(f"{mark}{column}", f"{mark}id")


def tickets_page(
    *,
    show: str = "",
    customer: Customer | int | None = None,
    search: str = "",
    sort: str = DEFAULT_SORT,
    after: str = "",
    size: int = 50,
) -> TicketPage:
    """One page of `tickets_list`, found by where the page before ended, so that the last costs what the first does.

    A damaged `after` gives the first page.
    """
    rows = tickets_list(show=show, customer=customer, search=search, sort=sort)
    column, descending = _sort(sort)
    if (place := _parse(after)) is not None:
        moment, pk = place
        side = "lt" if descending else "gt"
        rows = rows.filter(
            Q(**{f"{column}__{side}e": moment}) & (Q(**{f"{column}__{side}": moment}) | Q(**{f"id__{side}": pk}))
        )
    found = list(rows[: size + 1])
    if len(found) <= size:
        return TicketPage(found, "")
    last = found[size - 1]
    return TicketPage(found[:size], f"{(getattr(last, column) - _EPOCH) // _MICROSECOND}.{last.pk}")


def tickets_count(rows: QuerySet[Ticket]) -> tuple[int, bool]:
    """How many there are, counted up to COUNT_LIMIT, and whether there are more than that."""
    number = rows.order_by()[: COUNT_LIMIT + 1].count()
    return min(number, COUNT_LIMIT), number > COUNT_LIMIT


def _sort(name: str) -> tuple[str, bool]:
    column = SORTS.get(name.removeprefix("-"))
    return (column, name.startswith("-")) if column else (SORTS["updated"], True)


def _parse(after: str) -> tuple[datetime, int] | None:
    moment, _, pk = after.partition(".")
    try:
        return _EPOCH + int(moment) * _MICROSECOND, int(pk)
    except (ValueError, OverflowError):
        return None
