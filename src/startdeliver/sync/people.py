"""What matching needs from the database, for a page of records at a time and never record by record.

`People` remembers what it has read for as long as one stage lasts, within bounds: contacts come again and again in the
pages of a listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.db.models.expressions import RawSQL

from startdeliver.customers.models import Customer, CustomerUser, email_key
from startdeliver.storage.sql import among
from startdeliver.sync import matching
from startdeliver.sync.matching import ContactRow, Found, Person, Ref, UserRow, Users
from startdeliver.sync.models import IntercomCompany, IntercomContact

_REMEMBERED = 20_000

CONTACT_COLUMNS = (
    "ref",
    "pk",
    "external_id",
    "email",
    "email_key",
    "name",
    "role",
    "state",
    "merged_into",
    "user_id",
    "matched_by",
    "match_note",
)


class People:
    """The contacts, users and companies of one workspace as read so far; asks the database only for what is new."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace
        self.users = Users()
        self.contacts: dict[str, ContactRow] = {}
        self.companies: dict[str, int | None] = {}
        self._external_asked: set[str] = set()
        self._email_asked: set[str] = set()

    def forget(self) -> None:
        """Drops what was read; for the beginning of a stage, and after rows changed behind its back."""
        self.users = Users()
        self.contacts.clear()
        self.companies.clear()
        self._external_asked.clear()
        self._email_asked.clear()

    # ------------------------------------------------------------------------------------------------------- contacts

    def load_contacts(self, refs: Iterable[str]) -> set[str]:
        """Reads the stored contacts `refs` and those that they were merged into. Returns the unknown refs."""
        if len(self.contacts) > _REMEMBERED or len(self.users.by_id) > _REMEMBERED:
            self.forget()
        wanted = set(refs)
        missing = wanted - self.contacts.keys()
        for _ in range(matching.MAX_HOPS + 1):
            if not missing:
                break
            found = self._read_contacts(among("ref", missing))
            missing = {row.merged_into for row in found if row.state == "merged" and row.merged_into}
            missing -= self.contacts.keys()
        return {ref for ref in wanted if ref not in self.contacts}

    def load_sharing(self, email_keys: Iterable[str]) -> list[ContactRow]:
        """The contacts that have one of these e-mail addresses."""
        keys = {key for key in email_keys if key}
        return self._read_contacts(among("email_key", keys)) if keys else []

    def _read_contacts(self, condition: RawSQL) -> list[ContactRow]:
        rows = IntercomContact.objects.filter(condition, workspace=self.workspace).values_list(*CONTACT_COLUMNS)
        found = [ContactRow(**dict(zip(CONTACT_COLUMNS, row, strict=True))) for row in rows]
        self.contacts.update((row.ref, row) for row in found)
        return found

    def load_details(self, rows: Iterable[ContactRow]) -> None:
        """Fills in `company_refs` and `facts`, which matching does not need but making users does."""
        by_ref = {row.ref: row for row in rows}
        details = IntercomContact.objects.filter(workspace=self.workspace, ref__in=by_ref)
        for ref, company_refs, facts in details.values_list("ref", "company_refs", "facts"):
            by_ref[ref].company_refs, by_ref[ref].facts = company_refs, facts

    # ---------------------------------------------------------------------------------------------------------- users

    def load_users(self, refs: Iterable[str], external_ids: Iterable[str] = (), email_keys: Iterable[str] = ()) -> None:
        """Reads the users that the contacts `refs` (already loaded) and the further keys can mean."""
        linked: set[int] = set()
        externals, emails = set(external_ids), set(email_keys)
        for ref in refs:
            for row in self._chain(ref):
                if row.user_id is not None:
                    known = self.users.by_id.get(row.user_id)
                    if known is None:
                        linked.add(row.user_id)
                        continue
                    if not known.archived:
                        continue
                externals.add(row.external_id)
                emails.add(row.email_key)
        if linked:
            self._read_users(Q(pk__in=linked))
            for ref in refs:
                for row in self._chain(ref):
                    known = self.users.by_id.get(row.user_id) if row.user_id in linked else None
                    if row.user_id in linked and (known is None or known.archived):
                        externals.add(row.external_id)
                        emails.add(row.email_key)
        externals = {key for key in externals if key} - self._external_asked
        emails = {key for key in emails if key} - self._email_asked
        if externals:
            self._external_asked |= externals
            self._read_users(Q(external_id__in=externals))
        if emails:
            self._email_asked |= emails
            self._read_users(Q(email_key__in=emails))

    def load_participants(self, refs: Sequence[Ref]) -> None:
        """Reads everything that `participant` needs for these contacts."""
        self.load_contacts(ref.ref for ref in refs)
        unknown = [ref for ref in refs if not self._is_active(ref.ref)]
        self.load_users(
            [ref.ref for ref in refs],
            [ref.external_id for ref in unknown],
            [email_key(ref.email) for ref in unknown],
        )

    def participant(self, ref: Ref) -> Person:
        """Who a participant is. What the conversation says of a contact counts only when Intercom says nothing of it
        any more: 404, or 410 without a survivor."""
        if self._is_active(ref.ref):
            return self.person(ref.ref)
        return self.person(ref.ref, ref.external_id, email_key(ref.email))

    def is_new(self, person: Person) -> bool:
        """Whether this is a contact that Intercom knows and that is no user here."""
        return person.user is None and not person.ambiguous and self._is_active(person.ref)

    def _is_active(self, ref: str) -> bool:
        row = self.contacts.get(ref)
        return row is not None and row.state == "active"

    def _chain(self, ref: str) -> list[ContactRow]:
        rows = [self.contacts[ref]] if ref in self.contacts else []
        last = matching.survivor(ref, self.contacts)
        if last != ref and last in self.contacts:
            rows.append(self.contacts[last])
        return rows

    def _read_users(self, condition: Q) -> None:
        users = CustomerUser.objects.filter(condition)
        for pk, customer_id, archived_at, external_id, email in users.values_list(
            "pk", "customer_id", "archived_at", "external_id", "email_key"
        ):
            self.add_user(UserRow(pk, customer_id, archived_at is not None), external_id or "", email)

    def add_user(self, user: UserRow, external_id: str, email_key: str) -> None:
        """Makes a user known, also one that was made just now."""
        self.users.by_id[user.id] = user
        if external_id:
            self.users.by_external[external_id] = user.id
        if email_key:
            sharing = self.users.by_email.setdefault(email_key, [])
            if user.id not in sharing:
                sharing.append(user.id)

    def find(self, ref: str, external_id: str = "", email_key: str = "") -> Found:
        """The user of a contact; everything that it needs must have been loaded."""
        return matching.find_contact(ref, self.contacts, self.users, external_id=external_id, email_key=email_key)

    def person(self, ref: str, external_id: str = "", email_key: str = "") -> Person:
        found = self.find(ref, external_id, email_key)
        return Person(matching.survivor(ref, self.contacts), found.user, found.ambiguous)

    # ------------------------------------------------------------------------------------------------------ companies

    def load_companies(self, refs: Iterable[str]) -> set[str]:
        """Reads which customers the companies `refs` are. Returns the unknown refs."""
        missing = {ref for ref in refs if ref} - self.companies.keys()
        if missing:
            rows = IntercomCompany.objects.filter(workspace=self.workspace, ref__in=missing)
            self.companies.update(rows.values_list("ref", "customer_id"))
        return {ref for ref in missing if ref not in self.companies}

    def customers_of(self, company_refs: Sequence[str]) -> list[int | None]:
        return [self.companies.get(ref) for ref in company_refs]


def customers_by_domain(domains: Iterable[str]) -> dict[str, set[int]]:
    """The customers (not archived) that have one of these domains."""
    wanted = {domain for domain in domains if domain}
    found: dict[str, set[int]] = {}
    if wanted:
        for pk, domain in Customer.objects.filter(domain__in=wanted, archived_at__isnull=True).values_list(
            "pk", "domain"
        ):
            found.setdefault(domain, set()).add(pk)
    return found
