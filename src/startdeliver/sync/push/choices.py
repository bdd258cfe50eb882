"""What the administrator chose: which attributes go out, their names, and the consent to write."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import msgspec
from django.conf import settings
from django.db import transaction

from startdeliver.common import clock
from startdeliver.sync import fields
from startdeliver.sync.fields import FieldMap, Rule
from startdeliver.sync.models import Connection, PushField, PushItem, PushPreview, PushSettings
from startdeliver.sync.push import sources
from startdeliver.sync.push.sources import Source
from startdeliver.tenancy.models import Organization

# Intercom's own words for what a name must not hold (help centre; OpenAPI 2.16 /data_attributes).
_BAD = re.compile(r"[.$~`!@#%^&*'{}\[\]|\\\"\x00-\x1f]")


_MODELS = (sources.COMPANY, sources.CONTACT)


class ChoiceError(Exception):
    """What was chosen cannot be; `errors` is {"company.usage_health" or "prefix": sentence}."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class Locked(Exception):
    """The advanced tier is locked; the message says whom to ask."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A source with what was chosen for it. `field` is unsaved while nothing was."""

    source: Source
    field: PushField

    @property
    def key(self) -> str:
        return f"{self.source.model}.{self.source.key}"

    @property
    def is_fixed(self) -> bool:
        """Whether the attribute is in Intercom, where neither name nor type can change."""
        return self.field.defined_at is not None


def locked_sentence() -> str:
    """Whom to ask for the advanced tier."""
    return f"This is advanced functionality. To access it, contact {settings.CONFIG.support_contact}."


def require_advanced(organization: Organization) -> None:
    """Raises Locked unless the organization's tier, as stored now, is unlocked."""
    if not Organization.objects.filter(pk=organization.pk, advanced=True).exists():
        raise Locked(locked_sentence())


def settings_of(organization: Organization) -> PushSettings:
    """The organization's settings; unsaved defaults while there are none."""
    found = PushSettings.objects.filter(organization=organization).first()
    return found or PushSettings(organization=organization)


def choices(organization: Organization) -> list[Choice]:
    """Returns every source with its choice: the stored one, else the default (see docs/attributes.md)."""
    stored = {(one.model, one.source): one for one in PushField.objects.all()}
    prefix = settings_of(organization).prefix
    taken = {one.name for one in stored.values()}
    found = []
    for source in sources.catalogue():
        field = stored.get((source.model, source.key))
        if field is None:
            name = _free(f"{prefix}{source.suffix}", taken)
            taken.add(name)
            # After the first save a new source waits to be chosen; before it the defaults count.
            ticked = source.ticked and not stored
            field = PushField(
                organization=organization, model=source.model, source=source.key, name=name, ticked=ticked
            )
        found.append(Choice(source, field))
    return found


def _free(name: str, taken: Iterable[str]) -> str:
    base, ending = (name.removesuffix("_at"), "_at") if name.endswith("_at") else (name, "")
    base = base[: 180 - len(ending)]
    found, number = base + ending, 2
    while found in taken:
        found, number = f"{base}_{number}{ending}", number + 1
    return found


def save(
    organization: Organization,
    *,
    by: str,
    ticked: Iterable[str],
    names: Mapping[str, str] | None = None,
    prefix: str | None = None,
    keep_in_line: bool = False,
    create_companies: bool = False,
    create_contacts: bool = False,
) -> None:
    """Stores what goes out. `ticked` and the keys of `names` are "company.usage_health" and the like; names of
    attributes that are in Intercom already stay. Raises Locked and ChoiceError; then nothing is stored."""
    with transaction.atomic():
        _one_by_one(organization)
        require_advanced(organization)
        found = settings_of(organization)
        given = dict(names or {})
        errors: dict[str, str] = {}
        if prefix is not None and prefix != found.prefix:
            if _BAD.search(prefix) or len(prefix) > 40:
                raise ChoiceError({"prefix": "Use letters, digits and underscores, at most 40 of them."})
            old = found.prefix
            _rename(organization, found, prefix)
            # The form shows the old names: those that were left as they were follow the prefix.
            given = {
                key: prefix + name.removeprefix(old) if name.startswith(old) else name for key, name in given.items()
            }
        rows = choices(organization)
        _apply(rows, set(ticked), given, errors)
        if errors:
            raise ChoiceError(errors)
        found.keep_in_line = keep_in_line
        found.create_companies, found.create_contacts = create_companies, create_contacts
        found.updated_at, found.updated_by = clock.now(), by
        found.save()
        _store(rows)


def tick(organization: Organization, keys: Iterable[str], *, by: str) -> None:
    """Ticks these too; everything else stays as it is. Raises Locked and ChoiceError."""
    found = settings_of(organization)
    save(
        organization,
        by=by,
        ticked={one.key for one in choices(organization) if one.field.ticked} | set(keys),
        keep_in_line=found.keep_in_line,
        create_companies=found.create_companies,
        create_contacts=found.create_contacts,
    )


def _one_by_one(organization: Organization) -> None:
    """Whoever else changes this organization's choices waits until the transaction ends. SQLite has one writer
    anyway."""
    list(Organization.objects.select_for_update().filter(pk=organization.pk).values_list("pk"))


