"""Forms whose rules live in `customers.services`: they collect text, hand it over, and show what comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms

from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import Customer, CustomerUser, CustomField
from startdeliver.customers.services import FieldError
from startdeliver.tenancy.models import Member, Organization


class ServiceForm(forms.Form):
    """No field validates by itself; `save` calls a service and puts a FieldError's sentences at their fields."""

    #: Names of fields that are put side by side, in order.
    layout: Sequence[str] = ()

    def save(self, service: Callable[[dict[str, Any]], Any]) -> Any | None:
        """What `service` gives for the form's values, or None when it refused; the form then has the reasons."""
        if not self.is_valid():
            return None
        try:
            return service(dict(self.cleaned_data))
        except FieldError as error:
            for name, sentence in error.errors.items():
                self.add_error(name if name in self.fields else None, sentence)
            return None


def _text(label: str, help_text: str = "", required: bool = False, **attrs: Any) -> forms.CharField:
    # `required` marks the label only: the service has the better sentence.
    field = forms.CharField(label=label, help_text=help_text, required=False, widget=forms.TextInput(attrs=attrs))
    field.required = False
    field.widget.is_required = False
    field.must = required  # type: ignore[attr-defined]
    return field


class OwnFieldsForm(ServiceForm):
    """A form that has the organization's own editable fields too, each under its alias."""

    entity = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._own: list[str] = []
        for one in fields_of(self.entity):
            if one.visibility == CustomField.Visibility.EDITABLE:
                self.fields[one.alias] = _own_field(one, self.initial.get(one.alias))
                self._own.append(one.alias)

    @property
    def own_fields(self) -> list[forms.BoundField]:
        return [self[alias] for alias in self._own]


def _own_field(one: CustomField, stored: Any) -> forms.Field:
    made: forms.Field
    common: dict[str, Any] = {"label": one.name, "help_text": one.description, "required": False}
    if one.type == CustomField.Type.BOOLEAN:
        made = forms.ChoiceField(choices=[("", "Not set"), ("true", "Yes"), ("false", "No")], **common)
    elif one.type == CustomField.Type.DROPDOWN:
        # An option that was taken away since stays on the records that have it.
        options = [*one.options, *([stored] if stored and stored not in one.options else [])]
        made = forms.ChoiceField(choices=[("", "Not set"), *((option, option) for option in options)], **common)
    elif one.type == CustomField.Type.DATE:
        made = forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **common)
    elif one.type == CustomField.Type.NUMBER:
        made = forms.CharField(widget=forms.TextInput(attrs={"inputmode": "decimal"}), **common)
    else:
        made = forms.CharField(**common)
    made.must = one.required  # type: ignore[union-attr]
    return made


def _own_initial(record: Customer | CustomerUser) -> dict[str, Any]:
    """The custom values as the form's controls know them."""
    words = {True: "true", False: "false"}
    return {
        alias: words[value] if isinstance(value, bool) else value
        for alias, value in (record.custom if isinstance(record.custom, dict) else {}).items()
    }


class CustomerForm(OwnFieldsForm):
    """The fields of a customer."""

    entity = "customer"

    name = _text("Name", required=True, autocomplete="off", autofocus=True)
    csm = forms.ChoiceField(label="CSM", required=False, help_text="The member who looks after this customer.")
    external_id = _text(
        "Your ID",
        "The ID of this customer in your own systems. Intercom companies are matched by it.",
        autocomplete="off",
    )
    domain = _text("Domain", "Such as acme.com. It can help to match Intercom contacts.", inputmode="url")
    arr = _text("ARR", inputmode="decimal")
    renewal_date = forms.CharField(label="Renewal date", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    website = _text("Website", inputmode="url")
    plan = _text("Plan")
    industry = _text("Industry")
    size = _text("Employees", inputmode="numeric")
    monthly_spend = _text("Monthly spend", inputmode="decimal")

    main: Sequence[str] = ("name", "csm", "arr", "renewal_date", "external_id", "domain")
    more: Sequence[str] = ("website", "plan", "industry", "size", "monthly_spend")

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = Member.objects.of(organization).order_by("name", "email")
        choices = [("", "Nobody"), *((str(member.pk), member.display_name) for member in members)]
        # A CSM who was archived since must not be lost by whoever changes something else.
        now = self.initial.get("csm")
        if now and str(now) not in dict(choices):
            former = Member.objects.filter(organization=organization, pk=now)
            choices += [(str(member.pk), f"{member.display_name} (archived)") for member in former]
        field = self.fields["csm"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        for name in ("arr", "monthly_spend"):
            self.fields[name].help_text = f"In {organization.currency}" + (" a year." if name == "arr" else " a month.")

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.main]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.more]


class UserForm(OwnFieldsForm):
    """The fields of a user; its customer is chosen elsewhere."""

    entity = "user"

    name = _text("Name", autocomplete="off", autofocus=True)
    email = _text("E-mail", "Intercom contacts are matched by it.", inputmode="email", autocomplete="off")
    phone = _text("Phone", inputmode="tel", autocomplete="off")
    external_id = _text(
        "Your ID",
        "The ID of this user in your own systems. Intercom contacts are matched by it first.",
        autocomplete="off",
    )
    is_stakeholder = forms.BooleanField(
        label="Stakeholder", required=False, help_text="Somebody whose opinion decides whether the customer stays."
    )
    is_non_user = forms.BooleanField(
        label="Non-user", required=False, help_text="Somebody who does not use the product, such as a buyer."
    )
    has_left_at = forms.BooleanField(label="Has left", required=False, help_text="No longer works at the customer.")


def customer_initial(customer: Customer) -> dict[str, Any]:
    """The values of `customer` as CustomerForm shows them."""
    shown = {name: getattr(customer, name) for name in CustomerForm.base_fields if name != "csm"}
    return {**_own_initial(customer), **shown} | {
        "csm": customer.csm_id or "",
        "renewal_date": customer.renewal_date.isoformat() if customer.renewal_date else "",
    }


def user_initial(user: CustomerUser) -> dict[str, Any]:
    """The values of `user` as UserForm shows them."""
    shown = {name: getattr(user, name) for name in UserForm.base_fields}
    return {**_own_initial(user), **shown} | {"has_left_at": user.has_left_at is not None}
