"""Many rows in one statement, the same on both databases, and never another organization's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.customers.models import Customer
from startdeliver.storage import bulk
from startdeliver.sync.models import MirrorContact
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite

COLUMNS = ("workspace", "ref", "email", "email_key", "name", "role", "external_id", "company_refs", "facts")
REST = ("fingerprint", "remote_updated_at", "last_seen_at", "state", "merged_into", "matched_by", "match_note")
KEY = ("organization_id", "workspace", "ref")


def rows(*names: str) -> list[bulk.Row]:
    empty = ("", 0, 0, "active", "", "", "", 1_790_000_000, 1_790_000_000)
    return [("w", ref, "a@x", "a@x", name, "", "", '["c"]', '{"n": 1}', *empty) for ref, name in enumerate(names)]


def put(organization: Organization, *names: str, update: tuple[str, ...] = ("name",)) -> None:
    # Columns of the model are short; what is tried here fits.
    text = [(row[0], str(row[1]), *row[2:]) for row in rows(*names)]
    columns = (*COLUMNS, *REST, "changed_at", "seen_at")
    bulk.upsert(MirrorContact, organization.pk, columns, text, key=KEY, update=update)


def test_rows_are_inserted_then_updated(scoped: Organization) -> None:
    put(scoped, "a", "b")
    put(scoped, "A", "B", "C")
    found = MirrorContact.objects.order_by("ref")
    assert [row.name for row in found] == ["A", "B", "C"]
    assert found[0].facts == {"n": 1}
    assert found[0].company_refs == ["c"]
    assert found[0].seen_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert MirrorContact.objects.filter(seen_at=datetime.fromtimestamp(1_790_000_000, UTC)).count() == 3


def test_without_columns_to_update_what_is_there_stays(scoped: Organization) -> None:
    put(scoped, "a")
    put(scoped, "A", update=())
    assert MirrorContact.objects.get().name == "a"


def test_updates_by_key(scoped: Organization) -> None:
    one, two = (Customer.objects.create(organization=scoped, name=name) for name in ("one", "two"))
    columns = ("name", "archived_at", "monthly_spend", "tags", "size")
    bulk.update(Customer, scoped.pk, columns, [(one.pk, "ONE", 1_790_000_000, "12.50", '["x"]', None)])
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.name, one.tags, one.size, str(one.monthly_spend)) == ("ONE", ["x"], None, "12.50")
    assert one.archived_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert two.name == "two"


def test_no_rows_is_no_statement(scoped: Organization, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        bulk.upsert(MirrorContact, scoped.pk, COLUMNS, [], key=KEY)
        bulk.update(Customer, scoped.pk, ("name",), [])


def test_another_organizations_rows_are_out_of_reach(scoped: Organization, other_organization: Organization) -> None:
    with pytest.raises(CrossTenantWrite):
        put(other_organization, "a")
    with pytest.raises(CrossTenantWrite):
        bulk.update(Customer, other_organization.pk, ("name",), [(1, "x")])
    mine = Customer.objects.create(organization=scoped, name="mine")
    theirs = Customer(organization=other_organization, name="theirs")
    from django_scopes import scopes_disabled

    with scopes_disabled():
        theirs.save()
    bulk.update(Customer, scoped.pk, ("name",), [(mine.pk, "changed"), (theirs.pk, "changed")])
    with scopes_disabled():
        theirs.refresh_from_db()
        assert theirs.name == "theirs"
        assert Customer.objects.get(pk=mine.pk).name == "changed"


@pytest.mark.parametrize(
    "text", ['"', "\\", '\\"', "{a,b}", "NULL", "", "'; DROP TABLE x; --", "a\nb\tc", "%s %% \u00e5 \U0001f600", ","]
)
def test_any_text_arrives_as_it_is(scoped: Organization, text: str) -> None:
    put(scoped, text, "other")
    assert MirrorContact.objects.order_by("ref")[0].name == text


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_every_text_arrives_as_it_is(scoped: Organization, texts: list[str]) -> None:
    put(scoped, *texts)
    stored = dict(MirrorContact.objects.values_list("ref", "name"))
    assert [stored[str(n)] for n in range(len(texts))] == texts
