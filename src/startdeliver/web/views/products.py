"""Settings → Products: what is measured, and how usage health is computed. Administrators only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import CustomField
from startdeliver.usage import services
from startdeliver.usage.models import Basis, Goal, Product, ProductHealth, ProductUsageType, UsageType
from startdeliver.web.access import member_of, organization_of
from startdeliver.web.editing import Actions, form_page, record_action
from startdeliver.web.forms import ServiceForm, flag, select, text

PRODUCTS = "/settings/products"
_GOALS = {
    Goal.UNIQUE_DAYS: "Unique days: on how many days it was used",
    Goal.USAGE_COUNT: "Usage count: how often it was used",
    Goal.DEPENDENT_COUNT: "Dependent count: how often, in percent of another usage type",
    Goal.FIELD_VALUE: "Field value: the number in one of your fields",
}
_BASES = {
    Basis.CUSTOMER: "Customer total: all users together",
    Basis.PER_USER: "Per user: a share of the users must reach the target",
}
_GOAL_WORDS = {
    Goal.UNIQUE_DAYS: ("day", "days"),
    Goal.USAGE_COUNT: ("use", "uses"),
    Goal.DEPENDENT_COUNT: ("%", "%"),
    Goal.FIELD_VALUE: ("", ""),
}


class ProductForm(ServiceForm):
    """A product with all settings; `services` has the rules."""

    name = text("Name", "Such as Invoices, or a module that you sell.", must=True, autocomplete="off", autofocus=True)
    abbreviation = text("Abbreviation", "1 to 3 characters for the Usage tile. Empty: made from the name.")
    usage_types = forms.MultipleChoiceField(
        label="Usage types that count",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Events of any of these are usage of this product.",
    )
    look_back_days = text(
        "Look-back window, in days",
        "Only usage in this many calendar days counts, today included. 35 days have five of each weekday.",
        initial="35",
        inputmode="numeric",
    )
    goal = select("Goal type", _GOALS.items(), "What is compared with the targets.")
    dependent_type = select(
        "In percent of",
        help_text="Only for Dependent count, such as invoices sent in percent of invoices created.",
    )
    field_alias = select(
        "Number field", help_text="Only for Field value. Per user it is a field of users, otherwise one of customers."
    )
    basis = select("Basis", _BASES.items(), "Whose usage counts.", initial=Basis.CUSTOMER)
    percent = text(
        "Share of users, in percent",
        "Only per user. Common: 20 (a few key people), 50 (half of them), 80 (nearly everybody).",
        initial="50",
        inputmode="numeric",
        list="percent-presets",
    )
    good_target = text("Good from", "Reaching it is Good.", must=True, inputmode="decimal")
    fair_target = text("Fair from", "Reaching it is Fair; less is Poor.", must=True, inputmode="decimal")
    only_users_with_product = flag(
        "Only count users with this product",
        "Per user: whoever never used it is left out, such as people of other departments.",
    )
    no_news_is_good_news = flag(
        "No news is good news", "For what should be rare, such as errors: less is better, and nothing at all is Good."
    )
    include_in_average = flag(
        "Include in the average", "The customer's usage health is the mean of the products that are included.", True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attached = set(self.initial.get("usage_types", ()))
        types = UsageType.objects.order_by("name", "pk")
        choices = [
            (str(choice.pk), choice.name)
            for choice in types
            if choice.archived_at is None or str(choice.pk) in attached
        ]
        self.offer("usage_types", choices)
        self.offer("dependent_type", [("", "Choose a usage type"), *choices])
        number_fields = {
            choice.alias: f"{choice.name} ({'users' if entity == 'user' else 'customers'})"
            for entity in ("customer", "user")
            for choice in fields_of(entity)
            if choice.type == CustomField.Type.NUMBER
        }
        self.offer("field_alias", [("", "Choose a field"), *number_fields.items()])


class UsageTypeForm(ServiceForm):
    """A usage type."""

    name = text("Name", "Such as Invoice created.", must=True, autocomplete="off", autofocus=True)
    alias = text("Alias", "What programs send. Empty: made from the name. Cannot be changed later.")
    unit = text("Unit", "What a quantity counts, such as minutes. Can stay empty.")
    intercom_event_name = text("Event name in Intercom", "Events of this name come in with the sync. Can stay empty.")
    is_login = flag("Is a login", "Its newest event is the user's last login.")

    def __init__(self, usage_type: UsageType | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if usage_type is not None:
            del self.fields["alias"]


def products(request: HttpRequest) -> HttpResponse:
    """Products and usage types."""
    every = list(Product.objects.prefetch_related("usage_types").order_by("position", "pk"))
    types = list(UsageType.objects.order_by("name", "pk"))
    used: dict[int, list[str]] = {}
    for product in every:
        if product.archived_at is None:
            for one in product.usage_types.all():
                used.setdefault(one.pk, []).append(product.name)
    context = {
        "products": [(one, targets_of(one), _statuses(one)) for one in every if one.archived_at is None],
        "archived": [one for one in every if one.archived_at is not None],
        "types": [(one, used.get(one.pk, [])) for one in types if one.archived_at is None],
        "archived_types": [one for one in types if one.archived_at is not None],
    }
    return render(request, "web/products/list.html", context)


def product_new(request: HttpRequest) -> HttpResponse:
    """Creates a product."""
    return _form(
        request,
        ProductForm(request.POST or None),
        partial(services.product_create, organization=organization_of(request)),
        lambda product: f"{product.name} was added. Its health is computed within a minute.",
    )


def product_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a product."""
    product = get_object_or_404(Product, pk=pk, archived_at__isnull=True)
    types = ProductUsageType.objects.filter(product=product).values_list("usage_type_id", flat=True)
    initial = {name: getattr(product, name) for name in ProductForm.base_fields if name != "usage_types"} | {
        "fair_target": _plain(product.fair_target),
        "good_target": _plain(product.good_target),
        "usage_types": [str(pk) for pk in types],
        "dependent_type": str(product.dependent_type_id or ""),
    }
    return _form(
        request,
        ProductForm(request.POST or None, initial=initial),
        partial(services.product_update, product=product),
        lambda product: f"{product.name} was saved. Health follows within a minute.",
        product,
    )


