"""Making and changing customers and users: the rules that the browser and the API share.

Every function takes keywords only. `by` is the e-mail address of the member (or the name of the key), `source` is
"member" or "api"; both are kept per field in `field_sources`. Values may be typed or text as a form or JSON gives them.
A value that cannot be stored raises FieldError and nothing is saved. Custom fields go by their alias.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from startdeliver.changes.queue import start_after_commit
from startdeliver.common import clock
from startdeliver.common.values import FieldError, Kind, clean
from startdeliver.customers import custom
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.customers.values import CUSTOMER_FIELDS, TAKEN, USER_FIELDS
from startdeliver.tenancy.models import Member, Organization

__all__ = [
    "FieldError",
    "customer_archive",
    "customer_assign",
    "customer_create",
    "customer_restore",
    "customer_update",
    "user_archive",
    "user_create",
    "user_move",
    "user_restore",
    "user_update",
]

R = TypeVar("R", Customer, CustomerUser)


def customer_create(
    *, organization: Organization, by: str, values: Mapping[str, Any], source: str = "member"
) -> Customer:
    """A new customer with `values` (names of CUSTOMER_FIELDS; others are ignored). Raises FieldError."""
    return _create(Customer(organization=organization), CUSTOMER_FIELDS, {"name": "", **values}, by, source)


def customer_update(*, customer: Customer, by: str, values: Mapping[str, Any], source: str = "member") -> Customer:
    """Saves those of `values` that differ; the others keep their source and time. Raises FieldError.

    A CSM who was archived stays until somebody else is chosen.
    """
    given = values.get("csm")
    if customer.csm_id is not None and str(given.pk if isinstance(given, Member) else given) == str(customer.csm_id):
        values = {name: value for name, value in values.items() if name != "csm"}
    return _update(customer, CUSTOMER_FIELDS, values, by, source)


def customer_assign(*, customers: Iterable[int], csm: Member | None, by: str, source: str = "member") -> int:
    """Makes `csm` (None: nobody) the CSM of the customers with these ids. Returns how many changed.

    Ids of the open scope's organization only; others are ignored.
    """
    return len(_assign(Customer, customers, "csm", csm, by, source))


def customer_archive(*, customer: Customer, by: str) -> None:
    """Takes the customer out of lists; users and tickets stay. Doing it twice changes nothing."""
    _set_archived(customer, clock.now(), by)


def customer_restore(*, customer: Customer, by: str) -> None:
    """Takes the customer back into lists."""
    _set_archived(customer, None, by)


def user_create(
    *, organization: Organization, by: str, values: Mapping[str, Any], source: str = "member"
) -> CustomerUser:
    """A new user with `values` (names of USER_FIELDS; others are ignored). Raises FieldError."""
    return _create(CustomerUser(organization=organization), USER_FIELDS, values, by, source)


def user_update(*, user: CustomerUser, by: str, values: Mapping[str, Any], source: str = "member") -> CustomerUser:
    """Saves those of `values` that differ; the others keep their source and time. Raises FieldError.

    With a new customer, tickets without one go along (`support.reassignment`).
    """
    return _update(user, USER_FIELDS, values, by, source)


def user_move(*, users: Iterable[int], customer: Customer | None, by: str, source: str = "member") -> list[int]:
    """Moves the users with these ids to `customer` (None: unassigned). Returns the ids of those that moved.

    Their tickets without a customer go along (`support.reassignment`). Ids of the open scope's organization only;
    others are ignored.
    """
    return _assign(CustomerUser, users, "customer", customer, by, source)


def user_archive(*, user: CustomerUser, by: str) -> None:
    """Takes the user out of lists; its tickets stay. Doing it twice changes nothing."""
    _set_archived(user, clock.now(), by)


def user_restore(*, user: CustomerUser, by: str) -> None:
    """Takes the user back into lists."""
    _set_archived(user, None, by)


def _assign(
    model: type[R], ids: Iterable[int], name: str, target: Member | Customer | None, by: str, source: str
) -> list[int]:
    changed: list[int] = []
    with transaction.atomic():
        for row in model.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk"):
            if getattr(row, _column(name)) != _plain(target):
                setattr(row, name, target)
                _save(row, [name], by, source)
                changed.append(row.pk)
    return changed


def _create(row: R, fields: Mapping[str, Kind], values: Mapping[str, Any], by: str, source: str) -> R:
    cleaned = _clean(row, fields, values)
    own: dict[str, Any] = {name: value for name, value in cleaned.pop("custom").items() if value is not None}
    given: list[str] = [name for name, value in cleaned.items() if value not in (None, "", False)]
    for name, value in cleaned.items():
        setattr(row, name, value)
    row.custom = own
    row.field_sources = {name: _source(source, by, clock.now()) for name in [*given, *own]}
    row.updated_by = by
    with _unique_external_id(), transaction.atomic():
        row.save()
        custom.write(row, own)
    return row


def _update(row: R, fields: Mapping[str, Kind], values: Mapping[str, Any], by: str, source: str) -> R:
    with _unique_external_id(), transaction.atomic():
        # Read again under a lock: the sync may have written other fields since the caller read the row.
        stored = type(row).objects.select_for_update().get(pk=row.pk)
        cleaned = _clean(stored, fields, values)
        own = {alias: value for alias, value in cleaned.pop("custom").items() if stored.custom.get(alias) != value}
        changed = [name for name, value in cleaned.items() if getattr(stored, _column(name)) != _plain(value)]
        for name in changed:
            setattr(stored, name, cleaned[name])
        stored.custom = {name: value for name, value in {**stored.custom, **own}.items() if value is not None}
        if changed or own:
            _save(stored, changed, by, source, own)
    row.refresh_from_db()
    return row


def _clean(row: Customer | CustomerUser, fields: Mapping[str, Kind], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by field name, those of custom fields by alias in "custom". Raises FieldError."""
    cleaned, errors = clean(fields, values)
    taken = cleaned.get("external_id")
    if taken and type(row).objects.filter(external_id=taken).exclude(pk=row.pk).exists():
        errors["external_id"] = TAKEN
    if isinstance(row, CustomerUser) and not errors:
        known = [cleaned.get(name, getattr(row, name)) for name in ("name", "email", "external_id")]
        if not any(known):
            errors["email"] = "Enter an e-mail address or a name, so that the user can be told apart."
    entity = "customer" if isinstance(row, Customer) else "user"
    cleaned["custom"], more = custom.cleaned(entity, values, creating=row.pk is None, own=row.custom or {})
    errors |= more
    if errors:
        raise FieldError(errors)
    return cleaned


