"""Worked cases of usage health: each says in words what was computed by hand. `ago` counts days back from today.

The rule alone and the whole pass are both held to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from startdeliver.common.health import Health
from startdeliver.usage.models import Basis, Goal
from startdeliver.usage.rules import Rule
from tests.usage.factories import TODAY, Person

GOOD, FAIR, POOR = Health.GOOD, Health.FAIR, Health.POOR


@dataclass(frozen=True)
class Case:
    words: str
    rule: Rule
    people: list[Person]
    status: Health | None
    value: float | None
    number: float | None = None
    counts: tuple[int, int, int] | None = field(default=None)
    """Per user: users that count, at the good target, at the fair one."""


def ago(*days: int, each: int = 1) -> dict[int, int]:
    """Usage on the days that were so many days ago (0 is today), with this quantity on each."""
    return {TODAY - day: each for day in days}


def used(*days: int, each: int = 1) -> Person:
    return Person(usage=ago(*days, each=each))


def days_rule(fair: float = 5, good: float = 10, **options: object) -> Rule:
    return Rule(Goal.UNIQUE_DAYS, fair, good, **options)  # type: ignore[arg-type]


def count_rule(fair: float = 5, good: float = 10, **options: object) -> Rule:
    return Rule(Goal.USAGE_COUNT, fair, good, **options)  # type: ignore[arg-type]


def ratio_rule(fair: float = 50, good: float = 80, **options: object) -> Rule:
    return Rule(Goal.DEPENDENT_COUNT, fair, good, **options)  # type: ignore[arg-type]


def field_rule(fair: float = 3, good: float = 10, **options: object) -> Rule:
    return Rule(Goal.FIELD_VALUE, fair, good, **options)  # type: ignore[arg-type]


PER_USER = Basis.PER_USER

CASES = [
    # Unique days, customer total
    Case("ten different days, and ten are good: Good", days_rule(), [used(*range(10))], GOOD, 10),
    Case("nine days: one short of good, past fair's five: Fair", days_rule(), [used(*range(9))], FAIR, 9),
    Case("five days are exactly fair", days_rule(), [used(0, 1, 2, 3, 4)], FAIR, 5),
    Case("four days are under fair: Poor", days_rule(), [used(0, 1, 2, 3)], POOR, 4),
    Case("a hundred events on one day are one day: Poor", days_rule(), [used(0, each=100)], POOR, 1),
    Case(
        "two users on the same five days are five days, not ten: Fair",
        days_rule(),
        [used(0, 1, 2, 3, 4), used(0, 1, 2, 3, 4)],
        FAIR,
        5,
    ),
    Case(
        "two users on five and five other days are ten days: Good",
        days_rule(),
        [used(0, 1, 2, 3, 4), used(5, 6, 7, 8, 9)],
        GOOD,
        10,
    ),
    # The window
    Case(
        "seventy days back: two people on the days 0, 63, 64 and 69, one of them shared; day 70 is over: four days",
        days_rule(4, 5, look_back_days=70),
        [used(0, 63, 70), used(63, 64, 69)],
        FAIR,
        4,
    ),
    Case(
        "per user, 130 days back: one on three days of the window, the other on two of which one is over",
        days_rule(2, 3, basis=PER_USER, look_back_days=130),
        [used(0, 64, 129), used(128, 130)],
        GOOD,
        50,
        counts=(2, 1, 1),
    ),
    Case(
        "a window of 300 days: 299 days ago counts", days_rule(2, 3, look_back_days=300), [used(0, 256, 299)], GOOD, 3
    ),
    Case(
        "a window of 300 days: 300 days ago is over",
        days_rule(2, 3, look_back_days=300),
        [used(0, 256, 300)],
        FAIR,
        2,
    ),
    Case(
        "35 days with today: 34 days ago is the first that counts, so this is day five: Fair",
        days_rule(),
        [used(0, 1, 2, 3, 34)],
        FAIR,
        5,
    ),
    Case("35 days ago is outside, so four days remain: Poor", days_rule(), [used(0, 1, 2, 3, 35)], POOR, 4),
    Case(
        "a window of one day is today: today's three count",
        count_rule(1, 3, look_back_days=1),
        [used(0, each=3)],
        GOOD,
        3,
    ),
    Case(
        "a window of one day does not see yesterday; used before, so zero and Poor",
        count_rule(1, 3, look_back_days=1),
        [used(1, each=3)],
        POOR,
        0,
    ),
    Case(
        "tomorrow's usage (a clock that is ahead) does not count yet: no data", count_rule(1, 3), [used(-1)], None, None
    ),
    # Usage count
    Case("3 + 3 + 4 are ten: Good", count_rule(), [used(0, 5, each=3), used(9, each=4)], GOOD, 10),
    Case("nine of ten: Fair", count_rule(), [used(0, 1, 2, each=3)], FAIR, 9),
    Case("targets may be fractions: 2 reaches fair 1.5, not good 2.5", count_rule(1.5, 2.5), [used(0, 1)], FAIR, 2),
    # No data
    Case("a customer without users has no data", count_rule(), [], None, None),
    Case("a user who never used it: no data, never Poor", count_rule(), [Person()], None, None),
    Case("used 200 days ago and never since: zero, which is Poor", count_rule(), [used(200)], POOR, 0),
    Case(
        "who left does not count: of 12 events 4 remain: Poor",
        count_rule(),
        [used(0, each=4), Person(usage=ago(0, each=8), gone=True)],
        POOR,
        4,
    ),
    Case(
        "only the one who left used it: no data", count_rule(), [Person(), Person(usage=ago(0), gone=True)], None, None
    ),
    Case(
        "a non-user's usage is the customer's usage in total: 4 + 6 are ten: Good",
        count_rule(),
        [used(0, each=4), Person(usage=ago(0, each=6), non_user=True)],
        GOOD,
        10,
    ),
    # Per user
    Case(
        "one of two users is 50 %, and 50 % are asked for: Good",
        count_rule(1, 10, basis=PER_USER, percent=50),
        [used(0, each=10), Person()],
        GOOD,
        50,
        counts=(2, 1, 1),
    ),
    Case(
        "one of three at good is 33 %; all three at fair: Fair",
        count_rule(1, 10, basis=PER_USER, percent=50),
        [used(0, each=10), used(0), used(3)],
        FAIR,
        100 / 3,
        counts=(3, 1, 3),
    ),
    Case(
        "one of three at fair is 33 % of the asked 50 %: Poor",
        count_rule(1, 10, basis=PER_USER, percent=50),
        [used(0, each=10), Person(), Person()],
        POOR,
        100 / 3,
        counts=(3, 1, 1),
    ),
    Case(
        "own percentage: 3 of 8 are 37.5 %, and 37 % are asked for: Good",
        days_rule(1, 2, basis=PER_USER, percent=37),
        [used(0, 1)] * 3 + [Person()] * 5,
        GOOD,
        37.5,
        counts=(8, 3, 3),
    ),
    Case(
        "38 % are asked for: 37.5 % are not enough: Poor",
        days_rule(1, 2, basis=PER_USER, percent=38),
        [used(0, 1)] * 3 + [Person()] * 5,
        POOR,
        37.5,
        counts=(8, 3, 3),
    ),
    Case(
        "only users with the product: two of ten have it, both reach good: 100 %, Good",
        count_rule(1, 5, basis=PER_USER, percent=80, only_users_with_product=True),
        [used(0, each=5), used(2, each=5)] + [Person()] * 8,
        GOOD,
        100,
        counts=(2, 2, 2),
    ),
    Case(
        "the same without the option: two of ten are 20 % of the asked 80 %: Poor",
        count_rule(1, 5, basis=PER_USER, percent=80),
        [used(0, each=5), used(2, each=5)] + [Person()] * 8,
        POOR,
        20,
        counts=(10, 2, 2),
    ),
    Case(
        "who had it 90 days ago has the product: one of two is 50 % of the asked 80 %: Poor",
        count_rule(1, 5, basis=PER_USER, percent=80, only_users_with_product=True),
        [used(0, each=5), used(90), Person()],
        POOR,
        50,
        counts=(2, 1, 1),
    ),
    Case(
        "who left and who is flagged as a non-user are none of the users: one of one: Good",
        count_rule(1, 5, basis=PER_USER, percent=80),
        [used(0, each=5), Person(gone=True), Person(non_user=True)],
        GOOD,
        100,
        counts=(1, 1, 1),
    ),
    Case(
        "per user, only a non-user used it: nobody who counts has data",
        count_rule(1, 5, basis=PER_USER),
        [Person(usage=ago(0, each=9), non_user=True), Person()],
        None,
        None,
    ),
    # Dependent count
    Case(
        "8 invoices sent of 10 made are 80 %: Good",
        ratio_rule(),
        [Person(usage=ago(0, each=8), dependent=ago(1, each=10))],
        GOOD,
        80,
    ),
    Case(
        "5 of 10 by one user and 2 of 10 by another are 7 of 20, 35 %: Poor",
        ratio_rule(),
        [
            Person(usage=ago(0, each=5), dependent=ago(1, each=10)),
            Person(usage=ago(0, each=2), dependent=ago(1, each=10)),
        ],
        POOR,
        35,
    ),
    Case("6 made, none sent: 0 %, Poor", ratio_rule(), [Person(dependent=ago(0, each=6))], POOR, 0),
    Case("sent without any made: every share of zero is reached: Good", ratio_rule(), [used(0, each=3)], GOOD, None),
    Case(
        "neither sent nor made in the window: nothing to compare, no data",
        ratio_rule(),
        [Person(usage=ago(40), dependent=ago(40))],
        None,
        None,
    ),
    Case(
        "per user: one sends 80 % of its own, one 50 %, one has nothing: 1 of 3 good, 2 of 3 fair; 50 % asked: Fair",
        ratio_rule(basis=PER_USER, percent=50),
        [
            Person(usage=ago(0, each=8), dependent=ago(0, each=10)),
            Person(usage=ago(0, each=5), dependent=ago(0, each=10)),
            Person(),
        ],
        FAIR,
        100 / 3,
        counts=(3, 1, 2),
    ),
    # Field value
    Case("the customer's field says 12, good is 10: Good", field_rule(), [Person()], GOOD, 12, number=12),
    Case("2.5 is under fair's 3: Poor", field_rule(), [], POOR, 2.5, number=2.5),
    Case("no number in the field: no data, although people are there", field_rule(), [Person()], None, None),
    Case(
        "per user: 12, 4 and nothing: one of three good, two of three fair; 60 % asked: Fair",
        field_rule(basis=PER_USER, percent=60),
        [Person(number=12), Person(number=4), Person()],
        FAIR,
        100 / 3,
        counts=(3, 1, 2),
    ),
    Case(
        "only users with the product means users with a number: 12 and 4; one of two good, 60 % asked, both fair: Fair",
        field_rule(basis=PER_USER, percent=60, only_users_with_product=True),
        [Person(number=12), Person(number=4), Person()],
        FAIR,
        50,
        counts=(2, 1, 2),
    ),
    # No news is good news
    Case(
        "no errors at all: no data, and that is Good", count_rule(5, 0, no_news_is_good_news=True), [Person()], GOOD, 0
    ),
    Case(
        "three errors are over good's 0, within fair's 5: Fair",
        count_rule(5, 0, no_news_is_good_news=True),
        [used(0, each=3)],
        FAIR,
        3,
    ),
    Case("five errors are just within fair", count_rule(5, 0, no_news_is_good_news=True), [used(0, each=5)], FAIR, 5),
    Case("six errors are over fair: Poor", count_rule(5, 0, no_news_is_good_news=True), [used(0, each=6)], POOR, 6),
    Case(
        "errors 35 days ago are forgotten: Good",
        count_rule(5, 0, no_news_is_good_news=True),
        [used(35, each=6)],
        GOOD,
        0,
    ),
    Case("without users nobody could make news: no data", count_rule(5, 0, no_news_is_good_news=True), [], None, None),
    Case(
        "per user: three of four had no error, 75 % of the asked 80 %; all four at most 5: Fair",
        count_rule(5, 0, basis=PER_USER, percent=80, no_news_is_good_news=True),
        [used(0), Person(), Person(), Person()],
        FAIR,
        75,
        counts=(4, 3, 4),
    ),
    Case(
        "per user, only users with the product, and nobody has it: no news, Good",
        count_rule(5, 0, basis=PER_USER, no_news_is_good_news=True, only_users_with_product=True),
        [Person(), Person()],
        GOOD,
        None,
        counts=(0, 0, 0),
    ),
    Case(
        "2 failed of 100 sent are 2 %, good allows 1 %, fair 5 %: Fair",
        ratio_rule(5, 1, no_news_is_good_news=True),
        [Person(usage=ago(0, each=2), dependent=ago(0, each=100))],
        FAIR,
        2,
    ),
    Case(
        "2 failed and none sent: more than any share of nothing: Poor",
        ratio_rule(5, 1, no_news_is_good_news=True),
        [used(0, each=2)],
        POOR,
        None,
    ),
    Case(
        "no number in a field where less is better: Good", field_rule(9, 3, no_news_is_good_news=True), [], GOOD, None
    ),
    Case(
        "4 open invoices: over good's 3, within fair's 9: Fair",
        field_rule(9, 3, no_news_is_good_news=True),
        [],
        FAIR,
        4,
        number=4,
    ),
]
