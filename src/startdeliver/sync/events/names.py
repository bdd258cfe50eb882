"""What an administrator decides about the names of events, and what follows for those that came before."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count

from startdeliver.common import clock
from startdeliver.customers.values import FieldError
from startdeliver.storage.sql import one_writer
from startdeliver.sync.events.store import DAYS, LOCK, not_known, types_by_name
from startdeliver.sync.models import EventName, WaitingEvent
from startdeliver.tenancy.models import Organization
from startdeliver.usage import ingest, services
from startdeliver.usage.models import Product, ProductUsageType, UsageType

_AT_ONCE = 2_000
NEW, TYPE = "new", "type"
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Mapped:
    """A name that counts. `products`: those that the usage type counts for."""

    usage_type: UsageType
    name: str
    products: list[str]
    met: EventName | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All names: those that count, those that nobody decided on (the most frequent first, `more` are not shown), and
    those that are ignored."""

    mapped: list[Mapped]
    unknown: list[EventName]
    more: int
    ignored: list[EventName]


@dataclass(frozen=True, slots=True)
class Target:
    """What a name can count as: a new usage type (of a product, or of none), or one that is there."""

    key: str
    label: str


def overview() -> Overview:
    """What the page shows of names."""
    types = UsageType.objects.filter(archived_at__isnull=True).exclude(intercom_event_name="").order_by("name", "pk")
    mapped = list(types)
    names = {one.intercom_event_name for one in mapped}
    met = {row.name: row for row in EventName.objects.filter(name__in=names)}
    products: dict[int, list[str]] = {}
    attached = ProductUsageType.objects.filter(usage_type__in=mapped, product__archived_at__isnull=True)
    for pk, name in attached.order_by("product__position").values_list("usage_type_id", "product__name"):
        products.setdefault(pk, []).append(name)
    others = EventName.objects.exclude(name__in=names).select_related("example").order_by("-waiting", "-last_at", "pk")
    unknown = others.filter(ignored_at__isnull=True)
    return Overview(
        mapped=[
            Mapped(one, one.intercom_event_name, products.get(one.pk, []), met.get(one.intercom_event_name))
            for one in mapped
        ],
        unknown=list(unknown[:_SHOWN]),
        more=max(0, unknown.count() - _SHOWN),
        ignored=list(others.filter(ignored_at__isnull=False)[:_SHOWN]),
    )


def targets() -> list[Target]:
    """What an unknown name can be made to count as, the default first."""
    products = Product.objects.filter(archived_at__isnull=True).exclude(goal="field_value").order_by("position", "pk")
    found = [Target(f"{NEW}:{one.pk}", f"New usage type for {one.name}") for one in products]
    found.append(Target(NEW, "New usage type, for no product yet"))
    free = UsageType.objects.filter(archived_at__isnull=True, intercom_event_name="").order_by("name", "pk")
    return found + [Target(f"{TYPE}:{one.pk}", one.name) for one in free]


def add(organization: Organization, name: str, target: str, *, by: str) -> UsageType:
    """Makes events of this name count as `target` (the key of a `Target`). Raises FieldError; then nothing has changed.

    Those that wait become usage by `bring_in`.
    """
    kind, _, number = target.partition(":")
    if not name or kind not in (NEW, TYPE) or (number and not number.isascii()) or (number and not number.isdigit()):
        raise FieldError({"target": "Choose what the event counts as."})
    with transaction.atomic():
        holder = types_by_name([name]).get(name)
        if holder is not None:
            taken = UsageType.objects.get(pk=holder)
            raise FieldError({"target": f"Events named “{name}” count as {taken} already."})
        # The name is not that of an archived type any more, or two would claim it.
        for archived in UsageType.objects.filter(intercom_event_name=name, archived_at__isnull=False):
            services.usage_type_update(usage_type=archived, by=by, values={"intercom_event_name": ""})
        found = _count_as(name, number, by) if kind == TYPE else _new_type(organization, name, number, by)
        EventName.objects.filter(name=name).update(ignored_at=None)
    return found


def _count_as(name: str, number: str, by: str) -> UsageType:
    found = UsageType.objects.filter(pk=int(number or 0), archived_at__isnull=True).first()
    if found is None:
        raise FieldError({"target": "This usage type no longer exists; choose another one."})
    if found.intercom_event_name:
        raise FieldError({"target": f"{found} counts “{found.intercom_event_name}” already; choose another one."})
    return services.usage_type_update(usage_type=found, by=by, values={"intercom_event_name": name})


