"""Events in: matched, refused one by one, counted once whatever is retried."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.customers import custom
from startdeliver.customers.fields import field_create
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import CrossTenantWrite, organization_scope
from startdeliver.usage import health, rollup
from startdeliver.usage.ingest import Event, Item, ingest, store
from startdeliver.usage.models import Goal, NewEvent, UsageDay, UsageEvent, UsageHealth, UsageState
from startdeliver.usage.rules import Rule
from tests.usage.factories import NOW, TODAY, make_customer, make_product, make_type, make_user, the_organization

pytestmark = pytest.mark.usefixtures("frozen_now")
NOW_MS = int(NOW.timestamp() * 1000)
HOUR = 3_600_000


def cells() -> list[tuple[int, int, int]]:
    """The rollup: day (counted from today), events, quantity."""
    rollup.count_new(the_organization())
    rows = UsageDay.objects.order_by("user_id", "usage_type_id", "day").values_list("day", "count", "quantity")
    return [(day - TODAY, count, quantity) for day, count, quantity in rows]


def sent(organization: Organization, *items: Item) -> list[str]:
    return [result.code or result.status for result in ingest(organization, items)]


class TestMatching:
    def test_by_email_in_any_case_by_external_id_by_id_and_by_custom_field(self, scoped: Organization) -> None:
        for name, kind in (("Crm", "text"), ("No", "number")):
            field_create(organization=scoped, by="x", entity="user", name=name, type=kind)
        user = make_user(email="Ada@Acme.test", external_id="a-1", custom={"customfieldCrm": "c1", "customfieldNo": 42})
        custom.write(user, ["customfieldCrm", "customfieldNo"])
        make_type("login")
        items = [
            Item("ada@ACME.test ", "login", NOW_MS - 1),
            Item("a-1", "login", NOW_MS - 2, "externalId"),
            Item(user.pk, "login", NOW_MS - 3, "id"),
            Item(str(user.pk), "login", NOW_MS - 4, "id"),
            Item("c1", "login", NOW_MS - 5, "customfieldCrm"),
            Item(42, "login", NOW_MS - 6, "customfieldNo"),
            Item("42.0", "login", NOW_MS - 7, "customfieldNo"),
        ]
        assert sent(scoped, *items) == ["stored"] * 7
        strangers = [Item("c2", "login", None, "customfieldCrm"), Item("many", "login", None, "customfieldNo")]
        assert sent(scoped, *strangers) == ["unknown_user"] * 2
        assert set(UsageEvent.objects.values_list("user_id", flat=True)) == {user.pk}

    def test_a_shared_email_is_ambiguous_and_the_rest_is_stored(self, scoped: Organization) -> None:
        make_user(email="both@acme.test", external_id="1")
        make_user(email="BOTH@acme.test", external_id="2")
        make_type("login")
        assert sent(scoped, Item("both@acme.test", "login", NOW_MS), Item("2", "login", NOW_MS, "externalId")) == [
            "ambiguous_user",
            "stored",
        ]

    def test_an_archived_user_is_unknown(self, scoped: Organization) -> None:
        make_user(email="a@acme.test", archived_at=NOW)
        make_user(email="a@acme.test")
        make_user(email="b@acme.test", archived_at=NOW)
        make_type("login")
        assert sent(scoped, Item("a@acme.test", "login"), Item("b@acme.test", "login")) == ["stored", "unknown_user"]

    def test_another_organizations_user_and_type_are_unknown(
        self, scoped: Organization, other_organization: Organization
    ) -> None:
        user, kind = make_user(email="a@acme.test"), make_type("login")
        with organization_scope(other_organization):
            other = make_user(email="b@other.test")
            make_type("call")
            assert sent(
                other_organization,
                Item("a@acme.test", "call"),
                Item(user.pk, "call", None, "id"),
                Item("b@other.test", "login"),
                Item("b@other.test", kind.pk),
            ) == ["unknown_user", "unknown_user", "unknown_type", "unknown_type"]
            assert store(other_organization, [Event(user.pk, kind.pk, NOW_MS)]) == [False]
            with pytest.raises(CrossTenantWrite):
                ingest(scoped, [])
        assert store(scoped, [Event(other.pk, kind.pk, NOW_MS), Event(user.pk, kind.pk, NOW_MS)]) == [False, True]

    def test_the_type_by_alias_before_name_and_by_id(self, scoped: Organization) -> None:
        user = make_user(email="a@acme.test")
        first = make_type("login")
        second = make_type("other")
        second.name = "login"
        second.save()
        make_type("gone", archived_at=NOW)
        assert sent(
            scoped,
            Item("a@acme.test", "LOGIN", NOW_MS),
            Item("a@acme.test", second.pk, NOW_MS),
            Item("a@acme.test", str(second.pk), NOW_MS - 1),
            Item("a@acme.test", "gone", NOW_MS),
        ) == ["stored", "stored", "stored", "unknown_type"]
        stored = UsageEvent.objects.order_by("-timestamp", "usage_type").values_list("user", "usage_type")
        assert list(stored) == [(user.pk, first.pk), (user.pk, second.pk), (user.pk, second.pk)]


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"user": "nobody@acme.test"}, "userId", "unknown_user"),
        ({"user": ""}, "userId", "unknown_user"),
        ({"user": None}, "userId", "unknown_user"),
        ({"user": ["a@acme.test"]}, "userId", "unknown_user"),
        ({"user": "x", "match_on": "id"}, "userId", "unknown_user"),
        ({"user": "a\x00b"}, "userId", "unknown_user"),
        ({"match_on": "shoe size"}, "startdeliverUserFieldToMatchOn", "bad_field"),
        ({"match_on": "customfieldUnheardOf"}, "startdeliverUserFieldToMatchOn", "bad_field"),
        ({"match_on": "customfield'; DROP"}, "startdeliverUserFieldToMatchOn", "bad_field"),
        ({"match_on": {}}, "startdeliverUserFieldToMatchOn", "bad_field"),
        ({"usage_type": "logout"}, "usageType", "unknown_type"),
        ({"usage_type": None}, "usageType", "unknown_type"),
        ({"usage_type": {}}, "usageType", "unknown_type"),
        ({"usage_type": True}, "usageType", "unknown_type"),
        ({"timestamp": NOW_MS // 1000}, "timestamp", "bad_timestamp"),
        ({"timestamp": "yesterday"}, "timestamp", "bad_timestamp"),
        ({"timestamp": 1.5}, "timestamp", "bad_timestamp"),
        ({"timestamp": True}, "timestamp", "bad_timestamp"),
        ({"timestamp": NOW_MS + 2 * HOUR}, "timestamp", "bad_timestamp"),
        ({"timestamp": -1}, "timestamp", "bad_timestamp"),
        ({"timestamp": 10**30}, "timestamp", "bad_timestamp"),
        ({"quantity": 0}, "quantity", "bad_quantity"),
        ({"quantity": 2.5}, "quantity", "bad_quantity"),
        ({"quantity": 10**30}, "quantity", "bad_quantity"),
        ({"external_id": "x" * 256}, "id", "bad_id"),
    ],
)
def test_what_is_wrong_is_said_of_the_item_and_the_rest_is_stored(
    scoped: Organization, changed: dict[str, Any], field: str, code: str
) -> None:
    make_user(email="a@acme.test")
    make_type("login")
    fine = Item("a@acme.test", "login", NOW_MS)
    wrong, right = ingest(scoped, [fine._replace(timestamp=NOW_MS - 1)._replace(**changed), fine])
    assert (wrong.status, wrong.field, wrong.code) == ("error", field, code)
    assert wrong.message.endswith(".")
    assert right.ok
    assert UsageEvent.objects.count() == 1


class TestOnce:
    def test_sent_again_it_is_a_duplicate_and_counts_once(self, scoped: Organization) -> None:
        make_user(email="a@acme.test")
        make_type("login")
        items = [Item("a@acme.test", "login", NOW_MS - n) for n in range(3)]
        assert sent(scoped, *items) == ["stored"] * 3
        assert sent(scoped, *items, Item("a@acme.test", "login", NOW_MS - 9)) == ["duplicate"] * 3 + ["stored"]
        assert cells() == [(0, 4, 4)]

    def test_twice_in_one_list(self, scoped: Organization) -> None:
        make_user(email="a@acme.test")
        make_type("login")
        item = Item("a@acme.test", "login", NOW_MS)
        assert sent(scoped, item, item) == ["stored", "duplicate"]
        assert cells() == [(0, 1, 1)]

    def test_the_senders_id_tells_events_of_the_same_millisecond_apart(self, scoped: Organization) -> None:
        make_user(email="a@acme.test")
        make_type("login")
        item = Item("a@acme.test", "login", NOW_MS)
        many = [item, item._replace(external_id="x"), item._replace(external_id="y"), item._replace(external_id="x")]
        assert sent(scoped, *many) == ["stored", "stored", "stored", "duplicate"]

    def test_nothing_new_touches_nothing(self, scoped: Organization) -> None:
        make_user(email="a@acme.test")
        make_type("login")
        ingest(scoped, [Item("a@acme.test", "login", NOW_MS)])
        health.refresh(scoped)
        ingest(scoped, [Item("a@acme.test", "login", NOW_MS)])
        assert not NewEvent.objects.exists()

    def test_more_than_one_statement_holds(self, scoped: Organization) -> None:
        user, kind = make_user(email="a@acme.test"), make_type("login")
        events = [Event(user.pk, kind.pk, NOW_MS - n) for n in range(2500)]
        assert store(scoped, events) == [True] * 2500
        assert cells() == [(0, 2500, 2500)]


class TestRollup:
    def test_by_day_of_the_organizations_time_zone_with_summer_time(self, scoped: Organization) -> None:
        scoped.time_zone = "Europe/Berlin"
        scoped.save()
        make_user(email="a@acme.test")
        make_type("login")
        # In Berlin, summer time ended on 25 October 2026 at 03:00: until then UTC+2, afterwards UTC+1.
        moments = {
            datetime(2026, 10, 24, 21, 59, tzinfo=UTC): -9,  # 23:59 on the 24th
            datetime(2026, 10, 24, 22, 0, tzinfo=UTC): -8,  # 00:00 on the 25th
            datetime(2026, 10, 25, 22, 59, tzinfo=UTC): -8,  # 23:59 on the 25th
            datetime(2026, 10, 25, 23, 0, tzinfo=UTC): -7,  # 00:00 on the 26th
        }
        items = [Item("a@acme.test", "login", int(moment.timestamp() * 1000)) for moment in moments]
        ingest(scoped, items)
        expected = [(-9, 1, 1), (-8, 2, 2), (-7, 1, 1)]
        assert cells() == expected
        rollup.rebuild(scoped)
        assert cells() == expected

    def test_quantities_add_up_and_the_newest_event_is_kept(self, scoped: Organization) -> None:
        make_user(email="a@acme.test")
        make_type("export")
        ingest(scoped, [Item("a@acme.test", "export", NOW_MS, quantity=3)])
        ingest(scoped, [Item("a@acme.test", "export", NOW_MS - HOUR, quantity=4)])
        assert cells() == [(0, 2, 7)]
        assert UsageDay.objects.get().last_at == NOW_MS

    def test_a_changed_time_zone_counts_all_days_anew(self, scoped: Organization) -> None:
        make_user(email="a@acme.test")
        make_type("login")
        late = int(datetime(2026, 11, 1, 23, 30, tzinfo=UTC).timestamp() * 1000)
        ingest(scoped, [Item("a@acme.test", "login", late)])
        assert cells() == [(-1, 1, 1)]
        scoped.time_zone = "Asia/Tokyo"
        scoped.save()
        # Until the refresh, the days stay those that the rollup began with.
        ingest(scoped, [Item("a@acme.test", "login", late + 1)])
        assert cells() == [(-1, 2, 2)]
        health.refresh(scoped)
        assert cells() == [(0, 2, 2)]
        assert UsageState.objects.get().time_zone == "Asia/Tokyo"

    def test_rebuilding_forgets_what_it_has_counted(self, scoped: Organization) -> None:
        user, kind = make_user(), make_type()
        store(scoped, [Event(user.pk, kind.pk, NOW_MS)])
        rollup.rebuild(scoped)
        assert cells() == [(0, 1, 1)]
        other = make_user()
        store(scoped, [Event(user.pk, kind.pk, NOW_MS - 1), Event(other.pk, kind.pk, NOW_MS)])
        rollup.rebuild(scoped, [user.pk])
        assert cells() == [(0, 2, 2), (0, 1, 1)]

    def test_events_of_a_deleted_user_go_with_the_next_refresh(self, scoped: Organization) -> None:
        user, other, kind = make_user(), make_user(), make_type()
        store(scoped, [Event(user.pk, kind.pk, NOW_MS)])
        health.refresh(scoped)
        store(scoped, [Event(user.pk, kind.pk, NOW_MS - 1), Event(other.pk, kind.pk, NOW_MS)])
        user.delete()
        health.refresh(scoped)
        assert list(UsageEvent.objects.values_list("user_id", flat=True)) == [other.pk]
        assert cells() == [(0, 1, 1)]

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        batches=st.lists(
            st.lists(
                st.tuples(
                    st.integers(0, 1),
                    st.integers(0, 1),
                    st.integers(NOW_MS - 400 * 24 * HOUR, NOW_MS) | st.sampled_from([NOW_MS, NOW_MS - 1]),
                    st.sampled_from(["", "x"]),
                    st.integers(1, 3),
                ),
                max_size=6,
            ),
            max_size=4,
        ),
    )
    def test_counting_as_they_come_equals_counting_anew(
        self, db: None, zone: str, batches: list[list[tuple[int, int, int, str, int]]]
    ) -> None:
        slug = f"random-{Organization.objects.count()}"
        organization = Organization.objects.create(name="Random", slug=slug, time_zone=zone)
        with organization_scope(organization):
            users, kinds = [make_user(), make_user()], [make_type(), make_type()]
            for batch in batches:
                events = [Event(users[u].pk, kinds[k].pk, *rest) for u, k, *rest in batch]  # type: ignore[arg-type]
                store(organization, events)
                if len(events) % 2:
                    rollup.count_new(organization)
            rollup.count_new(organization)
            columns = ("user_id", "usage_type_id", "day", "count", "quantity", "last_at")
            counted = set(UsageDay.objects.values_list(*columns))
            assert sum(row[3] for row in counted) == UsageEvent.objects.count()
            rollup.rebuild(organization)
            assert set(UsageDay.objects.values_list(*columns)) == counted


def test_events_change_the_health_of_whom_they_touch(scoped: Organization) -> None:
    kind, unrelated = make_type("login"), make_type("other")
    make_product(Rule(Goal.USAGE_COUNT, 1, 2), kind)
    customers = [make_customer(name) for name in ("A", "B")]
    users = [make_user(customer) for customer in customers]
    health.refresh(scoped)
    store(scoped, [Event(users[0].pk, kind.pk, NOW_MS), Event(users[1].pk, unrelated.pk, NOW_MS)])
    assert health.refresh(scoped) == {customers[0].pk}
    assert UsageHealth.objects.get().status == "fair"
    store(scoped, [Event(users[0].pk, kind.pk, NOW_MS - 1)])
    assert health.refresh(scoped) == {customers[0].pk}
    assert UsageHealth.objects.get().status == "good"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's keys carry nothing along")
def test_the_rollups_key_carries_the_quantity(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'usage_usageday_pkey'")
        assert cursor.fetchone()[0].endswith("(organization_id, user_id, usage_type_id, day) INCLUDE (quantity)")
