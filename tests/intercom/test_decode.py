"""Decoding of records that are odd in the ways Intercom's are."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.intercom import wire
from startdeliver.intercom.decode import DecodeFailure, ItemDecoder, ListDecoder, NotJson

from .server import conversation, listing

PAGE = ListDecoder(wire.Conversation, "conversations")
ITEM = ItemDecoder(wire.Conversation)


def page(*items, **more):
    return PAGE.decode(json.dumps({**listing(list(items), "conversations"), **more}).encode())


def one(**changes):
    found = ITEM.try_decode(json.dumps(conversation(**changes)).encode())
    assert isinstance(found, wire.Conversation), found
    return found


def test_unknown_fields_and_values_are_accepted():
    found = one(
        state="hibernating",
        priority="cosmic",
        brand_new={"deep": [1, {"x": None}]},
        source={"type": "smoke_signal", "delivered_as": "owl", "author": {"type": "oracle", "id": 5}},
        channel={"initial": "telepathy", "current": None},
    )
    assert (found.state, found.priority_level, found.source.type, found.source.author.type) == (
        "hibernating",
        "cosmic",
        "smoke_signal",
        "oracle",
    )


def test_every_sub_object_may_be_null():
    names = [field for field in wire.Conversation.__struct_fields__ if field not in ("id", "created_at", "updated_at")]
    found = one(**dict.fromkeys(names))
    assert found.statistics is None
    assert found.contact_refs == []
    assert found.parts == []
    assert found.tag_names == []
    assert found.admin_id is None


def test_only_an_id_is_needed():
    found = ITEM.decode(b'{"id": "7"}')
    assert found.id == "7"


@pytest.mark.parametrize(
    ("sent", "meant"), [(0, None), ("0", None), (None, None), ("", None), (991267715, "991267715"), ("9912", "9912")]
)
def test_assignee(sent, meant):
    assert one(admin_assignee_id=sent).admin_id == meant
    assert one(team_assignee_id=sent).team_id == meant


@pytest.mark.parametrize(
    ("sent", "meant"), [("priority", "high"), ("not_priority", "none"), (None, "none"), ("urgent", "urgent")]
)
def test_priority_of_both_vocabularies(sent, meant):
    assert one(priority=sent).priority_level == meant


@pytest.mark.parametrize("sent", [1663597260, 1663597260.0, 1663597260.7, "1663597260", "2022-09-19T14:21:00Z"])
def test_moments_as_numbers_or_text(sent):
    assert one(updated_at=sent).updated_at == 1663597260


def test_numbers_as_ids():
    found = one(contacts={"contacts": [{"id": 12, "external_id": 70}]}, tags={"tags": [{"id": 3, "name": 5}]})
    assert found.contact_refs[0].id == "12"
    assert found.contact_refs[0].external_id == "70"
    assert found.tag_names == ["5"]
    assert ITEM.decode(b'{"id": 515}').id == "515"


def test_lists_as_null_and_objects_as_lists():
    found = one(
        contacts={"contacts": None}, tags=[], statistics=[], teammates={"admins": None}, conversation_rating="none"
    )
    assert found.contact_refs == []
    assert found.tags is None
    assert found.statistics is None
    assert found.conversation_rating is None


def test_a_misfit_beside_the_point_costs_only_itself():
    found = one(statistics={"count_reopens": "many", "count_conversation_parts": 4}, title={"x": 1})
    assert found.title is None
    assert found.statistics.count_reopens is None
    assert found.statistics.count_conversation_parts == 4


def test_a_null_among_the_participants_is_passed_over():
    found = one(contacts={"contacts": [None, {"id": "c1"}, {"external_id": "no id"}]})
    assert [ref.id for ref in found.contact_refs] == ["c1"]


@pytest.mark.parametrize("field", ["state", "open", "updated_at", "created_at", "contacts"])
def test_a_misfit_that_would_make_the_record_lie_is_a_failure(field):
    found = ITEM.try_decode(json.dumps(conversation("9", **{field: [["?"]]})).encode())
    assert isinstance(found, DecodeFailure)
    assert found.id == "9"
    assert field in found.reason


def test_one_odd_record_does_not_lose_the_page():
    found = page(conversation("1"), conversation("2", open=[]), {"title": "no id"}, "what", conversation("3"), None)
    assert [item.id for item in found.items] == ["1", "3"]
    assert [failure.id for failure in found.failures] == ["2", "", "", ""]


def test_a_whole_page_of_repairable_records():
    found = page(*(conversation(str(n), contacts={"contacts": [{"id": n}]}) for n in range(150)))
    assert len(found.items) == 150
    assert found.failures == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"conversations": [{"id": "1"',
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"conversations": 5}',
        b"\xff\xfe",
    ],
)
def test_no_list_answer_at_all(body):
    with pytest.raises(NotJson):
        PAGE.decode(body)


def test_deep_nesting_is_refused_not_a_crash():
    with pytest.raises(NotJson):
        PAGE.decode(b'{"conversations": [{"id": "1", "custom_attributes": ' + b"[" * 100_000)


@pytest.mark.parametrize(
    ("pages", "meant"),
    [
        (None, None),
        ({"next": None}, None),
        ({}, None),
        ({"next": {"page": 2, "starting_after": "abc"}}, "abc"),
        ({"next": {"page": 2, "starting_after": None}}, None),
        ({"next": "https://api.intercom.io/x?page=2"}, "https://api.intercom.io/x?page=2"),
        ({"next": ""}, None),
    ],
)
def test_what_comes_next(pages, meant):
    assert page(conversation(), pages=pages).next_page == meant


def test_contact_knows_that_its_companies_are_cut():
    contact = ItemDecoder(wire.Contact)
    refs = {"data": [{"id": "a"}], "total_count": 12, "has_more": True}
    assert contact.decode(json.dumps({"id": "c", "companies": refs}).encode()).has_more_companies
    assert contact.decode(json.dumps({"id": "c", "companies": {**refs, "has_more": None}}).encode()).has_more_companies
    assert not contact.decode(b'{"id": "c", "companies": null}').has_more_companies


@pytest.mark.parametrize(("plan", "name"), [({}, None), (None, None), ({"name": "Pro"}, "Pro"), ("Pro", None)])
def test_company_plan(plan, name):
    company = ItemDecoder(wire.Company).decode(json.dumps({"id": "1", "plan": plan}).encode())
    assert company.plan_name == name


def test_a_person_named_null_keeps_the_name():
    assert ItemDecoder(wire.Contact).decode(b'{"id": "c", "name": "null", "external_id": "12"}').name == "null"


def test_ticket_state_of_both_shapes():
    ticket = ItemDecoder(wire.TicketObject)
    new = ticket.decode(b'{"id": "1", "ticket_state": {"category": "in_progress", "internal_label": "With dev"}}')
    old = ticket.decode(b'{"id": "1", "ticket_state": "submitted"}')
    assert new.state_label == "With dev"
    assert old.state_label == "submitted"


def test_attribute_options_of_both_shapes():
    attribute = ItemDecoder(wire.DataAttribute).decode(b'{"name": "x", "options": ["a", {"value": "b"}]}')
    assert attribute.option_values == ["a", "b"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(wire.Conversation.__struct_fields__), anything, max_size=8))
def test_whatever_comes_is_a_record_or_a_failure(fields):
    found = ITEM.try_decode(json.dumps(fields).encode())
    if isinstance(found, wire.Conversation):
        assert isinstance(found.id, str)
    else:
        assert isinstance(found, DecodeFailure)
        assert found.reason
