"""Reading customers and users: the list with its counts, one customer's people, and search.

Support health hangs on a customer as `support_health` (support.models), usage health as `usage_health` (usage.models);
they are named here by their columns only, since this package knows nothing of tickets and events. Call
support.health.refresh_due before showing it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower, NullIf

from startdeliver.common.health import NONE, Health
from startdeliver.customers import custom
from startdeliver.customers.models import Customer, CustomerUser, CustomField
from startdeliver.storage.text import contains
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import current_organization

HEALTHS = (*Health.values, NONE)
_HERE = Q(archived_at__isnull=True, has_left_at__isnull=True)
_USER_VIEWS = {
    "stakeholders": _HERE & Q(is_stakeholder=True),
    "all": _HERE,
    "non-users": _HERE & Q(is_non_user=True),
    "has-left": ~_HERE,
}
USER_VIEWS = tuple(_USER_VIEWS)
DEFAULT_SORT = "worse"
# Found by a search, and then looked up by their ids.
_FEW = 500


def _severity(column: str) -> Case:
    whens = [When(**{column: status}, then=Value(3 - status.points)) for status in Health]
    return Case(*whens, default=Value(0), output_field=IntegerField())


def _way(column: Any, descending: bool) -> Any:
    return column.desc(nulls_last=True) if descending else column.asc(nulls_last=True)


# What a click on a column's head sorts by: empty values always come last, then what orders equal ones.
_SORTS: dict[str, tuple[Any, ...]] = {
    "open": (F("support_health__open_count"), "name", "pk"),
    "overdue": (F("support_health__overdue_count"), "name", "pk"),
    "login": (F("last_login_at"), "name", "pk"),
    "arr": (F("arr"), "name", "pk"),
    "renewal": (F("renewal_date"), "name", "pk"),
    "csm": (Lower(Coalesce(NullIf(F("csm__name"), Value("")), F("csm__email"))), "name", "pk"),
    "health": (_severity("support_health__status"), "-support_health__overdue_count", "name", "pk"),
    "usage": (
        NullIf(_severity("usage_health__status"), Value(0)),
        F("usage_health__changed_at").desc(nulls_last=True),
        "pk",
    ),
}
SORTS = ("name", "users", *_SORTS, DEFAULT_SORT)


def csms() -> tuple[list[Member], list[Member]]:
    """The members who can be a CSM, and archived ones who still are one, whose customers want another; by name."""
    theirs = Customer.objects.filter(csm=OuterRef("pk"), archived_at__isnull=True)
    everyone = Member.objects.filter(organization=current_organization())
    members = list(everyone.filter(Q(archived_at__isnull=True) | Exists(theirs)).order_by("name", "email"))
    return [member for member in members if member.is_active], [member for member in members if not member.is_active]


def _got_worse(prefix: str = "support_health__") -> Q:
    """Poor or Fair now, better before. Good is never worse: a first Good says only that a ticket arrived."""
    now, before = f"{prefix}status", f"{prefix}previous_status"
    better = Q(**{f"{before}__isnull": True}) | Q(**{before: Health.GOOD})
    return Q(**{now: Health.POOR}) & (better | Q(**{before: Health.FAIR})) | Q(**{now: Health.FAIR}) & better


@dataclass(frozen=True)
class CustomerFilters:
    """`health`: one of HEALTHS or empty. `csm`: a member's id, 0 for customers without one, None for all.

    `fields`: conditions on custom fields (`customers.custom.has`), of which all must hold.
    """

    health: str = ""
    csm: int | None = None
    archived: bool = False
    fields: tuple[Q, ...] = ()


def narrowed(filters: CustomerFilters, search: str) -> tuple[CustomerFilters, str]:
    """The same list with its search already made, if it finds few: the counts and the page need not search again."""
    if not search:
        return filters, search
    ids = list(_base(filters, search).order_by().values_list("pk", flat=True)[: _FEW + 1])
    return (filters, search) if len(ids) > _FEW else (replace(filters, fields=(Q(pk__in=ids),)), "")


def customers_list(
    filters: CustomerFilters | None = None, sort: str = DEFAULT_SORT, search: str = ""
) -> QuerySet[Customer]:
    """Customers of the open scope's organization. `sort` is one of SORTS, with "-" for the other way round.

    The default puts first what got worse most recently, then by severity. An unknown sort is the default.
    """
    filters = filters or CustomerFilters()
    rows = matching(filters, search)
    key = sort.removeprefix("-")
    descending = sort.startswith("-")
    if key not in SORTS:
        key, descending = DEFAULT_SORT, False
    if key == DEFAULT_SORT:
        return _worse_first(rows)
    if key == "name":
        return rows.order_by("-name" if descending else "name", "pk")
    if key == "users":
        users = CustomerUser.objects.filter(customer=OuterRef("pk"), archived_at__isnull=True).order_by()
        counted = users.values("customer").annotate(number=Count("pk")).values("number")
        return rows.order_by(_way(Coalesce(Subquery(counted), 0), descending), "name", "pk")
    column, *others = _SORTS[key]
    return rows.order_by(_way(column, descending), *others)


def matching(filters: CustomerFilters, search: str = "") -> QuerySet[Customer]:
    """The customers of a list in no order, to be counted or narrowed further."""
    return _health(_base(filters, search), filters.health)


def customer_ids(
    filters: CustomerFilters | None = None,
    sort: str = DEFAULT_SORT,
    search: str = "",
    *,
    start: int = 0,
    stop: int | None = None,
) -> list[int]:
    """The ids of the customers from `start` up to `stop` (None: the last) of the list.

    `sort` is one of SORTS or the alias of a custom field, with "-" for the other way round.
    """
    filters = filters or CustomerFilters()
    field = _sort_field(sort)
    if field is not None:
        rows = matching(filters, search).order_by("name", "pk")
        return custom.sorted_ids(rows, field, sort.startswith("-"), start, stop or sys.maxsize)
    if sort.removeprefix("-") in ("login", "usage"):
        return _joined(_in_pieces(filters, search, sort), start, stop)
    ids: list[int] = []
    if sort == DEFAULT_SORT and stop is not None:
        ids = list(_worse_head(filters, search)[start:stop])
    if stop is None or len(ids) < stop - start:
        ids = list(customers_list(filters, sort, search).values_list("pk", flat=True)[start:stop])
    return ids


def customers_page(
    filters: CustomerFilters | None = None,
    sort: str = DEFAULT_SORT,
    search: str = "",
    *,
    start: int = 0,
    stop: int = 51,
) -> list[Customer]:
    """The customers from `start` up to `stop` of `customers_list`, each with CSM, `health` (SupportHealth or None) and
    `user_count`. The ids are found first: sorting whole rows of a long list costs several times as much.
    """
    ids = customer_ids(filters, sort, search, start=start, stop=stop)
    return customers_by_ids(ids)


def customers_by_ids(ids: Sequence[int]) -> list[Customer]:
    """The customers with these ids, in their order, each with CSM, `health` (SupportHealth, None), `usage`
    (UsageHealth, None) and `user_count`."""
    rows = Customer.objects.filter(pk__in=ids).select_related("csm", "support_health", "usage_health")
    by_id = {row.pk: row for row in rows}
    users = user_counts(ids)
    page = [by_id[pk] for pk in ids if pk in by_id]
    for row in page:
        row.health = getattr(row, "support_health", None)  # type: ignore[attr-defined]
        row.usage = getattr(row, "usage_health", None)  # type: ignore[attr-defined]
        row.user_count = users[row.pk]  # type: ignore[attr-defined]
    return page


def health_counts(filters: CustomerFilters | None = None, search: str = "") -> dict[str, int]:
    """How many customers are Good, Fair, Poor and without data (keys HEALTHS) under `filters` but for its health."""
    filters = filters or CustomerFilters()
    if search or filters.csm is not None or filters.archived or filters.fields:
        counted = _base(filters, search).values_list("support_health__status").annotate(Count("pk")).order_by()
        return _counts(dict(counted))
    # All of them: counted in two small indexes instead of joining two large tables. COUNT(*) asks for no more columns
    # than these have.
    every = Counter(dict(_health_model().objects.values_list("status").annotate(number=Count("*")).order_by()))
    hidden = Customer.objects.filter(archived_at__isnull=False, support_health__isnull=False)
    every.subtract(dict(hidden.values_list("support_health__status").annotate(Count("pk")).order_by()))
    every[None] = Customer.objects.filter(archived_at__isnull=True).count() - sum(
        number for status, number in every.items() if status
    )
    return _counts(dict(every))


def user_counts(customer_ids: Sequence[int]) -> Counter[int]:
    """Users who are not archived, by customer."""
    rows = CustomerUser.objects.filter(customer__in=customer_ids, archived_at__isnull=True)
    return Counter(dict(rows.values_list("customer").annotate(Count("pk")).order_by()))


def users_of(customer: Customer, view: str = "all", search: str = "") -> QuerySet[CustomerUser]:
    """A customer's users in one of USER_VIEWS; those who have left or are archived only in "has-left"."""
    rows = matching_users(CustomerUser.objects.filter(customer=customer), search)
    last_seen = F("last_seen_at").desc(nulls_last=True)
    return rows.filter(_USER_VIEWS.get(view, _HERE)).order_by("-is_stakeholder", last_seen, "name", "email", "pk")


