"""Field rules: one pure function decides, and what a person wrote is never cleared."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.sync import fields
from startdeliver.sync.fields import Action, Decision, Rule, decide

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
values = st.sampled_from([None, "", "a", "b"])


@pytest.mark.parametrize(
    ("rule", "here", "there", "source", "decision"),
    [
        (Rule.INTERCOM, "a", "b", "", Decision(Action.TAKE, "b")),
        (Rule.INTERCOM, "", "b", "", Decision(Action.TAKE, "b")),
        (Rule.INTERCOM, "a", "", "intercom", Decision(Action.CLEAR)),
        (Rule.INTERCOM, "a", None, "startdeliver", Decision(Action.KEEP)),
        (Rule.INTERCOM, "a", "a", "", Decision(Action.KEEP)),
        (Rule.STARTDELIVER, "a", "b", "intercom", Decision(Action.SEND, "a")),
        (Rule.STARTDELIVER, "a", "", "", Decision(Action.SEND, "a")),
        (Rule.STARTDELIVER, "", "b", "", Decision(Action.KEEP)),
        (Rule.FILL, "", "b", "", Decision(Action.TAKE, "b")),
        (Rule.FILL, "a", "", "", Decision(Action.SEND, "a")),
        (Rule.FILL, "a", "b", "", Decision(Action.KEEP)),
    ],
)
def test_decisions(rule: Rule, here: Any, there: Any, source: str, decision: Decision) -> None:
    assert decide(rule, here, there, source) == decision


@given(st.sampled_from(list(Rule)), values, values, st.sampled_from(["", "intercom", "startdeliver"]), st.booleans())
def test_what_always_holds(rule: Rule, here: Any, there: Any, source: str, in_only: bool) -> None:
    decision = decide(rule, here, there, source, in_only=in_only)
    if decision.action is Action.TAKE:
        assert decision.value == there
        assert rule is not Rule.STARTDELIVER
        assert not fields.is_empty(there)
    if decision.action is Action.CLEAR:
        assert source == "intercom", "what a person or a program wrote here is never cleared"
    if decision.action is Action.SEND:
        assert not in_only
        assert decision.value == here
        assert not fields.is_empty(here)
    after = decision.value if decision.action is Action.TAKE else "" if decision.action is Action.CLEAR else here
    again = decide(rule, after, there, "intercom" if decision.action is Action.TAKE else source, in_only=in_only)
    assert again.action in (Action.KEEP, Action.SEND), "a second run changes nothing here"


def test_a_changed_mapping_and_a_nonsensical_one() -> None:
    rules = {
        "customer.plan": {"from": "custom_attributes.tier", "rule": "fill"},
        "customer.name": {"rule": "whoever shouts loudest"},
        "customer.website": "no mapping at all",
    }
    maps = {one.name: one for one in fields.mapping(rules, "customer")}
    assert (maps["plan"].source, maps["plan"].rule, maps["plan"].in_only) == ("custom_attributes.tier", Rule.FILL, True)
    assert maps["name"].rule is Rule.INTERCOM
    assert maps["website"].source == "website"
    customer = Customer(name="Acme")
    fields.apply(customer, list(maps.values()), {"custom_attributes": {"tier": "Gold"}}, now=NOW)
    assert customer.plan == "Gold"


def test_values_come_in_the_form_of_the_field() -> None:
    customer = Customer(name="Acme")
    facts = {
        "name": " Acme Ltd ",
        "size": "120",
        "monthly_spend": 99.999,
        "tags": ["vip", None, "eu"],
        "website": "https://www.acme.example/about",
        "company_id": "acme-1",
    }
    changed, conflicts = fields.apply(customer, fields.mapping({}, "customer"), facts, now=NOW)
    assert (customer.name, customer.size, customer.monthly_spend) == ("Acme Ltd", 120, Decimal("99.99"))
    assert (customer.tags, customer.domain, customer.external_id) == (["vip", "eu"], "acme.example", "acme-1")
    assert conflicts == []
    assert {"field_sources", "updated_at"} <= set(changed)
    assert customer.field_sources["size"] == {"source": "intercom", "at": "2026-11-02T12:00:00+00:00", "by": "Intercom"}
    assert fields.apply(customer, fields.mapping({}, "customer"), facts, now=NOW) == ([], [])


@pytest.mark.parametrize("size", ["many", -1, 10**12, float("inf"), [], {}])
def test_what_cannot_be_a_number_is_none(size: Any) -> None:
    customer = Customer(name="Acme")
    fields.apply(customer, fields.mapping({}, "customer"), {"size": size}, now=NOW)
    assert customer.size is None


def test_a_taken_external_id_is_left_alone() -> None:
    user = CustomerUser()
    changed, conflicts = fields.apply(
        user, fields.mapping({}, "user"), {"external_id": "u1", "name": "Ann"}, now=NOW, taken={"u1"}.__contains__
    )
    assert conflicts == ["external_id"]
    assert user.external_id is None
    assert user.name == "Ann"
    assert "external_id" not in changed


def test_clearing_follows_where_the_value_came_from() -> None:
    mine = CustomerUser(phone="1", field_sources={"phone": {"source": "startdeliver"}})
    theirs = CustomerUser(phone="1", field_sources={"phone": {"source": "intercom"}})
    for user in (mine, theirs):
        fields.apply(user, fields.mapping({}, "user"), {"phone": ""}, now=NOW)
    assert (mine.phone, theirs.phone) == ("1", "")


def test_a_customers_name_is_never_cleared() -> None:
    customer = Customer(name="Acme", field_sources={"name": {"source": "intercom"}})
    fields.apply(customer, fields.mapping({}, "customer"), {"name": ""}, now=NOW)
    assert customer.name == "Acme"


def test_being_seen_is_no_edit() -> None:
    user = CustomerUser(updated_at=NOW)
    later = datetime(2026, 11, 3, tzinfo=UTC)
    changed, _ = fields.apply(user, fields.mapping({}, "user"), {"last_seen_at": 1_790_000_000}, now=later)
    assert user.updated_at == NOW
    assert "updated_at" not in changed
