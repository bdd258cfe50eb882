"""The API of companies (OpenAPI 2.16, Companies)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator.api.access import Scope
from startdeliver.simulator.api.listing import MAX_PAGE, is_descending, page_of
from startdeliver.simulator.api.routing import Call, Routes
from startdeliver.simulator.errors import company_not_found, invalid
from startdeliver.simulator.model.records import Company
from startdeliver.simulator.search.searcher import check_per_page
from startdeliver.simulator.serializers import people

COMPANIES_LISTED, COMPANIES_MAX, COMPANIES_CAP = 15, 60, 10_000
ATTACHED = 50
MAX_SPEND = 2**31 - 1
_UPDATABLE = ("name", "plan", "size", "website", "industry", "custom_attributes", "monthly_spend")
_CREATABLE = (*_UPDATABLE, "company_id", "remote_created_at", "update_last_request_at")

routes = Routes()


# Reading


def _company_list(call: Call, companies: list[Company]) -> dict[str, Any]:
    chosen, pages = page_of(call, companies, COMPANIES_LISTED, COMPANIES_MAX)
    return {
        "type": "list",
        "data": [people.company(call.workspace, c) for c in chosen],
        "pages": pages,
        "total_count": len(companies),
    }


@routes.get("/companies", Scope.READ_LIST, Scope.READ_ONE)
def find_companies(call: Call) -> dict[str, Any]:
    """Return one company by company_id or name, or a list by tag_id or segment_id. Without a filter, answer 400."""
    workspace, query = call.workspace, call.query
    companies = [c for c in workspace.companies.values() if not c.deleted]
    if "company_id" in query or "name" in query:
        field = "company_id" if "company_id" in query else "name"
        for company in companies:
            if getattr(company, field) == query[field]:
                return people.company(workspace, company)
        raise company_not_found()
    if "tag_id" in query:
        return _company_list(call, [c for c in companies if query["tag_id"] in c.tag_ids])
    if "segment_id" in query:
        return _company_list(call, [])
    raise invalid("one of company_id, name, tag_id or segment_id is required", code="parameter_not_found")


@routes.post("/companies/list", Scope.READ_LIST)
def list_companies(call: Call) -> dict[str, Any]:
    """List at most 10,000 companies, newest request first by default. `pages.next` is a URL to POST to."""
    per_page = check_per_page(call.query.get("per_page"), COMPANIES_LISTED, COMPANIES_MAX)
    page = call.number("page", 1)
    descending = is_descending(call)
    if page * per_page > COMPANIES_CAP:
        raise invalid("page limit reached, please use scroll API", code="client_error")
    call.faults.page_asked(call.path, page)
    companies = call.workspace.visible_companies()
    companies.sort(key=lambda c: (c.last_request_at or 0, c.id), reverse=descending)
    return _company_list(call, companies)


@routes.get("/companies/scroll", Scope.READ_LIST)
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
        "data": [people.company(workspace, c) for c in companies if not c.deleted],
        "pages": None,
        "total_count": None,
        "scroll_param": param,
    }


@routes.get("/companies/{id}", Scope.READ_LIST, Scope.READ_ONE)
def get_company(call: Call) -> dict[str, Any]:
    return people.company(call.workspace, call.workspace.live_company(call.id))


@routes.get("/companies/{id}/contacts", Scope.READ_LIST, Scope.READ_ONE)
def company_contacts(call: Call) -> dict[str, Any]:
    workspace = call.workspace
    company = workspace.live_company(call.id)
    contacts = [c for i in sorted(company.contact_ids) if (c := workspace.contact(i)).active]
    chosen, pages = page_of(call, contacts, ATTACHED, MAX_PAGE)
    if pages["next"] is None:
        del pages["next"]
    return {
        "type": "list",
        "data": [people.contact(workspace, c) for c in chosen],
        "total_count": len(contacts),
        "pages": pages,
    }


@routes.get("/companies/{id}/segments", Scope.READ_LIST, Scope.READ_ONE)
def company_segments(call: Call) -> dict[str, Any]:
    call.workspace.live_company(call.id)
    return {"type": "list", "data": []}


# Writing


def _company_values(call: Call, body: dict[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    for name in body:
        if name not in allowed:
            raise invalid(f"bad '{name}' parameter", code="bad_request")
    values = {k: v for k, v in body.items() if k not in ("custom_attributes", "update_last_request_at", "company_id")}
    for names, kind in ((("name", "plan", "website", "industry"), str), (("size", "remote_created_at"), int)):
        for name in names:
            value = values.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
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


@routes.post("/companies", Scope.WRITE_USERS)
def upsert_company(call: Call) -> dict[str, Any]:
    """Create a company, or update the one that has this `company_id` (createOrUpdateCompany)."""
    workspace, body = call.workspace, call.json()
    values = _company_values(call, body, _CREATABLE)
    key = body.get("company_id")
    if key is None and not body.get("name"):
        raise invalid("company_id or name is required", code="parameter_not_found")
    if body.get("update_last_request_at"):
        values["last_request_at"] = workspace.seconds()
    company_id = None if key is None else str(key)
    existing = workspace.companies_by_external.get(company_id or "")
    if existing is None:
        company = workspace.add_company(company_id=company_id, **values)
    else:
        company = workspace.set_company(existing, **values)
    return people.company(workspace, company)


@routes.put("/companies/{id}", Scope.WRITE_USERS)
def update_company(call: Call) -> dict[str, Any]:
    company = call.workspace.live_company(call.id)
    values = _company_values(call, call.json(), _UPDATABLE)
    return people.company(call.workspace, call.workspace.set_company(company.id, **values))


@routes.delete("/companies/{id}", Scope.WRITE_USERS)
def delete_company(call: Call) -> dict[str, Any]:
    company = call.workspace.live_company(call.id)
    call.workspace.delete_company(company.id)
    return {"id": company.id, "object": "company", "deleted": True}
