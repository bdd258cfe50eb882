"""The API of contacts (OpenAPI 2.16, Contacts)."""

from __future__ import annotations

import re
from typing import Any

from startdeliver.simulator.api.access import Scope
from startdeliver.simulator.api.listing import MAX_PAGE, page_of, parse_search
from startdeliver.simulator.api.routing import Call, Routes
from startdeliver.simulator.errors import ApiError, contact_not_found, invalid
from startdeliver.simulator.model.records import Contact
from startdeliver.simulator.search.fields import CONTACT_FIELDS
from startdeliver.simulator.search.query import Field, Filter, Grammar
from startdeliver.simulator.search.searcher import Order, Page, check_per_page
from startdeliver.simulator.serializers import conversations, people

CONTACTS_LISTED, CONTACTS_SEARCHED = 10, 50
ATTACHED = 50
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_WRITABLE = (
    "role external_id email email_verified phone name avatar signed_up_at last_seen_at owner_id "
    "unsubscribed_from_emails custom_attributes"
).split()
routes = Routes()


# Reading


@routes.get("/contacts", Scope.READ_LIST)
def list_contacts(call: Call) -> dict[str, Any]:
    per_page = check_per_page(call.query.get("per_page"), CONTACTS_LISTED, MAX_PAGE)
    page = call.workspace.contact_search.page(
        Filter(), Order("created_at", False), per_page, call.query.get("starting_after"), "list"
    )
    return _contact_page(call, page)


@routes.post("/contacts/search", Scope.READ_LIST)
def search_contacts(call: Call) -> dict[str, Any]:
    timezone = call.workspace.timezone
    grammar = Grammar(lambda name: _contact_field(call, name), day_zone=timezone)
    search = parse_search(call, grammar, CONTACTS_SEARCHED)
    page = call.workspace.contact_search.page(
        search.filter, search.order, search.per_page, search.cursor, f"{search.key} {timezone}"
    )
    return _contact_page(call, page)


def _contact_field(call: Call, name: str) -> Field | None:
    if not name.startswith("custom_attributes."):
        return CONTACT_FIELDS.get(name)
    attribute = call.workspace.attribute("contact", name.removeprefix("custom_attributes."))
    if attribute is None:
        return None
    return Field("integer" if attribute.data_type == "float" else attribute.data_type)


def _contact_page(call: Call, page: Page) -> dict[str, Any]:
    workspace = call.workspace
    contacts = [workspace.contacts.indexed(i) for i in page.ids]
    return {
        "type": "list",
        "data": [people.contact(workspace, c) for c in contacts if c is not None],
        "total_count": page.total,
        "pages": page.pages(),
    }


def _live(call: Call, contact_id: str) -> Contact:
    """Return an active contact. Raise ApiError 410 for a merged one (2.16), otherwise 404."""
    try:
        return call.workspace.live_contact(contact_id)
    except ApiError as error:
        if error.status == 410 and call.version < (2, 16):
            raise contact_not_found() from None
        raise


@routes.get("/contacts/{id}", Scope.READ_LIST, Scope.READ_ONE)
def get_contact(call: Call) -> dict[str, Any]:
    return people.contact(call.workspace, _live(call, call.id))


@routes.get("/contacts/find_by_external_id/{id}", Scope.READ_LIST, Scope.READ_ONE, since=(2, 13))
def find_contact(call: Call) -> dict[str, Any]:
    """Find a user by external id. A merged contact answers 410 here too (ShowContactByExternalId)."""
    workspace = call.workspace
    for contact_id in sorted(workspace.contacts_by_external.get(call.id, ())):
        contact = workspace.contact(contact_id)
        if contact.active and contact.role == "user":
            return people.contact(workspace, contact)
    for contact in workspace.contacts:
        if contact.merged_into and contact.external_id == call.id:
            _live(call, contact.id)
    raise contact_not_found()


