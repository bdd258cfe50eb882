"""What may stand in each field of a product or usage type. One sentence for each field that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet

from startdeliver.customers import values as clean
from startdeliver.customers.models import CustomField
from startdeliver.customers.values import FieldError
from startdeliver.usage.models import Basis, Goal, Product, ProductUsageType, UsageType

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")
_LARGEST = Decimal(10) ** 11

Cleaner = Callable[[str, Any], Any]


def _text(longest: int) -> Cleaner:
    return lambda name, value: clean.text(longest)(None, name, value)  # type: ignore[arg-type]


def _flag(name: str, value: Any) -> bool:
    return clean.flag(None, name, value)  # type: ignore[arg-type]


def _whole(least: int, most: int) -> Cleaner:
    def cleaner(name: str, value: Any) -> int:
        given = "" if value is None or isinstance(value, bool) else str(value).strip()
        if not re.fullmatch(r"\d{1,6}", given) or not least <= int(given) <= most:
            raise FieldError({name: f"Enter a whole number from {least:,} to {most:,}."})
        return int(given)

    return cleaner


def _target(name: str, value: Any) -> Decimal:
    try:
        number = Decimal("NaN" if value is None or isinstance(value, bool) else str(value).strip().replace(",", "."))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number < _LARGEST or number != round(number, 3):
        raise FieldError({name: "Enter a number from 0 with at most three decimals."})
    return round(number, 3)


def _choice(choices: Iterable[tuple[str, str]]) -> Cleaner:
    known = dict(choices)

    def cleaner(name: str, value: Any) -> str:
        if value not in known:
            raise FieldError({name: f"Choose one of: {', '.join(known)}."})
        return str(value)

    return cleaner


def _usage_type(name: str, value: Any) -> UsageType | None:
    if value in (None, ""):
        return None
    if isinstance(value, UsageType):
        value = value.pk
    found = UsageType.objects.filter(pk=value).first() if re.fullmatch(r"\d{1,18}", str(value)) else None
    if found is None:
        raise FieldError({name: "There is no such usage type. Choose one of yours."})
    return found


PRODUCT_FIELDS: dict[str, Cleaner] = {
    "name": _text(100),
    "abbreviation": _text(100),
    "look_back_days": _whole(1, 3650),
    "goal": _choice(Goal.choices),
    "basis": _choice(Basis.choices),
    "percent": _whole(1, 100),
    "fair_target": _target,
    "good_target": _target,
    "dependent_type": _usage_type,
    "field_alias": _text(100),
    "only_users_with_product": _flag,
    "no_news_is_good_news": _flag,
    "include_in_average": _flag,
}
USAGE_TYPE_FIELDS: dict[str, Cleaner] = {
    "name": _text(100),
    "alias": _text(100),
    "unit": _text(30),
    "is_login": _flag,
    "intercom_event_name": _text(255),
}


def clean_product(product: Product, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[int] | None]:
    """The values to store, and the ids of the usage types when `values` names them. Raises FieldError."""
    cleaned, errors = _clean(PRODUCT_FIELDS, values)
    types: list[int] | None = None
    attached = set(ProductUsageType.objects.filter(product=product.pk).values_list("usage_type_id", flat=True))
    if "usage_types" in values:
        try:
            types = _attachable(values["usage_types"], attached)
        except FieldError as error:
            errors |= error.errors
    if not errors:
        errors |= _product_errors(product, cleaned, attached if types is None else set(types))
    if errors:
        raise FieldError(errors)
    return cleaned, types


def clean_usage_type(usage_type: UsageType, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values to store; on creation with an alias made of the name when none is given. Raises FieldError."""
    cleaned, errors = _clean(USAGE_TYPE_FIELDS, values)
    name = cleaned.get("name", usage_type.name)
    if not name and "name" not in errors:
        errors["name"] = "Enter a name for the usage type."
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


def _clean(fields: Mapping[str, Cleaner], values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, cleaner in fields.items():
        if name in values:
            try:
                cleaned[name] = cleaner(name, values[name])
            except FieldError as error:
                errors |= error.errors
    return cleaned, errors


def _attachable(given: Any, attached: set[int]) -> list[int]:
    wanted = [str(value) for value in given] if isinstance(given, list | tuple | set) else ["?"]
    known = set(UsageType.objects.filter(archived_at__isnull=True).values_list("pk", flat=True)) | attached
    ids = [int(value) for value in wanted if re.fullmatch(r"\d{1,18}", value)]
    if len(ids) < len(wanted) or not known.issuperset(ids):
        raise FieldError({"usage_types": "Choose among your usage types; at least one of these is not there."})
    return list(dict.fromkeys(ids))


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
