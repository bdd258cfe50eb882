"""Where each value that goes out stands, for the profile of a customer or a user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.intercom import regions
from startdeliver.sync.models import Connection, PushItem, PushRecord
from startdeliver.sync.push import choices
from startdeliver.sync.push.plan import CORE
from startdeliver.sync.push.sources import COMPANY, CONTACT


@dataclass(frozen=True, slots=True)
class Standing:
    """One value over there. `since`: when Intercom confirmed it; None: not yet. `problem`: why it is not there."""

    label: str
    name: str
    data_type: str
    value: Any
    since: datetime | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One company or contact of Intercom with what Startdeliver has put there."""

    name: str
    link: str
    values: list[Standing]


def places(record: Customer | CustomerUser) -> list[Place]:
    """What stands in Intercom about a customer or user; nothing when nothing goes out. Four look-ups at most."""
    model = COMPANY if isinstance(record, Customer) else CONTACT
    link = Connection.objects.filter(organization=record.organization_id).first()
    if link is None:
        return []
    owner = "customer" if model == COMPANY else "user"
    rows = PushRecord.objects.filter(**{f"{model}__{owner}": record.pk, f"{model}__workspace": link.workspace})
    found = list(rows.select_related(model).order_by("pk")[:10])
    waiting = PushItem.objects.filter(**{f"{model}__{owner}": record.pk}).exclude(reason="")
    failed = {getattr(one, f"{model}_id"): one for one in waiting}
    if not found and not failed:
        return []
    wanted = [
        (one.field.name, one.source.label, one.source.data_type, one.field.problem)
        for one in choices.going(record.organization, accepted_only=True)
        if one.source.model == model
    ]
    wanted += [
        (CORE + one.source, one.source.replace("_", " ").capitalize(), "string", "")
        for one in choices.core(link, model, accepted=True)
    ]
    region = regions.region(link.region)
    result = []
    for row in found:
        mirror = getattr(row, model)
        item = failed.get(mirror.pk)
        values = [
            _standing(name, label, kind, row.values.get(name), problem, item) for name, label, kind, problem in wanted
        ]
        address = region.company_link if model == COMPANY else region.contact_link
        shown = [one for one in values if one.since is not None or one.problem]
        if shown:
            result.append(Place(str(mirror), address(link.workspace, mirror.ref), shown))
    return result


def _standing(
    name: str, label: str, kind: str, known: dict[str, Any] | None, problem: str, item: PushItem | None
) -> Standing:
    if item is not None and name in item.after:
        problem = problem or item.sentence
    since = datetime.fromtimestamp(known["at"], UTC) if known else None
    return Standing(label, name.removeprefix(CORE), kind, known["v"] if known else None, since, problem)
