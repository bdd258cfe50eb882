"""What a push would do now, for people: the very plan that is executed, counted, with samples.

A `Preview` is plain data, so that a worker can work it out and a page can show it later (`previews`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from startdeliver.intercom import IntercomError
from startdeliver.sync import session
from startdeliver.sync.models import Connection, IntercomCompany
from startdeliver.sync.push import create, definitions, runs
from startdeliver.sync.push.definitions import Action, Definition
from startdeliver.sync.push.plan import CORE, Change, Spec, batches
from startdeliver.sync.push.sources import COMPANY, CONTACT
from startdeliver.tenancy.models import Organization

SAMPLES = 5
# Intercom's default for private apps, when nothing else is known (docs "Rate limiting"): 10,000 a minute.
_PER_SECOND = 166
_WRITES = (Action.CREATE, Action.RESTORE, Action.OPTIONS)

Progress = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Planned:
    """One attribute that is not known to be in Intercom as wanted. `action`: see `definitions.Action`; `sentence`: why
    it cannot be filled."""

    key: str
    model: str
    name: str
    data_type: str
    action: str
    sentence: str = ""

    @property
    def title(self) -> str:
        return "Companies" if self.model == COMPANY else "Contacts"


@dataclass(frozen=True, slots=True)
class Line:
    """One attribute or core field: on how many records it would change, and on how many of those it would be
    cleared."""

    model: str
    key: str
    label: str
    data_type: str
    records: int
    cleared: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """One record that would be written; None is no value. `record`: the customer's or user's number."""

    model: str
    ref: str
    record: int
    label: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(slots=True)
class Preview:
    """What would happen. `keys`: the attributes that it is about; `problem`: why Intercom could not be asked which
    attributes it has."""

    keys: list[str] = field(default_factory=list)
    definitions: list[Planned] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    companies: int = 0
    contacts: int = 0
    samples: list[Sample] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    invisible: int = 0
    made_companies: int = 0
    made_contacts: int = 0
    problem: str = ""

    @property
    def records(self) -> int:
        return self.companies + self.contacts

    @property
    def made(self) -> list[Planned]:
        """The attributes that would be made or changed in Intercom."""
        return [one for one in self.definitions if one.action in _WRITES]

    @property
    def refused(self) -> list[Planned]:
        return [one for one in self.definitions if one.action == Action.REFUSED]

    @property
    def used(self) -> list[Planned]:
        """Attributes that are there already and would be filled."""
        return [one for one in self.definitions if one.action == Action.USE]

    @property
    def writes(self) -> int:
        return self.records + len(self.made) + self.made_companies + self.made_contacts

    @property
    def seconds(self) -> float:
        """About how long it takes at Intercom's usual rate."""
        return self.writes / _PER_SECOND


def preview(organization: Organization, link: Connection, on_progress: Progress | None = None) -> Preview:
    """The plan as it stands, everything ticked included. Reads Intercom's attributes when it must; writes nothing.

    Inside the organization's scope. `on_progress` gets {"stage", "done", "total"} and may raise to end it.
    """

    def tell(stage: str, done: int = 0, total: int = 0) -> None:
        if on_progress is not None:
            on_progress({"stage": stage, "done": done, "total": total})

    specs = runs.specs(organization, link, accepted_only=False)
    found = Preview(keys=[one.key for spec in specs for one in spec.attributes], invisible=invisible(link))
    tell("counting")
    found.made_companies, found.made_contacts = create.counts(organization, link)
    tell("asking")
    _ask(found, link, specs)
    refused = {one.key for one in found.refused}
    changed: Counter[tuple[str, str]] = Counter()
    cleared: Counter[tuple[str, str]] = Counter()
    for spec in specs:
        attributes = [one for one in spec.attributes if one.key not in refused]
        spec = Spec(spec.model, attributes, spec.core, spec.keep)
        found.types |= spec.types
        number = 0
        for batch in batches(link, spec, partial(tell, spec.model)):
            number += len(batch.changes)
            for change in batch.changes:
                changed.update((change.model, key) for key in change.after)
                cleared.update((change.model, key) for key, value in change.after.items() if value is None)
            room = SAMPLES * (1 if spec.model == COMPANY else 2) - len(found.samples)
            found.samples += map(_sample, batch.changes[: max(0, room)])
        if spec.model == COMPANY:
            found.companies = number
        else:
            found.contacts = number
        found.lines += _lines(spec, found, changed, cleared)
    return found


def stored(found: Preview) -> dict[str, Any]:
    """The preview as JSON holds it; `loaded` gives it back."""
    result: dict[str, Any] = msgspec.to_builtins(found)
    return result


def loaded(result: dict[str, Any]) -> Preview:
    """The preview that `stored` gave. Raises msgspec.ValidationError for another version's."""
    return msgspec.convert(result, Preview)


def _sample(change: Change) -> Sample:
    return Sample(change.model, change.ref, change.record, change.label, change.before, change.after)


def _planned(one: Definition) -> Planned:
    source = one.choice.source
    return Planned(one.choice.key, source.model, one.choice.field.name, source.data_type, str(one.action), one.sentence)


def _ask(found: Preview, link: Connection, specs: Sequence[Spec]) -> None:
    unknown = definitions.unknown([one for spec in specs for one in spec.attributes], link.workspace)
    if not unknown:
        return
    try:
        with session.line(link, quick=True) as fetcher:
            found.definitions = list(map(_planned, definitions.compare(unknown, definitions.read(fetcher))))
    except IntercomError as error:
        found.problem = error.sentence


def _lines(
    spec: Spec, found: Preview, changed: Counter[tuple[str, str]], cleared: Counter[tuple[str, str]]
) -> list[Line]:
    new = {one.key for one in found.made}
    keys = [(one.field.name, one.source.label, one.source.data_type, one.key in new) for one in spec.attributes]
    keys += [(CORE + one.source, one.source.replace("_", " ").capitalize(), "string", False) for one in spec.core]
    return [
        Line(spec.model, key, label, kind, changed[spec.model, key], cleared[spec.model, key], is_new)
        for key, label, kind, is_new in keys
    ]


def invisible(link: Connection) -> int:
    """Linked companies that Intercom lists no more: it shows none without contacts (OpenAPI 2.16, Companies)."""
    rows = IntercomCompany.objects.filter(workspace=link.workspace, gone_at__isnull=False, customer__isnull=False)
    return rows.count()


def document(found: Preview) -> dict[str, object]:
    """The preview as JSON with the API's kind of names."""
    return {
        "definitions": [
            {
                "model": one.model,
                "name": one.name,
                "type": one.data_type,
                "action": one.action,
                "problem": one.sentence,
            }
            for one in found.definitions
        ],
        "attributes": [
            {"model": one.model, "name": one.key, "records": one.records, "cleared": one.cleared} for one in found.lines
        ],
        "companies": found.companies,
        "contacts": found.contacts,
        "createdCompanies": found.made_companies,
        "createdContacts": found.made_contacts,
        "samples": [
            {"model": one.model, "id": one.ref, "name": one.label, "before": one.before, "after": one.after}
            for one in found.samples
        ],
        "problem": found.problem,
    }


__all__ = ["COMPANY", "CONTACT", "Line", "Planned", "Preview", "Sample", "document", "loaded", "preview", "stored"]
