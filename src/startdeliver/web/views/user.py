"""One user: profile, creating, changing, archiving."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from startdeliver.customers import services
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.listing import tickets_list
from startdeliver.sync import links
from startdeliver.sync.models import Connection, IntercomContact
from startdeliver.sync.push import standing
from startdeliver.web.access import is_swap, member_of, organization_of
from startdeliver.web.editing import Actions, form_page, record_action
from startdeliver.web.forms import UserForm, user_initial
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.params import row_of
from startdeliver.web.provenance import attributes_of, facts_of
from startdeliver.web.views import usage

_ACTIONS: Actions = {
    "archive": (services.user_archive, "{} is archived. The tickets are kept."),
    "restore": (services.user_restore, "{} is back in the lists."),
}


def user_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A user's fields with their sources, and the user's tickets."""
    user = get_object_or_404(CustomerUser.objects.select_related("customer"), pk=pk)
    contacts = list(IntercomContact.objects.filter(user=user).order_by("-last_seen_at", "pk")[:5])
    active = [contact for contact in contacts if contact.state == IntercomContact.State.ACTIVE]
    ours = standing.pushed_names(active)
    tickets = paginate(tickets_list().filter(participants__user=user).distinct(), page_number(request), size=25)
    context = {
        "person": user,
        "facts": facts_of(user),
        "attributes": [
            pair
            for contact in active
            for pair in attributes_of(contact.facts.get("custom_attributes"), ours.get(contact.pk, ()))
        ],
        "page": tickets,
        "archive_title": f"Archive {user}?",
        "archive_url": f"/users/{pk}/archive",
        "intercom_link": _contact_link(active or contacts),
    }
    if not is_swap(request, "tickets"):
        context |= usage.user_context(user)
    template = "web/users/_tickets.html" if is_swap(request, "tickets") else "web/users/profile.html"
    return render(request, template, context)


def user_new(request: HttpRequest) -> HttpResponse:
    """Creates a user of the customer in ?customer=, of a chosen customer, or of none."""
    organization, by = organization_of(request), member_of(request).email
    customer = row_of(Customer.objects, request.POST.get("customer") or request.GET.get("customer", ""))
    return form_page(
        request,
        "web/users/form.html",
        UserForm(request.POST or None, initial={"email": request.GET.get("email", "")[:254]}),
        lambda values: services.user_create(organization=organization, by=by, values={**values, "customer": customer}),
        done=lambda user: f"{user} was added. Tickets that waited for this user arrive at the next sync.",
        to=lambda user: f"/customers/{customer.pk}?tab=users" if customer else f"/users/{user.pk}",
        customer=customer,
    )


def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a user's fields."""
    user = get_object_or_404(CustomerUser.objects.select_related("customer"), pk=pk)
    return form_page(
        request,
        "web/users/form.html",
        UserForm(request.POST or None, initial=user_initial(user)),
        lambda values: _update(user, values, member_of(request).email),
        done=lambda user: f"{user} was saved.",
        to=lambda user: f"/users/{pk}",
        record=user,
    )


def user_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive or restore: removes the user from lists, or adds it again."""
    return record_action(request, _ACTIONS, action, f"/users/{pk}", user=get_object_or_404(CustomerUser, pk=pk))


def _update(user: CustomerUser, values: dict[str, Any], by: str) -> CustomerUser:
    left = values.pop("has_left_at")
    if left != (user.has_left_at is not None):
        # The time changes only with the answer.
        values["has_left_at"] = left
    return services.user_update(user=user, by=by, values=values)


def _contact_link(contacts: list[IntercomContact]) -> str:
    if not contacts:
        return ""
    connection = Connection.objects.filter(organization=contacts[0].organization_id).only("region", "workspace").first()
    region = links.region_of(connection, contacts[0].workspace)
    return region.contact_link(contacts[0].workspace, contacts[0].ref)
