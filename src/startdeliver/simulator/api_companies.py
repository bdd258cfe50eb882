"""The API of companies (OpenAPI 2.16, Companies)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator import shapes
from startdeliver.simulator.access import READ_LIST, READ_ONE, WRITE_USERS
from startdeliver.simulator.errors import company_not_found, invalid
from startdeliver.simulator.model import Company
from startdeliver.simulator.naming import words
from startdeliver.simulator.paging import check_per_page
from startdeliver.simulator.routing import Call, Routes

COMPANIES_LISTED, COMPANIES_MAX, COMPANIES_CAP = 15, 60, 10_000
ATTACHED, MAX_PAGE = 50, 150
MAX_SPEND = 2**31 - 1
_COMPANY_CREATES = frozenset(
    words(
        "name company_id plan size website industry custom_attributes remote_created_at update_last_request_at "
        "monthly_spend"
    )
)
_COMPANY_UPDATES = frozenset(words("name plan size website industry custom_attributes monthly_spend"))

routes = Routes()


# Reading


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


# Writing


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
