"""Forms whose rules are in `customers.services`. They collect text, pass it to a service, and show its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django import forms

from startdeliver.customers.fields import fields_of
from startdeliver.customers.models import Customer, CustomerUser, CustomField
from startdeliver.customers.services import FieldError
from startdeliver.tenancy.models import Member, Organization


class ServiceForm(forms.Form):
    """Fields do not validate. `save` calls a service and shows the sentences of a FieldError at their fields."""

    def save(self, service: Callable[..., Any]) -> Any | None:
        """Returns the result of `service(values=…)`, or None after a FieldError; the form then has the reasons."""
        if not self.is_valid():
            return None
        try:
            return service(values=dict(self.cleaned_data))
        except FieldError as error:
            for name, sentence in error.errors.items():
                self.add_error(name if name in self.fields else None, sentence)
            return None

    def offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Sets the choices of the field `name`."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


def text(
    label: str, help_text: str = "", *, must: bool = False, initial: str = "", rows: int = 0, **attrs: Any
) -> forms.CharField:
    """Returns a field for a text, of several lines with `rows`.

    `must` only marks the label, because the service's sentence about a missing value is better than the field's.
    """
    kind: type[forms.Widget] = forms.TextInput
    if rows:
        kind, attrs["rows"] = forms.Textarea, rows
    elif attrs.get("type") == "date":
        kind = forms.DateInput
    elif attrs.get("type") == "password":
        kind = forms.PasswordInput
    field = forms.CharField(label=label, help_text=help_text, required=False, initial=initial, widget=kind(attrs=attrs))
    field.must = must  # type: ignore[attr-defined]
    return field


def flag(label: str, help_text: str = "", initial: bool = False) -> forms.BooleanField:
    """Returns a checkbox."""
    return forms.BooleanField(label=label, help_text=help_text, required=False, initial=initial)


def select(
    label: str, choices: Iterable[tuple[str, str]] = (), help_text: str = "", initial: str | None = None
) -> forms.ChoiceField:
    """Returns a field with one of `choices`."""
    return forms.ChoiceField(label=label, help_text=help_text, required=False, choices=list(choices), initial=initial)


class OwnFieldsForm(ServiceForm):
    """A form with the organization's editable custom fields, each under its alias."""

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
    label, help_text = one.name, one.description
    made: forms.ChoiceField | forms.CharField
    if one.type == CustomField.Type.BOOLEAN:
        made = select(label, [("", "Not set"), ("true", "Yes"), ("false", "No")], help_text)
    elif one.type == CustomField.Type.DROPDOWN:
        # A record keeps an option that was removed since.
        options = [*one.options, *([stored] if stored and stored not in one.options else [])]
        made = select(label, [("", "Not set"), *((option, option) for option in options)], help_text)
    else:
        kinds: dict[str, dict[str, Any]] = {
            CustomField.Type.DATE: {"type": "date"},
            CustomField.Type.NUMBER: {"inputmode": "decimal"},
        }
        made = text(label, help_text, **kinds.get(one.type, {}))
    made.must = one.required  # type: ignore[union-attr]
    return made


def _own_initial(record: Customer | CustomerUser) -> dict[str, Any]:
    """Returns the custom values as the form's controls expect them."""
    words = {True: "true", False: "false"}
    return {
        alias: words[value] if isinstance(value, bool) else value
        for alias, value in (record.custom if isinstance(record.custom, dict) else {}).items()
    }


class CustomerForm(OwnFieldsForm):
    """The fields of a customer."""

    entity = "customer"

    name = text("Name", must=True, autocomplete="off", autofocus=True)
    csm = select("CSM", help_text="The member who looks after this customer.")
    external_id = text(
        "Your ID",
        "The ID of this customer in your own systems. Intercom companies are matched by it.",
        autocomplete="off",
    )
    domain = text("Domain", "Such as acme.com. It can help to match Intercom contacts.", inputmode="url")
    arr = text("ARR", inputmode="decimal")
    renewal_date = text("Renewal date", type="date")
    website = text("Website", inputmode="url")
    plan = text("Plan")
    industry = text("Industry")
    size = text("Employees", inputmode="numeric")
    monthly_spend = text("Monthly spend", inputmode="decimal")

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = Member.objects.of(organization).order_by("name", "email")
        choices = [("", "Nobody"), *((str(member.pk), member.display_name) for member in members)]
        # A change of another field must not remove a CSM who was archived since.
        now = self.initial.get("csm")
        if now and str(now) not in dict(choices):
            former = Member.objects.filter(organization=organization, pk=now)
            choices += [(str(member.pk), f"{member.display_name} (archived)") for member in former]
        self.offer("csm", choices)
        for name in ("arr", "monthly_spend"):
            self.fields[name].help_text = f"In {organization.currency}" + (" a year." if name == "arr" else " a month.")

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "csm", "arr", "renewal_date", "external_id", "domain")]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("website", "plan", "industry", "size", "monthly_spend")]


class UserForm(OwnFieldsForm):
    """The fields of a user. The customer is chosen elsewhere."""

    entity = "user"

    name = text("Name", autocomplete="off", autofocus=True)
    email = text("E-mail", "Intercom contacts are matched by it.", inputmode="email", autocomplete="off")
    phone = text("Phone", inputmode="tel", autocomplete="off")
    external_id = text(
        "Your ID",
        "The ID of this user in your own systems. Intercom contacts are matched by it first.",
        autocomplete="off",
    )
    is_stakeholder = flag("Stakeholder", "Somebody whose opinion decides whether the customer stays.")
    is_non_user = flag("Non-user", "Somebody who does not use the product, such as a buyer.")
    has_left_at = flag("Has left", "No longer works at the customer.")


def customer_initial(customer: Customer) -> dict[str, Any]:
    """Returns the values of `customer` as CustomerForm shows them."""
    shown = {name: getattr(customer, name) for name in CustomerForm.base_fields if name != "csm"}
    return {**_own_initial(customer), **shown} | {
        "csm": customer.csm_id or "",
        "renewal_date": customer.renewal_date.isoformat() if customer.renewal_date else "",
    }


def user_initial(user: CustomerUser) -> dict[str, Any]:
    """Returns the values of `user` as UserForm shows them."""
    shown = {name: getattr(user, name) for name in UserForm.base_fields}
    return {**_own_initial(user), **shown} | {"has_left_at": user.has_left_at is not None}
