"""Making companies and contacts in Intercom for customers and users that have none there: only when allowed.

Sources: OpenAPI 2.16. POST /companies changes the company that has this `company_id` already, so that one is looked for
first (GET /companies?company_id= finds those without contacts too), and what exists is linked, not written.
POST /contacts makes strictly; for one that exists it answers 409 with its id (undocumented), which is then linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser, email_key
from startdeliver.intercom import Conflict, Fetcher, IntercomError, Kind, NotFound, wire
from startdeliver.sync import intercom_records
from startdeliver.sync.models import Connection, IntercomCompany, IntercomContact, PushLog, PushRun
from startdeliver.sync.push import choices
from startdeliver.sync.push.sources import COMPANY, CONTACT
from startdeliver.sync.text import key, short
from startdeliver.tenancy.models import Organization

# Contacts cost money there: a push that is to stop makes no more than these.
_BATCH = 100


def missing_companies(link: Connection) -> QuerySet[Customer]:
    """Customers that could be a company in Intercom and are none: they have an external id, which is its key there."""
    there = IntercomCompany.objects.filter(workspace=link.workspace)
    known = there.filter(Q(customer=OuterRef("pk")) | Q(company_id=OuterRef("external_id")))
    rows = Customer.objects.filter(archived_at__isnull=True, external_id__isnull=False).exclude(external_id="")
    return rows.exclude(Exists(known))


def missing_contacts(link: Connection) -> QuerySet[CustomerUser]:
    """Users who could be a contact in Intercom and are none: they have an e-mail address or an external id."""
    there = IntercomContact.objects.filter(workspace=link.workspace, user=OuterRef("pk"))
    named = ~Q(email="") | (Q(external_id__isnull=False) & ~Q(external_id=""))
    rows = CustomerUser.objects.filter(named, archived_at__isnull=True, has_left_at__isnull=True, is_non_user=False)
    return rows.exclude(Exists(there))


def counts(organization: Organization, link: Connection) -> tuple[int, int]:
    """How many companies and contacts a push would make."""
    found = choices.settings_of(organization)
    if not organization.advanced:
        return 0, 0
    companies = missing_companies(link).count() if found.create_companies else 0
    return companies, missing_contacts(link).count() if found.create_contacts else 0


def run(
    organization: Organization, link: Connection, run: PushRun, fetcher: Fetcher, alive: Callable[[], object]
) -> None:
    """Makes what is missing and allowed. What Intercom refuses is logged and tried again at the next push; what
    concerns everything is raised as IntercomError. `alive` is called between batches and raises what ends the push."""
    found = choices.settings_of(organization)
    if not organization.advanced or found.accepted_at is None:
        return
    if found.create_companies:
        for customers in _batches(missing_companies(link)):
            alive()
            _companies(link, run, fetcher, customers)
    if found.create_contacts:
        for users in _batches(missing_contacts(link).select_related("customer")):
            alive()
            _contacts(link, run, fetcher, users)


def _batches(rows: QuerySet[Any]) -> Iterator[dict[int, Any]]:
    last = 0
    while True:
        found = {one.pk: one for one in rows.filter(pk__gt=last).order_by("pk")[:_BATCH]}
        if not found:
            return
        last = max(found)
        yield found


def _companies(link: Connection, run: PushRun, fetcher: Fetcher, customers: dict[int, Customer]) -> None:
    async def make(pk: int) -> tuple[wire.Company, bool]:
        # One without contacts is in no list of Intercom's, and POST would change it: it is asked for by its id first.
        one, client = customers[pk], fetcher.client
        try:
            found = await client.find_company_by_external_id(str(one.external_id))
        except NotFound:
            return await client.upsert_company({"company_id": one.external_id, "name": one.name}), True
        return found, False

    for pk, result in fetcher.map_unordered(make, customers):
        one = customers[pk]
        with transaction.atomic():
            if isinstance(result, IntercomError):
                _refused(run, COMPANY, one.pk, one.name, result)
                continue
            answer, made = result
            row = IntercomCompany(
                organization_id=link.organization_id,
                workspace=link.workspace,
                ref=key(answer.id, 128),
                company_id=key(answer.company_id, 255),
                name=short(answer.name, 255),
                facts=intercom_records.company_facts(answer),
                customer=one,
                matched_by="pushed",
            )
            row.fingerprint = intercom_records.fingerprint(row)
            known = IntercomCompany.objects.filter(workspace=link.workspace, ref=row.ref)
            if not known.exists():
                row.save()
            else:
                known.filter(customer__isnull=True).update(customer=one, matched_by="pushed")
            if made:
                _made(run, COMPANY, one.pk, row.ref, one.name, {"company_id": one.external_id})


def _contacts(link: Connection, run: PushRun, fetcher: Fetcher, users: dict[int, CustomerUser]) -> None:
    homes = {one.customer_id for one in users.values() if one.customer_id}
    live = IntercomCompany.objects.filter(workspace=link.workspace, customer__in=homes).order_by("-gone_at", "pk")
    company_of = {row.customer_id: row.ref for row in live}

    async def make(pk: int) -> wire.Contact:
        one, client = users[pk], fetcher.client
        fields = {"role": "user", "email": one.email, "external_id": one.external_id, "name": one.name}
        try:
            made = await client.create_contact({name: value for name, value in fields.items() if value})
        except Conflict as error:
            if error.archived or not error.existing_id:
                raise
            made = await client.contact(error.existing_id)
        if company := company_of.get(one.customer_id):
            await client.attach_contact(made.id, company)
        return made

    for pk, answer in fetcher.map_unordered(make, users):
        one = users[pk]
        with transaction.atomic():
            if isinstance(answer, IntercomError):
                _refused(run, CONTACT, one.pk, str(one), answer)
                continue
            company = company_of.get(one.customer_id)
            row = IntercomContact(
                organization_id=link.organization_id,
                workspace=link.workspace,
                ref=key(answer.id, 128),
                external_id=key(answer.external_id, 255),
                email=key(answer.email, 254),
                email_key=email_key(answer.email)[:254],
                name=short(answer.name, 255),
                role=short(answer.role, 32),
                company_refs=list(dict.fromkeys([*answer.company_ids, *([company] if company else [])])),
                facts=intercom_records.contact_facts(answer, {}),
                user=one,
                matched_by="pushed",
            )
            row.fingerprint = intercom_records.fingerprint(row)
            known = IntercomContact.objects.filter(workspace=link.workspace, ref=row.ref)
            if not known.exists():
                row.save()
            elif not known.filter(user__isnull=True).update(user=one, matched_by="pushed"):
                continue
            _made(run, CONTACT, one.pk, row.ref, str(one), {"email": one.email, "external_id": one.external_id})


def _made(run: PushRun, model: str, record: int, ref: str, label: str, after: dict[str, Any]) -> None:
    _log(run, model, record, ref, label, after, PushLog.Outcome.WRITTEN, "Made in Intercom, as you allowed.")


def _refused(run: PushRun, model: str, record: int, label: str, error: IntercomError) -> None:
    if error.kind in (Kind.CONFIG, Kind.TRANSIENT, Kind.RATE_LIMITED):
        raise error
    _log(
        run, model, record, "", label, {}, PushLog.Outcome.FAILED, f"It could not be made in Intercom. {error.sentence}"
    )


def _log(
    run: PushRun, model: str, record: int, ref: str, label: str, after: dict[str, Any], outcome: str, sentence: str
) -> None:
    PushLog.objects.create(
        organization_id=run.organization_id, run=run, model=model, record=record, ref=ref, label=short(label, 255),
        after=after, outcome=outcome, sentence=sentence[:500], at=clock.now(),
    )  # fmt: skip
