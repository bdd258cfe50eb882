"""The examples of docs/usage-health.md, worked out by the rule itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from startdeliver.common.health import Health
from startdeliver.usage import days
from startdeliver.usage.models import Basis, Goal
from startdeliver.usage.rules import Rule, mean, window
from tests.usage.factories import Person, judge

TODAY = days.number(date(2026, 11, 2))
PAGE = (Path(__file__).parents[2] / "docs" / "usage-health.md").read_text(encoding="utf-8")


def october(*numbers: int) -> dict[int, int]:
    return {days.number(date(2026, 10, number)): 1 for number in numbers}


def on_days(number: int) -> Person:
    return Person(usage={TODAY - day: 1 for day in range(number)})


def test_the_window_of_35_days() -> None:
    found = window(TODAY, 35)
    assert (days.as_date(found.start), days.as_date(found.stop - 1)) == (date(2026, 9, 29), date(2026, 11, 2))
    assert "from 29 September to 2 November" in PAGE


@pytest.mark.parametrize(
    ("statuses", "expected", "score"),
    [
        ([Health.GOOD, Health.FAIR], Health.GOOD, 1.5),
        ([Health.GOOD, Health.FAIR, Health.POOR], Health.FAIR, 1),
        ([None, None], None, None),
    ],
)
def test_the_mean(statuses: list[Health | None], expected: Health | None, score: float | None) -> None:
    assert mean(statuses) == (expected, score)


@pytest.mark.parametrize(
    ("goal", "good", "fair", "people", "number", "expected", "line"),
    [
        (
            Goal.UNIQUE_DAYS,
            10,
            4,
            [Person(usage=october(1, 2, 3)), Person(usage=october(3, 4))],
            None,
            Health.FAIR,
            "| Unique days | days on which anybody logged in | 10 | 4 | Ada on 1, 2 and 3 October, "
            "Ben on 3 and 4 October: 4 days | Fair |",
        ),
        (
            Goal.USAGE_COUNT,
            50,
            20,
            [Person(usage={TODAY: 18}), Person(usage={TODAY - 3: 4})],
            None,
            Health.FAIR,
            "| Usage count | reports opened | 50 | 20 | Ada 18, Ben 4: 22 in all | Fair |",
        ),
        (
            Goal.DEPENDENT_COUNT,
            80,
            50,
            [Person(usage={TODAY: 24}, dependent={TODAY: 30})],
            None,
            Health.GOOD,
            "| 80 % | 50 % | 24 sent of 30 made: 80 % | Good |",
        ),
        (Goal.FIELD_VALUE, 80, 50, [Person()], 31.0, Health.POOR, "| 80 | 50 | the field says 31 | Poor |"),
    ],
)
def test_each_goal_type(
    goal: Goal, good: float, fair: float, people: list[Person], number: float | None, expected: Health, line: str
) -> None:
    assert judge(Rule(goal, fair=fair, good=good), people, TODAY, number).status == expected
    assert line in PAGE


@pytest.mark.parametrize(("second", "expected", "at_good"), [(9, Health.GOOD, 2), (7, Health.FAIR, 1)])
def test_per_user(second: int, expected: Health, at_good: int) -> None:
    rule = Rule(Goal.UNIQUE_DAYS, fair=4, good=8, basis=Basis.PER_USER, percent=50)
    found = judge(rule, [on_days(12), on_days(second), on_days(5), on_days(0)], TODAY)
    assert (found.status, found.good_count, found.fair_count) == (expected, at_good, 3)


@pytest.mark.parametrize(("errors", "expected"), [(0, Health.GOOD), (4, Health.FAIR), (11, Health.POOR)])
def test_no_news_is_good_news(errors: int, expected: Health) -> None:
    rule = Rule(Goal.USAGE_COUNT, fair=10, good=3, no_news_is_good_news=True)
    assert judge(rule, [Person(usage={TODAY: errors} if errors else {})], TODAY).status == expected


def test_who_stopped_has_data_and_nobody_has_none() -> None:
    rule = Rule(Goal.UNIQUE_DAYS, fair=4, good=8)
    assert judge(rule, [Person(usage={TODAY - 400: 1})], TODAY).status == Health.POOR
    assert judge(rule, [Person()], TODAY).status is None
    assert judge(rule, [], TODAY).status is None
    assert judge(rule, [Person(usage={TODAY: 1}, gone=True)], TODAY).status is None
