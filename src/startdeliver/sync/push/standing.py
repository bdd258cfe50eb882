"""Where each value that went out stands, for the profile of a customer or a user."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.intercom import regions
from startdeliver.sync.models import Connection, IntercomCompany, IntercomContact, PushItem, PushRecord
from startdeliver.sync.push import choices
from startdeliver.sync.push.plan import CORE, same
from startdeliver.sync.push.sources import COMPANY, CONTACT

_MOST = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """One value over there. `since`: when Intercom confirmed it; None: not yet. `problem`: why it is not there, or not
    as it is here. `ended`: it goes out no more, so it stays as it is. `changed`, `there`: somebody made another value
    of it in Intercom."""

    label: str
    name: str
    data_type: str
    value: Any
    since: datetime | None
    problem: str = ""
    ended: bool = False
    changed: bool = False
    there: Any = None


@dataclass(frozen=True, slots=True)
class Place:
    """One company or contact of Intercom with what Startdeliver has put there. `waits`: nothing yet, but it will."""

    name: str
    link: str
    values: list[Standing] = field(default_factory=list)
    waits: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    label: str
    data_type: str
    problem: str = ""
    ended: bool = False


def places(record: Customer | CustomerUser) -> list[Place]:
    """What stands in Intercom about a customer or user; nothing when nothing goes out or did. Five look-ups at most."""
    model = COMPANY if isinstance(record, Customer) else CONTACT
    link = Connection.objects.filter(organization=record.organization_id).select_related("organization").first()
    if link is None or not link.workspace:
        return []
    wanted = _wanted(link, model)
    if not wanted:
        return []
    mirrors = _mirrors(record, link.workspace)
    ids = [one.pk for one in mirrors]
    known = {getattr(one, f"{model}_id"): one for one in PushRecord.objects.filter(**{f"{model}__in": ids})}
    waiting = PushItem.objects.filter(**{f"{model}__in": ids}).exclude(reason="")
    failed = {getattr(one, f"{model}_id"): one for one in waiting}
    going = any(not one.ended for one in wanted.values())
    region = regions.region(link.region)
    address = region.company_link if model == COMPANY else region.contact_link
    found = []
    for mirror in mirrors:
        row, item = known.get(mirror.pk), failed.get(mirror.pk)
        own = mirror.facts.get("custom_attributes") or {}
        values = [
            _standing(name, one, row.values.get(name) if row else None, item, own) for name, one in wanted.items()
        ]
        shown = [one for one in values if one.since is not None or (one.problem and not one.ended)]
        if shown or going:
            found.append(Place(str(mirror), address(link.workspace, mirror.ref), shown, waits=row is None and going))
    return found


def pushed_names(mirrors: Iterable[IntercomCompany | IntercomContact]) -> dict[int, set[str]]:
    """The attributes of each of these companies (or contacts) that Startdeliver put there, by the mirror's number."""
    rows = list(mirrors)
    if not rows:
        return {}
    column = COMPANY if isinstance(rows[0], IntercomCompany) else CONTACT
    records = PushRecord.objects.filter(**{f"{column}__in": [one.pk for one in rows]})
    return {pk: set(values) for pk, values in records.values_list(f"{column}_id", "values")}


def _mirrors(record: Customer | CustomerUser, workspace: str) -> list[IntercomCompany] | list[IntercomContact]:
    if isinstance(record, Customer):
        companies = IntercomCompany.objects.filter(customer=record, workspace=workspace, gone_at__isnull=True)
        return list(companies.order_by("pk")[:_MOST])
    contacts = IntercomContact.objects.filter(user=record, workspace=workspace, state=IntercomContact.State.ACTIVE)
    return list(contacts.order_by("pk")[:_MOST])


def _wanted(link: Connection, model: str) -> dict[str, _Wanted]:
    """Everything that goes out, by name, and what went out before."""
    advanced = link.organization.advanced
    found = {}
    for one in choices.choices(link.organization):
        field, source = one.field, one.source
        goes = advanced and field.ticked and field.accepted_at is not None
        if source.model == model and (goes or field.defined_at is not None):
            found[field.name] = _Wanted(source.label, source.data_type, field.problem if goes else "", not goes)
    accepted = choices.settings_of(link.organization).accepted_at is not None
    for core in choices.core(link, model, accepted=accepted):
        found[CORE + core.source] = _Wanted(core.source.replace("_", " ").capitalize(), "string")
    return found


def _standing(
    name: str, wanted: _Wanted, known: dict[str, Any] | None, item: PushItem | None, own: dict[str, Any]
) -> Standing:
    problem = wanted.problem
    if item is not None and name in item.after:
        problem = problem or item.sentence
    if known is None:
        return Standing(wanted.label, name.removeprefix(CORE), wanted.data_type, None, None, problem, wanted.ended)
    changed = not name.startswith(CORE) and not same(own.get(name), known.get("a", known["v"]))
    return Standing(
        wanted.label,
        name.removeprefix(CORE),
        wanted.data_type,
        known["v"],
        datetime.fromtimestamp(known["at"], UTC),
        problem,
        wanted.ended,
        changed,
        own.get(name) if changed else None,
    )
