"""Settings → Fields: the organization's own fields on customers and users. Administrators only."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render

from startdeliver.customers import fields as services
from startdeliver.customers.models import CustomField
from startdeliver.web.access import member_of, organization_of
from startdeliver.web.editing import Actions, form_page, record_action
from startdeliver.web.forms import ServiceForm, flag, select, text
from startdeliver.web.params import choice
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
_ACTIONS: Actions = {
    "archive": (services.field_archive, "{} is archived. Its values are kept, and you can restore it."),
    "restore": (services.field_restore, "{} is back with its values."),
    "up": (partial(services.field_move, up=True), ""),
    "down": (partial(services.field_move, up=False), ""),
}


class FieldForm(ServiceForm):
    """A custom field. Fields that are fixed after creation are left out when it is changed."""

    entity = select("On", CustomField.Entity.choices)
    name = text("Name", autocomplete="off", autofocus=True)
    type = select("Type", _TYPES.items(), "Cannot be changed later.")
    options = text("Options", "One a line, in the order in which they are offered. Only for a dropdown.", rows=5)
    visibility = select("Visibility", _VISIBILITIES.items())
    description = text("Description", "One line under the field, such as who fills it in.")
    required = flag("Required", "Nobody can add or save a record by hand or API without it.")

    def __init__(self, field: CustomField | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field is not None:
            del self.fields["entity"], self.fields["type"]
            if field.type != CustomField.Type.DROPDOWN:
                del self.fields["options"]

    def clean_options(self) -> list[str]:
        """Returns the lines."""
        return [line for line in str(self.cleaned_data["options"]).splitlines() if line.strip()]


def fields(request: HttpRequest) -> HttpResponse:
    """The fields of customers, or of users with ?entity=user."""
    entity = _entity(request.GET)
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
    """Creates a field."""
    entity = _entity(request.POST if request.POST.get("entity") else request.GET)
    return form_page(
        request,
        "web/fields/form.html",
        FieldForm(None, request.POST or None, initial={"entity": entity}),
        partial(_create, request),
        done=lambda field: f"{field.name} was added. Programs know it as {field.alias}.",
        to=lambda field: f"{FIELDS}?entity={field.entity}",
        entity=entity,
    )


def field_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a field; alias and type are fixed."""
    field = get_object_or_404(CustomField, pk=pk, archived_at__isnull=True)
    initial = {name: getattr(field, name) for name in ("name", "visibility", "required", "description")}
    by = member_of(request).email
    return form_page(
        request,
        "web/fields/form.html",
        FieldForm(field, request.POST or None, initial={**initial, "options": "\n".join(field.options)}),
        lambda values: services.field_update(field=field, by=by, **values),
        done=lambda field: f"{field.name} was saved.",
        to=lambda field: f"{FIELDS}?entity={field.entity}",
        record=field,
        entity=field.entity,
    )


def field_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive, restore, up or down for one field."""
    field = get_object_or_404(CustomField, pk=pk)
    return record_action(request, _ACTIONS, action, f"{FIELDS}?entity={field.entity}", field=field)


def _create(request: HttpRequest, values: dict[str, Any]) -> CustomField:
    if values["type"] != CustomField.Type.DROPDOWN:
        values["options"] = []
    return services.field_create(organization=organization_of(request), by=member_of(request).email, **values)


def _entity(params: QueryDict) -> str:
    return choice(params, "entity", CustomField.Entity.values, CustomField.Entity.CUSTOMER.value)
