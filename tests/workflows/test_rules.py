"""Rules as a person would check them by hand, and what must hold whatever happens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startdeliver.workflows.models import Leaves
from startdeliver.workflows.rules import Condition, Kind, Programme, Standing, Step, Terms, decide, holds, matching

TODAY = date(2026, 11, 2)
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HEALTH = Terms(Kind.ORDERED, ("good", "fair", "poor"))
CSM = Terms(Kind.CHOICE, ("1", "2"))
NUMBER, DATE, TEXT, FLAG = Terms(Kind.NUMBER), Terms(Kind.DATE), Terms(Kind.TEXT), Terms(Kind.FLAG)
POOR = Condition("health", "is", "poor")
FAIR = Condition("health", "is", "fair")
TERMS = {"health": HEALTH, "arr": NUMBER}


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


@pytest.mark.parametrize(
    ("terms", "op", "wanted", "value", "expected"),
    [
        (HEALTH, "is", "poor", "poor", True),
        (HEALTH, "is", "poor", "fair", False),
        (HEALTH, "is", "poor", None, False),
        (HEALTH, "is_not", "poor", "fair", True),
        (HEALTH, "is_not", "poor", None, True),
        (HEALTH, "or_worse", "fair", "poor", True),
        (HEALTH, "or_worse", "fair", "fair", True),
        (HEALTH, "or_worse", "fair", "good", False),
        (HEALTH, "or_worse", "fair", None, False),
        (HEALTH, "or_better", "fair", "good", True),
        (HEALTH, "or_better", "fair", "poor", False),
        (HEALTH, "or_better", "fair", "unheard-of", False),
        (HEALTH, "empty", None, None, True),
        (HEALTH, "empty", None, "good", False),
        (HEALTH, "set", None, "good", True),
        (CSM, "is", "1", "1", True),
        (CSM, "is_not", "1", "2", True),
        (NUMBER, "at_least", Decimal(40000), Decimal(40000), True),
        (NUMBER, "at_least", Decimal(40000), Decimal("39999.99"), False),
        (NUMBER, "at_least", Decimal(0), None, False),
        (NUMBER, "at_most", Decimal(3), Decimal(3), True),
        (NUMBER, "at_most", Decimal(3), None, False),
        (NUMBER, "is", Decimal("1.50"), Decimal("1.5"), True),
        (DATE, "next_days", 30, days(30), True),
        (DATE, "next_days", 30, days(31), False),
        (DATE, "next_days", 0, TODAY, True),
        (DATE, "next_days", 30, days(-1), False),
        (DATE, "last_days", 30, days(-30), True),
        (DATE, "last_days", 30, days(-31), False),
        (DATE, "last_days", 30, days(1), False),
        (DATE, "days_ago", 14, days(-14), True),
        (DATE, "days_ago", 14, days(-13), False),
        (DATE, "days_ago", 14, None, False),
        (DATE, "on_or_before", days(1), days(1), True),
        (DATE, "on_or_before", days(1), days(2), False),
        (DATE, "on_or_after", days(1), days(1), True),
        (DATE, "on_or_after", days(1), TODAY, False),
        (TEXT, "contains", "ROAD", "12 Broad Street", True),
        (TEXT, "contains", "lane", "12 Broad Street", False),
        (TEXT, "is", "enterprise", "Enterprise", True),
        (FLAG, "is", True, True, True),
        (FLAG, "is", False, True, False),
        (FLAG, "is", False, None, False),
    ],
)
def test_one_condition(terms: Terms, op: str, wanted: Any, value: Any, expected: bool) -> None:
    assert holds(Condition("fact", op, wanted), terms, value, TODAY) is expected


def test_groups_are_joined_by_or_and_conditions_by_and() -> None:
    large = Condition("arr", "at_least", Decimal(10))
    rule = ((POOR, large), (FAIR,))
    assert matching(rule, TERMS, {"health": "poor", "arr": Decimal(10)}, TODAY) == (POOR, large)
    assert matching(rule, TERMS, {"health": "poor", "arr": Decimal(9)}, TODAY) is None
    assert matching(rule, TERMS, {"health": "fair"}, TODAY) == (FAIR,)
    assert matching((), TERMS, {"health": "fair"}, TODAY) is None
    assert matching(((),), TERMS, {"health": "fair"}, TODAY) is None


BY_RULE, BY_HAND = Standing(enrolled=True, by_rule=True), Standing(enrolled=True)
WEEK = Programme(enrol=((POOR,),), after_days=7)
AT_ONCE = Programme(enrol=((POOR,),))
OWN_RULE = Programme(enrol=((POOR,),), leaves=Leaves.RULE, leave=((FAIR,),))
BOTH_HOLD = Programme(enrol=((FAIR,),), leaves=Leaves.RULE, leave=((FAIR,),))
ONLY_BY_HAND = Programme(enrol=((POOR,),), leaves=Leaves.BY_HAND)


def since(number: float, by_rule: bool = True) -> Standing:
    return Standing(enrolled=True, by_rule=by_rule, leaving_since=NOW - timedelta(days=number))


@pytest.mark.parametrize(
    ("programme", "standing", "health", "expected"),
    [
        (AT_ONCE, Standing(), "poor", Step.ENTER),
        (AT_ONCE, Standing(), "fair", Step.NOTHING),
        (AT_ONCE, Standing(hold_off=True), "poor", Step.NOTHING),
        (AT_ONCE, Standing(hold_off=True), "fair", Step.RELEASE),
        (AT_ONCE, BY_RULE, "poor", Step.NOTHING),
        (AT_ONCE, BY_RULE, "fair", Step.LEAVE),
        (AT_ONCE, BY_HAND, "fair", Step.NOTHING),
        (WEEK, BY_RULE, "fair", Step.BEGIN),
        (WEEK, since(6.9), "fair", Step.NOTHING),
        (WEEK, since(7), "fair", Step.LEAVE),
        (WEEK, since(6.9), "poor", Step.STAY),
        (WEEK, since(8, by_rule=False), "fair", Step.STAY),
        (OWN_RULE, BY_RULE, "good", Step.NOTHING),
        (OWN_RULE, BY_RULE, "fair", Step.LEAVE),
        (BOTH_HOLD, Standing(), "fair", Step.NOTHING),
        (ONLY_BY_HAND, BY_RULE, "good", Step.NOTHING),
        (Programme(hand_leaves_too=True), BY_HAND, "good", Step.NOTHING),
        (Programme(enrol=((POOR,),), hand_leaves_too=True), BY_HAND, "good", Step.LEAVE),
    ],
)
def test_one_decision(programme: Programme, standing: Standing, health: str, expected: Step) -> None:
    assert decide(programme, standing, TERMS, {"health": health}, NOW, TODAY).step is expected


@pytest.mark.parametrize("standing", [BY_RULE, BY_HAND, since(1)])
def test_an_archived_customer_leaves_and_does_not_enter(standing: Standing) -> None:
    facts = {"health": "poor"}
    assert decide(ONLY_BY_HAND, standing, TERMS, facts, NOW, TODAY, archived=True).step is Step.ARCHIVED
    assert decide(AT_ONCE, Standing(), TERMS, facts, NOW, TODAY, archived=True).step is Step.NOTHING


def after(step: Step, standing: Standing, now: datetime) -> Standing:
    """Where a customer stands once a step was done."""
    if step is Step.ENTER:
        return Standing(enrolled=True, by_rule=True)
    if step in (Step.LEAVE, Step.RELEASE, Step.ARCHIVED):
        return Standing()
    if step is Step.BEGIN:
        return Standing(enrolled=True, by_rule=standing.by_rule, leaving_since=now)
    if step is Step.STAY:
        return Standing(enrolled=True, by_rule=standing.by_rule)
    return standing


CONDITIONS = st.builds(
    Condition, st.just("health"), st.sampled_from(["is", "or_worse"]), st.sampled_from(HEALTH.options)
)
RULES = st.lists(st.lists(CONDITIONS, max_size=2).map(tuple), max_size=2).map(tuple)
PROGRAMMES = st.builds(
    Programme,
    enrol=RULES,
    leaves=st.sampled_from(Leaves.values),
    leave=RULES,
    after_days=st.integers(0, 3),
    hand_leaves_too=st.booleans(),
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "enrol", "remove"]), st.sampled_from([*HEALTH.options, None]), st.integers(0, 2)
    ),
    max_size=30,
)


@given(programme=PROGRAMMES, events=EVENTS)
@settings(deadline=None, max_examples=300)
def test_whatever_happens(programme: Programme, events: list[tuple[str, str | None, int]]) -> None:
    """People's decisions are kept, reasons to leave are waited for, and a pass done twice is a pass done once."""
    now, standing = NOW, Standing()
    for what, health, later in events:
        now += timedelta(days=later)
        facts = {"health": health}
        fits = matching(programme.enrol, TERMS, facts, now.date()) is not None
        if what == "enrol":
            standing = standing if standing.enrolled else Standing(enrolled=True)
        elif what == "remove":
            standing = Standing(hold_off=True) if standing.enrolled else standing
        before = standing
        step = decide(programme, standing, TERMS, facts, now, now.date()).step
        standing = after(step, standing, now)

        if step is Step.ENTER:
            assert fits
            assert not before.hold_off, "removed by hand, and the rule has held ever since"
        if step is Step.LEAVE:
            assert before.by_rule or programme.hand_leaves_too
            assert programme.leaves != Leaves.BY_HAND
            assert (before.leaving_since or now) + timedelta(days=programme.after_days) <= now
        if before.hold_off and step is Step.RELEASE:
            assert not fits
        # Who may enter at once after that has no reason to leave, and the other way round: no going to and fro.
        again = decide(programme, standing, TERMS, facts, now, now.date()).step
        assert again is Step.NOTHING
