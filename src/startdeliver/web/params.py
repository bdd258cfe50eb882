"""Reads search texts, ids and pages from addresses and forms, which may contain anything."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from django.db.models import Manager, Model, QuerySet
from django.http import Http404, HttpRequest, QueryDict

from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Member

M = TypeVar("M", bound=Model)
MOST_PICKED = 1000


def search_text(params: QueryDict, name: str = "q") -> str:
    """Returns the search text, at most 200 characters."""
    return params.get(name, "").strip()[:200]


def id_of(text: str) -> int | None:
    """Returns the id in `text`; None for anything that is not the id of a row."""
    return int(text) if text.isdecimal() and len(text) < 19 and int(text) < 2**63 else None


def row_of(rows: Manager[M] | QuerySet[M], text: str) -> M | None:
    """Returns the row of `rows` whose id is in `text`, or None."""
    pk = id_of(text)
    return None if pk is None else rows.filter(pk=pk).first()


def customer_of(params: QueryDict) -> Customer | None:
    """Returns the customer in `customer=`, None without it. Raises Http404 when there is no such customer."""
    text = params.get("customer", "")
    customer = row_of(Customer.objects, text)
    if text and customer is None:
        raise Http404("There is no such customer.")
    return customer


def picked(request: HttpRequest, name: str = "pick") -> list[int]:
    """Returns the ids of the rows that were ticked, 1,000 at most."""
    ids = [id_of(text) for text in request.POST.getlist(name)]
    return [pk for pk in ids if pk is not None][:MOST_PICKED]


def csm_of(text: str, member: Member) -> int | None:
    """Returns the member's id of a filter by CSM; 0 for customers without a CSM, None for no filter."""
    return {"me": member.pk, "none": 0}.get(text) if text in ("me", "none") else id_of(text) or None


def choice(params: QueryDict, name: str, allowed: Collection[str], otherwise: str = "") -> str:
    """Returns the parameter if it is one of `allowed`, else `otherwise`."""
    value = params.get(name, "")
    return value if value in allowed else otherwise


def back(request: HttpRequest, otherwise: str, *below: str) -> str:
    """Returns the page to go back to, `next` of the form, when it is one of the addresses `below` or under one."""
    target = request.POST.get("next", "")
    fits = any(target == address or target.startswith((f"{address}?", f"{address}/")) for address in below)
    return target if fits else otherwise
