"""GET and PATCH /healthrule/support."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from startdeliver.common import clock
from startdeliver.customers.models import Customer
from startdeliver.support import health
from startdeliver.support.models import Ticket
from startdeliver.tenancy.models import Member, Organization
from tests.api.jsclient import ApiFailed, Js

AT = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


def test_the_defaults_are_seven_days_and_three_tickets(js: Js) -> None:
    rule = js.get("healthrule/support")
    assert (rule["daysUntilOverdue"], rule["overdueUntilPoor"]) == (7, 3)


def test_a_change_moves_every_customer_and_ticket_at_once(js: Js, scoped: Organization) -> None:
    customer = Customer.objects.create(organization=scoped, name="Ask")
    Ticket.objects.create(
        organization=scoped, external_id="1", customer=customer, created_at=AT, updated_at=AT, clock_from=AT
    )
    with clock.frozen(AT + timedelta(days=2)):
        health.recompute(scoped)
        assert js.get("customer", customer.pk)["supportHealth"] == "good"
        js.save("healthrule", {"id": "support", "overdueUntilPoor": 1})
        changed = js.call("PATCH", "healthrule/support", {"daysUntilOverdue": 1})
        assert (changed["daysUntilOverdue"], changed["overdueUntilPoor"]) == (1, 1)
        assert changed["updatedBy"] == "API key Test key"
        assert js.get("customer", customer.pk)["supportHealth"] == "poor"
        assert [row["overdue"] for row in js.find("ticket")["result"]] == [True]


@pytest.mark.parametrize("name", ["daysUntilOverdue", "overdueUntilPoor"])
@pytest.mark.parametrize("value", [0, -1, 10**6, 10**30, 1.5, "7", None, True, [7]])
def test_a_number_outside_is_400(js: Js, name: str, value: object) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.call("PATCH", "healthrule/support", {name: value})
    assert (failed.value.status, failed.value.error["field"]) == (400, name)
    assert js.get("healthrule/support")[name] in (3, 7)


def test_only_administrators_change_it(
    organization: Organization, make_key: Callable[..., str], administrator: Member, csm: Member, lite: Member
) -> None:
    change = {"daysUntilOverdue": 3}
    assert Js(make_key(organization, member=administrator)).call("PATCH", "healthrule/support", change)
    for refused in (csm, lite):
        program = Js(make_key(organization, member=refused))
        assert program.get("healthrule/support")["daysUntilOverdue"] == 3
        with pytest.raises(ApiFailed) as failed:
            program.call("PATCH", "healthrule/support", {"daysUntilOverdue": 9})
        assert failed.value.status == 403