def _save(
    row: Customer | CustomerUser, changed: list[str], by: str, source: str, own: Mapping[str, Any] | None = None
) -> None:
    now = clock.now()
    names = [*changed, *(own or {})]
    row.field_sources = {**row.field_sources, **{name: _source(source, by, now) for name in names}}
    row.updated_at = now
    row.updated_by = by
    more = ["custom"] if own else []
    row.save(update_fields=[*changed, *more, "field_sources", "updated_at", "updated_by"])
    start_after_commit(row.organization)
    if own:
        custom.write(row, own)


def _set_archived(row: Customer | CustomerUser, at: datetime | None, by: str) -> None:
    done = type(row).objects.filter(pk=row.pk, archived_at__isnull=at is not None)
    done.update(archived_at=at, updated_at=clock.now(), updated_by=by)
    row.refresh_from_db()


def _source(source: str, by: str, at: datetime) -> dict[str, str]:
    return {"source": source, "at": at.isoformat(), "by": by}


def _column(name: str) -> str:
    return f"{name}_id" if name in ("csm", "customer") else name


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, Member | Customer) else value


@contextmanager
def _unique_external_id() -> Iterator[None]:
    """Turns the database's own refusal (two at the same moment) into the same sentence as the check before."""
    try:
        yield
    except IntegrityError as error:
        if "external_id" in str(error):
            raise FieldError({"external_id": TAKEN}) from error
        raise
