"""What may stand in each field of a product or usage type. One sentence for each field that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from startdeliver.common.values import (
    Amount,
    BadValue,
    Checkbox,
    Choice,
    FieldError,
    Ids,
    Integer,
    Kind,
    Text,
    clean,
)
from startdeliver.customers.models import CustomField
from startdeliver.usage.models import Basis, Goal, Product, ProductUsageType, UsageType

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")


@dataclass(frozen=True)
class Target(Amount):
    """A target, with a decimal point or comma."""

    limit: int = 10**11
    decimals: int = 3
    sentence = too_long = "Enter a number from 0 with at most three decimals."

    def clean(self, value: Any) -> Decimal:
        return self._checked(self._short_text(value).replace(",", "."))


@dataclass(frozen=True)
class UsageTypeReference(Kind):
    """A usage type of the organization: the usage type or its id."""

    sentence = "There is no such usage type. Choose one of yours."

    def clean(self, value: Any) -> UsageType | None:
        if isinstance(value, UsageType):
            value = value.pk
        text = self._short_text(value)
        usage_type = UsageType.objects.filter(pk=text).first() if re.fullmatch(r"\d{1,18}", text) else None
        if text and usage_type is None:
            raise BadValue(self.sentence)
        return usage_type


PRODUCT_FIELDS: dict[str, Kind] = {
    "name": Text(100),
    "abbreviation": Text(100),
    "look_back_days": Integer(1, 3650, required=True),
    "goal": Choice(tuple(Goal.values)),
    "basis": Choice(tuple(Basis.values)),
    "percent": Integer(1, 100, required=True),
    "fair_target": Target(),
    "good_target": Target(),
    "dependent_type": UsageTypeReference(),
    "field_alias": Text(100),
    "only_users_with_product": Checkbox(),
    "no_news_is_good_news": Checkbox(),
    "include_in_average": Checkbox(),
    "usage_types": Ids(),
}
USAGE_TYPE_FIELDS: dict[str, Kind] = {
    "name": Text(100, required="Enter a name for the usage type."),
    "alias": Text(100),
    "unit": Text(30),
    "is_login": Checkbox(),
    "intercom_event_name": Text(255),
}


def clean_product(product: Product, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[int] | None]:
    """The values to store, and the ids of the usage types when `values` names them. Raises FieldError."""
    cleaned, errors = clean(PRODUCT_FIELDS, values)
    types: list[int] | None = cleaned.pop("usage_types", None)
    attached = set(ProductUsageType.objects.filter(product=product.pk).values_list("usage_type_id", flat=True))
    known = set(UsageType.objects.filter(archived_at__isnull=True).values_list("pk", flat=True)) | attached
    if "usage_types" in errors or not known.issuperset(types or ()):
        errors["usage_types"] = "Choose among your usage types; at least one of these is not there."
    if not errors:
        errors |= _product_errors(product, cleaned, attached if types is None else set(types))
    if errors:
        raise FieldError(errors)
    return cleaned, types


def clean_usage_type(usage_type: UsageType, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values to store; on creation with an alias made of the name when none is given. Raises FieldError."""
    cleaned, errors = clean(USAGE_TYPE_FIELDS, values)
    name = cleaned.get("name", usage_type.name)
    if not name:
        errors.setdefault("name", "Enter a name for the usage type.")
    others = UsageType.objects.exclude(pk=usage_type.pk)
    if usage_type.pk is None:
        alias = cleaned["alias"] = cleaned.get("alias") or _alias_of(name)
        if not _ALIAS.fullmatch(alias):
            errors.setdefault("alias", "Begin with a letter, then letters, digits and _ . : - only.")
        elif others.filter(alias__iexact=alias).exists():
            errors.setdefault("alias", "Another usage type has this alias. Choose another one.")
    elif cleaned.pop("alias", usage_type.alias) != usage_type.alias:
        errors["alias"] = "The alias is fixed, since programs use it. Make a new usage type instead."
    event = cleaned.get("intercom_event_name")
    if event and others.filter(intercom_event_name=event).exists():
        errors["intercom_event_name"] = "Another usage type counts this Intercom event. Choose another name."
    if errors:
        raise FieldError(errors)
    return cleaned


def _product_errors(product: Product, cleaned: dict[str, Any], types: set[int]) -> dict[str, str]:
    """What is wrong with the values together. Fills in what follows from others and clears what does not apply."""
    errors: dict[str, str] = {}

    def value(name: str) -> Any:
        return cleaned.get(name, getattr(product, name))

    name = value("name")
    others = Product.objects.filter(archived_at__isnull=True).exclude(pk=product.pk)
    if not name:
        errors["name"] = "Enter a name for the product."
    elif others.filter(name__iexact=name).exists():
        errors["name"] = "Another product has this name. Choose another one."
    if not value("abbreviation"):
        cleaned["abbreviation"] = re.sub(r"\W", "", name)[:3].upper() or "?"
    if len(value("abbreviation")) > 3:
        errors["abbreviation"] = "Use 1 to 3 characters."
    goal = value("goal")
    if goal != Goal.DEPENDENT_COUNT:
        cleaned["dependent_type"] = None
    elif value("dependent_type") is None:
        errors["dependent_type"] = "Choose the usage type that the targets are percentages of."
    elif value("dependent_type").pk in types:
        errors["dependent_type"] = "Choose another usage type than those attached; a type is always 100 % of itself."
    if goal != Goal.FIELD_VALUE:
        cleaned["field_alias"] = ""
    elif not _number_fields(value("basis")).filter(alias=value("field_alias")).exists():
        whose = "users" if value("basis") == Basis.PER_USER else "customers"
        errors["field_alias"] = f"Choose a number field of your {whose}; it is compared with the targets."
    return errors | _target_errors(goal, value)


def _number_fields(basis: str) -> QuerySet[CustomField]:
    entity = CustomField.Entity.USER if basis == Basis.PER_USER else CustomField.Entity.CUSTOMER
    return CustomField.objects.filter(entity=entity, type=CustomField.Type.NUMBER, archived_at__isnull=True)


def _target_errors(goal: str, value: Callable[[str], Any]) -> dict[str, str]:
    fair, good = value("fair_target"), value("good_target")
    missing = [name for name, target in (("fair_target", fair), ("good_target", good)) if target is None]
    if missing:
        return dict.fromkeys(missing, "Enter a target.")
    if value("no_news_is_good_news"):
        if fair < good:
            return {"fair_target": "With no news is good news, less is better: make Fair at least as much as Good."}
        return {}
    if good < fair:
        return {"good_target": "Make Good at least as much as Fair."}
    if fair == 0 and goal != Goal.FIELD_VALUE:
        return {"fair_target": "Enter more than 0; otherwise a customer without any usage would be Fair."}
    if goal == Goal.UNIQUE_DAYS and good > value("look_back_days"):
        return {"good_target": f"Enter at most {value('look_back_days')}: the look-back window has no more days."}
    return {}


def _alias_of(name: str) -> str:
    """ "Invoice created" → "invoiceCreated"."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    return "".join([*(word.lower() for word in words[:1]), *(word[:1].upper() + word[1:] for word in words[1:])])[:100]