def product_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive, restore, up or down for one product."""
    return record_action(request, _PRODUCT_ACTIONS, action, PRODUCTS, product=get_object_or_404(Product, pk=pk))


def type_new(request: HttpRequest) -> HttpResponse:
    """Creates a usage type."""
    return _form(
        request,
        UsageTypeForm(None, request.POST or None),
        partial(services.usage_type_create, organization=organization_of(request)),
        lambda usage_type: f"{usage_type.name} was added. Programs know it as {usage_type.alias}.",
    )


def type_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a usage type."""
    usage_type = get_object_or_404(UsageType, pk=pk, archived_at__isnull=True)
    initial = {name: getattr(usage_type, name) for name in UsageTypeForm.base_fields}
    return _form(
        request,
        UsageTypeForm(usage_type, request.POST or None, initial=initial),
        partial(services.usage_type_update, usage_type=usage_type),
        lambda usage_type: f"{usage_type.name} was saved.",
        usage_type,
    )


def type_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive or restore for one usage type."""
    return record_action(request, _TYPE_ACTIONS, action, PRODUCTS, usage_type=get_object_or_404(UsageType, pk=pk))


def targets_of(product: Product) -> str:
    """Returns the rule of a product in one line: "Good from 10 days, Fair from 4, within 35 days"."""
    singular, plural = _GOAL_WORDS[Goal(product.goal)]
    good, fair = _plain(product.good_target), _plain(product.fair_target)
    unit = singular if good == "1" else plural
    word = "up to" if product.no_news_is_good_news else "from"
    rule = f"Good {word} {good}{'' if unit in ('', '%') else ' '}{unit}, Fair {word} {fair}"
    if product.basis == Basis.PER_USER:
        rule += f", by {product.percent} % of the users"
    return rule if product.goal == Goal.FIELD_VALUE else f"{rule}, within {product.look_back_days} days"


def _statuses(product: Product) -> dict[str, int]:
    rows = ProductHealth.objects.filter(product=product, status__isnull=False, customer__archived_at__isnull=True)
    return {str(status): number for status, number in rows.values_list("status").annotate(Count("customer")).order_by()}


def _move(product: Product, by: str, *, up: bool) -> None:
    live = Product.objects.filter(archived_at__isnull=True).order_by("position", "pk")
    pks = list(live.values_list("pk", flat=True))
    if product.pk in pks:
        place = pks.index(product.pk)
        other = max(0, min(len(pks) - 1, place + (-1 if up else 1)))
        pks[place], pks[other] = pks[other], pks[place]
        services.product_order(organization=product.organization, products=pks)


def _form(
    request: HttpRequest,
    form: ServiceForm,
    service: Callable[..., Any],
    done: Callable[[Any], str],
    record: Product | UsageType | None = None,
) -> HttpResponse:
    template = "web/products/product.html" if isinstance(form, ProductForm) else "web/products/type.html"
    service = partial(service, by=member_of(request).email)
    return form_page(request, template, form, service, done=done, to=lambda _: PRODUCTS, record=record)


def _plain(number: Any) -> str:
    return f"{number.normalize():f}"


_PRODUCT_ACTIONS: Actions = {
    "archive": (services.product_archive, "{} is archived and no longer counts."),
    "restore": (services.product_restore, "{} counts again."),
    "up": (partial(_move, up=True), ""),
    "down": (partial(_move, up=False), ""),
}
_TYPE_ACTIONS: Actions = {
    "archive": (services.usage_type_archive, "{} is archived: new events are refused, stored ones still count."),
    "restore": (services.usage_type_restore, "{} takes events again."),
}