def user_view_counts(customer: Customer) -> dict[str, int]:
    """How many users each of USER_VIEWS has, in one query."""
    counts = {view.replace("-", "_"): Count("pk", filter=condition) for view, condition in _USER_VIEWS.items()}
    counted = CustomerUser.objects.filter(customer=customer).aggregate(**counts)
    return {view: counted[view.replace("-", "_")] for view in USER_VIEWS}


def unassigned_users(search: str = "") -> QuerySet[CustomerUser]:
    """Users without a customer, newest first."""
    rows = CustomerUser.objects.filter(customer__isnull=True, archived_at__isnull=True)
    return matching_users(rows, search).order_by("-created_at", "-pk")


def search_customers(text: str, limit: int = 20) -> list[Customer]:
    """Customers whose name, domain or external id has `text`; names that begin with it come first."""
    return _search(
        Customer.objects.filter(contains(text, ("name", "domain", "external_id"))), text, "support_health", limit
    )


def search_users(text: str, limit: int = 20) -> list[CustomerUser]:
    """Users whose name, e-mail address or external id has `text`; names that begin with it come first."""
    return _search(matching_users(CustomerUser.objects.all(), text), text, "customer", limit)


def _search(rows: QuerySet[Any], text: str, related: str, limit: int) -> list[Any]:
    begins = Case(When(name__istartswith=text, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = rows.order_by(F("archived_at").asc(nulls_first=True), begins, "name", "pk")
    ids = list(rows.values_list("pk", flat=True)[:limit])
    by_id = rows.model._default_manager.select_related(related).in_bulk(ids)
    return [by_id[pk] for pk in ids if pk in by_id]


def search(text: str, limit: int = 20) -> tuple[list[Customer], list[CustomerUser]]:
    """Customers and users that fit `text`; nothing fits an empty one."""
    text = text.strip()
    return (search_customers(text, limit), search_users(text, limit)) if text else ([], [])


def _sort_field(sort: str) -> CustomField | None:
    alias = sort.removeprefix("-")
    if not custom.is_alias(alias):
        return None
    return CustomField.objects.filter(entity="customer", alias=alias, archived_at__isnull=True).first()


def _base(filters: CustomerFilters, search: str) -> QuerySet[Customer]:
    rows = Customer.objects.filter(archived_at__isnull=not filters.archived)
    if filters.csm is not None:
        rows = rows.filter(csm=filters.csm) if filters.csm else rows.filter(csm__isnull=True)
    rows = rows.filter(*filters.fields)
    for word in search.split()[:6]:
        rows = rows.filter(contains(word, ("name", "domain", "external_id")))
    return rows


def _health(rows: QuerySet[Customer], health: str) -> QuerySet[Customer]:
    if health == "none":
        return rows.filter(support_health__status__isnull=True)
    return rows.filter(support_health__status=health) if health in HEALTHS else rows


def _worse_first(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    worse = _got_worse()
    rows = rows.annotate(
        got_worse=Case(When(worse, then=F("support_health__changed_at")), default=None),
        # Names order the rest only: the head of the list is read from the health table alone, which has none.
        worse_name=Case(When(worse, then=Value("")), default=F("name")),
    )
    # The number of overdue tickets orders Poor, Fair and Good among themselves.
    overdue = F("support_health__overdue_count").desc(nulls_last=True)
    return rows.order_by(F("got_worse").desc(nulls_last=True), overdue, "worse_name", "pk")


def _worse_head(filters: CustomerFilters, search: str) -> QuerySet[Any, int]:
    """The ids of those that got worse, in the default order: the part of the list that is looked at, read in a
    fraction of the time that the whole order takes.
    """
    if search or filters.csm is not None or filters.fields or filters.archived:
        rows = _health(_base(filters, search), filters.health).filter(_got_worse())
        order = ("-support_health__changed_at", "-support_health__overdue_count", "pk")
        return rows.order_by(*order).values_list("pk", flat=True)
    head: QuerySet[Any] = _health_model().objects.filter(_got_worse(""))
    if filters.health in HEALTHS:
        head = head.filter(status=None if filters.health == "none" else filters.health)
    head = head.exclude(customer__in=Customer.objects.filter(archived_at__isnull=False).values("pk"))
    return head.order_by("-changed_at", "-overdue_count", "customer_id").values_list("customer_id", flat=True)


def _in_pieces(filters: CustomerFilters, search: str, sort: str) -> list[QuerySet[Any, int]]:
    """The list sorted by usage health or last login, in pieces that an index each yields in order: to sort all
    customers of a long list costs many times as much.
    """
    rows = _health(_base(filters, search), filters.health)
    descending = sort.startswith("-")
    if sort.removeprefix("-") == "login":
        order = "-last_login_at" if descending else "last_login_at"
        known = rows.filter(last_login_at__isnull=False).order_by(order, "name", "pk")
        pieces = [known, _without(rows, "last_login_at")]
    else:
        # The organization a second time, for the table of health: it leads the index.
        here = current_organization()
        pieces = [
            rows.filter(usage_health__organization=here, usage_health__status=status).order_by(
                "-usage_health__changed_at", "-usage_health__customer_id"
            )
            for status in (reversed(Health) if descending else Health)
        ]
        pieces.append(_without(rows, "usage_health__status"))
    return [piece.values_list("pk", flat=True) for piece in pieces]


def _without(rows: QuerySet[Customer], column: str) -> QuerySet[Customer]:
    return rows.filter(**{f"{column}__isnull": True}).order_by("name", "pk")


def _joined(pieces: Sequence[QuerySet[Any, int]], start: int, stop: int | None) -> list[int]:
    """What lies from `start` up to `stop` when the pieces are one behind the other."""
    ids: list[int] = []
    for piece in pieces:
        if stop is not None and len(ids) >= stop:
            break
        ids += piece[: None if stop is None else stop - len(ids)]
    return ids[start:stop]


def _health_model() -> Any:
    """support.models.SupportHealth, which this package must not import."""
    return Customer._meta.get_field("support_health").related_model


def _counts(by_status: dict[str | None, int]) -> dict[str, int]:
    return {health: by_status.get(None if health == NONE else health, 0) for health in HEALTHS}


def matching_users(rows: QuerySet[CustomerUser], search: str) -> QuerySet[CustomerUser]:
    """Those of `rows` that have each word of `search` in name, e-mail address or external id."""
    for word in search.split()[:6]:
        rows = rows.filter(contains(word, ("name", "email", "external_id")))
    return rows
