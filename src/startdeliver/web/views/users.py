"""One user of a customer, and users who belong to no customer yet."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from startdeliver.customers import moves, selectors, services
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support.selectors import tickets_list
from startdeliver.sync import links
from startdeliver.sync.models import Connection, IntercomContact
from startdeliver.sync.push import standing
from startdeliver.web import formats
from startdeliver.web.access import is_swap, member_of, organization_of, writers_only
from startdeliver.web.forms import UserForm, user_initial
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.provenance import attributes_of, facts_of
from startdeliver.web.views import usage


@require_safe
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


@require_http_methods(["GET", "POST"])
@writers_only
def user_new(request: HttpRequest) -> HttpResponse:
    """Makes a user, of the customer in ?customer= or one that is picked, or of none."""
    organization = organization_of(request)
    customer = _customer(request.POST.get("customer") or request.GET.get("customer") or "")
    form = UserForm(request.POST or None, initial={"email": request.GET.get("email", "")[:254]})
    if request.method == "POST":
        made = form.save(
            lambda values: services.user_create(
                organization=organization, by=member_of(request).email, values={**values, "customer": customer}
            )
        )
        if made is not None:
            messages.success(request, f"{made} was added. Tickets that waited for this user arrive at the next sync.")
            return redirect(f"/customers/{customer.pk}?tab=users" if customer else f"/users/{made.pk}")
    return render(request, "web/users/form.html", {"form": form, "customer": customer}, status=_status(form))


@require_http_methods(["GET", "POST"])
@writers_only
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a user's standard fields."""
    user = get_object_or_404(CustomerUser.objects.select_related("customer"), pk=pk)
    form = UserForm(request.POST or None, initial=user_initial(user))
    if request.method == "POST":
        saved = form.save(lambda values: _update(user, values, member_of(request).email))
        if saved is not None:
            messages.success(request, f"{saved} was saved.")
            return redirect(f"/users/{pk}")
        user.refresh_from_db()
    return render(request, "web/users/form.html", {"form": form, "person": user}, status=_status(form))


@require_POST
@writers_only
def user_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the user out of the lists."""
    user = get_object_or_404(CustomerUser, pk=pk)
    services.user_archive(user=user, by=member_of(request).email)
    messages.success(request, f"{user} is archived. The tickets are kept.")
    return redirect(f"/users/{pk}")


@require_POST
@writers_only
def user_restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the user back into the lists."""
    user = get_object_or_404(CustomerUser, pk=pk)
    services.user_restore(user=user, by=member_of(request).email)
    messages.success(request, f"{user} is back in the lists.")
    return redirect(f"/users/{pk}")


@require_safe
def unassigned(request: HttpRequest) -> HttpResponse:
    """Users who belong to no customer, to be given to one."""
    search = request.GET.get("q", "").strip()[:200]
    page = paginate(selectors.unassigned_users(search), page_number(request))
    template = "web/users/_unassigned.html" if is_swap(request, "list") else "web/users/unassigned.html"
    return render(request, template, {"page": page, "search": search})


@require_POST
@writers_only
def assign(request: HttpRequest) -> HttpResponse:
    """Gives the selected users to a customer; their tickets without a customer go with them."""
    organization, member = organization_of(request), member_of(request)
    ids = [int(text) for text in request.POST.getlist("pick") if text.isdecimal()][:1000]
    back = request.POST.get("next", "")
    back = back if back.startswith("/users/") else "/users/unassigned"
    customer = _customer(request.POST.get("customer", ""))
    if not ids:
        messages.error(request, "No user was selected, so nothing was changed. Tick one or more first.")
    elif customer is None:
        messages.error(request, "No customer was chosen, so nothing was changed. Search for one and choose it.")
    else:
        moved = services.user_move(users=ids, customer=customer, by=member.email)
        tickets = moves.follow(organization, CustomerUser.objects.filter(pk__in=moved))
        text = f"{formats.plural(len(ids), 'user')} now {'belongs' if len(ids) == 1 else 'belong'} to {customer.name}."
        if tickets:
            text += f" {formats.plural(tickets, 'ticket')} without a customer went along."
        messages.success(request, text)
    return redirect(back)


def _update(user: CustomerUser, values: dict[str, Any], by: str) -> CustomerUser:
    left = values.pop("has_left_at")
    if left != (user.has_left_at is not None):
        # Only a changed answer is a new moment.
        values["has_left_at"] = left
    return services.user_update(user=user, by=by, values=values)


def _customer(text: str) -> Customer | None:
    return Customer.objects.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 18 else None


def _status(form: UserForm) -> int:
    return 400 if form.is_bound and form.errors else 200


def _contact_link(contacts: list[IntercomContact]) -> str:
    if not contacts:
        return ""
    connection = Connection.objects.filter(organization=contacts[0].organization_id).only("region", "workspace").first()
    region = links.region_of(connection, contacts[0].workspace)
    return region.contact_link(contacts[0].workspace, contacts[0].ref)
