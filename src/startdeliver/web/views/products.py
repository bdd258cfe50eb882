"""Settings → Products: what is measured, and how usage health comes of it. Administrators only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import CustomField
from startdeliver.customers.services import FieldError
from startdeliver.usage import services
from startdeliver.usage.models import Basis, Goal, Product, ProductHealth, ProductUsageType, UsageType
from startdeliver.web.access import member_of, organization_of
from startdeliver.web.forms import ServiceForm

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
    """A product with every setting; `services` knows the rules."""

    name = forms.CharField(
        label="Name",
        required=False,
        help_text="Such as Invoices, or a module that you sell.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    abbreviation = forms.CharField(
        label="Abbreviation",
        required=False,
        help_text="1 to 3 characters for the Usage tile. Empty: made from the name.",
    )
    usage_types = forms.MultipleChoiceField(
        label="Usage types that count",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Events of any of these are usage of this product.",
    )
    look_back_days = forms.CharField(
        label="Look-back window, in days",
        required=False,
        initial="35",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text="Only usage in this many calendar days counts, today included. 35 days have five of each weekday.",
    )
    goal = forms.ChoiceField(
        label="Goal type", choices=list(_GOALS.items()), required=False, help_text="What is compared with the targets."
    )
    dependent_type = forms.ChoiceField(
        label="In percent of",
        required=False,
        help_text="Only for Dependent count, such as invoices sent in percent of invoices created.",
    )
    field_alias = forms.ChoiceField(
        label="Number field",
        required=False,
        help_text="Only for Field value. Per user it is a field of users, otherwise one of customers.",
    )
    basis = forms.ChoiceField(
        label="Basis",
        choices=list(_BASES.items()),
        required=False,
        initial=Basis.CUSTOMER,
        help_text="Whose usage counts.",
    )
    percent = forms.CharField(
        label="Share of users, in percent",
        required=False,
        initial="50",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "list": "percent-presets"}),
        help_text="Only per user. Common: 20 (a few key people), 50 (half of them), 80 (nearly everybody).",
    )
    good_target = forms.CharField(
        label="Good from",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="Reaching it is Good.",
    )
    fair_target = forms.CharField(
        label="Fair from",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="Reaching it is Fair; less is Poor.",
    )
    only_users_with_product = forms.BooleanField(
        label="Only count users with this product",
        required=False,
        help_text="Per user: whoever never used it is left out, such as people of other departments.",
    )
    no_news_is_good_news = forms.BooleanField(
        label="No news is good news",
        required=False,
        help_text="For what should be rare, such as errors: less is better, and nothing at all is Good.",
    )
    include_in_average = forms.BooleanField(
        label="Include in the average",
        required=False,
        initial=True,
        help_text="The customer's usage health is the mean of the products that are included.",
    )

    def __init__(self, product: Product | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attached = set(self.initial.get("usage_types", ()))
        types = UsageType.objects.order_by("name", "pk")
        live = [one for one in types if one.archived_at is None or str(one.pk) in attached]
        choices = [(str(one.pk), one.name) for one in live]
        self._choices("usage_types", choices)
        self._choices("dependent_type", [("", "Choose a usage type"), *choices])
        own = [
            (one.alias, f"{one.name} ({'users' if entity == 'user' else 'customers'})")
            for entity in ("customer", "user")
            for one in fields_of(entity)
            if one.type == CustomField.Type.NUMBER
        ]
        self._choices("field_alias", [("", "Choose a field"), *dict(own).items()])
        self.fields["name"].must = self.fields["good_target"].must = self.fields["fair_target"].must = True  # type: ignore[attr-defined]

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


class UsageTypeForm(ServiceForm):
    """A usage type."""

    name = forms.CharField(
        label="Name",
        required=False,
        help_text="Such as Invoice created.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    alias = forms.CharField(
        label="Alias",
        required=False,
        help_text="What programs send. Empty: made from the name. Cannot be changed later.",
    )
    unit = forms.CharField(
        label="Unit", required=False, help_text="What a quantity counts, such as minutes. Can stay empty."
    )
    intercom_event_name = forms.CharField(
        label="Event name in Intercom",
        required=False,
        help_text="Events of this name come in with the sync. Can stay empty.",
    )
    is_login = forms.BooleanField(
        label="Is a login", required=False, help_text="Its newest event is the user's last login."
    )

    def __init__(self, usage_type: UsageType | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].must = True  # type: ignore[attr-defined]
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
    """Makes a product."""
    form = ProductForm(None, request.POST or None)
    if request.method == "POST":
        organization, by = organization_of(request), member_of(request).email
        made = form.save(lambda values: services.product_create(organization=organization, by=by, values=values))
        if made is not None:
            messages.success(request, f"{made.name} was added. Its health is computed within a minute.")
            return redirect(PRODUCTS)
    return _form(request, "web/products/product.html", form, None)


def product_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a product."""
    product = get_object_or_404(Product, pk=pk, archived_at__isnull=True)
    initial = {
        name: getattr(product, name)
        for name in ProductForm.base_fields
        if name not in ("usage_types", "dependent_type")
    }
    initial |= {"fair_target": _plain(product.fair_target), "good_target": _plain(product.good_target)}
    types = ProductUsageType.objects.filter(product=product).values_list("usage_type_id", flat=True)
    initial |= {"usage_types": [str(one) for one in types], "dependent_type": str(product.dependent_type_id or "")}
    form = ProductForm(product, request.POST or None, initial=initial)
    if request.method == "POST":
        by = member_of(request).email
        saved = form.save(lambda values: services.product_update(product=product, by=by, values=values))
        if saved is not None:
            messages.success(request, f"{saved.name} was saved. Health follows within a minute.")
            return redirect(PRODUCTS)
    return _form(request, "web/products/product.html", form, product)


