"""Settings → Fields: the organization's own fields on customers and users. Administrators only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from startdeliver.customers import fields as services
from startdeliver.customers.models import CustomField
from startdeliver.customers.services import FieldError
from startdeliver.web.access import member_of, organization_of
from startdeliver.web.forms import ServiceForm
from startdeliver.web.templatetags.ui import Tab

FIELDS = "/settings/fields"
_TYPES = {
    "text": "Text, up to 500 characters",
    "number": "Number",
    "date": "Date",
    "boolean": "Boolean: yes or no",
    "dropdown": "Dropdown: one of your options",
}
_VISIBILITIES = {
    "editable": "Editable: shown and changed on the page",
    "visible": "Visible: shown; changed only through the API and imports",
    "hidden": "Hidden: not shown; only in the API and imports",
}


class FieldForm(ServiceForm):
    """A custom field; what is fixed after creation is left out when one is changed."""

    entity = forms.ChoiceField(label="On", choices=CustomField.Entity.choices, required=False)
    name = forms.CharField(
        label="Name", required=False, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})
    )
    type = forms.ChoiceField(
        label="Type", choices=list(_TYPES.items()), required=False, help_text="Cannot be changed later."
    )
    options = forms.CharField(
        label="Options",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="One a line, in the order in which they are offered. Only for a dropdown.",
    )
    visibility = forms.ChoiceField(label="Visibility", choices=list(_VISIBILITIES.items()), required=False)
    description = forms.CharField(
        label="Description", required=False, help_text="One line under the field, such as who fills it in."
    )
    required = forms.BooleanField(
        label="Required", required=False, help_text="Nobody can add or save a record by hand or API without it."
    )

    def __init__(self, field: CustomField | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field is not None:
            del self.fields["entity"], self.fields["type"]
            if field.type != CustomField.Type.DROPDOWN:
                del self.fields["options"]

    def clean_options(self) -> list[str]:
        """The lines."""
        return [line for line in str(self.cleaned_data["options"]).splitlines() if line.strip()]


def fields(request: HttpRequest) -> HttpResponse:
    """The fields of customers, or of users with ?entity=user."""
    entity = _entity(request.GET.get("entity", ""))
    context = {
        "entity": entity,
        "rows": services.fields_of(entity),
        "archived": services.fields_of(entity, archived=True),
        "tabs": [
            Tab(label, f"{FIELDS}?entity={key}", key == entity, len(services.fields_of(key)))
            for key, label in CustomField.Entity.choices
        ],
        "new_url": f"{FIELDS}/new?entity={entity}",
    }
    return render(request, "web/fields/list.html", context)


def field_new(request: HttpRequest) -> HttpResponse:
    """Makes a field."""
    entity = _entity(request.POST.get("entity") or request.GET.get("entity", ""))
    form = FieldForm(None, request.POST or None, initial={"entity": entity})
    if request.method == "POST":
        made = form.save(lambda values: _create(request, values))
        if made is not None:
            messages.success(request, f"{made.name} was added. Programs know it as {made.alias}.")
            return redirect(f"{FIELDS}?entity={made.entity}")
    return render(request, "web/fields/form.html", {"form": form, "entity": entity}, status=_status(form))


def field_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a field; alias and type are fixed."""
    field = get_object_or_404(CustomField, pk=pk, archived_at__isnull=True)
    initial = {name: getattr(field, name) for name in ("name", "visibility", "required", "description")}
    form = FieldForm(field, request.POST or None, initial={**initial, "options": "\n".join(field.options)})
    if request.method == "POST":
        by = member_of(request).email
        saved = form.save(lambda values: services.field_update(field=field, by=by, **values))
        if saved is not None:
            messages.success(request, f"{saved.name} was saved.")
            return redirect(f"{FIELDS}?entity={field.entity}")
        field.refresh_from_db()
    context = {"form": form, "one": field, "entity": field.entity}
    return render(request, "web/fields/form.html", context, status=_status(form))


def field_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive, restore, up or down for one field."""
    field = get_object_or_404(CustomField, pk=pk)
    by = member_of(request).email
    if action == "archive":
        services.field_archive(field=field, by=by)
        messages.success(request, f"{field.name} is archived. Its values are kept, and you can restore it.")
    elif action == "restore":
        try:
            services.field_restore(field=field, by=by)
        except FieldError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{field.name} is back with its values.")
    elif action in ("up", "down"):
        services.field_move(field=field, up=action == "up", by=by)
    else:
        raise Http404("There is no such action.")
    return redirect(f"{FIELDS}?entity={field.entity}")


def _create(request: HttpRequest, values: dict[str, Any]) -> CustomField:
    if values["type"] != CustomField.Type.DROPDOWN:
        values["options"] = []
    return services.field_create(organization=organization_of(request), by=member_of(request).email, **values)


def _entity(text: str) -> str:
    return text if text in CustomField.Entity.values else CustomField.Entity.CUSTOMER.value


def _status(form: FieldForm) -> int:
    return 422 if form.is_bound and form.errors else 200
