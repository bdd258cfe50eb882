"""What Intercom knows of companies and contacts: kept here, linked to customers and users, their fields brought
over."""

from startdeliver.sync.intercom_records.asking import all_companies, ask_companies, ask_contacts, mark_contacts
from startdeliver.sync.intercom_records.companies import align_customers, company_facts, link_companies, store_companies
from startdeliver.sync.intercom_records.contacts import (
    LinkRow,
    align_users,
    contact_facts,
    create_users,
    link_contacts,
    save_links,
    store_contacts,
)
from startdeliver.sync.intercom_records.shared import NoteRow, fingerprint

__all__ = [
    "LinkRow",
    "NoteRow",
    "align_customers",
    "align_users",
    "all_companies",
    "ask_companies",
    "ask_contacts",
    "company_facts",
    "contact_facts",
    "create_users",
    "fingerprint",
    "link_companies",
    "link_contacts",
    "mark_contacts",
    "save_links",
    "store_companies",
    "store_contacts",
]