def product_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive, restore, up or down for one product."""
    product, by = get_object_or_404(Product, pk=pk), member_of(request).email
    try:
        if action == "archive":
            services.product_archive(product=product, by=by)
            messages.success(request, f"{product.name} is archived and no longer counts.")
        elif action == "restore":
            services.product_restore(product=product, by=by)
            messages.success(request, f"{product.name} counts again.")
        elif action in ("up", "down"):
            _move(product, action == "up")
        else:
            raise Http404("There is no such action.")
    except FieldError as error:
        messages.error(request, str(error))
    return redirect(PRODUCTS)


def type_new(request: HttpRequest) -> HttpResponse:
    """Makes a usage type."""
    form = UsageTypeForm(None, request.POST or None)
    if request.method == "POST":
        organization, by = organization_of(request), member_of(request).email
        made = form.save(lambda values: services.usage_type_create(organization=organization, by=by, values=values))
        if made is not None:
            messages.success(request, f"{made.name} was added. Programs know it as {made.alias}.")
            return redirect(PRODUCTS)
    return _form(request, "web/products/type.html", form, None)


def type_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a usage type."""
    one = get_object_or_404(UsageType, pk=pk, archived_at__isnull=True)
    initial = {name: getattr(one, name) for name in UsageTypeForm.base_fields}
    form = UsageTypeForm(one, request.POST or None, initial=initial)
    if request.method == "POST":
        by = member_of(request).email
        saved = form.save(lambda values: services.usage_type_update(usage_type=one, by=by, values=values))
        if saved is not None:
            messages.success(request, f"{saved.name} was saved.")
            return redirect(PRODUCTS)
    return _form(request, "web/products/type.html", form, one)


def type_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive or restore for one usage type."""
    one, by = get_object_or_404(UsageType, pk=pk), member_of(request).email
    if action == "archive":
        services.usage_type_archive(usage_type=one, by=by)
        messages.success(request, f"{one.name} is archived: new events are refused, stored ones still count.")
    elif action == "restore":
        services.usage_type_restore(usage_type=one, by=by)
        messages.success(request, f"{one.name} takes events again.")
    else:
        raise Http404("There is no such action.")
    return redirect(PRODUCTS)


def targets_of(product: Product) -> str:
    """The rule of a product in one line: "Good from 10 days, Fair from 4, within 35 days"."""
    one, many = _GOAL_WORDS[Goal(product.goal)]
    good, fair = _plain(product.good_target), _plain(product.fair_target)
    unit = one if good == "1" else many
    word = "up to" if product.no_news_is_good_news else "from"
    rule = f"Good {word} {good}{'' if unit in ('', '%') else ' '}{unit}, Fair {word} {fair}"
    if product.basis == Basis.PER_USER:
        rule += f", by {product.percent} % of the users"
    return rule if product.goal == Goal.FIELD_VALUE else f"{rule}, within {product.look_back_days} days"


def _statuses(product: Product) -> dict[str, int]:
    rows = ProductHealth.objects.filter(product=product, status__isnull=False, customer__archived_at__isnull=True)
    return {str(status): number for status, number in rows.values_list("status").annotate(Count("customer")).order_by()}


def _move(product: Product, up: bool) -> None:
    rows = list(
        Product.objects.filter(archived_at__isnull=True).order_by("position", "pk").values_list("pk", flat=True)
    )
    if product.pk in rows:
        place = rows.index(product.pk)
        other = max(0, min(len(rows) - 1, place + (-1 if up else 1)))
        rows[place], rows[other] = rows[other], rows[place]
        services.product_order(organization=product.organization, products=rows)


def _form(request: HttpRequest, template: str, form: ServiceForm, one: Product | UsageType | None) -> HttpResponse:
    status = 422 if form.is_bound and form.errors else 200
    return render(request, template, {"form": form, "one": one}, status=status)


def _plain(number: Any) -> str:
    return f"{number.normalize():f}"
