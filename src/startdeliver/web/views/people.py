"""All users across customers: views, search, filters, order, pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from startdeliver.customers import people, selectors
from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import Customer, CustomerUser, CustomField
from startdeliver.customers.people import UserFilters
from startdeliver.tenancy.models import Member
from startdeliver.web.access import is_swap, member_of
from startdeliver.web.listing import FieldFilter, field_filter
from startdeliver.web.paging import SIZE, Page, page_number
from startdeliver.web.templatetags.ui import Tab

LIST = "/users"
_LABELS = {
    "all": "All users",
    "stakeholders": "Stakeholders",
    "non-users": "Non-users",
    "has-left": "Has left",
    "archived": "Archived",
}


@dataclass(frozen=True)
class AskedUsers:
    """The list as its address asks for it. `params`: the parts of the address, without empty ones."""

    params: dict[str, str]
    filters: UserFilters
    search: str
    sort: str
    csm_text: str
    customer: Customer | None
    fields: list[CustomField]
    own: list[FieldFilter]

    def address(self, *without: str, path: str = LIST, **more: str) -> str:
        """The list's address without these parameters and with `more`; always its first page."""
        kept = {key: value for key, value in {**self.params, **more}.items() if value and key not in without}
        return f"{path}?{urlencode(kept)}" if kept else path


def asked_users(params: QueryDict, member: Member) -> AskedUsers:
    """Reads an address. What it does not know is passed over; a customer that there is not raises Http404."""
    view = params.get("view", "")
    view = view if view in people.VIEWS else "all"
    search = params.get("q", "").replace("\x00", "").strip()[:200]
    sort = params.get("sort", "")
    sort = sort if sort.removeprefix("-") in people.SORTS else people.DEFAULT_SORT
    csm_text = params.get("csm", "")
    csm = _csm(csm_text, member)
    customer = _customer(params.get("customer", ""))
    fields = [one for one in fields_of("user") if one.visibility != CustomField.Visibility.HIDDEN]
    own = [found for one in fields if (found := field_filter(one, params)) is not None]
    kept = {
        "q": search,
        "view": "" if view == "all" else view,
        "customer": str(customer.pk) if customer else "",
        "csm": csm_text if csm is not None else "",
        "sort": "" if sort == people.DEFAULT_SORT else sort,
    }
    for found in own:
        kept |= found.values
    return AskedUsers(
        params={key: value for key, value in kept.items() if value},
        filters=UserFilters(
            view=view,
            customer=customer.pk if customer else None,
            csm=csm,
            fields=tuple(found.condition for found in own),
        ),
        search=search,
        sort=sort,
        csm_text=kept["csm"],
        customer=customer,
        fields=fields,
        own=own,
    )


@require_safe
def users(request: HttpRequest) -> HttpResponse:
    """Every user, whichever customer it is of."""
    member = member_of(request)
    now = asked_users(request.GET, member)
    members, former = selectors.csms()
    page = _page(now, page_number(request))
    narrowed = bool(now.search) or now.filters.narrowed
    context: dict[str, Any] = {
        "page": page,
        "asked": now,
        "sort": now.sort,
        "search": now.search,
        "view": now.filters.view,
        "views": [
            Tab(label, now.address("view", **({} if key == "all" else {"view": key})), key == now.filters.view)
            for key, label in _LABELS.items()
        ],
        "members": members,
        "former": former,
        "narrowed": narrowed,
        "without_customer": now.address("customer"),
        "export_url": now.address(path="/users/export"),
        "own_chips": [(one, now.address(*one.values)) for one in now.own],
        "any": bool(page.rows) or narrowed or now.filters.view != "all" or CustomerUser.objects.exists(),
        "unassigned": CustomerUser.objects.filter(customer__isnull=True, archived_at__isnull=True).count(),
    }
    template = "web/users/_list.html" if is_swap(request, "list") else "web/users/list.html"
    return render(request, template, context)


def _page(now: AskedUsers, number: int) -> Page[CustomerUser]:
    start = (number - 1) * SIZE
    rows = people.users_page(now.filters, now.sort, now.search, start=start, stop=start + SIZE + 1)
    # Counting what a search finds would read every user once more.
    count = None if now.search or now.own else people.users_list(now.filters).count()
    return Page(rows[:SIZE], number, len(rows) > SIZE, SIZE, count)


def _customer(text: str) -> Customer | None:
    if not text:
        return None
    found = Customer.objects.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
    if found is None:
        raise Http404("There is no such customer.")
    return found


def _csm(text: str, member: Member) -> int | None:
    if text == "me":
        return member.pk
    if text == "none":
        return 0
    return int(text) if text.isdecimal() and len(text) < 18 and int(text) else None
