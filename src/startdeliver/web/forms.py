"""Forms whose rules live in `customers.services`: they collect text, hand it over, and show what comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms

from startdeliver.customers.models import Customer, CustomerUser
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


class CustomerForm(ServiceForm):
    """The standard fields of a customer."""

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


class UserForm(ServiceForm):
    """The standard fields of a user; its customer is chosen elsewhere."""

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
    return shown | {
        "csm": customer.csm_id or "",
        "renewal_date": customer.renewal_date.isoformat() if customer.renewal_date else "",
    }


def user_initial(user: CustomerUser) -> dict[str, Any]:
    """The values of `user` as UserForm shows them."""
    shown = {name: getattr(user, name) for name in UserForm.base_fields}
    return shown | {"has_left_at": user.has_left_at is not None}
