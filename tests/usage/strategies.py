"""Random products and people for the property tests, dense around the edges: the window's ends and the targets."""

from __future__ import annotations

from hypothesis import strategies as st

from startdeliver.usage.models import Basis, Goal
from startdeliver.usage.rules import Rule
from tests.usage.factories import TODAY, Person


def usages() -> st.SearchStrategy[dict[int, int]]:
    """Quantities by day, from before the widest window to tomorrow."""
    return st.dictionaries(st.integers(TODAY - 12, TODAY + 1), st.integers(1, 6), max_size=6)


def people_strategy() -> st.SearchStrategy[Person]:
    rarely = st.sampled_from([False, False, False, True])
    return st.builds(
        Person,
        usage=usages(),
        dependent=usages(),
        number=st.none() | st.sampled_from([0, 0.1, 1, 2.5, 4, 7]),
        gone=rarely,
        non_user=rarely,
    )


def peoples() -> st.SearchStrategy[list[Person]]:
    return st.lists(people_strategy(), max_size=5)


@st.composite
def rules(draw: st.DrawFn, no_news: bool | None = None) -> Rule:
    """Any valid rule; with `no_news` given, of that kind only."""
    goal = draw(st.sampled_from(list(Goal)))
    mirrored = draw(st.booleans()) if no_news is None else no_news
    unit = 10 if goal == Goal.DEPENDENT_COUNT else 1
    low = draw(st.sampled_from([0.1, 1, 2, 2.5, 4])) * unit
    high = low + draw(st.sampled_from([0, 0.5, 1, 3, 6])) * unit
    fair, good = (high, draw(st.sampled_from([0, low]))) if mirrored else (low, high)
    return Rule(
        goal=goal,
        fair=fair,
        good=good,
        basis=draw(st.sampled_from(list(Basis))),
        percent=draw(st.sampled_from([1, 20, 33, 34, 50, 67, 80, 100])),
        look_back_days=draw(st.sampled_from([1, 2, 5, 10])),
        only_users_with_product=draw(st.booleans()),
        no_news_is_good_news=mirrored,
    )