@routes.get("/contacts/{id}/companies", Scope.READ_LIST, Scope.READ_ONE)
def contact_companies(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    company_ids, pages = page_of(call, contact.company_ids, ATTACHED, ATTACHED)
    return {
        "type": "list",
        "data": [people.company(call.workspace, call.workspace.companies[i]) for i in company_ids],
        "pages": pages,
        "total_count": len(contact.company_ids),
    }


@routes.get("/contacts/{id}/tags", Scope.READ_LIST, Scope.READ_ONE)
def contact_tags(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    return {"type": "list", "data": [people.tag(call.workspace.tags[i]) for i in contact.tag_ids]}


@routes.get("/contacts/{id}/notes", Scope.READ_LIST, Scope.READ_ONE)
def contact_notes(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    notes = [call.workspace.notes[i] for i in contact.note_ids]
    return {
        "type": "list",
        "data": [
            {
                "type": "note",
                "id": n.id,
                "created_at": n.created_at,
                "contact": {"type": "contact", "id": n.contact_id},
                "author": conversations.author(n.author),
                "body": n.body,
            }
            for n in notes
        ],
        "total_count": len(notes),
        "pages": {"type": "pages", "next": None, "page": 1, "per_page": 50, "total_pages": 1 if notes else 0},
    }


@routes.get("/contacts/{id}/merge_history", Scope.READ_LIST, Scope.READ_ONE, since=(2, 16))
def merge_history(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    if contact.role != "user":
        raise ApiError(404, "not_found", "Contact not found")
    merged = [c for c in call.workspace.contacts if c.merged_into == contact.id]
    return {
        "type": "list",
        "data": [
            {
                "type": "merge_history",
                "source_contact_id": c.id,
                "source_contact_role": c.role,
                "merged_at": c.merged_at,
            }
            for c in sorted(merged, key=lambda c: c.merged_at or 0, reverse=True)
        ],
        "next_cursor": None,
        "has_more": False,
    }


# Writing


def _contact_values(call: Call, body: dict[str, Any], current: Contact | None) -> dict[str, Any]:
    """Return the fields to store. Raise ApiError 400 for read-only fields, for example of a fetched contact."""
    for name in body:
        if name not in _WRITABLE:
            raise invalid(f"{name} is not a writable parameter", field=name)
    workspace = call.workspace
    values = {k: v for k, v in body.items() if k not in ("custom_attributes", "email_verified")}
    role = values.get("role") or (current.role if current else "user")
    if role not in ("user", "lead"):
        raise invalid(f"role '{role}' must be user or lead", field="role")
    if "email_verified" in body and not body.get("email"):
        raise invalid("email_verified needs an email", field="email_verified")
    email = values.get("email")
    if email and not _EMAIL.fullmatch(str(email)):
        raise invalid("email is not valid", field="email")
    if (owner := values.get("owner_id")) is not None:
        if str(owner) not in workspace.admins:
            raise invalid("owner_id does not belong to a member of the workspace", field="owner_id")
        values["owner_id"] = str(owner)
    for name in ("signed_up_at", "last_seen_at"):
        if values.get(name) is not None and (isinstance(values[name], bool) or not isinstance(values[name], int)):
            raise invalid(f"{name} must be a unix timestamp", field=name, code="type_mismatch")
    for name in ("external_id", "email", "phone", "name", "avatar"):
        if values.get(name) is not None and not isinstance(values[name], str):
            raise invalid(f"{name} must be a string", field=name, code="type_mismatch")
    if "custom_attributes" in body:
        values["custom_attributes"] = workspace.check_attributes("contact", body["custom_attributes"], role)
    return values


def _conflict(call: Call, values: dict[str, Any], role: str, own_id: str | None) -> None:
    """Raise ApiError 409 when another contact has the external id, or another user the e-mail (OpenAPI docs PR 543)."""
    workspace = call.workspace
    rivals = set(workspace.contacts_by_external.get(str(values.get("external_id") or ""), ()))
    if role == "user":
        same_mail = workspace.contacts_by_email.get(str(values.get("email") or "").lower(), ())
        rivals |= {i for i in same_mail if workspace.contact(i).role == "user"}
    for rival_id in sorted(rivals - {own_id}):
        rival = workspace.contact(rival_id)
        if rival.archived or rival.active:
            kind = "An archived contact" if rival.archived else "A contact"
            raise ApiError(409, "conflict", f"{kind} matching those details already exists with id={rival_id}")


@routes.post("/contacts", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def create_contact(call: Call) -> dict[str, Any]:
    """Create a contact. This is not an upsert."""
    body = call.json()
    values = _contact_values(call, body, None)
    if not any(values.get(k) for k in ("email", "external_id", "role")):
        raise invalid("one of email, external_id or role is required", code="parameter_not_found")
    role = values.pop("role", None) or "user"
    _conflict(call, values, role, None)
    return people.contact(call.workspace, call.workspace.add_contact(role=role, **values))


@routes.put("/contacts/{id}", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def update_contact(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    values = _contact_values(call, call.json(), contact)
    changed = {k: v for k, v in values.items() if k in ("external_id", "email")}
    _conflict(call, changed, values.get("role") or contact.role, contact.id)
    return people.contact(call.workspace, call.workspace.set_contact(contact.id, **values))


@routes.delete("/contacts/{id}", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def delete_contact(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    call.workspace.delete_contact(contact.id)
    return people.contact_reference(contact, deleted=True)


def _active_or_archived(call: Call) -> Contact:
    contact = call.workspace.contacts.get(call.id)
    if contact is None or contact.deleted:
        raise contact_not_found()
    return contact


@routes.post("/contacts/{id}/archive", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def archive_contact(call: Call) -> dict[str, Any]:
    contact = _active_or_archived(call)
    call.workspace.archive_contact(contact.id)
    return people.contact_reference(contact, archived=True)


@routes.post("/contacts/{id}/unarchive", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def unarchive_contact(call: Call) -> dict[str, Any]:
    contact = _active_or_archived(call)
    call.workspace.unarchive_contact(contact.id)
    return people.contact_reference(contact, archived=False)


@routes.post("/contacts/merge", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def merge_contacts(call: Call) -> dict[str, Any]:
    """Merge a lead into a user. From 2.16 they must be duplicates, unless the check is skipped (MergeContact)."""
    body = call.json()
    source, target = _live(call, str(body.get("from"))), _live(call, str(body.get("into")))
    if source.role != "lead" or target.role != "user":
        raise invalid("Only a lead can be merged into a user", code="invalid_merge")
    same_email = source.email and source.email.lower() == (target.email or "").lower()
    same_phone = source.phone and source.phone == target.phone
    if not (same_email or same_phone) and call.version >= (2, 16) and body.get("skip_duplicate_validation") is not True:
        raise invalid(
            "Contacts can only be merged when they are duplicates (matching email or phone). "
            "Pass skip_duplicate_validation=true to override this check.",
            code="invalid_merge",
        )
    return people.contact(call.workspace, call.workspace.merge_contacts(source.id, target.id))


@routes.post("/contacts/{id}/companies", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def attach_company(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    company_id = call.json().get("id")
    if not company_id:
        raise invalid("company not specified", code="parameter_not_found")
    company = call.workspace.live_company(str(company_id))
    return people.company(call.workspace, call.workspace.attach(contact.id, company.id))


@routes.delete("/contacts/{id}/companies/{company_id}", Scope.READ_WRITE_USERS, Scope.WRITE_USERS)
def detach_company(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    company = call.workspace.live_company(call.params[1])
    return people.company(call.workspace, call.workspace.detach(contact.id, company.id))
