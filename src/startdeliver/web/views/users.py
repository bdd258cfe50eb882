"""All users of all customers, users without a customer, and assigning several users to a customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from startdeliver.customers import people, selectors, services
from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import Customer, CustomerUser, CustomField
from startdeliver.customers.people import UserFilters
from startdeliver.support.reassignment import reassign_tickets
from startdeliver.tenancy.models import Member
from startdeliver.web import formats
from startdeliver.web.access import is_swap, member_of, organization_of
from startdeliver.web.listing import FieldFilter, field_filter
from startdeliver.web.paging import SIZE, Page, page_number, paginate
from startdeliver.web.params import back, choice, csm_of, customer_of, picked, row_of, search_text
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
    """The requested list. `params`: the parameters of the address, without empty ones."""

    params: dict[str, str]
    filters: UserFilters
    search: str
    sort: str
    customer: Customer | None
    fields: list[CustomField]
    own: list[FieldFilter]

    def address(self, *without: str, path: str = LIST, **more: str) -> str:
        """Returns the list's address without these parameters and with `more`; always its first page."""
        kept = {key: value for key, value in {**self.params, **more}.items() if value and key not in without}
        return f"{path}?{urlencode(kept)}" if kept else path


def asked_users(params: QueryDict, member: Member) -> AskedUsers:
    """Reads an address. Unknown parameters are ignored. Raises Http404 for an unknown customer."""
    view = choice(params, "view", people.VIEWS, "all")
    search = search_text(params)
    sort = params.get("sort", "")
    sort = sort if sort.removeprefix("-") in people.SORTS else people.DEFAULT_SORT
    csm_text = params.get("csm", "")
    csm = csm_of(csm_text, member)
    customer = customer_of(params)
    fields = [field for field in fields_of("user") if field.visibility != CustomField.Visibility.HIDDEN]
    own = [own_filter for field in fields if (own_filter := field_filter(field, params)) is not None]
    kept = {
        "q": search,
        "view": "" if view == "all" else view,
        "customer": str(customer.pk) if customer else "",
        "csm": csm_text if csm is not None else "",
        "sort": "" if sort == people.DEFAULT_SORT else sort,
    }
    for own_filter in own:
        kept |= own_filter.values
    return AskedUsers(
        params={key: value for key, value in kept.items() if value},
        filters=UserFilters(
            view=view,
            customer=customer.pk if customer else None,
            csm=csm,
            fields=tuple(own_filter.condition for own_filter in own),
        ),
        search=search,
        sort=sort,
        customer=customer,
        fields=fields,
        own=own,
    )


def users(request: HttpRequest) -> HttpResponse:
    """The users of all customers."""
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


def unassigned(request: HttpRequest) -> HttpResponse:
    """Users without a customer, to be assigned to one."""
    search = search_text(request.GET)
    page = paginate(selectors.unassigned_users(search), page_number(request))
    template = "web/users/_unassigned.html" if is_swap(request, "list") else "web/users/unassigned.html"
    return render(request, template, {"page": page, "search": search})


def assign(request: HttpRequest) -> HttpResponse:
    """Assigns the selected users to a customer; their tickets without a customer move with them."""
    organization, member = organization_of(request), member_of(request)
    ids = picked(request)
    customer = row_of(Customer.objects, request.POST.get("customer", ""))
    if not ids:
        messages.error(request, "No user was selected, so nothing was changed. Tick one or more first.")
    elif customer is None:
        messages.error(request, "No customer was chosen, so nothing was changed. Search for one and choose it.")
    else:
        services.user_move(users=ids, customer=customer, by=member.email)
        tickets = reassign_tickets(organization, [customer.pk])
        text = f"{formats.plural(len(ids), 'user')} now {'belongs' if len(ids) == 1 else 'belong'} to {customer.name}."
        if tickets:
            text += f" {formats.plural(tickets, 'ticket')} without a customer went along."
        messages.success(request, text)
    return redirect(back(request, "/users/unassigned", "/users"))


def _page(now: AskedUsers, number: int) -> Page[CustomerUser]:
    start = (number - 1) * SIZE
    rows = people.users_page(now.filters, now.sort, now.search, start=start, stop=start + SIZE + 1)
    # Counting the results of a search would read every user again.
    count = None if now.search or now.own else people.users_list(now.filters).count()
    return Page(rows[:SIZE], number, len(rows) > SIZE, SIZE, count)
