"""Contacts and companies: the operations that change them, with Intercom's rules where the API calls them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from startdeliver.simulator.errors import ApiError, company_not_found, contact_not_found, invalid
from startdeliver.simulator.model.records import Author, Company, Contact, Note
from startdeliver.simulator.model.state import State, locked

MAX_COMPANIES = 1000
MAX_MERGES_FOLLOWED = 3


class People(State):
    """Operations on contacts and companies. Those named `add_…`, `set_…` or `archive_…` check nothing."""

    # Contacts

    @locked
    def add_contact(
        self,
        name: str | None = None,
        email: str | None = None,
        *,
        role: str = "user",
        external_id: str | None = None,
        companies: Iterable[Company] = (),
        created_at: int | None = None,
        updated_at: int | None = None,
        **fields: Any,
    ) -> Contact:
        """Add a contact. `fields` are other fields of Contact. Times are unix seconds, by default now."""
        created = self.seconds() if created_at is None else created_at
        contact = Contact(
            id=self.hex_id("contact", 0x6762_F0CD),
            created_at=created,
            updated_at=created if updated_at is None else updated_at,
            role=role,
            external_id=external_id,
            email=email,
            name=name,
            **fields,
        )
        self.contacts.add(contact)
        self._index(contact)
        self.note_change(f"contact.{contact.role}.created", "contact", contact.id)
        for company in companies:
            self._attach(contact, company)
        return contact

    def _indexes(self, contact: Contact) -> list[tuple[dict[str, set[str]], str]]:
        """Return each index that holds the contact, with its key there."""
        indexes = []
        if contact.external_id:
            indexes.append((self.contacts_by_external, contact.external_id))
        if contact.email:
            indexes.append((self.contacts_by_email, contact.email.lower()))
        return indexes

    def _index(self, contact: Contact) -> None:
        for index, key in self._indexes(contact):
            index.setdefault(key, set()).add(contact.id)

    def _unindex(self, contact: Contact) -> None:
        for index, key in self._indexes(contact):
            index.get(key, set()).discard(contact.id)

    @locked
    def set_contact(self, contact_id: str, *, touch: bool = True, **fields: Any) -> Contact:
        """Set fields of a contact; `custom_attributes` are merged key by key. `touch` sets updated_at to now."""
        contact = self.contacts.edit(contact_id)
        self._unindex(contact)
        self.set_fields(contact, fields)
        self._index(contact)
        if touch:
            contact.updated_at = max(self.seconds(), contact.updated_at)
        self.references_version += 1
        self.contacts.changed(contact_id)
        self.note_change(f"contact.{contact.role}.updated", "contact", contact_id)
        return contact

    @locked
    def live_contact(self, contact_id: str) -> Contact:
        """Return an active contact. Raise 410 contact_merged with a Link header (2.16), else 404."""
        contact = self.contacts.get(contact_id)
        if contact is None or contact.deleted:
            raise contact_not_found()
        if contact.merged_into:
            target = self.canonical(contact)
            raise ApiError(
                410,
                "contact_merged",
                "This contact has been merged. See the 'Link' header for the canonical contact.",
                headers={"Link": f'</contacts/{target}>; rel="canonical"'},
            )
        if contact.archived:
            raise contact_not_found()
        return contact

    def canonical(self, contact: Contact) -> str:
        """Return the id of the contact that a merged one is part of now, following at most three merges."""
        target = contact.merged_into or contact.id
        for _ in range(MAX_MERGES_FOLLOWED - 1):
            following = self.contacts.get(target)
            if following is None or not following.merged_into:
                break
            target = following.merged_into
        return target

    @locked
    def archive_contact(self, contact_id: str) -> Contact:
        """Archive a contact: GET, list and search do not return it until it is unarchived."""
        contact = self.set_contact(contact_id, archived=True)
        self.note_change("contact.archived", "contact", contact_id)
        return contact

    @locked
    def unarchive_contact(self, contact_id: str) -> Contact:
        contact = self.set_contact(contact_id, archived=False)
        self.note_change("contact.unarchive", "contact", contact_id)
        return contact

    @locked
    def delete_contact(self, contact_id: str) -> None:
        contact = self.contacts.edit(contact_id)
        self._unindex(contact)
        for company_id in list(contact.company_ids):
            self._detach(contact, self.companies[company_id])
        contact.deleted = True
        self.contacts.changed(contact_id)
        self.note_change("contact.deleted", "contact", contact_id)

    @locked
    def merge_contacts(self, from_id: str, into_id: str, *, move_conversations: bool = True) -> Contact:
        """Merge one contact into another, with its companies, events and, by default, conversations."""
        source, target = self.contacts.edit(from_id), self.contacts.edit(into_id)
        self._unindex(source)
        for company_id in list(source.company_ids):
            company = self.companies[company_id]
            self._detach(source, company)
            if company_id not in target.company_ids:
                self._attach(target, company)
        source.merged_into = into_id
        source.merged_at = self.seconds()
        self.events.setdefault(into_id, []).extend(self.events.pop(from_id, []))
        target.updated_at = max(self.seconds(), target.updated_at)
        self.contacts.changed(from_id)
        self.contacts.changed(into_id)
        if move_conversations:
            for conversation_id in list(self.conversations_of.get(from_id, ())):
                conversation = self.conversations.edit(conversation_id)
                contact_ids = [into_id if c == from_id else c for c in conversation.contact_ids]
                conversation.contact_ids = list(dict.fromkeys(contact_ids))
                self.conversations.changed(conversation_id)
                self.conversations_of.setdefault(into_id, set()).add(conversation_id)
            self.conversations_of.pop(from_id, None)
        self.references_version += 1
        self.note_change("contact.merged", "contact", into_id)
        return target

    @locked
    def add_contact_note(self, contact_id: str, body: str, admin_id: str | None = None) -> Note:
        """Add a note about a contact, not in a conversation."""
        admin = self.admins[admin_id or self.me.id]
        author = Author("admin", admin.id, admin.name, admin.email)
        note = Note(str(self.count("note", 31)), contact_id, body, self.seconds(), author)
        self.notes[note.id] = note
        contact = self.contacts.edit(contact_id)
        contact.note_ids = [*contact.note_ids, note.id]
        self.contacts.changed(contact_id)
        return note

    @locked
    def tag_contact(self, contact_id: str, tag_name: str) -> None:
        tag = self.add_tag(tag_name)
        contact = self.contacts.edit(contact_id)
        if tag.id not in contact.tag_ids:
            contact.tag_ids = [*contact.tag_ids, tag.id]
            contact.updated_at = max(self.seconds(), contact.updated_at)
        self.contacts.changed(contact_id)

    # Companies

    @locked
    def add_company(
        self, name: str | None = None, company_id: str | None = None, *, created_at: int | None = None, **fields: Any
    ) -> Company:
        """Add a company. Without a `company_id` of the customer's own, one is generated."""
        created = self.seconds() if created_at is None else created_at
        company = Company(
            id=self.hex_id("company", 0x6762_F076),
            company_id=company_id or f"generated-{self.count('company_id')}",
            created_at=created,
            updated_at=fields.pop("updated_at", created),
            name=name,
            **fields,
        )
        self.companies[company.id] = company
        self.companies_by_external[company.company_id] = company.id
        self.note_change("company.created", "company", company.id)
        return company

    @locked
    def set_company(self, company_id: str, *, touch: bool = True, **fields: Any) -> Company:
        """Set fields of a company (by Intercom id) like `set_contact`."""
        company = self.companies[company_id]
        self.set_fields(company, fields)
        if touch:
            company.updated_at = max(self.seconds(), company.updated_at)
        company.version += 1
        self.note_change("company.updated", "company", company_id)
        return company

    @locked
    def live_company(self, company_id: str) -> Company:
        """Return a company by Intercom's id. Raise 404 company_not_found."""
        company = self.companies.get(company_id)
        if company is None or company.deleted:
            raise company_not_found()
        return company

    @locked
    def delete_company(self, company_id: str) -> None:
        company = self.companies[company_id]
        for contact_id in list(company.contact_ids):
            self._detach(self.contacts.edit(contact_id), company)
        company.deleted = True
        company.version += 1
        self.companies_by_external.pop(company.company_id, None)
        self.note_change("company.deleted", "company", company_id)

    @locked
    def tag_company(self, company_id: str, tag_name: str) -> None:
        tag = self.add_tag(tag_name)
        company = self.companies[company_id]
        if tag.id not in company.tag_ids:
            self.set_company(company_id, tag_ids=[*company.tag_ids, tag.id])

    def visible_companies(self) -> list[Company]:
        """Return the companies that list and scroll return: those with at least one active contact."""
        return [c for c in self.companies.values() if not c.deleted and self.user_count(c)]

    def user_count(self, company: Company) -> int:
        """Return the number of active contacts of a company."""
        return sum(1 for i in company.contact_ids if (c := self.contacts.get(i)) is not None and c.active)

    @locked
    def attach(self, contact_id: str, company_id: str) -> Company:
        """Attach a contact to a company, both by Intercom id. Raise 400 beyond 1,000 companies."""
        contact, company = self.contacts.get(contact_id), self.companies[company_id]
        if contact is None:
            raise contact_not_found()
        if company_id not in contact.company_ids and len(contact.company_ids) >= MAX_COMPANIES:
            raise invalid(
                f"Contact has reached the maximum of {MAX_COMPANIES} company associations",
                code="contact_company_limit_exceeded",
            )
        self._attach(contact, company)
        return company

    @locked
    def detach(self, contact_id: str, company_id: str) -> Company:
        company = self.companies[company_id]
        self._detach(self.contacts.edit(contact_id), company)
        return company

    def _attach(self, contact: Contact, company: Company) -> None:
        contact = self.contacts.edit(contact.id)
        if company.id not in contact.company_ids:
            contact.company_ids = [*contact.company_ids, company.id]
            company.contact_ids.add(contact.id)
            company.version += 1
            self.note_change("company.contact.attached", "company", company.id)
        self.contacts.changed(contact.id)

    def _detach(self, contact: Contact, company: Company) -> None:
        contact = self.contacts.edit(contact.id)
        if company.id in contact.company_ids:
            contact.company_ids = [c for c in contact.company_ids if c != company.id]
            company.contact_ids.discard(contact.id)
            company.version += 1
            self.note_change("company.contact.detached", "company", company.id)
        self.contacts.changed(contact.id)
