"""Making and changing products and usage types: the rules that the browser and the API share.

Every function takes keywords only; `by` is the e-mail address of the member or the name of the key. Values may be typed
or text as a form or JSON gives them. Values that cannot be stored raise FieldError and nothing is saved. What a change
means for health is computed by the next `health.refresh`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common import clock
from startdeliver.customers.values import FieldError
from startdeliver.tenancy.models import Organization
from startdeliver.usage import rollup
from startdeliver.usage.cleaning import clean_product, clean_usage_type
from startdeliver.usage.ingest import Event, Item, ingest, store
from startdeliver.usage.matching import Result
from startdeliver.usage.models import Product, ProductUsageType, UsageEvent, UsageType

__all__ = [
    "Event",
    "FieldError",
    "Item",
    "Result",
    "events_delete",
    "events_forget",
    "ingest",
    "product_archive",
    "product_attach",
    "product_create",
    "product_order",
    "product_restore",
    "product_update",
    "store",
    "usage_type_archive",
    "usage_type_create",
    "usage_type_restore",
    "usage_type_update",
]


def product_create(*, organization: Organization, by: str, values: Mapping[str, Any]) -> Product:
    """A new product with `values` (see `cleaning.PRODUCT_FIELDS`; `usage_types`: a list of ids). Raises FieldError."""
    product = Product(organization=organization, position=Product.objects.count())
    return _save_product(product, values, by)


def product_update(*, product: Product, by: str, values: Mapping[str, Any]) -> Product:
    """Saves `values`; what they do not name stays as it is. Raises FieldError."""
    with transaction.atomic():
        return _save_product(Product.objects.select_for_update().get(pk=product.pk), values, by)


def product_attach(*, product: Product, usage_types: Collection[int], by: str) -> Product:
    """Makes exactly these usage types (ids) count for the product. Raises FieldError."""
    return product_update(product=product, by=by, values={"usage_types": list(usage_types)})


def product_archive(*, product: Product, by: str) -> None:
    """Takes the product out of health, tiles and lists; its settings stay."""
    _set_archived(product, clock.now(), by)


def product_restore(*, product: Product, by: str) -> None:
    """Takes the product back. Raises FieldError when another one has its name by now."""
    if Product.objects.filter(archived_at__isnull=True, name__iexact=product.name).exclude(pk=product.pk).exists():
        raise FieldError({"name": "Another product has this name by now. Rename one of them first."})
    _set_archived(product, None, by)


def product_order(*, organization: Organization, products: Sequence[int]) -> None:
    """Puts the products with these ids in this order, before all others."""
    rows = {product.pk: product for product in Product.objects.order_by("position", "pk")}
    wanted = [rows.pop(pk) for pk in dict.fromkeys(products) if pk in rows]
    ordered = [*wanted, *rows.values()]
    for position, product in enumerate(ordered):
        product.position = position
    Product.objects.bulk_update(ordered, ["position"])


def usage_type_create(*, organization: Organization, by: str, values: Mapping[str, Any]) -> UsageType:
    """A new usage type with `values` (see `cleaning.USAGE_TYPE_FIELDS`); without an alias one is made of the name.

    Raises FieldError.
    """
    return _save_usage_type(UsageType(organization=organization), values, by)


def usage_type_update(*, usage_type: UsageType, by: str, values: Mapping[str, Any]) -> UsageType:
    """Saves `values`; the alias is fixed, another one is refused. Raises FieldError."""
    with transaction.atomic():
        return _save_usage_type(UsageType.objects.select_for_update().get(pk=usage_type.pk), values, by)


def usage_type_archive(*, usage_type: UsageType, by: str) -> None:
    """Refuses new events of this type; those stored still count."""
    _set_archived(usage_type, clock.now(), by)


def usage_type_restore(*, usage_type: UsageType, by: str) -> None:
    """Takes events of this type again."""
    _set_archived(usage_type, None, by)


def events_delete(*, organization: Organization, events: Collection[int]) -> int:
    """Deletes the usage events with these ids and counts their users' days anew. Gives how many there were."""
    with transaction.atomic():
        found = UsageEvent.objects.filter(pk__in=list(events))
        users = set(found.values_list("user_id", flat=True))
        deleted, _ = found.delete()
        if users:
            rollup.rebuild(organization, users)
        return deleted


def events_forget(*, organization: Organization, prefix: str) -> int:
    """Deletes the usage events whose own ids begin with `prefix`, the mark of one source, and counts their users' days
    anew. Gives how many there were."""
    with transaction.atomic():
        found = UsageEvent.objects.filter(external_id__startswith=prefix)
        users = set(found.values_list("user_id", flat=True).distinct())
        deleted, _ = found.delete()
        if users:
            rollup.rebuild(organization, users)
        return deleted


def _save_product(product: Product, values: Mapping[str, Any], by: str) -> Product:
    cleaned, types = clean_product(product, values)
    for name, value in cleaned.items():
        setattr(product, name, value)
    _stamp(product, by)
    try:
        with transaction.atomic():
            product.save()
            if types is not None:
                _attach(product, types)
            record(product.organization, Kind.PRODUCT, product=product.pk)
    except IntegrityError as error:
        raise FieldError({"name": "Another product has this name. Choose another one."}) from error
    return product


def _attach(product: Product, types: Collection[int]) -> None:
    attached = ProductUsageType.objects.filter(product=product)
    attached.exclude(usage_type__in=types).delete()
    known = set(attached.values_list("usage_type_id", flat=True))
    ProductUsageType.objects.bulk_create(
        ProductUsageType(organization=product.organization, product=product, usage_type_id=pk)
        for pk in types
        if pk not in known
    )


def _save_usage_type(usage_type: UsageType, values: Mapping[str, Any], by: str) -> UsageType:
    was_login = usage_type.is_login
    for name, value in clean_usage_type(usage_type, values).items():
        setattr(usage_type, name, value)
    _stamp(usage_type, by)
    try:
        with transaction.atomic():
            usage_type.save()
            if usage_type.is_login != was_login:
                record(usage_type.organization, Kind.LOGINS)
    except IntegrityError as error:
        field = "intercom_event_name" if "intercom" in str(error) else "alias"
        raise FieldError({field: "Another usage type has this one. Choose another."}) from error
    return usage_type


def _set_archived(row: Product | UsageType, at: datetime | None, by: str) -> None:
    row.archived_at = at
    _stamp(row, by)
    with transaction.atomic():
        row.save(update_fields=["archived_at", "updated_at", "updated_by"])
        if isinstance(row, Product):
            record(row.organization, Kind.PRODUCT, product=row.pk)


def _stamp(row: Product | UsageType, by: str) -> None:
    row.updated_at = clock.now()
    row.updated_by = by
