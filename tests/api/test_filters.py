"""Filters and sort orders: what they find, and what they refuse."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.api.entities import ENTITIES
from startdeliver.api.lookups import like_pattern
from startdeliver.customers.models import Customer, CustomerUser
from startdeliver.tenancy.models import Organization
from tests.api.jsclient import ApiFailed, Js


@pytest.fixture
def customers(scoped: Organization) -> None:
    rows = [
        ("Ask AS", "ask.no", 5, "10.50", date(2027, 1, 1), ["vip", "new"]),
        ("ask & sons", "", 50, "100", date(2027, 6, 1), ["vip"]),
        ("Embla 100%", "embla.se", None, None, None, []),
        ("Embla_100x", "embla_100.se", 500, "1000", date(2028, 1, 1), ['odd "tag"', "vip2"]),
    ]
    for day, (name, domain, size, arr, renewal, tags) in enumerate(rows, start=1):
        Customer.objects.create(
            organization=scoped,
            name=name,
            domain=domain,
            size=size,
            arr=arr and Decimal(arr),
            renewal_date=renewal,
            tags=tags,
            created_at=datetime(2026, 1, day, tzinfo=UTC),
        )


def names(js: Js, **narrow: Any) -> list[str]:
    return [row["name"][:5] + row["name"][-1] for row in js.find("customer", {"filter": narrow})["result"]]


ASK, SONS, EMBLA, UNDER = "Ask AS", "ask &s", "Embla%", "Emblax"


@pytest.mark.parametrize(
    ("narrow", "found"),
    [
        ({"name": "Ask AS"}, [ASK]),
        ({"name": "ask as"}, []),
        ({"name": "ask*"}, [ASK, SONS]),
        ({"name": "*SONS"}, [SONS]),
        ({"name": "E*1*x"}, [UNDER]),
        ({"name": "*100%"}, [EMBLA]),
        ({"name": "Embla_100*"}, [UNDER]),
        ({"name": "*"}, [ASK, SONS, EMBLA, UNDER]),
        ({"name": {"eq": "ask*"}}, []),
        ({"name": ["Ask AS", "Embla*"]}, [ASK, EMBLA, UNDER]),
        ({"name": []}, []),
        ({"name": {"ne": "Ask AS"}}, [SONS, EMBLA, UNDER]),
        ({"name": {"ne": ["Ask AS", "ask & sons"]}}, [EMBLA, UNDER]),
        ({"domain": None}, [SONS]),
        ({"domain": {"ne": None}}, [ASK, EMBLA, UNDER]),
        ({"domain": [None, "ask.no"]}, [ASK, SONS]),
        ({"domain": "embla.se"}, [EMBLA]),
        ({"size": 5}, [ASK]),
        ({"size": 5.0}, [ASK]),
        ({"size": [5, 500]}, [ASK, UNDER]),
        ({"size": {"gt": 5}}, [SONS, UNDER]),
        ({"size": {"gte": 5, "lt": 500}}, [ASK, SONS]),
        ({"size": {"lte": 4}}, []),
        ({"size": {"ne": 5}}, [SONS, EMBLA, UNDER]),
        ({"size": None}, [EMBLA]),
        ({"size": 2**62}, []),
        ({"size": -1, "id": -1}, []),
        ({"arr": 10.5}, [ASK]),
        ({"arr": {"gt": 10.5}}, [SONS, UNDER]),
        ({"renewalDate": {"gte": "2027-06-01"}}, [SONS, UNDER]),
        ({"renewalDate": "2027-01-01T00:00:00.000Z"}, [ASK]),
        ({"createdAt": {"gt": "2026-01-03T00:00:00Z"}}, [UNDER]),
        ({"createdAt": {"gte": 1767398400000}}, [EMBLA, UNDER]),
        ({"createdAt": "2026-01-01"}, [ASK]),
        ({"createdAt": "2026-01-01T01:00:00+01:00"}, [ASK]),
        ({"tags": "vip"}, [ASK, SONS]),
        ({"tags": ["new", 'odd "tag"']}, [ASK, UNDER]),
        ({"tags": {"ne": "vip"}}, [EMBLA, UNDER]),
        ({"archived": False, "size": {"gt": 0}, "name": "ask*"}, [ASK, SONS]),
    ],
)
def test_a_filter_finds(js: Js, customers: None, narrow: dict[str, Any], found: list[str]) -> None:
    assert names(js, **narrow) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"filter": {"colour": "red"}}, "colour"),
        ({"filter": {"messages": "x"}}, "messages"),
        ({"filter": {"name": {"like": "x"}}}, "name"),
        ({"filter": {"name": {}}}, "name"),
        ({"filter": {"name": {"eq": {}}}}, "name"),
        ({"filter": {"name": [["x"]]}}, "name"),
        ({"filter": {"name": 5}}, "name"),
        ({"filter": {"name": None}}, "name"),
        ({"filter": {"name": "nul\0"}}, "name"),
        ({"filter": {"name": "*a*b*c*d*e*f*g*"}}, "name"),
        ({"filter": {"size": "5"}}, "size"),
        ({"filter": {"size": True}}, "size"),
        ({"filter": {"size": {"gt": None}}}, "size"),
        ({"filter": {"size": {"gt": [1]}}}, "size"),
        ({"filter": {"size": 2**70}}, "size"),
        ({"filter": {"size": 1e300}}, "size"),
        ({"filter": {"arr": 1e300}}, "arr"),
        ({"filter": {"archived": 1}}, "archived"),
        ({"filter": {"archived": {"gt": True}}}, "archived"),
        ({"filter": {"supportHealth": "bad"}}, "supportHealth"),
        ({"filter": {"supportHealth": {"gt": "fair"}}}, "supportHealth"),
        ({"filter": {"assessmentStatus": "splendid"}}, "assessmentStatus"),
        ({"filter": {"createdAt": "yesterday"}}, "createdAt"),
        ({"filter": {"createdAt": 1e300}}, "createdAt"),
        ({"filter": {"createdAt": -(10**18)}}, "createdAt"),
        ({"filter": {"createdAt": "0001-01-01T00:00:00+23:00"}}, "createdAt"),
        ({"filter": {"renewalDate": 5}}, "renewalDate"),
        ({"filter": {"tags": 5}}, "tags"),
        ({"filter": {"id": list(range(5_001))}}, "id"),
        ({"filter": "name"}, "filter"),
        ({"filter": []}, "filter"),
        ([], "query"),
        (None, "query"),
        ("name", "query"),
        ({"where": {}}, "where"),
        ({"limit": 501}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 2**70}, "offset"),
        ({"sort": "colour"}, "colour"),
        ({"sort": "--name"}, "-name"),
        ({"sort": 5}, "sort"),
        ({"sort": [["name"]]}, "sort"),
        ({"sort": "archived"}, "archived"),
        ({"sort": "tags"}, "tags"),
        ({"sort": ["name"] * 6}, "sort"),
    ],
)
def test_a_wrong_query_is_400_and_names_the_field(js: Js, scoped: Organization, query: object, field: str) -> None:
    for ask in (
        lambda: js.call("GET", "customer?query=" + quote(json.dumps(query))),
        lambda: js.call("POST", "customer", {"query": query}, {"X-HTTP-Method-Override": "GET"}),
    ):
        with pytest.raises(ApiFailed) as failed:
            ask()
        assert (failed.value.status, failed.value.error.get("field")) == (400, field)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("colour=red", "colour"),
        ("size=five", "size"),
        ("size>=", "size"),
        ("archived=maybe", "archived"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("limit=-1", "limit"),
        ("limit=" + "9" * 5_000, "limit"),
        ("offset=" + "9" * 5_000, "offset"),
        ("offset=99999999999999999999999", "offset"),
        ("sort=colour", "colour"),
        ("query={", "query"),
        ("query=", "query"),
        ("name=%00", "name"),
        ("createdAt=99999999999999999999", "createdAt"),
        ("=5", ""),
    ],
)
def test_a_wrong_parameter_is_400_and_names_the_field(
    js: Js, scoped: Organization, parameters: str, field: str
) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.call("GET", f"customer?{parameters}")
    assert (failed.value.status, failed.value.error["field"]) == (400, field)


def test_more_parameters_than_the_server_reads_are_400(js: Js, scoped: Organization) -> None:
    for parameters in ("&".join(f"a{n}=1" for n in range(2_000)), "&".join(f"a{n}=1" for n in range(60))):
        with pytest.raises(ApiFailed) as failed:
            js.call("GET", f"customer?{parameters}")
        assert failed.value.status == 400


@pytest.mark.parametrize("body", [{}, [], {"query": 5}, {"query": "{"}, {"query": None}])
def test_an_overridden_get_needs_its_query(js: Js, scoped: Organization, body: object) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.call("POST", "customer", body, {"X-HTTP-Method-Override": "GET"})
    assert failed.value.status == 400


def test_no_other_method_can_be_put_on(js: Js, scoped: Organization) -> None:
    with pytest.raises(ApiFailed) as failed:
        js.call("POST", "customer", {"name": "A"}, {"X-HTTP-Method-Override": "DELETE"})
    assert failed.value.status == 400


def test_sorting_by_several_fields_puts_nulls_last_either_way(js: Js, scoped: Organization) -> None:
    for name, size in (("B", 1), ("A", 1), ("C", 2), ("D", None)):
        Customer.objects.create(organization=scoped, name=name, size=size)

    def sorted_by(sort: object) -> str:
        return "".join(row["name"] for row in js.find("customer", {"sort": sort})["result"])

    assert sorted_by(["size", "name"]) == "ABCD"
    assert sorted_by("-size,-name") == "CBAD"
    assert sorted_by("size") == "BACD"
    assert sorted_by("-id") == "DCAB"


@pytest.mark.parametrize("entity", [entity.name for entity in ENTITIES])
def test_every_field_that_says_so_filters_and_sorts(js: Js, scoped: Organization, entity: str) -> None:
    (declared,) = (one for one in ENTITIES if one.name == entity)
    examples: dict[str, Any] = {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "array": "x"}
    for field in declared.fields:
        schema = field.kind.schema()
        value = schema["enum"][0] if "enum" in schema else examples.get(schema["type"])
        if "format" in schema:
            value = "2026-01-01"
        if schema["type"] == "array" and schema["items"].get("type") == "integer":
            value = 1
        if field.filterable:
            for wanted in (value, [value], {"ne": value}):
                assert "result" in js.find(entity, {"filter": {field.name: wanted}})
            if field.nullable:
                assert "result" in js.find(entity, {"filter": {field.name: None}})
        if field.sortable:
            js.find(entity, {"sort": [field.name, f"-{field.name}"]})


def test_wildcards_are_the_only_special_characters() -> None:
    assert like_pattern("50%_a\\b**c") == "50\\%\\_a\\\\b%c"


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["*", "2026-01-01", "good", "open"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte", "eq", "ne", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@pytest.mark.django_db
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_asked_the_answer_is_200_or_400_in_json(js: Js, scoped: Organization, data: st.DataObject) -> None:
    entity = data.draw(st.sampled_from(ENTITIES))
    name = st.sampled_from([field.name for field in entity.fields]) | st.text(max_size=5)
    query = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "filter": st.dictionaries(name, values, max_size=3) | scalars,
                "limit": scalars,
                "offset": scalars,
                "sort": name | st.lists(name, max_size=3) | scalars,
            },
        )
        | values
    )
    response = js.request("POST", entity.name, {"query": query}, {"X-HTTP-Method-Override": "GET"})
    assert response.status_code in (200, 400), (query, response.content)
    answer = json.loads(response.content)
    assert "result" in answer or answer["error"]["message"]


def test_a_users_address_is_compared_without_regard_to_case(js: Js, scoped: Organization) -> None:
    for email in ("Ada@Ask.no", "bo@ask.no"):
        CustomerUser.objects.create(organization=scoped, email=email)
    for wanted in ("ADA@ask.NO", ["ada@ASK.no"], {"eq": "ada@ask.no"}, "ada@*"):
        assert [row["email"] for row in js.find("user", {"email": wanted})["result"]] == ["Ada@Ask.no"]
