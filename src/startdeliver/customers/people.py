"""Users across customers: who is asked for, in what order, and which page of them.

Each view has an index of its own in the order of names, so that a page of hundreds of thousands of users is read
without looking at the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, OrderBy, Q, QuerySet

from startdeliver.customers.models import CustomerUser
from startdeliver.customers.selectors import matching_users

VIEWS = ("all", "stakeholders", "non-users", "has-left", "archived")
SORTS = ("name", "login")
DEFAULT_SORT = "name"
_HERE = Q(archived_at__isnull=True, has_left_at__isnull=True)
_VIEWS = {
    "all": _HERE,
    "stakeholders": _HERE & Q(is_stakeholder=True),
    "non-users": _HERE & Q(is_non_user=True),
    "has-left": Q(archived_at__isnull=True, has_left_at__isnull=False),
    "archived": Q(archived_at__isnull=False),
}


@dataclass(frozen=True)
class UserFilters:
    """`view`: one of VIEWS. `customer`: a customer's id, 0 for users without one, None for all.

    `csm`: the member who looks after the customer, 0 for customers without one, None for all. `fields`: conditions on
    custom fields (`customers.custom.has`), of which all must hold.
    """

    view: str = "all"
    customer: int | None = None
    csm: int | None = None
    fields: tuple[Q, ...] = ()

    @property
    def narrowed(self) -> bool:
        """Whether anything but the view leaves users out."""
        return self.customer is not None or self.csm is not None or bool(self.fields)


def users_list(filters: UserFilters, sort: str = DEFAULT_SORT, search: str = "") -> QuerySet[CustomerUser]:
    """Users of the open scope's organization. `sort` is one of SORTS, with "-" for the other way round.

    By last login, those who never logged in come last, or first when those who have been away longest do. An unknown
    sort is by name.
    """
    rows = CustomerUser.objects.filter(_VIEWS.get(filters.view, _HERE), *filters.fields)
    if filters.customer is not None:
        rows = rows.filter(customer=filters.customer) if filters.customer else rows.filter(customer__isnull=True)
    if filters.csm is not None:
        rows = rows.filter(customer__isnull=False)
        rows = rows.filter(customer__csm=filters.csm) if filters.csm else rows.filter(customer__csm__isnull=True)
    return matching_users(rows, search).order_by(*_order(sort))


def users_page(
    filters: UserFilters, sort: str = DEFAULT_SORT, search: str = "", *, start: int = 0, stop: int = 51
) -> list[CustomerUser]:
    """The users from `start` up to `stop` of `users_list`, each with its customer. The ids are found first, in an
    index, however deep the page is.
    """
    rows = users_list(filters, sort, search)
    if sort.removeprefix("-") != "login":
        return users_by_ids(list(rows.values_list("pk", flat=True)[start:stop]))
    # The two databases put nulls at different ends of an index, so those who never logged in are read by themselves.
    ever = rows.filter(last_login_at__isnull=False).order_by(
        *(("-last_login_at", "-pk") if sort[0] == "-" else ("last_login_at", "pk"))
    )
    never = rows.filter(last_login_at__isnull=True).order_by("-pk" if sort[0] == "-" else "pk")
    first, second = (ever, never) if sort[0] == "-" else (never, ever)
    ids = list(first.values_list("pk", flat=True)[start:stop])
    if len(ids) < stop - start:
        before = start + len(ids) if ids else first.count()
        ids += second.values_list("pk", flat=True)[max(0, start - before) : stop - before]
    return users_by_ids(ids)


def users_by_ids(ids: Sequence[int]) -> list[CustomerUser]:
    """The users with these ids, in their order, each with its customer."""
    by_id = CustomerUser.objects.select_related("customer").in_bulk(ids)
    return [by_id[pk] for pk in ids if pk in by_id]


def _order(sort: str) -> tuple[str | OrderBy, ...]:
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    if key == "login":
        column = F("last_login_at")
        return (column.desc(nulls_last=True), "-pk") if descending else (column.asc(nulls_first=True), "pk")
    return ("-name", "-pk") if descending and key == "name" else ("name", "pk")
