"""Contacts as Intercom knows them, the users that they are or become, and their fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from startdeliver.common import clock
from startdeliver.customers.models import CustomerUser, email_key
from startdeliver.intercom import wire
from startdeliver.storage import bulk
from startdeliver.sync import domains, fields, matching
from startdeliver.sync.intercom_records.shared import KEY, NoteRow, custom, mark, to_json
from startdeliver.sync.matching import ContactRow, UserRow
from startdeliver.sync.models import IntercomContact
from startdeliver.sync.people import customers_by_domain
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.text import key, moment, short


@dataclass(slots=True, kw_only=True)
class NewContact:
    """The columns of an `IntercomContact`. Moments are unix seconds; companies and facts are JSON text."""

    workspace: str
    ref: str
    changed_at: int
    seen_at: int
    external_id: str = ""
    email: str = ""
    email_key: str = ""
    name: str = ""
    role: str = ""
    company_refs: str = "[]"
    facts: str = "{}"
    fingerprint: str = ""
    remote_updated_at: int = 0
    last_seen_at: int = 0
    state: str = IntercomContact.State.ACTIVE.value
    merged_into: str = ""
    matched_by: str = ""
    match_note: str = ""


class LinkRow(NamedTuple):
    """The user that a contact is, and how that was found."""

    id: int
    user_id: int
    matched_by: str
    match_note: str = ""


_ONLY_NEW = (*KEY, "matched_by", "match_note")


def contact_facts(contact: wire.Contact, tag_names: dict[str, str]) -> dict[str, Any]:
    """What is kept of a contact, beside its ids, name and addresses. `tag_names`: names by tag id."""
    tags = [tag.name or tag_names.get(tag.id, "") for tag in contact.tags.data] if contact.tags else []
    return {
        "phone": short(contact.phone, 64),
        "last_seen_at": moment(contact.last_seen_at),
        "tags": [short(name, 255) for name in tags if name],
        "custom_attributes": custom(contact.custom_attributes),
    }


def store_contacts(
    pull: Pull,
    contacts: Iterable[wire.Contact],
    *,
    tag_names: dict[str, str] | None = None,
    companies: dict[str, list[str]] | None = None,
    swept: bool = False,
) -> int:
    """Stores contacts, links them to users, and aligns the fields of those that changed. Returns how many changed.

    Must run inside `Pull.commit`. `companies`: all company ids of the contacts that list only some inline."""
    by_ref = {ref: contact for contact in contacts if (ref := key(contact.id, 128))}
    if not by_ref:
        return 0
    now = clock.now()
    seen = int(now.timestamp())
    stored = IntercomContact.objects.filter(workspace=pull.workspace, ref__in=by_ref)
    known = {row.ref: row for row in stored.values_list("ref", "fingerprint", "state", "user_id", named=True)}
    rows, returned, linked = [], [], []
    for ref, contact in by_ref.items():
        row = _new_contact(pull, ref, contact, tag_names or {}, (companies or {}).get(ref), seen)
        old = known.get(ref)
        if old is None or old.fingerprint != row.fingerprint or old.state != IntercomContact.State.ACTIVE:
            rows.append(row)
            if old is not None and old.user_id is not None:
                linked.append(ref)
        if old is not None and old.state != IntercomContact.State.ACTIVE and old.user_id is not None:
            returned.append(old.user_id)
    update = [column for column in bulk.columns_of(NewContact) if column not in _ONLY_NEW]
    bulk.upsert(IntercomContact, pull.organization_id, rows, key=KEY, update=update)
    if swept:
        IntercomContact.objects.filter(workspace=pull.workspace, ref__in=by_ref).update(seen_at=now)
    if returned:
        CustomerUser.objects.filter(pk__in=returned, has_left_at__isnull=False).update(has_left_at=None, updated_at=now)
    changed = [row.ref for row in rows]
    for ref in changed:
        pull.people.contacts.pop(ref, None)
    # First the fields, then the links: a changed e-mail or external id counts in matching at once.
    align_users(pull, Q(ref__in=linked), now)
    fresh = link_contacts(pull, [ref for ref in changed if ref not in set(linked)])
    align_users(pull, Q(ref__in=fresh), now)
    return len(changed)


def _new_contact(
    pull: Pull, ref: str, contact: wire.Contact, tag_names: dict[str, str], companies: list[str] | None, seen: int
) -> NewContact:
    email, external_id = key(contact.email, 254), key(contact.external_id, 255)
    name, role = short(contact.name, 255), short(contact.role, 32)
    ids = companies if companies is not None else contact.company_ids
    company_refs = [company for value in ids if (company := key(value, 128))]
    facts = contact_facts(contact, tag_names)
    return NewContact(
        workspace=pull.workspace,
        ref=ref,
        external_id=external_id,
        email=email,
        email_key=email_key(email)[:254],
        name=name,
        role=role,
        company_refs=to_json(company_refs).decode(),
        facts=to_json(facts).decode(),
        fingerprint=mark((external_id, email, name, role, company_refs, facts)),
        remote_updated_at=moment(contact.updated_at) or 0,
        last_seen_at=moment(contact.last_seen_at) or 0,
        changed_at=seen,
        seen_at=seen,
    )


def link_contacts(pull: Pull, refs: Sequence[str]) -> list[str]:
    """Links unlinked contacts to the users that they are. Returns the contacts that were linked."""
    if not refs:
        return []
    pull.people.load_contacts(refs)
    pull.people.load_users(refs)
    links: list[LinkRow] = []
    notes: list[NoteRow] = []
    linked: list[str] = []
    for ref in refs:
        row = pull.people.contacts.get(ref)
        if row is None or row.pk is None:
            continue
        found = pull.people.find(ref)
        if found.user is not None and found.user.id != row.user_id:
            links.append(LinkRow(row.pk, found.user.id, found.how))
            linked.append(ref)
            row.user_id, row.matched_by, row.match_note = found.user.id, found.how, ""
        elif found.user is None and (note := "ambiguous" if found.ambiguous else "") != row.match_note:
            notes.append(NoteRow(row.pk, note))
            row.match_note = note
    save_links(pull, links, notes)
    return linked


def save_links(pull: Pull, links: Sequence[LinkRow], notes: Sequence[NoteRow] = ()) -> None:
    """Stores which users contacts are, and why others are nobody's."""
    bulk.update(IntercomContact, pull.organization_id, links)
    bulk.update(IntercomContact, pull.organization_id, notes)