def _new_type(organization: Organization, name: str, number: str, by: str) -> UsageType:
    product = Product.objects.filter(pk=int(number or 0), archived_at__isnull=True).first()
    if number and product is None:
        raise FieldError({"target": "This product no longer exists; choose another one."})
    values = {"name": title(name), "alias": _free_alias(name), "intercom_event_name": name}
    made = services.usage_type_create(organization=organization, by=by, values=values)
    if product is not None:
        attached = ProductUsageType.objects.filter(product=product).values_list("usage_type_id", flat=True)
        services.product_attach(product=product, usage_types=[*attached, made.pk], by=by)
    return made


def title(name: str) -> str:
    """ "report-exported" → "Report exported"."""
    words = " ".join(re.sub(r"[-_.:/]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).split()) or name
    return (words[:1].upper() + words[1:])[:100]


def _free_alias(name: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", name)
    alias = "".join([*words[:1], *(word[:1].upper() + word[1:] for word in words[1:])])[:90]
    alias = alias[:1].lower() + alias[1:] if alias[:1].isalpha() else f"event{alias}"
    taken = {one.casefold() for one in UsageType.objects.values_list("alias", flat=True)}
    number, found = 2, alias
    while found.casefold() in taken:
        number, found = number + 1, f"{alias}{number}"
    return found


def remove(usage_type: UsageType, *, by: str) -> str:
    """Events of the type's name no longer count. Returns the name. What was counted stays; what comes waits."""
    name = usage_type.intercom_event_name
    services.usage_type_update(usage_type=usage_type, by=by, values={"intercom_event_name": ""})
    EventName.objects.get_or_create(organization=usage_type.organization, name=name)
    return name


def ignore(pk: int) -> None:
    """Stops offering the name. Its events still wait, so that this can be undone."""
    EventName.objects.filter(pk=pk, ignored_at__isnull=True).update(ignored_at=clock.now())


def unignore(pk: int) -> None:
    """Offers the name again."""
    EventName.objects.filter(pk=pk).update(ignored_at=None)


def bring_in(organization: Organization, seconds: float = 60.0) -> int:
    """Makes usage of the waiting events whose name counts now. Returns how many. Stops after `seconds`; the rest is
    left to the next call. The caller has asked whether events come in."""
    began, brought = time.monotonic(), 0
    rows = dict(EventName.objects.filter(waiting__gt=0).values_list("name", "pk"))
    for name, usage_type in types_by_name(rows).items():
        while time.monotonic() - began < seconds:
            taken, new = _bring_some(organization, rows[name], usage_type)
            brought += new
            if not taken:
                break
    return brought


def _bring_some(organization: Organization, name: int, usage_type: int) -> tuple[int, int]:
    """Returns how many waiting events were taken, and how many of them were new."""
    with one_writer(organization, LOCK):
        rows = list(WaitingEvent.objects.filter(name=name).select_related("name").order_by("pk")[:_AT_ONCE])
        live = UsageType.objects.filter(pk=usage_type, archived_at__isnull=True).first()
        row = EventName.objects.filter(pk=name).first()
        if row is None or live is None or live.intercom_event_name != row.name:
            return 0, 0
        found = not_known(organization, rows)
        events = [ingest.Event(one.user_id, usage_type, one.at * 1000, one.key) for one in found]
        new = sum(ingest.store(organization, events))
        _forget(rows)
        row.waiting = max(0, row.waiting - len(rows)) if len(rows) == _AT_ONCE else 0
        row.counted += new
        row.save(update_fields=["waiting", "counted"])
        return len(rows), new


def _forget(rows: Sequence[WaitingEvent]) -> None:
    WaitingEvent.objects.filter(pk__in=[one.pk for one in rows]).delete()


def prune(organization: Organization, now: datetime | None = None) -> int:
    """Deletes waiting events that Intercom no longer lists, and names last met with those. Returns how many events."""
    before = int(((now or clock.now()) - timedelta(days=DAYS)).timestamp())
    with one_writer(organization, LOCK):
        deleted, _ = WaitingEvent.objects.filter(at__lt=before).delete()
        if deleted:
            left = dict(WaitingEvent.objects.values_list("name").annotate(Count("pk")).order_by())
            rows = list(EventName.objects.filter(waiting__gt=0))
            for row in rows:
                row.waiting = left.get(row.pk, 0)
            EventName.objects.bulk_update(rows, ["waiting"])
        # Some senders put an id into the name, so there would be more and more of them.
        past = EventName.objects.filter(waiting=0, counted=0, ignored_at__isnull=True)
        past.filter(last_at__gt=0, last_at__lt=before).delete()
    return deleted
