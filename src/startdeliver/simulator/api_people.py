"""The API of contacts and companies (OpenAPI 2.16: Contacts, Companies)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from startdeliver.simulator import shapes
from startdeliver.simulator.access import READ_LIST, READ_ONE, READ_WRITE_USERS, WRITE_USERS
from startdeliver.simulator.errors import ApiError, company_not_found, contact_not_found, invalid
from startdeliver.simulator.model import Company, Contact
from startdeliver.simulator.naming import words
from startdeliver.simulator.paging import Order, Page, check_per_page, decode_cursor, parse_pagination, parse_sort
from startdeliver.simulator.query import Field, Filter, Grammar, parse
from startdeliver.simulator.routing import Call, Routes
from startdeliver.simulator.searchable import CONTACT_FIELDS

CONTACTS_LISTED, CONTACTS_SEARCHED, MAX_PAGE = 10, 50, 150
COMPANIES_LISTED, COMPANIES_MAX, COMPANIES_CAP = 15, 60, 10_000
ATTACHED = 50
MAX_SPEND = 2**31 - 1
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CONTACT_WRITES = frozenset(
    words(
        "role external_id email email_verified phone name avatar signed_up_at last_seen_at owner_id "
        "unsubscribed_from_emails custom_attributes"
    )
)
_COMPANY_CREATES = frozenset(
    words(
        "name company_id plan size website industry custom_attributes remote_created_at update_last_request_at "
        "monthly_spend"
    )
)
_COMPANY_UPDATES = frozenset(words("name plan size website industry custom_attributes monthly_spend"))

routes = Routes()


# Contacts: reading


@routes.get("/contacts", READ_LIST)
def list_contacts(call: Call) -> dict[str, Any]:
    per_page = check_per_page(call.query.get("per_page"), CONTACTS_LISTED, MAX_PAGE)
    page = call.workspace.contact_search.page(
        Filter(), Order("created_at", False), per_page, call.query.get("starting_after"), "list"
    )
    return _contact_page(call, page)


@routes.post("/contacts/search", READ_LIST)
def search_contacts(call: Call) -> dict[str, Any]:
    body = call.json()
    workspace = call.workspace
    grammar = Grammar(lambda name: _contact_field(call, name), day_zone=workspace.timezone)
    filter_ = parse(body.get("query"), grammar)
    order = parse_sort(body.get("sort"), lambda name: grammar.fields(name) is not None)
    per_page, cursor = parse_pagination(body.get("pagination"), CONTACTS_SEARCHED, MAX_PAGE)
    call.faults.page_asked(call.path, 1 if cursor is None else decode_cursor(cursor)[2])
    key = msgspec.json.encode([body.get("query"), order.field, order.descending, workspace.timezone]).decode()
    return _contact_page(call, workspace.contact_search.page(filter_, order, per_page, cursor, key))


def _contact_field(call: Call, name: str) -> Field | None:
    if not name.startswith("custom_attributes."):
        return CONTACT_FIELDS.get(name)
    found = call.workspace.attribute("contact", name.removeprefix("custom_attributes."))
    if found is None:
        return None
    return Field("integer" if found.data_type == "float" else found.data_type)


def _contact_page(call: Call, page: Page) -> dict[str, Any]:
    workspace = call.workspace
    found = [workspace.contacts.indexed(i) for i in page.ids]
    return {
        "type": "list",
        "data": [shapes.contact(workspace, c) for c in found if c is not None],
        "total_count": page.total,
        "pages": page.pages(),
    }


def _live(call: Call, contact_id: str) -> Contact:
    try:
        return call.workspace.live_contact(contact_id)
    except ApiError as error:
        if error.status == 410 and call.version < (2, 16):
            raise contact_not_found() from None
        raise


@routes.get("/contacts/{id}", READ_LIST, READ_ONE)
def get_contact(call: Call) -> dict[str, Any]:
    return shapes.contact(call.workspace, _live(call, call.id))


@routes.get("/contacts/find_by_external_id/{id}", READ_LIST, READ_ONE, since=(2, 13))
def find_contact(call: Call) -> dict[str, Any]:
    """Users only. A merged contact answers 410 here too (ShowContactByExternalId)."""
    workspace = call.workspace
    for contact_id in sorted(workspace.contacts_by_external.get(call.id, ())):
        contact = workspace.contact(contact_id)
        if contact.active and contact.role == "user":
            return shapes.contact(workspace, contact)
    for contact in workspace.contacts:
        if contact.merged_into and contact.external_id == call.id:
            _live(call, contact.id)
    raise contact_not_found()


@routes.get("/contacts/{id}/companies", READ_LIST, READ_ONE)
def contact_companies(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    ids = contact.company_ids
    page = call.number("page", 1)
    per_page = check_per_page(call.query.get("per_page"), ATTACHED, ATTACHED)
    chosen = [call.workspace.companies[i] for i in ids[(page - 1) * per_page : page * per_page]]
    more = page * per_page < len(ids)
    return {
        "type": "list",
        "data": [shapes.company(call.workspace, c) for c in chosen],
        "pages": {
            "type": "pages",
            "next": call.page_url(page=page + 1, per_page=per_page) if more else None,
            "page": page,
            "per_page": per_page,
            "total_pages": -(-len(ids) // per_page),
        },
        "total_count": len(ids),
    }


@routes.get("/contacts/{id}/tags", READ_LIST, READ_ONE)
def contact_tags(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    names = call.workspace.tags
    return {"type": "list", "data": [{"type": "tag", "id": i, "name": names[i].name} for i in contact.tag_ids]}


@routes.get("/contacts/{id}/notes", READ_LIST, READ_ONE)
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
                "author": shapes.author(n.author),
                "body": n.body,
            }
            for n in notes
        ],
        "total_count": len(notes),
        "pages": {"type": "pages", "next": None, "page": 1, "per_page": 50, "total_pages": 1 if notes else 0},
    }


@routes.get("/contacts/{id}/merge_history", READ_LIST, READ_ONE, since=(2, 16))
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


# Contacts: writing


def _contact_values(call: Call, body: dict[str, Any], current: Contact | None) -> dict[str, Any]:
    """Return the fields to store. Raise 400 for read-only fields (a fetched contact sent back as it is)."""
    for name in body:
        if name not in _CONTACT_WRITES:
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
    """Raise 409 when another contact has the external id, or another user the e-mail (OpenAPI docs PR 543)."""
    workspace = call.workspace
    rivals = set(workspace.contacts_by_external.get(str(values.get("external_id") or ""), ()))
    if role == "user":
        same_mail = workspace.contacts_by_email.get(str(values.get("email") or "").lower(), ())
        rivals |= {i for i in same_mail if workspace.contact(i).role == "user"}
    for rival_id in sorted(rivals - {own_id}):
        rival = workspace.contact(rival_id)
        if rival.archived:
            raise ApiError(
                409, "conflict", f"An archived contact matching those details already exists with id={rival_id}"
            )
        if rival.active:
            raise ApiError(409, "conflict", f"A contact matching those details already exists with id={rival_id}")


@routes.post("/contacts", READ_WRITE_USERS, WRITE_USERS)
def create_contact(call: Call) -> dict[str, Any]:
    """Create strictly: it is not an upsert."""
    body = call.json()
    values = _contact_values(call, body, None)
    if not any(values.get(k) for k in ("email", "external_id", "role")):
        raise invalid("one of email, external_id or role is required", code="parameter_not_found")
    role = values.pop("role", None) or "user"
    _conflict(call, values, role, None)
    return shapes.contact(call.workspace, call.workspace.add_contact(role=role, **values))


@routes.put("/contacts/{id}", READ_WRITE_USERS, WRITE_USERS)
def update_contact(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    values = _contact_values(call, call.json(), contact)
    changed = {k: v for k, v in values.items() if k in ("external_id", "email")}
    _conflict(call, changed, values.get("role") or contact.role, contact.id)
    return shapes.contact(call.workspace, call.workspace.set_contact(contact.id, **values))


@routes.delete("/contacts/{id}", READ_WRITE_USERS, WRITE_USERS)
def delete_contact(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    call.workspace.delete_contact(contact.id)
    return shapes.contact_reference(contact, deleted=True)


def _known(call: Call) -> Contact:
    contact = call.workspace.contacts.get(call.id)
    if contact is None or contact.deleted:
        raise contact_not_found()
    return contact


@routes.post("/contacts/{id}/archive", READ_WRITE_USERS, WRITE_USERS)
def archive_contact(call: Call) -> dict[str, Any]:
    contact = _known(call)
    call.workspace.archive_contact(contact.id)
    return shapes.contact_reference(contact, archived=True)


@routes.post("/contacts/{id}/unarchive", READ_WRITE_USERS, WRITE_USERS)
def unarchive_contact(call: Call) -> dict[str, Any]:
    contact = _known(call)
    call.workspace.unarchive_contact(contact.id)
    return shapes.contact_reference(contact, archived=False)


@routes.post("/contacts/merge", READ_WRITE_USERS, WRITE_USERS)
def merge_contacts(call: Call) -> dict[str, Any]:
    """A lead into a user; from 2.16 only duplicates, unless the check is skipped (MergeContact)."""
    body = call.json()
    source, target = _live(call, str(body.get("from"))), _live(call, str(body.get("into")))
    if source.role != "lead" or target.role != "user":
        raise invalid("Only a lead can be merged into a user", code="invalid_merge")
    same = (source.email and (source.email or "").lower() == (target.email or "").lower()) or (
        source.phone and source.phone == target.phone
    )
    if not same and call.version >= (2, 16) and body.get("skip_duplicate_validation") is not True:
        raise invalid(
            "Contacts can only be merged when they are duplicates (matching email or phone). "
            "Pass skip_duplicate_validation=true to override this check.",
            code="invalid_merge",
        )
    return shapes.contact(call.workspace, call.workspace.merge_contacts(source.id, target.id))


@routes.post("/contacts/{id}/companies", READ_WRITE_USERS, WRITE_USERS)
def attach_company(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    wanted = call.json().get("id")
    if not wanted:
        raise invalid("company not specified", code="parameter_not_found")
    company = call.workspace.live_company(str(wanted))
    return shapes.company(call.workspace, call.workspace.attach(contact.id, company.id))


@routes.delete("/contacts/{id}/companies/{company_id}", READ_WRITE_USERS, WRITE_USERS)
def detach_company(call: Call) -> dict[str, Any]:
    contact = _live(call, call.id)
    company = call.workspace.live_company(call.params[1])
    return shapes.company(call.workspace, call.workspace.detach(contact.id, company.id))


# Companies: reading


def _company_list(call: Call, found: list[Company], page: int, per_page: int) -> dict[str, Any]:
    chosen = found[(page - 1) * per_page : page * per_page]
    more = page * per_page < len(found)
    return {
        "type": "list",
        "data": [shapes.company(call.workspace, c) for c in chosen],
        "pages": {
            "type": "pages",
            "next": call.page_url(page=page + 1, per_page=per_page) if more else None,
            "page": page,
            "per_page": per_page,
            "total_pages": -(-len(found) // per_page),
        },
        "total_count": len(found),
    }


@routes.get("/companies", READ_LIST, READ_ONE)
def find_companies(call: Call) -> dict[str, Any]:
    """By company_id or name: one company. By tag_id or segment_id: a list. Without a filter: 400."""
    workspace, query = call.workspace, call.query
    alive = [c for c in workspace.companies.values() if not c.deleted]
    if "company_id" in query or "name" in query:
        field = "company_id" if "company_id" in query else "name"
        for company in alive:
            if getattr(company, field) == query[field]:
                return shapes.company(workspace, company)
        raise company_not_found()
    if "tag_id" in query:
        found = [c for c in alive if query["tag_id"] in c.tag_ids]
    elif "segment_id" in query:
        found = []
    else:
        raise invalid("one of company_id, name, tag_id or segment_id is required", code="parameter_not_found")
    per_page = check_per_page(query.get("per_page"), COMPANIES_LISTED, COMPANIES_MAX)
    return _company_list(call, found, call.number("page", 1), per_page)


@routes.post("/companies/list", READ_LIST)
def list_companies(call: Call) -> dict[str, Any]:
    """Newest request first by default, an order that moves; 10,000 at most; `pages.next` is an address to POST to."""
    per_page = check_per_page(call.query.get("per_page"), COMPANIES_LISTED, COMPANIES_MAX)
    page = call.number("page", 1)
    order = call.query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise invalid("order must be asc or desc", field="order")
    if page * per_page > COMPANIES_CAP:
        raise invalid("page limit reached, please use scroll API", code="client_error")
    call.faults.page_asked(call.path, page)
    found = sorted(
        call.workspace.visible_companies(), key=lambda c: (c.last_request_at or 0, c.id), reverse=order == "desc"
    )
    return _company_list(call, found, page, per_page)


@routes.get("/companies/scroll", READ_LIST)
def scroll_companies(call: Call) -> dict[str, Any]:
    workspace = call.workspace
    param = call.query.get("scroll_param")
    if param:
        ids, param = call.scroll.next(param)
    else:
        ids, param = call.scroll.start([c.id for c in workspace.visible_companies()])
    companies = [workspace.companies[i] for i in ids]
    return {
        "type": "list",
        "data": [shapes.company(workspace, c) for c in companies if not c.deleted],
        "pages": None,
        "total_count": None,
        "scroll_param": param,
    }


@routes.get("/companies/{id}", READ_LIST, READ_ONE)
def get_company(call: Call) -> dict[str, Any]:
    return shapes.company(call.workspace, call.workspace.live_company(call.id))


@routes.get("/companies/{id}/contacts", READ_LIST, READ_ONE)
def company_contacts(call: Call) -> dict[str, Any]:
    workspace = call.workspace
    company = workspace.live_company(call.id)
    people = [c for i in sorted(company.contact_ids) if (c := workspace.contact(i)).active]
    page = call.number("page", 1)
    per_page = check_per_page(call.query.get("per_page"), ATTACHED, MAX_PAGE)
    chosen = people[(page - 1) * per_page : page * per_page]
    pages: dict[str, Any] = {"type": "pages", "page": page}
    if page * per_page < len(people):
        pages["next"] = call.page_url(page=page + 1, per_page=per_page)
    return {
        "type": "list",
        "data": [shapes.contact(workspace, c) for c in chosen],
        "total_count": len(people),
        "pages": pages | {"per_page": per_page, "total_pages": -(-len(people) // per_page)},
    }


@routes.get("/companies/{id}/segments", READ_LIST, READ_ONE)
def company_segments(call: Call) -> dict[str, Any]:
    call.workspace.live_company(call.id)
    return {"type": "list", "data": []}


# Companies: writing


def _company_values(call: Call, body: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    for name in body:
        if name not in allowed:
            raise invalid(f"bad '{name}' parameter", code="bad_request")
    values = {k: v for k, v in body.items() if k not in ("custom_attributes", "update_last_request_at", "company_id")}
    for name in ("name", "plan", "website", "industry"):
        if values.get(name) is not None and not isinstance(values[name], str):
            raise invalid(f"bad '{name}' parameter", code="bad_request")
    for name in ("size", "remote_created_at"):
        if values.get(name) is not None and (isinstance(values[name], bool) or not isinstance(values[name], int)):
            raise invalid(f"bad '{name}' parameter", code="bad_request")
    if "monthly_spend" in values:
        spend = values["monthly_spend"]
        if isinstance(spend, bool) or not isinstance(spend, int | float) or spend > MAX_SPEND:
            raise invalid("bad 'monthly_spend' parameter", code="bad_request")
        values["monthly_spend"] = int(spend)
    if values.get("plan") == "":
        values["plan"] = None
    if "custom_attributes" in body:
        values["custom_attributes"] = call.workspace.check_attributes("company", body["custom_attributes"])
    return values


@routes.post("/companies", WRITE_USERS)
def upsert_company(call: Call) -> dict[str, Any]:
    """Create, or update the company that has this `company_id` (createOrUpdateCompany)."""
    workspace, body = call.workspace, call.json()
    values = _company_values(call, body, _COMPANY_CREATES)
    key = body.get("company_id")
    if key is None and not body.get("name"):
        raise invalid("company_id or name is required", code="parameter_not_found")
    if body.get("update_last_request_at"):
        values["last_request_at"] = workspace.seconds()
    known = workspace.companies_by_external.get(str(key)) if key is not None else None
    if known is None:
        company = workspace.add_company(company_id=str(key) if key is not None else None, **values)
    else:
        company = workspace.set_company(known, **values)
    return shapes.company(workspace, company)


@routes.put("/companies/{id}", WRITE_USERS)
def update_company(call: Call) -> dict[str, Any]:
    company = call.workspace.live_company(call.id)
    values = _company_values(call, call.json(), _COMPANY_UPDATES)
    return shapes.company(call.workspace, call.workspace.set_company(company.id, **values))


@routes.delete("/companies/{id}", WRITE_USERS)
def delete_company(call: Call) -> dict[str, Any]:
    company = call.workspace.live_company(call.id)
    call.workspace.delete_company(company.id)
    return {"id": company.id, "object": "company", "deleted": True}
