"""The rule of usage health as pure functions: worked cases, and what must hold for all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startdeliver.common.health import Health
from startdeliver.usage.models import Basis, Goal
from startdeliver.usage.rules import Person as MeasuredPerson
from startdeliver.usage.rules import Rule, mean, window
from startdeliver.usage.rules import judge as judge_measured
from tests.usage.cases import CASES, Case
from tests.usage.factories import TODAY, Person, judge
from tests.usage.strategies import peoples, rules, usages

RANK = {None: -1, Health.POOR: 0, Health.FAIR: 1, Health.GOOD: 2}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words)
def test_worked_case(case: Case) -> None:
    verdict = judge(case.rule, case.people, TODAY, case.number)
    assert verdict.status == case.status
    assert verdict.value == (None if case.value is None else pytest.approx(case.value))
    if case.counts is not None:
        assert (verdict.user_count, verdict.good_count, verdict.fair_count) == case.counts


def test_a_product_with_nothing_to_measure_has_no_data_even_when_no_news_is_good_news() -> None:
    rule = Rule(Goal.USAGE_COUNT, 5, 0, no_news_is_good_news=True)
    assert judge_measured(rule, [MeasuredPerson()], measured=False).status is None


def test_the_window_is_whole_days_with_today() -> None:
    assert list(window(100, 3)) == [98, 99, 100]


@pytest.mark.parametrize(
    ("statuses", "status", "score"),
    [
        (["good", "fair"], "good", 1.5),  # exactly 1.5 is Good
        (["good", "good", "fair", "poor"], "fair", 1.25),
        (["fair", "poor"], "fair", 0.5),  # exactly 0.5 is Fair
        (["fair", "poor", "poor"], "poor", 1 / 3),
        (["good", None, None], "good", 2.0),  # no data is left out of the mean
        ([None, None], None, None),
        ([], None, None),
    ],
)
def test_mean(statuses: list[Any], status: str | None, score: float | None) -> None:
    assert mean(Health(each) if each else None for each in statuses) == (status, score)


def more_usage(people: list[Person], index: int, usage: dict[int, int], rule: Rule) -> list[Person]:
    """The people, one of them with more usage of the product's types; none when there are none."""
    if not people:
        return people
    one = people[index % len(people)]
    if rule.only_users_with_product and rule.basis == Basis.PER_USER and not any(day <= TODAY for day in one.usage):
        # A first use makes the user one of those who are counted; that may lower a percentage, and should.
        return people
    added = {day: one.usage.get(day, 0) + usage.get(day, 0) for day in {*one.usage, *usage}}
    return [replace(person, usage=added) if person is one else person for person in people]


@given(rules(no_news=False), peoples(), st.integers(0, 9), usages())
def test_more_usage_never_lowers(rule: Rule, people: list[Person], index: int, usage: dict[int, int]) -> None:
    before = judge(rule, people, TODAY)
    after = judge(rule, more_usage(people, index, usage, rule), TODAY)
    assert RANK[after.status] >= RANK[before.status]


@given(rules(no_news=True), peoples(), st.integers(0, 9), usages())
def test_more_news_never_raises(rule: Rule, people: list[Person], index: int, usage: dict[int, int]) -> None:
    before = judge(rule, people, TODAY)
    after = judge(rule, more_usage(people, index, usage, rule), TODAY)
    assert RANK[after.status] <= RANK[before.status]


@given(rules(no_news=False), peoples(), st.floats(0, 1000) | st.none())
def test_good_is_never_given_without_data(rule: Rule, people: list[Person], number: float | None) -> None:
    idle = [replace(person, usage={}, dependent={}, number=None) for person in people]
    verdict = judge(rule, idle, TODAY, None)
    assert verdict.status is None