def align_users(pull: Pull, which: Q, now: datetime) -> None:
    """Brings the fields of linked contacts over to their users. Of several contacts that are one user, `primary`
    decides; a user without a customer gets the one that its companies are."""
    ids = set(
        IntercomContact.objects.filter(which, workspace=pull.workspace, user__isnull=False).values_list(
            "user_id", flat=True
        )
    )
    if not ids:
        return
    users = CustomerUser.objects.in_bulk(ids)
    contacts: dict[int, list[ContactRow]] = {}
    for row in IntercomContact.objects.filter(workspace=pull.workspace, user__in=ids).exclude(
        state=IntercomContact.State.MERGED
    ):
        contacts.setdefault(int(row.user_id or 0), []).append(_as_row(row))
    maps = fields.mapping(pull.connection.field_rules, "user")
    sources = {pk: found for pk, rows in contacts.items() if (found := matching.primary(rows)) is not None}
    lacking = {row.external_id for pk, row in sources.items() if not users[pk].external_id and row.external_id}
    taken = (
        set(CustomerUser.objects.filter(external_id__in=lacking).values_list("external_id", flat=True))
        if lacking
        else set()
    )
    customers = _customers_for(pull, {pk: contacts[pk] for pk in sources if users[pk].customer_id is None})
    changed: dict[tuple[str, ...], list[CustomerUser]] = {}
    for pk, source in sources.items():
        user = users[pk]
        facts = _contact_record(source)
        facts["last_seen_at"] = max((one.facts.get("last_seen_at") or 0 for one in contacts[pk]), default=0) or None
        names, conflicts = fields.apply(user, maps, facts, now=now, taken=taken.__contains__)
        if "external_id" in names:
            taken.add(user.external_id or "")
        if conflicts:
            pull.warn(f"The external ID {source.external_id!r} belongs to another user, so “{user}” keeps its own.")
        if customers.get(pk) is not None and "customer" not in user.field_sources:
            _attach(user, customers[pk], now)
            names = [*names, "customer_id", "field_sources", "updated_at", "updated_by"]
        if names:
            changed.setdefault(tuple(sorted(set(names))), []).append(user)
    for columns, records in changed.items():
        CustomerUser.objects.bulk_update(records, ["customer" if name == "customer_id" else name for name in columns])
        pull.counts.users_updated += len(records)
        for user in records:
            if user.pk in pull.people.users.by_id or "email" in columns or "external_id" in columns:
                pull.people.forget()
                break


def _attach(user: CustomerUser, customer_id: int | None, now: datetime) -> None:
    user.customer_id = customer_id
    source = {"source": fields.SOURCE, "at": now.isoformat(timespec="seconds"), "by": "Intercom"}
    user.field_sources = {**user.field_sources, "customer": source}
    user.updated_at, user.updated_by = now, "Intercom"


