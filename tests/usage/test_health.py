"""The pass: the same cases as the rule alone, the same answer on random data, and what a refresh looks at."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startdeliver.changes.models import Change, Stage
from startdeliver.changes.queue import hand_out, waits
from startdeliver.common import clock
from startdeliver.customers.models import CustomerUser
from startdeliver.tenancy.models import Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage import health, passes
from startdeliver.usage.models import Basis, Goal, HealthChange, Product, ProductHealth, ProductUsageType, UsageHealth
from startdeliver.usage.rules import Rule, Verdict
from tests.usage.cases import CASES
from tests.usage.factories import (
    NOW,
    TODAY,
    Person,
    add_people,
    add_usage,
    build,
    judge,
    make_customer,
    make_product,
    make_type,
    make_user,
)
from tests.usage.strategies import peoples, rules


def stored(customer: int, product: int) -> Verdict:
    row = ProductHealth.objects.filter(customer=customer, product=product).first()
    if row is None:
        return Verdict(None)
    return Verdict(row.status, row.value, row.user_count, row.good_count, row.fair_count)


def test_worked_cases_in_the_database(scoped: Organization, frozen_now: object) -> None:
    built = [build(case.rule, case.people, case.number) for case in CASES]
    health.recompute(scoped)
    for case, (customer, product) in zip(CASES, built, strict=True):
        found = stored(customer.pk, product.pk)
        assert found.status == case.status, case.words
        assert found.value == (None if case.value is None else pytest.approx(case.value)), case.words
        if case.counts is not None and case.status is not None:
            assert (found.user_count, found.good_count, found.fair_count) == case.counts, case.words


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules(), st.lists(st.tuples(peoples(), st.none() | st.sampled_from([0, 1, 2.5, 4, 7])), min_size=1, max_size=3))
def test_a_pass_equals_the_rule_alone(db: None, rule: Rule, customers: list[tuple[list[Person], float | None]]) -> None:
    with clock.frozen(NOW):
        number = Organization.objects.count() + 1
        organization = Organization.objects.create(name="Random", slug=f"random-{number}")
        with organization_scope(organization):
            own, other = make_type(), make_type()
            product = make_product(
                rule,
                own,
                field_alias="customfieldSeats" if rule.goal == Goal.FIELD_VALUE else "",
                dependent_type=other if rule.goal == Goal.DEPENDENT_COUNT else None,
            )
            made = [add_people(own, other, people, seats) for people, seats in customers]
            for every in (True, False):
                ProductHealth.objects.all().delete()
                health.recompute(organization, None if every else [customer.pk for customer in made])
                for customer, (people, seats) in zip(made, customers, strict=True):
                    expected = judge(rule, people, TODAY, seats)
                    found = stored(customer.pk, product.pk)
                    assert found.status == expected.status
                    if expected.status is not None:
                        assert found == expected


def test_chunks_of_customers_are_computed_alike(
    scoped: Organization, frozen_now: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = [build(case.rule, case.people, case.number) for case in CASES]
    monkeypatch.setattr(passes, "_AT_ONCE", dict.fromkeys(passes._AT_ONCE, 7))
    assert health.recompute(scoped)
    for case, (customer, product) in zip(CASES, built, strict=True):
        assert stored(customer.pk, product.pk).status == case.status, case.words


COUNT = Rule(Goal.USAGE_COUNT, 5, 10)


def test_the_mean_leaves_out_products_that_are_excluded_archived_or_without_data(
    scoped: Organization, frozen_now: object
) -> None:
    customer = make_customer()
    user = make_user(customer)
    kinds = [make_type() for _ in range(5)]
    products = [make_product(COUNT, kind) for kind in kinds]
    for kind, quantity in zip(kinds, [10, 5, 1, 1], strict=False):
        add_usage(user, kind, {TODAY: quantity})
    Product.objects.filter(pk=products[2].pk).update(include_in_average=False)
    Product.objects.filter(pk=products[3].pk).update(archived_at=NOW)
    health.recompute(scoped)
    # Good 2 and Fair 1: (2 + 1) / 2 = 1.5. The third is Poor but excluded, the fourth archived, the fifth without data.
    mean = UsageHealth.objects.get(customer=customer)
    assert (mean.status, mean.score, mean.product_count) == ("good", 1.5, 2)
    assert stored(customer.pk, products[2].pk).status == "poor"


def test_a_change_is_kept_with_its_time_and_what_was_before(scoped: Organization) -> None:
    customer, _product = build(COUNT, [Person(usage={TODAY: 10})])
    with clock.frozen(NOW):
        assert health.recompute(scoped) == {customer.pk}
    with clock.frozen(NOW + timedelta(hours=1)):
        assert health.recompute(scoped) == set()
    row = UsageHealth.objects.get(customer=customer)
    assert (row.status, row.previous_status, row.changed_at) == ("good", None, NOW)
    later = NOW + timedelta(days=35)
    with clock.frozen(later):
        assert health.recompute(scoped) == {customer.pk}
    row.refresh_from_db()
    assert (row.status, row.previous_status, row.changed_at) == ("poor", "good", later)
    remembered = HealthChange.objects.filter(customer=customer).order_by("pk")
    assert list(remembered.values_list("at", "previous_status", "status")) == [
        (NOW, None, "good"),
        (later, "good", "poor"),
    ]


@pytest.mark.parametrize("only_users_with_product", [False, True])
def test_a_field_needs_no_usage_type(scoped: Organization, frozen_now: object, only_users_with_product: bool) -> None:
    rule = Rule(Goal.FIELD_VALUE, 5, 10, Basis.PER_USER, only_users_with_product=only_users_with_product)
    product = make_product(rule, field_alias="customfieldSeats")
    customer = make_customer()
    make_user(customer, custom={"customfieldSeats": 12})
    make_user(customer)
    health.recompute(scoped)
    assert stored(customer.pk, product.pk) == (
        Verdict("good", 100.0, 1, 1, 1) if only_users_with_product else Verdict("good", 50.0, 2, 1, 1)
    )


def test_data_that_goes_away_is_no_data_again(scoped: Organization, frozen_now: object) -> None:
    customer, product = build(COUNT, [Person(usage={TODAY: 10})])
    health.recompute(scoped)
    ProductUsageType.objects.filter(product=product).delete()
    health.recompute(scoped)
    assert ProductHealth.objects.get(customer=customer, product=product).status is None
    assert UsageHealth.objects.get(customer=customer).status is None


def test_archived_customers_keep_what_they_had(scoped: Organization, frozen_now: object) -> None:
    customer, _product = build(COUNT, [Person(usage={TODAY: 10})])
    health.recompute(scoped)
    customer.archived_at = NOW
    customer.save()
    CustomerUser.objects.filter(customer=customer).update(has_left_at=NOW)
    health.recompute(scoped)
    assert UsageHealth.objects.get(customer=customer).status == "good"


class TestRefresh:
    def test_nothing_changed_nothing_is_written(
        self, scoped: Organization, frozen_now: object, django_assert_max_num_queries: object
    ) -> None:
        build(COUNT, [Person(usage={TODAY: 10})])
        health.refresh(scoped)
        hand_out(scoped)
        with django_assert_max_num_queries(4):  # type: ignore[operator]
            assert health.refresh(scoped) == set()

    def test_a_user_that_moves_takes_its_usage_along(self, scoped: Organization, frozen_now: object) -> None:
        customer, product = build(COUNT, [Person(usage={TODAY: 10})])
        other = make_customer("Contoso")
        make_user(other)
        health.refresh(scoped)
        CustomerUser.objects.filter(customer=customer).update(customer=other)
        assert health.refresh(scoped) == {customer.pk, other.pk}
        assert stored(customer.pk, product.pk).status is None
        assert stored(other.pk, product.pk).status == "good"
        assert not waits(scoped, Stage.USAGE)

    def test_a_new_user_changes_a_percentage(self, scoped: Organization, frozen_now: object) -> None:
        rule = Rule(Goal.USAGE_COUNT, 5, 10, basis=Basis.PER_USER, percent=80)
        customer, product = build(rule, [Person(usage={TODAY: 10})])
        health.refresh(scoped)
        assert stored(customer.pk, product.pk).status == "good"
        make_user(customer)
        health.refresh(scoped)
        assert stored(customer.pk, product.pk).status == "poor"

    def test_a_field_value_changes(self, scoped: Organization, frozen_now: object) -> None:
        customer, product = build(Rule(Goal.FIELD_VALUE, 5, 10), [], 3)
        health.refresh(scoped)
        customer.custom = {"customfieldSeats": 30}
        customer.save()
        health.refresh(scoped)
        assert stored(customer.pk, product.pk).status == "good"

    def test_windows_move_with_the_day(self, scoped: Organization) -> None:
        customer, product = build(COUNT, [Person(usage={TODAY - 34: 10})])
        with clock.frozen(NOW):
            health.refresh(scoped)
            assert stored(customer.pk, product.pk).status == "good"
        with clock.frozen(NOW + timedelta(hours=12)):
            assert health.refresh(scoped) == {customer.pk}
            assert stored(customer.pk, product.pk).status == "poor"
            assert health.refresh(scoped) == set()

    def test_the_day_is_the_organizations(self, scoped: Organization) -> None:
        scoped.time_zone = "Pacific/Auckland"
        scoped.save()
        # 2 November 12:00 UTC is 3 November 01:00 in Auckland (UTC+13): the 34 days before begin on 30 September.
        customer, product = build(COUNT, [Person(usage={TODAY + 1 - 35: 10})])
        with clock.frozen(NOW):
            health.refresh(scoped)
        assert stored(customer.pk, product.pk).status == "poor"

    def test_very_many_changes_are_one_look_at_everything(
        self, scoped: Organization, frozen_now: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health.refresh(scoped)
        customer, product = build(COUNT, [Person(usage={TODAY: 10})])
        monkeypatch.setattr(health, "_MANY", 1)
        assert health.refresh(scoped) == {customer.pk}
        assert stored(customer.pk, product.pk).status == "good"
        assert not waits(scoped, Stage.USAGE)

    def test_another_organization_stays_untouched(
        self, scoped: Organization, other_organization: Organization, frozen_now: object
    ) -> None:
        customer, product = build(COUNT, [Person(usage={TODAY: 10})])
        health.recompute(scoped)
        add_usage(CustomerUser.objects.get(), product.usage_types.get(), {TODAY - 1: 1})
        Change.objects.all().delete()
        with organization_scope(other_organization):
            assert health.recompute(other_organization, [customer.pk]) == set()
            assert not ProductHealth.objects.exists()
