"""Rows of every kind for an organization, all with the same id.

A number in a request can therefore never refer to both organizations.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import F, ForeignKey, Model, QuerySet

from startdeliver.assessment.models import AiSettings, Assessment, LatestAssessment
from startdeliver.customers import custom
from startdeliver.customers.models import CsvImport, CsvProblem, Customer, CustomerUser, CustomField, SavedList
from startdeliver.support.models import SupportHealth, Thread, Ticket, TicketParticipant
from startdeliver.sync.models import (
    Connection,
    EventName,
    IntercomCompany,
    IntercomContact,
    PushLog,
    PushRun,
    Skip,
    SyncRun,
)
from startdeliver.tenancy.models import ApiKey, Member, Organization, Role
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage.models import Product, UsageEvent, UsageType
from startdeliver.workflows.models import Enrolment, Workflow

#: The kinds of records that an id in an address can refer to.
KINDS: dict[str, type[Model]] = {
    "organization": Organization,
    "member": Member,
    "apikey": ApiKey,
    "customer": Customer,
    "user": CustomerUser,
    "field": CustomField,
    "list": SavedList,
    "import": CsvImport,
    "ticket": Ticket,
    "skip": Skip,
    "run": SyncRun,
    "product": Product,
    "usagetype": UsageType,
    "workflow": Workflow,
    "eventname": EventName,
}
#: A word in the names of both organizations, so that a search would find all of them.
COMMON = "Quibble"


def fill(pk: int, mark: str, at: datetime) -> Organization:
    """Creates an organization with a row of every kind, each with the id `pk` and `mark` in its texts."""
    name, own = f"{mark} {COMMON}", {"pk": pk}
    organization = Organization.objects.create(**own, name=name, slug=mark.lower(), advanced=True)
    member = Member(**own, organization=organization, name=name, email=f"a@{mark.lower()}.test")
    member.role = Role.ADMINISTRATOR
    member.save()
    with organization_scope(organization):
        _rows(organization, member, own, name, mark.lower(), at)
    return organization


def _rows(organization: Organization, member: Member, own: dict[str, int], name: str, mark: str, at: datetime) -> None:
    pk, of = own["pk"], {"organization": organization}
    ApiKey(**own, **of, name=name, prefix=mark[:8], key_hash=mark).save()
    customer = Customer(**own, **of, name=name, external_id=mark, domain=f"{mark}.test", csm=member, arr=Decimal(7))
    customer.plan = customer.industry = name
    customer.custom = {f"customfield{mark.title()}": name}
    customer.save()
    user = CustomerUser(**own, **of, customer=customer, name=name, email=f"u@{mark}.test", external_id=mark)
    user.save()
    CustomerUser(**of, name=f"{name} alone", email=f"v@{mark}.test").save()
    field = CustomField(**own, **of, entity="customer", name=name, alias=f"customfield{mark.title()}", type="text")
    field.save()
    custom.write_many("customer", [(pk, field, name)])
    SavedList(**own, **of, name=name, owner=member, shared=True).save()
    content = zlib.compress(f"Name,ID\n{name},{mark}\n".encode())
    CsvImport(
        **{**own, **of, "target": "customer", "filename": f"{mark}.csv", "content": content, "encoding": "UTF-8"},
        separator=",",
        heads=["Name", "ID"],
        row_count=1,
        mapping={"0": "name", "1": "external_id"},
        status="checked",
        by=member.email,
        options={"decimal": "."},
        created_at=at,
    ).save()
    CsvProblem(**of, csv_import_id=pk, row=2, value=name, sentence=name).save()
    times = {"created_at": at, "updated_at": at, "clock_from": at}
    ticket = Ticket(**own, **of, **times, workspace=mark, external_id=mark, title=name, customer=customer)
    ticket.save()
    TicketParticipant(**of, ticket=ticket, user=user, contact_ref=mark, match="matched").save()
    Thread(**of, ticket=ticket, entries=f'[{{"id": "p1", "html": "<p>{name}</p>"}}]').save()
    SupportHealth(**of, customer=customer, status="poor", ticket_count=1, open_count=1).save()
    connection = Connection(**of, workspace=mark, workspace_name=name, saved_at=at, status="authenticated")
    connection.token = mark
    connection.save()
    SyncRun(**own, **of, connection=connection, trigger="cli", status="success", started_at=at, error=name).save()
    Skip(**own, **of, workspace=mark, external_id=mark, contact_ref=mark, reason="no_user", title=name).save()
    IntercomCompany(**of, workspace=mark, ref=mark, name=name, customer=customer).save()
    IntercomContact(**of, workspace=mark, ref=mark, name=name, email=f"u@{mark}.test", user=user).save()
    run = PushRun(**of, trigger="hand", status="success", error=name)
    run.save()
    PushLog(**of, run=run, model="company", ref=mark, label=name, outcome="failed", sentence=name).save()
    EventName(**own, **of, name=name, example=user).save()
    UsageType(**own, **of, name=name, alias=mark).save()
    Product(**own, **of, name=name, abbreviation=mark[:2].upper(), fair_target=1, good_target=2).save()
    UsageEvent(**own, **of, user=user, usage_type_id=pk, timestamp=1_793_000_000_000, external_id=mark).save()
    Workflow(**own, **of, name=name, key=mark).save()
    Enrolment(**own, **of, workflow_id=pk, customer=customer, entered_reason=name).save()
    verdict = Assessment(**own, **of, customer=customer, status="risk", evidence_hash=mark)
    verdict.save()
    LatestAssessment(**of, customer=customer, assessment=verdict, status="risk", line=name, evidence_hash=mark).save()
    AiSettings(**of, instructions=name).save()


def _models() -> list[tuple[type[Model], str]]:
    """Every model whose rows belong to an organization, and the way to it."""
    found = []
    for model in apps.get_models():
        names = {one.name for one in model._meta.concrete_fields}
        if model is Organization:
            found.append((model, "pk"))
        elif "organization" in names:
            found.append((model, "organization"))
        elif "member" in names:
            found.append((model, "member__organization"))
    return found


MODELS = _models()


def rows_of(organization_id: int) -> dict[str, list[str]]:
    """Everything that is stored for an organization, table by table."""
    return {table: _fetch(sql, organization_id) for table, sql in _row_queries()}


def strays() -> list[str]:
    """Columns in which a row of one organization refers to a row of another."""
    return [column for column, sql in _stray_queries() if _fetch(sql)]


def _fetch(sql: str, *params: object) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return sorted(map(repr, cursor.fetchall()))


# The tests ask hundreds of times, and to put the SQL together takes longer than to run it.
@cache
def _row_queries() -> list[tuple[str, str]]:
    """For each table the SQL of the rows of an organization, whose id is the only parameter."""
    return [
        (model._meta.db_table, _sql(model._base_manager.filter(**{path: 0}).values_list(), params=(0,)))
        for model, path in MODELS
    ]


@cache
def _stray_queries() -> list[tuple[str, str]]:
    paths = dict(MODELS)
    queries = []
    for model, path in MODELS:
        if path != "organization":
            continue
        for field in model._meta.concrete_fields:
            target = field.related_model
            if isinstance(field, ForeignKey) and target is not Organization and paths.get(target) == "organization":
                rows = model._base_manager.filter(**{f"{field.name}__organization__isnull": False})
                rows = rows.exclude(**{f"{field.name}__organization": F("organization")})
                queries.append((f"{model._meta.db_table}.{field.name}", _sql(rows.values_list("pk"), params=())))
    return queries


def _sql(rows: QuerySet[Any, Any], params: tuple[object, ...]) -> str:
    sql, found = rows.query.sql_with_params()
    assert found == params
    return sql