def _apply(rows: Iterable[Choice], chosen: set[str], names: Mapping[str, str], errors: dict[str, str]) -> None:
    rows = list(rows)
    # Attributes whose field was archived here are not shown, but they are in Intercom and keep their names.
    hidden = PushField.objects.exclude(pk__in=[one.field.pk for one in rows if one.field.pk])
    kept = {name.casefold() for name in hidden.values_list("name", flat=True)}
    seen: dict[str, Choice] = {}
    for choice in rows:
        given = names.get(choice.key, "").strip()
        if given and not choice.is_fixed:
            choice.field.name = given
        if choice.field.ticked and choice.key not in chosen:
            choice.field.accepted_at = None
        choice.field.ticked = choice.key in chosen
        if problem := _name_problem(choice):
            errors[choice.key] = problem
        if choice.field.name.casefold() in kept:
            errors.setdefault(
                choice.key, f"“{choice.field.name}” belongs to a field that is archived here. Choose another name."
            )
        other = seen.setdefault(choice.field.name.casefold(), choice)
        if other is not choice:
            errors.setdefault(
                choice.key,
                f"“{choice.field.name}” is used twice; Intercom wants each name once, over companies and contacts.",
            )


def _rename(organization: Organization, found: PushSettings, prefix: str) -> None:
    """Gives attributes that are not in Intercom yet, and still have their default name, the new prefix."""
    for choice in choices(organization):
        if choice.field.pk and not choice.is_fixed and choice.field.name.startswith(found.prefix):
            choice.field.delete()
    found.prefix = prefix
    found.save()


def _store(rows: Iterable[Choice]) -> None:
    stored = {one.pk: one.name for one in PushField.objects.all()}
    changed = [one.field for one in rows if one.field.pk and stored[one.field.pk] != one.field.name]
    for field in changed:
        # Two names may be exchanged: none may stand in the other's way.
        PushField.objects.filter(pk=field.pk).update(name=f"\x01{field.pk}")
    for choice in rows:
        choice.field.save()


def _name_problem(choice: Choice) -> str:
    name = choice.field.name
    if not name or len(name) > 190:
        return "Give the attribute a name of 1 to 190 characters."
    if _BAD.search(name):
        return "Intercom takes letters, digits, spaces, hyphens and underscores in a name."
    if choice.source.data_type == "date" and not name.endswith("_at"):
        return "The name of a date must end in _at."
    return ""


def ensure(organization: Organization) -> list[Choice]:
    """`choices`, stored: a push needs rows to note in them what is in Intercom."""
    with transaction.atomic():
        _one_by_one(organization)
        rows = choices(organization)
        for choice in rows:
            if choice.field.pk is None:
                choice.field.save()
    return rows


def going(organization: Organization, *, accepted_only: bool) -> list[Choice]:
    """The attributes that go out: ticked, the tier unlocked, and (`accepted_only`) seen in an accepted preview."""
    if not organization.advanced:
        return []
    rows = [one for one in choices(organization) if one.field.ticked]
    return [one for one in rows if one.field.accepted_at is not None or not accepted_only]


def accept(organization: Organization, by: str, keys: Collection[str] | None = None) -> None:
    """What a preview has shown is accepted: from now on pushes follow every sync by themselves.

    `keys`: the attributes that the preview showed ("company.usage_health"); None: all that are ticked.
    """
    now = clock.now()
    with transaction.atomic():
        _one_by_one(organization)
        found = settings_of(organization)
        if Organization.objects.filter(pk=organization.pk, advanced=True).exists():
            for one in ensure(organization):
                if one.field.ticked and one.field.accepted_at is None and (keys is None or one.key in keys):
                    PushField.objects.filter(pk=one.field.pk, ticked=True).update(accepted_at=now)
        if found.accepted_at is None:
            found.accepted_at, found.accepted_by = now, by
            found.save()


def chosen(organization: Organization, link: Connection) -> str:
    """What a preview would be about, as a fingerprint: another one, and the preview shows what is wanted no more."""
    found = settings_of(organization)
    attributes = going(organization, accepted_only=False)
    facts = [
        link.workspace,
        [(one.key, one.field.name, one.source.data_type, one.source.options) for one in attributes],
        [(one.full_name, one.source, str(one.rule)) for model in _MODELS for one in core(link, model, accepted=True)],
        [found.keep_in_line, found.create_companies, found.create_contacts] if attributes else [],
    ]
    return blake2b(msgspec.json.encode(facts), digest_size=16).hexdigest()


def forget(organization: Organization) -> None:
    """The workspace is another one from now on, or none: what was accepted, defined, queued and previewed there counts
    no more. What was ticked, and the names, stay."""
    PushItem.objects.filter(organization=organization).delete()
    PushPreview.objects.filter(organization=organization).delete()
    PushSettings.objects.filter(organization=organization).update(
        accepted_at=None, accepted_by="", retry_at=None, retries=0
    )
    PushField.objects.filter(organization=organization).update(
        accepted_at=None, workspace="", attribute_id="", options=[], defined_at=None, problem=""
    )


# ------------------------------------------------------------------------------------------------------- core fields

# Attributes that Intercom's API takes: PUT /companies/{id} has no company_id (immutable), PUT /contacts/{id} no role
# for us to change (OpenAPI 2.16).
_COMPANY_OUT = frozenset({"name", "website", "plan", "size", "industry", "monthly_spend"})
_CONTACT_OUT = frozenset({"name", "email", "external_id", "phone"})


def core(link: Connection, model: str, *, accepted: bool) -> list[FieldMap]:
    """The core fields that go out to companies or contacts.

    A rule that the administrator chose is consent enough; those that are so by default wait for an accepted preview.
    """
    maps = fields.mapping(link.field_rules, "customer" if model == sources.COMPANY else "user")
    allowed = _COMPANY_OUT if model == sources.COMPANY else _CONTACT_OUT
    found = []
    for one in maps:
        chosen = isinstance(change := link.field_rules.get(one.full_name), Mapping) and "rule" in change
        if one.rule is not Rule.INTERCOM and not one.in_only and one.source in allowed and (chosen or accepted):
            found.append(one)
    return found
