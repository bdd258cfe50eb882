"""Workflows on their way to Intercom: membership, names, and the recipe that leaves out who is at risk already."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from startdeliver.common import clock
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.sync.models import Connection, IntercomContact
from startdeliver.sync.push import recipes
from startdeliver.sync.push.sources import COMPANY, CONTACT, catalogue
from startdeliver.sync.push.workflows import short_names
from startdeliver.tenancy.models import Organization
from startdeliver.usage.models import UsageHealth
from startdeliver.workflows import services
from startdeliver.workflows.models import Workflow

AT_RISK, NAMES = "at_risk", "workflows"


def make(organization: Organization, name: str, *customers: Customer) -> Workflow:
    workflow = services.workflow_create(organization=organization, by="ada", values={"name": name})
    services.enrol(workflow=workflow, customers=[one.pk for one in customers], by="ada")
    return workflow


def values(organization: Organization, key: str) -> dict[str, Any]:
    """What goes out for each customer, by name, as Intercom takes it."""
    source = next(one for one in catalogue() if (one.model, one.key) == (COMPANY, key))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.name, {source.sql} FROM customers_customer AS c {source.join} WHERE c.organization_id = %s",
            [organization.pk],
        )
        return {name: None if value is None else source.wire(value) for name, value in cursor.fetchall()}


@pytest.fixture
def customers(scoped: Organization) -> dict[str, Customer]:
    return {name: Customer.objects.create(organization=scoped, name=name) for name in ("Acorn", "Birch")}


def test_both_models_have_both(scoped: Organization) -> None:
    found = {(one.model, one.key): one for one in catalogue()}
    for model in (COMPANY, CONTACT):
        assert found[model, AT_RISK].data_type == "boolean"
        assert found[model, NAMES].data_type == "string"
    assert not found[COMPANY, AT_RISK].ticked
    assert found[COMPANY, NAMES].suffix == "active_workflows"


def test_membership_and_names_follow_enrolments(scoped: Organization, customers: dict[str, Customer]) -> None:
    at_risk = make(scoped, "At-risk", customers["Acorn"])
    make(scoped, "Onboarding", customers["Acorn"], customers["Birch"])
    assert values(scoped, AT_RISK) == {"Acorn": True, "Birch": False}
    assert values(scoped, NAMES) == {"Acorn": "At-risk, Onboarding", "Birch": "Onboarding"}
    services.leave(workflow=at_risk, customers=[customers["Acorn"].pk], by="ada")
    assert values(scoped, AT_RISK) == {"Acorn": False, "Birch": False}
    services.workflow_archive(workflow=Workflow.objects.get(name="Onboarding"), by="ada")
    assert values(scoped, NAMES) == {"Acorn": None, "Birch": None}


def test_names_are_cut_between_two_of_them() -> None:
    names = ", ".join(f"Workflow number {number:02}" for number in range(30))
    cut = short_names(names)
    assert isinstance(cut, str)
    assert len(cut) <= 255
    assert cut.endswith(", …")
    assert all(one in names for one in cut.removesuffix(", …").split(", "))
    assert short_names("") is None
    assert short_names("At-risk") == "At-risk"


def test_the_recipe_leaves_out_who_is_at_risk_already(scoped: Organization, customers: dict[str, Customer]) -> None:
    make(scoped, "At-risk", customers["Acorn"])
    link = Connection.objects.create(organization=scoped, workspace="w", saved_at=clock.now())
    for number, one in enumerate(customers.values()):
        UsageHealth.objects.create(organization=scoped, customer=one, status="poor")
        user = CustomerUser.objects.create(organization=scoped, customer=one, email=f"u{number}@x.test")
        IntercomContact.objects.create(organization=scoped, workspace="w", ref=f"c{number}", user=user)
    rows = {row.recipe.key: row for row in recipes.counted(scoped, link)}
    assert rows["usage-poor"].here == 2
    assert rows["usage-poor-not-at-risk"].here == 1
    assert rows["usage-poor-not-at-risk"].rules[-1][2] == "false"
