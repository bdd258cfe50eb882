"""Attribute definitions in Intercom: which are missing, which can be used as they are, and making them.

Facts (OpenAPI 2.16 /data_attributes; help centre): a name is unique over companies and contacts, archived ones
included; type and name cannot change afterwards; 250 active ones in a workspace; standard attributes have no id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from startdeliver.common import clock
from startdeliver.intercom import Fetcher, IntercomError, Invalid, Kind, wire
from startdeliver.sync.push.choices import Choice
from startdeliver.sync.push.sources import COMPANY

LIMIT = 250
_PEOPLE = {COMPANY: "companies", "contact": "contacts"}


class Action(StrEnum):
    """What has to be done about an attribute."""

    CREATE = "create"
    USE = "use"
    RESTORE = "restore"
    OPTIONS = "options"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Definition:
    """One attribute and what is to be done; `sentence` says why it cannot be filled (REFUSED)."""

    choice: Choice
    action: Action
    sentence: str = ""
    attribute_id: str = ""
    options: tuple[str, ...] = ()

    @property
    def is_write(self) -> bool:
        """Whether it costs a write in Intercom."""
        return self.action in (Action.CREATE, Action.RESTORE, Action.OPTIONS)


def unknown(choices: Iterable[Choice], workspace: str) -> list[Choice]:
    """Those of which it is not known that the workspace has them as they are wanted. None: nobody need be asked."""
    return [
        one
        for one in choices
        if one.field.workspace != workspace
        or one.field.defined_at is None
        or not set(one.source.options) <= set(one.field.options or one.source.options)
    ]


def read(fetcher: Fetcher) -> list[wire.DataAttribute]:
    """All definitions of both models, archived ones too. Two requests. Raises IntercomError."""
    found: list[wire.DataAttribute] = []
    for model in ("contact", "company"):
        for one in fetcher.call(fetcher.client.data_attributes(model, include_archived=True)):
            one.model = one.model or model
            found.append(one)
    return found


def compare(choices: Sequence[Choice], there: Sequence[wire.DataAttribute]) -> list[Definition]:
    """What has to be done so that Intercom has the attributes of `choices`, given all that it has."""
    by_name: dict[str, wire.DataAttribute] = {}
    for one in there:
        if one.name not in by_name or not one.archived:
            by_name[one.name] = one
    room = LIMIT - sum(1 for one in there if one.id is not None and not one.archived)
    found = []
    for choice in choices:
        known = by_name.get(choice.field.name)
        definition = _missing(choice, room) if known is None else _existing(choice, known)
        if definition.action in (Action.CREATE, Action.RESTORE):
            room -= 1
        found.append(definition)
    return found


def _missing(choice: Choice, room: int) -> Definition:
    if room > 0:
        return Definition(choice, Action.CREATE, options=choice.source.options)
    return Definition(
        choice,
        Action.REFUSED,
        f"Intercom allows {LIMIT} attributes in a workspace and all are used, so “{choice.field.name}” cannot be made. "
        "Archive one in Intercom (Settings → Data), or ask Intercom for more.",
    )


def _existing(choice: Choice, known: wire.DataAttribute) -> Definition:
    name, model = choice.field.name, choice.source.model
    advice = "Choose another name."
    if known.id is None or known.custom is False:
        return Definition(choice, Action.REFUSED, f"“{name}” is one of Intercom's own attributes. {advice}")
    if known.model != model:
        where = _PEOPLE.get(known.model or "", "another kind of record")
        return Definition(
            choice,
            Action.REFUSED,
            f"Intercom has “{name}” for {where} already and allows a name only once. {advice}",
        )
    wanted = {"options": "string", "datetime": "date"}.get(choice.source.data_type, choice.source.data_type)
    has = {"options": "string", "datetime": "date"}.get(known.data_type or "", known.data_type or "")
    if has != wanted:
        return Definition(
            choice,
            Action.REFUSED,
            f"Intercom has “{name}” with the type {has}, but {wanted} is needed, and a type cannot change. {advice}",
        )
    if known.api_writable is False:
        return Definition(choice, Action.REFUSED, f"Intercom does not let programs write “{name}”. {advice}")
    options = tuple(known.option_values)
    lacking = [one for one in choice.source.options if one not in options] if options else []
    if lacking:
        return Definition(choice, Action.OPTIONS, attribute_id=str(known.id), options=(*options, *lacking))
    action = Action.RESTORE if known.archived else Action.USE
    return Definition(choice, action, attribute_id=str(known.id), options=options or choice.source.options)


def make(fetcher: Fetcher, definition: Definition, workspace: str) -> bool:
    """Does what the definition asks for and notes in its field that the attribute is there. False: it is refused, and
    the field says why. Raises Failed for an error of Intercom's with this very attribute (500 was seen on making one,
    intercom-node#391), and IntercomError for what concerns more than it."""
    field, source, client = definition.choice.field, definition.choice.source, fetcher.client
    try:
        if definition.action is Action.REFUSED:
            raise _Refused(definition.sentence)
        attribute_id = definition.attribute_id
        if definition.action is Action.CREATE:
            made = fetcher.call(
                client.create_data_attribute(
                    source.model,
                    field.name,
                    source.data_type,
                    description=f"{source.description} Kept up to date by Startdeliver."[:255],
                    options=definition.options,
                )
            )
            attribute_id = str(made.id or "")
        elif definition.action is not Action.USE:
            changes: dict[str, object] = {"archived": False}
            if definition.action is Action.OPTIONS:
                changes["options"] = [{"value": one} for one in definition.options]
            fetcher.call(client.update_data_attribute(attribute_id, changes))
    except (Invalid, _Refused) as error:
        field.problem = str(error)[:500]
        field.defined_at, field.workspace = None, ""
        field.save(update_fields=["problem", "defined_at", "workspace"])
        return False
    except IntercomError as error:
        if error.kind in (Kind.CONFIG, Kind.RATE_LIMITED):
            raise
        field.problem = error.sentence[:500]
        field.save(update_fields=["problem"])
        raise Failed(error.sentence) from error
    field.workspace, field.attribute_id, field.problem = workspace, attribute_id[:64], ""
    field.options = list(definition.options)
    field.defined_at = clock.now()
    field.save(update_fields=["workspace", "attribute_id", "problem", "options", "defined_at"])
    return True


class Failed(Exception):
    """Intercom could not make this attribute just then; the message is its sentence."""


class _Refused(Exception):
    """The comparison says that it cannot be."""
