"""Many rows in one statement, the same on both databases, and never another organization's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.customers.models import Customer
from startdeliver.storage import bulk
from startdeliver.sync.models import IntercomContact
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite

KEY = ("organization_id", "workspace", "ref")


class ContactRow(NamedTuple):
    ref: str
    name: str
    workspace: str = "w"
    email: str = "a@x"
    email_key: str = "a@x"
    role: str = ""
    external_id: str = ""
    company_refs: str = '["c"]'
    facts: str = '{"n": 1}'
    fingerprint: str = ""
    remote_updated_at: int = 0
    last_seen_at: int = 0
    state: str = "active"
    merged_into: str = ""
    matched_by: str = ""
    match_note: str = ""
    changed_at: int = 1_790_000_000
    seen_at: int = 1_790_000_000


@dataclass(slots=True)
class Changed:
    id: int
    name: str
    archived_at: int | None = 1_790_000_000
    monthly_spend: str = "12.50"
    tags: str = '["x"]'
    size: int | None = None


class Named(NamedTuple):
    id: int
    name: str


def put(organization: Organization, *names: str, update: tuple[str, ...] = ("name",)) -> None:
    rows = [ContactRow(str(number), name) for number, name in enumerate(names)]
    bulk.upsert(IntercomContact, organization.pk, rows, key=KEY, update=update)


def test_rows_are_inserted_then_updated(scoped: Organization) -> None:
    put(scoped, "a", "b")
    put(scoped, "A", "B", "C")
    found = IntercomContact.objects.order_by("ref")
    assert [row.name for row in found] == ["A", "B", "C"]
    assert found[0].facts == {"n": 1}
    assert found[0].company_refs == ["c"]
    assert found[0].seen_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert IntercomContact.objects.filter(seen_at=datetime.fromtimestamp(1_790_000_000, UTC)).count() == 3


def test_without_columns_to_update_what_is_there_stays(scoped: Organization) -> None:
    put(scoped, "a")
    put(scoped, "A", update=())
    assert IntercomContact.objects.get().name == "a"


def test_updates_by_key(scoped: Organization) -> None:
    one, two = (Customer.objects.create(organization=scoped, name=name) for name in ("one", "two"))
    bulk.update(Customer, scoped.pk, [Changed(one.pk, "ONE")])
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.name, one.tags, one.size, str(one.monthly_spend)) == ("ONE", ["x"], None, "12.50")
    assert one.archived_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert two.name == "two"


def test_no_rows_is_no_statement(scoped: Organization, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        bulk.upsert(IntercomContact, scoped.pk, [], key=KEY)
        bulk.update(Customer, scoped.pk, [])


def test_another_organizations_rows_are_out_of_reach(scoped: Organization, other_organization: Organization) -> None:
    with pytest.raises(CrossTenantWrite):
        put(other_organization, "a")
    with pytest.raises(CrossTenantWrite):
        bulk.update(Customer, other_organization.pk, [Named(1, "x")])
    mine = Customer.objects.create(organization=scoped, name="mine")
    theirs = Customer(organization=other_organization, name="theirs")
    from django_scopes import scopes_disabled

    with scopes_disabled():
        theirs.save()
    bulk.update(Customer, scoped.pk, [Named(mine.pk, "changed"), Named(theirs.pk, "changed")])
    with scopes_disabled():
        theirs.refresh_from_db()
        assert theirs.name == "theirs"
        assert Customer.objects.get(pk=mine.pk).name == "changed"


def a_customer(organization: Organization, name: str, **more: object) -> Customer:
    facts = {
        "external_id": f"id {name}",
        "size": 12,
        "monthly_spend": Decimal("12.50"),
        "tags": ["a", 'b "c"'],
        "renewal_date": date(2027, 3, 31),
        "custom": {"customfieldÅ": 1.5, "n": None},
        "field_sources": {"name": {"source": "csv", "by": "a'b"}},
        "updated_at": datetime(2026, 11, 23, 12, 0, 0, 123_456, UTC),
        "created_at": datetime(2026, 11, 23, 14, 0, 0, 0, timezone(timedelta(hours=2))),
    }
    return Customer(organization=organization, name=name, **(facts | more))


def test_created_records_are_what_the_orm_would_have_stored(scoped: Organization) -> None:
    Customer.objects.bulk_create([a_customer(scoped, "orm", external_id=None)])
    made = [a_customer(scoped, "one"), a_customer(scoped, "two", external_id=None, arr=Decimal("0.01"))]
    bulk.create(made)
    names = [one.name for one in Customer._meta.concrete_fields if one.name not in ("id", "name", "arr", "external_id")]
    by_orm = Customer.objects.values_list(*names).get(name="orm")
    for record in made:
        assert Customer.objects.values_list(*names).get(pk=record.pk) == by_orm
        record.refresh_from_db()
    assert [record.external_id for record in made] == ["id one", None]
    assert made[1].arr == Decimal("0.01")
    # Equal moments are found as such: on SQLite they are texts.
    assert Customer.objects.filter(updated_at=made[0].updated_at, created_at=made[0].created_at).count() == 3
    later = a_customer(scoped, "later", external_id="x")
    later.save()
    assert later.pk > made[1].pk > made[0].pk


def test_saved_columns_and_no_others_are_written(scoped: Organization) -> None:
    one, two = a_customer(scoped, "one"), a_customer(scoped, "two")
    bulk.create([one, two])
    one.name, one.custom, one.renewal_date, one.plan = "ONE", {"x": 2}, None, "not written"
    bulk.save([one], ("name", "custom", "renewal_date"))
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.name, one.custom, one.renewal_date, one.plan) == ("ONE", {"x": 2}, None, "")
    assert two.name == "two"


def test_a_taken_id_is_refused_as_a_whole(scoped: Organization) -> None:
    bulk.create([a_customer(scoped, "one")])
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.create([a_customer(scoped, "two"), a_customer(scoped, "three", external_id="id one")])
    assert Customer.objects.count() == 1


def test_records_of_another_organization_are_refused(
    scoped: Organization, other_organization: Organization, django_assert_num_queries: object
) -> None:
    mine, theirs = a_customer(scoped, "mine"), a_customer(other_organization, "theirs")
    with django_assert_num_queries(0):  # type: ignore[operator]
        for call in (lambda: bulk.create([mine, theirs]), lambda: bulk.save([theirs], ("name",))):
            with pytest.raises(CrossTenantWrite):
                call()
        bulk.create([])
        bulk.save([], ("name",))


@pytest.mark.parametrize(
    "text", ['"', "\\", '\\"', "{a,b}", "NULL", "", "'; DROP TABLE x; --", "a\nb\tc", "%s %% \u00e5 \U0001f600", ","]
)
def test_any_text_arrives_as_it_is(scoped: Organization, text: str) -> None:
    put(scoped, text, "other")
    assert IntercomContact.objects.order_by("ref")[0].name == text


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_every_text_arrives_as_it_is(scoped: Organization, texts: list[str]) -> None:
    put(scoped, *texts)
    stored = dict(IntercomContact.objects.values_list("ref", "name"))
    assert [stored[str(n)] for n in range(len(texts))] == texts
