"""Lists of tickets: filters, and pages whose cost does not grow with their number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from startdeliver.customers.models import Customer
from startdeliver.storage.sql import among
from startdeliver.storage.text import contains
from startdeliver.support.models import SupportRule, Ticket
from startdeliver.support.rules import overdue_since, rule
from startdeliver.support.sql import required_organization
from startdeliver.tenancy.models import Organization

SHOW = ("open", "overdue", "resolved", "unassigned")
# The column of each sort order; a leading "-" reverses it.
SORTS = {"updated": "updated_at", "created": "created_at", "waiting": "clock_from"}
DEFAULT_SORT = "-updated"
COUNT_LIMIT = 5_000
# How many of the most recently updated tickets a search for words reads, so that it is fast.
SEARCH_DEPTH = 25_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Found:
    """The result of a search: the ids by `show`, and all ids under ""."""

    ids: dict[str, list[int]]


@dataclass(frozen=True)
class TicketPage:
    """One page. `next`: what to pass as `after` for the following one, empty on the last."""

    tickets: list[Ticket]
    next: str


def overdue_q(organization: Organization) -> Q:
    """Returns the condition under which a ticket of `organization` is overdue now."""
    return Q(status=Ticket.Status.OPEN, clock_from__lte=overdue_since(rule(organization)))


def is_overdue(ticket: Ticket, current: SupportRule, now: datetime | None = None) -> bool:
    """Returns whether `ticket` is overdue by the rule `current`. Snoozed tickets can be overdue."""
    return ticket.status == Ticket.Status.OPEN and ticket.clock_from <= overdue_since(current, now)


def tickets_list(
    *, show: str = "", customer: Customer | int | None = None, search: str = "", sort: str = DEFAULT_SORT
) -> QuerySet[Ticket]:
    """Tickets of the open scope's organization, each with its customer and the attribute `overdue` (bool).

    `show` is one of SHOW, or empty for all; "unassigned" are tickets without a customer. `sort` is a name of SORTS,
    with "-" for newest first; "waiting" (since creation or the last reopening) needs a `show` with a fixed status.
    Other values mean the default. `search`: a conversation's id, or words that all occur in title, beginning or name of
    the customer; without `customer` the last SEARCH_DEPTH tickets are looked through (see `searched_since`).
    """
    overdue = overdue_q(required_organization())
    rows = Ticket.objects.select_related("customer")
    rows = rows.annotate(overdue=ExpressionWrapper(overdue, output_field=BooleanField()))
    if show == "overdue":
        rows = rows.filter(overdue)
    elif show in (Ticket.Status.OPEN, Ticket.Status.RESOLVED):
        rows = rows.filter(status=show)
    elif show == "unassigned":
        # As a set of their own: they are few, and without statistics SQLite would look for them in the order asked for.
        rows = rows.filter(pk__in=Ticket.objects.filter(customer__isnull=True).values("pk"))
    if customer is not None:
        rows = rows.filter(customer=customer)
    if search.strip():
        rows = rows.filter(_search_q(search, everything=customer is not None))
    column, descending = _sort(sort, show)
    mark = "-" if descending else ""
    return rows.order_by(f"{mark}{column}", f"{mark}id")


def searched_since() -> datetime | None:
    """Returns the update time from which a search for words reads tickets; None: it reads all of them."""
    moments = Ticket.objects.order_by("-updated_at").values_list("updated_at", flat=True)
    return next(iter(moments[SEARCH_DEPTH : SEARCH_DEPTH + 1]), None)


def _search_q(search: str, everything: bool) -> Q:
    words = search.split()
    if len(words) == 1 and (known := _by_reference(words[0])):
        return Q(pk__in=known)
    since = None if everything else searched_since()
    condition = Q() if since is None else Q(updated_at__gte=since)
    for word in words:
        condition &= contains(word, ("title", "preview", "customer__name"))
    return condition


def tickets_found(search: str, *, customer: Customer | int | None = None) -> Found:
    """Returns what `search` finds in `tickets_list`. A page and its counts share it, so tickets are read only once."""
    unassigned = ExpressionWrapper(Q(customer__isnull=True), output_field=BooleanField())
    rows = tickets_list(customer=customer, search=search).order_by().select_related(None)
    ids: dict[str, list[int]] = {show: [] for show in ("", *SHOW)}
    for pk, status, is_late, is_unassigned in rows.values_list("pk", "status", "overdue", unassigned):
        for show in ("", status, *(["overdue"] if is_late else []), *(["unassigned"] if is_unassigned else [])):
            ids[show].append(pk)
    return Found(ids)


def _by_reference(word: str) -> list[int]:
    """Returns the tickets with this conversation id, by the unique key of each of the few workspaces."""
    newest = Ticket.objects.order_by("-updated_at").values_list("workspace", flat=True).first()
    return list(Ticket.objects.filter(workspace=newest or "", external_id=word).values_list("pk", flat=True))


def tickets_page(
    *,
    show: str = "",
    customer: Customer | int | None = None,
    search: str = "",
    sort: str = DEFAULT_SORT,
    after: str = "",
    size: int = 50,
    found: Found | None = None,
) -> TicketPage:
    """Returns a page of `tickets_list` from the end of the previous one, so that the last page is as fast as the first.

    An invalid `after` returns the first page. `found` is the result of `search`, if known.
    """
    if search.strip():
        found = found or tickets_found(search, customer=customer)
    rows = tickets_list(show=show, customer=customer, sort=sort)
    if found is not None:
        rows = rows.filter(among('"support_ticket"."id"', found.ids[show if show in SHOW else ""], "bigint"))
    column, descending = _sort(sort, show)
    if (place := _parse(after)) is not None:
        moment, pk = place
        side = "lt" if descending else "gt"
        rows = rows.filter(
            Q(**{f"{column}__{side}e": moment}) & (Q(**{f"{column}__{side}": moment}) | Q(**{f"id__{side}": pk}))
        )
    page = list(rows[: size + 1])
    if len(page) <= size:
        return TicketPage(page, "")
    last = page[size - 1]
    return TicketPage(page[:size], f"{(getattr(last, column) - _EPOCH) // _MICROSECOND}.{last.pk}")


def tickets_count(rows: QuerySet[Ticket]) -> tuple[int, bool]:
    """Returns the number of tickets, counted up to COUNT_LIMIT, and whether there are more."""
    number = rows.order_by()[: COUNT_LIMIT + 1].count()
    return min(number, COUNT_LIMIT), number > COUNT_LIMIT


def tickets_counts(
    *, customer: Customer | int | None = None, search: str = "", found: Found | None = None
) -> dict[str, tuple[int, bool]]:
    """Returns `tickets_count` for every `show` and for all (""). `found` is the result of `search`, if known."""
    if search.strip():
        found = found or tickets_found(search, customer=customer)
    if found is not None:
        return {show: (len(ids), False) for show, ids in found.ids.items()}
    return {show: tickets_count(tickets_list(show=show, customer=customer)) for show in ("", *SHOW)}


def _sort(name: str, show: str) -> tuple[str, bool]:
    column = SORTS.get(name.removeprefix("-"))
    # No index orders all tickets by their clock, and resolved tickets do not wait.
    if column is None or (column == "clock_from" and show not in ("open", "overdue", "resolved")):
        return SORTS["updated"], True
    return column, name.startswith("-")


def _parse(after: str) -> tuple[datetime, int] | None:
    moment, _, pk = after.partition(".")
    try:
        return _EPOCH + int(moment) * _MICROSECOND, int(pk)
    except (ValueError, OverflowError):
        return None
