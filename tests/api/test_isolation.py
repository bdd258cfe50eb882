"""One organization never reaches another's rows: every route and every entity, with a second organization's ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from startdeliver.api.entities import ENTITIES
from startdeliver.api.entity import Entity
from startdeliver.api.site import api
from startdeliver.assessment.models import Assessment
from startdeliver.customers.fields import field_create
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.support import health
from startdeliver.support.models import SupportHealth, Thread, Ticket, TicketParticipant
from startdeliver.sync.models import Connection, Skip, SyncRun
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage.models import UsageEvent
from startdeliver.usage.services import product_create, usage_type_create
from startdeliver.workflows.models import Enrolment, Workflow
from tests.api.jsclient import ApiFailed, Js
from tests.conftest import PASSWORD

AT = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
#: Routes that belong to no entity, each with a test below.
OTHERS = {"/api/v1/login", "/api/v1/me", "/api/v1/healthrule/support"}


@pytest.fixture
def theirs(other_organization: Organization, outsider: Member) -> dict[str, int]:
    """A record of every entity in the other organization, by entity name, with every field filled."""
    owner = {"organization": other_organization}
    with organization_scope(other_organization):
        customer = Customer.objects.create(
            **owner,
            name="Theirs",
            external_id="t-1",
            domain="theirs.test",
            website="https://theirs.test",
            plan="Secret",
            size=7,
            industry="Spies",
            monthly_spend=Decimal(7),
            tags=["theirs"],
            csm=outsider,
            arr=Decimal(7),
            renewal_date=date(2027, 1, 1),
            last_login_at=AT,
            updated_by="them",
        )
        user = CustomerUser.objects.create(
            **owner, customer=customer, name="Their user", email="u@theirs.test", external_id="tu-1", phone="7"
        )
        ticket = Ticket.objects.create(
            **owner,
            workspace="their-w",
            external_id="7",
            title="Secret",
            customer=customer,
            created_at=AT,
            updated_at=AT,
            clock_from=AT,
        )
        TicketParticipant.objects.create(**owner, ticket=ticket, user=user, contact_ref="c7")
        Thread.objects.create(**owner, ticket=ticket, entries='[{"id": "p1", "html": "<p>Secret</p>"}]')
        SupportHealth.objects.create(**owner, customer=customer, status="poor", ticket_count=1)
        skip = Skip.objects.create(**owner, workspace="their-w", external_id="8", contact_ref="c8", reason="no_user")
        connection = Connection.objects.create(**owner)
        run = SyncRun.objects.create(**owner, connection=connection, trigger="cli", status="success", listed=7)
        own = field_create(organization=other_organization, by="them", entity="customer", name="Theirs", type="text")
        kind = usage_type_create(organization=other_organization, by="them", values={"name": "Their type"})
        product = product_create(
            organization=other_organization,
            by="them",
            values={"name": "Their product", "fair_target": 1, "good_target": 2, "usage_types": [kind.pk]},
        )
        verdict = Assessment.objects.create(**owner, customer=customer, status="risk", evidence_hash="x")
        workflow = Workflow.objects.create(**owner, name="Theirs", key="theirs", updated_by="them")
        enrolment = Enrolment.objects.create(
            **owner, workflow=workflow, customer=customer, entered_by="them", entered_reason="Secret"
        )
        event = UsageEvent.objects.create(**owner, user=user, usage_type=kind, timestamp=7, external_id="e7")
    return {
        "field": own.pk,
        "usagetype": kind.pk,
        "product": product.pk,
        "usage": event.pk,
        "customer": customer.pk,
        "user": user.pk,
        "ticket": ticket.pk,
        "workflow": workflow.pk,
        "enrolment": enrolment.pk,
        "assessment": verdict.pk,
        "skip": skip.pk,
        "syncrun": run.pk,
        "member": outsider.pk,
    }


def test_every_entity_and_route_is_covered_here(theirs: dict[str, int]) -> None:
    assert set(theirs) == {entity.name for entity in ENTITIES}
    known = {f"/api/v1/{name}{tail}" for name in theirs for tail in ("", "/{id}")}
    assert set(api.get_openapi_schema()["paths"]) == known | OTHERS


def test_no_address_with_their_id_answers(js: Js, their_js: Js, theirs: dict[str, int]) -> None:
    for path, methods in api.get_openapi_schema()["paths"].items():
        if "{id}" not in path:
            continue
        entity = path.split("/")[3]
        before = their_js.get(entity, theirs[entity])
        for method in methods:
            with pytest.raises(ApiFailed) as failed:
                js.call(method.upper(), f"{entity}/{theirs[entity]}", {"name": "Taken over"})
            assert failed.value.status == 404, (method, path)
            assert "Secret" not in str(failed.value)
        assert their_js.get(entity, theirs[entity]) == before


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_no_filter_or_sort_finds_their_rows(
    js: Js, their_js: Js, theirs: dict[str, int], entity: Entity, organization: Organization
) -> None:
    record = their_js.get(entity.name, theirs[entity.name])
    for field in entity.fields:
        if field.filterable:
            value = record[field.name]
            narrow: Any = value[0] if isinstance(value, list) and value else {"ne": None} if value == [] else value
            if value != [] and (value is not None or field.nullable):
                assert js.find(entity.name, {"filter": {field.name: narrow}})["result"] == [], field.name
        if field.sortable:
            assert js.find(entity.name, {"sort": [field.name]})["result"] == []
    everything: dict[str, Any] = {name: [True, False] for name in entity.by_name if name in ("archived", "resolved")}
    assert js.find_all(entity.name, everything) == []


def test_their_ids_cannot_be_written_into_our_records(js: Js, theirs: dict[str, int], scoped: Organization) -> None:
    ours = js.save("customer", {"name": "Ours"})
    user = js.save("user", {"name": "Our user", "customerId": ours["id"]})
    programme = js.save("workflow", {"name": "Ours"})
    attempts: list[tuple[str, dict[str, Any], str]] = [
        ("customer", {"id": ours["id"], "csmId": theirs["member"]}, "csmId"),
        ("customer", {"name": "New", "csmId": theirs["member"]}, "csmId"),
        ("user", {"id": user["id"], "customerId": theirs["customer"]}, "customerId"),
        ("user", {"name": "New", "customerId": theirs["customer"]}, "customerId"),
        ("enrolment", {"workflowId": theirs["workflow"], "customerId": ours["id"]}, "workflowId"),
        ("enrolment", {"workflowId": programme["id"], "customerId": theirs["customer"]}, "customerId"),
    ]
    for entity, body, field in attempts:
        with pytest.raises(ApiFailed) as failed:
            js.save(entity, body)
        assert (failed.value.status, failed.value.error["field"]) == (400, field)
    assert js.get("user", user["id"])["customerId"] == ours["id"]


def test_the_health_rule_is_our_own(
    js: Js, their_js: Js, organization: Organization, other_organization: Organization
) -> None:
    js.call("PATCH", "healthrule/support", {"daysUntilOverdue": 1})
    assert js.get("healthrule/support")["daysUntilOverdue"] == 1
    assert their_js.get("healthrule/support")["daysUntilOverdue"] == 7
    assert health.rule(other_organization).days_until_overdue == 7


def test_log_in_and_me_are_the_members_own(
    organization: Organization, outsider: Member, theirs: dict[str, int], make_key: Callable[..., str]
) -> None:
    program = Js()
    program.login(outsider.email, PASSWORD)
    assert program.me()["organization"]["name"] == "Bystander"
    assert [row["id"] for row in program.find("customer")["result"]] == [theirs["customer"]]
    assert Js(make_key(organization)).find("customer")["result"] == []
