"""Companies as Intercom knows them, the customers that they are, and their fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.intercom import wire
from startdeliver.storage import bulk
from startdeliver.sync import domains, fields
from startdeliver.sync.intercom_records.shared import KEY, NoteRow, custom, mark, to_json
from startdeliver.sync.models import IntercomCompany
from startdeliver.sync.people import customers_by_domain
from startdeliver.sync.pull.work import Pull
from startdeliver.sync.text import key, number, short


@dataclass(slots=True, kw_only=True)
class CompanyRow:
    """The columns of an `IntercomCompany`. Moments are unix seconds, facts are JSON text."""

    workspace: str
    ref: str
    changed_at: int
    seen_at: int
    company_id: str = ""
    name: str = ""
    facts: str = "{}"
    fingerprint: str = ""
    matched_by: str = ""
    match_note: str = ""
    gone_at: int | None = None


class CompanyLink(NamedTuple):
    """The customer that a company is, and how that was found."""

    id: int
    customer_id: int
    matched_by: str
    match_note: str = ""


_UPDATED = ("company_id", "name", "facts", "fingerprint", "changed_at", "seen_at", "gone_at")


def company_facts(company: wire.Company) -> dict[str, Any]:
    """What is kept of a company, beside its ids and its name."""
    return {
        "website": short(company.website, 500),
        "plan": short(company.plan_name, 255),
        "size": number(company.size),
        "industry": short(company.industry, 255),
        "monthly_spend": company.monthly_spend,
        "tags": [short(name, 255) for name in company.tag_names],
        "custom_attributes": custom(company.custom_attributes),
    }


def store_companies(pull: Pull, companies: Iterable[wire.Company], *, swept: bool = False) -> int:
    """Stores companies, links them to customers (made here when the switch is on), and aligns the
    fields of those that changed. Returns how many changed. Must run inside `Pull.commit`. `swept`: they were listed by
    the sweep."""
    by_ref = {ref: company for company in companies if (ref := key(company.id, 128))}
    if not by_ref:
        return 0
    now = clock.now()
    seen = int(now.timestamp())
    known = dict(
        IntercomCompany.objects.filter(workspace=pull.workspace, ref__in=by_ref).values_list("ref", "fingerprint")
    )
    rows = []
    for ref, company in by_ref.items():
        own, name, facts = key(company.company_id, 255), short(company.name, 255), company_facts(company)
        stamp = mark((own, name, facts))
        if known.get(ref) != stamp:
            rows.append(
                CompanyRow(
                    workspace=pull.workspace,
                    ref=ref,
                    company_id=own,
                    name=name,
                    facts=to_json(facts).decode(),
                    fingerprint=stamp,
                    changed_at=seen,
                    seen_at=seen,
                )
            )
    bulk.upsert(IntercomCompany, pull.organization_id, rows, key=KEY, update=_UPDATED)
    if swept:
        IntercomCompany.objects.filter(workspace=pull.workspace, ref__in=by_ref).update(seen_at=now, gone_at=None)
    changed = [row.ref for row in rows]
    # Unlinked ones are looked at again whenever they are seen, since the customer may have come meanwhile.
    link_companies(pull, Q(ref__in=by_ref), now)
    align_customers(pull, Q(ref__in=changed), now)
    for ref in by_ref:
        pull.people.companies.pop(ref, None)
    return len(changed)


def link_companies(pull: Pull, which: Q, now: datetime) -> int:
    """Links unlinked companies to the customers that they are. Returns how many were linked."""
    rows = list(IntercomCompany.objects.filter(which, workspace=pull.workspace, customer__isnull=True))
    if not rows:
        return 0
    externals = {row.company_id for row in rows if row.company_id}
    by_external = dict(Customer.objects.filter(external_id__in=externals).values_list("external_id", "pk"))
    by_domain: dict[str, set[int]] = {}
    if pull.connection.match_domains:
        by_domain = customers_by_domain(domains.of_website(str(row.facts.get("website") or "")) for row in rows)
    linked: list[CompanyLink] = []
    noted: list[NoteRow] = []
    to_create = []
    for row in rows:
        customer = by_external.get(row.company_id) if row.company_id else None
        sharing = by_domain.get(domains.of_website(str(row.facts.get("website") or "")), set())
        if customer is not None:
            linked.append(CompanyLink(row.pk, customer, "external_id"))
        elif len(sharing) == 1:
            linked.append(CompanyLink(row.pk, next(iter(sharing)), "domain"))
        elif sharing:
            if row.match_note != "ambiguous":
                noted.append(NoteRow(row.pk, "ambiguous"))
        elif pull.connection.create_customers and row.gone_at is None:
            to_create.append(row)
    linked += _create_customers(pull, to_create, now)
    bulk.update(IntercomCompany, pull.organization_id, linked)
    bulk.update(IntercomCompany, pull.organization_id, noted)
    for row in rows:
        pull.people.companies.pop(row.ref, None)
    return len(linked)


def _create_customers(pull: Pull, rows: Sequence[IntercomCompany], now: datetime) -> list[CompanyLink]:
    maps = fields.mapping(pull.connection.field_rules, "customer")
    made: dict[str, Customer] = {}
    chosen: list[tuple[int, Customer]] = []
    for row in rows:
        same = row.company_id or f"ref:{row.ref}"
        customer = made.get(same)
        if customer is None:
            customer = made[same] = Customer(organization=pull.organization, created_at=now)
            fields.apply(customer, maps, _company_record(row), now=now, new=True)
            customer.name = customer.name or row.company_id or row.ref
        chosen.append((row.pk, customer))
    Customer.objects.bulk_create(list(made.values()))
    pull.counts.customers_created += len(made)
    return [CompanyLink(pk, customer.pk, "created") for pk, customer in chosen]


def _company_record(row: IntercomCompany) -> dict[str, Any]:
    return {**row.facts, "name": row.name, "company_id": row.company_id}


def align_customers(pull: Pull, which: Q, now: datetime) -> None:
    """Brings the fields of linked companies over to their customers. Of several companies that are one customer, the
    one with its external id counts, else the lowest id."""
    ids = set(
        IntercomCompany.objects.filter(which, workspace=pull.workspace, customer__isnull=False).values_list(
            "customer_id", flat=True
        )
    )
    if not ids:
        return
    customers = Customer.objects.in_bulk(ids)
    sources: dict[int, IntercomCompany] = {}
    for row in IntercomCompany.objects.filter(workspace=pull.workspace, customer__in=ids, gone_at__isnull=True):
        customer = customers[int(row.customer_id or 0)]
        best = sources.get(customer.pk)
        if best is None or _rank(row, customer) < _rank(best, customer):
            sources[customer.pk] = row
    maps = fields.mapping(pull.connection.field_rules, "customer")
    lacking = {row.company_id for pk, row in sources.items() if not customers[pk].external_id and row.company_id}
    taken = (
        set(Customer.objects.filter(external_id__in=lacking).values_list("external_id", flat=True))
        if lacking
        else set()
    )
    changed: dict[tuple[str, ...], list[Customer]] = {}
    for pk, row in sources.items():
        customer = customers[pk]
        names, conflicts = fields.apply(customer, maps, _company_record(row), now=now, taken=taken.__contains__)
        if "external_id" in names:
            taken.add(customer.external_id or "")
        if conflicts:
            pull.warn(
                f"The company ID {row.company_id!r} belongs to another customer, so “{customer.name}” keeps its own."
            )
        if names:
            changed.setdefault(tuple(sorted(set(names))), []).append(customer)
    for columns, records in changed.items():
        Customer.objects.bulk_update(records, columns)
        pull.counts.customers_updated += len(records)


def _rank(row: IntercomCompany, customer: Customer) -> tuple[bool, str]:
    return (not row.company_id or row.company_id != customer.external_id, row.ref)