def _as_row(row: IntercomContact) -> ContactRow:
    return ContactRow(
        ref=row.ref,
        pk=row.pk,
        external_id=row.external_id,
        email=row.email,
        email_key=row.email_key,
        name=row.name,
        role=row.role,
        company_refs=row.company_refs,
        facts=row.facts,
        state=row.state,
        merged_into=row.merged_into,
        user_id=row.user_id,
        matched_by=row.matched_by,
        match_note=row.match_note,
    )


def _contact_record(row: ContactRow) -> dict[str, Any]:
    return {**row.facts, "name": row.name, "email": row.email, "external_id": row.external_id, "role": row.role}


def _customers_for(pull: Pull, contacts: dict[int, list[ContactRow]]) -> dict[int, int | None]:
    """The customer of each group of contacts that are one user: by the companies of the primary contact, else by
    those of the others, else (when the switch is on) by e-mail domain. Several customers: none."""
    if not contacts:
        return {}
    pull.people.load_companies(ref for rows in contacts.values() for row in rows for ref in row.company_refs)
    by_domain: dict[str, set[int]] = {}
    if pull.connection.match_domains:
        by_domain = customers_by_domain(domains.of_email(row.email) for rows in contacts.values() for row in rows)
    result: dict[int, int | None] = {}
    for pk, rows in contacts.items():
        first = matching.primary(rows)
        mine = pull.people.customers_of(first.company_refs) if first else []
        candidates = set(mine) - {None} or {c for row in rows for c in pull.people.customers_of(row.company_refs)} - {
            None
        }
        if not candidates:
            candidates = {c for row in rows for c in by_domain.get(domains.of_email(row.email), set())}
        result[pk] = matching.only(candidates)
    return result


def create_users(pull: Pull, refs: Sequence[str], how: str = "created") -> list[str]:
    """Makes users for contacts that match nobody and links them. Returns the contacts that have a user now.

    Several contacts with one e-mail address are one user, whose facts come from the primary one. Must run inside
    `Pull.commit`; the contacts must be stored as active.
    """
    people, now = pull.people, clock.now()
    known_refs = [ref for ref in dict.fromkeys(refs) if ref in people.contacts]
    sharing = people.load_sharing(people.contacts[ref].email_key for ref in known_refs)
    # Looked up only now: reading those who share an address has put fresh rows in the place of the old ones.
    wanted = [people.contacts[ref] for ref in known_refs]
    people.load_users([row.ref for row in sharing])
    groups: dict[str, list[ContactRow]] = {}
    for row in sharing:
        if row.state != "merged":
            groups.setdefault(row.email_key, []).append(row)
    for row in wanted:
        rows = groups.setdefault(row.email_key or f"ref:{row.ref}", [])
        if all(row.ref != other.ref for other in rows):
            rows.append(row)
    relevant = {row.email_key or f"ref:{row.ref}" for row in wanted}
    links: list[LinkRow] = []
    fresh: dict[int, list[ContactRow]] = {}
    for number_, name in enumerate(sorted(relevant)):
        rows = groups[name]
        matched = {found.user.id: found.user for row in rows if (found := people.find(row.ref)).user is not None}
        if len(matched) == 1:
            user_id = next(iter(matched.values())).id
            links += [LinkRow(row.pk, user_id, "email") for row in rows if row.pk is not None and row.user_id is None]
            for row in rows:
                row.user_id = row.user_id if row.user_id is not None else user_id
        elif not matched:
            fresh[number_] = rows
    people.load_details(row for rows in fresh.values() for row in rows)
    customers = _customers_for(pull, fresh)
    externals = {row.external_id for rows in fresh.values() for row in rows if row.external_id}
    taken = (
        set(CustomerUser.objects.filter(external_id__in=externals).values_list("external_id", flat=True))
        if externals
        else set()
    )
    maps = fields.mapping(pull.connection.field_rules, "user")
    made: list[tuple[CustomerUser, list[ContactRow]]] = []
    for group, rows in fresh.items():
        first = matching.primary(rows)
        assert first is not None
        user = CustomerUser(organization=pull.organization, created_at=now)
        fields.apply(user, maps, _contact_record(first), now=now, taken=taken.__contains__, new=True)
        if user.external_id:
            taken.add(user.external_id)
        user.email_key = email_key(user.email)
        if (customer := customers.get(group)) is not None:
            _attach(user, customer, now)
        made.append((user, rows))
    CustomerUser.objects.bulk_create([user for user, _ in made])
    pull.counts.users_created += len(made)
    for user, rows in made:
        people.add_user(UserRow(user.pk, user.customer_id, False), user.external_id or "", user.email_key)
        for row in rows:
            row.user_id, row.matched_by, row.match_note = user.pk, how, ""
            if row.pk is not None:
                links.append(LinkRow(row.pk, user.pk, how))
    save_links(pull, links)
    return [row.ref for row in wanted if row.user_id is not None]
